/** What a proof right before a write leaves in the record and in the answers. Pure. */
import type { Finding } from "../../errors.js";
import type { Outcome } from "./happened.js";
import type { ImageVersionRecord, Proven } from "./record.js";

/** What was proven stands beside what is known of the version's other sets, and what is worth a warning in these operations' answers. */
export function withProof(
  record: ImageVersionRecord,
  ids: readonly string[],
  { encryptionTypes, dataDiskLuns = [], warnings = [] }: Partial<Proven>,
): Outcome {
  const after = {
    ...record,
    encryptionTypes: { ...record.encryptionTypes, ...encryptionTypes },
    dataDiskLuns: record.dataDiskLuns.length > 0 ? record.dataDiskLuns : dataDiskLuns,
  };
  return withFindings(after, ids, warnings);
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
