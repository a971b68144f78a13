import { describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { ImageVersionRequest, ImageVersionView } from "../../../src/image-version/contract.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { errorsAmong } from "../../../src/image-version/preflight/judge.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { viewImageVersion } from "../../../src/image-version/queries/views.js";
import { viewOperation } from "../../support/views.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { idOf, request, TRACEPARENT, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import {
  managedImageRequest,
  seedRegion,
  seedResource,
  snapshotsRequest,
} from "../../support/requests.js";
import { naming } from "../../support/naming.js";

let world: InProcess;
let id: string;
// A region that fails is a region that failed: repairs have tests of their own.
inOwnWorld(
  {
    replicationMs: 10 * 60_000,
    pace: { repairAttempts: 0 },
  },
  (given, versionId) => {
    world = given;
    id = versionId;
  },
);

async function eventsOf(subject: string): Promise<CloudEvent[]> {
  return (await world.takeEvents()).filter((event) => event.subject === subject);
}

async function viewOf(versionId: string): Promise<ImageVersionView> {
  return viewImageVersion(await getImageVersion(world.deps, idOf(versionId)), world.deps.now());
}

function kinds(events: readonly CloudEvent[]): string[] {
  return events
    .map((event) => {
      const { region } = event.data as { region?: string };
      return `${event.type.replace("Sigil.ImageVersion.", "")}${region ? ` ${region}` : ""}`;
    })
    .filter((kind) => !kind.startsWith("RegionReplicating"));
}

