/** What a proof right before a write leaves in the record and in the answers. Pure. */
import type { Finding } from "../../errors.js";
import type { OperationRecord } from "../../operation/records.js";
import type { Proven, ImageVersionPair, ImageVersionRecord } from "./record.js";

/** What was proven of the sets of an update, beside what is known of the version's others. */
export function provenBeside(
  { encryptionTypes, dataDiskLuns }: ImageVersionRecord,
  proven: Proven | undefined,
): Partial<ImageVersionRecord> {
  return proven === undefined
    ? {}
    : {
        encryptionTypes: {
          ...encryptionTypes,
          ...proven.record.encryptionTypes,
        },
        dataDiskLuns:
          dataDiskLuns.length > 0 ? dataDiskLuns : proven.record.dataDiskLuns,
      };
}

/** What is found right before it is sent is in the answer of each operation that asks it, once. */
export function withFindings(
  pair: ImageVersionPair,
  ids: readonly string[],
  findings: readonly Finding[],
): ImageVersionPair {
  const told = (one: OperationRecord): OperationRecord => {
    const { warnings = [] } = one;
    const more = findings.filter(
      ({ message }) => !warnings.some((had) => had.message === message),
    );
    return ids.includes(one.id) && more.length > 0
      ? { ...one, warnings: [...warnings, ...more] }
      : one;
  };
  const { record, operation } = pair;
  return {
    ...pair,
    operation: told(operation),
    record: { ...record, members: record.members.map(told) },
  };
}

/** What was found worth saying at acceptance and at the proof. */
export function withWarnings(
  { warnings = [] }: OperationRecord,
  { operation }: Proven,
): Pick<OperationRecord, "warnings"> {
  const all = [...warnings, ...(operation.warnings ?? [])];
  return all.length > 0 ? { warnings: all } : {};
}
