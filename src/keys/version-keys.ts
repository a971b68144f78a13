/**
 * The known state of one version's keys. Pure. Invariant: a set that Sigil did not look at, or only
 * in part, is never safe.
 */
import { omit } from "../objects.js";
import { azNames } from "./az-names.js";
import type { ImageKeys, KeyProblem, KeyState, NotSeen, EncryptionType } from "./ports.js";
import { TYPE_CHANGED } from "./judge.js";

interface OfSet {
  readonly diskEncryptionSetId: string;
  /** Canonical regions where the version uses the set. */
  readonly regions: readonly string[];
}

export interface VersionKeys {
  readonly state: "AtRisk" | "Unknown" | "Safe";
  /** When the least recently seen set was seen, RFC 3339; absent: one was never seen. */
  readonly seenTime?: string;
  /** The sets that were seen. */
  readonly sets: readonly (OfSet & Pick<KeyState, "keyUrl" | "expiresTime">)[];
  readonly problems: readonly (OfSet &
    Omit<KeyProblem, "seenBy"> & {
      readonly keyUrl?: string;
      readonly since?: string;
    })[];
  readonly notSeen: readonly (OfSet & NotSeen)[];
}

const NOT_YET: NotSeen = {
  code: "NotLookedAtYet",
  message:
    "Sigil has not read the set yet. The next run reads it, if a version of Sigil's uses it.",
};

/** Texts for a key that Sigil could not look at, with the key guardian's last look. */
export function notSeenWords(
  id: string,
  { code, message }: NotSeen,
  last: KeyState | undefined,
): Readonly<Record<"code" | "message" | "remediation", string>> {
  const codes = (last?.problems ?? []).map((problem) => problem.code);
  const word =
    codes.length > 0
      ? codes.join(", ")
      : (last?.notSeen.length ?? 0) > 0
        ? "not seen either"
        : "it works";
  return {
    code: "KeyNotSeen",
    message: `Sigil could not check the key of ${id} (${code}): ${message} ${
      last === undefined
        ? "The key guardian has not read it yet."
        : `The key guardian reported at ${last.lookedTime}: ${word}.`
    }`,
    remediation: `Check the key yourself: az keyvault key show --query attributes --id "$(az disk-encryption-set show ${azNames(id)} --query activeKey.keyUrl --output tsv)"`,
  };
}

/** By set id in lower case. */
export type KeyStatesBySet = ReadonlyMap<string, KeyState>;

export function statesOf(known: Pick<ImageKeys, "sets"> | undefined): KeyStatesBySet {
  return new Map(
    (known?.sets ?? []).map((state) => [state.diskEncryptionSetId.toLowerCase(), state]),
  );
}

/**
 * Undefined for a version without customer keys. `uses`: each disk's set, in canonical regions.
 * `madeWith`: the set's type when Sigil last proved it, by set id in lower case.
 */
export function versionKeys(
  states: KeyStatesBySet,
  uses: readonly {
    readonly diskEncryptionSetId: string;
    readonly region: string;
  }[],
  madeWith: Readonly<Record<string, EncryptionType>>,
): VersionKeys | undefined {
  const sets = new Map<string, { id: string; regions: Set<string> }>();
  for (const { diskEncryptionSetId: id, region } of uses) {
    const set = sets.get(id.toLowerCase()) ?? { id, regions: new Set() };
    set.regions.add(region);
    sets.set(id.toLowerCase(), set);
  }
  if (sets.size === 0) return undefined;
  const looks = [...sets].map(([key, { id, regions }]) => ({
    of: { diskEncryptionSetId: id, regions: [...regions].sort() },
    state: states.get(key),
    madeWith: madeWith[key],
  }));
  const problems = looks.flatMap(({ of, state, madeWith: type }) =>
    problemsOf(state, type).map((problem) => ({
      ...of,
      ...(state?.keyUrl !== undefined && { keyUrl: state.keyUrl }),
      ...(state?.since !== undefined && { since: state.since }),
      ...omit(problem, "seenBy"),
    })),
  );
  const notSeen = looks.flatMap(({ of, state }) =>
    (state?.notSeen ?? [NOT_YET]).map((one) => ({ ...of, ...one })),
  );
  const times = looks.map(({ state }) => state?.lookedTime);
  const [first] = times.includes(undefined) ? [] : [...times].sort();
  return {
    state: problems.length > 0 ? "AtRisk" : notSeen.length > 0 ? "Unknown" : "Safe",
    ...(first !== undefined && { seenTime: first }),
    sets: looks.flatMap(({ of, state }) =>
      state === undefined ? [] : [{ ...of, ...keyIn(state) }],
    ),
    problems,
    notSeen,
  };
}

/** The key that a set was seen with, and when it expires. */
export function keyIn({ keyUrl, expiresTime }: KeyState): Pick<KeyState, "keyUrl" | "expiresTime"> {
  return {
    ...(keyUrl !== undefined && { keyUrl }),
    ...(expiresTime !== undefined && { expiresTime }),
  };
}

/** A changed type is a problem only of versions that were created with the earlier type. */
function problemsOf(
  state: KeyState | undefined,
  madeWith: EncryptionType | undefined,
): readonly KeyProblem[] {
  return (state?.problems ?? []).filter(
    ({ code }) =>
      code !== TYPE_CHANGED || (madeWith !== undefined && madeWith !== state?.encryptionType),
  );
}
