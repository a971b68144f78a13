/** What is written, waited for or given up by what Azure has and what was sent before: cases of which each has its own answer. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  ALLOW_DELETION,
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import {
  reconcile,
  withDefaults,
} from "../../../../src/image-version/state/reconcile.js";
import type {
  Attempt,
  ImageVersionRecord,
  VersionRequest,
  Write,
} from "../../../../src/image-version/state/record.js";
import type { RegionRecord } from "../../../../src/operation/records.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  accepted,
  at,
  changeOf,
  COMPLETED,
  KEY,
  time,
} from "../../../support/transitions.js";
import {
  asking,
  decided,
  EAST,
  ID,
  putOf,
  recordWith,
  REPLICAS,
  RULE,
  sent,
} from "./decided.js";

const OTHER = `${KEY}-9`;
/** By then each look shows what was sent at 0 s, and a doubt of then is confirmed. */
const doubted = (what: string) => ({ doubt: { what, since: time(0) } });
const LONG_AGO = { sentTime: time(0) };

describe("a version that Azure does not show", () => {
  test("is made where one of the batch may make it, and is not as asked yet", () => {
    const { record } = accepted();
    const requests = { ...record.requests, [OTHER]: changeOf({}) };
    expect(
      putOf(reconcile({ ...record, requests }, undefined, at(1))),
    ).toMatchObject({ creates: true, isMet: false });
  });

  test.each([
    ["of the version that its caller saw", { publishedDate: time(0) }, "wait"],
    ["of none that was seen", {}, "failed"],
  ])(
    "may be shown again where one of the batch asks something %s",
    (_, more, kind) => {
      const record = recordWith({
        exists: false,
        requests: {
          [ID]: changeOf({ "/tags/a": "1" }, more),
          [OTHER]: changeOf({ "/tags/b": "1" }),
        },
      });
      expect(reconcile(record, undefined, at(1)).kind).toBe(kind);
    },
  );

  test("is included in latest, and in no region, where nothing else is said", () => {
    const request = { location: "westus", properties: { storageProfile: {} } };
    expect(withDefaults(request).properties).toEqual({
      storageProfile: {},
      publishingProfile: { excludeFromLatest: false, targetRegions: [] },
    });
  });
});

describe("what Azure shows as asked", () => {
  // Set to 1, and then to 2 by an update that had no answer.
  const writes = (seconds: number): readonly Write[] => [
    {
      changes: { "/tags/a": "1" },
      was: {},
      sentTime: time(0),
      acceptedTime: time(0),
    },
    {
      changes: { "/tags/a": "2" },
      was: { "/tags/a": "1" },
      sentTime: time(seconds),
    },
  ];
  const shown = { "/tags/a": "1" };

  test("is waited for while an update without an answer may still change it", () => {
    const record = asking(shown, { writes: writes(700) });
    expect(decided(record, "Succeeded", shown)).toEqual({
      kind: "wait",
      why: "An update that was sent before had no answer: the next polls tell whether Azure has carried it out.",
    });
  });

  test("is waited for with what is asked alone: Sigil does not put off what is its own to do", () => {
    const record = asking(shown, { writes: writes(700), opened: true });
    const open = { ...shown, [ALLOW_DELETION]: true };
    expect(putOf(decided(record, "Succeeded", open))).toMatchObject({
      changes: { [ALLOW_DELETION]: false },
      isMet: false,
    });
  });

  test.each<[string, ImageVersionRecord]>([
    ["ten minutes later", asking(shown, { writes: writes(400) })],
    [
      "where something else is asked",
      asking({ "/tags/b": null }, { writes: writes(700) }),
    ],
    [
      "where nothing is asked any more",
      recordWith({ requests: {}, writes: writes(700) }),
    ],
  ])("is applied %s", (_, record) => {
    expect(decided(record, "Succeeded", shown)).toEqual({ kind: "applied" });
  });
});

