import { describe, expect, it } from "vitest";
import { exclusionIn } from "../../../../src/image-version/latest/flags.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import { PROMOTION } from "../../../../src/image-version/properties/table.js";
import type {
  ImageVersionRecord,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import { newRegion } from "../../../../src/image-version/state/write.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  accepted,
  acceptingOf,
  applied,
  at,
  changeOf,
  creating,
  eventsOf,
  beside as asking,
  COMPLETED,
  lookOf,
  replicating,
  succeeded,
  time,
  withRecord,
} from "../../../support/transitions.js";
import { accept } from "../../../../src/image-version/telling/accept.js";

const DEMOTION: VersionRequest = {
  patch: {},
  release: { kind: "exclude", by: "person" },
};
const PROMOTION_BY_HAND: VersionRequest = {
  patch: {},
  release: { kind: "include", by: "person" },
};
const later = at(1_000);

describe("an operation begins at once", () => {
  it("the first of a version, whose next step is due", () => {
    const { record, operation } = accepted();
    expect(record).toMatchObject({
      state: "Accepted",
      lastSequence: record.sequence,
      dueTime: time(0),
    });
    expect(Object.keys(record.requests)).toEqual([operation.id]);
    expect(eventsOf(accepted()).map(({ type }) => type)).toEqual(["Sigil.ImageVersion.Accepted"]);
  });

  it("beside all that have begun", () => {
    const pair = asking(applied(), changeOf({ "/tags/a": "1" }));
    expect(Object.keys(pair.record.requests)).toHaveLength(2);
    expect(pair.record.members).toMatchObject([{ id: pair.accepted.id, status: "Running" }]);
    const asked = acceptingOf(changeOf({ "/tags/a": "1" }));
    expect(eventsOf(accept(asked, applied(), at(5))).map(({ type }) => type)).toContain(
      "Sigil.ImageVersion.Accepted",
    );
  });

  it("and its next step waits for the answer to a PUT that is under way", () => {
    const before = creating();
    expect(asking(before, changeOf({ "/tags/a": "1" })).record.dueTime).toBe(before.record.dueTime);
  });

  it("with what is Sigil's of the version kept, and what the one before has counted over", () => {
    const before = withRecord(succeeded(), {
      window: 1,
      repairs: { eastus2: { attempts: 3 } },
    });
    const { record } = asking(before, changeOf({ "/tags/a": "1" }), {}, later);
    expect(record.spec).toEqual(before.record.spec);
    expect(record.window).toBeUndefined();
    expect(record.repairs).toEqual({});
  });

  it("without a region that it removes", () => {
    const removes = changeOf({ [regionField("eastus2")]: null });
    const { regions } = asking(succeeded(), removes, {}, later).record;
    expect(regions.map(({ name }) => name)).toEqual(["westus"]);
  });

  it("without a region that was asked for and never sent", () => {
    const base = succeeded();
    const before = withRecord(base, {
      regions: [...base.record.regions, newRegion("uksouth")],
    });
    const { record } = asking(before, changeOf({ "/tags/a": "1" }), {}, later);
    expect(record.regions.map(({ name }) => name)).toEqual(["westus", "eastus2"]);
  });

  it.each([
    ["of what was made through Sigil, as deleted by others", {}, 1],
    ["of what others had made, without a word", { spec: undefined }, 0],
  ])("anew %s", (_, achieved, deletions) => {
    const before = withRecord(succeeded(), achieved as Partial<ImageVersionRecord>);
    const { record } = accepted(undefined, before);
    expect(record.outbox.map(({ kind }) => kind)).toEqual([
      ...Array<string>(deletions).fill("event"),
      "index",
      "event",
      "message",
    ]);
  });

  it("at once, though the one before was to wait", () => {
    const before = withRecord(accepted(), { dueTime: time(300) });
    expect(asking(before, changeOf({ "/tags/a": "1" })).record.dueTime).toBe(time(5));
  });

  it("and a region that is still away is added back as it was", () => {
    const removed = { [`${regionField("eastus2")}/name`]: "eastus2" };
    const before = withRecord(succeeded(), {
      repairs: { eastus2: { attempts: 3, removed, lost: true } },
    });
    const { record } = asking(before, changeOf({ "/tags/a": "1" }), {}, later);
    expect(record.repairs).toEqual({
      eastus2: { attempts: 0, removed, lost: true },
    });
  });

  it("a retry repairs its regions at once, and no others", () => {
    const { record } = asking(
      applied(),
      { patch: {} },
      { kind: "RetryImageVersion", regions: ["eastus2"] },
      later,
    );
    expect(record.repairs).toEqual({
      eastus2: { attempts: 0, dueTime: time(1_000) },
    });
    expect(record.regions).toMatchObject([
      { name: "westus", state: "Replicating" },
      { name: "eastus2", state: "Failed" },
    ]);
  });
});

