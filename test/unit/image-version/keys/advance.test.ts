import { describe, expect, test } from "vitest";
import type { KeyState, DiskEncryptionSet } from "../../../../src/keys/ports.js";
import { advanceKeys } from "../../../../src/keys/advance.js";
import { judgeSet, type SetSight } from "../../../../src/keys/judge.js";

const SET = "/set";
const HOUR_MS = 3_600_000;
let hours = 0;

const value: DiskEncryptionSet = {
  id: SET,
  region: "westus",
  provisioningState: "Succeeded",
  encryptionType: "EncryptionAtRestWithCustomerKey",
  keyUrl: "https://vault/keys/west/1",
  rotationToLatestKeyVersionEnabled: false,
};
const FOUND = { kind: "found", value } as const;
const FAILED = {
  kind: "found",
  value: { ...value, provisioningState: "Failed" },
} as const;
const UNSEEN = { kind: "unseen", code: "No", message: "no" } as const;
const KEY = { kind: "found", value: { enabled: true } } as const;
const DISABLED = { kind: "found", value: { enabled: false } } as const;

function look(before: KeyState | undefined, sight: SetSight) {
  hours += 1;
  const now = new Date(hours * HOUR_MS);
  return advanceKeys(
    before,
    SET,
    sight.set.kind === "found" ? sight.set.value : undefined,
    judgeSet(SET, sight, [], { now, expiryMs: 0 }),
    now,
  );
}

/** What is told of one look after the other. */
function changes(...sights: readonly SetSight[]) {
  let state: KeyState | undefined;
  return sights.map((sight) => {
    const next = look(state, sight);
    state = next.state;
    return next.change;
  });
}

test("what was wrong with a key is not wrong with another one; whether that is safe is told once it is seen", () => {
  const other = {
    kind: "found",
    value: { ...value, keyUrl: "https://other/keys/west/1" },
  } as const;
  const replaced = { set: other, key: UNSEEN };
  expect(
    changes({ set: FOUND, key: DISABLED }, replaced, replaced, {
      set: other,
      key: KEY,
    }),
  ).toEqual(["atRisk", undefined, undefined, "safe"]);
  expect(
    changes({ set: FOUND, key: DISABLED }, replaced, {
      set: other,
      key: DISABLED,
    }),
  ).toEqual(["atRisk", undefined, "atRisk"]);
  expect(
    look(look(undefined, { set: FOUND, key: DISABLED }).state, replaced).state.problems,
  ).toEqual([]);
  // Nor by way of a problem of the set.
  const failed = {
    kind: "found",
    value: { ...other.value, provisioningState: "Failed" },
  } as const;
  expect(
    changes({ set: FOUND, key: DISABLED }, replaced, { set: failed, key: UNSEEN }, replaced, {
      set: other,
      key: KEY,
    }),
  ).toEqual(["atRisk", undefined, "atRisk", undefined, "safe"]);
});

test("a set that one look does not find is not seen, and what was known of it stays", () => {
  const absent = { set: { kind: "absent" } } as const;
  expect(
    changes({ set: FOUND, key: KEY }, absent, { set: FOUND, key: KEY }, absent, absent, absent, {
      set: FOUND,
      key: KEY,
    }),
  ).toEqual([undefined, undefined, undefined, undefined, "atRisk", undefined, "safe"]);
  const { state } = look(undefined, { set: FOUND, key: DISABLED });
  const doubted = look(state, absent);
  expect(doubted.change).toBeUndefined();
  expect(doubted.state).toMatchObject({
    problems: [{ code: "KeyDisabled" }],
    notSeen: [{ code: "DiskEncryptionSetNotFound" }],
  });
  const gone = look(doubted.state, absent);
  expect(gone.state.problems.map(({ code }) => code)).toEqual(["DiskEncryptionSetNotFound"]);
});

test("a set that is not found for less than two minutes may be there: a replica may be behind", () => {
  const absent = { set: { kind: "absent" } } as const;
  const at = (ms: number, before?: KeyState) => {
    const now = new Date(ms);
    const judged = judgeSet(SET, absent, [], { now, expiryMs: 0 });
    return advanceKeys(before, SET, undefined, judged, now);
  };
  const first = at(0);
  const soon = at(119_999, first.state);
  expect(soon.state.problems).toEqual([]);
  expect(soon.change).toBeUndefined();
  expect(at(120_000, soon.state).change).toBe("atRisk");
});

