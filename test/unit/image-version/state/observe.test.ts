import { describe, expect, it } from "vitest";
import { exclusionIn } from "../../../../src/image-version/latest/flags.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import { PROTECTED } from "../../../../src/image-version/properties/table.js";
import { mayArrive } from "../../../../src/image-version/state/confirmed.js";
import {
  asksForList,
  believed,
  observe,
  untilQuiet,
} from "../../../../src/image-version/state/observe.js";
import { whyNothingYet } from "../../../../src/image-version/state/reconcile.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
  Write,
} from "../../../../src/image-version/state/record.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  accepted,
  at,
  COMPLETED,
  creating,
  lookOf,
  replicating,
  succeeded,
  time,
} from "../../../support/transitions.js";

const BUILD = "/tags/build";
const EAST = regionField("eastus2");
/** The last change was ten seconds after the first request. */
const CHANGED = 10;
const STALE = CHANGED + 600;

function there(more: Partial<ImageVersionRecord> = {}): ImageVersionRecord {
  return { ...succeeded().record, ...more };
}
function writing(changes: Patch, more: Partial<Write> = {}) {
  return there({
    write: {
      changes,
      sentTime: time(CHANGED),
      answer: "accepted",
      sentFor: ["1"],
      ...more,
    },
  });
}
const shows = (changes: Patch = {}, state = "Succeeded", publishedDate = time(1)) =>
  lookOf(state, COMPLETED, { changes, publishedDate });
const UNANSWERED: Write = {
  changes: {},
  sentTime: time(CHANGED),
  answer: "none",
  sentFor: [],
};
const TAGGED = { ...managedImageRequest(), tags: { build: "1" } };
const OTHERS = { [BUILD]: "portal" };

describe("a look is a fact at once (1)", () => {
  it("that shows what is known, however lately that has changed", () => {
    const { record, confirmed } = observe(there(), shows(), at(CHANGED + 1));
    expect(confirmed).toEqual({ life: "same", others: [] });
    expect(record.changedTime).toBe(time(CHANGED));
  });

  it("that shows the last write, which is known and forgotten then", () => {
    const seen = observe(writing({ [BUILD]: "2" }), shows({ [BUILD]: "2" }), at(20));
    expect(seen.confirmed).toMatchObject({
      life: "same",
      others: [],
      write: { fate: "shown", sentFor: ["1"] },
    });
    expect(seen.record.write).toBeUndefined();
    expect(seen.record.changedTime).toBe(time(20));
  });

  it("that shows beside a region what Azure adds to what the write has made", () => {
    const region = `${regionField("uksouth")}/name`;
    const { confirmed } = observe(
      writing({ [region]: "uksouth" }),
      shows({
        [region]: "uksouth",
        [`${regionField("uksouth")}/storageAccountType`]: "Premium_LRS",
      }),
      at(20),
    );
    expect(confirmed).toMatchObject({ others: [], write: { fate: "shown" } });
  });

  it("that shows the region gone that the write removes; what changes in it is others'", () => {
    const removing = writing({ [EAST]: null });
    expect(observe(removing, shows({ [EAST]: null }), at(20)).confirmed).toMatchObject({
      others: [],
      write: { fate: "shown" },
    });
    const count = `${EAST}/regionalReplicaCount`;
    const { confirmed } = observe(removing, shows({ [count]: 3 }), at(STALE));
    expect(confirmed?.others).toMatchObject([{ field: count, after: 3 }]);
  });

  it("that shows another release of the write's own", () => {
    const release = { in: "none", but: [], by: "person" } as const;
    const changes = {
      [exclusionIn("westus")]: true,
      [exclusionIn("eastus2")]: true,
    };
    const { record } = observe(
      writing(changes, { release }),
      shows({
        "/properties/publishingProfile/excludeFromLatest": true,
      }),
      at(20),
    );
    expect(record.release).toEqual(release);
  });
});

