/** What others change of what was sent last, as it is told from look to look. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import { EXCLUDE_FROM_LATEST } from "../../../../src/image-version/properties/table.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  changedByOthers,
  lostIn,
  takenBack,
} from "../../../../src/image-version/state/outside.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import {
  at,
  COMPLETED,
  lookOf,
  succeeded,
  time,
} from "../../../support/transitions.js";

const SENT = { "/tags/a": "1", "/tags/b": "1" };

function following(sent: Patch = SENT) {
  const { record } = succeeded();
  let present: ImageVersionRecord = {
    ...record,
    observed: lookOf("Succeeded", COMPLETED, { changes: sent }),
    lastAttempt: {
      changes: sent,
      regions: [],
      sentTime: time(1_000),
      outcome: "shown",
      sentFor: [],
    },
  };
  return {
    outside: () => present.outside,
    /** The fields that a look tells, with what they are. */
    look: (
      seconds: number,
      changes: Patch,
    ): readonly (readonly unknown[])[] => {
      const look = lookOf("Succeeded", COMPLETED, {
        changes: { ...SENT, ...changes },
      });
      const { remembered, changes: told } = changedByOthers(
        present,
        look,
        at(seconds),
      );
      const { outside: _, outsideTold: __, ...kept } = present;
      present = { ...kept, ...remembered, observed: look };
      return told.map(({ field, before, after }) => [field, before, after]);
    },
  };
}

test("a change is told at the second look, and once", () => {
  const { look } = following();
  expect(look(1_010, { "/tags/a": "9" })).toEqual([]);
  expect(look(1_130, { "/tags/a": "9" })).toEqual([["/tags/a", "1", "9"]]);
  expect(look(1_250, { "/tags/a": "9" })).toEqual([]);
});

test("another change is told alone", () => {
  const { look } = following();
  look(1_010, { "/tags/a": "9" });
  look(1_130, { "/tags/a": "9" });
  const both = { "/tags/a": "9", "/tags/b": "9" };
  expect(look(1_250, both)).toEqual([]);
  expect(look(1_370, both)).toEqual([["/tags/b", "1", "9"]]);
  expect(look(1_490, both)).toEqual([]);
});

test("what is changed once more is told as it is then", () => {
  const { look } = following();
  look(1_010, { "/tags/a": "9" });
  look(1_130, { "/tags/a": "9" });
  look(1_250, { "/tags/a": "8" });
  expect(look(1_370, { "/tags/a": "8" })).toEqual([["/tags/a", "1", "8"]]);
});

test("that none is there instead of another's false, where true was sent, is told by the looks alone", () => {
  const flag = `${regionField("eastus2")}/excludeFromLatest`;
  const { look } = following({ ...SENT, [flag]: true });
  const shown = (own: Patch): Patch => ({
    [EXCLUDE_FROM_LATEST]: true,
    ...own,
  });
  look(1_500, shown({ [flag]: false }));
  expect(look(1_700, shown({ [flag]: false }))).toEqual([[flag, true, false]]);
  look(2_500, shown({}));
  expect(look(2_700, shown({}))).toEqual([]);
});

test("that one of two was taken back is told beside the other, and that all were at the second look", () => {
  const { look, outside } = following();
  const both = { "/tags/a": "9", "/tags/b": "9" };
  look(1_010, both);
  expect(look(1_130, both)).toEqual([
    ["/tags/a", "1", "9"],
    ["/tags/b", "1", "9"],
  ]);
  look(1_250, { "/tags/b": "9" });
  expect(look(1_370, { "/tags/b": "9" })).toEqual([["/tags/a", "9", "1"]]);
  expect(look(1_490, {})).toEqual([]);
  expect(look(1_610, {})).toEqual([["/tags/b", "9", "1"]]);
  expect(outside()).toBeUndefined();
});

