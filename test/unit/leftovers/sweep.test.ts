import { describe, expect, test } from "vitest";
import {
  DEADLINE_TAG,
  groupId,
  OPERATION_TAG,
  type Group,
  type TaggedResource,
  type TaggedResources,
} from "../../../src/leftovers/ports.js";
import { sweepLeftovers, type Maker } from "../../../src/leftovers/sweep.js";
import { testMaker } from "../../../src/machine-test/leftovers.js";
import { diskId, machineId, machineName } from "../../../src/machine-test/machine.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import type { RegionTestRecord } from "../../../src/machine-test/region-record.js";
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

const part = (id: string, change: Partial<TaggedResource> = {}): TaggedResource => ({
  id,
  region: "westus",
  tags: { [OPERATION_TAG]: OPERATION, [DEADLINE_TAG]: OVER },
  ...change,
});
const MACHINE = part(machineId(NAME));
const NIC = `${groupId(GROUP)}/providers/Microsoft.Network/networkInterfaces/${NAME.name}-nic-0a1b2c3d`;

/** The sweep gives an operation ten minutes for its own deletions. */
const GRACE_MS = 600_000;

/** What becomes of one resource: it is deleted, told with a reason, or left alone. */
async function fateOf(
  found: TaggedResource,
  nowMs = NOW,
  operation?: Partial<OperationRecord>,
): Promise<string | undefined> {
  const { sweep } = await start([found], { nowMs: nowMs + GRACE_MS, operation });
  const { deleted, left } = await sweep();
  return deleted.length > 0 ? "deleted" : left[0]?.reason;
}

describe("deleted is only what agrees in resource group, name, tag and deadline", () => {
  test.each([MACHINE.id, diskId(NAME, undefined), diskId(NAME, 0), NIC, NIC.slice(0, -9)])(
    "%s",
    async (id) => {
      expect(await fateOf(part(id))).toBe("deleted");
    },
  );

  test("not what is not over", async () => {
    expect(await fateOf(MACHINE, NOW - 3_600_001)).toBeUndefined();
  });

  test("not what another machine has: it is told", async () => {
    const attachedTo = machineId({ ...GROUP, name: "database" });
    expect(await fateOf(part(diskId(NAME, undefined), { attachedTo }))).toBe(
      `It is attached to ${attachedTo}.`,
    );
  });

  describe("before its deadline", () => {
    const before = NOW - 7_200_000;
    const ended = (ms: number, deadline = OVER, name = "westus") => ({
      endTime: new Date(ms).toISOString(),
      kind: "TestImageVersion",
      detail: [{ name, deadline } as RegionTestRecord],
    });
    test("where the operation that gave it has ended", async () => {
      expect(await fateOf(MACHINE, before, ended(before + 1))).toBeUndefined();
      expect(await fateOf(MACHINE, before, ended(before))).toBe("deleted");
    });
    test("not where that one gave another: it is of another deployment", async () => {
      const other = new Date(NOW - 3_600_001).toISOString();
      expect(await fateOf(MACHINE, before, ended(before, other))).toBeUndefined();
      expect(await fateOf(MACHINE, before, ended(before, OVER, "eastus2"))).toBeUndefined();
    });
  });

  test("not what somebody has moved there from another resource group: it is told", async () => {
    const madeAs = (id: string) => ({
      kind: "TestImageVersion",
      detail: [{ name: "westus", machineId: id } as RegionTestRecord],
    });
    const made = machineId({ ...NAME, resourceGroupName: "OtherTests" });
    expect(await fateOf(MACHINE, NOW, madeAs(made))).toMatch(/ moved /u);
    expect(await fateOf(MACHINE, NOW, madeAs(MACHINE.id))).toBe("deleted");
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
  ])("not what has %s: it is told", async (_, found) => {
    expect(await fateOf(found)).toMatch(/^(?!deleted$)./u);
  });
});

interface Given {
  readonly refuses?: boolean;
  /** Id of a resource that may not be read. */
  readonly unreadable?: string;
  readonly groups?: readonly Group[];
  readonly nowMs?: number;
  readonly operation?: Partial<OperationRecord> | undefined;
  /** Who creates resources besides the tests. */
  readonly others?: readonly Maker[];
}