describe("a look that shows something else (2)", () => {
  it("is unconfirmed within ten minutes of the last change, and changes nothing", () => {
    const { record, confirmed } = observe(there(), shows(OTHERS), at(STALE - 1));
    expect(confirmed).toBeUndefined();
    expect(record).toEqual({
      ...there(),
      unconfirmed: { shows: record.unconfirmed?.shows, since: time(STALE - 1) },
    });
  });

  it("is unconfirmed where it shows no more than a region's own flag, until two such looks agree", () => {
    const out = { "/properties/publishingProfile/excludeFromLatest": true };
    const held = shows({ ...out, [exclusionIn("eastus2")]: true });
    const known = there({ status: shows(out) });
    const first = observe(known, held, at(20));
    expect(first.confirmed).toBeUndefined();
    const between = observe(first.record, shows(out), at(100));
    expect(between.record.unconfirmed?.shows).not.toBe(first.record.unconfirmed?.shows);
    expect(observe(first.record, held, at(260)).confirmed).toMatchObject({
      held: ["eastus2"],
    });
  });

  it("is a fact once nothing has changed for ten minutes", () => {
    const { confirmed } = observe(there(), shows(OTHERS), at(STALE));
    expect(confirmed?.others).toEqual([{ field: BUILD, before: undefined, after: "portal" }]);
  });

  it.each([
    [239, false],
    [240, true],
  ])("is a fact %i s later where two agree: %s", (seconds, isFact) => {
    const { record } = observe(there(), shows(OTHERS), at(20));
    const { confirmed } = observe(record, shows(OTHERS), at(20 + seconds));
    expect(confirmed !== undefined).toBe(isFact);
  });

  it("begins anew when a look shows a third thing, or what is known", () => {
    const first = observe(there(), shows(OTHERS), at(20)).record;
    const known = observe(first, shows(), at(100));
    expect(known.confirmed).toBeUndefined();
    const again = observe(known.record, shows(OTHERS), at(300));
    expect(again.confirmed).toBeUndefined();
    expect(again.record.unconfirmed?.since).toBe(time(300));
    expect(observe(again.record, shows(OTHERS), at(540)).confirmed).toBeDefined();
  });

  it("takes a field that others have changed out of what is Sigil's, but for what is Sigil's own (5)", () => {
    const record = there({
      spec: { [BUILD]: "1", "/tags/team": "x", [PROTECTED]: true },
    });
    expect(observe(record, shows(OTHERS), at(STALE)).record.spec).toEqual({
      "/tags/team": "x",
      [PROTECTED]: true,
    });
  });

  it("is not believed by who asks without a step, who has what is known", () => {
    expect(believed(there(), shows(OTHERS), at(20))).toEqual({
      look: there().status,
      isFact: false,
    });
    expect(believed(there(), shows(), at(20)).isFact).toBe(true);
    expect(believed(undefined, shows(), at(20)).isFact).toBe(true);
  });
});

describe("that the version is gone (3)", () => {
  const DAY = 86_400;
  const first = observe(there(), undefined, at(DAY)).record;

  it("is no fact at one look, not even of a day-old version", () => {
    expect(first.unconfirmed).toEqual({ shows: "absent", since: time(DAY) });
    expect(first.status).toEqual(there().status);
    expect(asksForList(there(), at(DAY))).toBe(false);
  });

  it("is a fact at the second, where Azure does not list it", () => {
    expect(asksForList(first, at(DAY + 240))).toBe(true);
    const { record, confirmed } = observe(first, undefined, at(DAY + 240));
    expect(confirmed?.life).toBe("gone");
    expect(record.status).toBeUndefined();
    expect(record.spec).toEqual(there().spec);
    expect(record.release).toEqual(there().release);
    expect(record.publishedDate).toBe(time(1));
  });

  it("is no fact where Azure lists it", () => {
    expect(observe(first, undefined, at(DAY + 240), true).confirmed).toBeUndefined();
  });

  it("is no fact within ten minutes of its creation", () => {
    const seen = observe(there(), undefined, at(20)).record;
    expect(observe(seen, undefined, at(300)).confirmed).toBeUndefined();
    expect(observe(seen, undefined, at(601)).confirmed?.life).toBe("gone");
  });
});

