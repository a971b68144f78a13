import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { KINDS } from "../../../../src/kinds.js";
import { kindOf } from "../../../../src/operation/kinds.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import {
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import { migrated } from "../../../../src/image-version/state/migration.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import { emptyRecord } from "../../../../src/image-version/state/accepting.js";
import {
  operationIdOf,
  SCHEMA,
  type OperationRecord,
} from "../../../../src/operation/records.js";
import { isFinal } from "../../../../src/image-version/state/states.js";
import { succeeded } from "../../../support/transitions.js";

const FOLDER = new URL("../../../fixtures/records-0.1.0/", import.meta.url);
const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.replace(".json", ""));

interface Left {
  readonly record: Readonly<Record<string, unknown>>;
  readonly operation: OperationRecord;
  readonly operations: readonly OperationRecord[];
}

const left = (name: string): Left =>
  JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8")) as Left;

function today(name: string): ImageVersionRecord {
  const { record, operation } = left(name);
  return migrated(record, operation.kind);
}

/** All that a record of today may have. */
const MEMBERS = new Set([
  ...Object.keys(emptyRecord("k", "r", "t")),
  ...Object.keys(succeeded().record),
  "armOperationUrl",
  "doubt",
  "lastAttempt",
  "lastApplied",
  "overriddenRule",
]);
const NEEDED = Object.keys(emptyRecord("k", "r", "t"));

describe.each(NAMES)("%s", (name) => {
  test("has today's shape", () => {
    const record = today(name);
    expect(record.schema).toBe(SCHEMA);
    expect(Object.keys(record).filter((one) => !MEMBERS.has(one))).toEqual([]);
    expect(NEEDED.filter((one) => !(one in record))).toEqual([]);
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  });

  test("has every operation that is open, and what each asks", () => {
    const { operation, operations } = left(name);
    const record = today(name);
    expect(operationIdOf(record)).toBe(operation.id);
    const open = operations
      .filter(({ endTime }) => endTime === undefined)
      .map(({ id }) => id);
    const begun = isFinal(record.state)
      ? []
      : [operation.id, ...record.members.map(({ id }) => id)];
    expect(Object.keys(record.requests).sort()).toEqual([...begun].sort());
    expect(
      [...begun, ...record.queued.map((one) => one.operation.id)].sort(),
    ).toEqual(open.sort());
    expect(record.lastSequence).toBe(operations.length);
  });

  test("keeps its step, what is to be told, and the message that is due", () => {
    const { record } = left(name);
    expect(today(name)).toMatchObject({
      key: record["key"],
      resourceId: record["resourceId"],
      state: record["state"],
      step: record["step"],
      dueTime: record["dueTime"],
      outbox: record["outbox"],
      regions: record["regions"],
      resends: record["wakes"],
      consecutiveNotFound: record["absences"],
    });
  });

  test("is the same when it is read again in today's shape", () => {
    const record = today(name);
    expect(migrated(record, left(name).operation.kind)).toBe(record);
    const { record: stored, operation } = left(name);
    const { migrate } = kindOf({ kinds: KINDS }, operation);
    expect(migrate(stored, operation.kind)).toEqual(record);
  });
});

test.each<[string, string[] | undefined]>([
  ["accepted", undefined],
  ["replicating", undefined],
  ["failed-preflight", undefined],
  ["deleted", undefined],
  ["updating", ["eastus2", "westus"]],
  ["fellows", ["westus"]],
  ["succeeded", ["eastus2", "westus"]],
  ["succeeded-then-update-refused", ["eastus2", "westus"]],
  ["failed-region", ["eastus", "eastus2", "westus"]],
])("what was applied to %s is what was achieved: %j", (name, regions) => {
  const { lastApplied, state } = today(name);
  const names = ["westus", "eastus2", "eastus"].filter(
    (region) => lastApplied?.[`${regionField(region)}/name`] !== undefined,
  );
  expect(lastApplied === undefined ? undefined : names.sort(), state).toEqual(
    regions,
  );
});

