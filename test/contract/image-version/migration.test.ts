import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { retryImageVersion } from "../../../src/image-version/commands/by-hand.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import type { ImageVersionRecord } from "../../../src/image-version/state/record.js";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import { fieldsOf } from "../../../src/image-version/properties/fields.js";
import { unmetBy } from "../../../src/image-version/properties/patch.js";
import { openRow } from "../../../src/operation/catalog.js";
import type { OperationDependencies } from "../../../src/operation/ports.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import {
  SCHEMA,
  type OperationRecord,
  type OperationStatus,
  type TrackedRecord,
  type WorkMessage,
} from "../../../src/operation/records.js";
import { isFinal } from "../../../src/image-version/state/states.js";
import { canonicalRegion } from "../../../src/resource-id.js";
import {
  commandOf,
  idOf,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";

/** What release 0.1.0 has left of one version: see the README beside them. */
interface Left {
  readonly clock: string;
  readonly record: {
    readonly key: string;
    readonly resourceId: string;
    readonly state: ImageVersionRecord["state"];
    readonly request: ImageVersionRequest;
    readonly base?: ImageVersionRequest;
    readonly outbox: ImageVersionRecord["outbox"];
  };
  readonly operation: OperationRecord;
  readonly operations: readonly OperationRecord[];
  readonly messages: readonly (Omit<WorkMessage, "id" | "traceparent"> & {
    readonly messageId: string;
  })[];
  readonly azure: Shown | null;
  readonly request: ImageVersionRequest;
}

type Shown = ImageVersionRequest & {
  readonly properties: {
    readonly provisioningState: string;
    readonly replicationStatus: {
      readonly summary: readonly {
        readonly region: string;
        readonly state: "Unknown" | "Replicating" | "Completed" | "Failed";
        readonly progress: number;
      }[];
    };
  };
};

const FOLDER = new URL("../../fixtures/records-0.1.0/", import.meta.url);
const REPLICATION_MS = 300_000;
const MOST_TICKS = 600;

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: REPLICATION_MS });
});
afterAll(() => world.close());

const read = (name: string): string =>
  readFileSync(new URL(`${name}.json`, FOLDER), "utf8");

/** The same, so much later that it has been left right now. */
function left(name: string): Left {
  const { clock } = JSON.parse(read(name)) as Left;
  const laterMs = world.clock.now() - Date.parse(clock);
  return JSON.parse(read(name), (_, value: unknown) =>
    typeof value !== "string"
      ? value
      : /^\d{4}-\d\d-\d\dT[\d:.]+Z$/u.test(value)
        ? new Date(Date.parse(value) + laterMs).toISOString()
        : value,
  ) as Left;
}

/** What of a version may be sent. */
function bodyOf({ location, tags, properties }: Shown): ImageVersionRequest {
  const { publishingProfile, storageProfile, safetyProfile } = properties;
  return {
    location,
    ...(tags && { tags }),
    properties: {
      ...(publishingProfile && { publishingProfile }),
      storageProfile: { source: storageProfile.source },
      ...(safetyProfile && { safetyProfile }),
    },
  } as ImageVersionRequest;
}

/** Azure comes to show what it showed of the version. */
async function prepare(name: string): Promise<void> {
  const { azure, record, request } = left(name);
  const id = idOf(record.resourceId);
  if (azure === null) return;
  const { control } = world.simulator;
  const { resourceManager } = world.deps;
  const { provisioningState, replicationStatus } = azure.properties;
  const versionId = record.resourceId;
  const put = (body: ImageVersionRequest) =>
    resourceManager.putImageVersion(id, body);
  if (provisioningState === "Updating") {
    await put(canonicalForm(record.base ?? request));
    world.clock.advance(REPLICATION_MS * 2);
  }
  for (const { region, state } of replicationStatus.summary)
    if (state === "Failed") await control.failRegion({ versionId, region });
  await put(bodyOf(azure));
  if (["Succeeded", "Failed", "Deleting"].includes(provisioningState))
    world.clock.advance(REPLICATION_MS * 2);
  if (provisioningState === "Deleting")
    await resourceManager.deleteImageVersion(id);
  if (["Creating", "Updating"].includes(provisioningState))
    for (const { region, state, progress } of replicationStatus.summary)
      await control.setRegionState({
        versionId,
        region,
        state,
        ...(state === "Replicating" && { progress }),
      });
  const shown = await resourceManager.getImageVersion(id);
  expect(shown?.provisioningState).toBe(provisioningState);
}