describe("another life", () => {
  const other = shows({}, "Succeeded", time(5_000));

  it("empties what was achieved, and is read off its flags", () => {
    const { record, confirmed } = observe(there(), other, at(6_000));
    expect(confirmed?.life).toBe("replaced");
    expect(record).toMatchObject({
      publishedDate: time(5_000),
      regions: [],
      conditions: [],
    });
    expect(record.spec).toBeUndefined();
  });

  it("is unconfirmed as any look is, within ten minutes of the last change", () => {
    expect(observe(there(), other, at(20)).confirmed).toBeUndefined();
  });

  it("the same version again is the same, with what was achieved", () => {
    const { status: _, ...gone } = there();
    const { record, confirmed } = observe(gone, shows(), at(5_000));
    expect(confirmed?.life).toBe("begun");
    expect(record.spec).toEqual(there().spec);
  });
});

describe("the first fact of a creation", () => {
  it("is what the write has made, with its publishedDate and release", () => {
    const { record, confirmed } = observe(replicating().record, shows({}, "Creating"), at(10));
    expect(confirmed).toMatchObject({ life: "begun", write: { fate: "shown" } });
    expect(record).toMatchObject({
      publishedDate: time(1),
      release: { in: "all", but: [], by: "request" },
    });
  });

  it("is others' where that was published before the PUT, which had no answer", () => {
    const { confirmed } = observe(
      creating().record,
      shows({}, "Succeeded", "2025-12-31T23:00:00Z"),
      at(700),
    );
    expect(confirmed).toMatchObject({
      life: "begun",
      write: { fate: "overwritten" },
    });
  });

  it("keeps the regions that others' version has: they are followed, too", () => {
    const { record } = observe(
      creating().record,
      shows({ [regionField("eastus2")]: null }, "Succeeded", "2025-12-31T23:00:00Z"),
      at(700),
    );
    expect(record.regions.map(({ name }) => name)).toEqual(["westus"]);
  });

  it("without a write is others'", () => {
    const { confirmed } = observe(accepted().record, shows(), at(700));
    expect(confirmed).toEqual({ life: "begun", others: [] });
  });
});

describe("a write is forgotten (4)", () => {
  const changes = { [BUILD]: "2" };

  it("once a fact shows that others have changed one of its fields", () => {
    const { record, confirmed } = observe(
      writing({ ...changes, "/tags/team": "x" }),
      shows(OTHERS),
      at(STALE),
    );
    expect(confirmed).toMatchObject({
      write: { fate: "overwritten", sentFor: ["1"] },
      others: [{ field: BUILD, after: "portal" }],
    });
    expect(record.write).toBeUndefined();
  });

  it.each([
    ["none", 240, "unanswered"],
    ["accepted", 600, "notShown"],
  ] as const)(
    "with answer %s once two looks at an idle version, %i s apart, show nothing of it",
    (answer, seconds, fate) => {
      const first = observe(writing(changes, { answer }), shows(), at(100)).record;
      const before = observe(first, shows(), at(100 + seconds - 1));
      expect(before.confirmed?.write).toBeUndefined();
      expect(before.record.write).toBeDefined();
      const after = observe(first, shows(), at(100 + seconds));
      expect(after.confirmed?.write?.fate).toBe(fate);
      expect(after.record.write).toBeUndefined();
    },
  );

  it("not while ARM is at work: that is counted from anew", () => {
    const first = observe(writing(changes), shows(), at(100)).record;
    const busy = observe(first, shows({}, "Updating"), at(400)).record;
    expect(busy.write).toMatchObject({ begun: true });
    expect(busy.write?.unshownSince).toBeUndefined();
    expect(observe(busy, shows(), at(1_000)).record.write).toBeDefined();
  });

  it("not where a look shows a part of it", () => {
    const both = { [BUILD]: "2", "/tags/team": "x" };
    const { record, confirmed } = observe(writing(both), shows(changes), at(STALE));
    expect(confirmed).toMatchObject({ others: [] });
    expect(record.write).toBeDefined();
  });

  it("as one of a version that is not there yet", () => {
    const waits = observe(replicating().record, undefined, at(100));
    expect(waits.confirmed).toEqual({ life: "same", others: [] });
    expect(observe(waits.record, undefined, at(700)).confirmed?.write?.fate).toBe("notShown");
  });
});

