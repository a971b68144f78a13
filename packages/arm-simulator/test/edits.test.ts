import { beforeEach, describe, expect, test } from "vitest";
import {
  DURATION_MS,
  encryptedVersion,
  get,
  plainVersion,
  put,
  region,
  replication,
  startForEach,
  submit,
  versionId,
  type Harness,
} from "./harness.js";

const V = versionId("1.0.0");
const WEST = region("West US", "WestUS").encryption;

let h: Harness;
startForEach((started) => (h = started));

const state = async () => (await get(h.client, "1.0.0")).provisioningState;
const targets = async () => (await get(h.client, "1.0.0")).publishingProfile?.targetRegions;

/** What Azure or a person does to 1.0.0. */
async function change(method: string, argument: object): Promise<void> {
  const { status, body } = await h.control(method, {
    versionId: V,
    ...argument,
  });
  expect([status, body.error]).toEqual([200, undefined]);
}

async function createVersion(): Promise<void> {
  await submit(h.client, "1.0.0", encryptedVersion({ tags: { a: "1", b: "2" } }));
  h.clock.advance(DURATION_MS);
}

describe("failOperation", () => {
  const failure = { code: "InternalOperationError", message: "Given up." };

  test("fails the operation and the version; no region is Failed, and none moves on", async () => {
    const { poller } = await submit(h.client, "1.0.0", encryptedVersion());
    await change("setRegionState", { region: "westus", state: "Completed" });
    h.clock.advance(DURATION_MS * 0.3);
    const before = await replication(h.client, "1.0.0");
    expect(before).toMatchObject({
      "West US": { state: "Completed" },
      "East US 2": { state: "Replicating" },
    });
    await change("failOperation", failure);
    await expect(poller.pollUntilDone()).rejects.toThrow("InternalOperationError. Given up.");
    h.clock.advance(DURATION_MS * 10);
    expect(await replication(h.client, "1.0.0")).toEqual(before);
    const { provisioningState, replicationStatus } = await get(h.client, "1.0.0", true);
    expect(provisioningState).toBe("Failed");
    expect(replicationStatus?.aggregatedState).toBe("InProgress");
  });

  test("leaves a version that the next update, with the region resumed, can finish", async () => {
    await submit(h.client, "1.0.0", plainVersion());
    await change("failOperation", failure);
    await submit(h.client, "1.0.0", plainVersion());
    h.clock.advance(DURATION_MS * 10);
    expect(await state()).toBe("Updating");
    await change("resumeRegion", { region: "westus" });
    h.clock.advance(DURATION_MS);
    expect(await state()).toBe("Succeeded");
  });

  test("says so when there is no operation to fail", async () => {
    await createVersion();
    const { status, body } = await h.control("failOperation", {
      versionId: V,
      ...failure,
    });
    expect(status).toBe(400);
    expect(body.error?.message).toContain("state is 'Succeeded'");
  });
});

describe("editVersion", () => {
  beforeEach(createVersion);

  test("changes what is stored at once, unvalidated and without an operation", async () => {
    const before = await h.call("GET", V);
    await change("editVersion", {
      properties: {
        publishingProfile: { excludeFromLatest: true, replicaCount: 1000 },
        safetyProfile: { blockDeletionBeforeEndOfLife: true },
        unheardOf: { is: "kept" },
      },
      tags: { a: null, c: "3" },
    });
    const { body } = await h.call("GET", V);
    expect(body["tags"]).toEqual({ b: "2", c: "3" });
    const was = before.body["properties"] as {
      publishingProfile: object;
      safetyProfile: object;
    };
    expect(body["properties"]).toEqual({
      ...was,
      publishingProfile: {
        ...was.publishingProfile,
        excludeFromLatest: true,
        replicaCount: 1000,
      },
      safetyProfile: {
        ...was.safetyProfile,
        blockDeletionBeforeEndOfLife: true,
      },
      unheardOf: { is: "kept" },
    });
    await change("editVersion", {
      properties: {
        unheardOf: null,
        safetyProfile: { blockDeletionBeforeEndOfLife: null },
        publishingProfile: { excludeFromLatest: false, replicaCount: 1 },
      },
      tags: { a: "1", c: null },
    });
    expect((await h.call("GET", V)).body).toEqual(before.body);
  });

  test("does not touch what only operations and regions make", async () => {
    const { body } = await h.control("editVersion", {
      versionId: V,
      properties: { provisioningState: "Failed" },
    });
    expect(body.error?.message).toContain("Use failOperation.");
  });
});