describe("of two operations about latest the later takes over (1)", () => {
  it("one that asked nothing else is Superseded", () => {
    const first = asking(applied(), DEMOTION);
    const second = asking(first, PROMOTION_BY_HAND);
    expect(Object.keys(second.record.requests)).not.toContain(first.accepted.id);
    expect(
      accept(acceptingOf(PROMOTION_BY_HAND), first, later).changedOperations?.find(
        ({ id }) => id === first.accepted.id,
      ),
    ).toMatchObject({
      status: "Failed",
      error: { code: "Superseded" },
    });
  });

  it("a retry that is under way says nothing of latest, and goes on", () => {
    const first = asking(
      applied(),
      { patch: {} },
      { kind: "RetryImageVersion", regions: ["eastus2"] },
    );
    const { record } = asking(first, PROMOTION_BY_HAND);
    expect(Object.keys(record.requests)).toContain(first.accepted.id);
  });

  it("what else the earlier asks stays", () => {
    const first = asking(applied(), { ...DEMOTION, patch: { "/tags/a": "1" } });
    const { record } = asking(first, PROMOTION_BY_HAND);
    expect(record.requests[first.accepted.id]).toEqual({
      patch: { "/tags/a": "1" },
    });
  });

  it("a creation goes on, and is folded before", () => {
    const { record } = asking(replicating(), DEMOTION);
    expect(Object.values(record.requests)).toMatchObject([
      { creates: true, release: { kind: "set" } },
      DEMOTION,
    ]);
  });

  it("once Azure has the version, what a creation says of latest is a word as any", () => {
    const look = lookOf("Succeeded", COMPLETED);
    const { record } = asking(replicating(), DEMOTION, { look });
    expect(Object.values(record.requests)).toEqual([
      expect.not.objectContaining({ release: expect.anything() as unknown }),
      DEMOTION,
    ]);
  });

  it("one that says nothing of latest takes over nothing", () => {
    const first = asking(applied(), DEMOTION);
    expect(asking(first, changeOf({ "/tags/a": "1" })).record.requests[first.accepted.id]).toEqual(
      DEMOTION,
    );
  });
});

describe("what an operation says settles conditions (2)", () => {
  const since = time(500);
  const pair = withRecord(succeeded(), {
    conditions: [
      {
        type: "ChangedOutside",
        message: "",
        since,
        fields: {
          "/tags/a": { after: "portal" },
          [exclusionIn("westus")]: { after: true },
        },
      },
      {
        type: "Paused",
        message: "",
        since,
        fields: { [exclusionIn("westus")]: { after: true } },
      },
    ],
  });

  it("of all that a whole body says, not of one that is read as a change", () => {
    const body = canonicalForm({ ...managedImageRequest(), tags: { a: "1" } });
    const left = (request: VersionRequest) =>
      asking(pair, request, {}, later).record.conditions.flatMap(({ fields }) =>
        Object.keys(fields),
      );
    expect(left({ patch: {}, body, adopts: true })).not.toContain("/tags/a");
    expect(left({ patch: {}, body })).toContain("/tags/a");
  });

  it("of the fields that it says, and no others", () => {
    const { conditions } = asking(pair, changeOf({ "/tags/a": "1" }), {}, later).record;
    expect(conditions.map(({ type }) => type)).toEqual(["ChangedOutside", "Paused"]);
    expect(Object.keys(conditions[0]?.fields ?? {})).toEqual([exclusionIn("westus")]);
  });

  it("what had failed of a rollout, by a person's word on latest", () => {
    const before = withRecord(succeeded(), { rollout: { waves: [] } });
    const goTimeOf = (machine?: true) =>
      asking(before, { ...PROMOTION_BY_HAND, ...(machine && { machine }) }, {}, later).record
        .rollout?.goTime;
    expect(goTimeOf()).toBe(time(1_000));
    expect(goTimeOf(true)).toBeUndefined();
  });

  it("of latest, where it is about latest", () => {
    const { conditions } = asking(pair, PROMOTION_BY_HAND, {}, later).record;
    expect(conditions.map(({ fields = {} }) => Object.keys(fields))).toEqual([["/tags/a"]]);
    const byMachine = { ...PROMOTION_BY_HAND, machine: true } as const;
    expect(asking(pair, byMachine, {}, later).record.conditions.map(({ type }) => type)).toEqual([
      "ChangedOutside",
      "Paused",
    ]);
  });
});

describe("what holds from acceptance is stored with it (3)", () => {
  const ruled = withRecord(succeeded(), {
    spec: { [PROMOTION]: { when: "allRegionsReady" } },
  });

  it("the end of the rule", () => {
    expect(asking(ruled, DEMOTION, { endsRule: true }, later).record.spec).toEqual({});
    expect(asking(ruled, DEMOTION, {}, later).record.spec).toEqual(ruled.record.spec);
  });

  it("that a person, and no machine, has decided since what had failed of its rollout", () => {
    const rollout = { waves: [time(1)] };
    const goTimeOf = (request: VersionRequest) =>
      asking(withRecord(ruled, { rollout }), request, {}, later).record.rollout?.goTime;
    expect(goTimeOf(DEMOTION)).toBe(time(1_000));
    expect(goTimeOf({ ...DEMOTION, machine: true })).toBeUndefined();
    expect(goTimeOf(changeOf({ "/tags/a": "1" }))).toBeUndefined();
  });
});

it("nothing is known of a version that Azure could not be asked about", () => {
  const asked = acceptingOf(changeOf({ "/tags/a": "1" }));
  expect(accept(asked, undefined, at(0)).record).not.toHaveProperty("status");
});
