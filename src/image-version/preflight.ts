import type { OperationRecord } from "../operation/records.js";
import type { ImageVersionId } from "../resource-id.js";
import { fingerprintOf } from "./canonical-form.js";
import type { ImageVersionRequest } from "./contract.js";
import { found, type Facts } from "./facts.js";
import { gatherFacts } from "./gather-facts.js";
import type { Dependencies } from "./ports.js";
import type { ImageVersionRecord } from "./records.js";
import type { RuleFinding } from "./rules/rule.js";
import { checkChange, checkFacts } from "./rules/rules.js";
import { sourceDataDiskLuns } from "./source.js";

/** What Azure showed before creation, and what the rules say of it. */
export interface Preflight {
  readonly facts: Facts;
  readonly findings: readonly RuleFinding[];
}

/** Gathers the facts and runs the rules over them. Throws what a read throws. */
export async function preflight(
  deps: Dependencies,
  id: ImageVersionId,
  request: ImageVersionRequest,
  known?: Facts["known"],
): Promise<Preflight> {
  // A version that is made, or is being made of it, needs the source no longer: it may be gone.
  const sources =
    known?.base === undefined &&
    known?.operations.has(fingerprintOf(request)) !== true;
  const facts = await gatherFacts(deps, id, request, { sources });
  return judge(id, request, { ...facts, ...(known && { known }) }, deps.now());
}

/** What the rules say of a request in the light of these facts. */
export function judge(
  id: ImageVersionId,
  request: ImageVersionRequest,
  facts: Facts,
  now: Date,
): Preflight {
  return {
    facts,
    findings: [
      ...checkChange({ id, request, now, known: facts.known }),
      ...checkFacts({ id, request, now, facts }),
    ],
  };
}

/** Those that stop a request. */
export function errorsAmong(findings: readonly RuleFinding[]): RuleFinding[] {
  return findings.filter((finding) => finding.severity === "error");
}

/** What is kept of the preflight with the version: how its disks will be encrypted, and what was worth a warning. */
export interface Proven {
  readonly record: Pick<ImageVersionRecord, "encryptionTypes" | "dataDiskLuns">;
  readonly operation: Pick<OperationRecord, "warnings">;
}

export function provenBy(
  request: ImageVersionRequest,
  { facts, findings }: Preflight,
): Proven {
  const warnings = findings.filter(({ severity }) => severity === "warning");
  return {
    record: {
      encryptionTypes: Object.fromEntries(
        [...facts.diskEncryptionSets].map(([key, set]) => [
          key,
          found(set)?.encryptionType ?? "Unknown",
        ]),
      ),
      dataDiskLuns: sourceDataDiskLuns(request, facts) ?? [],
    },
    operation: warnings.length > 0 ? { warnings } : {},
  };
}
