import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { createLog, withLog } from "../../../src/telemetry/log.js";
import { observePorts } from "../../../src/telemetry/observed-ports.js";
import type { TrackedRecord } from "../../../src/operation/records.js";
import type { Stored } from "../../../src/operation/ports.js";
import { startInMemoryTelemetry, type InMemoryTelemetry } from "../../support/telemetry.js";

const SUBJECT = "/subscriptions/s/resourceGroups/g";
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

let telemetry: InMemoryTelemetry;
beforeEach(async () => {
  await telemetry?.stop();
  telemetry = startInMemoryTelemetry();
});
afterAll(() => telemetry.stop());

function eventOf(type: string, data: Readonly<Record<string, unknown>>): CloudEvent {
  return {
    specversion: "1.0",
    id: "op-1/fact",
    source: "urn:sigil:test",
    type,
    subject: SUBJECT,
    time: "2026-01-01T01:00:00.000Z",
    datacontenttype: "application/json",
    traceparent: TRACEPARENT,
    data: { operationId: "op-1", ...data },
  };
}

/** The observed ports of a store that has `stored`, and of a publisher that fails as told. */
function ports(stored?: Partial<Stored<TrackedRecord>>, failure?: Error) {
  const published: CloudEvent[] = [];
  return {
    published,
    ...observePorts<TrackedRecord>(
      {
        store: {
          read: () => Promise.resolve(stored as Stored<TrackedRecord>),
          readRecord: () => Promise.resolve(undefined),
          readOperation: () => Promise.resolve(undefined),
          commit: (_record, _operation, etag) =>
            etag === undefined
              ? Promise.reject(new Error("conflict"))
              : Promise.resolve(stored as Stored<TrackedRecord>),
          forget: () => Promise.resolve(),
        },
        events: {
          publish(events) {
            if (failure !== undefined) return Promise.reject(failure);
            published.push(...events);
            return Promise.resolve();
          },
        },
      },
      telemetry.metrics,
    ),
  };
}

const points = async (name: string) => (await telemetry.measured(name))?.points;

