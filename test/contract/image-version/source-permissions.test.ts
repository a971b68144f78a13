/** What is read in the resource group of the sources is granted there, whatever is granted where the galleries are. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { actionOf } from "@sigil-local/arm-simulator/parts/authorization";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import permissions from "../../../infra/permissions.json" with { type: "json" };
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { idOf, request, startInProcess, type InProcess } from "../../support/dependencies.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";

const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "build");
const VERSION = of.id("galleries/Build/images/Base/versions/1.0.0");

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess();
  for (const resource of [
    of.group("westus"),
    of.gallery("Build", "westus"),
    of.imageDefinition("Build", "Base", "westus"),
    of.managedImage("image", "westus", [0]),
    of.disk("disks", "osDisk", "westus", { os: true }),
    of.disk("disks", "dataDisk", "westus", { os: false }),
    of.disk("snapshots", "snapshot", "westus", { os: true }),
    of.virtualMachine("machine", "westus", "osDisk", [{ lun: 0, name: "dataDisk" }]),
  ])
    await world.simulator.control.putResource(resource);
  const { properties, ...body } = managedImageRequest();
  await request(world.deps, VERSION, {
    ...body,
    properties: {
      ...properties,
      publishingProfile: { targetRegions: [{ name: "westus" }] },
    },
  });
  expect((await world.finish(VERSION)).status).toBe("Succeeded");
});
afterAll(() => world.close());

test.each([
  ["a managed image", { source: { id: of.id("images/image") } }],
  ["an image version", { source: { id: VERSION } }],
  ["a virtual machine", { source: { virtualMachineId: of.id("virtualMachines/machine") } }],
  ["a disk", { osDiskImage: { source: { id: of.id("disks/osDisk") } } }],
  ["a snapshot", { osDiskImage: { source: { id: of.id("snapshots/snapshot") } } }],
])("%s", async (_, storageProfile) => {
  world.simulator.control.clearRequests();
  const { findings } = await planImageVersion(world.instance(), {
    id: idOf(seedVersionId("9.0.0")),
    body: {
      location: "westus",
      properties: {
        storageProfile,
        publishingProfile: { targetRegions: [{ name: "westus" }] },
      },
    },
  });
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  const granted = permissions.sources.map(({ action }) => action);
  const asked = world.simulator.control
    .requests()
    .filter(({ path }) => /\/resourceGroups\/build\//iu.test(path))
    .map(({ method, path }) => actionOf(method, path)?.action ?? path);
  expect(asked).not.toEqual([]);
  for (const action of asked) expect(granted).toContain(action);
});
