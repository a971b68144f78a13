import { beforeEach, describe, expect, test } from "vitest";
import { resourcesIn } from "../src/world.js";
import {
  COMPUTE,
  DURATION_MS,
  encryptedVersion,
  get,
  GROUP,
  plainVersion,
  region,
  replication,
  startForEach,
  submit,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

let h: Harness;
startForEach((started) => (h = started));

describe("creating a version", () => {
  test("answers 201 with Azure-AsyncOperation, no Retry-After, and provisioning state Creating", async () => {
    const answer = await h.call("PUT", versionId("1.0.0"), {
      body: {
        location: "westus",
        properties: {
          storageProfile: { source: { id: `${COMPUTE}/images/myImage` } },
        },
      },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("azure-asyncoperation")).toMatch(
      new RegExp(
        `^${h.simulator.endpoint}/subscriptions/.+/providers/Microsoft.Compute/locations/westus/capsOperations/[0-9a-f-]{36}\\?api-version=2025-12-03$`,
        "u",
      ),
    );
    expect(answer.headers.get("retry-after")).toBeNull();
    expect(answer.body["properties"]).toMatchObject({
      provisioningState: "Creating",
    });
  });

  test("gives back the encryption of every region and disk, and region names as display names", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    const { publishingProfile } = await get(h.client, "1.0.0");
    expect(publishingProfile?.targetRegions).toMatchObject([
      {
        ...region("West US", "WestUS"),
        regionalReplicaCount: 2,
        storageAccountType: "Standard_LRS",
      },
      { ...region("East US 2", "EastUS2"), regionalReplicaCount: 1 },
    ]);
  });

  test("spells ids as the resources are spelled, however they were asked for", async () => {
    const shouted = JSON.parse(
      JSON.stringify(encryptedVersion()).replaceAll(
        "WestUSDiskEncryptionSet1",
        "WESTUSDISKENCRYPTIONSET1",
      ),
    ) as ReturnType<typeof encryptedVersion>;
    await submit(h.client, "1.0.0", shouted);
    const found = await h.call("GET", versionId("1.0.0").toLowerCase());
    expect(found.body["id"]).toBe(versionId("1.0.0"));
    expect(JSON.stringify(found.body)).not.toContain("WESTUSDISKENCRYPTIONSET1");
    expect(JSON.stringify(found.body)).toContain("WestUSDiskEncryptionSet1");
  });

  test("describes the disks of its source", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    const { storageProfile } = await get(h.client, "1.0.0");
    expect(storageProfile).toMatchObject({
      osDiskImage: { sizeInGB: 30, hostCaching: "ReadWrite" },
      dataDiskImages: [{ lun: 0, sizeInGB: 64 }],
    });
  });

  test.each([
    ["2025-03-03", "Standard_ZRS", "PreferStandard_ZRS"],
    ["2023-07-03", "Standard_LRS", "DefaultStandard_LRS"],
  ])(
    "with api-version %s stores a region with zones as %s by default",
    async (apiVersion, type, strategy) => {
      const { body } = await h.call("PUT", versionId("1.0.0"), {
        apiVersion,
        body: {
          location: "westus",
          properties: {
            storageProfile: { source: { id: `${COMPUTE}/images/myImage` } },
            publishingProfile: {
              targetRegions: [{ name: "westus" }, { name: "East US 2" }],
            },
          },
        },
      });
      expect(body["properties"]).toMatchObject({
        publishingProfile: {
          storageAccountStrategy: strategy,
          targetRegions: [{ storageAccountType: "Standard_LRS" }, { storageAccountType: type }],
        },
      });
    },
  );

  test.each([
    [
      "snapshots",
      {
        osDiskImage: { source: { id: `${COMPUTE}/snapshots/myOSSnapshot` } },
        dataDiskImages: [{ lun: 0, source: { id: `${COMPUTE}/snapshots/myDDSnapshot` } }],
      },
    ],
    [
      "disks",
      {
        osDiskImage: { source: { id: `${COMPUTE}/disks/myOSDisk` } },
        dataDiskImages: [{ lun: 0, source: { id: `${COMPUTE}/disks/myDataDisk` } }],
      },
    ],
    ["a virtual machine", { source: { virtualMachineId: `${COMPUTE}/virtualMachines/myVM` } }],
    [
      "a VHD",
      {
        osDiskImage: {
          source: {
            storageAccountId: `/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a`,
            uri: "https://a.blob.core.windows.net/vhds/os.vhd",
          },
        },
      },
    ],
  ])("takes %s as its source", async (_kind, storageProfile) => {
    await submit(h.client, "1.0.0", plainVersion({ storageProfile }));
    h.clock.advance(DURATION_MS);
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Succeeded");
  });

  test("takes another version as its source when that one uses platform keys and is in the region", async () => {
    await submit(h.client, "1.0.0", plainVersion());
    h.clock.advance(DURATION_MS);
    await submit(
      h.client,
      "1.0.1",
      plainVersion({ storageProfile: { source: { id: versionId("1.0.0") } } }),
    );
    expect((await get(h.client, "1.0.1")).storageProfile?.dataDiskImages).toMatchObject([
      { lun: 0, sizeInGB: 64 },
    ]);
  });

  test("the SDK's poller ends with the finished resource", async () => {
    const { poller } = await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS);
    expect((await poller.pollUntilDone()).provisioningState).toBe("Succeeded");
  });

  test("invariant 1: the same PUT again, in other words, is answered alike and creates nothing", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    const before = await h.call("GET", versionId("1.0.0"));
    const again = JSON.parse(
      JSON.stringify(encryptedVersion())
        .replace('"westus"', '"West US"')
        .replaceAll(GROUP, GROUP.toUpperCase()),
    ) as ReturnType<typeof encryptedVersion>;
    await submit(h.client, "1.0.0", again);
    expect(h.simulator.control.creates(versionId("1.0.0"))).toBe(1);
    expect((await h.call("GET", versionId("1.0.0"))).body).toEqual(before.body);
  });

  test("invariant 2: a different PUT while it is created is 409 Conflict", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    await expect(submit(h.client, "1.0.0", plainVersion())).rejects.toMatchObject({
      statusCode: 409,
      code: "Conflict",
    });
  });
});

