import { canonicalRegion } from "./regions.js";
import {
  startRegion,
  stopRegion,
  type RegionReplication,
  type ReplicationModel,
} from "./replication.js";
import type { ImageVersionRecord } from "./state.js";
import type { Store } from "./store.js";

/** Invariant 4 of image-versions.ts: keeps the regions that stay as they are, and starts the new ones. */
export function replicateRegions(
  store: Store,
  model: ReplicationModel,
  key: string,
  record: ImageVersionRecord,
  before: ImageVersionRecord | undefined,
): RegionReplication[] {
  const now = store.replicationNow();
  const names = record.properties.publishingProfile?.targetRegions ?? [];
  return names.map(({ name }) => {
    const region = canonicalRegion(name ?? "");
    const kept = before?.regions.find((old) => old.region === region);
    if (kept !== undefined) return kept;
    const started = startRegion(model, key, region, now);
    if (record.asyncError === undefined) applyPlan(store, key, started);
    else stopRegion(started, "failed", record.asyncError.message, record.notBeforeMs);
    return started;
  });
}

/** Lets the region fail or stall where a control has planned it. */
function applyPlan(store: Store, key: string, region: RegionReplication): void {
  const plans = store.state.regionPlans;
  const plan = plans.find(
    (candidate) => candidate.region === region.region && (candidate.versionKey ?? key) === key,
  );
  if (plan === undefined) return;
  plan.times -= 1;
  if (plan.times <= 0) store.state.regionPlans = plans.filter((other) => other !== plan);
  stopRegion(region, plan.kind, plan.message, region.startsAtMs, plan.atProgress);
}
