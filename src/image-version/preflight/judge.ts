import type { ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Gathered } from "../rules/gathered.js";
import { found } from "../../bounded-reads.js";
import type { ProofKept } from "../state/record.js";
import type { RuleFinding } from "../rules/rule.js";
import { checkChange, checkGathered } from "../rules/rules.js";
import { sourceDataDiskLuns } from "../rules/source.js";

/** What Azure showed before creation, and the findings about it. */
interface Preflight {
  readonly gathered: Gathered;
  readonly findings: readonly RuleFinding[];
}

/**
 * The rules' findings about a version as it would be, given the gathered facts and the `request`
 * that changes it, by default the version itself.
 */
export function judge(
  id: ImageVersionId,
  version: ImageVersionRequest,
  gathered: Gathered,
  now: Date,
  request: ImageVersionRequest = version,
): Preflight {
  const { change } = gathered;
  return {
    gathered,
    findings: [
      ...checkChange({ id, request, now, change }),
      ...checkGathered({ id, request: version, now, gathered, change }),
    ],
  };
}

/** The findings that stop a request. */
export function errorsAmong(findings: readonly RuleFinding[]): RuleFinding[] {
  return findings.filter((finding) => finding.severity === "error");
}

/** `now`: when the facts were read. */
export function provenBy(
  request: ImageVersionRequest,
  { gathered, findings }: Preflight,
  now: Date,
): ProofKept {
  const { parentage } = gathered;
  return {
    ...(parentage && { parentage: { ...parentage, time: now.toISOString() } }),
    encryptionTypes: Object.fromEntries(
      [...gathered.diskEncryptionSets].map(([key, set]) => [
        key,
        found(set)?.encryptionType ?? "Unknown",
      ]),
    ),
    dataDiskLuns: sourceDataDiskLuns(request, gathered) ?? [],
    warnings: findings.filter(({ severity }) => severity === "warning"),
  };
}
