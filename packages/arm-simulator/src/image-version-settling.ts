import { endOperation } from "./operations.js";
import { endOf, viewRegion } from "./replication.js";
import { softDelete } from "./soft-delete.js";
import type { ImageVersionRecord } from "./state.js";
import type { Store } from "./store.js";

/** Whether an operation on the version is running. */
export function isBusy({ provisioningState }: ImageVersionRecord): boolean {
  return ["Creating", "Updating", "Deleting"].includes(provisioningState);
}

/** Invariants 3 and 7 of image-versions.ts: what the clock says has happened is written down. */
export function settleImageVersion(store: Store, key: string, record: ImageVersionRecord): void {
  if (!isBusy(record)) return;
  const { state } = store;
  const now = store.replicationNow();
  if (now < record.notBeforeMs) return;
  const operation = state.operations[record.operationId];
  if (record.provisioningState === "Deleting") {
    const endedAtMs = wallTime(store, record.notBeforeMs);
    delete state.imageVersions[key];
    softDelete(store, key, record, endedAtMs);
    endOperation(operation, { status: "Succeeded", endedAtMs });
    return;
  }

  const ends = record.regions.map(endOf);
  const allSettledMs = Math.max(record.notBeforeMs, ...ends);
  const lastMs =
    state.failsWhen === "firstRegion"
      ? Math.min(allSettledMs, firstFailureMs(record))
      : allSettledMs;
  if (lastMs > now) {
    const home = record.regions.find(({ region }) => region === record.location);
    const early =
      state.succeededWhen === "homeRegion" &&
      home !== undefined &&
      viewRegion(home, now).state === "Completed";
    if (!early) return;
    record.provisioningState = "Succeeded";
    endOperation(operation, {
      status: "Succeeded",
      endedAtMs: wallTime(store, Math.max(record.notBeforeMs, endOf(home))),
    });
    return;
  }
  const failed = record.regions.filter((region) => viewRegion(region, lastMs).state === "Failed");
  const error =
    record.asyncError ??
    (failed.length === 0
      ? undefined
      : {
          code: "CrpPirReplicationJobsNotCompleted",
          message: `Replication job not completed at region: ${failed.map(({ region }) => region).join(", ")}`,
        });
  record.provisioningState = error === undefined ? "Succeeded" : "Failed";
  endOperation(operation, {
    status: record.provisioningState,
    endedAtMs: wallTime(store, lastMs),
    ...(error === undefined ? {} : { error }),
  });
}

/** When the operation fails if its first failed region is enough; Infinity if no region fails. */
function firstFailureMs({ regions, notBeforeMs }: ImageVersionRecord): number {
  const failures = regions
    .map((region) => ({ region, endMs: endOf(region) }))
    .filter(({ region, endMs }) => viewRegion(region, endMs).state === "Failed")
    .map(({ endMs }) => endMs);
  return Math.max(notBeforeMs, Math.min(...failures));
}

/** When, by the clock on the wall, replication time was `replicationMs`. */
function wallTime(store: Store, replicationMs: number): number {
  const { wallMs, replicationMs: anchorMs, speed } = store.state.time;
  if (speed <= 0) return store.now();
  return Math.round(
    Math.max(wallMs, Math.min(store.now(), wallMs + (replicationMs - anchorMs) / speed)),
  );
}
