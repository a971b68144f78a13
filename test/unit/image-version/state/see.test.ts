import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import {
  ALLOW_DELETION,
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import type { Look } from "../../../../src/image-version/resources.js";
import { beginNext } from "../../../../src/image-version/state/batch.js";
import type {
  Attempt,
  ImageVersionPair,
  ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import { see } from "../../../../src/image-version/state/see.js";
import { exclusionIn } from "../../../../src/image-version/state/waves.js";
import type { RegionRecord } from "../../../../src/operation/records.js";
import { eventMistakes } from "../../events/document.js";
import {
  applied,
  at,
  changeOf,
  COMPLETED,
  eventsOf,
  KEY,
  lookOf,
  queued,
  REPLICATING,
  replicating,
  succeeded,
  time,
  told,
  toldOf,
} from "../../../support/transitions.js";

const WEST = regionField("westus");
const EAST = regionField("eastus2");
const REPAIRS = { repairAttempts: 3, repairDelayMs: 300_000 };
const FAILED_EAST = { ...COMPLETED, eastus2: ["Failed", 20] } as const;

interface RegionData {
  readonly regionalReplicaCount: number;
}

type Shown = Parameters<typeof lookOf>[1];

function undated<T extends { readonly publishedDate?: string }>({
  publishedDate: _,
  ...kept
}: T): Omit<T, "publishedDate"> {
  return kept;
}

function withRecord(
  pair: ImageVersionPair,
  more: Partial<ImageVersionRecord>,
): ImageVersionPair {
  return { ...pair, record: { ...pair.record, ...more } };
}

function withRegion(
  pair: ImageVersionPair,
  name: string,
  more: Partial<RegionRecord>,
): ImageVersionPair {
  return withRecord(pair, {
    regions: pair.record.regions.map((region) =>
      region.name === name ? { ...region, ...more } : region,
    ),
  });
}

/** The state after a look; the events of all looks before are told. */
function look(
  pair: ImageVersionPair,
  provisioningState: string,
  regions: Parameters<typeof lookOf>[1],
  seconds: number,
  changes: Patch = {},
  pace = {},
): ImageVersionPair {
  const after = see(
    told(pair),
    lookOf(provisioningState, regions, { seconds, changes }),
    undefined,
    at(seconds, pace),
  );
  expect(eventsOf(after).flatMap(eventMistakes)).toEqual([]);
  return after;
}

const attempt: Attempt = {
  changes: { "/tags/a": "1" },
  regions: [],
  sentTime: time(100),
  outcome: "accepted",
  sentFor: [],
};

describe("invariant 1: an old look changes nothing and tells nothing", () => {
  const write = {
    changes: { "/tags/a": "1" },
    was: { "/tags/a": null },
    sentTime: time(100),
  };
  const pair = withRecord(applied(), {
    lastAttempt: attempt,
    writes: [{ ...write, acceptedTime: time(100) }],
  });

  test("within ten minutes of a write that was accepted", () => {
    expect(look(pair, "Succeeded", COMPLETED, 699)).toEqual(told(pair));
    expect(toldOf(look(pair, "Succeeded", COMPLETED, 700))).not.toEqual([]);
  });

  test("but that a region is not known to be included, which a promotion includes and it shows excluded", () => {
    const [region = ""] = Object.keys(COMPLETED);
    const changes = { [exclusionIn(region)]: false };
    const promoted = withRecord(pair, {
      lastApplied: {
        ...pair.record.lastApplied,
        [PROMOTION]: {
          when: "waves",
          waves: [{ regions: [region], after: "manual" }],
        },
      },
      publishedDate: time(0),
      rollout: { included: [region] },
      lastAttempt: { ...attempt, changes, overridesRule: true },
      writes: [
        { changes, was: { [exclusionIn(region)]: true }, sentTime: time(100) },
      ],
    });
    const shown = { [exclusionIn(region)]: true };
    const { record } = see(
      promoted,
      {
        ...lookOf("Succeeded", COMPLETED, { changes: shown }),
        publishedDate: time(0),
      },
      undefined,
      at(101),
    );
    expect(record).toEqual({ ...promoted.record, rollout: {} });
  });

  test("within twice the time of a PUT of which the outcome is unknown", () => {
    const unknown = withRecord(pair, {
      lastAttempt: { ...attempt, outcome: "unknown" },
      writes: [write],
    });
    expect(look(unknown, "Succeeded", COMPLETED, 219)).toEqual(told(unknown));
    expect(toldOf(look(unknown, "Succeeded", COMPLETED, 220))).not.toEqual([]);
  });

  test("and a look that shows the write is not old", () => {
    const shown = { "/tags/a": "1" };
    expect(toldOf(look(pair, "Updating", COMPLETED, 101, shown))).not.toEqual(
      [],
    );
  });

  test("and no look is old after a write that ARM has refused", () => {
    const refused = withRecord(pair, {
      lastAttempt: { ...attempt, outcome: "refused" },
      writes: [],
    });
    expect(toldOf(look(refused, "Succeeded", COMPLETED, 101))).not.toEqual([]);
  });
});

describe("invariant 2: what Azure shows is told once", () => {
  test("a region that replicates, by its progress", () => {
    const first = look(replicating(), "Creating", REPLICATING, 20);
    expect(toldOf(first)).toEqual([
      "1/westus/replicating/10",
      "1/eastus2/replicating/20",
    ]);
    expect(toldOf(look(first, "Creating", REPLICATING, 40))).toEqual([]);
  });

  test("a region that is ready, with its replicas and the encryption that Azure shows", () => {
    const after = look(applied(), "Succeeded", COMPLETED, 20);
    expect(toldOf(after)).toEqual([
      "1/westus/completed",
      "1/eastus2/completed",
    ]);
    expect(eventsOf(after)[0]?.data).toMatchObject({
      region: "westus",
      regionalReplicaCount: 2,
      encryption: {
        osDiskImage: {
          diskEncryptionSetId: expect.stringMatching(
            /WestUSDiskEncryptionSet1$/u,
          ) as string,
        },
      },
    });
    expect(toldOf(look(after, "Succeeded", COMPLETED, 40))).toEqual([]);
  });

  test("a region that is ready has one replica where ARM does not say how many", () => {
    const shown = lookOf("Succeeded", COMPLETED, { seconds: 20 });
    const targetRegions = [
      { name: "West  US" },
      { name: "East US 2", regionalReplicaCount: 7 },
    ];
    const resource = {
      ...shown.resource,
      properties: {
        ...shown.resource.properties,
        publishingProfile: { targetRegions },
      },
    };
    const after = see(applied(), { ...shown, resource }, undefined, at(20));
    const replicas = eventsOf(after)
      .filter(({ type }) => type === "Sigil.ImageVersion.RegionCompleted")
      .map(({ data }) => (data as RegionData).regionalReplicaCount);
    expect(replicas).toEqual([1, 7]);
  });

  test("a region that fails, and one that is ready at another attempt, by the attempt", () => {
    const shown = {
      ...COMPLETED,
      eastus2: ["Failed", 20, "No room."],
    } as const;
    const first = look(applied(), "Failed", shown, 20);
    expect(toldOf(first)).toEqual(["1/westus/completed"]);
    const second = look(first, "Failed", shown, 140);
    expect(toldOf(second)).toEqual(["1/eastus2/failed/1"]);
    expect(eventsOf(second)[0]?.data).toMatchObject({ details: "No room." });
    const third = look(second, "Succeeded", COMPLETED, 200);
    expect(toldOf(third)).toEqual(["1/eastus2/completed/2"]);
  });

  test("a region that stalls and goes on", () => {
    const first = look(applied(), "Updating", REPLICATING, 20);
    const stalled = look(first, "Updating", REPLICATING, 7_210);
    expect(toldOf(stalled)).toEqual([
      `1/westus/stalled/1/${time(10)}`,
      `1/eastus2/stalled/1/${time(10)}`,
    ]);
    expect(eventsOf(stalled)[0]?.data).toMatchObject({
      region: "westus",
      progress: 10,
      lastProgressTime: time(10),
    });
    const goes = { ...REPLICATING, westus: ["Replicating", 11] } as const;
    expect(toldOf(look(stalled, "Updating", goes, 7_300))).toEqual([
      `1/westus/resumed/1/${time(7_300)}`,
      "1/westus/replicating/11",
    ]);
  });

  test("exclusion from latest, by whomever, though ARM still replicates", () => {
    const excluded = look(succeeded(), "Updating", COMPLETED, 20, {
      [EXCLUDE_FROM_LATEST]: true,
    });
    expect(toldOf(excluded)).toContain(`1/demoted/0/${time(20)}`);
    const again = look(excluded, "Succeeded", COMPLETED, 40, {
      [EXCLUDE_FROM_LATEST]: true,
    });
    expect(toldOf(again)).toEqual([]);
    // That it is taken back by two looks: the first may be of before.
    const once = look(again, "Succeeded", COMPLETED, 60);
    expect(toldOf(once)).toEqual([]);
    const twice = look(once, "Succeeded", COMPLETED, 180);
    expect(toldOf(twice)).toContain(`1/promoted/0/${time(180)}`);
  });

  describe("of what others have changed", () => {
    const theirs = {
      [EXCLUDE_FROM_LATEST]: true,
      "/tags/theirs": "1",
    };
    const kinds = (pair: ImageVersionPair): readonly string[] =>
      eventsOf(pair).map(({ type }) => type.replace(/^.*\./u, ""));
    const at = (
      pair: ImageVersionPair,
      seconds: number,
      changes: Patch = {},
    ): ImageVersionPair => look(pair, "Succeeded", COMPLETED, seconds, changes);
    const changed = at(succeeded(), 20, theirs);

    test("nothing by a look that is older, nor by the next", () => {
      expect(kinds(changed)).toEqual(["Demoted", "ChangedOutside"]);
      const behind = at(changed, 40);
      expect(kinds(behind)).toEqual([]);
      const back = at(behind, 60, theirs);
      expect(kinds(back)).toEqual([]);
      // What another look has contradicted begins anew.
      const behindAgain = at(back, 159);
      expect(kinds(behindAgain)).toEqual([]);
      expect(kinds(at(behindAgain, 278))).toEqual([]);
      expect(kinds(at(behindAgain, 279))).toEqual([
        "Promoted",
        "ChangedOutside",
      ]);
    });

    test("at once what is neither as it was told nor as it was", () => {
      const tag = (value: string) => ({ ...theirs, "/tags/theirs": value });
      expect(kinds(at(changed, 40, tag("2")))).toEqual(["ChangedOutside"]);
    });

    test("at once that it is taken back, where no look is as old as that", () => {
      expect(kinds(at(changed, 619))).toEqual([]);
      expect(kinds(at(changed, 620))).toEqual(["Promoted", "ChangedOutside"]);
    });

    test("at once what Sigil itself has sent, though it was so before", () => {
      const sent = withRecord(changed, {
        lastAttempt: {
          ...attempt,
          changes: { [EXCLUDE_FROM_LATEST]: false },
          sentTime: time(30),
        },
        updates: 1,
      });
      expect(toldOf(at(sent, 40, { "/tags/theirs": "1" }))).toEqual([
        "1/promoted/1",
      ]);
    });

    test("at once what is changed while something else is taken back", () => {
      const tagged = at(succeeded(), 20, { "/tags/theirs": "1" });
      const held = at(tagged, 40, { [EXCLUDE_FROM_LATEST]: true });
      expect(kinds(held)).toEqual(["Demoted", "ChangedOutside"]);
      expect(eventsOf(held)[1]).toMatchObject({
        data: {
          changes: [
            { pointer: "/properties/publishingProfile/excludeFromLatest" },
          ],
        },
      });
    });

    test("at once of one tag what has nothing to do with another", () => {
      const had = at(succeeded(), 20, { "/tags/q": "1" });
      const added = at(had, 40, { "/tags/q": "1", "/tags/p": "1" });
      expect(kinds(added)).toEqual(["ChangedOutside"]);
      const { record } = added;
      const forgotten = withRecord(added, {
        outsideTold: (record.outsideTold ?? []).filter(
          ({ field }) => field !== "/tags/q",
        ),
      });
      expect(kinds(at(forgotten, 60, { "/tags/p": "1" }))).toEqual([
        "ChangedOutside",
      ]);
    });

    test("as new regions those alone that were not there", () => {
      const dataOf = (pair: ImageVersionPair) =>
        eventsOf(pair).find(({ type }) => type.endsWith("ChangedOutside"))
          ?.data;
      const south = regionField("southcentralus");
      const there = {
        [`${south}/name`]: "southcentralus",
        [`${south}/regionalReplicaCount`]: 2,
      };
      const added = at(succeeded(), 20, there);
      expect(dataOf(added)).toMatchObject({ regions: ["southcentralus"] });
      const more = { ...there, [`${south}/regionalReplicaCount`]: 3 };
      expect(dataOf(at(added, 40, more))).not.toHaveProperty("regions");
      expect(dataOf(at(added, 620))).not.toHaveProperty("regions");
    });

    test("remembered are the last hundred", () => {
      const tags = Object.fromEntries(
        Array.from({ length: 150 }, (_, i) => [`/tags/t${i}`, "1"]),
      );
      const { record } = at(succeeded(), 20, tags);
      expect(record.outsideTold).toHaveLength(100);
      expect(at({ ...changed, record }, 620, tags).record).not.toHaveProperty(
        "outsideTold",
      );
    });
  });

  test("exclusion that Sigil has sent, by its update alone", () => {
    const exclusion = { [EXCLUDE_FROM_LATEST]: true };
    const pair = withRecord(succeeded(), {
      updates: 3,
      lastAttempt: { ...attempt, changes: exclusion },
    });
    const after = look(pair, "Updating", COMPLETED, 120, exclusion);
    expect(toldOf(after)).toEqual(["1/demoted/3"]);
  });

  describe("of exclusion that Sigil has sent and was shown", () => {
    const exclusion = { [EXCLUDE_FROM_LATEST]: true };
    const shown = look(
      withRecord(succeeded(), {
        lastAttempt: { ...attempt, changes: exclusion, sentTime: time(5) },
        writes: [
          {
            changes: exclusion,
            was: { [EXCLUDE_FROM_LATEST]: false },
            sentTime: time(5),
            acceptedTime: time(5),
          },
        ],
      }),
      "Updating",
      COMPLETED,
      120,
      exclusion,
    );
    const told = (pair: ImageVersionPair) =>
      toldOf(pair).filter((one) => /promoted|demoted/u.test(one));

    test.each(["Updating", "Succeeded"])(
      "nothing by a look that is older (%s), nor by the one after it",
      (state) => {
        const old = look(shown, state, COMPLETED, 140);
        expect(told(old)).toEqual([]);
        const fresh = look(old, "Updating", COMPLETED, 160, exclusion);
        expect(told(fresh)).toEqual([]);
      },
    );

    test("that others have taken it back, once no look is as old as that", () => {
      const once = look(shown, "Succeeded", COMPLETED, 604);
      expect(told(once)).toEqual([]);
      const twice = look(once, "Succeeded", COMPLETED, 605);
      expect(told(twice)).toEqual([`1/promoted/0/${time(605)}`]);
      const thrice = look(twice, "Succeeded", COMPLETED, 620);
      expect(told(thrice)).toEqual([]);
      const anew = look(thrice, "Succeeded", COMPLETED, 640, exclusion);
      expect(told(anew)).toEqual([]);
      const still = look(anew, "Succeeded", COMPLETED, 760, exclusion);
      expect(told(still)).toEqual([`1/demoted/0/${time(760)}`]);
    });
  });

  test("and nothing of exclusion at the first look of a version", () => {
    const first = look(replicating(), "Creating", REPLICATING, 20, {
      [EXCLUDE_FROM_LATEST]: true,
    });
    expect(toldOf(first).join(" ")).not.toMatch(/demoted|promoted/u);
  });
});

describe("invariant 3: what others have changed is told, and theirs to keep", () => {
  const changed = (pair: ImageVersionPair, changes: Patch, seconds = 20) =>
    eventsOf(look(pair, "Succeeded", COMPLETED, seconds, changes)).filter(
      ({ type }) => type === "Sigil.ImageVersion.ChangedOutside",
    );

  test.each<[string, Patch, object]>([
    [
      "a tag",
      { "/tags/costCentre": "7" },
      {
        changes: [
          {
            pointer: "/tags/costCentre",
            propertyChangeType: "Create",
            after: "7",
          },
        ],
      },
    ],
    [
      "a replica count",
      { [`${WEST}/regionalReplicaCount`]: 5 },
      {
        changes: [
          {
            pointer:
              "/properties/publishingProfile/targetRegions/0/regionalReplicaCount",
            propertyChangeType: "Modify",
            before: 2,
            after: 5,
          },
        ],
      },
    ],
  ])("%s", (_, changes, data) => {
    expect(changed(succeeded(), changes, 700)).toMatchObject([{ data }]);
  });

  test("a region that is added, by its name", () => {
    const add = { [`${regionField("westeurope")}/name`]: "westeurope" };
    expect(changed(succeeded(), add)).toMatchObject([
      { data: { regions: ["westeurope"] } },
    ]);
  });

  test("a region that is taken away", () => {
    const [event] = changed(succeeded(), { [EAST]: null }, 700);
    expect(event?.data).toMatchObject({
      changes: expect.arrayContaining([
        expect.objectContaining({
          propertyChangeType: "Delete",
          before: "eastus2",
        }),
      ]) as unknown,
    });
  });

  test("once for each change, however often it is shown", () => {
    const tag = { "/tags/p": "1" };
    const first = look(succeeded(), "Succeeded", COMPLETED, 20, tag);
    expect(changed(first, tag, 40)).toEqual([]);
    expect(changed(first, { "/tags/p": "2" }, 40)).toHaveLength(1);
  });

  test("by an id of its own, in each look that shows another change", () => {
    const idOf = (changes: Patch, seconds = 20) =>
      changed(succeeded(), changes, seconds).map(({ id }) => id);
    const [first] = idOf({ "/tags/p": "1" });
    expect(first).toMatch(/outside\/[0-9a-f]{16}$/u);
    expect(idOf({ "/tags/p": "1" })).toEqual([first]);
    expect(idOf({ "/tags/p": "2" })).not.toEqual([first]);
    expect(idOf({ "/tags/p": "1" }, 40)).not.toEqual([first]);
  });

  test("a tag that is taken away, which is of no region", () => {
    const tagged = withRecord(succeeded(), {
      observed: lookOf("Succeeded", COMPLETED, { changes: { "/tags/p": "1" } }),
    });
    const [event] = changed(tagged, {}, 700);
    expect(event?.data).toMatchObject({
      changes: [{ propertyChangeType: "Delete", before: "1" }],
    });
    expect(event?.data).not.toHaveProperty("regions");
  });

  test("more replicas of a region, which is none that is added", () => {
    const more = { [`${EAST}/regionalReplicaCount`]: 9, "/tags/p": "1" };
    const [event] = changed(succeeded(), more, 700);
    expect(event?.data).not.toHaveProperty("regions");
  });

  test("and nothing of what was sent, the permission that Sigil gives and takes among it", () => {
    const changes = {
      "/tags/a": "1",
      [`${EAST}/regionalReplicaCount`]: 3,
      [ALLOW_DELETION]: true,
    };
    const sent = withRecord(succeeded(), {
      lastAttempt: { ...attempt, changes },
    });
    expect(changed(sent, changes, 120)).toEqual([]);
  });

  test("a permission to remove regions that Sigil has not given", () => {
    expect(changed(succeeded(), { [ALLOW_DELETION]: true }, 120)).toHaveLength(
      1,
    );
  });

  test("and nothing of a version that was not known before", () => {
    const { observed: _, ...record } = succeeded().record;
    const pair = { ...succeeded(), record };
    expect(changed(pair, { "/tags/p": "1" })).toEqual([]);
  });

  describe("of what was sent and shown", () => {
    const shown = withRecord(succeeded(), {
      lastAttempt: { ...attempt, outcome: "shown" },
      observed: {
        ...lookOf("Succeeded", COMPLETED, { changes: attempt.changes }),
      },
    });
    const overwritten = { "/tags/a": "others" };

    test("at the second look, two minutes later: the first may be an old one", () => {
      const first = look(shown, "Succeeded", COMPLETED, 200, overwritten);
      expect(toldOf(first)).toEqual([]);
      expect(changed(first, overwritten, 319)).toEqual([]);
      const second = look(first, "Succeeded", COMPLETED, 320, overwritten);
      expect(eventsOf(second)).toMatchObject([
        {
          data: {
            changes: [{ pointer: "/tags/a", before: "1", after: "others" }],
          },
        },
      ]);
      expect(changed(second, overwritten, 500)).toEqual([]);
      const third = look(second, "Succeeded", COMPLETED, 500, overwritten);
      expect(changed(third, overwritten, 900)).toEqual([]);
    });

    test("and the doubt lasts while ARM works, and is not told", () => {
      const first = look(shown, "Succeeded", COMPLETED, 200, overwritten);
      const busy = look(first, "Updating", COMPLETED, 330, overwritten);
      expect(toldOf(busy)).toEqual([]);
      expect(changed(busy, overwritten, 340)).toHaveLength(1);
      const never = look(shown, "Updating", COMPLETED, 330, overwritten);
      expect(never.record).not.toHaveProperty("outside");
    });

    test("and nothing of what was never shown", () => {
      const sent = withRecord(succeeded(), { lastAttempt: attempt });
      const after = look(sent, "Succeeded", COMPLETED, 700);
      expect(after.record).not.toHaveProperty("outside");
      expect(toldOf(after)).not.toContainEqual(
        expect.stringContaining("outside"),
      );
    });

    test("at once where the write is long ago", () => {
      expect(changed(shown, overwritten, 700)).toHaveLength(1);
    });

    test("once, though a look between shows it as it was sent", () => {
      const outside = (pair: ImageVersionPair) =>
        toldOf(pair).filter((one) => one.includes("outside"));
      const after = (pair: ImageVersionPair, seconds: number, changes: Patch) =>
        look(pair, "Succeeded", COMPLETED, seconds, changes);
      const first = after(shown, 200, overwritten);
      const told = after(first, 320, overwritten);
      expect(outside(told)).toHaveLength(1);
      const between = after(told, 340, attempt.changes);
      expect(outside(between)).toEqual([]);
      const again = after(between, 360, overwritten);
      expect(outside(after(again, 480, overwritten))).toEqual([]);
      // Sent again, and shown for two minutes, it was taken back.
      const back = after(again, 500, attempt.changes);
      const still = after(back, 619, attempt.changes);
      expect(still.record).toHaveProperty("outside");
      const over = after(back, 620, attempt.changes);
      expect(over.record).not.toHaveProperty("outside");
      expect(outside(after(over, 700, overwritten))).toHaveLength(1);
    });

    test("and not where the next look shows it as sent again", () => {
      const first = look(shown, "Succeeded", COMPLETED, 200, overwritten);
      const second = look(first, "Succeeded", COMPLETED, 260, attempt.changes);
      expect(second.record).not.toHaveProperty("outside");
      expect(changed(second, overwritten, 330)).toEqual([]);
    });
  });
});

describe("what a look leaves in the record", () => {
  test("is what was observed and when, and that the version is there", () => {
    const { record } = look(replicating(), "Creating", REPLICATING, 20);
    expect(record.observed).toMatchObject({
      time: time(20),
      provisioningState: "Creating",
    });
    expect(record.publishedDate).toBe(time(1));
    expect(record.lastAttempt?.outcome).toBe("shown");
    expect(record.consecutiveNotFound).toBe(0);
  });

  describe("of an update that had no answer", () => {
    const write = {
      changes: { "/tags/a": "1" },
      was: { "/tags/a": null },
      sentTime: time(100),
    };
    const unanswered = withRecord(succeeded(), {
      lastAttempt: {
        ...attempt,
        outcome: "unknown",
        sentFor: ["another"],
        asked: attempt.changes,
      },
      writes: [write],
    });

    test.each([
      ["Succeeded", {}],
      ["Updating", { begun: true }],
    ])("and is shown (%s): that it was applied", (state, begun) => {
      const { record } = look(
        unanswered,
        state,
        COMPLETED,
        120,
        attempt.changes,
      );
      expect(record.lastAttempt?.outcome).toBe("shown");
      expect(record.lastApplied).toMatchObject({ "/tags/a": "1" });
      expect(record.writes).toEqual([
        { ...write, acceptedTime: time(100), ...begun },
      ]);
    });

    test("and is not: nothing", () => {
      const { record } = look(unanswered, "Succeeded", COMPLETED, 230);
      expect(record.lastAttempt?.outcome).toBe("unknown");
      expect(record.lastApplied).not.toHaveProperty(["/tags/a"]);
      expect(record.writes).toEqual([write]);
    });
  });

  test("of another life of the version is nothing that was applied to the one before", () => {
    const pair = succeeded();
    const { record } = see(
      told(pair),
      lookOf("Succeeded", COMPLETED, { seconds: 20, publishedDate: time(15) }),
      undefined,
      at(20),
    );
    expect(pair.record).toHaveProperty("lastApplied");
    expect(record).not.toHaveProperty("lastApplied");
    expect(record.publishedDate).toBe(time(15));
    expect(record.unmanaged).toBe(true);
  });

  test.each<[string, ImageVersionPair, Look]>([
    [
      "that shows it as before",
      succeeded(),
      lookOf("Succeeded", COMPLETED, { seconds: 20 }),
    ],
    [
      "that does not say when it was published",
      succeeded(),
      undated(lookOf("Succeeded", COMPLETED, { seconds: 20 })),
    ],
    [
      "that is the first to say when it was published",
      { ...succeeded(), record: undated(succeeded().record) },
      lookOf("Succeeded", COMPLETED, { seconds: 20 }),
    ],
  ])("%s is that it is the same version", (_, pair, shown) => {
    const { record } = see(told(pair), shown, undefined, at(20));
    expect(record.lastApplied).toEqual(pair.record.lastApplied);
    expect(record).not.toHaveProperty("unmanaged");
    expect(record.publishedDate).toBe(time(1));
  });

  test("that shows a promotion by its rule is that the rule promotes no more", () => {
    const rule = { when: "allRegionsReady" } as const;
    const promoting = withRecord(succeeded(), {
      lastApplied: { [PROMOTION]: rule },
      lastAttempt: {
        ...attempt,
        changes: { "/tags/a": "1" },
        outcome: "unknown",
        overridesRule: true,
      },
    });
    const shown = look(promoting, "Updating", COMPLETED, 230, {
      "/tags/a": "1",
    });
    expect(shown.record.overriddenRule).toEqual(rule);
    const excluded = { [EXCLUDE_FROM_LATEST]: true };
    const not = look(promoting, "Updating", COMPLETED, 230, excluded);
    expect(not.record).not.toHaveProperty("overriddenRule");
  });

  test("that shows it in latest as the one before is that its rule has nothing left to do", () => {
    const rule = { when: "allRegionsReady" } as const;
    const excluded = { [EXCLUDE_FROM_LATEST]: true };
    const ruled = withRecord(succeeded(), {
      lastApplied: { [PROMOTION]: rule },
      observed: lookOf("Succeeded", COMPLETED, { changes: excluded }),
    });
    const once = look(ruled, "Succeeded", COMPLETED, 230);
    expect(once.record).not.toHaveProperty("overriddenRule");
    const again = look(once, "Succeeded", COMPLETED, 240);
    expect(again.record.overriddenRule).toEqual(rule);
    const back = look(once, "Succeeded", COMPLETED, 240, excluded);
    expect(back.record).not.toHaveProperty("overriddenRule");
    const { record } = look(succeeded(), "Succeeded", COMPLETED, 240);
    expect(record).not.toHaveProperty("overriddenRule");
  });

  test("is that the permission to remove regions is open until ARM shows it closed at rest", () => {
    const opened = withRecord(applied(), { opened: true });
    const after = (state: string, allowed: boolean) =>
      look(opened, state, COMPLETED, 20, { [ALLOW_DELETION]: allowed }).record
        .opened;
    expect(after("Updating", false)).toBe(true);
    expect(after("Succeeded", true)).toBe(true);
    expect(after("Succeeded", false)).toBe(false);
  });

  test.each([
    ["unknown", true],
    ["accepted", true],
    ["refused", false],
    ["shown", false],
  ] as const)(
    "is that it stays open while a write may still give it: %s is %s",
    (outcome, open) => {
      const pair = withRecord(applied(), {
        opened: true,
        lastAttempt: { ...attempt, outcome },
      });
      expect(look(pair, "Succeeded", COMPLETED, 700).record.opened).toBe(open);
    },
  );

  test.each<[string, Attempt["outcome"], string, Shown, boolean]>([
    ["ARM works on the removal", "accepted", "Updating", FAILED_EAST, true],
    ["it may be removed yet", "accepted", "Failed", FAILED_EAST, true],
    ["the removal may be sent", "unknown", "Failed", FAILED_EAST, true],
    ["the removal was refused", "refused", "Failed", FAILED_EAST, false],
    ["it is ready again", "accepted", "Succeeded", COMPLETED, false],
  ])(
    "is whether a region that is shown is away for its repair: where %s",
    (_, outcome, state, regions, isAway) => {
      const removed = { [`${EAST}/name`]: "eastus2" };
      const pair = withRecord(
        withRegion(applied(), "eastus2", { state: "Failed" }),
        {
          lastAttempt: {
            ...attempt,
            outcome,
            changes: { [EAST]: null, [ALLOW_DELETION]: true },
          },
          repairs: { eastus2: { attempts: 1, removed } },
        },
      );
      const { repairs } = look(pair, state, regions, 700).record;
      expect(repairs["eastus2"]).toEqual(
        isAway ? { attempts: 1, removed } : { attempts: 1 },
      );
    },
  );

  test("is that a region is not away because another is taken away", () => {
    const pair = withRecord(
      withRegion(applied(), "eastus2", { state: "Failed" }),
      {
        lastAttempt: { ...attempt, changes: { [WEST]: null } },
        repairs: {
          eastus2: { attempts: 1, removed: { [`${EAST}/name`]: "eastus2" } },
        },
      },
    );
    const { repairs } = look(pair, "Updating", FAILED_EAST, 700).record;
    expect(repairs["eastus2"]).toEqual({ attempts: 1 });
  });

  test("is that a region is no longer away once it is there again, by whomever", () => {
    const away = withRecord(
      withRegion(applied(), "eastus2", { state: "Failed" }),
      {
        repairs: {
          eastus2: { attempts: 1, removed: { [`${EAST}/name`]: "eastus2" } },
        },
      },
    );
    const gone = look(away, "Succeeded", { westus: ["Completed", 100] }, 20, {
      [EAST]: null,
    });
    expect(gone.record.repairs["eastus2"]).toHaveProperty("removed");
    const back = look(gone, "Updating", REPLICATING, 40);
    expect(back.record.repairs["eastus2"]).toEqual({ attempts: 1 });
  });
});

describe("a region that fails is in the history of each operation that has it", () => {
  const lines = (
    details: string | undefined,
    pace = {},
    pair: ImageVersionPair = applied(),
  ) => {
    const regions = {
      ...COMPLETED,
      eastus2: ["Failed", 20, ...(details === undefined ? [] : [details])],
    } as unknown as Shown;
    const first = look(pair, "Failed", regions, 20, {}, pace);
    return look(first, "Failed", regions, 140, {}, pace);
  };

  test.each<[string | undefined, object, string]>([
    [undefined, {}, "Azure gave no reason. It is not tried again."],
    ["No room", {}, "No room. It is not tried again."],
    ["No room. None", {}, "No room. None. It is not tried again."],
    ["No room!", {}, "No room! It is not tried again."],
    [
      "No room.",
      REPAIRS,
      `No room. It is removed from the version and added back at ${time(440)}.`,
    ],
  ])("with why and what comes next: %s, %j", (details, pace, message) => {
    const { operation } = lines(details, pace);
    expect(operation.history.at(-1)).toMatchObject({
      time: time(140),
      message: `eastus2 failed: ${message}`,
    });
  });

  test("of all, with its event of the present one, where none has it", () => {
    const given = applied();
    const pair = {
      ...given,
      operation: { ...given.operation, regions: [] },
    };
    const { record, operation } = lines("No room.", REPAIRS, pair);
    expect(operation.history.at(-1)?.message).toBe(
      "eastus2 failed: No room. It is not tried again.",
    );
    expect(
      eventsOf({ record, operation }).filter(({ type }) =>
        type.endsWith("RegionFailed"),
      ),
    ).toMatchObject([
      {
        id: `${operation.id}/eastus2/failed/1`,
        data: { region: "eastus2", details: "No room." },
      },
    ]);
  });

  test("once, and of no other region", () => {
    const before = applied();
    const after = lines("No room.", {}, before);
    expect(after.operation.history).toHaveLength(
      before.operation.history.length + 1,
    );
    const ready = look(before, "Succeeded", COMPLETED, 20);
    expect(ready.operation.history).toEqual(before.operation.history);
  });

  test("and of none that has other regions only", () => {
    const { accepted: _, ...waiting } = queued(
      applied(),
      changeOf({ "/tags/a": "1" }),
      { regions: ["westus"] },
    );
    const both = told(beginNext(waiting, at(6)));
    const [member] = both.record.members;
    const after = lines("No room.", {}, both);
    expect(after.record.members[0]?.history).toEqual(member?.history);
    expect(after.beside?.map(({ id }) => id)).toEqual(
      after.record.members.map(({ id }) => id),
    );
    expect(after.operation.history.at(-1)?.message).toMatch(/^eastus2 failed/u);
  });
});

describe("a region that has failed", () => {
  const failed = { ...COMPLETED, eastus2: ["Failed", 20] } as const;
  const pair = withRegion(applied(), "eastus2", { state: "Failed" });
  const after = (more: Partial<ImageVersionRecord>, seconds = 20) =>
    look(withRecord(pair, more), "Failed", failed, seconds, {}, REPAIRS).record;
  const east = ({ regions }: ImageVersionRecord) =>
    regions.find(({ name }) => name === "eastus2");

  test.each([
    [0, 300],
    [1, 600],
    [2, 1_200],
  ])(
    "is repaired after a while that doubles: %d times, %d s",
    (attempts, seconds) => {
      const record = after({ repairs: { eastus2: { attempts } } });
      const dueTime = time(20 + seconds);
      expect(record.repairs["eastus2"]).toEqual({ attempts, dueTime });
      expect(east(record)).toMatchObject({
        attemptsAllowed: 4,
        nextAttemptTime: dueTime,
        waitReason: expect.stringContaining("added back") as string,
      });
    },
  );

  test("is repaired when that was said first, however often it is seen", () => {
    const first = after({});
    expect(after(first, 200).repairs).toEqual(first.repairs);
  });

  test("is given up after as many attempts as the pace allows", () => {
    const record = after({ repairs: { eastus2: { attempts: 3 } } });
    expect(record.repairs["eastus2"]).not.toHaveProperty("dueTime");
    expect(east(record)).toMatchObject({ attemptsAllowed: 4 });
    expect(east(record)).not.toHaveProperty("nextAttemptTime");
  });

  test("is repaired though it is not shown while ARM works on the version", () => {
    const busy = look(
      pair,
      "Updating",
      { westus: ["Completed", 100] },
      20,
      { [EAST]: null },
      REPAIRS,
    );
    expect(busy.record.repairs["eastus2"]).toHaveProperty("dueTime");
  });

  test("is not repaired in the version's own location", () => {
    const home = withRegion(applied(), "westus", { state: "Failed" });
    const { record } = look(
      home,
      "Failed",
      { ...COMPLETED, westus: ["Failed", 10] },
      20,
      {},
      REPAIRS,
    );
    expect(record.repairs).toEqual({});
    expect(record.regions[0]).toMatchObject({ attemptsAllowed: 1 });
  });

  test("is not repaired for an operation of which the end is decided", () => {
    const id = pair.operation.id;
    const decided = { kind: "canceled", by: {} } as const;
    expect(
      after({ requests: { [id]: changeOf({}, { decided }) } }).repairs,
    ).toEqual({});
  });

  describe("that the operation which leads does not have", () => {
    const { id } = pair.operation;
    const OTHER = `${KEY}-2`;
    const only = (name: string) => ({
      ...pair.operation,
      regions: pair.operation.regions.filter((one) => one.name === name),
    });
    const repaired = (more: Partial<ImageVersionRecord>, changes: Patch = {}) =>
      look(
        withRecord({ ...pair, operation: only("westus") }, more),
        "Failed",
        failed,
        20,
        changes,
        REPAIRS,
      ).record;
    const isRepaired = (...args: Parameters<typeof repaired>): boolean =>
      repaired(...args).repairs["eastus2"]?.dueTime !== undefined;
    const open = changeOf({ "/tags/a": "1" });
    const member = { ...only("eastus2"), id: OTHER };

    test("is not repaired: nobody waits until it is ready", () => {
      const record = repaired({
        repairs: { eastus2: { attempts: 1, dueTime: time(300) } },
      });
      expect(record.repairs["eastus2"]).toEqual({ attempts: 1 });
      expect(east(record)).not.toHaveProperty("nextAttemptTime");
      expect(east(record)).not.toHaveProperty("waitReason");
    });

    test("is repaired for another operation that has it, unless its end is decided", () => {
      const requests = { [id]: open, [OTHER]: open };
      expect(isRepaired({ members: [member], requests })).toBe(true);
      const decided = { kind: "canceled", by: {} } as const;
      expect(
        isRepaired({
          members: [member],
          requests: { ...requests, [OTHER]: { ...open, decided } },
        }),
      ).toBe(false);
    });

    test("is repaired for an operation whose rule waits for it", () => {
      const excluded = { [EXCLUDE_FROM_LATEST]: true };
      const asks = changeOf({ [PROMOTION]: { when: "allRegionsReady" } });
      expect(
        isRepaired({ requests: { [id]: asks, [OTHER]: open } }, excluded),
      ).toBe(true);
      // Not where the version is in latest, or the rule's operation is over.
      expect(isRepaired({ requests: { [id]: asks } })).toBe(false);
      const lastApplied = {
        ...pair.record.lastApplied,
        [PROMOTION]: { when: "allRegionsReady" },
      };
      expect(
        isRepaired({ lastApplied, requests: { [id]: open } }, excluded),
      ).toBe(false);
    });
  });

  test("is not repaired where somebody has taken it away: there is nothing to take away", () => {
    const gone = (seconds: number, before: ImageVersionPair) =>
      look(
        before,
        "Succeeded",
        { westus: ["Completed", 100] },
        seconds,
        { [EAST]: null },
        REPAIRS,
      );
    const twice = withRecord(applied(), {
      repairs: { eastus2: { attempts: 2, dueTime: time(1) } },
    });
    const { record } = gone(140, gone(20, twice));
    expect(east(record)).toMatchObject({
      state: "Failed",
      details: "Azure no longer has this region in the version.",
    });
    expect(east(record)).not.toHaveProperty("nextAttemptTime");
    expect(record.repairs["eastus2"]).toEqual({ attempts: 2 });
  });
});