test("what was told, and not yet all that came after, is taken back as far as it was told", () => {
  const { look } = following();
  look(1_010, { "/tags/a": "9" });
  look(1_130, { "/tags/a": "9" });
  look(1_250, { "/tags/a": "9", "/tags/b": "9" });
  expect(look(1_260, {})).toEqual([]);
  expect(look(1_380, {})).toEqual([["/tags/a", "9", "1"]]);
});

test("what was never told is not taken back", () => {
  const { look, outside } = following();
  look(1_010, { "/tags/a": "9" });
  expect(look(1_130, {})).toEqual([]);
  expect(outside()).toBeUndefined();
});

describe("of what was not sent lately", () => {
  test("a change is told at once, and that it is taken back at the second look, however long after", () => {
    const { look } = following();
    expect(look(2_000, { "/tags/c": "9" })).toEqual([
      ["/tags/c", undefined, "9"],
    ]);
    expect(look(2_590, {})).toEqual([]);
    expect(look(2_709, {})).toEqual([]);
    expect(look(2_711, {})).toEqual([["/tags/c", "9", null]]);
  });

  test("that it is taken back is told at once where no look can be older", () => {
    const { look } = following();
    look(2_000, { "/tags/c": "9" });
    expect(look(2_600, {})).toEqual([["/tags/c", "9", null]]);
  });

  test("another change meanwhile does not let the first be forgotten", () => {
    const { look } = following();
    look(2_000, { "/tags/c": "9" });
    look(2_010, { "/tags/c": "9", "/tags/d": "9" });
    expect(look(2_020, { "/tags/d": "9" })).toEqual([]);
    expect(look(2_030, { "/tags/c": "9", "/tags/d": "9" })).toEqual([]);
  });
});

