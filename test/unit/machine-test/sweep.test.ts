import { describe, expect, test } from "vitest";
import {
  DEADLINE_TAG,
  diskId,
  groupId,
  machineId,
  machineName,
  OPERATION_TAG,
} from "../../../src/machine-test/machine.js";
import type { MachinePart, MachineParts } from "../../../src/machine-test/ports.js";
import type { RegionTestRecord } from "../../../src/operation/records.js";
import { judge, sweepTestMachines } from "../../../src/machine-test/sweep.js";
import { GROUP_SCOPE } from "../../../src/machine-test/transitions.js";
import { ServiceError } from "../../../src/errors.js";
import { createMemoryIndex } from "../../support/fakes/listing-index.js";
import { createMemoryTopic } from "../../support/fakes/service-bus.js";
import { TRACEPARENT } from "../../support/dependencies.js";
import { documented } from "../events/document.js";

const NOW = Date.UTC(2026, 0, 1);
const OPERATION = "0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1";
const GROUP = {
  subscriptionId: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
  resourceGroupName: "ImageTests",
};
const NAME = { ...GROUP, name: machineName(OPERATION, "westus", 2) };
const OVER = new Date(NOW - 3_600_000).toISOString();

const part = (id: string, change: Partial<MachinePart> = {}): MachinePart => ({
  id,
  region: "westus",
  tags: { [OPERATION_TAG]: OPERATION, [DEADLINE_TAG]: OVER },
  ...change,
});
const MACHINE = part(machineId(NAME));
const NIC = `${groupId(GROUP)}/providers/Microsoft.Network/networkInterfaces/${NAME.name}-nic-0a1b2c3d`;

describe("deleted is only what agrees in resource group, name, tag and deadline", () => {
  test.each([MACHINE.id, diskId(NAME, undefined), diskId(NAME, 0), NIC, NIC.slice(0, -9)])(
    "%s",
    (id) => {
      expect(judge(part(id), GROUP, NOW)).toMatchObject({ kind: "leftover" });
    },
  );

  test("not what is not over", () => {
    expect(judge(MACHINE, GROUP, NOW - 3_600_001)).toBeUndefined();
  });

  test("not what another machine has: it is told", () => {
    const attachedTo = machineId({ ...GROUP, name: "database" });
    expect(judge(part(diskId(NAME, undefined), { attachedTo }), GROUP, NOW)).toEqual({
      kind: "stranger",
      reason: `It is attached to ${attachedTo}.`,
    });
  });

  describe("before its deadline", () => {
    const before = NOW - 7_200_000;
    const ended = (ms: number, deadline = OVER, name = "westus") => ({
      endTime: new Date(ms).toISOString(),
      tests: [{ name, deadline } as RegionTestRecord],
    });
    test("where the operation that gave it has ended", () => {
      expect(judge(MACHINE, GROUP, before, ended(before + 1))).toBeUndefined();
      expect(judge(MACHINE, GROUP, before, ended(before))).toMatchObject({
        kind: "leftover",
      });
    });
    test("not where that one gave another: it is of another deployment", () => {
      const other = new Date(NOW - 3_600_001).toISOString();
      expect(judge(MACHINE, GROUP, before, ended(before, other))).toBeUndefined();
      expect(judge(MACHINE, GROUP, before, ended(before, OVER, "eastus2"))).toBeUndefined();
    });
  });

  test("not what somebody has moved there from another resource group: it is told", () => {
    const made = machineId({ ...NAME, resourceGroupName: "OtherTests" });
    expect(
      judge(MACHINE, GROUP, NOW, {
        tests: [{ name: "westus", machineId: made } as RegionTestRecord],
      }),
    ).toEqual({
      kind: "stranger",
      reason: expect.stringMatching(/./u) as unknown,
    });
    expect(
      judge(MACHINE, GROUP, NOW, {
        tests: [{ name: "westus", machineId: MACHINE.id } as RegionTestRecord],
      }),
    ).toMatchObject({ kind: "leftover" });
  });

  test.each([
    ["another resource group", part(machineId({ ...NAME, resourceGroupName: "Production" }))],
    ["another name", part(machineId({ ...NAME, name: "database" }))],
    ["a name of another region", { ...MACHINE, region: "eastus2" }],
    [
      "a name of another operation",
      {
        ...MACHINE,
        tags: { ...MACHINE.tags, [OPERATION_TAG]: `${OPERATION}0` },
      },
    ],
    ["a name with more behind it", part(`${MACHINE.id}-backup`)],
    [
      "an attempt that there never is",
      part(machineId({ ...GROUP, name: machineName(OPERATION, "westus", 99) })),
    ],
    ["a tag that is no operation", { ...MACHINE, tags: { ...MACHINE.tags, [OPERATION_TAG]: "x" } }],
    [
      "a deadline that is no time",
      { ...MACHINE, tags: { ...MACHINE.tags, [DEADLINE_TAG]: "soon" } },
    ],
    ["no deadline", { ...MACHINE, tags: { [OPERATION_TAG]: OPERATION } }],
  ])("not what has %s: it is told", (_, found) => {
    expect(judge(found, GROUP, NOW)).toMatchObject({ kind: "stranger" });
  });
});

