import type { OperationRecord, RegionRecord } from "../../operation/records.js";

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
  const regions = operation.regions.map(upgradeRegion);
  return { ...operation, regions, ...(detail !== undefined && { detail }) };
}

/** Its two members of 0.2.0 that have other names now. */
export function upgradeRegion({
  doubt,
  told,
  ...region
}: RegionRecord & {
  readonly doubt?: RegionRecord["unconfirmed"];
  readonly told?: RegionRecord["published"];
}): RegionRecord {
  return { ...region, ...(doubt && { unconfirmed: doubt }), ...(told && { published: told }) };
}
