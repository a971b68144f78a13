/**
 * Applies one look to a version: what is confirmed, its regions, others' changes, ended operations.
 * Pure.
 */
import type { Look } from "../resources.js";
import { goOnBy } from "./ends.js";
import type { OperationReason } from "./failures.js";
import { showsNothingNew, type Time } from "./confirmed.js";
import { inTurn, nothing, type Happened, type Outcome } from "./happened.js";
import { observe } from "./observe.js";
import { byOthers } from "./others.js";
import type { ImageVersionRecord } from "./record.js";
import { observeRegions, type RegionChange } from "./regions.js";
import { planRepairs } from "./repairs.js";
import { isFinal } from "./states.js";
import { copying } from "./write.js";

/**
 * In addition to a look: ARM's reason for giving the version up, if any, and whether Azure lists
 * it.
 */
export interface Beside {
  readonly reason?: OperationReason | undefined;
  readonly isListed?: boolean;
}

/** One look; undefined: Azure answers 404. */
export function lookedAt(
  record: ImageVersionRecord,
  look: Look | undefined,
  time: Time,
  { reason, isListed = false }: Beside = {},
): Outcome {
  const { status, write, spec } = record;
  const { record: observed, confirmed } = observe(record, look, time, isListed);
  // This proves that ARM accepted the write, although its answer was lost.
  const known =
    confirmed?.write?.fate === "shown" && write?.answer === "none"
      ? { ...observed, ...copying(observed, write) }
      : observed;
  const changes =
    look === undefined ? [] : observeRegions(known, look, reason, confirmed !== undefined, time);
  const seen =
    look === undefined ? known : { ...known, regions: changes.map(({ region }) => region) };
  const planned = confirmed === undefined ? seen : planRepairs(seen, time);
  const regions = {
    record: planned,
    happened: changes.flatMap((change) => newsOf(change, planned)),
  };
  if (confirmed === undefined) return regions;
  return inTurn(
    record,
    () => regions,
    (next) =>
      showsNothingNew(confirmed)
        ? nothing(next)
        : byOthers(next, status, confirmed, spec !== undefined, time),
    (next) => (isFinal(next.state) ? nothing(next) : goOnBy(next, confirmed, reason, time)),
  );
}

/** A failure is reported with the plan for its repair. */
function newsOf(
  { region, happened, resumed }: RegionChange,
  { regions }: ImageVersionRecord,
): readonly Happened[] {
  const planned = regions.find(({ name }) => name === region.name) ?? region;
  return [
    ...(resumed ? [{ kind: "regionResumed" as const, region }] : []),
    ...(happened === "nothing" ? [] : [{ kind: happened, region: planned }]),
  ];
}
