/**
 * The life of a write: it is stored before it is sent, then ARM accepts or refuses it, and a fact shows it (observe.ts). Pure.
 * Invariants, beside those of every transition (operation/advance.ts):
 *  1. Before a PUT is sent, the message that will look at what became of it is already on its way.
 *  2. What is sent is stored before it is sent: a look recognises it by what it changes.
 *  3. What ARM refuses of several is sent again one by one: the one at fault fails, and the others do not.
 */
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { advance, event, events } from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import {
  operationsOf,
  type Effect,
  type OperationFailure,
  type RegionRecord,
  type Requester,
} from "../../operation/records.js";
import {
  mapped,
  type ImageVersionPair,
  type ImageVersionRecord,
  type Repair,
  type Write,
} from "./record.js";
import type { ImageVersionRequest } from "../contract.js";
import { isFlag } from "../latest/flags.js";
import { diskEncryptionReferences } from "../properties/disk-encryption-references.js";
import { addedBy, regionField, regionOf, regionsIn, removedBy } from "../properties/fields.js";
import type { Time } from "./fact.js";
import { fails, goingOn } from "./decided.js";
import { beginPacing } from "./pace.js";
import { notAddedBack, withoutRepairs } from "./repairs.js";
import type { Put } from "./reconcile.js";
import { usualEnd, withBegun, type UsualTimes } from "./usual.js";

/** The PUT may be sent once this is stored, by whoever stored it. */
export function beginWrite(
  pair: ImageVersionPair,
  put: Put,
  context: TransitionContext,
  usual?: UsualTimes,
): ImageVersionPair {
  const { record } = pair;
  // What is Sigil's own is told once, however often ARM will not take it yet.
  const isOwnAgain =
    put.sentFor.length === 0 &&
    pair.operation.history.filter(({ state }) => state !== "Waiting").at(-1)?.message ===
      messageOf(put);
  const isAgain = isOwnAgain || put.sentFor.some((id) => record.requests[id]?.sent === true);
  const updates = record.updates + (put.creates || isOwnAgain ? 0 : 1);
  const write: Write = {
    changes: put.changes,
    sentTime: context.now.toISOString(),
    answer: "none",
    sentFor: put.sentFor,
    ...(put.creates && { creates: true }),
    ...(put.release && { release: put.release }),
  };
  return advance(
    {
      ...pair,
      record: {
        ...record,
        requests: sentIn(record, put.sentFor),
        repairs: repairsWith(record, put),
        ...(put.creates && { publishedBy: creators(pair, put.sentFor) }),
      },
    },
    context,
    {
      patch: {
        state: put.creates ? "Creating" : "Updating",
        updates,
        write,
        regions: withBegun(record.regions, copiedBy(put), usual, context.now),
        ticks: 0,
      },
      ...(!isAgain && { message: messageOf(put) }),
      ...(put.sentFor.length > 0 && { concerns: put.sentFor }),
      // Invariant 1: the look comes once the PUT can no longer be under way.
      waitMs: context.pace.putTimeoutMs * 2,
      effects: isAgain ? [] : effectsOf(pair, put, updates, context),
    },
  );
}

function creators(pair: ImageVersionPair, ids: readonly string[]): Requester[] {
  return operationsOf(pair)
    .filter(({ id }) => ids.includes(id) && pair.record.requests[id]?.creates === true)
    .map(({ requestedBy }) => requestedBy);
}

/** The regions that Azure copies the version to; shallow, none. */
function copiedBy({ body, changes }: Put): readonly string[] {
  return body.properties.publishingProfile?.replicationMode === "Shallow" ? [] : addedBy(changes);
}

function sentIn(
  { requests }: ImageVersionRecord,
  ids: readonly string[],
): ImageVersionRecord["requests"] {
  return mapped(requests, (request, id) =>
    ids.includes(id) ? { ...request, sent: true } : request,
  );
}

function messageOf(put: Put): string {
  if (put.creates)
    return "Every check has passed: the create request is sent to Azure Resource Manager.";
  const away = Object.keys(put.takesAway);
  if (away.length > 0)
    return `${away.join(", ")} failed and ${away.length === 1 ? "is" : "are"} removed from the version, to be added back.`;
  if (put.addsBack.length > 0)
    return `${put.addsBack.join(", ")} ${put.addsBack.length === 1 ? "is" : "are"} added back to the version.`;
  return "The version in Azure is to be changed: the update is sent to Azure Resource Manager.";
}

function effectsOf(
  pair: ImageVersionPair,
  put: Put,
  updates: number,
  context: TransitionContext,
): Effect[] {
  const { record } = pair;
  const all = operationsOf(pair);
  const those = all.filter(({ id }) => put.sentFor.includes(id));
  if (put.creates)
    return those.map((one) => event(one, context, IMAGE_VERSION_EVENT.creating, "creating", {}));
  return [
    ...(those.length > 0 ? those : all).map((one) =>
      event(one, context, IMAGE_VERSION_EVENT.updating, `updating/${updates}`, {
        regions: record.regions.map(({ name }) => name),
      }),
    ),
    ...Object.keys(put.takesAway).flatMap((region) =>
      events(pair, context, IMAGE_VERSION_EVENT.regionRepairing, `${region}/repairing/${updates}`, {
        region,
      }),
    ),
  ];
}

function repairsWith(
  { repairs }: ImageVersionRecord,
  { takesAway }: Put,
): ImageVersionRecord["repairs"] {
  const away = mapped(takesAway, (removed, name): Repair => ({
    attempts: repairs[name]?.attempts ?? 0,
    removed,
  }));
  return { ...repairs, ...away };
}

