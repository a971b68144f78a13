/** What is decided at a look: nothing, a creation, an update, an end. */
import { hasFailed } from "../../../../src/image-version/resources.js";
import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import {
  fieldsOf,
  regionField,
} from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import {
  isEnding,
  reconcile,
  withDefaults,
} from "../../../../src/image-version/state/reconcile.js";
import type {
  ImageVersionRecord,
  ToldChange,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  accepted,
  applied,
  at,
  changeOf,
  COMPLETED,
  creating,
  lookOf,
  REPLICATING,
  replicating,
  succeeded,
  time,
} from "../../../support/transitions.js";
import {
  EAST,
  REPLICAS,
  RULE,
  ID,
  recordWith,
  asking,
  decided,
  putOf,
  sent,
  writesOf,
} from "./decided.js";

const WEST = regionField("westus");

describe("invariant 1: nothing is written", () => {
  const record = asking({ "/tags/a": "1" });

  test.each(["Creating", "Updating", "Deleting", "Migrating"])(
    "while ARM is %s",
    (state) => {
      expect(decided(record, state)).toEqual({
        kind: "wait",
        why: "Azure Resource Manager is working on the version.",
      });
    },
  );

  test.each(["Succeeded", "Failed"])("while ARM is %s it is", (state) => {
    expect(putOf(decided(record, state)).changes).toEqual({ "/tags/a": "1" });
  });

  test.each([
    ["accepted", 1_499, "wait"],
    ["accepted", 1_500, "put"],
    ["unknown", 1_019, "wait"],
    ["unknown", 1_020, "put"],
    ["refused", 900, "put"],
  ] as const)(
    "because of a look that may be older than a write that is %s, %d s after the first request: %s",
    (outcome, seconds, kind) => {
      // Of another operation, so that it is not asked for any longer.
      const lastAttempt = sent({ "/tags/b": "2" }, { outcome, sentFor: [] });
      const writes = writesOf(lastAttempt);
      expect(
        decided({ ...record, lastAttempt, writes }, "Succeeded", {}, seconds)
          .kind,
      ).toBe(kind);
    },
  );
});

describe("invariant 1: while looks show again what others had changed", () => {
  const told = { field: "/tags/a", before: "1", after: "2", time: time(900) };

  test.each<[string, readonly ToldChange[], string]>([
    [
      "nothing is written",
      [told, { ...told, returnedTime: time(990) }],
      "wait",
    ],
    ["and what is changed still is no reason to wait", [told], "put"],
  ])("%s", (_, outsideTold, kind) => {
    const decision = decided(asking({ "/tags/b": "1" }, { outsideTold }));
    expect(decision.kind).toBe(kind);
    if (decision.kind === "wait")
      expect(decision.why).toBe(
        "Azure Resource Manager shows again what others had changed: the next polls tell whether they have taken it back.",
      );
  });
});

describe("invariant 6: what was asked of a version that Azure does not show", () => {
  const presumes = { "/tags/a": "1" };
  const asked = (more: Partial<VersionRequest>) =>
    recordWith({
      requests: {
        "x-1": changeOf({ "/tags/c": "1" }),
        [ID]: changeOf({ "/tags/b": "1" }, { presumes, ...more }),
      },
    });
  const body = {
    ...lookOf("Succeeded").resource,
    tags: { a: "1" },
  };

  test("is not sent, and it is told what differs", () => {
    expect(decided(asked({ body }), "Succeeded", { "/tags/a": "2" })).toEqual({
      kind: "failed",
      failure: {
        code: "ChangedOutside",
        message:
          'The version was changed after it was read, and Azure showed that only now: nothing was sent. Tag a is "2" in Azure; the request says "1". GET it, and send the request with its ETag.',
        errors: [
          expect.objectContaining({
            code: "ChangedOutside",
            pointer: "/tags/a",
          }) as unknown,
        ],
      },
    });
  });

  test.each<[string, Partial<VersionRequest>, string]>([
    ["Azure shows it", {}, "1"],
    ["it was sent before", { sent: true }, "2"],
    [
      "its end is decided",
      { decided: { kind: "canceled", by: { name: "me" } } },
      "2",
    ],
  ])("is sent where %s", (_, more, shown) => {
    expect(decided(asked(more), "Succeeded", { "/tags/a": shown }).kind).toBe(
      "put",
    );
  });
});