describe("a region of which something is asked, and that others have removed", () => {
  const removed = { [EAST]: null };
  const body = managedImageRequest();
  const gone = recordWith({
    requests: { [ID]: changeOf({ [REPLICAS]: 3 }, { body }) },
  });

  test("ends the operation at the second look: it was not asked with all that it shall have", () => {
    expect(decided(gone, "Succeeded", removed)).toMatchObject({
      kind: "wait",
      doubt: "gone",
    });
    const message =
      "eastus2 is no longer in the version: others have removed it since this was asked.";
    const code = "ReadBackMismatch";
    expect(
      decided({ ...gone, ...doubted("gone") }, "Succeeded", removed),
    ).toEqual({
      kind: "failed",
      failure: {
        code,
        message: `${message} Send the request again, with all that the region shall have, to add it.`,
        errors: [
          {
            code,
            pointer: "/properties/publishingProfile/targetRegions/1",
            message,
          },
        ],
      },
    });
  });

  test("is added with all that is asked where the request names it", () => {
    const record = asking({ [`${EAST}/name`]: "eastus2", [REPLICAS]: 3 });
    expect(putOf(decided(record, "Succeeded", removed)).changes).toEqual({
      [`${EAST}/name`]: "eastus2",
      [REPLICAS]: 3,
    });
  });

  test.each<[string, ImageVersionRecord["repairs"][string], string]>([
    [
      "is added back where it was taken away for repair",
      { attempts: 0, removed: { [`${EAST}/name`]: "eastus2" } },
      "put",
    ],
    ["is lost though it was repaired before", { attempts: 1 }, "wait"],
  ])("%s", (_, repair, kind) => {
    const record = { ...gone, repairs: { eastus2: repair } };
    expect(decided(record, "Succeeded", removed).kind).toBe(kind);
  });
});

describe("what was sent and is not shown", () => {
  const changes = { [REPLICAS]: 3 };

  test.each<[string, Partial<Attempt>, boolean]>([
    ["is doubted where it was sent for one of the batch", {}, true],
    ["is sent at once where it was sent for others", { sentFor: [KEY] }, false],
  ])("%s", (_, more, isDoubted) => {
    const record = asking(changes, {
      requests: {
        [ID]: changeOf(changes),
        [OTHER]: changeOf({ "/tags/a": "1" }),
      },
      lastAttempt: sent(changes, { ...LONG_AGO, ...more }),
    });
    const decision = decided(record);
    expect(decision).toMatchObject(
      isDoubted
        ? { kind: "wait", doubt: "unmet/0" }
        : { kind: "put", rewrites: false, isMet: false },
    );
  });

  test("is sent at once where it is not known for whom it was sent", () => {
    const { sentFor: _, ...lastAttempt } = sent(changes, LONG_AGO);
    expect(putOf(decided(asking(changes, { lastAttempt }))).rewrites).toBe(
      false,
    );
  });

  test("is pointed to in the first body of the batch, whoever has sent it", () => {
    const record = recordWith({
      requests: {
        [OTHER]: changeOf({}),
        [ID]: changeOf(changes, { body: managedImageRequest() }),
      },
      lastAttempt: sent(changes, LONG_AGO),
      rewrites: 2,
      ...doubted("ignored"),
    });
    expect(decided(record)).toMatchObject({
      failure: {
        errors: [{ pointer: "/properties/publishingProfile/targetRegions/1" }],
      },
    });
  });
});

describe("a promotion by a rule that was sent, and after which Azure shows the version excluded", () => {
  const excluded = { [EXCLUDE_FROM_LATEST]: true };
  const included = { [EXCLUDE_FROM_LATEST]: false };
  const ruled = (
    attempt: Attempt | undefined,
    more: Partial<ImageVersionRecord> = {},
  ) =>
    recordWith({
      lastApplied: { [PROMOTION]: RULE },
      ...(attempt && { lastAttempt: attempt }),
      ...more,
    });
  const promotion = sent(included, { ...LONG_AGO, overridesRule: true });

  test.each<[string, Attempt | undefined, number, boolean]>([
    ["was accepted", promotion, 0, true],
    ["was accepted twice", promotion, 1, true],
    ["had no answer", { ...promotion, outcome: "unknown" }, 2, false],
    ["was shown before", { ...promotion, outcome: "shown" }, 2, false],
    ["was no promotion", sent({ "/tags/a": "1" }, LONG_AGO), 2, false],
    ["never was", undefined, 2, false],
  ])("is sent again where it %s", (_, attempt, rewrites, isCounted) => {
    expect(
      putOf(decided(ruled(attempt, { rewrites }), "Succeeded", excluded)),
    ).toMatchObject({
      changes: included,
      promotes: true,
      isMet: true,
      rewrites: isCounted,
    });
  });

  test("is given up after the third time, at the second look that shows it", () => {
    expect(
      decided(ruled(promotion, { rewrites: 2 }), "Succeeded", excluded),
    ).toMatchObject({ kind: "wait", doubt: "ignored" });
    expect(
      decided(
        ruled(promotion, { rewrites: 2, ...doubted("ignored") }),
        "Succeeded",
        excluded,
      ),
    ).toMatchObject({
      kind: "failed",
      failure: {
        code: "OverriddenByAzure",
        message:
          "Azure, a policy or somebody else changes back what was requested, although it was sent 3 times. excludeFromLatest is true in Azure; the request says false.",
        errors: [{ code: "OverriddenByAzure" }],
      },
    });
  });
});