/** The situation as it was left: in Azure, in the tables and in the queues. */
async function restore(name: string): Promise<Left> {
  await prepare(name);
  const it = left(name);
  const { deps } = world;
  await deps.store.commit(
    it.record as unknown as ImageVersionRecord,
    it.operation,
    undefined,
    it.operations,
  );
  await deps.index.put(
    it.operations
      .filter(({ endTime }) => endTime === undefined)
      .map(({ id }) => openRow(id)),
  );
  await deps.work.enqueue(
    it.messages.map(({ messageId, ...message }) => ({
      ...message,
      id: messageId,
      traceparent: TRACEPARENT,
    })),
  );
  world.simulator.control.clearRequests();
  return it;
}

/** Queues and reconciler do what they do, until nothing is open. */
async function goOn({ record }: Left): Promise<void> {
  const deps = world.deps as unknown as OperationDependencies<TrackedRecord>;
  for (let ticks = 0; ticks < MOST_TICKS; ticks += 1) {
    await world.runDue();
    if (ticks % 4 === 0) expect((await reconcile(deps)).errors).toEqual([]);
    const stored = await world.read(record.resourceId);
    if (isFinal(stored.record.state) && stored.record.outbox.length === 0)
      return;
    world.clock.advance(15_000);
  }
  throw new Error(`${record.resourceId} does not end`);
}

const puts = ({ record }: Left): number =>
  world.simulator.control.countRequests({
    method: "PUT",
    path: record.resourceId,
  });

async function statuses(
  it: Left,
): Promise<Record<string, OperationStatus | undefined>> {
  const all = await Promise.all(
    it.operations.map(({ id }) => world.deps.store.readOperation(id)),
  );
  return Object.fromEntries(
    it.operations.map(({ id }, i) => [id.slice(-1), all[i]?.status]),
  );
}

async function shownOf({ record }: Left) {
  const shown = await world.deps.resourceManager.getImageVersion(
    idOf(record.resourceId),
  );
  return shown ?? expect.fail("Azure has no such version");
}

function regionsOf({ properties }: ImageVersionRequest): string[] {
  return (properties.publishingProfile?.targetRegions ?? []).map(({ name }) =>
    canonicalRegion(name),
  );
}

interface Expected {
  /** By the operation's number. */
  readonly ends: Readonly<Record<string, OperationStatus>>;
  readonly regions: readonly string[];
  /** How many PUTs are still needed. */
  readonly puts: number;
}

const DONE = "Succeeded";
const TWO = ["westus", "eastus2"];
const THREE = ["westus", "eastus2", "eastus"];

const GOES_ON: Readonly<Record<string, Expected>> = {
  accepted: { ends: { 1: DONE }, regions: TWO, puts: 1 },
  "accepted-untold": { ends: { 1: DONE }, regions: TWO, puts: 1 },
  creating: { ends: { 1: DONE }, regions: TWO, puts: 1 },
  "creating-answer-lost": { ends: { 1: DONE }, regions: TWO, puts: 0 },
  replicating: { ends: { 1: DONE }, regions: THREE, puts: 0 },
  "replicating-untold": { ends: { 1: DONE }, regions: THREE, puts: 0 },
  // Excluded from latest when it was made; the rule includes it.
  "promotion-pending": { ends: { 1: DONE }, regions: TWO, puts: 1 },
  // Taken away, added back.
  "repair-due": { ends: { 1: DONE }, regions: THREE, puts: 2 },
  repairing: { ends: { 1: DONE }, regions: THREE, puts: 1 },
  updating: { ends: { 1: DONE, 2: DONE }, regions: THREE, puts: 1 },
  "updating-untold": { ends: { 1: DONE, 2: DONE }, regions: THREE, puts: 1 },
  "replicating-after-update": {
    ends: { 1: DONE, 2: DONE },
    regions: THREE,
    puts: 0,
  },
  // The permission to remove regions is taken back.
  "replicating-removal": {
    ends: { 1: DONE, 2: DONE },
    regions: ["westus", "eastus"],
    puts: 1,
  },
  fellows: { ends: { 1: DONE, 2: DONE, 3: DONE }, regions: THREE, puts: 0 },
  "fellows-and-waiting": {
    ends: { 1: DONE, 2: DONE, 3: DONE, 4: DONE },
    regions: THREE,
    puts: 1,
  },
  waiting: {
    ends: { 1: DONE, 2: DONE, 3: DONE, 4: DONE },
    regions: THREE,
    puts: 1,
  },
};

