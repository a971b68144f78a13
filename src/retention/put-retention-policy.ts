/**
 * Sets the policy of an image definition. Invariants:
 *  1. A policy deletes only what its setter could see. Mode `delete` is refused unless the same
 *     rules are stored already, because storing them returned what they delete.
 *  2. What is refused, or cannot be evaluated, is not stored.
 */
import { ServiceError } from "../errors.js";
import type { Requester } from "../operation/records.js";
import { evaluateRetention, type Evaluation } from "./evaluate-retention.js";
import type { RetentionDependencies, RetentionPolicy, RetentionRules } from "./ports.js";

interface PutRetentionPolicy {
  readonly imageId: string;
  readonly rules: RetentionRules;
  readonly mode: RetentionPolicy["mode"];
  readonly setBy: Requester;
}

/**
 * Returns the policy and what it would delete now. Throws ServiceError InvalidRequest for a policy
 * without a rule; DryRunFirst; NotFound if Azure has no such image definition; StateConflict if
 * somebody else sets it at the same time.
 */
export async function putRetentionPolicy(
  deps: RetentionDependencies,
  { imageId, rules, mode, setBy }: PutRetentionPolicy,
): Promise<{ policy: RetentionPolicy; evaluation: Evaluation }> {
  if (rules.keepNewestPromoted === undefined && rules.deleteAfterEndOfLifeDays === undefined)
    throw new ServiceError("InvalidRequest", "The policy has no rule.", {
      findings: [
        {
          code: "RetentionRuleMissing",
          pointer: "",
          message:
            "Set `keepNewestPromoted`, `deleteAfterEndOfLifeDays`, or both. To delete nothing, DELETE the policy.",
        },
      ],
    });
  const stored = await deps.policies.read(imageId);
  if (mode === "delete" && !sameRules(stored?.document.rules, rules))
    throw new ServiceError(
      "DryRunFirst",
      `${stored === undefined ? "There is no policy yet" : "The stored policy has other rules"}, so no dry run has shown what the new rules delete.`,
      {
        findings: [
          {
            code: "DryRunFirst",
            pointer: "/mode",
            message:
              "Send the same rules with `dryRun` first; the answer lists what they delete. Then send them with `delete`.",
          },
        ],
      },
    );
  const evaluation = await evaluateRetention(deps, imageId, rules);
  const policy: RetentionPolicy = {
    imageId,
    rules,
    mode,
    setBy,
    setTime: deps.imageVersions.now().toISOString(),
  };
  await deps.policies.put(policy, stored?.etag);
  return { policy, evaluation };
}

function sameRules(a: RetentionRules | undefined, b: RetentionRules): boolean {
  return (
    a?.keepNewestPromoted === b.keepNewestPromoted &&
    a?.deleteAfterEndOfLifeDays === b.deleteAfterEndOfLifeDays
  );
}