describe("replication", () => {
  test("goes Unknown, Replicating, Completed, each region at its own speed", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    expect(await replication(h.client, "1.0.0")).toEqual({
      "West US": { state: "Unknown", progress: 0 },
      "East US 2": { state: "Unknown", progress: 0 },
    });
    h.clock.advance(DURATION_MS * 0.4);
    const midway = await replication(h.client, "1.0.0");
    expect(midway["West US"]?.state).toBe("Replicating");
    expect(midway["East US 2"]?.state).toBe("Replicating");
    expect(midway["West US"]?.progress).not.toBe(midway["East US 2"]?.progress);
    h.clock.advance(DURATION_MS * 0.6);
    const done = await get(h.client, "1.0.0", true);
    expect(done.replicationStatus?.aggregatedState).toBe("Completed");
    expect(
      done.replicationStatus?.summary?.map(({ state, progress }) => [state, progress]),
    ).toEqual([
      ["Completed", 100],
      ["Completed", 100],
    ]);
  });

  test("is told with $expand alone, and never in a list", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    expect((await get(h.client, "1.0.0")).replicationStatus).toBeUndefined();
    const listed = [];
    for await (const version of h.client.galleryImageVersions.listByGalleryImage(
      GROUP,
      "MyGallery",
      "MyImage",
    ))
      listed.push(version);
    expect(listed.map(({ name, replicationStatus }) => [name, replicationStatus])).toEqual([
      ["1.0.0", undefined],
    ]);
    await expect(h.call("GET", `${versionId("1.0.0")}?$expand=Other`)).resolves.toMatchObject({
      status: 400,
    });
  });

  test("invariant 3: Succeeded waits for the slowest region", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    for (let step = 0; step < 50; step += 1) {
      h.clock.advance(DURATION_MS / 50);
      const { provisioningState, replicationStatus } = await get(h.client, "1.0.0", true);
      expect(provisioningState === "Succeeded").toBe(
        replicationStatus?.aggregatedState === "Completed",
      );
    }
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Succeeded");
  });

  test("with succeededWhen homeRegion, Succeeded comes while another region still replicates", async () => {
    await h.simulator.control.setSucceededWhen("homeRegion");
    await submit(h.client, "1.0.0", encryptedVersion());
    await h.simulator.control.stallRegion({
      versionId: versionId("1.0.0"),
      region: "East US 2",
      atProgress: 50,
    });
    h.clock.advance(DURATION_MS);
    const { provisioningState, replicationStatus } = await get(h.client, "1.0.0", true);
    expect(provisioningState).toBe("Succeeded");
    expect(replicationStatus?.aggregatedState).toBe("InProgress");
  });

  test("the operation tells its start, its end and its outcome", async () => {
    const { headers } = await h.call("PUT", versionId("1.0.0"), {
      body: {
        location: "westus",
        properties: {
          storageProfile: { source: { id: `${COMPUTE}/images/myImage` } },
        },
      },
    });
    const url = headers.get("azure-asyncoperation") ?? "";
    const running = await h.call("GET", url);
    expect(running.body).toEqual({
      startTime: "2026-01-01T00:00:00.0000000+00:00",
      status: "InProgress",
      name: /capsOperations\/([^?]+)/u.exec(url)?.[1],
    });
    h.clock.advance(DURATION_MS);
    const ended = await h.call("GET", url);
    expect(ended.body).toMatchObject({ status: "Succeeded" });
    expect(ended.body["endTime"]).toMatch(/^2026-01-01T00:[1-4]\d:\d\d\.\d{7}\+00:00$/u);
  });
});

