/**
 * Checks the disk encryption sets of published versions, and their keys. Invariants:
 *  1. A run begins no image definition after `MOST_READS` reads of Azure or `MOST_MS`, nor after
 *     Azure throttled it, and no set after `MOST_MS`. The next run continues there, with the set
 *     that was not tried for longest. A run reads each set, key and vault at most once, however
 *     many versions and regions depend on it.
 *  2. Of two concurrent runs, one stores and reports (note.ts).
 *  3. If nothing is certain, the state stays as it was; a later run repeats a failed read.
 *  4. A failure with one set or image definition does not stop the others.
 */
import { ServiceError } from "../errors.js";
import type { CloudEvent } from "../events/cloud-event.js";
import { IMAGES_SCOPE } from "../listings.js";
import type { KeyState } from "../keys/ports.js";
import { lookAgain } from "../keys/see-sets.js";
import { createKeyLooks, type KeyLooks } from "../keys/look.js";
import type { KeyChange } from "../keys/advance.js";
import { isStateConflict } from "../operation/outbox.js";
import { pagesOf } from "../operation/pages.js";
import { setsInUse, type SetInUse } from "./inventory.js";
import { storeAndTell, unlessOvertaken, type GuardianDependencies } from "./note.js";
import { eventOf } from "./tell.js";

interface GuardianRun {
  readonly images: number;
  readonly sets: number;
  /** Number of reads of Azure. */
  readonly reads: number;
  /** Reported events, by type and set. */
  readonly told: readonly string[];
  /** True if the next run must continue. */
  readonly unfinished: boolean;
  /** One for each image definition or set that could not be checked. */
  readonly errors: readonly {
    readonly resourceId: string;
    readonly error: unknown;
  }[];
}

const MOST_READS = 500;
const MOST_MS = 120_000;
/** Sets of one image definition; more are reported as not seen. */
const MOST_SETS = 200;
const PAGE = 100;

/** Stores where the next run continues. */
const CURSOR = { scope: "key-guardian", row: "image" } as const;

/** Checks every image definition once, as far as one run goes. Throws if they cannot be listed. */
export async function runKeyGuardian(
  deps: GuardianDependencies,
  traceparent: string,
): Promise<GuardianRun> {
  const { index, now } = deps;
  const untilMs = now().getTime() + MOST_MS;
  const looks = createKeyLooks(deps, "act");
  const errors: GuardianRun["errors"][number][] = [];
  const told: string[] = [];
  let [images, sets, unfinished] = [0, 0, false];
  const cursor = (await index.page(CURSOR.scope, 1)).rows[0]?.target;
  const isAtEnd =
    cursor !== undefined &&
    (await index.page(IMAGES_SCOPE, 1, undefined, cursor)).rows.length === 0;
  const start = isAtEnd ? undefined : cursor;
  let after = start;
  for await (const rows of pagesOf(index, IMAGES_SCOPE, PAGE, start)) {
    for (const { row, target: imageId } of rows) {
      // Invariant 1.
      unfinished ||= images + looks.reads >= MOST_READS || now().getTime() >= untilMs;
      if (unfinished) break;
      images += 1;
      try {
        const looked = await unlessOvertaken(() =>
          lookAfter(deps, looks, imageId, untilMs, traceparent),
        );
        sets += looked.sets;
        told.push(...looked.told);
        errors.push(...looked.errors);
        unfinished = looked.unfinished;
      } catch (error) {
        if (isStateConflict(error)) continue; // Invariant 2.
        errors.push({ resourceId: imageId, error });
        unfinished = isThrottling(error);
      }
      // An image definition that Azure throttles at once, or that takes too long on its own, does
      // not hold up the others: the next run continues after it.
      if (!unfinished || images === 1) after = row;
    }
    if (unfinished) break;
  }
  if (!unfinished && cursor !== undefined) await index.remove([CURSOR]);
  else if (unfinished && after !== undefined) await index.put([{ ...CURSOR, target: after }]);
  return {
    images,
    sets,
    reads: images + looks.reads,
    told,
    unfinished,
    errors,
  };
}

