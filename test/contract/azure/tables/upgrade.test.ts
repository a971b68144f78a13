/** What 0.2.0 has stored (schema 4): read, shown and brought to its end; stored as this release stores it by the next commit. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createStateStore } from "../../../../src/azure/tables/state-store.js";
import { deleteImageVersion } from "../../../../src/image-version/commands/delete.js";
import { restoreImageVersion } from "../../../../src/image-version/commands/restore.js";
import {
  mapped,
  type Ending,
  type ImageVersionRecord,
  type VersionRequest,
} from "../../../../src/image-version/state/record.js";
import { KINDS } from "../../../../src/kinds.js";
import { cancelOperation } from "../../../../src/operation/canceling.js";
import {
  SCHEMA,
  type OperationRecord,
  type RegionRecord,
  type TrackedRecord,
} from "../../../../src/operation/records.js";
import { idOf, request } from "../../../support/dependencies.js";
import { startOnLoopback, type OnLoopback } from "../../../support/on-loopback.js";
import { newKey, operationOf, versionOf } from "../../../support/port-suites/records.js";
import { managedImageRequest, seedVersionId } from "../../../support/requests.js";
import { viewOperation } from "../../../support/views.js";
import { enableSoftDelete } from "../../../support/soft-delete.js";
import { BY } from "../../image-version/truth/support.js";

let world: OnLoopback;
beforeAll(async () => {
  world = await startOnLoopback({ replicationMs: 60_000, pace: { repairDelayMs: 1_000 } });
  await enableSoftDelete(world);
});
afterAll(() => world.close());

/** The version's record as 0.2.0 would have stored it. */
async function storedBefore(versionId: string) {
  const stored = await world.read(versionId);
  const { record, operation } = stored;
  const requests = mapped(
    record.requests,
    ({ regions: _, restores: __, ending, ...rest }): VersionRequest & { decided?: Ending } => ({
      ...rest,
      ...(ending && { decided: ending }),
    }),
  );
  const { waitsEventId: told, ...rollout } = record.rollout ?? {};
  const before = {
    ...record,
    schema: 4,
    requests,
    ...(record.rollout && { rollout: { ...rollout, told } }),
    regions: record.regions.map(before020),
    members: record.members.map((one) => ({ ...one, regions: one.regions.map(before020) })),
  };
  const { regions } = operation;
  await world.deps.store.commit(before, { ...operation, regions: regions.map(before020) }, stored);
  return record;
}

const before020 = ({ unconfirmed: doubt, published: told, ...region }: RegionRecord) => ({
  ...region,
  ...(doubt && { doubt }),
  ...(told && { told }),
});

test("a creation and an update beside it: the requests say again which regions they are about", async () => {
  const id = seedVersionId("4.0.0");
  await request(world.deps, id, managedImageRequest());
  const more = managedImageRequest();
  await request(world.deps, id, { ...more, tags: { build: "2" } });
  const before = await storedBefore(id);
  expect(Object.values(before.requests).map(({ regions }) => regions)).toContainEqual([
    "westus",
    "eastus2",
  ]);
  const { record } = await world.read(id);
  expect(record).toEqual(before);
  await expect(world.deps.store.readRecord(record.key)).resolves.toEqual(before);
});

test("a region that fails meanwhile is repaired for the operation that has asked for it", async () => {
  const id = seedVersionId("4.0.1");
  await request(world.deps, id, managedImageRequest());
  await world.runDue();
  await world.simulator.control.failRegion({ versionId: id, region: "eastus2" });
  await storedBefore(id);
  const { regions, status } = await world.finish(id);
  expect(status).toBe("Succeeded");
  expect(regions).toMatchObject([{ name: "westus" }, { name: "eastus2", attempts: 2 }]);
});

test("an open restore is carried out, and ends with its regions", async () => {
  const id = seedVersionId("4.0.2");
  await request(world.deps, id, managedImageRequest());
  await world.finish(id);
  await deleteImageVersion(world.deps, { id: idOf(id), ...BY });
  await world.finish(id);
  world.clock.advance(600_000);
  await restoreImageVersion(world.deps, { id: idOf(id), ...BY });
  const before = await storedBefore(id);
  expect(before.state).toBe("RestoreRequested");
  expect((await world.read(id)).record).toEqual(before);
  const { kind, status, regions } = await world.finish(id);
  expect({ kind, status }).toEqual({ kind: "RestoreImageVersion", status: "Succeeded" });
  expect(regions.map(({ name }) => name)).toEqual(["westus", "eastus2"]);
  expect((await world.read(id)).record.schema).toBe(SCHEMA);
});