test.each([
  ["accepted", undefined],
  ["creating", "unknown"],
  ["updating", "unknown"],
  ["replicating", "accepted"],
  ["replicating-removal", "accepted"],
])("what %s has sent is %s", (name, outcome) => {
  expect(today(name).lastAttempt?.outcome).toBe(outcome);
});

test("a removal that is under way is asked, and the permission for it is open", () => {
  const { requests, opened } = today("replicating-removal");
  expect(opened).toBe(true);
  expect(Object.values(requests)).toMatchObject([
    { changes: { [regionField("eastus2")]: null, "/tags/stage": null } },
  ]);
});

test("a region that is away for repair is known with all that it had", () => {
  const { repairs, opened } = today("repairing");
  expect(opened).toBe(true);
  expect(repairs["eastus2"]).toMatchObject({
    attempts: 0,
    removed: {
      [`${regionField("eastus2")}/name`]: "eastus2",
      [`${regionField("eastus2")}/encryption/osDiskImage/diskEncryptionSetId`]:
        expect.any(String) as string,
    },
  });
});

test("a repair that is due stays due", () => {
  expect(today("repair-due").repairs["eastus2"]).toEqual({
    attempts: 0,
    dueTime: "2026-11-25T09:32:46.000Z",
  });
});

test("members ask what each of them asked, and what is queued too", () => {
  const { requests, queued } = today("fellows-and-waiting");
  const asks = Object.values(requests).map(({ changes }) =>
    ["eastus2", "eastus"].filter(
      (name) => changes[`${regionField(name)}/name`] === name,
    ),
  );
  expect(asks).toEqual([["eastus2"], ["eastus"]]);
  expect(queued.map(({ request }) => Object.keys(request.changes))).toEqual([
    ["/tags/team"],
  ]);
});

test("exclusion from latest that a rule had set is nobody's request", () => {
  const [request] = Object.values(today("promotion-pending").requests);
  expect(request?.changes).toHaveProperty([PROMOTION]);
  expect(request?.changes).not.toHaveProperty([EXCLUDE_FROM_LATEST]);
  const { lastApplied, overriddenRule } = today("demoted-by-hand");
  expect(lastApplied).not.toHaveProperty([EXCLUDE_FROM_LATEST]);
  expect(overriddenRule).toEqual({ when: "allRegionsReady" });
});

const onlyRequest = (record: ImageVersionRecord) => {
  const all = Object.values(record.requests);
  return all.length === 1 && all[0] !== undefined
    ? all[0]
    : expect.fail(`${all.length} requests`);
};

test.each([
  ["accepted", undefined],
  ["creating", true],
  ["replicating", true],
  ["updating", undefined],
])("whether the create request of %s may be under way: %s", (name, created) => {
  expect(onlyRequest(today(name)).created).toBe(created);
});

test.each(["begun", "accepted"])(
  "a creation of which 0.1.0 had noted that it is %s may be under way",
  (noted) => {
    const { record } = left("accepted");
    const value = noted === "begun" ? record["request"] : true;
    const migratedRecord = migrated(
      { ...record, [noted]: value },
      "CreateImageVersion",
    );
    expect(onlyRequest(migratedRecord).created).toBe(true);
    const update = migrated(
      { ...record, [noted]: value },
      "UpdateImageVersion",
    );
    expect(onlyRequest(update)).not.toHaveProperty("created");
  },
);

test.each([
  ["accepted", true],
  ["updating", undefined],
])("whether %s adopts only what is as asked: %s", (name, adopts) => {
  expect(onlyRequest(today(name)).adoptsOnlyAsShown).toBe(adopts);
  expect(onlyRequest(today(name)).creates).toBe(true);
});

