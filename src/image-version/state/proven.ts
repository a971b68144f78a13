/** Stores what a check right before a write found, in the record and in the answers. Pure. */
import type { Finding } from "../../errors.js";
import type { Parentage } from "../resources.js";
import type { Outcome } from "./happened.js";
import type { ImageVersionRecord, ProofKept } from "./record.js";

/** Adds the checked sets to those that are known, and the warnings to these operations' answers. */
export function withProof(
  record: ImageVersionRecord,
  ids: readonly string[],
  { encryptionTypes, dataDiskLuns = [], parentage, warnings = [] }: Partial<ProofKept>,
): Outcome {
  const after = {
    ...record,
    ...(parentage && { parentage: withParents(record.parentage, parentage) }),
    encryptionTypes: { ...record.encryptionTypes, ...encryptionTypes },
    dataDiskLuns: record.dataDiskLuns.length > 0 ? record.dataDiskLuns : dataDiskLuns,
  };
  const found = withFindings(after, ids, warnings);
  return parentage === undefined || parentage.ids.length === 0
    ? found
    : {
        ...found,
        happened: [...found.happened, { kind: "createdFrom", parents: parentage.ids }],
      };
}

/**
 * A later check of the same creation adds parents and removes none, because what was read first may
 * be gone by then.
 */
function withParents(before: Parentage | undefined, proven: Parentage): Parentage {
  const ids = new Map(
    [...(before?.ids ?? []), ...proven.ids].map((id) => [id.toLowerCase(), id] as const),
  );
  return { ...proven, ids: [...ids.values()] };
}

/** Adds findings from right before the write to the answer of each of these operations, once. */
export function withFindings(
  record: ImageVersionRecord,
  ids: readonly string[],
  findings: readonly Finding[],
): Outcome {
  const isFound = ids.length > 0 && findings.length > 0;
  return { record, happened: isFound ? [{ kind: "found", ids, findings }] : [] };
}
