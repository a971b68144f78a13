import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import type { TestProfileBody } from "../../../src/machine-test/contract.js";
import type { TestProfileDependencies } from "../../../src/machine-test/profile-ports.js";
import { putTestProfile } from "../../../src/machine-test/put-test-profile.js";
import { ServiceError, type Finding } from "../../../src/errors.js";
import { startInProcess, type InProcess } from "../../support/dependencies.js";
import { createMemoryImageDocuments } from "../../support/fakes/image-documents.js";
import { naming } from "../../support/naming.js";

const images = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
const tests = resourcesIn(LOCAL_SUBSCRIPTION_ID, "ImageTests");
const GROUP = `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/ImageTests`;
const subnet = (region: string, name = "machines"): string =>
  tests.virtualNetwork(`tests-${region}`, region, []).id + `/subnets/${name}`;
const IMAGE = images.id("galleries/MyGallery/images/MyImage");
const PLAN = {
  name: "9-gen2",
  publisher: "contoso",
  product: "hardened-linux",
};

let world: InProcess;
let deps: TestProfileDependencies;
beforeAll(async () => {
  world = await startInProcess();
  const { control } = world.simulator;
  await control.putResource(tests.group("westus"));
  for (const region of ["westus", "eastus2"])
    await control.putResource(tests.virtualNetwork(`tests-${region}`, region, ["machines"]));
});
afterAll(() => world.close());
beforeEach(() => {
  const { machines, deps: imageVersions } = world;
  deps = {
    profiles: createMemoryImageDocuments("test profile"),
    machines,
    resources: imageVersions.resources,
    subscriptions: imageVersions.subscriptions,
    now: imageVersions.now,
  };
  world.simulator.control.clearRequests();
});
/** Takes back what a test has changed. */
let undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const each of undo) await each();
  undo = [];
});

function body(more: object = {}): TestProfileBody {
  return {
    machineSize: "Standard_D2s_v5",
    resourceGroupName: "ImageTests",
    regions: [
      { name: "West US", subnetId: subnet("westus") },
      { name: "eastus2", subnetId: subnet("eastus2") },
    ],
    proof: { kind: "agentReady" },
    ...more,
  } as TestProfileBody;
}

const put = (more?: object, imageId = IMAGE) =>
  putTestProfile(deps, {
    imageId,
    body: body(more),
    setBy: { appId: "admin" },
  });

/** Of what is refused, `code pointer` each; nothing is stored then. */
async function refusal(more?: object, imageId?: string): Promise<string[]> {
  const error: unknown = await put(more, imageId).catch((thrown: unknown) => thrown);
  if (!(error instanceof ServiceError)) throw new TypeError("it was stored");
  expect(error.code).toBe("PreflightFailed");
  expect(await deps.profiles.read(imageId ?? IMAGE)).toBeUndefined();
  return error.findings.map(brief);
}

const brief = ({ code, pointer }: Finding): string => `${code} ${pointer}`;

async function define(name: string, properties: object): Promise<string> {
  const definition = images.imageDefinition("MyGallery", name, "westus", {
    ...properties,
  });
  await world.simulator.control.putResource(definition);
  return definition.id;
}

test("a profile whose machines can be made is stored, by two reads a region and few others", async () => {
  await world.simulator.control.setPageSize(100);
  const { profile, warnings } = await put();
  expect(warnings).toEqual([]);
  expect((await deps.profiles.read(IMAGE))?.document).toEqual(profile);
  // The definition, the group's permissions; for each region its sizes, quotas, network, and the subnet's permissions.
  expect(world.simulator.control.countRequests()).toBe(10);
  expect(world.simulator.control.countRequests({ method: "PUT" })).toBe(0);
  // Set again, it takes the place of the one before.
  await put({ concurrency: 1 });
  expect((await deps.profiles.read(IMAGE))?.document.concurrency).toBe(1);
});

test("there is no profile of an image definition that is not there", async () => {
  await expect(put({}, images.id("galleries/MyGallery/images/None"))).rejects.toMatchObject({
    code: "NotFound",
  });
});

test("a subnet that is not there, or in another region", async () => {
  expect(
    await refusal({
      regions: [
        { name: "westus", subnetId: subnet("westus", "none") },
        { name: "eastus2", subnetId: subnet("westus") },
        { name: "eastus", subnetId: subnet("eastus") },
      ],
    }),
  ).toEqual([
    "SubnetNotFound /regions/0/subnetId",
    "SubnetRegion /regions/1/subnetId",
    "SubnetNotFound /regions/2/subnetId",
  ]);
});

