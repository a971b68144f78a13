/**
 * Finds what operations have left behind, by its tag, in every resource group where they create
 * temporary resources. Invariants:
 *  1. It deletes a resource only if everything agrees: it is in that resource group; its tags name
 *     an operation and a deadline; and a maker that uses the group says that it is a leftover.
 *  2. It reports by an event, once a day, what does not agree, cannot be deleted, or is not gone
 *     long after its deletion.
 */
import { ServiceError } from "../errors.js";
import type { CloudEvent } from "../events/cloud-event.js";
import type { EventData, EventType } from "../events/documented-event.js";
import type { EventPublisher } from "../operation/ports.js";
import { recordKeyOf, type OperationRecord } from "../operation/records.js";
import { keyOf, parseResourceId } from "../resource-id.js";
import {
  DEADLINE_TAG,
  groupId,
  LEFT_AFTER_MS,
  OPERATION_TAG,
  type Group,
  type TaggedResource,
  type TaggedResources,
} from "./ports.js";

type LeftEvent = Extract<
  EventType,
  "Sigil.ImageVersion.TestMachineLeft" | "Sigil.ImageVersion.SnapshotLeft"
>;

/** A resource to judge, with what its tags say. */
export interface Found {
  readonly resource: TaggedResource;
  readonly group: Group;
  readonly operationId: string;
  /** Absent: the store does not have it. */
  readonly operation?: OperationRecord;
  readonly deadlineMs: number;
  readonly nowMs: number;
}

export type Judged =
  /** `overMs`: when its time was over. */
  | { readonly kind: "leftover"; readonly overMs: number }
  | { readonly kind: "stranger"; readonly reason: string }
  /** Nothing to do or report: its time is not over, or another resource goes first. */
  | undefined;

/** The part of Sigil that creates temporary resources of some types. */
export interface Maker {
  /** Part of the ids of its events. */
  readonly name: string;
  /** In lower case. What is below one of them goes with it. */
  readonly types: readonly string[];
  readonly event: LeftEvent;
  /** Calls Azure with the identity that created them. */
  readonly resources: TaggedResources;
  groups(): Promise<readonly Group[]>;
  judge(found: Found): Judged | Promise<Judged>;
}

export interface SweepDependencies {
  readonly makers: readonly Maker[];
  readonly store: {
    readOperation(id: string): Promise<{ readonly operation: OperationRecord } | undefined>;
  };
  readonly events: EventPublisher;
  readonly eventSource: string;
  readonly now: () => Date;
}

interface Leftover {
  readonly id: string;
  readonly reason: string;
  readonly maker: Maker;
}

interface Sweep {
  readonly groups: number;
  /** Ids of resources whose deletion was requested. */
  readonly deleted: readonly string[];
  readonly left: readonly Leftover[];
  /** One for each resource group, or resource in it, that could not be checked. */
  readonly errors: readonly unknown[];
}

const NOT_GONE =
  "It should have been gone for over an hour. Sigil requests its deletion again: Azure may have accepted an earlier one without doing it.";

export function stranger(reason: string): Judged {
  return { kind: "stranger", reason };
}

/** Sweeps once. Throws if the resource groups cannot be listed. */
export async function sweepLeftovers(deps: SweepDependencies, traceparent: string): Promise<Sweep> {
  const deleted: string[] = [];
  const left: Leftover[] = [];
  const errors: unknown[] = [];
  const places = await placesOf(deps.makers);
  for (const place of places) {
    try {
      const found = await sweepPlace(deps, place);
      deleted.push(...found.deleted);
      left.push(...found.left);
      errors.push(...found.errors);
    } catch (error) {
      errors.push(error);
    }
  }
  await deps.events.publish(left.map((one) => leftEvent(deps, one, traceparent)));
  return { groups: places.length, deleted, left, errors };
}

/** A resource group and who creates resources in it. */
interface Place {
  readonly group: Group;
  readonly makers: readonly [Maker, ...Maker[]];
}

async function placesOf(makers: readonly Maker[]): Promise<Place[]> {
  const places = new Map<string, Place>();
  for (const maker of makers)
    for (const group of await maker.groups()) {
      const key = groupId(group).toLowerCase();
      const known = places.get(key);
      places.set(key, { group, makers: known ? [...known.makers, maker] : [maker] });
    }
  return [...places.values()];
}

async function sweepPlace(deps: SweepDependencies, place: Place): Promise<Omit<Sweep, "groups">> {
  const deleted: string[] = [];
  const left: Leftover[] = [];
  const errors: unknown[] = [];
  const [first] = place.makers;
  for (const id of await first.resources.listTagged(place.group, OPERATION_TAG)) {
    const ofType = typeOf(id);
    const maker = place.makers.find(({ types }) => types.includes(ofType));
    if (maker === undefined) {
      if (!place.makers.some(({ types }) => types.some((type) => ofType.startsWith(`${type}/`))))
        left.push({ id, reason: "Sigil creates nothing of its type there.", maker: first });
      continue;
    }
    const tell = (reason: string): void => void left.push({ id, reason, maker });
    let judged: Judged;
    try {
      judged = await judgeTagged(deps, place.group, maker, id);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      errors.push(error);
      continue;
    }
    switch (judged?.kind) {
      case "leftover": {
        const isLate = deps.now().getTime() - judged.overMs > LEFT_AFTER_MS;
        try {
          await maker.resources.deleteResource(id);
          deleted.push(id);
          if (isLate) tell(NOT_GONE);
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
          // The next sweep tries again.
          if (error.retryAfterMs !== undefined && !isLate) errors.push(error);
          else tell(error.message);
        }
        break;
      }
      case "stranger":
        tell(judged.reason);
        break;
      case undefined:
        break;
    }
  }
  return { deleted, left, errors };
}

/** Such as microsoft.compute/virtualmachines. */
function typeOf(id: string): string {
  const { namespace, type } = parseResourceId(id) ?? {};
  return `${namespace}/${type}`.toLowerCase();
}

/** Invariant 1. */
async function judgeTagged(
  { store, now }: SweepDependencies,
  group: Group,
  maker: Maker,
  id: string,
): Promise<Judged> {
  const resource = await maker.resources.getResource(id);
  if (resource === undefined) return undefined;
  const operationId = resource.tags[OPERATION_TAG] ?? "";
  const deadlineMs = Date.parse(resource.tags[DEADLINE_TAG] ?? "");
  if (!id.toLowerCase().startsWith(`${groupId(group).toLowerCase()}/`))
    return stranger("It is in another resource group.");
  if (recordKeyOf(operationId) === undefined)
    return stranger(`Its tag ${OPERATION_TAG} names no operation.`);
  if (Number.isNaN(deadlineMs)) return stranger(`Its tag ${DEADLINE_TAG} is not a time.`);
  const stored = await store.readOperation(operationId);
  return maker.judge({
    resource,
    group,
    operationId,
    deadlineMs,
    nowMs: now().getTime(),
    ...(stored && { operation: stored.operation }),
  });
}

/** Invariant 2: the day is part of the id. */
function leftEvent(
  { eventSource, now }: SweepDependencies,
  { id, reason, maker: { name, event } }: Leftover,
  traceparent: string,
): CloudEvent {
  const time = now().toISOString();
  const data: EventData<LeftEvent> = { resources: [id], reason };
  return {
    specversion: "1.0",
    id: `${name}/${keyOf(id)}/left/${time.slice(0, 10)}`,
    source: eventSource,
    type: event,
    subject: id,
    time,
    datacontenttype: "application/json",
    traceparent,
    data,
  };
}