describe("dropRegion and dropEncryption", () => {
  beforeEach(createVersion);

  test("a region is gone from the target regions and from the replication status", async () => {
    await change("dropRegion", { region: "eastus2" });
    expect(await targets()).toMatchObject([{ name: "West US" }]);
    expect(Object.keys(await replication(h.client, "1.0.0"))).toEqual(["West US"]);
    expect(await state()).toBe("Succeeded");
    // A PUT that names it adds it anew.
    await submit(h.client, "1.0.0", encryptedVersion());
    expect((await replication(h.client, "1.0.0"))["East US 2"]?.state).toBe("Unknown");
  });

  test("a region's encryption is gone, or that of one data disk", async () => {
    await change("dropEncryption", { region: "West US", lun: 0 });
    expect((await targets())?.[0]?.encryption).toEqual({
      osDiskImage: WEST.osDiskImage,
      dataDiskImages: [],
    });
    await change("dropEncryption", { region: "westus" });
    const [west, east] = (await targets()) ?? [];
    expect(west?.encryption).toBeUndefined();
    expect(east?.encryption?.dataDiskImages).toHaveLength(1);
  });

  test("a version whose encryption is all gone counts as one without own keys", async () => {
    const copy = () => put(h, versionId("1.0.1"), { storageProfile: { source: { id: V } } });
    expect((await copy()).status).toBe(400);
    await change("dropEncryption", { region: "westus" });
    await change("dropEncryption", { region: "eastus2" });
    expect((await copy()).status).toBe(201);
  });
});

describe("setRegionState", () => {
  beforeEach(createVersion);
  const east = async () => (await get(h.client, "1.0.0", true)).replicationStatus?.summary?.[1];

  test("a Completed region fails at once, and stays so", async () => {
    await change("setRegionState", {
      region: "East US 2",
      state: "Failed",
      progress: 70,
      details: "The key was disabled.",
    });
    const failed = {
      region: "East US 2",
      state: "Failed",
      progress: 70,
      details: "The key was disabled.",
    };
    expect(await east()).toEqual(failed);
    h.clock.advance(DURATION_MS * 10);
    expect(await east()).toEqual(failed);
    expect(await state()).toBe("Succeeded");
  });

  test("a Completed region replicates again, from 0 or from where it is told, and completes", async () => {
    await change("setRegionState", { region: "eastus2", state: "Replicating" });
    expect(await east()).toMatchObject({ state: "Replicating", progress: 0 });
    for (const progress of [0, 1, 29, 57, 99]) {
      await change("setRegionState", {
        region: "eastus2",
        state: "Replicating",
        progress,
      });
      expect(await east()).toMatchObject({ state: "Replicating", progress });
    }
    h.clock.advance(DURATION_MS);
    expect(await east()).toMatchObject({ state: "Completed", progress: 100 });
  });

  test("a Completed region is queued again, and goes through every state", async () => {
    await change("setRegionState", { region: "eastus2", state: "Unknown" });
    expect(await east()).toMatchObject({ state: "Unknown", progress: 0 });
    h.clock.advance(DURATION_MS * 0.3);
    expect((await east())?.state).toBe("Replicating");
    h.clock.advance(DURATION_MS);
    expect((await east())?.state).toBe("Completed");
  });

  test("a failed region is repaired, and the next update succeeds", async () => {
    await change("setRegionState", { region: "eastus2", state: "Failed" });
    expect(await east()).toMatchObject({
      progress: 0,
      details: "Replication to region 'eastus2' failed.",
    });
    await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS);
    expect(await state()).toBe("Failed");
    await change("setRegionState", { region: "eastus2", state: "Completed" });
    expect(await east()).toMatchObject({ state: "Completed", progress: 100 });
    await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS);
    expect(await state()).toBe("Succeeded");
  });

  test("an operation under way ends with its last region", async () => {
    await submit(h.client, "1.0.1", encryptedVersion());
    for (const name of ["westus", "eastus2"])
      await h.control("setRegionState", {
        versionId: versionId("1.0.1"),
        region: name,
        state: "Completed",
      });
    h.clock.advance(DURATION_MS * 0.05);
    expect((await get(h.client, "1.0.1")).provisioningState).toBe("Succeeded");
  });
});

describe("a wrong argument is refused in words:", () => {
  beforeEach(createVersion);
  const unknown = versionId("9.9.9");
  test.each([
    ["failOperation", { code: "X" }, "'message' of failOperation must be a"],
    ["editVersion", { tags: { a: 1 } }, "'tags' of editVersion must be a JSON"],
    ["editVersion", { properties: [] }, "'properties' of editVersion must be"],
    ["editVersion", { versionId: unknown }, `no image version '${unknown}'`],
    ["dropRegion", { region: "mars" }, "'region' of dropRegion must be a region"],
    [
      "dropRegion",
      { region: "eastus" },
      `'East US' is no target region of '${V}'. It has: West US, East US 2.`,
    ],
    [
      "dropEncryption",
      { region: "westus", lun: 7 },
      "'West US' has no encryption at LUN 7. It has: 0.",
    ],
    [
      "setRegionState",
      { region: "westus", state: "Broken" },
      '"Unknown", "Replicating", "Completed", "Failed"',
    ],
    [
      "setRegionState",
      { region: "westus", state: "Failed", progress: 100 },
      "must be an integer from 0 to 99.",
    ],
    [
      "setRegionState",
      { region: "westus", state: "Completed", progress: 50 },
      "'progress' goes with the states Replicating and Failed",
    ],
    [
      "setRegionState",
      { region: "eastus", state: "Failed" },
      "'East US' has no replication status",
    ],
  ])("%s of %j", async (method, argument, message) => {
    const { status, body } = await h.control(method, {
      versionId: V,
      ...argument,
    });
    expect(status).toBe(400);
    expect(body.error?.message).toContain(message);
  });
});