describe("a failed region", () => {
  const failEast = (atProgress?: number) =>
    h.simulator.control.failRegion({
      versionId: versionId("1.0.0"),
      region: "eastus2",
      message: "Disk encryption set key is disabled.",
      ...(atProgress === undefined ? {} : { atProgress }),
    });

  test("fails the version through the operation, naming the region; the others complete", async () => {
    await failEast(40);
    const { poller } = await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS);
    await expect(poller.pollUntilDone()).rejects.toThrow(
      "CrpPirReplicationJobsNotCompleted. Replication job not completed at region: eastus2",
    );
    const { provisioningState, replicationStatus } = await get(h.client, "1.0.0", true);
    expect(provisioningState).toBe("Failed");
    expect(replicationStatus).toEqual({
      aggregatedState: "Failed",
      summary: [
        { region: "West US", state: "Completed", progress: 100, details: "" },
        {
          region: "East US 2",
          state: "Failed",
          progress: 40,
          details: "Disk encryption set key is disabled.",
        },
      ],
    });
  });

  test("may fail while it replicates, where it stands", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS * 0.3);
    const before = (await replication(h.client, "1.0.0"))["East US 2"];
    await failEast();
    expect((await replication(h.client, "1.0.0"))["East US 2"]).toEqual({
      state: "Failed",
      progress: before?.progress,
    });
  });

  test("invariant 4: is repaired by removing it and adding it back, in two updates", async () => {
    await failEast();
    const full = encryptedVersion({
      safetyProfile: { allowDeletionOfReplicatedLocations: true },
    });
    await submit(h.client, "1.0.0", full);
    h.clock.advance(DURATION_MS);
    await submit(h.client, "1.0.0", full);
    h.clock.advance(DURATION_MS);
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Failed");

    const westOnly = {
      ...full,
      publishingProfile: {
        targetRegions: full.publishingProfile?.targetRegions?.slice(0, 1) ?? [],
      },
    };
    await submit(h.client, "1.0.0", westOnly);
    h.clock.advance(DURATION_MS);
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Succeeded");
    await submit(h.client, "1.0.0", full);
    expect(await replication(h.client, "1.0.0")).toMatchObject({
      "West US": { state: "Completed" },
      "East US 2": { state: "Unknown" },
    });
    h.clock.advance(DURATION_MS);
    expect((await get(h.client, "1.0.0", true)).replicationStatus?.aggregatedState).toBe(
      "Completed",
    );
    expect(h.simulator.control.creates(versionId("1.0.0"))).toBe(1);
  });

  test("that stalls makes no progress until it is resumed", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    await h.simulator.control.stallRegion({
      versionId: versionId("1.0.0"),
      region: "eastus2",
      atProgress: 60,
    });
    h.clock.advance(DURATION_MS * 10);
    expect((await replication(h.client, "1.0.0"))["East US 2"]).toEqual({
      state: "Replicating",
      progress: 60,
    });
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Creating");
    await h.simulator.control.resumeRegion({
      versionId: versionId("1.0.0"),
      region: "East US 2",
    });
    expect((await replication(h.client, "1.0.0"))["East US 2"]?.progress).toBe(60);
    h.clock.advance(DURATION_MS / 2);
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Succeeded");
  });
});