const start = async (
  found: readonly MachinePart[],
  refuses = false,
  unreadable?: string,
  groups = [GROUP],
) => {
  const deleted: string[] = [];
  const topic = createMemoryTopic(() => NOW);
  const index = createMemoryIndex(() => new Date(NOW));
  const targets = groups.map((group) => groupId(group).toLowerCase());
  await index.put(
    targets.map((target) => ({
      scope: GROUP_SCOPE,
      row: target.replaceAll("/", "|"),
      target,
    })),
  );
  const parts: MachineParts = {
    getDisk: () => Promise.resolve(undefined),
    listTagged: (group, tag) => {
      expect(targets).toContain(groupId(group).toLowerCase());
      expect(tag).toBe(OPERATION_TAG);
      return Promise.resolve(found.map(({ id }) => id));
    },
    getPart: (id) =>
      id === unreadable
        ? Promise.reject(new ServiceError("ResourceManagerForbidden", "Not allowed."))
        : Promise.resolve(found.find((one) => one.id === id)),
    deletePart: (id) => {
      if (refuses)
        return Promise.reject(new ServiceError("ResourceManagerForbidden", "Not allowed."));
      deleted.push(id);
      return Promise.resolve();
    },
  };
  const sweep = () =>
    sweepTestMachines(
      {
        index,
        parts,
        events: topic,
        store: { readOperation: () => Promise.resolve(undefined) },
        eventSource: "urn:sigil:test",
        now: () => new Date(NOW),
      },
      TRACEPARENT,
    );
  return { sweep, deleted, events: () => topic.events.map(documented) };
};

test("a machine goes first, its disks once it is gone, and strangers stay and are told once a day", async () => {
  const stranger = part(machineId({ ...NAME, name: "database" }));
  const { sweep, deleted, events } = await start([
    MACHINE,
    part(diskId(NAME, undefined), { attachedTo: MACHINE.id.toUpperCase() }),
    part(diskId(NAME, 0)),
    stranger,
  ]);
  expect(await sweep()).toMatchObject({
    groups: 1,
    deleted: [MACHINE.id, diskId(NAME, 0)],
    left: [{ id: stranger.id }],
    errors: [],
  });
  await sweep();
  expect(deleted.filter((id) => id === MACHINE.id)).toHaveLength(2);
  const told = events();
  expect(told.every(({ type }) => type === "Sigil.ImageVersion.TestMachineLeft")).toBe(true);
  expect(new Set(told.map(({ id }) => id)).size).toBe(1);
  expect(told[0]).toMatchObject({
    subject: stranger.id,
    data: { resources: [stranger.id] },
  });
  expect(told[0]?.id.length).toBeLessThanOrEqual(128);
});

test("what is of another type is told, and what belongs to a machine goes with it", async () => {
  const address = `${groupId(GROUP)}/providers/Microsoft.Network/publicIPAddresses/mine`;
  const { sweep, deleted } = await start([part(address), part(`${MACHINE.id}/runCommands/proof`)]);
  expect((await sweep()).left).toEqual([
    {
      id: address,
      reason: expect.stringMatching(/./u) as unknown,
    },
  ]);
  expect(deleted).toEqual([]);
});

test("what cannot be deleted is told with the reason", async () => {
  const { sweep, events } = await start([MACHINE], true);
  expect(await sweep()).toMatchObject({
    deleted: [],
    left: [{ id: MACHINE.id, reason: "Not allowed." }],
  });
  expect(events()).toHaveLength(1);
});

test("what cannot be read holds up nothing else of its resource group", async () => {
  const stranger = part(machineId({ ...NAME, name: "database" }));
  const hidden = part(machineId({ ...NAME, name: "hidden" }));
  const { sweep, deleted, events } = await start([stranger, hidden, MACHINE], false, hidden.id);
  expect(await sweep()).toMatchObject({
    errors: [{ code: "ResourceManagerForbidden" }],
  });
  expect(deleted).toEqual([MACHINE.id]);
  expect(events().map(({ subject }) => subject)).toEqual([stranger.id]);
});

test("what is there long after its time, though its deletion was taken each time, is told", async () => {
  const late = new Date(NOW - 3_600_001).toISOString();
  const { sweep, deleted, events } = await start([
    part(MACHINE.id, { tags: { ...MACHINE.tags, [DEADLINE_TAG]: late } }),
    part(diskId(NAME, 0)),
  ]);
  await sweep();
  expect(deleted).toHaveLength(2);
  expect(events().map(({ subject }) => subject)).toEqual([MACHINE.id]);
});

test("every resource group is looked at, however many pages they are", async () => {
  const groups = ["A", "B", "C", "D", "E"].map((resourceGroupName) => ({
    ...GROUP,
    resourceGroupName,
  }));
  const { sweep } = await start([], false, undefined, groups);
  expect((await sweep()).groups).toBe(5);
});