export function unseen(name: string): RegionRecord {
  return { name, state: "Unknown", progress: 0, attempts: 0 };
}

/** ARM has accepted what was sent. */
export function writeAccepted(
  pair: ImageVersionPair,
  armOperationUrl: string | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const record = answered(pair.record, armOperationUrl);
  const { write, regions } = record;
  return advance({ ...pair, record }, context, {
    patch: {
      state: "Replicating",
      ticks: 0,
      pacing: beginPacing(record.pacing, context),
      regions: followed(regions, context),
    },
    message: "Azure Resource Manager has accepted the version; its regions are followed.",
    ...(write && write.sentFor.length > 0 && { concerns: write.sentFor }),
    waitMs: context.pace.pollInitialMs,
  });
}

/** That ARM has taken what was sent, in whichever state the version is by now. */
export function answered(
  { armOperationUrl: _, ...record }: ImageVersionRecord,
  armOperationUrl: string | undefined,
): ImageVersionRecord {
  const { write } = record;
  return {
    ...record,
    ...(write && {
      write: { ...write, answer: "accepted" as const },
      ...copying(record, write),
    }),
    ...(armOperationUrl !== undefined && { armOperationUrl }),
  };
}

/** Once ARM has the write: regions whose copies it makes, or makes again, are told Completed again, of another attempt. */
export function copying(
  { regions, repairs }: ImageVersionRecord,
  { changes, creates }: Write,
): Pick<ImageVersionRecord, "regions" | "repairs"> {
  if (creates === true) return { regions, repairs };
  const added = addedBy(changes);
  const changed = regionsIn(changes).filter((name) =>
    Object.keys(changes).some(
      (field) => regionOf(field) === name && field !== regionField(name) && !isFlag(field),
    ),
  );
  return {
    regions: regions.map((region) =>
      added.includes(region.name)
        ? addedAgain(region)
        : changed.includes(region.name)
          ? copiedAgain(region)
          : region,
    ),
    repairs: mapped(repairs, (repair, name) =>
      added.includes(name) && repair.removed !== undefined
        ? { ...repair, attempts: repair.attempts + 1 }
        : repair,
    ),
  };
}

function addedAgain({ name, attempts, attemptsAllowed, begunTime, usual }: RegionRecord) {
  return {
    ...unseen(name),
    attempts: attempts + 1,
    ...(begunTime !== undefined && { begunTime }),
    ...(usual && { usual }),
    ...(attemptsAllowed !== undefined && { attemptsAllowed }),
  };
}

function copiedAgain(region: RegionRecord): RegionRecord {
  if (region.completedTime === undefined) return region;
  // What is changed of a copy that is there says nothing of how long one takes.
  const { completedTime: _, told: __, begunTime: ___, usual: ____, ...anew } = region;
  return {
    ...anew,
    state: "Unknown",
    progress: 0,
    attempts: region.attempts + 1,
    recopying: "sent",
  };
}

export function followed(
  regions: readonly RegionRecord[],
  { now }: TransitionContext,
): readonly RegionRecord[] {
  return regions.map((region) => {
    const end = usualEnd(region, now);
    return {
      ...region,
      attempts: Math.max(1, region.attempts),
      // Progress is waited for from now on.
      lastProgressTime: region.lastProgressTime ?? now.toISOString(),
      ...(end !== undefined && { expectedEndTime: end }),
    };
  });
}

/** ARM will not take it now: nothing has begun, and what was to be taken away is still there, and still due. */
export function writePostponed(
  pair: ImageVersionPair,
  { now }: Pick<Time, "now">,
): ImageVersionPair {
  const { write, ...record } = pair.record;
  if (write === undefined) return pair;
  const dueTime = now.toISOString();
  const repairs = mapped(record.repairs, (repair, name): Repair =>
    repair.removed !== undefined && write.changes[regionField(name)] === null
      ? { attempts: repair.attempts, dueTime }
      : repair,
  );
  return { ...pair, record: { ...record, repairs } };
}

/** ARM refuses it for good. Invariant 3. */
export function writeRefused(
  pair: ImageVersionPair,
  failure: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  const { write } = pair.record;
  const without = writePostponed(pair, context);
  if (write === undefined) return without;
  const [only, ...others] = write.sentFor;
  if (others.length > 0)
    return advance(without, context, {
      patch: { window: 1 },
      message: `The update that combines several operations was refused; each is now sent alone. ${failure.message}`,
      concerns: write.sentFor,
      waitMs: 0,
    });
  if (only !== undefined) {
    const { body } = pair.record.requests[only] ?? {};
    return fails(without, [only], pointedAtSets(failure, body), context);
  }
  // Sigil's own: a repair is over, for what ARM has said.
  const { code, message } = failure;
  const refused = removedBy(write.changes).map(
    (name) => [name, [{ code, pointer: "", message }]] as const,
  );
  const left = notAddedBack(without, failure, context);
  return goingOn(withoutRepairs(left, Object.fromEntries(refused)), context);
}

/** A set that has vanished since it was proven: ARM names its id, and no field. */
function pointedAtSets(
  failure: OperationFailure,
  body: ImageVersionRequest | undefined,
): OperationFailure {
  const references = body ? diskEncryptionReferences(body) : [];
  const errors = failure.errors.map((error) => {
    const words = error.message.toLowerCase().split(/[\s'",;]+|\.(?=\s|$)/u);
    const named =
      error.pointer === ""
        ? references.find(({ diskEncryptionSetId }) =>
            words.includes(diskEncryptionSetId.toLowerCase()),
          )
        : undefined;
    return named ? { ...error, pointer: named.pointer } : error;
  });
  return { ...failure, errors };
}
