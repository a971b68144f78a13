/**
 * Sets the policy of an image definition. Invariants:
 *  1. A policy deletes only what its setter could see: mode `delete` is refused unless these very rules are stored
 *     already, and setting them has answered what they delete.
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
 * Answers the policy and what it would delete now. Throws ServiceError InvalidRequest for a policy without a rule,
 * DryRunFirst, NotFound where Azure has no such image definition, and StateConflict where another sets it meanwhile.
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
