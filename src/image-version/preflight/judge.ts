import type { ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { found, type Facts } from "../rules/facts.js";
import type { Proven } from "../state/record.js";
import type { RuleFinding } from "../rules/rule.js";
import { checkChange, checkFacts } from "../rules/rules.js";
import { sourceDataDiskLuns } from "../rules/source.js";

/** What Azure showed before creation, and what the rules say of it. */
interface Preflight {
  readonly facts: Facts;
  readonly findings: readonly RuleFinding[];
}

/**
 * What the rules say of a version as it would be, in the light of these facts, and of the `request` that changes it: the
 * version itself, unless another is given.
 */
export function judge(
  id: ImageVersionId,
  version: ImageVersionRequest,
  facts: Facts,
  now: Date,
  request: ImageVersionRequest = version,
): Preflight {
  const { change } = facts;
  return {
    facts,
    findings: [
      ...checkChange({ id, request, now, change }),
      ...checkFacts({ id, request: version, now, facts, change }),
    ],
  };
}

/** Those that stop a request. */
export function errorsAmong(findings: readonly RuleFinding[]): RuleFinding[] {
  return findings.filter((finding) => finding.severity === "error");
}

/** `now`: when it was read. */
export function provenBy(
  request: ImageVersionRequest,
  { facts, findings }: Preflight,
  now: Date,
): Proven {
  const { parentage } = facts;
  return {
    ...(parentage && { parentage: { ...parentage, time: now.toISOString() } }),
    encryptionTypes: Object.fromEntries(
      [...facts.diskEncryptionSets].map(([key, set]) => [
        key,
        found(set)?.encryptionType ?? "Unknown",
      ]),
    ),
    dataDiskLuns: sourceDataDiskLuns(request, facts) ?? [],
    warnings: findings.filter(({ severity }) => severity === "warning"),
  };
}