describe("what release 0.1.0 has left in flight goes on as it would have", () => {
  test.each(Object.entries(GOES_ON))("%s", async (name, expected) => {
    await world.takeEvents();
    const it = await restore(name);
    await goOn(it);
    const { record } = await world.read(it.record.resourceId);
    expect(record).toMatchObject({ schema: SCHEMA, members: [], queued: [] });
    expect(await statuses(it)).toEqual(expected.ends);
    const shown = await shownOf(it);
    expect(shown.provisioningState).toBe("Succeeded");
    expect(regionsOf(shown.resource).sort()).toEqual(
      [...expected.regions].sort(),
    );
    expect(shown.regions.map(({ state }) => state)).toEqual(
      expected.regions.map(() => "Completed"),
    );
    expect(world.simulator.control.creates(it.record.resourceId)).toBe(1);
    expect(puts(it)).toBe(expected.puts);
    const { properties } = shown.resource;
    expect(properties.publishingProfile?.excludeFromLatest).toBe(false);
    expect(
      properties.safetyProfile?.allowDeletionOfReplicatedLocations ?? false,
    ).toBe(false);
    await allIsTold(it);
  });

  test.each(["deletion-requested", "deleting"])("%s", async (name) => {
    await world.takeEvents();
    const it = await restore(name);
    await goOn(it);
    expect(await statuses(it)).toEqual({ 1: DONE, 2: DONE });
    expect((await world.read(it.record.resourceId)).record.state).toBe(
      "Deleted",
    );
    expect(
      await world.deps.resourceManager.getImageVersion(
        idOf(it.record.resourceId),
      ),
    ).toBeUndefined();
    await allIsTold(it);
  });
});

/** Each operation's end is told once, and so is all that was not told yet. */
async function allIsTold(it: Left): Promise<void> {
  const events = await world.takeEvents();
  const ids = events.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const effect of it.record.outbox)
    if (effect.kind === "event") expect(ids).toContain(effect.event.id);
  const isEnd = ({ type, data }: CloudEvent, id: string): boolean =>
    /\.(Completed|Deleted|Failed|Canceled)$/u.test(type) &&
    (data as { readonly operationId?: string }).operationId === id;
  for (const { id, endTime } of it.operations)
    if (endTime === undefined)
      expect(events.filter((event) => isEnd(event, id))).toHaveLength(1);
}

const AT_REST: readonly string[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.replace(".json", ""))
  .filter(
    (name) =>
      !(name in GOES_ON) && !["deletion-requested", "deleting"].includes(name),
  );

describe("what release 0.1.0 has ended stays as it is", () => {
  test.each(AT_REST)("%s", async (name) => {
    await world.takeEvents();
    const it = await restore(name);
    await goOn(it);
    const ended = Object.fromEntries(
      it.operations.map(({ id, status }) => [id.slice(-1), status]),
    );
    expect(await statuses(it)).toEqual(ended);
    expect((await world.read(it.record.resourceId)).record.state).toBe(
      it.record.state,
    );
    expect(puts(it)).toBe(0);
    const told = it.record.outbox.flatMap((effect) =>
      effect.kind === "event" ? [effect.event.id] : [],
    );
    expect((await world.takeEvents()).map(({ id }) => id)).toEqual(told);
  });
});

