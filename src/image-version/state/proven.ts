/** What a proof right before a write leaves in the record and in the answers. Pure. */
import type { Finding } from "../../errors.js";
import type { Parentage } from "../resources.js";
import type { Outcome } from "./happened.js";
import type { ImageVersionRecord, Proven } from "./record.js";

/** What was proven stands beside what is known of the version's other sets, and what is worth a warning in these operations' answers. */
export function withProof(
  record: ImageVersionRecord,
  ids: readonly string[],
  { encryptionTypes, dataDiskLuns = [], parentage, warnings = [] }: Partial<Proven>,
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

/** A later proof of the same creation adds parents and removes none: what was read first may be gone by then. */
function withParents(before: Parentage | undefined, proven: Parentage): Parentage {
  const ids = new Map(
    [...(before?.ids ?? []), ...proven.ids].map((id) => [id.toLowerCase(), id] as const),
  );
  return { ...proven, ids: [...ids.values()] };
}

/** What is found right before it is sent is in the answer of each operation that asks it, once. */
export function withFindings(
  record: ImageVersionRecord,
  ids: readonly string[],
  findings: readonly Finding[],
): Outcome {
  const isFound = ids.length > 0 && findings.length > 0;
  return { record, happened: isFound ? [{ kind: "found", ids, findings }] : [] };
}