describe("beside what Sigil has sent", () => {
  const EAST = regionField("eastus2");
  const WEST = regionField("westus");
  const REPLICAS = `${EAST}/regionalReplicaCount`;
  const FLAG = `${EAST}/excludeFromLatest`;
  const NOW = at(2_000);
  const seen = (
    changes: Patch,
    more: Partial<ImageVersionRecord> = {},
  ): readonly string[] =>
    changedByOthers(
      {
        ...succeeded().record,
        observed: lookOf("Succeeded", COMPLETED, {}),
        ...more,
      },
      lookOf("Succeeded", COMPLETED, { changes }),
      NOW,
    ).changes.map(({ field }) => field);
  const sent = (outcome: "accepted" | "shown") => ({
    lastAttempt: {
      changes: { [REPLICAS]: 3 },
      regions: [],
      sentTime: time(1_000),
      outcome,
      sentFor: [],
    },
  });

  test("until a look has shown it, all but that is told", () => {
    const changes = { [REPLICAS]: 3 };
    expect(seen(changes, sent("accepted"))).toEqual([]);
    const others = {
      [FLAG]: true,
      "/tags/a": "1",
      [`${WEST}/regionalReplicaCount`]: 5,
    };
    expect(
      [...seen({ ...changes, ...others }, sent("accepted"))].sort(),
    ).toEqual(Object.keys(others).sort());
  });

  test("what a region is that comes by it is not told", () => {
    const region = { [`${EAST}/name`]: "eastus2", [FLAG]: true };
    const { lastAttempt } = sent("accepted");
    const addition = { ...lastAttempt, changes: region };
    expect(
      seen(
        { ...region, [`${EAST}/storageAccountType`]: "Standard_ZRS" },
        {
          lastAttempt: addition,
          observed: lookOf("Succeeded", COMPLETED, {
            changes: { [EAST]: null },
          }),
        },
      ),
    ).toEqual([]);
  });

  test("but that one of its regions has gone, which was sent for another reason, is", () => {
    const name = `${EAST}/name`;
    expect(seen({ [EAST]: null }, sent("accepted"))).toContain(name);
    const { lastAttempt } = sent("accepted");
    const removal = { ...lastAttempt, changes: { [EAST]: null } };
    expect(seen({ [EAST]: null }, { lastAttempt: removal })).toEqual([]);
  });

  describe("a region that it has removed, and that others add again", () => {
    const removal = {
      lastAttempt: { ...sent("shown").lastAttempt, changes: { [EAST]: null } },
    };
    const observed = (changes: Patch) => ({
      observed: lookOf("Succeeded", COMPLETED, { changes }),
    });

    test("is told at the look that shows it, and what others do to it after that", () => {
      expect(seen({}, { ...removal, ...observed({ [EAST]: null }) })).toContain(
        `${EAST}/name`,
      );
      expect(seen({}, removal)).toEqual([]);
      expect(seen({ [FLAG]: true, [REPLICAS]: 7 }, removal).toSorted()).toEqual(
        [FLAG, REPLICAS],
      );
      expect(seen({ [EAST]: null }, removal)).toContain(`${EAST}/name`);
    });

    test("is no doubt that holds up what was sent since, whoever has stored it", () => {
      const doubt = JSON.stringify([{ field: EAST, after: "eastus2" }]);
      for (const outside of [
        { what: doubt, since: time(1_990) },
        { what: "[]", toldBefore: doubt, since: time(1_990) },
      ])
        for (const outcome of ["accepted", "shown"] as const)
          expect(
            seen(
              { "/tags/a": "1" },
              {
                ...observed({ "/tags/a": "1" }),
                outside,
                lastAttempt: {
                  ...sent(outcome).lastAttempt,
                  changes: { "/tags/a": "1" },
                },
              },
            ),
          ).toEqual([]);
    });
  });

  test("then all is, but for what Azure fills in while it works on it", () => {
    const filled = `${EAST}/storageAccountType`;
    const changes = { [REPLICAS]: 3, [FLAG]: true, [filled]: "Standard_ZRS" };
    const observed = (state: string) => ({
      observed: lookOf(state, COMPLETED, {
        changes: { [REPLICAS]: 3, [filled]: null },
      }),
    });
    expect(
      seen(changes, { ...sent("shown"), ...observed("Succeeded") }),
    ).toEqual(expect.arrayContaining([FLAG, filled]));
    expect(
      seen(changes, { ...sent("shown"), ...observed("Updating") }),
    ).toEqual([FLAG]);
  });

  test("of a version to which nothing was sent, everything is", () => {
    const { lastAttempt: _, ...record } = succeeded().record;
    const { changes, excluded } = changedByOthers(
      record,
      lookOf("Succeeded", COMPLETED, { changes: { [FLAG]: true } }),
      NOW,
    );
    expect(changes.map(({ field }) => field)).toEqual([FLAG]);
    expect(excluded.byOthers).toBe(true);
  });

  test("nothing is told of a version that is not Sigil's yet, or was never seen", () => {
    expect(seen({ "/tags/a": "1" }, { exists: false })).toEqual([]);
    const { observed: _, ...unseen } = succeeded().record;
    expect(
      changedByOthers(unseen, lookOf("Succeeded", COMPLETED), NOW),
    ).toEqual({
      changes: [],
      excluded: { was: false, is: false, byOthers: false },
      remembered: {},
    });
  });

  const OTHER = `${WEST}/excludeFromLatest`;
  const OUT = { [FLAG]: true, [OTHER]: true };

  test.each([
    ["as it was sent", "Succeeded", {}, {}, []],
    [
      "included in one region",
      "Succeeded",
      { ...OUT, [OTHER]: false },
      OUT,
      [OTHER],
    ],
    [
      "included",
      "Succeeded",
      { [FLAG]: false, [OTHER]: false },
      OUT,
      [FLAG, OTHER],
    ],
    [
      "excluded, though it was not sent so",
      "Succeeded",
      { [FLAG]: true },
      { [FLAG]: false, "/tags/a": "1" },
      [],
    ],
    ["included, while Azure makes it", "Updating", { [FLAG]: false }, OUT, []],
  ])(
    "of a version that was made excluded, the first look shows it %s",
    (_, state, shown, sent, told) => {
      const { observed: __, ...unseen } = succeeded().record;
      const { changes, excluded } = changedByOthers(
        {
          ...unseen,
          lastAttempt: {
            changes: sent,
            regions: [],
            sentTime: time(1_000),
            outcome: "accepted",
            sentFor: [],
          },
        },
        lookOf(state, COMPLETED, { changes: shown }),
        NOW,
      );
      expect(changes.map(({ field }) => field).sort()).toEqual(told);
      const was = told.length > 0;
      expect(excluded).toEqual({ was, is: false, byOthers: was });
    },
  );

  test.each([
    ["comes", { [EAST]: null, [OTHER]: true }, OUT],
    ["goes", OUT, { [EAST]: null, [OTHER]: true }],
  ])(
    "a region that %s says nothing of whether the version is excluded",
    (_, before, after) => {
      const { excluded } = changedByOthers(
        {
          ...succeeded().record,
          observed: lookOf("Succeeded", COMPLETED, { changes: before }),
        },
        lookOf("Succeeded", COMPLETED, { changes: after }),
        NOW,
      );
      expect(excluded).toMatchObject({ was: true, is: true });
    },
  );

  test.each([
    [{ [EXCLUDE_FROM_LATEST]: true }, { [FLAG]: false }],
    [{ [OTHER]: true }, {}],
  ])("but one that comes included does (%j, %j)", (excluded, own) => {
    const { excluded: told } = changedByOthers(
      {
        ...succeeded().record,
        observed: lookOf("Succeeded", COMPLETED, {
          changes: { ...excluded, [EAST]: null },
        }),
      },
      lookOf("Succeeded", COMPLETED, { changes: { ...excluded, ...own } }),
      NOW,
    );
    expect(told).toMatchObject({ was: true, is: false });
  });

  const SOUTH = `${regionField("uksouth")}/name`;

  /** What two looks tell, westus excluded in both but for that, and whether it is remembered that a region took it along. */
  const between = (
    before: Patch,
    after: Patch,
    more: Partial<ImageVersionRecord> = {},
  ): readonly unknown[] => {
    const shown = (changes: Patch) =>
      lookOf("Succeeded", COMPLETED, {
        changes: { [OTHER]: true, ...changes },
      });
    const { excluded, remembered } = changedByOthers(
      { ...succeeded().record, ...more, observed: shown(before) },
      shown(after),
      NOW,
    );
    return [excluded.was, excluded.is, remembered.latestGone];
  };
  const GONE = { [EAST]: null };
  const WAS_LATEST = { latestGone: true } as const;

  test.each<[string, Parameters<typeof between>, readonly unknown[]]>([
    ["its only region in latest goes", [{}, GONE], [true, true, true]],
    ["that stays so", [GONE, GONE, WAS_LATEST], [true, true, true]],
    ["that is there again", [GONE, {}, WAS_LATEST], [false, false, undefined]],
    [
      "that is there again, excluded",
      [GONE, { [FLAG]: true }, WAS_LATEST],
      [true, true, true],
    ],
    [
      "another takes its place",
      [{}, { ...GONE, [SOUTH]: "uksouth" }],
      [false, false, undefined],
    ],
    [
      "another is included that was there, while it is gone",
      [GONE, { ...GONE, [OTHER]: false }, WAS_LATEST],
      [true, false, undefined],
    ],
    [
      "another is held back that had it, while it is gone",
      [{ ...GONE, [OTHER]: false }, GONE],
      [false, true, undefined],
    ],
    ["and it is there again after that", [GONE, {}], [true, false, undefined]],
  ])("of a version in latest, where %s", (_, looks, told) => {
    expect(between(...looks)).toEqual(told);
  });

  test.each<[string, boolean, Patch, Patch, readonly string[]]>([
    ["goes before the version's true", true, {}, { [FLAG]: false }, [FLAG]],
    ["and does so no more", true, { [FLAG]: false }, {}, [FLAG]],
    [
      "is none where the version is not excluded",
      false,
      {},
      { [FLAG]: false },
      [],
    ],
    ["nor is its going", false, { [FLAG]: false }, {}, []],
  ])("a region's own false %s", (_, excluded, before, after, told) => {
    const shown = (changes: Patch): Patch => ({
      [EXCLUDE_FROM_LATEST]: excluded,
      ...changes,
    });
    const observed = lookOf("Succeeded", COMPLETED, { changes: shown(before) });
    expect(seen(shown(after), { observed })).toEqual(told);
    const { excluded: latest } = changedByOthers(
      { ...succeeded().record, observed },
      lookOf("Succeeded", COMPLETED, { changes: shown(after) }),
      NOW,
    );
    const isIn = (one: Patch): boolean => !excluded || FLAG in one;
    expect(latest).toMatchObject({ was: !isIn(before), is: !isIn(after) });
  });

  test.each<[string, Patch, "accepted" | "shown", readonly string[]]>([
    [
      "is told, of the version's flag",
      { [EXCLUDE_FROM_LATEST]: true },
      "shown",
      [FLAG],
    ],
    ["and of its own", { [FLAG]: false }, "shown", [FLAG]],
    [
      "not as that comes, which leaves it out",
      { [EXCLUDE_FROM_LATEST]: true },
      "accepted",
      [],
    ],
  ])(
    "a region's own false that goes after what Sigil has sent %s",
    (_, changes, outcome, told) => {
      const observed = lookOf("Succeeded", COMPLETED, {
        changes: { [EXCLUDE_FROM_LATEST]: outcome === "shown", [FLAG]: false },
      });
      expect(
        seen(
          { [EXCLUDE_FROM_LATEST]: true },
          {
            observed,
            lastAttempt: { ...sent(outcome).lastAttempt, changes },
          },
        ),
      ).toEqual(told);
    },
  );

  test("a look that shows again what others had changed may be older than that", () => {
    const told = {
      field: "/tags/a",
      before: "1",
      after: "2",
      time: time(1_990),
    };
    const record = {
      ...succeeded().record,
      observed: lookOf("Succeeded", COMPLETED, { changes: { "/tags/a": "2" } }),
    };
    const isBack = (shown: string, outsideTold = [told]): boolean =>
      Object.keys(
        takenBack(
          { ...record, outsideTold },
          lookOf("Succeeded", COMPLETED, { changes: { "/tags/a": shown } }),
          NOW,
        ),
      ).length > 0;
    expect(isBack("1")).toBe(true);
    expect(isBack("2")).toBe(false);
    expect(isBack("3")).toBe(false);
    expect(isBack("1", [])).toBe(false);
    // Beside one that stays as it was told.
    const other = { ...told, field: "/tags/b", before: "1", after: "2" };
    expect(isBack("1", [told, { ...other, field: "/tags/c" }])).toBe(true);
  });
});

describe("a region is lost", () => {
  const NAME = `${regionField("eastus2")}/name`;
  const lost = (field: string, before: unknown, after: unknown) =>
    lostIn([{ field, before, after }]);

  test("where its name is gone", () => {
    expect(lost(NAME, "eastus2", null)).toEqual(["eastus2"]);
  });

  test.each([
    ["a property of it is gone", NAME.replace("name", "x"), "1", null],
    ["it was added", NAME, undefined, "eastus2"],
    ["it was never there", NAME, undefined, null],
    ["it is spelled otherwise", NAME, "eastus2", "East US 2"],
    ["a tag is gone", "/tags/name", "1", null],
  ])("not where %s", (_, field, before, after) => {
    expect(lost(field, before, after)).toEqual([]);
  });
});