/** A version that ARM already has, made there by somebody else. */
async function putInAzure(body: ImageVersionRequest): Promise<void> {
  const url = await world.deps.resourceManager.putImageVersion(idOf(id), body);
  expect(url).toMatch(/operations\//iu);
}

describe("a version of which every region completes", () => {
  test("is Succeeded only when the last region is Completed, with an event for each", async () => {
    await request(world.deps, id, managedImageRequest());
    await world.runDue();
    const seen: string[][] = [];
    for (;;) {
      const { record: version } = await world.read(id);
      seen.push([version.state, ...version.regions.map(({ state }) => state)]);
      if (version.state === "Succeeded") break;
      world.clock.advance(Date.parse(version.dueTime) - world.clock.now());
      await world.runDue();
    }
    expect(seen.at(-1)).toEqual(["Succeeded", "Completed", "Completed"]);
    for (const [state, ...regions] of seen.slice(0, -1)) {
      expect(state).toBe("Replicating");
      expect(regions).not.toEqual(["Completed", "Completed"]);
    }
    const events = await eventsOf(id);
    expect(kinds(events)).toEqual([
      "Accepted",
      "Creating",
      expect.stringMatching(/^RegionCompleted/u),
      expect.stringMatching(/^RegionCompleted/u),
      "Completed",
    ]);
    expect(
      events.find(
        ({ data, type }) =>
          type.endsWith("RegionCompleted") && (data as { region: string }).region === "westus",
      )?.data,
    ).toMatchObject({
      region: "westus",
      regionalReplicaCount: 2,
      encryption: {
        osDiskImage: {
          type: "EncryptionAtRestWithCustomerKey",
          diskEncryptionSetId: seedResource("diskEncryptionSets/WestUSDiskEncryptionSet1"),
        },
        dataDiskImages: [
          {
            lun: 0,
            type: "EncryptionAtRestWithCustomerKey",
            diskEncryptionSetId: seedResource("diskEncryptionSets/WestUSDiskEncryptionSet2"),
          },
        ],
      },
    });
    for (const event of events) {
      expect(event).toMatchObject({
        specversion: "1.0",
        source: "urn:sigil:test",
        traceparent: TRACEPARENT,
        datacontenttype: "application/json",
      });
    }
  });

  test("whose operation succeeds at its home region goes on until the others are there", async () => {
    await world.simulator.control.setSucceededWhen("homeRegion");
    await request(world.deps, id, managedImageRequest());
    const operation = await world.finish(id);
    await world.simulator.control.setSucceededWhen("everyRegion");
    expect(operation.status).toBe("Succeeded");
    expect(operation.regions.map(({ state }) => state)).toEqual(["Completed", "Completed"]);
  });

  test("looks after 15, 30 and 60 seconds, then by the progress of its regions, and says when they are expected", async () => {
    await request(world.deps, id, managedImageRequest());
    await world.runDue();
    const waits: number[] = [];
    let expected: string | undefined;
    for (;;) {
      const { record: version, operation } = await world.read(id);
      if (version.state === "Succeeded") break;
      expected = viewOperation(operation).expectedEndTime ?? expected;
      waits.push(Date.parse(version.dueTime) - world.clock.now());
      world.clock.advance(waits.at(-1) ?? 0);
      await world.runDue();
    }
    expect(waits.slice(0, 3).map((ms) => Math.round(ms / 1_000))).toEqual([15, 30, 60]);
    expect(waits.length).toBeLessThan(12);
    const { operation } = await world.read(id);
    expect(Math.abs(Date.parse(operation.endTime ?? "") - Date.parse(expected ?? ""))).toBeLessThan(
      15_000,
    );
    expect(JSON.stringify(viewOperation(operation))).not.toContain("expectedEndTime");
  });

  test("made from snapshots has the encryption that was asked for", async () => {
    await request(world.deps, id, snapshotsRequest("eastus2"));
    expect((await world.finish(id)).status).toBe("Succeeded");
    const view = await viewOf(id);
    expect(view.sigil.regions).toMatchObject([
      { name: "westus", encryption: { dataDiskImages: [{ lun: 0 }] } },
      { name: "eastus2", encryption: { dataDiskImages: [{ lun: 0 }] } },
    ]);
  });

  test("made from a virtual machine has its data disks' keys", async () => {
    const source = { virtualMachineId: seedResource("virtualMachines/myVM") };
    const body = managedImageRequest();
    await request(world.deps, id, {
      ...body,
      properties: { ...body.properties, storageProfile: { source } },
    });
    expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
    expect((await world.read(id)).record.dataDiskLuns).toEqual([0]);
  });

  test("with no disk encryption set has platform keys everywhere", async () => {
    const body = managedImageRequest();
    await request(world.deps, id, {
      ...body,
      properties: {
        storageProfile: body.properties.storageProfile,
        publishingProfile: {
          targetRegions: [{ name: "westus" }, { name: "uksouth" }],
        },
      },
    });
    expect((await world.finish(id)).status).toBe("Succeeded");
    expect((await viewOf(id)).sigil.regions[1]?.encryption).toEqual({
      osDiskImage: { type: "EncryptionAtRestWithPlatformKey" },
      dataDiskImages: [{ lun: 0, type: "EncryptionAtRestWithPlatformKey" }],
    });
  });
});

describe("a version that breaks a rule over facts", () => {
  test("ends Failed with every finding, and nothing was created", async () => {
    await request(world.deps, id, snapshotsRequest("eastus"));
    const operation = await world.finish(id);
    expect(operation).toMatchObject({
      status: "Failed",
      error: {
        code: "PreflightFailed",
        message: naming(["2"]) as string,
        errors: ["osDiskImage", "dataDiskImages/0"].map((disk, i) => ({
          code: "DiskEncryptionSetInOtherRegion",
          pointer: `/properties/publishingProfile/targetRegions/1/encryption/${disk}/diskEncryptionSetId`,
          message: naming([
            seedResource(`diskEncryptionSets/EastUS2DiskEncryptionSet${i + 1}`),
            "eastus2",
            "eastus",
          ]),
          remediation: expect.stringContaining(
            "az disk-encryption-set create --location eastus",
          ) as string,
        })),
      },
    });
    expect(world.simulator.control.creates(id)).toBe(0);
    expect(kinds(await eventsOf(id))).toEqual(["Accepted", "Failed"]);
  });
});

test("a subscription that is not registered is a finding, whatever ARM answers to reads there", async () => {
  const { control } = world.simulator;
  const compute = {
    subscriptionId: LOCAL_SUBSCRIPTION_ID,
    namespace: "Microsoft.Compute",
  };
  await control.setRegistrationState({ ...compute, state: "NotRegistered" });
  control.addFault({
    method: "GET",
    path: "Microsoft.Compute/(galleries|images|diskEncryptionSets)",
    times: null,
    status: 409,
    body: {
      error: {
        code: "MissingSubscriptionRegistration",
        message: "The subscription is not registered to use namespace 'Microsoft.Compute'.",
      },
    },
  });
  const found = [{ code: "ProviderNotRegistered", pointer: "" }];
  const { findings } = await planImageVersion(world.deps, {
    id: idOf(id),
    body: managedImageRequest(),
  });
  expect(errorsAmong(findings)).toMatchObject(found);
  await request(world.deps, id, managedImageRequest());
  expect((await world.finish(id)).error).toMatchObject({
    code: "PreflightFailed",
    errors: found,
  });
  control.clearFaults();
  await control.setRegistrationState({ ...compute, state: "Registered" });
});

describe("a version of which a region fails", () => {
  test("lets the others complete, and then ends Failed naming it", async () => {
    await request(world.deps, id, managedImageRequest());
    await world.runDue();
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      message: "Out of capacity in eastus2.",
      atProgress: 20,
    });
    const operation = await world.finish(id);
    expect(operation).toMatchObject({
      status: "Failed",
      error: {
        code: "ReplicationFailed",
        message: naming(["eastus2"]) as string,
        errors: [
          {
            pointer: "/properties/publishingProfile/targetRegions/1",
            message: "Replication to eastus2 failed: Out of capacity in eastus2.",
          },
        ],
      },
      regions: [
        { name: "westus", state: "Completed" },
        {
          name: "eastus2",
          state: "Failed",
          details: "Out of capacity in eastus2.",
        },
      ],
    });
    const events = await eventsOf(id);
    expect(kinds(events)).toEqual([
      "Accepted",
      "Creating",
      "RegionFailed eastus2",
      "RegionCompleted westus",
      "Failed",
    ]);
    expect(events.at(-1)?.data).toMatchObject({
      regions: [
        { name: "westus", state: "Completed" },
        { name: "eastus2", state: "Failed" },
      ],
    });
  });

  test("tells the reason that ARM's operation gives when it gives the version up", async () => {
    // A Hyper-V generation mismatch is refused by the operation, not by the PUT. Here it comes up after the preflight.
    const { control } = world.simulator;
    const image = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup").managedImage(
      "generation1",
      "westus",
      [0],
    );
    await control.putResource({
      ...image,
      properties: { ...image.properties, hyperVGeneration: "V1" },
    });
    control.addFault({
      path: "/images/generation1\\?",
      action: "respond",
      status: 200,
      body: image,
    });
    const body = managedImageRequest();
    await request(world.deps, id, {
      ...body,
      properties: {
        ...body.properties,
        storageProfile: { source: { id: image.id } },
      },
    });
    const operation = await world.finish(id);
    expect(operation).toMatchObject({
      status: "Failed",
      error: {
        code: "ReplicationFailed",
        message: expect.stringMatching(
          /not usable in westus, eastus2\. Azure Resource Manager says: .*[Gg]eneration/u,
        ) as string,
      },
    });
    expect(operation.error?.errors).toHaveLength(2);
    expect(operation.error?.errors[0]?.code).toBe("HyperVGenerationMismatch");
    expect(control.creates(id)).toBe(1);
  });
});