describe("an event that is published", () => {
  test.each([
    [
      "Sigil.ImageVersion.Accepted",
      { kind: "UpdateImageVersion" },
      "sigil.operation.accepted",
      { "sigil.operation.kind": "UpdateImageVersion" },
    ],
    [
      "Sigil.Subscription.PreparationRequested",
      {},
      "sigil.operation.accepted",
      { "sigil.operation.kind": "PrepareSubscription" },
    ],
    [
      "Sigil.ImageVersion.Rejected",
      { error: { code: "InvalidRequest" } },
      "sigil.request.rejected",
      { "error.type": "InvalidRequest", "sigil.door": "servicebus" },
    ],
    [
      "Sigil.ImageVersion.Failed",
      { error: { code: "PreflightFailed" } },
      "sigil.operation.failed",
      { "error.type": "PreflightFailed" },
    ],
    [
      "Sigil.Image.RollbackAccepted",
      {},
      "sigil.operation.accepted",
      { "sigil.operation.kind": "RollBackImage" },
    ],
    [
      "Sigil.Image.RollbackFailed",
      { error: { code: "RollbackStopped" } },
      "sigil.operation.failed",
      { "error.type": "RollbackStopped" },
    ],
    [
      "Sigil.Subscription.PreparationFailed",
      { error: { code: "PoisonMessage" } },
      "sigil.operation.failed",
      { "error.type": "PoisonMessage" },
    ],
    [
      "Sigil.ImageVersion.RegionFailed",
      { region: "westus" },
      "sigil.region.failed",
      { "cloud.region": "westus" },
    ],
    [
      "Sigil.ImageVersion.RegionCompleted",
      { region: "westus" },
      "sigil.region.ready",
      { "cloud.region": "westus" },
    ],
  ])("%s with %j is counted", async (type, data, metric, attributes) => {
    await ports().events.publish([eventOf(type, data)]);
    expect(await points(metric)).toEqual([{ attributes, value: 1 }]);
  });

  test("is counted as often as it is published, and not where that fails", async () => {
    const event = eventOf("Sigil.ImageVersion.RegionFailed", { region: "a" });
    await ports().events.publish([event]);
    await ports().events.publish([event]);
    const failure = new Error("unavailable");
    await expect(ports(undefined, failure).events.publish([event])).rejects.toBe(failure);
    expect(await points("sigil.region.failed")).toMatchObject([{ value: 2 }]);
    expect(await points("sigil.event.unpublished")).toEqual([{ attributes: {}, value: 1 }]);
  });

  test("of a region that is ready tells the time since its own operation began", async () => {
    const mine = eventOf("Sigil.ImageVersion.RegionCompleted", { region: "a" });
    const members = eventOf("Sigil.ImageVersion.RegionCompleted", {
      region: "b",
      operationId: "op-2",
    });
    const unknown = eventOf("Sigil.ImageVersion.RegionCompleted", {
      region: "c",
    });
    const startedAt = (id: string, startedTime: string) => ({
      id,
      resourceId: SUBJECT,
      startedTime,
    });
    const { store, events } = ports({
      operation: startedAt("op-1", "2026-01-01T00:00:00.000Z"),
      record: {
        members: [startedAt("op-2", "2026-01-01T00:30:00.000Z")],
        outbox: [
          { kind: "event", event: mine },
          { kind: "event", event: members },
        ],
      },
    } as unknown as Stored<TrackedRecord>);
    await store.read("key");
    await events.publish([mine, members, unknown]);
    expect(await points("sigil.region.replication.duration")).toMatchObject([
      { attributes: { "cloud.region": "a" }, value: { sum: 3_600 } },
      { attributes: { "cloud.region": "b" }, value: { sum: 1_800 } },
    ]);
    expect(await points("sigil.region.ready")).toHaveLength(3);
  });

  test("is a line of the invocation's log, but for mere progress", async () => {
    const lines: unknown[] = [];
    const write = (line: string): void => void lines.push(JSON.parse(line));
    const log = createLog({ info: write, warn: write, error: write }, {});
    await withLog(log, () =>
      ports().events.publish([
        eventOf("Sigil.ImageVersion.RegionReplicating", { region: "westus" }),
        eventOf("Sigil.ImageVersion.RegionFailed", { region: "westus" }),
      ]),
    );
    expect(lines).toEqual([
      {
        message: "Sigil.ImageVersion.RegionFailed",
        operationId: "op-1",
        resourceId: SUBJECT,
        region: "westus",
        traceparent: TRACEPARENT,
      },
    ]);
  });

  test("names in its line the codes of what it failed for, and of what its operation was warned of", async () => {
    const lines: unknown[] = [];
    const write = (line: string): void => void lines.push(JSON.parse(line));
    const log = createLog({ info: write, warn: write, error: write }, {});
    const event = eventOf("Sigil.ImageVersion.Failed", {
      error: {
        code: "PreflightFailed",
        errors: [{ code: "A" }, { code: "A" }],
      },
    });
    const { store, events } = ports({
      operation: { id: "op-1", resourceId: SUBJECT, warnings: [{ code: "B" }] },
      record: { members: [], outbox: [{ kind: "event", event }] },
    } as unknown as Stored<TrackedRecord>);
    await store.read("key");
    await withLog(log, () => events.publish([event]));
    expect(lines).toMatchObject([{ code: "PreflightFailed", findings: "A B" }]);
  });
});

test("a store's answers and errors pass as they are", async () => {
  const stored = {
    operation: { id: "op-1", resourceId: SUBJECT },
    record: { members: [], outbox: [] },
  } as unknown as Stored<TrackedRecord>;
  const { store } = ports(stored);
  expect(await store.read("key")).toBe(stored);
  const { record, operation } = stored;
  expect(await store.commit(record, operation, stored)).toBe(stored);
  await expect(store.commit(record, operation, undefined)).rejects.toThrow("conflict");
  expect(await ports().store.read("key")).toBeUndefined();
});

describe("metrics that are told directly", () => {
  test("a refused HTTP request is counted by its code", async () => {
    telemetry.metrics.rejected("InvalidRequest", "http");
    expect(await telemetry.measured("sigil.request.rejected")).toEqual({
      unit: "{request}",
      points: [
        {
          attributes: { "error.type": "InvalidRequest", "sigil.door": "http" },
          value: 1,
        },
      ],
    });
  });

  test("the age of the oldest open operation is its latest value", async () => {
    telemetry.metrics.oldestOpen(90);
    telemetry.metrics.oldestOpen(0);
    expect(await telemetry.measured("sigil.operation.oldest.age")).toEqual({
      unit: "s",
      points: [{ attributes: {}, value: 0 }],
    });
  });

  test("what ARM allows is told by limit and subscription", async () => {
    const quota = { limit: "subscription-reads", subscriptionId: "s" };
    telemetry.metrics.armQuota({ ...quota, remaining: 249 });
    telemetry.metrics.armQuota({ ...quota, remaining: 248 });
    expect(await telemetry.measured("sigil.arm.quota.remaining")).toEqual({
      unit: "{request}",
      points: [
        {
          attributes: {
            "sigil.arm.limit": "subscription-reads",
            "cloud.account.id": "s",
          },
          value: 248,
        },
      ],
    });
  });
});