describe("invariant 2: a version is created", () => {
  test("where a PUT asks for it and Azure does not have it", () => {
    const put = putOf(reconcile(accepted().record, undefined, at(1)));
    expect(put).toMatchObject({
      creates: true,
      removesRegions: false,
      rewrites: false,
    });
    expect(fieldsOf(put.body)).toMatchObject(put.changes);
    expect(put.body.properties).toMatchObject({
      publishingProfile: {
        excludeFromLatest: false,
        targetRegions: [
          { name: "westus", regionalReplicaCount: 2 },
          { name: "eastus2", regionalReplicaCount: 1 },
        ],
      },
    });
  });

  test("excluded from latest where a rule is to promote it", () => {
    const body = { ...managedImageRequest(), sigil: { promotion: RULE } };
    const put = putOf(reconcile(accepted(body).record, undefined, at(1)));
    expect(put.body.properties.publishingProfile?.excludeFromLatest).toBe(true);
  });

  test.each<[string, Partial<ImageVersionRecord>]>([
    ["a patch", { requests: { [ID]: changeOf({ "/tags/a": "1" }) } }],
    [
      "a demotion",
      {
        requests: {
          [ID]: changeOf({ [EXCLUDE_FROM_LATEST]: true }, { byHand: true }),
        },
      },
    ],
  ])("never by %s", (_, more) => {
    expect(
      reconcile(recordWith({ exists: false, ...more }), undefined, at(1)),
    ).toMatchObject({ kind: "failed", failure: { code: "ImageVersionGone" } });
  });

  test("never over one that ARM has accepted or shown: a 404 is waited for ten times", () => {
    const { record } = replicating();
    for (const consecutiveNotFound of [0, 9])
      expect(
        reconcile({ ...record, consecutiveNotFound }, undefined, at(60)),
      ).toEqual({
        kind: "wait",
        why: "Azure Resource Manager does not show the version.",
      });
    expect(
      reconcile({ ...record, consecutiveNotFound: 10 }, undefined, at(60)),
    ).toMatchObject({ kind: "failed", failure: { code: "ImageVersionGone" } });
  });

  test("not again while the outcome of the create request is unknown", () => {
    const { record } = creating();
    expect(reconcile(record, undefined, at(120))).toEqual({
      kind: "wait",
      why: "The outcome of the create request is unknown.",
    });
    expect(reconcile(record, undefined, at(121)).kind).toBe("put");
  });
});

