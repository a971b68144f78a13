import type { OperationRecord } from "../../operation/records.js";

/** What an operation of 0.2.0 had, each of one kind. */
interface Before {
  readonly rollback?: unknown;
  readonly softDelete?: unknown;
  readonly registrations?: unknown;
  readonly tests?: unknown;
}

/**
 * An operation in the present form. It has no schema of its own, and one that has ended is never
 * written again: this stays until the oldest operation that is kept is younger than 0.3.0.
 */
export function upgradeOperation({
  rollback,
  softDelete,
  registrations,
  tests,
  ...operation
}: OperationRecord & Before): OperationRecord {
  const detail = rollback ?? softDelete ?? registrations ?? tests ?? operation.detail;
  return { ...operation, ...(detail !== undefined && { detail }) };
}