async function start(
  found: readonly TaggedResource[],
  {
    refuses = false,
    unreadable,
    groups = [GROUP],
    nowMs = NOW,
    operation,
    others = [],
  }: Given = {},
) {
  const deleted: string[] = [];
  const topic = createMemoryTopic(() => nowMs);
  const index = createMemoryIndex(() => new Date(nowMs));
  const targets = groups.map((group) => groupId(group).toLowerCase());
  await index.put(
    targets.map((target) => ({
      scope: GROUP_SCOPE,
      row: target.replaceAll("/", "|"),
      target,
    })),
  );
  const parts: TaggedResources = {
    listTagged: (group, tag) => {
      expect(targets).toContain(groupId(group).toLowerCase());
      expect(tag).toBe(OPERATION_TAG);
      return Promise.resolve(found.map(({ id }) => id));
    },
    getResource: (id) =>
      id === unreadable
        ? Promise.reject(new ServiceError("ResourceManagerForbidden", "Not allowed."))
        : Promise.resolve(found.find((one) => one.id === id)),
    deleteResource: (id) => {
      if (refuses)
        return Promise.reject(new ServiceError("ResourceManagerForbidden", "Not allowed."));
      deleted.push(id);
      return Promise.resolve();
    },
  };
  const sweep = () =>
    sweepLeftovers(
      {
        makers: [testMaker({ index, parts }), ...others],
        events: topic,
        store: {
          readOperation: () =>
            Promise.resolve(operation && { operation: operation as OperationRecord }),
        },
        eventSource: "urn:sigil:test",
        now: () => new Date(nowMs),
      },
      TRACEPARENT,
    );
  return { sweep, deleted, events: () => topic.events.map(documented) };
}

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
      maker: expect.objectContaining({ name: "test-machines" }) as unknown,
      reason: expect.stringMatching(/./u) as unknown,
    },
  ]);
  expect(deleted).toEqual([]);
});

test("what cannot be deleted is told with the reason", async () => {
  const { sweep, events } = await start([MACHINE], { refuses: true });
  expect(await sweep()).toMatchObject({
    deleted: [],
    left: [{ id: MACHINE.id, reason: "Not allowed." }],
  });
  expect(events()).toHaveLength(1);
});

test("what cannot be read holds up nothing else of its resource group", async () => {
  const stranger = part(machineId({ ...NAME, name: "database" }));
  const hidden = part(machineId({ ...NAME, name: "hidden" }));
  const { sweep, deleted, events } = await start([stranger, hidden, MACHINE], {
    unreadable: hidden.id,
  });
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
  const { sweep } = await start([], { groups });
  expect((await sweep()).groups).toBe(5);
});

test("where two create resources in one group, it is listed once, and each is asked about its own", async () => {
  const snapshot = part(`${groupId(GROUP)}/providers/Microsoft.Compute/snapshots/mine`);
  const asked: string[] = [];
  const other: Maker = {
    name: "others",
    types: ["microsoft.compute/snapshots"],
    event: "Sigil.ImageVersion.TestMachineLeft",
    resources: {
      listTagged: () => Promise.reject(new Error("It is listed already.")),
      getResource: (id) => {
        asked.push(`read ${id}`);
        return Promise.resolve({ ...snapshot, id });
      },
      deleteResource: (id) => {
        asked.push(`delete ${id}`);
        return Promise.resolve();
      },
    },
    groups: () => Promise.resolve([{ ...GROUP, resourceGroupName: "IMAGETESTS" }]),
    judge: ({ deadlineMs }) => ({ kind: "leftover", overMs: deadlineMs }),
  };
  const { sweep, deleted } = await start([MACHINE, snapshot], { others: [other] });
  expect(await sweep()).toMatchObject({
    groups: 1,
    deleted: [MACHINE.id, snapshot.id],
    left: [],
    errors: [],
  });
  expect(deleted).toEqual([MACHINE.id]);
  expect(asked).toEqual([`read ${snapshot.id}`, `delete ${snapshot.id}`]);
});

test("of a type that is created in other groups alone, it is told and not read", async () => {
  const snapshot = part(`${groupId(GROUP)}/providers/Microsoft.Compute/snapshots/mine`);
  const nothing = () => Promise.reject(new Error("It is of other groups."));
  const other: Maker = {
    name: "others",
    types: ["microsoft.compute/snapshots"],
    event: "Sigil.ImageVersion.TestMachineLeft",
    resources: {
      listTagged: () => Promise.resolve([]),
      getResource: nothing,
      deleteResource: nothing,
    },
    groups: () => Promise.resolve([{ ...GROUP, resourceGroupName: "Captures" }]),
    judge: nothing,
  };
  const { sweep } = await start([snapshot], { others: [other] });
  expect(await sweep()).toMatchObject({ groups: 2, left: [{ id: snapshot.id }], errors: [] });
});
