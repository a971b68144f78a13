/** What rules may know of Sigil's own state. */
import { isFinal } from "../operation/states.js";
import type { OperationRecord } from "../operation/records.js";
import type { ImageVersionRequest } from "./contract.js";
import type { Known } from "./facts.js";
import { merge } from "./merging.js";
import type { StoredVersion } from "./ports.js";
import { achievedBy, type ImageVersionRecord } from "./records.js";

/** Of a version as a request for it is met; one that failed before it was made is free to be asked for again. */
export function knownOf(
  stored: StoredVersion | undefined,
  regionRemovalAllowed: boolean,
): Known | undefined {
  if (
    stored === undefined ||
    (isFinal(stored.record.state) && !stored.record.made)
  )
    return undefined;
  const { record, operation } = stored;
  const base = baseOf(record);
  return {
    state: record.state,
    request: isFinal(record.state)
      ? (base ?? record.request)
      : desiredBy(record),
    ...(base && { base }),
    operationId: operation.id,
    operations: new Map(
      doing(stored).map(({ fingerprint, id }) => [fingerprint, id]),
    ),
    regionRemovalAllowed,
  };
}

/** What the version is as far as operations on it have succeeded; undefined until it is made. */
export function baseOf(
  record: ImageVersionRecord,
): ImageVersionRequest | undefined {
  if (!isFinal(record.state)) return record.base;
  return record.made ? achievedBy(record) : undefined;
}

/** What the version shall be once all that was accepted is done. */
export function desiredBy(record: ImageVersionRecord): ImageVersionRequest {
  return record.waiting.reduce((desired, waiting) => {
    const merger = merge(record.base, desired, waiting.request);
    return merger.kind === "merged" ? merger.request : desired;
  }, record.request);
}

/** The operations that do, or have done, what makes the version what it is or shall be. */
export function doing({
  record,
  operation,
}: StoredVersion): readonly OperationRecord[] {
  const all = [
    operation,
    ...record.fellows,
    ...record.waiting.map((waiting) => waiting.operation),
  ];
  if (operation.kind === "DeleteImageVersion") return [];
  return isFinal(record.state)
    ? all.filter(({ status }) => status === "Succeeded")
    : all;
}