test("a size that is not offered, not to this subscription, or that the image cannot run on", async () => {
  const { control } = world.simulator;
  await control.setMachineSize({
    region: "eastus2",
    size: "Standard_D2s_v5",
    restriction: "NotAvailableForSubscription",
  });
  undo.push(() =>
    control.setMachineSize({
      region: "eastus2",
      size: "Standard_D2s_v5",
      restriction: null,
    }),
  );
  const [west, east] = body().regions;
  expect(
    await refusal({
      regions: [{ ...west, machineSize: "Standard_D2s_v55" }, east],
    }),
  ).toEqual(["MachineSizeNotOffered /regions/0/machineSize", "MachineSizeNotOffered /machineSize"]);
  expect(
    await refusal({
      regions: [{ ...west, machineSize: "Standard_D2ps_v5" }],
    }),
  ).toEqual(["MachineSizeUnfit /regions/0/machineSize"]);
  const trusted = await define("Trusted", {
    features: [{ name: "SecurityType", value: "TrustedLaunch" }],
  });
  expect(await refusal({ machineSize: "Standard_DS1_v2", regions: [west] }, trusted)).toEqual([
    "MachineSizeUnfit /machineSize",
    "MachineSizeUnfit /machineSize",
  ]);
  const confidential = await define("Confidential", {
    features: [{ name: "SecurityType", value: "ConfidentialVM" }],
  });
  expect(await refusal({ regions: [west] }, confidential)).toEqual([
    "MachineSizeUnfit /machineSize",
  ]);
  await expect(
    put({ machineSize: "standard_dc2as_v5", regions: [west] }, confidential),
  ).resolves.toMatchObject({ warnings: [] });
});

test("a quota that is used up is a warning, which names what is left", async () => {
  const { control } = world.simulator;
  await control.setUsage({
    region: "westus",
    name: "cores",
    used: 99,
    limit: 100,
  });
  undo.push(() => control.setUsage({ region: "westus", name: "cores", used: 0, limit: 100 }));
  const { warnings } = await put();
  expect(warnings).toEqual([
    {
      rule: "quota-left",
      code: "QuotaExceeded",
      severity: "warning",
      pointer: "/machineSize",
      message: naming(["vCPUs", "westus", "99", "100", "Standard_D2s_v5"]),
      remediation: expect.stringContaining("--location westus") as string,
    },
  ]);
});

test("terms of a purchase plan that are not accepted; they are read, and no more", async () => {
  const image = await define("Bought", { purchasePlan: PLAN });
  expect(await refusal({}, image)).toEqual(["PurchaseTermsNotAccepted "]);
  await world.simulator.control.setTermsAccepted({
    publisher: PLAN.publisher,
    offer: PLAN.product,
    plan: PLAN.name,
    accepted: true,
  });
  await expect(put({}, image)).resolves.toMatchObject({ warnings: [] });
  expect(
    world.simulator.control
      .requests()
      .filter(({ path }) => /MarketplaceOrdering/u.test(path))
      .map(({ method }) => method),
  ).toEqual(["GET", "GET"]);
});

test("a resource group that is not there", async () => {
  expect(await refusal({ resourceGroupName: "None" })).toEqual([
    "ResourceGroupNotFound /resourceGroupName",
  ]);
});

test("what Sigil's identity may not do where machines are made, or may not look at", async () => {
  const { control } = world.simulator;
  for (const denial of [
    { action: "Microsoft.Compute/virtualMachines/write", scope: GROUP },
    {
      action: "Microsoft.Compute/skus/read",
      scope: `/subscriptions/${LOCAL_SUBSCRIPTION_ID}`,
    },
    {
      action: "Microsoft.Network/virtualNetworks/subnets/join/action",
      scope: subnet("eastus2"),
    },
  ]) {
    await control.denyAction(denial);
    undo.push(() => control.allowAction(denial));
  }
  expect(await refusal()).toEqual([
    "InsufficientPermission /machineSize",
    "InsufficientPermission /resourceGroupName",
    "InsufficientPermission /regions/1/subnetId",
  ]);
});
