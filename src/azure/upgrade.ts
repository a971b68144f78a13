import { migrated } from "../image-version/state/migration.js";
import type { OperationRecord, TrackedRecord } from "../operation/records.js";
import { migratedPreparation } from "../subscription/records.js";

/** A stored record of any kind in today's shape, whichever release has stored it. */
export function upgraded(
  stored: unknown,
  kind: OperationRecord["kind"],
): TrackedRecord {
  return kind === "PrepareSubscription"
    ? migratedPreparation(stored)
    : kind === "RollBackImage"
      ? (stored as TrackedRecord)
      : migrated(stored, kind);
}
