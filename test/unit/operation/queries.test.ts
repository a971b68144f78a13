import { describe, expect, it } from "vitest";
import { KINDS } from "../../../src/kinds.js";
import { OPEN_SCOPE, operationScope } from "../../../src/operation/catalog.js";
import { forgedToken, getOperation, listOperations } from "../../../src/operation/queries.js";
import { createMemoryIndex } from "../../support/fakes/listing-index.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { viewOperation } from "../../support/views.js";
import { responseMistakes } from "../http/contract/document.js";
import { naming } from "../../support/naming.js";

const ID = "0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1";
const call = { time: "2026-01-01T00:00:00Z", method: "GET", path: "/x" };
const running: OperationRecord = {
  id: ID,
  kind: "CreateImageVersion",
  status: "Running",
  resourceId: "/subscriptions/s",
  fingerprint: "f",
  createdTime: "2026-01-01T00:00:00Z",
  lastUpdatedTime: "2026-01-01T00:00:00Z",
  requestedBy: {},
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  regions: [{ name: "westus", state: "Replicating", progress: 40, attempts: 1 }],
  calls: [call],
  omittedReads: 3,
  history: [],
};
const ended: OperationRecord = {
  ...running,
  status: "Succeeded",
  endTime: "2026-01-01T00:30:00Z",
};
/** Regions that replicate, and are expected to end then; one more that is done. */
function withEnds(...ends: (string | undefined)[]): OperationRecord {
  return {
    ...running,
    regions: [
      ...ends.map((expectedEndTime, i) => ({
        name: ["westus", "eastus"][i] ?? "",
        state: "Replicating" as const,
        progress: 40,
        attempts: 1,
        ...(expectedEndTime !== undefined && { expectedEndTime }),
      })),
      ...(ends.length > 1
        ? [
            {
              name: "eastus2",
              state: "Completed" as const,
              progress: 100,
              attempts: 1,
            },
          ]
        : []),
    ],
  };
}

describe("an operation that is not there", () => {
  const messageOf = (id: string, record?: object) =>
    getOperation(
      {
        store: {
          readOperation: () => Promise.resolve(undefined),
          read: () => Promise.resolve(record && { record }),
        } as never,
      },
      id,
    ).then(
      () => "found",
      (error: unknown) => (error as Error).message,
    );
  const key = ID.slice(0, -2);
  const createdTime = "2026-01-01T00:00:09Z";
  const record = {
    key,
    sequence: 3,
    lastSequence: 4,
    resourceId: "/a",
    createdTime,
  };

  it("is said to have ended where its number was given", async () => {
    const { lastSequence: _, ...current } = record;
    for (const [number, one] of [
      [1, record],
      [4, record],
      [3, current],
    ] as const)
      expect(await messageOf(`${key}-${number}`, one)).toEqual(
        naming([`${key}-${number}`, `${key}-3`]),
      );
  });

  it("is none where its number was not given, or nothing is known of its resource", async () => {
    for (const [id, one] of [
      [`${key}-5`, record],
      // Of tables that are lost: the record begins after it.
      [`${key}-9`, { ...record, sequence: 11, lastSequence: 11 }],
      [ID, undefined],
      ["x", record],
    ] as const)
      expect(await messageOf(id, one)).toEqual(naming([id]));
  });
});

describe("viewOperation", () => {
  const FIRST = "2026-01-01T00:40:00Z";
  const LAST = "2026-01-01T00:50:00Z";

  it("shows the last expected end, where that of each region is known", () => {
    const shown = viewOperation(withEnds(LAST, FIRST));
    expect(shown.expectedEndTime).toBe(LAST);
    expect(shown.regions.map(({ expectedEndTime }) => expectedEndTime)).toEqual([
      LAST,
      FIRST,
      undefined,
    ]);
    expect(responseMistakes("getOperation", 200, "application/json", shown)).toEqual([]);
    expect(viewOperation(withEnds(LAST, undefined))).not.toHaveProperty("expectedEndTime");
  });

  it("expects no end of what has ended", () => {
    const over = viewOperation({
      ...withEnds(LAST, FIRST),
      status: "Canceled",
      endTime: FIRST,
    });
    expect(JSON.stringify(over)).not.toContain("expectedEndTime");
  });

  it("shows calls to whoever asks for them alone", () => {
    expect(viewOperation(running)).not.toHaveProperty("calls");
    expect(viewOperation(running)).not.toHaveProperty("omittedReads");
    const expanded = viewOperation(running, "calls");
    expect(expanded).toMatchObject({ calls: [call], omittedReads: 3 });
    expect(responseMistakes("getOperation", 200, "application/json", expanded)).toEqual([]);
  });

  it("shows no calls where none were made", () => {
    const { calls: _, omittedReads: __, ...none } = running;
    expect(viewOperation(none, "calls")).toMatchObject({ calls: [] });
    expect(viewOperation(none, "calls")).not.toHaveProperty("omittedReads");
  });

  it.each([
    ["NotStarted", 0],
    ["Running", 40],
    ["Failed", 40],
    ["Succeeded", 100],
  ] as const)("of an operation that is %s is %i percent complete", (status, percentComplete) => {
    expect(viewOperation({ ...running, status })).toMatchObject({
      percentComplete,
    });
  });
});