test.each([
  ["accepted", false, false],
  ["replicating", true, false],
  ["succeeded", true, false],
  ["deleted", false, false],
  ["replicating-removal", true, true],
])(
  "%s exists: %s, and may have regions removed: %s",
  (name, exists, opened) => {
    expect(today(name)).toMatchObject({ exists, opened });
  },
);

test("a version that was made and then deleted does not exist", () => {
  const { record, operation } = left("succeeded");
  const deleted = migrated({ ...record, state: "Deleted" }, operation.kind);
  expect(deleted.exists).toBe(false);
});

test("what was to be sent alone is sent alone, and nothing else", () => {
  const { record, operation } = left("fellows-and-waiting");
  const aloneOf = (more: object, kind = operation.kind) => {
    const { requests, queued } = migrated({ ...record, ...more }, kind);
    return [
      Object.values(requests)[0]?.alone,
      ...queued.map(({ request }) => request.alone),
    ];
  };
  const waiting = (record["waiting"] as object[]).map((one) => ({
    ...one,
    alone: true,
  }));
  expect(aloneOf({})).toEqual([undefined, undefined]);
  expect(aloneOf({ alone: true, waiting })).toEqual([true, true]);
});

test("what was begun to be sent is what was sent last", () => {
  const { record, operation } = left("accepted");
  const { lastAttempt } = migrated(
    { ...record, begun: record["request"] },
    operation.kind,
  );
  expect(lastAttempt).toMatchObject({
    outcome: "unknown",
    changes: { [`${regionField("westus")}/name`]: "westus" },
  });
});

test("a region that is away keeps the number of its repairs, and no field of another region", () => {
  const { record, operation } = left("repairing");
  const { repairs } = migrated(
    { ...record, repairs: { eastus2: { attempts: 2 } } },
    operation.kind,
  );
  const { attempts, removed } = repairs["eastus2"] ?? {};
  expect(attempts).toBe(2);
  expect(
    Object.keys(removed ?? {}).filter(
      (field) => !field.startsWith(`${regionField("eastus2")}/`),
    ),
  ).toEqual([]);
});

test("the body of a request under a promotion rule keeps its source", () => {
  const { body } = onlyRequest(today("promotion-pending"));
  expect(body?.properties.storageProfile).toBeDefined();
  expect(body?.properties.publishingProfile?.targetRegions).toBeDefined();
});

describe("by hand", () => {
  const { record } = left("replicating-after-update");

  test.each([
    ["DemoteImageVersion", true],
    ["PromoteImageVersion", false],
  ] as const)("%s asks for exclusion from latest: %s", (kind, excluded) => {
    const request = structuredClone(record["request"]) as {
      properties: { publishingProfile: Record<string, unknown> };
    };
    request.properties.publishingProfile["excludeFromLatest"] = excluded;
    const { requests } = migrated({ ...record, request }, kind);
    expect(Object.values(requests)).toEqual([
      {
        changes: { [EXCLUDE_FROM_LATEST]: excluded },
        repeats: {},
        byHand: true,
      },
    ]);
  });

  test.each([
    ["UpdateImageVersion", "Succeeded", true],
    ["UpdateImageVersion", "Failed", false],
    ["PromoteImageVersion", "Succeeded", false],
    ["DemoteImageVersion", "Succeeded", false],
  ] as const)(
    "what %s asked and %s is applied: %s",
    (kind, state, isApplied) => {
      const base = record["request"] as ImageVersionRequest;
      const request = { ...base, tags: { own: "1" } };
      const { lastApplied } = migrated(
        { ...record, state, made: true, request, base },
        kind,
      );
      expect(lastApplied?.["/tags/own"]).toBe(isApplied ? "1" : undefined);
    },
  );

  test("a deletion and a retry ask for nothing of the version itself", () => {
    for (const kind of ["DeleteImageVersion", "RetryImageVersion"] as const) {
      const [request] = Object.values(migrated(record, kind).requests);
      expect(request).toMatchObject({ changes: {}, repeats: {}, byHand: true });
    }
  });
});