describe("a version whose encryption was lost", () => {
  test("ends Failed once two looks ten minutes apart show that, naming each disk and region", async () => {
    const lossy = {
      ...world.deps,
      resourceManager: {
        ...world.deps.resourceManager,
        // ARM drops what it is not told: here all keys of eastus2.
        putImageVersion: (
          ...[to, body]: Parameters<typeof world.deps.resourceManager.putImageVersion>
        ) =>
          world.deps.resourceManager.putImageVersion(to, {
            ...body,
            properties: {
              ...body.properties,
              publishingProfile: {
                targetRegions: (body.properties.publishingProfile?.targetRegions ?? []).map(
                  ({ encryption: _, ...region }) => region,
                ),
              },
            },
          }),
      },
    };
    await request(world.deps, id, managedImageRequest());
    for (const message of await world.takeDue()) await world.handle(message, lossy);
    const sent = world.clock.now();
    const operation = await world.finish(id);
    expect(world.clock.now() - sent).toBeGreaterThanOrEqual(600_000);
    expect(operation).toMatchObject({
      status: "Failed",
      error: {
        code: "NotShown",
        message: expect.any(String) as string,
      },
    });
    const pointers = operation.error?.errors.map(({ pointer }) => pointer);
    expect(pointers?.filter((pointer) => pointer.endsWith("Id"))).toEqual(
      [0, 1].flatMap((region) =>
        ["osDiskImage", "dataDiskImages/0"].map(
          (disk) =>
            `/properties/publishingProfile/targetRegions/${region}/encryption/${disk}/diskEncryptionSetId`,
        ),
      ),
    );
    expect(kinds(await eventsOf(id)).at(-1)).toBe("Failed");
  });
});