it("a version that has a region more than was sent is not known to be the one that was created", () => {
  const look = (changes: Patch) => lookOf("Creating", {}, { changes });
  const factOf = (changes: Patch) => observe(creating().record, look(changes), at(5)).confirmed;
  expect(factOf({})?.life).toBe("begun");
  expect(factOf({ [`${regionField("uksouth")}/name`]: "uksouth" })).toBeUndefined();
});

it("what is not decided yet says what Azure shows", () => {
  const whyOf = (look: Parameters<typeof observe>[1]) =>
    whyNothingYet(observe(there(), look, at(CHANGED + 1)).record);
  expect(whyOf(shows(OTHERS))).toContain("otherwise than is known");
});

it("a version that was made otherwise than was sent is others', unless ARM has accepted what was sent", () => {
  const seen = ({ record }: ImageVersionPair) => {
    const after = observe(record, shows(OTHERS, "Succeeded", time(60)), at(STALE + 120));
    return [after.confirmed?.write?.fate, after.record.publishedBy];
  };
  expect(seen(creating(TAGGED))).toEqual(["overwritten", undefined]);
  expect(seen(replicating(TAGGED))).toEqual(["shown", [{ appId: "build-system" }]]);
});

it("what a restore has given back is a fact at once", () => {
  const { status: _, ...gone } = writing({}, { restores: true });
  expect(observe(gone, shows(), at(CHANGED + 1)).confirmed?.life).toBe("begun");
});

it("a version has the date of the last look that has one", () => {
  const { publishedDate: _, ...undated } = there();
  const dateOf = (...asked: Parameters<typeof observe>) => observe(...asked).record.publishedDate;
  expect(dateOf(undated, shows(), at(STALE))).toBe(time(1));
  const { publishedDate: __, ...look } = shows();
  expect(dateOf(there(), look, at(STALE))).toBe(time(1));
});

it.each([
  ["until a second look decides", false, {}, 240],
  ["for twice the time-out", false, { putTimeoutMs: 300_000 }, 600],
  ["as long as a look may be old", true, { putTimeoutMs: 600_000 }, 600],
])("what was sent may arrive %s; accepted: %s", (_, accepted, pace, seconds) => {
  const may = (after: number): boolean => mayArrive(time(0), accepted, at(after, pace));
  expect([may(seconds - 1), may(seconds)]).toEqual([true, false]);
});

it.each<[string, Parameters<typeof untilQuiet>[0], number]>([
  ["nothing", {}, 0],
  ["what ARM asks", { throttledUntil: time(100) }, 90_000],
  ["a PUT without an answer", { write: UNANSWERED }, 120_000],
  ["the later of both", { write: UNANSWERED, throttledUntil: time(9) }, 120_000],
  ["the later of both, whichever it is", { write: UNANSWERED, throttledUntil: time(300) }, 290_000],
])("a step waits for %s", (_, record, waitMs) => {
  const quiet = untilQuiet(record, at(CHANGED));
  expect(quiet.waitMs).toBe(waitMs);
  expect(quiet.waits === undefined).toBe(waitMs === 0);
});
