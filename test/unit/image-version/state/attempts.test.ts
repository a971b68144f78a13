/** Writes that follow each other, and looks that are older than some of them. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  isOld,
  mayBeDone,
  rememberedBeside,
} from "../../../../src/image-version/state/attempts.js";
import type {
  Attempt,
  ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import {
  at,
  COMPLETED,
  lookOf,
  succeeded,
  time,
} from "../../../support/transitions.js";

const EAST = regionField("eastus2");
const SOUTH = regionField("southcentralus");

/** What Azure shows, beside what the version has at first. */
const showing = (
  changes: Patch,
): NonNullable<ImageVersionRecord["observed"]> => ({
  ...lookOf("Succeeded", COMPLETED, { changes }),
  time: time(0),
});

/** The attempt of this moment, after a look that showed this. */
function sent(
  seconds: number,
  changes: Patch,
  shown: Patch,
  outcome: Attempt["outcome"] = "accepted",
  lastAttempt?: Attempt,
): Attempt {
  const { lastAttempt: _, ...record } = succeeded().record;
  const before = {
    ...record,
    observed: showing(shown),
    ...(lastAttempt && { lastAttempt }),
  };
  return {
    changes,
    regions: [],
    sentTime: time(seconds),
    outcome,
    ...rememberedBeside(before, changes, at(seconds)),
  };
}

const isOldAfter = (
  lastAttempt: Attempt,
  shown: Patch,
  seconds = 1_100,
): boolean =>
  isOld({ ...succeeded().record, lastAttempt }, showing(shown), at(seconds));

const FIRST = sent(
  900,
  { "/tags/a": "2", "/tags/b": "2" },
  {
    "/tags/a": "1",
    "/tags/b": "1",
  },
);

describe("a write that takes back a part of the one before it, and changes something", () => {
  const second = sent(
    1_000,
    { "/tags/a": "1", "/tags/c": "2" },
    { "/tags/a": "2", "/tags/b": "2", "/tags/c": "1" },
    "accepted",
    FIRST,
  );

  test.each<[string, boolean, Patch]>([
    [
      "before both is old",
      true,
      { "/tags/a": "1", "/tags/b": "1", "/tags/c": "1" },
    ],
    [
      "between them is old",
      true,
      { "/tags/a": "2", "/tags/b": "2", "/tags/c": "1" },
    ],
    [
      "after both is not",
      false,
      { "/tags/a": "1", "/tags/b": "2", "/tags/c": "2" },
    ],
  ])("a look from %s", (_, isSo, shown) => {
    expect(isOldAfter(second, shown)).toBe(isSo);
  });

  test("remembers what was before them all", () => {
    expect(second.was).toEqual({
      "/tags/a": "1",
      "/tags/b": "1",
      "/tags/c": "1",
    });
  });
});

describe("a write that does nothing but take back a part of the one before it", () => {
  const shown = { "/tags/a": "2", "/tags/b": "2" };
  const second = (outcome: Attempt["outcome"] = "accepted"): Attempt =>
    sent(1_000, { "/tags/a": "1" }, shown, outcome, FIRST);
  const before = { "/tags/a": "1", "/tags/b": "1" };

  test("is told by the rest of that", () => {
    expect(isOldAfter(second(), before)).toBe(true);
    expect(isOldAfter(second(), { "/tags/a": "1", "/tags/b": "2" })).toBe(
      false,
    );
    expect(isOldAfter(second(), shown)).toBe(false);
  });

  test("and all of the rest, for ten minutes", () => {
    const first = sent(
      900,
      { "/tags/a": "2", "/tags/b": "2", "/tags/c": "2" },
      {
        ...before,
        "/tags/c": "1",
      },
    );
    const back = sent(1_000, { "/tags/a": "1" }, {}, "accepted", first);
    expect(isOldAfter(back, { ...before, "/tags/c": "1" })).toBe(true);
    expect(isOldAfter(back, { ...before, "/tags/c": "2" })).toBe(false);
    expect(isOldAfter(back, { ...before, "/tags/c": "1" }, 1_599)).toBe(true);
    expect(isOldAfter(back, { ...before, "/tags/c": "1" }, 1_600)).toBe(false);
  });

  test("is told by that one no more ten minutes after it", () => {
    const late = (seconds: number): Attempt =>
      sent(seconds, { "/tags/a": "1" }, shown, "accepted", FIRST);
    expect(late(1_499).was).toEqual(before);
    expect(late(1_500).was).toEqual({ "/tags/a": "2" });
  });
});