describe("a version that Azure already has", () => {
  test("and that is the same is followed, and not written again", async () => {
    await putInAzure(managedImageRequest());
    world.simulator.control.clearRequests();
    await request(world.deps, id, managedImageRequest());
    expect((await world.finish(id)).status).toBe("Succeeded");
    expect(world.simulator.control.countRequests({ method: "PUT" })).toBe(0);
    expect(world.simulator.control.creates(id)).toBe(1);
    expect((await viewOf(id)).sigil.regions[0]?.encryption.osDiskImage.type).toBe(
      "EncryptionAtRestWithCustomerKey",
    );
  });

  const profile = (
    change: object,
    more: Partial<ImageVersionRequest> = {},
  ): ImageVersionRequest => {
    const body = managedImageRequest();
    return {
      ...body,
      ...more,
      properties: {
        ...body.properties,
        publishingProfile: {
          ...body.properties.publishingProfile,
          ...change,
        },
      },
    };
  };
  const body = managedImageRequest();
  const westus = seedRegion("westus", "WestUS", {
    regionalReplicaCount: 2,
    storageAccountType: "Standard_LRS",
  });

  test.each<[string, ImageVersionRequest, string]>([
    [
      "another source",
      {
        ...body,
        properties: {
          ...body.properties,
          storageProfile: snapshotsRequest("eastus2").properties.storageProfile,
        },
      },
      "/properties/storageProfile/source",
    ],
    [
      "another replica count",
      profile({
        targetRegions: [{ ...westus, regionalReplicaCount: 3 }, seedRegion("eastus2", "EastUS2")],
      }),
      "/properties/publishingProfile/targetRegions/0/regionalReplicaCount",
    ],
    [
      "a region less",
      profile({ targetRegions: [westus] }),
      "/properties/publishingProfile/targetRegions/1",
    ],
  ])("and that has %s is left as it is", async (_, existing, pointer) => {
    await putInAzure(existing);
    world.simulator.control.clearRequests();
    await request(world.deps, id, managedImageRequest());
    const operation = await world.finish(id);
    expect(operation).toMatchObject({
      status: "Failed",
      error: {
        code: "ImageVersionExists",
        message: naming([id]),
      },
    });
    expect(operation.error?.errors[0]?.pointer).toMatch(new RegExp(`^${pointer}`, "u"));
    expect(world.simulator.control.countRequests({ method: "PUT" })).toBe(0);
  });

  test.each<[string, ImageVersionRequest]>([
    [
      "a region more",
      profile({
        targetRegions: [westus, seedRegion("eastus2", "EastUS2"), seedRegion("eastus", "EastUS")],
      }),
    ],
    ["an end of life", profile({ endOfLifeDate: "2091-01-01T00:00:00Z" })],
    ["exclusion from latest", profile({ excludeFromLatest: true })],
    ["a tag", profile({}, { tags: { owner: "others" } })],
  ])(
    "and that has %s, of which the request says nothing, is adopted as it is",
    async (_, existing) => {
      await putInAzure(existing);
      world.clock.advance(20 * 60_000);
      world.simulator.control.clearRequests();
      const before = await world.deps.resourceManager.getImageVersion(idOf(id));
      await request(world.deps, id, managedImageRequest());
      expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
      expect(world.simulator.control.countRequests({ method: "PUT" })).toBe(0);
      expect(await world.deps.resourceManager.getImageVersion(idOf(id))).toEqual(before);
      expect((await viewOf(id)).sigil).toMatchObject({
        managedBy: "Sigil",
        pending: [],
      });
    },
  );
});