test("a Hyper-V generation that does not match is refused through the operation, not by the PUT", async () => {
  await h.simulator.control.putResource(
    resourcesIn(SUBSCRIPTION, GROUP).imageDefinition("MyGallery", "MyImage", "westus", {
      hyperVGeneration: "V1",
    }),
  );
  const { poller } = await submit(h.client, "1.0.0", encryptedVersion());
  expect((await get(h.client, "1.0.0")).provisioningState).toBe("Creating");
  h.clock.advance(DURATION_MS);
  await expect(poller.pollUntilDone()).rejects.toThrow(
    /Conflict\. The resource with id .* has a different Hypervisor generation \['V2'\]/u,
  );
  const { provisioningState, replicationStatus } = await get(h.client, "1.0.0", true);
  expect(provisioningState).toBe("Failed");
  expect(replicationStatus?.aggregatedState).toBe("Failed");
});

describe("updating a version", () => {
  beforeEach(async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS);
  });

  test("adds a region and leaves what is replicated alone", async () => {
    const { targetRegions = [] } = encryptedVersion().publishingProfile ?? {};
    const { poller } = await submit(
      h.client,
      "1.0.0",
      encryptedVersion({
        publishingProfile: {
          targetRegions: [...targetRegions, region("East US", "EastUS")],
        },
      }),
    );
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Updating");
    expect(await replication(h.client, "1.0.0")).toMatchObject({
      "West US": { state: "Completed" },
      "East US 2": { state: "Completed" },
      "East US": { state: "Unknown" },
    });
    h.clock.advance(DURATION_MS);
    expect((await poller.pollUntilDone()).provisioningState).toBe("Succeeded");
  });

  test("by PATCH keeps what it does not name, and answers 200", async () => {
    const answer = await h.call("PATCH", versionId("1.0.0"), {
      body: {
        properties: { publishingProfile: { excludeFromLatest: true } },
        tags: { stage: "test" },
      },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("azure-asyncoperation")).toContain("capsOperations");
    const { publishingProfile, tags } = await get(h.client, "1.0.0");
    expect(tags).toEqual({ stage: "test" });
    expect(publishingProfile).toMatchObject({ excludeFromLatest: true });
    expect(publishingProfile?.targetRegions).toHaveLength(2);
    h.clock.advance(DURATION_MS);
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Succeeded");
  });

  test("by PATCH through the SDK replaces the list of regions: one left out is removed", async () => {
    const poller = h.client.galleryImageVersions.update(GROUP, "MyGallery", "MyImage", "1.0.0", {
      publishingProfile: { targetRegions: [region("westus", "WestUS")] },
      safetyProfile: { allowDeletionOfReplicatedLocations: true },
    });
    await poller.submitted();
    expect(Object.keys(await replication(h.client, "1.0.0"))).toEqual(["West US"]);
  });

  test("refuses to remove a region unless the safety profile allows it", async () => {
    const change = encryptedVersion({
      publishingProfile: { targetRegions: [region("westus", "WestUS")] },
    });
    await expect(submit(h.client, "1.0.0", change)).rejects.toMatchObject({
      statusCode: 400,
      code: "InvalidParameter",
      message: expect.stringContaining("allowDeletionOfReplicatedLocations") as string,
    });
    expect(Object.keys(await replication(h.client, "1.0.0"))).toHaveLength(2);
  });

  test.each([
    [
      "the source",
      { storageProfile: { source: { id: `${COMPUTE}/images/another` } } },
      "storageProfile.source.id",
    ],
    [
      "the replication mode",
      {
        publishingProfile: {
          ...encryptedVersion().publishingProfile,
          replicationMode: "Shallow",
        },
      },
      "publishingProfile.replicationMode",
    ],
    [
      "the storage account type",
      {
        publishingProfile: {
          ...encryptedVersion().publishingProfile,
          storageAccountType: "Premium_LRS",
        },
      },
      "publishingProfile.storageAccountType",
    ],
    [
      "own keys back to platform keys",
      {
        publishingProfile: {
          targetRegions: [{ name: "westus" }, { name: "eastus2" }],
        },
      },
      "targetRegions[0].encryption",
    ],
    [
      "a region's storage account type",
      {
        publishingProfile: {
          targetRegions: [
            region("westus", "WestUS", { storageAccountType: "Premium_LRS" }),
            region("eastus2", "EastUS2"),
          ],
        },
      },
      "targetRegions[0].storageAccountType",
    ],
  ])("invariant 5: refuses to change %s", async (_what, change, property) => {
    await expect(submit(h.client, "1.0.0", encryptedVersion(change))).rejects.toMatchObject({
      statusCode: 409,
      code: "PropertyChangeNotAllowed",
      message: expect.stringContaining(property) as string,
    });
  });

  test("fails with NotFound when a disk encryption set is gone", async () => {
    await h.simulator.control.removeResource(
      `${COMPUTE}/diskEncryptionSets/EastUS2DiskEncryptionSet1`,
    );
    await expect(submit(h.client, "1.0.0", encryptedVersion())).rejects.toMatchObject({
      statusCode: 404,
      code: "NotFound",
    });
  });

  test("goes on when its source is gone", async () => {
    await h.simulator.control.removeResource(`${COMPUTE}/images/myImage`);
    await submit(h.client, "1.0.0", encryptedVersion({ tags: { a: "b" } }));
    h.clock.advance(DURATION_MS);
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Succeeded");
  });
});