describe("a promotion that a rule has begun, and that was sent and is not shown", () => {
  const included = { [EXCLUDE_FROM_LATEST]: false };
  const excluded = { [EXCLUDE_FROM_LATEST]: true };
  const byRule = { rule: RULE, promoted: 0, regions: {} };
  const both = { ...included, "/tags/a": "1" };
  const promoting = (
    more: Partial<VersionRequest>,
    doubt?: string,
  ): ImageVersionRecord =>
    recordWith({
      requests: {
        [ID]: changeOf(included, { byHand: true, ...more }),
        [OTHER]: changeOf({ "/tags/a": "1" }),
      },
      lastAttempt: sent(both, LONG_AGO),
      ...(doubt !== undefined && doubted(doubt)),
    });
  const tagged = { "/tags/a": "1" };

  test.each<[string, Partial<VersionRequest>, string, Patch, string]>([
    [
      "is not sent again",
      { byRule },
      "Succeeded",
      { ...excluded, ...tagged },
      "ignored",
    ],
    [
      "nor with what else is lost",
      { byRule },
      "Succeeded",
      excluded,
      "ignored",
    ],
    [
      "is sent again where ARM has given it up",
      { byRule },
      "Failed",
      { ...excluded, ...tagged },
      "unmet/0",
    ],
    [
      "is sent again where a person has asked for it",
      {},
      "Succeeded",
      { ...excluded, ...tagged },
      "unmet/0",
    ],
  ])("%s", (_, more, state, shown, doubt) => {
    expect(decided(promoting(more), state, shown)).toMatchObject({ doubt });
  });

  test("does not hold up what others have asked, and is lost", () => {
    expect(decided(promoting({ byRule }), "Succeeded", included)).toMatchObject(
      { doubt: "unmet/0" },
    );
  });

  test("ends the operation at the second look", () => {
    expect(
      decided(promoting({ byRule }, "ignored"), "Succeeded", {
        ...excluded,
        ...tagged,
      }),
    ).toMatchObject({
      failure: {
        code: "OverriddenByAzure",
        message:
          "Azure, a policy or somebody else changes back what was requested, although it was sent once. excludeFromLatest is true in Azure; the request says false.",
      },
    });
  });
});

describe("a region that has failed", () => {
  const NORTH = "northeurope";
  const FAILED: RegionRecord = {
    name: NORTH,
    state: "Failed",
    progress: 0,
    attempts: 1,
  };
  const shown = {
    [`${regionField(NORTH)}/name`]: NORTH,
    [`${regionField(NORTH)}/regionalReplicaCount`]: 2,
  };
  const failing = (repairs: ImageVersionRecord["repairs"]) =>
    decided(
      recordWith({ regions: [FAILED], repairs }),
      "Failed",
      repairs["eastus2"] ? { ...shown, [EAST]: null } : shown,
      1_000,
      { ...COMPLETED, [NORTH]: ["Failed", 1] },
    );
  const due = { attempts: 0, dueTime: time(0) };

  test("is taken away once more where it was sent to be, and is there still", () => {
    const put = putOf(failing({ [NORTH]: { attempts: 0, removed: {} } }));
    expect(put.takesAway).toEqual({ [NORTH]: shown });
    expect(put.isMet).toBe(true);
  });

  test("is not taken away before another is added back", () => {
    expect(putOf(failing({ [NORTH]: due })).takesAway).toHaveProperty(NORTH);
    const removed = { [`${EAST}/name`]: "eastus2" };
    const put = putOf(
      failing({ [NORTH]: due, eastus2: { attempts: 0, removed } }),
    );
    expect(put.changes).toEqual(removed);
    expect(put.addsBack).toEqual(["eastus2"]);
    expect(put.takesAway).toEqual({});
  });

  test("is not taken away where no repair of it is planned", () => {
    expect(failing({ [NORTH]: { attempts: 3 } })).toEqual({ kind: "applied" });
  });
});