describe("invariant 3: what was written and is not shown", () => {
  const unshown = asking(
    { [REPLICAS]: 3 },
    { lastAttempt: sent({ [REPLICAS]: 3 }) },
  );
  // A look that shows some of the write is not an old one, ten minutes later neither does any.
  const LATER = 1_600;

  test("is written again only after two looks at rest, two minutes apart", () => {
    const first = decided(unshown, "Succeeded", {}, LATER);
    expect(first).toMatchObject({ kind: "wait", doubt: "unmet/0" });
    const since = (seconds: number) => ({
      ...unshown,
      doubt: { what: "unmet/0", since: time(seconds) },
    });
    expect(decided(since(LATER - 119), "Succeeded", {}, LATER).kind).toBe(
      "wait",
    );
    expect(
      putOf(decided(since(LATER - 120), "Succeeded", {}, LATER)),
    ).toMatchObject({ changes: { [REPLICAS]: 3 }, rewrites: true });
  });

  test("is doubted anew where the doubt was another", () => {
    const doubt = { what: "ignored", since: time(0) };
    expect(
      decided({ ...unshown, doubt }, "Succeeded", {}, LATER),
    ).toMatchObject({
      kind: "wait",
      doubt: "unmet/0",
    });
  });

  test.each([
    ["OverriddenByAzure", { [REPLICAS]: 3 }, {}, "changes back"],
    [
      "RemovalIgnored",
      { "/tags/a": null },
      { "/tags/a": "1" },
      "keeps what was to be removed",
    ],
    ["RemovalIgnored", { [EAST]: null }, {}, "keeps what was to be removed"],
  ] as const)(
    "is not written a third time: %s",
    (code, changes, shown, message) => {
      const record = asking(changes, {
        lastAttempt: sent(changes),
        rewrites: 2,
        doubt: { what: "ignored", since: time(LATER - 120) },
      });
      expect(decided(record, "Succeeded", shown, LATER)).toMatchObject({
        kind: "failed",
        failure: {
          code,
          message: expect.stringContaining(message) as string,
          errors: [{ code }],
        },
      });
      const { doubt: _, ...first } = record;
      expect(decided(first, "Succeeded", shown, LATER)).toMatchObject({
        kind: "wait",
        doubt: "ignored",
      });
    },
  );

  test.each<[string, Patch]>([
    [
      "another source",
      { "/properties/storageProfile/source/id": "/subscriptions/s/x" },
    ],
    ["another location", { "/location": "eastus2" }],
    [
      "another key",
      {
        [`${EAST}/encryption/osDiskImage/diskEncryptionSetId`]:
          "/subscriptions/s/set",
      },
    ],
    [
      "a key that the region lacks",
      {
        [`${EAST}/encryption/dataDiskImages/1/diskEncryptionSetId`]:
          "/subscriptions/s/set",
      },
    ],
  ])(
    "ends the operation where it cannot be written again: %s",
    (_, changes) => {
      const record = asking(changes, { lastAttempt: sent(changes) });
      expect(decided(record, "Succeeded", {}, LATER)).toMatchObject({
        kind: "wait",
        doubt: "never",
      });
      const doubt = { what: "never", since: time(LATER - 120) };
      const decision = decided({ ...record, doubt }, "Succeeded", {}, LATER);
      expect(decision).toMatchObject({
        kind: "failed",
        failure: {
          code: "ReadBackMismatch",
          message: expect.stringContaining(
            "delete it and publish another version",
          ) as string,
          errors: [{ code: "ReadBackMismatch" }],
        },
      });
    },
  );

  test("is sent at once where it is another's, or was never sent", () => {
    for (const lastAttempt of [
      sent({ [REPLICAS]: 3 }, { sentFor: ["another"] }),
      sent({ "/tags/a": "1" }),
    ])
      expect(
        putOf(
          decided(
            asking({ [REPLICAS]: 3 }, { lastAttempt }),
            "Succeeded",
            { "/tags/a": "1" },
            LATER,
          ),
        ).rewrites,
      ).toBe(false);
  });

  test("points into the body that was sent", () => {
    const body = managedImageRequest();
    const changes = { [REPLICAS]: 3 };
    const record = recordWith({
      requests: { [ID]: changeOf(changes, { body }) },
      lastAttempt: sent(changes),
      rewrites: 2,
      doubt: { what: "ignored", since: time(0) },
    });
    expect(decided(record, "Succeeded", {}, LATER)).toMatchObject({
      failure: {
        errors: [{ pointer: "/properties/publishingProfile/targetRegions/1" }],
      },
    });
  });
});

describe("a promotion that is due", () => {
  const excluded = { [EXCLUDE_FROM_LATEST]: true };
  const ruled = recordWith({ lastApplied: { [PROMOTION]: RULE } });

  test("is sent once the rule holds", () => {
    expect(putOf(decided(ruled, "Succeeded", excluded))).toMatchObject({
      changes: { [EXCLUDE_FROM_LATEST]: false },
      promotes: true,
    });
  });

  test("is not sent twice, nor before the rule holds", () => {
    expect(decided(ruled).kind).toBe("applied");
    expect(
      decided({ ...ruled, overriddenRule: RULE }, "Succeeded", excluded).kind,
    ).toBe("applied");
    expect(
      decided(
        { ...ruled, regions: applied().record.regions },
        "Succeeded",
        excluded,
        1_000,
        REPLICATING,
      ).kind,
    ).toBe("applied");
  });
});

test("what Azure shows as asked is applied", () => {
  expect(decided(asking({ [REPLICAS]: 1 })).kind).toBe("applied");
  expect(decided(asking({ "/tags/a": null })).kind).toBe("applied");
  expect(decided(asking({ [PROMOTION]: { when: "manual" } })).kind).toBe(
    "applied",
  );
});