describe("a write that takes back all of the one before it", () => {
  const first = sent(900, { "/tags/a": "2" }, { "/tags/a": "1" });
  const back = (outcome: Attempt["outcome"]): Attempt =>
    sent(1_000, { "/tags/a": "1" }, { "/tags/a": "2" }, outcome, first);

  test("is there, whatever the look's age, where ARM has accepted it", () => {
    expect(isOldAfter(back("accepted"), { "/tags/a": "1" })).toBe(false);
    expect(isOldAfter(back("shown"), { "/tags/a": "1" })).toBe(false);
  });

  test("is not believed for ten minutes, where it had no answer", () => {
    expect(isOldAfter(back("unknown"), { "/tags/a": "1" }, 1_599)).toBe(true);
    expect(isOldAfter(back("unknown"), { "/tags/a": "1" }, 1_600)).toBe(false);
    expect(isOldAfter(back("unknown"), { "/tags/a": "2" })).toBe(false);
  });

  test("may take away what that has added", () => {
    const added = sent(900, { "/tags/z": "1" }, {});
    expect(added.was).toEqual({ "/tags/z": null });
    const away = sent(
      1_000,
      { "/tags/z": null },
      { "/tags/z": "1" },
      "unknown",
      added,
    );
    expect(isOldAfter(away, {})).toBe(true);
    expect(isOldAfter(away, { "/tags/z": "1" })).toBe(false);
  });
});

describe("a region", () => {
  const AT_SOUTH = {
    [`${SOUTH}/name`]: "southcentralus",
    [`${SOUTH}/regionalReplicaCount`]: 3,
  };

  test("that was added a moment ago and is taken away again is as before", () => {
    const added = sent(900, AT_SOUTH, {});
    const away = sent(1_000, { [SOUTH]: null }, AT_SOUTH, "unknown", added);
    expect(isOldAfter(away, {})).toBe(true);
    expect(isOldAfter({ ...away, outcome: "accepted" }, {})).toBe(false);
  });

  test("that was there before is remembered with all that was said of it, and its removal tells", () => {
    const away = sent(1_000, { [EAST]: null }, {});
    expect(Object.keys(away.was ?? {}).sort()).toEqual(
      expect.arrayContaining([`${EAST}/name`]),
    );
    expect(
      Object.keys(away.was ?? {}).filter(
        (name) => !name.startsWith(`${EAST}/`),
      ),
    ).toEqual([]);
    expect(isOldAfter(away, {})).toBe(true);
    expect(isOldAfter(away, { [EAST]: null })).toBe(false);
  });

  test("that was taken away a moment ago and is added back is told by nothing else that is said of it", () => {
    const away = sent(900, { [SOUTH]: null, "/tags/a": "2" }, AT_SOUTH);
    const back = sent(
      1_000,
      { [`${SOUTH}/name`]: "southcentralus" },
      { "/tags/a": "2" },
      "accepted",
      away,
    );
    expect(isOldAfter(back, { ...AT_SOUTH, "/tags/a": "2" })).toBe(false);
    expect(isOldAfter(back, AT_SOUTH)).toBe(true);
  });
});

test("of a version that no look has shown nothing is remembered", () => {
  const { lastAttempt: _, observed: __, ...record } = succeeded().record;
  expect(rememberedBeside(record, { "/tags/a": "1" }, at(0))).toEqual({});
});

test("what had no answer may be done, and need not be shown, for ten minutes", () => {
  const lastAttempt = sent(1_000, { "/tags/a": "1" }, {}, "unknown");
  expect(mayBeDone({ lastAttempt }, at(1_599))).toBe(true);
  expect(mayBeDone({ lastAttempt }, at(1_600))).toBe(false);
  const refused = { ...lastAttempt, outcome: "refused" } as const;
  expect(mayBeDone({ lastAttempt: refused }, at(1_001))).toBe(false);
  expect(mayBeDone({}, at(1_001))).toBe(false);
});