describe("what comes next on such a version", () => {
  const put = (it: Left, body = it.request, more = {}) =>
    putImageVersion(world.deps, commandOf(it.record.resourceId, body, more));
  /** The tests before have restored it. */
  const begin = left;

  test("the same PUT of one that has succeeded changes nothing", async () => {
    const it = begin("succeeded");
    expect(await put(it)).toMatchObject({ kind: "unchanged" });
  });

  test("the same PUT goes on where an update was refused", async () => {
    const it = begin("succeeded-then-update-refused");
    expect(await put(it)).toMatchObject({
      kind: "accepted",
      operation: { kind: "UpdateImageVersion", status: "NotStarted" },
    });
    const operation = await world.finish(it.record.resourceId);
    expect(operation.status).toBe(DONE);
    expect(regionsOf((await shownOf(it)).resource).sort()).toEqual(
      [...THREE].sort(),
    );
  });

  test("the same PUT of a canceled one is answered with the version once its regions are ready", async () => {
    const it = begin("canceled-while-replicating");
    expect(await put(it)).toMatchObject({
      kind: "unchanged",
      version: { look: { provisioningState: "Succeeded" } },
    });
    expect(world.simulator.control.creates(it.record.resourceId)).toBe(1);
  });

  test("the same PUT of one that failed before it was sent makes it", async () => {
    const it = begin("failed-preflight");
    const { publishingProfile, storageProfile } = it.request.properties;
    const body = {
      ...it.request,
      properties: {
        storageProfile,
        publishingProfile: {
          targetRegions: [publishingProfile?.targetRegions?.[0] as never],
        },
      },
    };
    expect(await put(it, body)).toMatchObject({
      operation: { kind: "CreateImageVersion" },
    });
    expect((await world.finish(it.record.resourceId)).status).toBe(DONE);
  });

  test("a region that has failed is repaired by hand", async () => {
    const it = begin("failed-region");
    await retryImageVersion(world.deps, {
      id: idOf(it.record.resourceId),
      requestedBy: {},
      traceparent: TRACEPARENT,
    });
    expect((await world.finish(it.record.resourceId)).status).toBe(DONE);
    expect((await shownOf(it)).regions.map(({ state }) => state)).toEqual([
      "Completed",
      "Completed",
      "Completed",
    ]);
  });

  test("a PUT with what was asked before does not undo a demotion by hand", async () => {
    const it = begin("demoted-by-hand");
    const { publishingProfile } = it.request.properties;
    // az says it in every body.
    const said = {
      ...it.request,
      tags: { again: "1" },
      properties: {
        ...it.request.properties,
        publishingProfile: { ...publishingProfile, excludeFromLatest: false },
      },
    };
    await put(it, said);
    expect((await world.finish(it.record.resourceId)).status).toBe(DONE);
    const { resource } = await shownOf(it);
    expect(resource.properties.publishingProfile?.excludeFromLatest).toBe(true);
    expect(resource.tags).toMatchObject({ again: "1" });
  });

  test("a number that was deleted is made again only where that is said", async () => {
    const it = begin("deleted");
    const body = it.record.request;
    await expect(put(it, body)).rejects.toMatchObject({
      code: "ImageVersionGone",
    });
    expect(await put(it, body, { ifNoneMatch: "*" })).toMatchObject({
      operation: { kind: "CreateImageVersion" },
    });
    expect((await world.finish(it.record.resourceId)).status).toBe(DONE);
  });

  test("one that was promoted is deleted", async () => {
    const it = begin("promoted");
    await deleteImageVersion(world.deps, {
      id: idOf(it.record.resourceId),
      requestedBy: {},
      traceparent: TRACEPARENT,
    });
    expect((await world.finish(it.record.resourceId)).status).toBe(DONE);
  });

  test("what was asked is what was applied", async () => {
    for (const name of ["succeeded", "promoted", "failed-region"]) {
      const { record } = await world.read(left(name).record.resourceId);
      if (record.observed !== undefined)
        expect(
          unmetBy(fieldsOf(record.observed.resource), record.lastApplied ?? {}),
        ).toEqual([]);
    }
  });
});
