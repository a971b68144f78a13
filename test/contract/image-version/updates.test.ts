import { describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { targetRegionsOf } from "../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import {
  patchImageVersion,
  putImageVersion,
  type PutAnswer,
  type PutImageVersion,
} from "../../../src/image-version/commands/put.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { retryImageVersion } from "../../../src/image-version/commands/retry.js";
import {
  commandOf,
  idOf,
  request,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { ended, operation as stored, until } from "./truth/support.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
import {
  managedImageRequest,
  seedRegion,
  seedResource,
  seedVersionId,
} from "../../support/requests.js";
import { naming } from "../../support/naming.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});

type Regions = ReturnType<typeof seedRegion>[];
const WEST = seedRegion("westus", "WestUS", { regionalReplicaCount: 2 });
const EAST2 = seedRegion("eastus2", "EastUS2");
const EAST = seedRegion("eastus", "EastUS");

function body(
  regions: Regions,
  publishing: object = {},
  more: Partial<ImageVersionRequest> = {},
): ImageVersionRequest {
  const base = managedImageRequest();
  return {
    ...base,
    ...more,
    properties: {
      ...base.properties,
      publishingProfile: { targetRegions: regions, ...publishing },
    },
  };
}

async function made(regions: Regions = [WEST, EAST2]): Promise<void> {
  await request(world.deps, id, body(regions));
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  await world.takeEvents();
  world.simulator.control.clearRequests();
}

async function updated(
  wanted: ImageVersionRequest,
  more: Partial<PutImageVersion> = {},
): Promise<OperationRecord> {
  await request(world.deps, id, wanted, more);
  return await world.finish(id);
}

const put = (wanted: ImageVersionRequest): Promise<PutAnswer> =>
  putImageVersion(world.deps, commandOf(id, wanted));

const puts = (): number => world.simulator.control.countRequests({ method: "PUT" });

async function inAzure(): Promise<ImageVersionRequest> {
  const shown = await world.deps.resourceManager.getImageVersion(idOf(id));
  if (shown === undefined) throw new Error("it is gone");
  expect(shown.provisioningState).toBe("Succeeded");
  return shown.resource;
}

const spelled = (name: string): string => name.replace(/ /gu, "").toLowerCase();

async function regionsInAzure(): Promise<readonly string[]> {
  return targetRegionsOf(await inAzure()).map(({ name }) => spelled(name));
}

function milestones(events: readonly CloudEvent[]): string[] {
  return events
    .filter(({ subject, type }) => subject === id && !type.endsWith("Replicating"))
    .map((event) => event.id.replace(/^[^/]*\//u, ""));
}

describe("an update", () => {
  test("adds a region by one update that carries every region with its keys, and reports that region alone", async () => {
    await made();
    expect(await updated(body([WEST, EAST2, EAST]))).toMatchObject({
      kind: "UpdateImageVersion",
      status: "Succeeded",
    });
    expect(puts()).toBe(1);
    for (const region of targetRegionsOf(await inAzure()))
      expect(region.encryption?.dataDiskImages?.[0]?.diskEncryptionSetId, region.name).toMatch(
        /DiskEncryptionSet2$/u,
      );
    expect(await regionsInAzure()).toEqual(["westus", "eastus2", "eastus"]);
    expect(milestones(await world.takeEvents())).toEqual([
      "accepted",
      "updating/1",
      "eastus/completed",
      "completed",
    ]);
  });

  test("changes counts, exclusion from latest, end of life, safety profile and tags at once, by a PATCH", async () => {
    await made();
    const wanted = body(
      [
        { ...WEST, regionalReplicaCount: 3 },
        { ...EAST2, excludeFromLatest: true },
      ],
      { excludeFromLatest: true, endOfLifeDate: "2090-01-01" },
      { tags: { build: "2" } },
    );
    const { publishingProfile } = wanted.properties;
    const safetyProfile = { blockDeletionBeforeEndOfLife: true };
    const { body: _, ...command } = commandOf(id, wanted);
    const patching = {
      ...command,
      patch: {
        tags: wanted.tags,
        properties: { publishingProfile, safetyProfile },
      },
      validate: () => [],
    };
    const plan = await planImageVersion(world.deps, patching);
    await patchImageVersion(world.deps, patching);
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect(puts()).toBe(1);
    expect(plan.findings.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(plan.request?.body).toMatchObject({
      tags: { build: "2" },
      properties: { publishingProfile: { excludeFromLatest: true }, safetyProfile },
    });
    expect(await inAzure()).toMatchObject({
      tags: { build: "2" },
      properties: {
        safetyProfile: { blockDeletionBeforeEndOfLife: true },
        publishingProfile: {
          excludeFromLatest: true,
          endOfLifeDate: expect.stringMatching(/^2090-01-01/u) as string,
          targetRegions: [{ regionalReplicaCount: 3 }, {}],
        },
      },
    });
    expect(milestones(await world.takeEvents())).toEqual([
      "accepted",
      "updating/1",
      expect.stringMatching(/^demoted\/1\//u),
      "westus/completed/2",
      "completed",
    ]);
  });

  test("needs the version's source no longer", async () => {
    await made();
    world.simulator.control.addFault({
      path: "Microsoft.Compute/images/myImage\\?",
      action: "hide",
      times: null,
    });
    expect(await updated(body([WEST, EAST2, EAST]))).toMatchObject({
      status: "Succeeded",
    });
  });

  test("is proven like a creation, and nothing is changed where it fails", async () => {
    await made();
    const operation = await updated(body([WEST, EAST2, seedRegion("eastus", "EastUS2")]));
    expect(operation).toMatchObject({
      status: "Failed",
      error: {
        code: "PreflightFailed",
        message: expect.stringMatching(/^Nothing was changed: 2 /u) as string,
      },
    });
    expect(puts()).toBe(0);
    expect(await regionsInAzure()).toEqual(["westus", "eastus2"]);
  });
});

test("a promotion by rule that Azure refuses for a while is sent again, until it is done", async () => {
  const wanted = {
    ...body([WEST, EAST2]),
    sigil: { promotion: { when: "allRegionsReady" as const } },
  };
  await request(world.deps, id, wanted);
  await world.runDue();
  world.simulator.control.addFault({
    method: "PUT",
    path: `${id}\\?`,
    status: 429,
    times: 5,
  });
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  expect((await inAzure()).properties.publishingProfile).toMatchObject({
    excludeFromLatest: false,
  });
});

describe("an update that failed", () => {
  const wrong = body([WEST, EAST2, seedRegion("eastus", "EastUS2")]);

  test("is corrected by another PUT: what it never brought about binds nobody", async () => {
    await made();
    expect(await updated(wrong)).toMatchObject({ status: "Failed" });
    expect(await updated(body([WEST, EAST2, EAST]))).toMatchObject({
      status: "Succeeded",
    });
    expect(await regionsInAzure()).toEqual(["westus", "eastus2", "eastus"]);
  });

  test("is taken back by the PUT of before, with nothing to confirm and nothing to send", async () => {
    await made();
    expect(await updated(wrong)).toMatchObject({ status: "Failed" });
    expect(await put(body([WEST, EAST2]))).toMatchObject({
      kind: "unchanged",
    });
    expect(puts()).toBe(0);
  });

  test("leaves what was there before it as it is", async () => {
    await made();
    expect(await updated(wrong)).toMatchObject({ status: "Failed" });
    expect(await updated(body([{ ...WEST, regionalReplicaCount: 3 }]))).toMatchObject({
      status: "Succeeded",
      warnings: [{ code: "RegionKept" }],
    });
    expect(await regionsInAzure()).toEqual(["westus", "eastus2"]);
  });
});

describe("what cannot be changed is refused at the door, each property by name:", () => {
  test("the source, the replication mode, a region's storage type", async () => {
    await made();
    const wanted = body([{ ...WEST, storageAccountType: "Premium_LRS" }, EAST2], {
      replicationMode: "Shallow",
    });
    wanted.properties.storageProfile = {
      source: { id: seedResource("images/other") },
    };
    const error = await refusal(request(world.deps, id, wanted));
    expect(error).toMatchObject({
      code: "ImageVersionConflict",
      fields: { nextFreeVersion: expect.any(String) as string },
    });
    expect(error.findings.map(({ code, pointer }) => [code, pointer]).sort()).toEqual([
      ["ImmutableProperty", "/properties/publishingProfile/replicationMode"],
      ["ImmutableProperty", "/properties/publishingProfile/targetRegions/0/storageAccountType"],
      ["ImmutableProperty", "/properties/storageProfile/source/id"],
    ]);
    expect(puts()).toBe(0);
  });

  test("a key, or its loss (S6)", async () => {
    await made();
    const error = await refusal(
      request(world.deps, id, body([seedRegion("westus", "Other", WEST), { name: "eastus2" }])),
    );
    expect(error.code).toBe("ImageVersionConflict");
    expect(new Set(error.findings.map(({ code }) => code))).toContain("CustomerKeysChanged");
    expect(error.findings.filter(({ code }) => code === "CustomerKeysChanged")).toHaveLength(4);
  });
});

test("a region that is left out is kept, with a warning that says how to remove it", async () => {
  await made([WEST, EAST2, EAST]);
  expect(await updated(body([{ ...WEST, regionalReplicaCount: 3 }, EAST]))).toMatchObject({
    status: "Succeeded",
    warnings: [
      {
        code: "RegionKept",
        pointer: "/properties/publishingProfile/targetRegions",
        message: expect.stringContaining("eastus2") as string,
        remediation: expect.stringContaining("removeRegions=eastus2") as string,
      },
    ],
  });
  expect(await regionsInAzure()).toHaveLength(3);
  // Nothing else is asked: nothing is done.
  expect(await put(body([{ ...WEST, regionalReplicaCount: 3 }, EAST]))).toMatchObject({
    kind: "accepted",
    operation: { status: "Succeeded" },
  });
  expect(puts()).toBe(1);
});

describe("a region that is named to be removed", () => {
  const remove = () => updated(body([WEST, EAST]), { removeRegions: ["East US 2"] });

  test("is removed: the safety profile is opened for that update, and closed by the next", async () => {
    await made([WEST, EAST2, EAST]);
    expect(await remove()).toMatchObject({ status: "Succeeded" });
    expect(puts()).toBe(2);
    const shown = await inAzure();
    expect(await regionsInAzure()).toEqual(["westus", "eastus"]);
    expect(shown.properties.safetyProfile).toMatchObject({
      allowDeletionOfReplicatedLocations: false,
    });
    expect(milestones(await world.takeEvents())).toEqual([
      "accepted",
      "updating/1",
      "updating/2",
      "eastus2/removed",
      "completed",
    ]);
  });
});

test("a region that somebody added outside Sigil is kept, with its keys, and told", async () => {
  await made();
  await world.deps.resourceManager.putImageVersion(idOf(id), body([WEST, EAST2, EAST]));
  world.clock.advance(120_000);
  expect(await updated(body([{ ...WEST, regionalReplicaCount: 3 }, EAST2]))).toMatchObject({
    status: "Succeeded",
  });
  expect(await regionsInAzure()).toEqual(["westus", "eastus2", "eastus"]);
  const events = await world.takeEvents();
  expect(
    events.find(({ type }) => type === "Sigil.ImageVersion.ChangedOutside")?.data,
  ).toMatchObject({ regions: ["eastus"] });
});

describe("a region that fails", () => {
  const fail = (times: number) =>
    world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      message: "Out of capacity.",
      times,
    });

  test("is repaired by itself: taken away, added back; the others are not touched", async () => {
    await fail(1);
    await request(world.deps, id, body([WEST, EAST2]));
    const operation = await world.finish(id);
    expect(operation).toMatchObject({
      kind: "CreateImageVersion",
      status: "Succeeded",
      regions: [
        { name: "westus", state: "Completed", attempts: 1 },
        { name: "eastus2", state: "Completed", attempts: 2 },
      ],
    });
    const told = milestones(await world.takeEvents());
    expect(told.filter((fact) => fact === "westus/completed")).toHaveLength(1);
    expect(told.filter((fact) => fact !== "westus/completed")).toEqual([
      "accepted",
      "creating",
      "eastus2/failed/1",
      "updating/1",
      "eastus2/repairing/1",
      "updating/2",
      "eastus2/completed/2",
      "completed",
    ]);
    expect((await inAzure()).properties.safetyProfile).toMatchObject({
      allowDeletionOfReplicatedLocations: false,
    });
  });

  test("says in the history what failed, what is done about it and when; the region shows the next attempt", async () => {
    await fail(1);
    await request(world.deps, id, body([WEST, EAST2]));
    const due: string[] = [];
    const operation = await world.finishWith(id, ({ operation: running }) => {
      const region = running.regions.find(({ name }) => name === "eastus2");
      if (region?.state === "Failed" && region.nextAttemptTime !== undefined) {
        due.push(region.nextAttemptTime);
        expect(region).toMatchObject({
          attempts: 1,
          attemptsAllowed: 4,
          waitReason: expect.any(String) as string,
        });
      }
      return Promise.resolve();
    });
    expect(new Set(due).size).toBe(1);
    expect(operation.history.map(({ state, message }) => `${state}: ${message}`)).toEqual([
      expect.stringMatching(/^Accepted: /u),
      expect.stringMatching(/^Creating: /u),
      expect.stringMatching(/^Replicating: Azure Resource Manager accepted/u),
      naming([due[0], "eastus2"]),
      naming(["eastus2"]),
      expect.stringMatching(/^Replicating: /u),
      naming(["eastus2"]),
      expect.stringMatching(/^Replicating: /u),
      naming(["westus", "eastus2"]),
    ]);
    expect(operation.regions[1]).not.toHaveProperty("nextAttemptTime");
    expect(operation.regions[1]).not.toHaveProperty("waitReason");
  });

  test("that is not tried again says so in the history", async () => {
    await fail(4);
    await request(world.deps, id, body([WEST, EAST2]));
    const { history } = await world.finish(id);
    const failures = history.filter(({ message }) =>
      message.startsWith("eastus2 failed: Out of capacity."),
    );
    expect(failures).toHaveLength(4);
    expect(failures.at(-1)?.message).toMatch(/It is not tried again\.$/u);
  });

  test("is taken away and added back once, though Azure refuses each write for a while", async () => {
    await fail(1);
    await request(world.deps, id, body([WEST, EAST2]));
    await world.runDue();
    // The create request has passed: the next ten writes are refused, and ten after the taking away.
    for (const afterMatches of [0, 1])
      world.simulator.control.addFault({
        method: "PUT",
        path: `${id}\\?`,
        status: 429,
        times: 10,
        afterMatches,
      });
    expect(await world.finish(id)).toMatchObject({
      status: "Succeeded",
      regions: [
        { name: "westus", attempts: 1 },
        { name: "eastus2", attempts: 2 },
      ],
    });
    expect(
      milestones(await world.takeEvents()).filter((fact) => /updating|repairing/u.test(fact)),
    ).toEqual(["updating/1", "eastus2/repairing/1", "updating/2"]);
  });

  test("is repaired no more often than is set, with growing waits; then the operation ends Failed, and a retry by hand may go on", async () => {
    await fail(4);
    const started = world.clock.now();
    await request(world.deps, id, body([WEST, EAST2]));
    const operation = await world.finish(id);
    expect(operation).toMatchObject({
      status: "Failed",
      error: { code: "ReplicationFailed" },
      regions: [{ attempts: 1 }, { name: "eastus2", attempts: 4 }],
    });
    // 5, 10 and 20 minutes of waiting.
    expect(world.clock.now() - started).toBeGreaterThan(35 * 60_000);

    const retried = await retryImageVersion(world.deps, {
      id: idOf(id),
      requestedBy: {},
      traceparent: TRACEPARENT,
    });
    expect(retried).toMatchObject({ kind: "RetryImageVersion" });
    expect(await world.finish(id)).toMatchObject({
      id: retried.id,
      status: "Succeeded",
    });
    expect(await regionsInAzure()).toEqual(["westus", "eastus2"]);
  });

  test("whose repair waits is brought forward by a retry, and both operations end with it", async () => {
    await fail(1);
    const first = await request(world.deps, id, body([WEST, EAST2]));
    const planned = async (): Promise<string | undefined> =>
      (await stored(world, first)).regions.at(1)?.nextAttemptTime;
    await until(world, async () => (await planned()) !== undefined);
    const dueTime = Date.parse((await planned()) ?? "");
    world.simulator.control.clearRequests();
    const retry = () =>
      retryImageVersion(world.deps, {
        id: idOf(id),
        requestedBy: {},
        traceparent: TRACEPARENT,
      });
    const retried = await retry();
    expect((await retry()).id).toBe(retried.id);
    await until(world, () => Promise.resolve(puts() > 0));
    expect(world.clock.now()).toBeLessThan(dueTime - 4 * 60_000);
    expect(await ended(world, [first, retried])).toMatchObject([
      { status: "Succeeded" },
      { status: "Succeeded" },
    ]);
    expect(await regionsInAzure()).toEqual(["westus", "eastus2"]);
  });

  test("in a version that somebody else left Failed is repaired by the same PUT", async () => {
    await fail(1);
    await world.deps.resourceManager.putImageVersion(idOf(id), body([WEST, EAST2]));
    world.clock.advance(600_000);
    expect(await updated(body([WEST, EAST2]))).toMatchObject({
      kind: "CreateImageVersion",
      status: "Succeeded",
    });
  });

  test("is the only thing that can be retried", async () => {
    await made();
    const retry = (regions?: readonly string[]) =>
      refusal(
        retryImageVersion(world.deps, {
          id: idOf(id),
          regions,
          requestedBy: {},
          traceparent: TRACEPARENT,
        }),
      );
    expect(await retry()).toMatchObject({
      code: "ImageVersionConflict",
      message: expect.stringContaining("nothing to repair") as string,
    });
    id = seedVersionId("3.9.9");
    expect(await retry()).toMatchObject({ code: "NotFound" });
  });
});

test("what others change while the proof takes long is not overwritten: by a look of before nothing is sent", async () => {
  await made([WEST]);
  await request(world.deps, id, body([WEST, EAST2]));
  const { resources } = world.deps;
  const slow = {
    ...world.deps,
    resources: {
      ...resources,
      async getDiskEncryptionSet(setId: string) {
        world.clock.advance(10_000);
        await world.simulator.control.editVersion({
          versionId: id,
          tags: { theirs: "1" },
        });
        return resources.getDiskEncryptionSet(setId);
      },
    },
  };
  for (const message of await world.takeDue()) await world.handle(message, slow);
  expect(world.simulator.control.countRequests({ method: "PUT" })).toBe(0);
  await world.finish(id);
  const { look } = await getImageVersion(world.deps, idOf(id));
  expect(look?.resource.tags).toMatchObject({ theirs: "1" });
});
