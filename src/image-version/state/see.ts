/** What one look makes of a version: the fact, its regions, what others have done, which operations it ends. Pure. */
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

/** Beside a look: why ARM has given the version up, where it says so, and whether Azure lists it. */
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
  // A write whose answer was lost is known to be ARM's from now on.
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

/** A failure is told with what is planned for it. */
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
