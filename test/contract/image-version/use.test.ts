/** Who uses a version, by Resource Graph as the simulator has it. */
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { expect, test } from "vitest";
import { getImageUse } from "../../../src/image-version/queries/use.js";
import { idOf, request, type InProcess } from "../../support/dependencies.js";
import { CONSUMER, putUser } from "../../support/image-users.js";
import { inOwnWorld } from "../../support/own-world.js";
import { managedImageRequest, seedResource } from "../../support/requests.js";
import { refusal } from "../../support/refusal.js";
import { naming } from "../../support/naming.js";

const IMAGE = seedResource("galleries/MyGallery/images/MyImage");

let world: InProcess;
let version: string;
inOwnWorld(
  {
    replicationMs: 60_000,
    consumerSubscriptions: [CONSUMER],
  },
  (given, versionId) => {
    world = given;
    version = versionId;
  },
);

const use = () => getImageUse(world.deps, idOf(version));

async function publish(): Promise<void> {
  await request(world.deps, version, managedImageRequest());
  await world.finish(version);
}

const put = (...given: Rest<Parameters<typeof putUser>>) => putUser(world, ...given);
type Rest<All extends unknown[]> = All extends [unknown, ...infer Others] ? Others : never;

test("counts those that name it by number and as the latest, by region and kind, in every subscription", async () => {
  await publish();
  const sets = await Promise.all([
    put("virtualMachineScaleSets", "a", version.toUpperCase()),
    put("virtualMachineScaleSets", "b", IMAGE, { region: "eastus2" }),
    put("virtualMachineScaleSets", "c", IMAGE, { region: "northeurope" }),
  ]);
  await put("virtualMachines", "d", version, {
    subscription: LOCAL_SUBSCRIPTION_ID,
  });
  await put("virtualMachines", "e", version, { ephemeral: true });
  await put("virtualMachines", "f", `${IMAGE}/versions/0.0.1`);
  expect(await use()).toMatchObject({
    needed: "yes",
    scaleSets: {
      count: 2,
      regions: [
        { name: "eastus2", count: 1 },
        { name: "westus", count: 1 },
      ],
      first: [
        { id: sets[0], region: "westus" },
        { id: sets[1], region: "eastus2" },
      ],
    },
    ephemeralMachines: { count: 1 },
    machines: { count: 1, regions: [{ name: "westus", count: 1 }] },
    subscriptions: [LOCAL_SUBSCRIPTION_ID, CONSUMER],
    notSeen: [],
    complete: true,
    warnings: [],
  });
});

test("names the first ten", async () => {
  await publish();
  for (let i = 0; i < 12; i += 1) await put("virtualMachines", `n${i}`, version);
  const { machines, needed } = await use();
  expect(needed).toBe("no");
  expect(machines.count).toBe(12);
  expect(machines.first).toHaveLength(10);
});

test("a subscription that may not be read is not seen, and nobody knows who needs the version", async () => {
  await publish();
  const { control } = world.simulator;
  const denial = {
    action: "Microsoft.Compute/virtualMachineScaleSets/read",
    scope: `/subscriptions/${CONSUMER}`,
  };
  await control.denyAction(denial);
  const found = await use();
  await control.allowAction(denial);
  expect(found.needed).toBe("unknown");
  expect(found.notSeen).toMatchObject([
    { subscriptionId: CONSUMER, code: "ResourceManagerForbidden" },
  ]);
  expect(found.notSeen[0]?.message).toContain("Give it the role Reader");
});

test.each([
  ["cannot be read", 400],
  ["is said not to be there, though the version is", 404],
])("where the list of versions %s, nobody knows who uses the latest", async (_, status) => {
  await publish();
  world.clock.advance(60_000);
  world.simulator.control.addFault({
    method: "GET",
    path: "/images/MyImage/versions\\?",
    action: "respond",
    status,
    times: null,
  });
  expect(await use()).toMatchObject({
    needed: "unknown",
    warnings: [{ code: "LatestUnknown" }],
  });
});

test("what was made just now is not shown yet", async () => {
  await publish();
  const { control } = world.simulator;
  await control.setResourceGraphLag({ ms: 60_000 });
  await put("virtualMachineScaleSets", "late", version);
  expect((await use()).scaleSets.count).toBe(0);
  world.clock.advance(60_000);
  expect((await use()).scaleSets.count).toBe(1);
  await control.setResourceGraphLag({ ms: 0 });
});

test("of a version that is not there nobody is asked", async () => {
  expect(await refusal(use())).toMatchObject({ code: "NotFound" });
  expect(world.simulator.control.countRequests({ path: "ResourceGraph" })).toBe(0);
});

test("advises more replicas where there are more machines than Microsoft has them make at the same time", async () => {
  const body = managedImageRequest();
  const [westus, eastus2] = body.properties.publishingProfile?.targetRegions ?? [];
  if (westus === undefined || eastus2 === undefined) throw new Error("the seed has two regions");
  await request(world.deps, version, {
    ...body,
    properties: {
      ...body.properties,
      publishingProfile: {
        targetRegions: [
          { ...westus, regionalReplicaCount: 1 },
          { ...eastus2, regionalReplicaCount: 2 },
        ],
      },
    },
  });
  await world.finish(version);
  const machines = async (region: string, count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1)
      await put("virtualMachines", `${region}-${i}`, version, { region });
  };
  await machines("westus", 20);
  await machines("eastus2", 40);
  expect((await use()).warnings).toEqual([]);
  await machines("westus", 21);
  world.clock.advance(30_000);
  expect((await use()).warnings).toMatchObject([
    {
      code: "FewReplicas",
      message: naming(["westus", "21", "20"]),
      remediation: naming(["regionalReplicaCount", "westus"]),
    },
  ]);
});

test("advises no more replicas of a shallow version, which has one", async () => {
  const body = managedImageRequest();
  const [westus] = body.properties.publishingProfile?.targetRegions ?? [];
  if (westus === undefined) throw new Error("the seed has a region");
  await request(world.deps, version, {
    ...body,
    properties: {
      ...body.properties,
      publishingProfile: {
        targetRegions: [{ ...westus, regionalReplicaCount: 1 }],
        replicationMode: "Shallow",
      },
    },
  });
  expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  for (let i = 0; i < 41; i += 1)
    await put("virtualMachines", `west-${i}`, version, { region: "westus" });
  expect((await use()).warnings).toEqual([]);
});
