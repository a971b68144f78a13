import { describe, expect, it } from "vitest";
import { exclusionIn } from "../../../../src/image-version/latest/flags.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import { PROMOTION } from "../../../../src/image-version/properties/table.js";
import type { ImageVersionPair } from "../../../../src/image-version/state/record.js";
import { settled } from "../../../../src/image-version/state/others.js";
import {
  at,
  COMPLETED,
  eventsOf,
  lookOf,
  succeeded,
  time,
  told,
  toldOf,
  withRecord,
} from "../../../support/transitions.js";
import { naming } from "../../../support/naming.js";
import { see } from "../../../../src/image-version/telling/tell.js";

const A = "/tags/a";
const EAST = regionField("eastus2");
const HELD = { [exclusionIn("westus")]: true, [exclusionIn("eastus2")]: true };
const shows = (changes: Patch, publishedDate = time(1)) =>
  lookOf("Succeeded", COMPLETED, { changes, publishedDate });
const types = (pair: Parameters<typeof eventsOf>[0]) =>
  eventsOf(pair).map(({ type }) => type.replace("Sigil.ImageVersion.", ""));
/** Looked at so long after the last change that a look is a fact. */
const looked = (pair = succeeded(), changes: Patch = {}, seconds = 2_000) =>
  see(told(pair), shows(changes), at(seconds));
const ruled = () =>
  withRecord(succeeded(), {
    spec: { [PROMOTION]: { when: "allRegionsReady" } },
    release: { in: "none", but: [], by: "rule" },
    status: shows(HELD),
  });

describe("what others have changed is told once (1)", () => {
  it("with a condition that stands", () => {
    const pair = looked(undefined, { [A]: "portal" });
    expect(types(pair)).toEqual(["ChangedOutside"]);
    expect(pair.record.conditions).toEqual([
      {
        type: "ChangedOutside",
        fields: { [A]: { after: "portal" } },
        message: expect.stringMatching(/./u) as unknown,
        since: time(2_000),
      },
    ]);
  });

  it("and no more of the same field while that stands", () => {
    const once = looked(undefined, { [A]: "portal" });
    const twice = looked(once, { [A]: "again" }, 4_000);
    expect(types(twice)).toEqual([]);
    expect(twice.record.conditions[0]).toMatchObject({
      fields: { [A]: { after: "again" } },
      since: time(2_000),
    });
  });

  it("is settled where it is as it was before", () => {
    expect(looked(looked(undefined, { [A]: "portal" }), {}, 4_000).record.conditions).toEqual([]);
  });

  it("a region that is gone, by its name", () => {
    const pair = looked(undefined, { [EAST]: null });
    expect(types(pair)).toEqual(["ChangedOutside", "RegionLost"]);
    expect(pair.record.conditions).toMatchObject([
      {
        type: "RegionLost",
        message: naming(["eastus2"]),
      },
    ]);
  });

  it("a region that others have added is none that is lost", () => {
    const added = { [`${regionField("uksouth")}/name`]: "uksouth" };
    const { conditions } = looked(undefined, added).record;
    expect(conditions.map(({ type }) => type)).toEqual(["ChangedOutside"]);
  });

  it("another version under the number, as a deletion", () => {
    const pair = see(told(succeeded()), shows({}, time(1_500)), at(2_000));
    expect(types(pair)).toEqual(["DeletedOutside"]);
    expect(pair.record.conditions).toEqual([]);
  });

  it("each deletion as one of its own, also of a version that was given back", () => {
    const gone = (pair: ImageVersionPair, seconds: number) =>
      see(see(pair, undefined, at(seconds)), undefined, at(seconds + 240));
    const once = gone(told(succeeded()), 2_000);
    const twice = gone(told(looked(once, {}, 4_000)), 6_000);
    expect([...types(once), ...types(twice)]).toEqual(["DeletedOutside", "DeletedOutside"]);
    expect(toldOf(once)).not.toEqual(toldOf(twice));
  });

  it("not as a deletion where Sigil has sent a DELETE", () => {
    const pair = withRecord(succeeded(), {
      requests: { one: { patch: {}, deletion: {} } },
      write: {
        changes: {},
        sentTime: time(1_400),
        answer: "accepted",
        sentFor: ["one"],
        deletes: true,
      },
    });
    expect(types(see(told(pair), shows({}, time(1_500)), at(2_000)))).toEqual([]);
  });

  it("nothing of a version that nobody has adopted", () => {
    const { spec: _, ...record } = succeeded().record;
    expect(types(looked({ ...succeeded(), record }, { [A]: "portal" }))).toEqual([]);
  });
});

describe("where others change where it is in latest (2)", () => {
  it("its rule is paused, and the release stays the rule's", () => {
    const pair = looked(ruled(), {});
    expect(types(pair)).toEqual(["Promoted", "ChangedOutside"]);
    expect(pair.record.conditions.map(({ type }) => type)).toEqual(["ChangedOutside", "Paused"]);
    expect(pair.record.release?.by).toBe("rule");
  });

  it("what its request holds back it does so still, but where they have put it in", () => {
    const but = ["westus", "eastus2"];
    const held = withRecord(ruled(), {
      release: { in: "none", but, by: "rule" },
    });
    const pair = looked(held, { [exclusionIn("westus")]: true });
    expect(pair.record.release).toEqual({
      in: ["eastus2"],
      but: ["westus"],
      by: "rule",
    });
  });

  it("another field that they change pauses no rule", () => {
    const field = `${EAST}/regionalReplicaCount`;
    const pair = looked(ruled(), { ...HELD, [field]: 3 });
    expect(pair.record.conditions.map(({ type }) => type)).toEqual(["ChangedOutside"]);
  });

  it("putting the flag back resumes nothing", () => {
    const back = looked(looked(ruled(), {}), HELD, 4_000);
    expect(back.record.conditions.map(({ type }) => type)).toEqual(["Paused"]);
  });

  it("without a rule it is theirs from then on", () => {
    const pair = looked(undefined, HELD);
    expect(types(pair)).toEqual(["Demoted", "ChangedOutside"]);
    expect(pair.record.release).toEqual({ in: "none", but: [], by: "person" });
  });

  it("of one region of several no version is demoted", () => {
    const pair = looked(undefined, { [exclusionIn("eastus2")]: true });
    expect(types(pair)).toEqual(["ChangedOutside"]);
    expect(pair.record.release).toEqual({
      in: "all",
      but: ["eastus2"],
      by: "person",
    });
  });
});

describe("a request settles the conditions of what it says", () => {
  const { conditions } = looked(looked(ruled(), {}), { [A]: "portal", [EAST]: null }, 4_000).record;
  const left = (says: readonly string[], ofLatest = false) =>
    settled(conditions, says, ofLatest).map(({ type, fields = {} }) =>
      [type, ...Object.keys(fields)].join(" "),
    );

  it("of a field", () => {
    expect(left([A]).join()).not.toContain(A);
    expect(left([A]).join()).toContain("Paused");
    expect(left(Object.keys(HELD)).join()).toContain("Paused");
  });

  it("of a region that is added again", () => {
    expect(left([`${EAST}/name`]).join()).not.toContain("RegionLost");
  });

  it("of a lost region that it removes, too", () => {
    const all = left([]);
    expect(left([EAST])).toEqual(all.filter((one) => !one.startsWith("RegionLost")));
    expect(all.join()).toContain("RegionLost");
  });

  it("of latest: whatever it says of latest", () => {
    expect(left([], true).join()).not.toMatch(/Paused|excludeFromLatest/u);
  });
});