describe("deleting a version", () => {
  test("answers 202 with both URLs and Retry-After: 60, and is done at 404", async () => {
    await submit(h.client, "1.0.0", plainVersion());
    h.clock.advance(DURATION_MS);
    const answer = await h.call("DELETE", versionId("1.0.0"));
    expect(answer.status).toBe(202);
    expect(answer.headers.get("retry-after")).toBe("60");
    const location = answer.headers.get("location") ?? "";
    expect((await h.call("GET", location)).status).toBe(202);
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Deleting");
    h.clock.advance(DURATION_MS);
    expect((await h.call("GET", location)).status).toBe(200);
    expect(
      (await h.call("GET", answer.headers.get("azure-asyncoperation") ?? "")).body,
    ).toMatchObject({ status: "Succeeded" });
    await expect(get(h.client, "1.0.0")).rejects.toMatchObject({
      statusCode: 404,
      code: "ResourceNotFound",
    });
  });

  test("is followed by the SDK's poller", async () => {
    await submit(h.client, "1.0.0", plainVersion());
    const poller = h.client.galleryImageVersions.delete(GROUP, "MyGallery", "MyImage", "1.0.0");
    await poller.submitted();
    h.clock.advance(DURATION_MS);
    await poller.pollUntilDone();
    expect((await h.call("GET", versionId("1.0.0"))).status).toBe(404);
  });

  test("of nothing is 204", async () => {
    expect((await h.call("DELETE", versionId("9.9.9"))).status).toBe(204);
  });

  test("invariant 2: a PUT meanwhile is 409, and afterwards creates anew", async () => {
    await submit(h.client, "1.0.0", plainVersion());
    await h.call("DELETE", versionId("1.0.0"));
    await expect(submit(h.client, "1.0.0", plainVersion())).rejects.toMatchObject({
      statusCode: 409,
    });
    h.clock.advance(DURATION_MS);
    await submit(h.client, "1.0.0", plainVersion());
    expect(h.simulator.control.creates(versionId("1.0.0"))).toBe(2);
  });

  test("is blocked before the end of life when the safety profile says so", async () => {
    await submit(
      h.client,
      "1.0.0",
      plainVersion({
        publishingProfile: {
          targetRegions: [{ name: "westus" }],
          endOfLifeDate: new Date("2026-06-01"),
        },
        safetyProfile: { blockDeletionBeforeEndOfLife: true },
      }),
    );
    expect(await h.call("DELETE", versionId("1.0.0"))).toMatchObject({
      status: 409,
      body: {
        error: { code: "DeleteGalleryImageVersionBlockedBeforeEndOfLife" },
      },
    });
    h.clock.advance(200 * 24 * 3_600_000);
    expect((await h.call("DELETE", versionId("1.0.0"))).status).toBe(202);
  });
});
