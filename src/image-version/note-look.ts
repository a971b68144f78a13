/**
 * Stores and reports what a look shows of a version without a running operation, for drift and
 * rollout, which look for changes by others.
 */
import { isDeepStrictEqual } from "node:util";
import { closing } from "../operation/advance.js";
import { openRow } from "../operation/catalog.js";
import { deliver, isStateConflict } from "../operation/outbox.js";
import type { TransitionContext } from "../operation/ports.js";
import { contextOf } from "../operation/steps.js";
import type { Dependencies, StoredVersion } from "./ports.js";
import { shownFields, ownFlagsOf } from "./latest/flags.js";
import type { ListedImageVersion, Look } from "./resources.js";
import { differences } from "./properties/differences.js";
import type { ImageVersionPair, ImageVersionRecord } from "./state/record.js";
import { see } from "./telling/tell.js";

/** `look` began after the version was read. Undefined: the version was written since. */
export async function noteLook(
  deps: Dependencies,
  read: StoredVersion,
  look: Look | undefined,
): Promise<StoredVersion | undefined> {
  const seen = afterLook(read, look, contextOf(deps));
  return seen === undefined ? read : commitUnlessWritten(deps, seen, read);
}

/**
 * Stores and reports a version without a running operation. Undefined: it was written since it was
 * read.
 */
export async function commitUnlessWritten(
  deps: Dependencies,
  { record, operation }: ImageVersionPair,
  read: StoredVersion,
): Promise<StoredVersion | undefined> {
  // If this process dies after the write, the reconciler reports and lists it.
  await deps.index.put([openRow(operation.id)]);
  try {
    return await deliver(deps, await deps.store.commit(record, operation, read));
  } catch (error) {
    if (isStateConflict(error)) return undefined;
    throw error;
  }
}

/** Undefined if the look changes nothing. */
function afterLook(
  read: ImageVersionPair,
  look: Look | undefined,
  context: TransitionContext,
): ImageVersionPair | undefined {
  const pair = see(read, look, context);
  const { outbox, unconfirmed, changedTime } = pair.record;
  const before = read.record;
  if (
    outbox.length === before.outbox.length &&
    unconfirmed?.shows === before.unconfirmed?.shows &&
    changedTime === before.changedTime &&
    isDeepStrictEqual(ownFlagsIn(pair.record), ownFlagsIn(before)) &&
    isDeepStrictEqual(statesIn(pair.record.status), statesIn(before.status)) &&
    completedIn(pair.record) === completedIn(before)
  )
    return undefined;
  const isGone = before.status !== undefined && pair.record.status === undefined;
  return {
    ...pair,
    record: {
      ...pair.record,
      ...(isGone && { state: "Deleted" }),
      outbox: [...outbox, closing(pair.operation.id)],
    },
  };
}

/** The stored flags, to compare a list with. */
function ownFlagsIn({ status }: ImageVersionRecord): object {
  return status ? ownFlagsOf(status.resource) : {};
}

/** The state of each region that a look showed. */
export function statesIn(look: Pick<Look, "regions"> | undefined): object {
  return Object.fromEntries((look?.regions ?? []).map(({ name, state }) => [name, state]));
}

function completedIn({ regions }: ImageVersionRecord): string {
  return regions.map(({ name, completedTime = "" }) => `${name} ${completedTime}`).join();
}

/** What Azure lists says nothing that is not known: no look is needed. */
export function isAsKnown(record: ImageVersionRecord, listed: ListedImageVersion): boolean {
  const { status, unconfirmed } = record;
  return (
    unconfirmed === undefined &&
    status !== undefined &&
    listed.publishedDate === status.publishedDate &&
    differences(shownFields(status.resource), shownFields(listed.resource)).length === 0 &&
    isDeepStrictEqual(ownFlagsIn(record), ownFlagsOf(listed.resource))
  );
}
