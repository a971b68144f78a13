/**
 * Stores and reports what was seen of disk encryption sets, for the guardian and for any other look
 * that differs from the stored state. Invariants:
 *  1. An event is stored together with the state that it reports, and removed once published. So it
 *     goes out under one id, whenever a process dies. Of two simultaneous looks, one is stored.
 *  2. Only sets used by a version that Sigil knows are noted.
 */
import type { CloudEvent } from "../events/cloud-event.js";
import { traceparentOf } from "../events/traceparent.js";
import type { Dependencies } from "../image-version/index.js";
import type { ImageKeys, KeyDependencies } from "../keys/ports.js";
import { isNews, lookAgain } from "../keys/see-sets.js";
import { createKeyLooks } from "../keys/look.js";
import { isStateConflict } from "../operation/outbox.js";
import { setsInUse } from "./inventory.js";
import { eventOf } from "./tell.js";

export type GuardianDependencies = KeyDependencies &
  Pick<
    Dependencies,
    "resourceManager" | "resources" | "looks" | "store" | "index" | "events" | "eventSource" | "now"
  >;

const MOST_TRIES = 3;

/**
 * Notes what this instance just saw of these sets (lower case) of an image definition. Costs the
 * reads of `setsInUse` without the list, and two writes.
 */
export async function noteKeys(
  deps: GuardianDependencies,
  imageId: string,
  setIds: readonly string[],
): Promise<void> {
  const { keyStates, eventSource, looks } = deps;
  const traceparent = traceparentOf();
  const keyLooks = createKeyLooks(deps, "show");
  const listImageVersions = async (id: string) => (await looks.versions(id))?.items;
  const resourceManager = { ...deps.resourceManager, listImageVersions };
  await unlessOvertaken(async () => {
    const stored = await keyStates.read(imageId);
    // Invariant 2.
    const inUse = await setsInUse({ ...deps, resourceManager }, imageId, stored?.document.sets);
    const states = new Map(
      stored?.document.sets.map((state) => [state.diskEncryptionSetId.toLowerCase(), state]),
    );
    let isNew = false;
    const untold = [...(stored?.document.untold ?? [])];
    for (const set of inUse ?? []) {
      const key = set.id.toLowerCase();
      if (!setIds.includes(key)) continue;
      const known = states.get(key);
      const { state, change } = await lookAgain(deps, keyLooks, set.id, known, set.madeWith);
      if (!isNews(state, known)) continue;
      isNew = true;
      states.set(key, state);
      if (change !== undefined)
        untold.push(eventOf(change, { imageId, state, uses: set.uses, eventSource, traceparent }));
    }
    if (isNew)
      await storeAndTell(
        deps,
        { ...stored?.document, imageId, sets: [...states.values()], untold },
        stored?.etag,
      );
  });
}

/** Invariant 1. Throws ServiceError StateConflict if the stored document has changed. */
export async function storeAndTell(
  { events, keyStates }: GuardianDependencies,
  document: ImageKeys,
  etag: string | undefined,
): Promise<void> {
  const { imageId, untold } = document;
  await keyStates.put(document, etag);
  if (untold.length === 0) return;
  await events.publish(untold);
  const ids = untold.map(({ id }: CloudEvent) => id);
  await unlessOvertaken(async () => {
    const stored = await keyStates.read(imageId);
    const left = stored?.document.untold.filter(({ id }) => !ids.includes(id)) ?? [];
    if (stored !== undefined && left.length < stored.document.untold.length)
      await keyStates.put({ ...stored.document, untold: left }, stored.etag);
  });
}

/** Retries with the document stored by then. */
export async function unlessOvertaken<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1)
    try {
      return await write();
    } catch (error) {
      if (!isStateConflict(error) || tries === MOST_TRIES) throw error;
    }
}
