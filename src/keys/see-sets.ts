/**
 * Looks at disk encryption sets now. Invariants:
 *  1. A look older than the stored state changes nothing and reports nothing.
 *  2. A look that differs from the stored state is stored and reported. If that fails, the caller
 *     still gets its answer. One instance tries the same once in 30 s.
 */
import { isDeepStrictEqual } from "node:util";
import { orNone } from "../errors.js";
import type { EncryptionType, KeyDependencies, KeyState, MadeWith } from "./ports.js";
import { advanceKeys, type Advanced } from "./advance.js";
import { judgeSet, TYPE_CHANGED } from "./judge.js";
import { createKeyLooks, type KeyLooks, type LookDependencies } from "./look.js";
import type { KeyUse } from "./memory.js";
import type { KeyStatesBySet } from "./version-keys.js";

export interface SeeDependencies extends Pick<LookDependencies, "resources" | "now"> {
  readonly looks: LookDependencies["looks"] & {
    once<T>(key: string, read: () => Promise<T>): Promise<T>;
  };
  /**
   * Stores and reports new looks at these sets (lower case) of an image definition; absent: the key
   * guardian's next run does.
   */
  readonly noteKeys?: (imageId: string, setIds: readonly string[]) => Promise<void>;
}

/** The stored states, replaced by what Azure shows of these sets now. If Azure cannot answer now, the stored state stays. */
export async function seeSets(
  deps: SeeDependencies,
  keyGuardian: KeyDependencies,
  imageId: string,
  ids: readonly string[],
  stored: KeyStatesBySet,
  use: KeyUse,
): Promise<KeyStatesBySet> {
  const states = await statesOf(deps, keyGuardian, ids, stored, use);
  const news = states.filter((state) => isNews(state, stored.get(keyIn(state))));
  const { noteKeys } = deps;
  // Invariant 2.
  if (noteKeys && news.length > 0)
    await deps.looks.once(`keys ${imageId} ${JSON.stringify(news.map(standing))}`, () =>
      orNone(noteKeys(imageId, news.map(keyIn))),
    );
  return replaced(stored, states);
}

/** The stored states, replaced by what this instance saw of these sets since. Costs no read. */
export async function seenSets(
  deps: SeeDependencies,
  keyGuardian: KeyDependencies,
  ids: readonly string[],
  stored: KeyStatesBySet,
): Promise<KeyStatesBySet> {
  return replaced(stored, await statesOf(deps, keyGuardian, ids, stored, "known"));
}

function replaced(stored: KeyStatesBySet, states: readonly KeyState[]): KeyStatesBySet {
  return new Map([...stored, ...states.map((state) => [keyIn(state), state] as const)]);
}

async function statesOf(
  deps: SeeDependencies,
  keyGuardian: KeyDependencies,
  ids: readonly string[],
  stored: KeyStatesBySet,
  use: KeyUse,
): Promise<readonly KeyState[]> {
  const reads = { ...deps, ...keyGuardian };
  const looks = createKeyLooks(reads, use);
  const sets = new Map(ids.map((id) => [id.toLowerCase(), id]));
  const seen = await Promise.all(
    [...sets].map(([key, id]) => orNone(lookAgain(reads, looks, id, stored.get(key)))),
  );
  return seen.flatMap((advanced) => advanced?.state ?? []);
}

/**
 * The known state of a set after another look. `madeWith` absent: not read, so the set's present
 * type counts.
 */
export async function lookAgain(
  { now, keyExpiryMs: expiryMs }: Pick<LookDependencies, "now" | "keyExpiryMs">,
  looks: KeyLooks,
  id: string,
  known: KeyState | undefined,
  madeWith?: MadeWith,
): Promise<Advanced> {
  // Another instance's clock may be ahead.
  const knownMs = known ? Math.min(Date.parse(known.lookedTime), now().getTime()) : -Infinity;
  const { timeMs, ...sight } = await looks.look(id, knownMs);
  // Invariant 1.
  if (known !== undefined && timeMs < knownMs) return { state: known };

  const types = Object.keys(madeWith?.versions ?? {}) as EncryptionType[];
  const judged = judgeSet(id, sight, types, { now: now(), expiryMs });
  const typed = madeWith ? [] : (known?.problems ?? []).filter(({ code }) => code === TYPE_CHANGED);
  const advanced = advanceKeys(
    known,
    id,
    sight.set.kind === "found" ? sight.set.value : undefined,
    { ...judged, problems: [...judged.problems, ...typed] },
    new Date(timeMs),
  );
  const made = madeWith ?? known?.madeWith;
  return made === undefined
    ? advanced
    : { ...advanced, state: { ...advanced.state, madeWith: made } };
}

/** Whether it is worth a write. A set without a stored state is, unless Sigil could not look. */
export function isNews(state: KeyState, known: KeyState | undefined): boolean {
  return known === undefined
    ? state.problems.length > 0 || state.notSeen.length === 0
    : !isDeepStrictEqual(standing(state), standing(known));
}

/** Leaves out the messages, which repeat Azure's words. */
function standing(state: KeyState): object {
  const { diskEncryptionSetId: id, keyUrl, expiresTime, told, problems, notSeen } = state;
  const codes = [...problems, ...notSeen].map(({ code }) => code).sort();
  return { id: id.toLowerCase(), keyUrl, expiresTime, told, codes };
}

function keyIn({ diskEncryptionSetId }: KeyState): string {
  return diskEncryptionSetId.toLowerCase();
}