function isThrottling(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "ResourceManagerThrottled";
}

/** Checks, stores and reports the sets of one image definition. */
async function lookAfter(
  deps: GuardianDependencies,
  looks: KeyLooks,
  imageId: string,
  untilMs: number,
  traceparent: string,
): Promise<Pick<GuardianRun, "sets" | "told" | "errors" | "unfinished">> {
  const { keyStates, eventSource, now } = deps;
  // In this order: a state stored since then comes from a later look.
  const stored = await keyStates.read(imageId);
  const inUse = await setsInUse(deps, imageId, stored?.document.sets);
  const errors: GuardianRun["errors"][number][] = [];
  if (stored === undefined && (inUse ?? []).length === 0)
    return { sets: 0, told: [], errors, unfinished: false };
  const sets: KeyState[] = [];
  const untold: CloudEvent[] = [...(stored?.document.untold ?? [])];
  const note = (change: KeyChange, state: KeyState, uses: SetInUse["uses"] = []): void =>
    void untold.push(eventOf(change, { imageId, state, uses, eventSource, traceparent }));
  const before = new Map(
    (stored?.document.sets ?? []).map((state) => [state.diskEncryptionSetId.toLowerCase(), state]),
  );
  const failedBefore = stored?.document.failedTimes ?? {};
  const failedTimes: Record<string, string> = {};
  // A failed read counts as a try, so other sets get their turn.
  const triedTimeOf = ({ id }: SetInUse): string =>
    failedBefore[id.toLowerCase()] ?? before.get(id.toLowerCase())?.lookedTime ?? "";
  const longestAgoFirst = [...(inUse ?? [])].sort((a, b) =>
    triedTimeOf(a).localeCompare(triedTimeOf(b), "en"),
  );
  let unfinished = false;
  for (const set of longestAgoFirst) {
    const key = set.id.toLowerCase();
    const known = before.get(key);
    const failedTime = failedBefore[key];
    before.delete(key);
    try {
      if (sets.length >= MOST_SETS) sets.push(notLooked(known, set, now()));
      // Invariant 1.
      else if (now().getTime() >= untilMs || errors.some(({ error }) => isThrottling(error))) {
        unfinished = true;
        if (known !== undefined) sets.push(known);
        if (failedTime !== undefined) failedTimes[key] = failedTime;
      } else {
        const { state, change } = await lookAgain(deps, looks, set.id, known, set.madeWith);
        sets.push(state);
        if (change !== undefined) note(change, state, set.uses);
      }
    } catch (error) {
      errors.push({ resourceId: set.id, error });
      failedTimes[key] = now().toISOString();
      if (known !== undefined) sets.push(known); // Invariant 3.
    }
  }
  for (const state of before.values())
    if (state.told !== undefined && state.unused === undefined)
      sets.push({ ...state, unused: true });
    // Two looks showed no version that uses the set, or no image definition, so nothing is at risk.
    else if (state.told !== undefined) note("safe", { ...state, lookedTime: now().toISOString() });
  await storeAndTell(deps, { imageId, sets, failedTimes, untold }, stored?.etag);
  return {
    sets: sets.length,
    told: untold.map(
      ({ type, data }) =>
        `${type} ${(data as { diskEncryptionSetId: string }).diskEncryptionSetId}`,
    ),
    errors,
    unfinished: unfinished || errors.some(({ error }) => isThrottling(error)),
  };
}

function notLooked(known: KeyState | undefined, { id }: SetInUse, now: Date): KeyState {
  return {
    diskEncryptionSetId: id,
    lookedTime: now.toISOString(),
    problems: [],
    sequence: 0,
    ...known,
    notSeen: [
      {
        code: "TooManySets",
        message: `Sigil reads at most ${MOST_SETS} sets of an image definition.`,
      },
    ],
  };
}