describe("each change is told once:", () => {
  test("a problem, and that it is mended", () => {
    expect(
      changes(
        { set: FOUND, key: KEY },
        { set: FOUND, key: DISABLED },
        { set: FOUND, key: DISABLED },
        { set: FOUND, key: KEY },
        { set: FOUND, key: KEY },
        { set: FOUND, key: DISABLED },
      ),
    ).toEqual([undefined, "atRisk", undefined, "safe", undefined, "atRisk"]);
  });

  test("another problem beside it, and one less", () => {
    expect(
      changes(
        { set: FAILED, key: KEY },
        { set: FAILED, key: DISABLED },
        { set: FOUND, key: DISABLED },
        { set: FOUND, key: KEY },
      ),
    ).toEqual(["atRisk", "atRisk", "atRisk", "safe"]);
  });
});

describe("what cannot be looked at mends nothing:", () => {
  test("the key", () => {
    expect(
      changes(
        { set: FOUND, key: DISABLED },
        { set: FOUND, key: UNSEEN },
        { set: UNSEEN },
        { set: FOUND, key: KEY },
      ),
    ).toEqual(["atRisk", undefined, undefined, "safe"]);
  });

  test("but a set that is seen to be well again is, whatever is not seen of its key", () => {
    expect(changes({ set: FAILED, key: UNSEEN }, { set: FOUND, key: UNSEEN })).toEqual([
      "atRisk",
      "safe",
    ]);
  });
});

describe("until when a key can be used", () => {
  const expires = "2031-03-03T00:00:00Z";
  const ENDS = { kind: "found", value: { enabled: true, expires } } as const;
  const other = {
    kind: "found",
    value: { ...value, keyUrl: "https://vault/keys/west/2" },
  } as const;
  test.each<[string, SetSight, string | undefined]>([
    ["stays known while it cannot be seen", { set: UNSEEN }, expires],
    ["stays known while its key cannot be seen", { set: FOUND, key: UNSEEN }, expires],
    ["ends with its date", { set: FOUND, key: KEY }, undefined],
    ["ends with the key", { set: other, key: UNSEEN }, undefined],
    [
      "is that of the version in use, whatever the newest has",
      {
        set: FOUND,
        key: ENDS,
        newest: { kind: "found", value: { enabled: true } },
      },
      expires,
    ],
  ])("%s", (_, sight, after) => {
    const { state } = look(undefined, { set: FOUND, key: ENDS });
    expect(state.expiresTime).toBe(expires);
    expect(look(state, sight).state.expiresTime).toBe(after);
  });
});

test("property: nothing is said to be mended, or is forgotten, that was not seen again by what had shown it", () => {
  const sets = [FOUND, FAILED, UNSEEN, { kind: "absent" }] as const;
  const keys = [KEY, DISABLED, UNSEEN, { kind: "absent" }] as const;
  // Of any state, each of any sights that may follow, twice over.
  const vaults = [{ kind: "found", value: true }, { kind: "absent" }, UNSEEN] as const;
  const sights = sets.flatMap((set): SetSight[] =>
    set.kind === "found"
      ? keys.flatMap((key): SetSight[] =>
          key.kind === "absent" ? vaults.map((vault) => ({ set, key, vault })) : [{ set, key }],
        )
      : [{ set }],
  );
  for (const first of sights)
    for (const second of sights)
      for (const third of sights) {
        let state: KeyState | undefined;
        for (const sight of [first, second, third]) {
          const before: KeyState | undefined = state;
          const next = look(before, sight);
          state = next.state;
          // Not found once, it is not seen.
          const isFound =
            sight.set.kind !== "absent" ||
            state.problems.some(({ code }) => code === "DiskEncryptionSetNotFound");
          const [setSeen, keySeen] = [
            isFound && sight.set.kind !== "unseen",
            isFound && [sight.set, sight.key, sight.vault].every((one) => one?.kind !== "unseen"),
          ];
          for (const { code, seenBy } of before?.problems ?? [])
            if (!(seenBy === "set" ? setSeen : keySeen))
              expect(state.problems.map((one) => one.code)).toContain(code);
          if (next.change === "safe") expect(state.problems).toEqual([]);
          expect(state.notSeen.length > 0).toBe(!setSeen || !keySeen);
        }
      }
});