describe("a page of operations", () => {
  const [region] = running.regions as [OperationRecord["regions"][number]];
  const inRegion = (id: string, seen: Partial<typeof region>): OperationRecord => ({
    ...running,
    id,
    regions: [{ ...region, ...seen }],
  });
  const byId = new Map<string, OperationRecord>([
    ["a", { ...running, id: "a" }],
    ["b", { ...ended, id: "b" }],
    ["waits", { ...running, id: "waits", status: "NotStarted", stalled: true }],
    ["failed region", inRegion("failed region", { state: "Failed" })],
    ["stalled region", inRegion("stalled region", { stalledTime: "2026-01-01T00:00:00Z" })],
    ["ended", { ...ended, id: "ended", stalled: true }],
    [
      "elsewhere",
      {
        ...running,
        id: "elsewhere",
        resourceId: "/subscriptions/other",
        stalled: true,
      },
    ],
  ]);
  const listed = async (
    filter: Parameters<typeof operationScope>[0],
    more: { readonly continuationToken?: string } = {},
    scope = operationScope(filter),
    targets: Iterable<string> = ["a", "b", "gone"],
  ) => {
    const index = createMemoryIndex(() => new Date("2026-01-01T00:00:00Z"), 100);
    await index.put(
      [...targets].map((target) => ({
        scope,
        row: target,
        target,
      })),
    );
    const asked: unknown[] = [];
    const page = await listOperations(
      {
        store: {
          readOperation: (id: string) =>
            Promise.resolve(byId.has(id) ? { operation: byId.get(id) } : undefined),
        } as never,
        index: {
          ...index,
          page: async (...args) => {
            asked.push(args);
            return { ...(await index.page(args[0], args[1])), ...more };
          },
        },
        kinds: KINDS,
        now: () => new Date("2026-01-01T00:00:00Z"),
      },
      filter,
      50,
      "from",
    );
    return { page, asked };
  };

  it("has those that are stored, in the order of the listing", async () => {
    const { page, asked } = await listed({});
    expect(page.value.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(page).not.toHaveProperty("continuationToken");
    expect(asked).toEqual([[operationScope({}), 50, "from"]]);
  });

  it("has none that has another status by now", async () => {
    const { page } = await listed({ status: "Succeeded" }, { continuationToken: "next" });
    expect(page.value.map(({ id }) => id)).toEqual(["b"]);
    expect(page.continuationToken).toBe("next");
  });

  it.each([
    [{}, ["elsewhere", "failed region", "stalled region", "waits"]],
    [{ status: "Running" }, ["elsewhere", "failed region", "stalled region"]],
    [{ subscriptionId: "other" }, ["elsewhere"]],
  ] as const)(
    "has of those that need attention, and meet %j, what has not ended and waits too long, or has a region that failed or stalled",
    async (filter, expected) => {
      const { page, asked } = await listed(
        { ...filter, needsAttention: true },
        {},
        OPEN_SCOPE,
        byId.keys(),
      );
      expect(page.value.map(({ id }) => id)).toEqual(expected);
      expect(asked).toEqual([[OPEN_SCOPE, 50, "from"]]);
    },
  );
});

describe("an operation as the API shows it", () => {
  const entry = {
    time: "2026-01-01T00:00:00Z",
    state: "Accepted",
    message: "It is stored.",
  };
  const warning = { code: "W", pointer: "/x", message: "Mind." };

  it("has its history, warnings and registrations", () => {
    const registrations = [
      { name: "Microsoft.Compute", state: "Registered" },
      { name: "Microsoft.Compute/X", state: "Registering" },
    ];
    const shown = viewOperation({
      ...running,
      regions: [],
      history: [entry],
      warnings: [warning],
      kind: "PrepareSubscription",
      detail: registrations,
    });
    expect(shown).toMatchObject({
      history: [entry],
      warnings: [warning],
      registrations,
      percentComplete: 50,
    });
    const plain = viewOperation(running);
    for (const name of ["warnings", "registrations", "rollback", "error"])
      expect(plain).not.toHaveProperty(name);
  });

  it("has what a rollback changes", () => {
    const rollback = { from: "1.0.1", to: "1.0.0", regions: [] };
    expect(viewOperation({ ...running, kind: "RollBackImage", detail: rollback }).rollback).toEqual(
      rollback,
    );
  });

  it("says how many calls are left out to whoever asks for calls", () => {
    const many = { ...running, omittedWrites: 2 };
    expect(viewOperation(many, "calls")).toMatchObject({
      calls: [call],
      omittedReads: 3,
      omittedWrites: 2,
    });
    expect(viewOperation(many)).not.toHaveProperty("omittedWrites");
    expect(viewOperation(running, "calls")).not.toHaveProperty("omittedWrites");
  });
});

it("a continuation token that no page has given is refused, and says what would be right", () => {
  const cause = new Error("It is no token.");
  const error = forgedToken(cause);
  expect(error).toMatchObject({
    code: "InvalidRequest",
    message: expect.stringMatching(/./u) as unknown,
    cause,
    findings: [
      {
        code: "InvalidFormat",
        pointer: "/query/continuationToken",
        message: naming(["nextLink", "continuationToken"]),
      },
    ],
  });
});