test("what others have set is sent back as it is", () => {
  const shown = { "/tags/policy": "x", [`${WEST}/regionalReplicaCount`]: 7 };
  const put = putOf(decided(asking({ "/tags/a": "1" }), "Succeeded", shown));
  expect(put.changes).toEqual({ "/tags/a": "1" });
  expect(fieldsOf(put.body)).toMatchObject({ ...shown, "/tags/a": "1" });
});

test("a region has failed when ARM says so, or has given the version up before it was done", () => {
  const of = (
    state: string,
    region: readonly ["Failed" | "Replicating" | "Completed", number],
  ) => hasFailed(lookOf(state, { eastus2: region }), "eastus2");
  expect(of("Updating", ["Failed", 1])).toBe(true);
  expect(of("Failed", ["Replicating", 1])).toBe(true);
  expect(of("Failed", ["Completed", 100])).toBe(false);
  expect(of("Updating", ["Replicating", 1])).toBe(false);
  expect(hasFailed(lookOf("Failed"), "eastus2")).toBe(false);
});

test("what has begun is ending once the end of each is decided", () => {
  const decidedEnd = { decided: { kind: "canceled", by: {} } } as const;
  const of = (...requests: object[]) =>
    isEnding(
      recordWith({
        requests: Object.fromEntries(
          requests.map((one, i) => [String(i), changeOf({}, one)]),
        ),
      }),
    );
  expect(of()).toBe(false);
  expect(of(decidedEnd)).toBe(true);
  expect(of(decidedEnd, {})).toBe(false);
});

test("a version is made with what ARM is told in so many words", () => {
  const request: ImageVersionRequest = {
    location: "westus",
    properties: {
      storageProfile: {},
      publishingProfile: {
        replicaCount: 3,
        targetRegions: [
          { name: "westus" },
          { name: "eastus2", regionalReplicaCount: 1 },
        ],
      },
    },
  };
  expect(withDefaults(request).properties.publishingProfile).toEqual({
    replicaCount: 3,
    excludeFromLatest: false,
    targetRegions: [
      { name: "westus", regionalReplicaCount: 3 },
      { name: "eastus2", regionalReplicaCount: 1 },
    ],
  });
});

describe("a write", () => {
  test("that repairs takes away what the region has, and nothing of others", () => {
    const { regions } = succeeded().record;
    const record = recordWith({
      requests: {},
      regions: regions.map((region) =>
        region.name === "eastus2"
          ? { ...region, state: "Failed" as const }
          : region,
      ),
      repairs: { eastus2: { attempts: 0, dueTime: time(900) } },
    });
    const put = putOf(
      decided(record, "Failed", {}, 1_000, {
        ...COMPLETED,
        eastus2: ["Failed", 10],
      }),
    );
    expect(put.promotes).toBe(false);
    const fields = Object.keys(put.takesAway["eastus2"] ?? {});
    expect(fields).toContain(`${EAST}/name`);
    expect(fields.filter((name) => !name.startsWith(EAST))).toEqual([]);
  });

  test("that is asked for promotes nothing by a rule, and is no answer to a doubt of what another sent", () => {
    const put = putOf(decided(asking({ "/tags/a": "1" })));
    expect(put).toMatchObject({ promotes: false, rewrites: false });
    const unknown = asking(
      { "/tags/a": "1" },
      {
        lastAttempt: sent(
          { "/tags/a": "1" },
          { outcome: "unknown", sentTime: time(0) },
        ),
      },
    );
    expect(putOf(decided(unknown))).toMatchObject({ rewrites: false });
  });

  test("promotes no version that somebody holds back now", () => {
    const record = asking(
      { [EXCLUDE_FROM_LATEST]: true },
      {
        lastApplied: { ...succeeded().record.lastApplied, [PROMOTION]: RULE },
      },
    );
    expect(
      decided(record, "Succeeded", { [EXCLUDE_FROM_LATEST]: true }),
    ).toEqual({ kind: "applied" });
  });
});
