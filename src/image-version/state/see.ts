/** What one look makes of a version and of its operations: the fact, its regions, what is told, what has ended. Pure. */
import { whatToDo } from "../../conditions/conditions.js";
import type { EventType } from "../../events/documented-event.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import type { OperationEventData } from "../../events/operation-event.js";
import { events, withEntry, withOperations } from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import { operationsOf, type Effect, type OperationRecord } from "../../operation/records.js";
import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { encryptionOf } from "./encryption.js";
import type { Look } from "../resources.js";
import { goOnBy } from "./ends.js";
import type { OperationReason } from "./failures.js";
import { showsNothingNew } from "./fact.js";
import { observe } from "./observe.js";
import type { ImageVersionPair, ImageVersionRecord } from "./record.js";
import { observeRegions, type RegionChange } from "./regions.js";
import { loss, planRepairs, sentence } from "./repairs.js";
import { isFinal } from "./states.js";
import { tell, telling } from "./told.js";
import { copying } from "./write.js";

/**
 * One look; undefined: Azure answers 404. `reason` says why ARM has given the version up, where it says so; `isListed` whether Azure
 * lists it.
 */
export function see(
  pair: ImageVersionPair,
  look: Look | undefined,
  context: TransitionContext,
  {
    reason,
    isListed = false,
  }: {
    readonly reason?: OperationReason | undefined;
    readonly isListed?: boolean;
  } = {},
): ImageVersionPair {
  const { status: before, write, spec } = pair.record;
  const observed = observe(pair.record, look, context, isListed);
  const { fact } = observed;
  // A write whose answer was lost is known to be ARM's from now on.
  const record =
    fact?.write?.fate === "shown" && write?.answer === "none"
      ? { ...observed.record, ...copying(observed.record, write) }
      : observed.record;
  const changes =
    look === undefined ? [] : observeRegions(record, look, reason, fact !== undefined, context);
  const regions = changes.map(({ region }) => region);
  const seen = look === undefined ? record : { ...record, regions };
  const planned = fact === undefined ? seen : planRepairs(seen, context);
  const ofRegions = withNews({ ...pair, record: planned }, changes, context);
  if (fact === undefined) return ofRegions;
  const told = showsNothingNew(fact)
    ? ofRegions
    : tell(ofRegions, before, fact, spec !== undefined, context);
  return isFinal(told.record.state) ? told : goOnBy(told, fact, reason, context);
}

function withNews(
  pair: ImageVersionPair,
  news: readonly RegionChange[],
  context: TransitionContext,
): ImageVersionPair {
  const told = news.flatMap((change) => regionEvents(pair, change, context));
  return withFailures(telling(pair, told), news, context);
}

/** A region's failure, and what comes next, in the history of each operation that has the region; of all, where none has it. */
function withFailures(
  pair: ImageVersionPair,
  changes: readonly RegionChange[],
  { now }: TransitionContext,
): ImageVersionPair {
  const failed = changes
    .filter(({ happened }) => happened === "failed")
    .map(({ region }) => region.name);
  const { record } = pair;
  const has = (operation: OperationRecord, region: string): boolean =>
    operation.regions.some(({ name }) => name === region);
  const all = operationsOf(pair);
  return withOperations(pair, (operation) =>
    record.regions
      .filter(
        ({ name }) =>
          failed.includes(name) && (has(operation, name) || !all.some((one) => has(one, name))),
      )
      .reduce(
        (one, region) => ({
          ...one,
          history: withEntry(one.history, {
            time: now.toISOString(),
            state: record.state,
            message: failureOf(region),
          }),
        }),
        operation,
      ),
  );
}

function failureOf({
  name,
  details = "Azure gave no reason.",
  nextAttemptTime,
}: ImageVersionRecord["regions"][number]): string {
  const next =
    nextAttemptTime === undefined
      ? "It is not tried again."
      : `It is removed from the version and added back at ${nextAttemptTime}.`;
  return `${name} failed: ${sentence(details)} ${next}`;
}

function regionEvents(
  pair: ImageVersionPair,
  { region, happened, resumed }: RegionChange,
  context: TransitionContext,
): readonly Effect[] {
  const { name, progress, attempts, lastProgressTime } = region;
  const again = attempts > 1 ? `/${attempts}` : "";
  const tell = <Type extends EventType>(
    type: Type,
    fact: string,
    data: OperationEventData<Type>,
  ): Effect[] => events(pair, context, type, `${name}/${fact}`, data);
  const goesOn = resumed
    ? tell(IMAGE_VERSION_EVENT.regionResumed, `resumed/${attempts}/${lastProgressTime}`, {
        region: name,
        progress,
      })
    : [];
  switch (happened) {
    case "completed":
      return [
        ...goesOn,
        ...tell(IMAGE_VERSION_EVENT.regionCompleted, `completed${again}`, {
          region: name,
          regionalReplicaCount: replicasIn(pair.record, name),
          encryption: encryptionOf(
            pair.record.status?.resource ?? ({ properties: {} } as ImageVersionRequest),
            pair.record,
            name,
          ),
        }),
      ];
    case "failed":
      return loss(pair, context, IMAGE_VERSION_EVENT.regionFailed, `${name}/failed/${attempts}`, {
        region: name,
        ...(region.details !== undefined && { details: region.details }),
      });
    case "progressed":
      return [
        ...goesOn,
        ...tell(IMAGE_VERSION_EVENT.regionReplicating, `replicating${again}/${progress}`, {
          region: name,
          progress,
        }),
      ];
    case "stalled":
      return tell(IMAGE_VERSION_EVENT.regionStalled, `stalled/${attempts}/${lastProgressTime}`, {
        region: name,
        progress,
        ...(lastProgressTime !== undefined && { lastProgressTime }),
        whatToDo: whatToDo("Stalled", pair.record.resourceId),
      });
    case "nothing":
      return goesOn;
  }
}

function replicasIn({ status }: ImageVersionRecord, region: string): number {
  const shown = status?.resource.properties.publishingProfile;
  return (
    shown?.targetRegions?.find(({ name }) => canonicalRegion(name) === region)
      ?.regionalReplicaCount ?? 1
  );
}