test("a creation that is being canceled ends Canceled", async () => {
  const id = seedVersionId("4.0.3");
  const { id: operationId } = await request(world.deps, id, managedImageRequest());
  await world.runDue();
  await cancelOperation(world.deps, operationId, BY.requestedBy);
  const before = await storedBefore(id);
  expect(before.requests[operationId]?.ending).toMatchObject({ kind: "canceled" });
  expect((await world.read(id)).record).toEqual(before);
  expect((await world.finish(id)).status).toBe("Canceled");
});

test("what a look showed once, the progress told, and what a rollout waits for keep their values", async () => {
  const id = seedVersionId("4.0.4");
  await request(world.deps, id, managedImageRequest());
  const stored = await world.read(id);
  const since = stored.record.createdTime;
  const withBoth = (region: RegionRecord): RegionRecord => ({
    ...region,
    unconfirmed: { state: "Failed", since },
    published: { progress: 25, time: since },
  });
  await world.deps.store.commit(
    {
      ...stored.record,
      rollout: { waitsEventId: "e" },
      regions: stored.operation.regions.map(withBoth),
    },
    { ...stored.operation, regions: stored.operation.regions.map(withBoth) },
    stored,
  );
  const { operation } = await world.read(id);
  const before = await storedBefore(id);
  expect(before.regions).toHaveLength(2);
  const read = await world.read(id);
  expect(read.record).toEqual(before);
  expect(read.operation.regions).toEqual(operation.regions);
});

describe("a record that has changed in nothing", () => {
  const store = () => createStateStore<TrackedRecord>(world.tables, KINDS);

  test.each(["RevokeImageVersion", "TestImageVersion", "PrepareSubscription", "RollBackImage"])(
    "of %s is as it was, with all that it has",
    async (kind) => {
      const version = versionOf(newKey(), { schema: 4 });
      const record = { ...version, revocation: { reason: "CVE" }, requests: undefined };
      const operation = operationOf(version, { kind, status: "Succeeded" });
      await store().commit(record, operation, undefined);
      await expect(store().read(version.key)).resolves.toMatchObject({
        record: { schema: SCHEMA, revocation: { reason: "CVE" } },
        operation,
      });
      await expect(store().readOperation(operation.id)).resolves.toMatchObject({ operation });
    },
  );
});

/** What only its kind knew stood in a member of its own, also in operations that are never written again. */
describe("an operation of 0.2.0 shows what it has done", () => {
  const store = () => createStateStore<TrackedRecord>(world.tables, KINDS);

  test.each([
    ["RollBackImage", "rollback", { from: "1.0.1", to: "1.0.0", regions: [] }],
    ["DeleteImageVersion", "softDelete", { isSoftDeleteEnabled: true }],
    ["PrepareSubscription", "registrations", [{ name: "Microsoft.Compute", state: "Registered" }]],
    ["TestImageVersion", "tests", [{ name: "westus", attempts: 1 }]],
  ])("%s: its %s", async (kind, member, detail) => {
    const operation = (version: ImageVersionRecord, status: OperationRecord["status"]) => ({
      ...operationOf(version, { kind, status }),
      [member]: detail,
    });
    const version = versionOf(newKey(), { schema: 4 });
    const former = operation(version, "Succeeded");
    const first = await store().commit(version, former, undefined);
    const running = operation(versionOf(version.key, { sequence: 2 }), "Running");
    const next = versionOf(version.key, { schema: 4, sequence: 3, members: [running] });
    await store().commit(next, operation(next, "Running"), first);

    const read = await store().read(version.key);
    const again = await store().readOperation(former.id);
    const all = [read?.operation, ...(read?.record.members ?? []), again?.operation];
    for (const one of all) {
      expect(one).toMatchObject({ kind, detail });
      expect(one).not.toHaveProperty(member);
    }
    expect(viewOperation(again?.operation ?? expect.fail("it is gone"))).toMatchObject({
      [member]: detail,
    });
    expect(all).toHaveLength(3);
  });
});
