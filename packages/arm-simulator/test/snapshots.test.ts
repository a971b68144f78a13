import { expect, test } from "vitest";
import { resourcesIn } from "../src/world.js";
import {
  COMPUTE,
  GROUP,
  plainVersion,
  startForEach,
  submit,
  SUBSCRIPTION,
  type Harness,
} from "./harness.js";

let h: Harness;
startForEach((started) => (h = started));

const DISK = `${COMPUTE}/disks/myOSDisk`;
const READY_MS = 60_000;

const snapshot = (tags: Record<string, string> = {}, of = DISK) => ({
  location: "westus",
  tags,
  creationData: { createOption: "Copy", sourceResourceId: of },
});
const begin = (name = "mine", body = snapshot()) =>
  h.client.snapshots.createOrUpdate(GROUP, name, body, { updateIntervalInMs: 1 }).submitted();
const get = (name = "mine") => h.client.snapshots.get(GROUP, name);
const state = async (name?: string) => (await get(name)).provisioningState;
const create = () =>
  submit(
    h.client,
    "1.0.0",
    plainVersion({
      storageProfile: { osDiskImage: { source: { id: `${COMPUTE}/snapshots/mine` } } },
    }),
  );

test("a snapshot is there at once, unless it takes its time, and says no percentage", async () => {
  await begin("first");
  expect(await state("first")).toBe("Succeeded");
  await h.simulator.control.setSnapshots({ readyMs: READY_MS });
  await begin();
  expect(await state()).toBe("Updating");
  h.clock.advance(READY_MS - 1);
  expect(await state()).toBe("Updating");
  h.clock.advance(1);
  expect(await get()).toMatchObject({ provisioningState: "Succeeded", diskSizeGB: 30 });
  expect((await get()).completionPercent).toBeUndefined();
});

test("the SDK's poller follows it to its end", async () => {
  await h.simulator.control.setSnapshots({ readyMs: READY_MS, failures: 1 });
  const poller = h.client.snapshots.createOrUpdate(GROUP, "mine", snapshot(), {
    updateIntervalInMs: 1,
  });
  await poller.submitted();
  h.clock.advance(READY_MS);
  await expect(poller.pollUntilDone()).rejects.toThrow();
  expect(await state()).toBe("Failed");
  await begin("next");
  h.clock.advance(READY_MS);
  expect(await state("next")).toBe("Succeeded");
});

test("a PUT of one that is there changes its tags, and not what it is of", async () => {
  await h.simulator.control.setSnapshots({ readyMs: READY_MS });
  await begin();
  await begin("mine", snapshot({ owner: "me" }));
  expect(await get()).toMatchObject({ provisioningState: "Updating", tags: { owner: "me" } });
  await expect(begin("mine", snapshot({}, `${COMPUTE}/disks/myDataDisk`))).rejects.toMatchObject({
    code: "PropertyChangeNotAllowed",
  });
  const { body } = await h.call("PATCH", `${COMPUTE}/snapshots/mine`, { body: { tags: {} } });
  expect(body).toMatchObject({ tags: {}, properties: { provisioningState: "Updating" } });
});

test("no version is made of one that is being copied", async () => {
  await h.simulator.control.setSnapshots({ readyMs: READY_MS });
  await begin();
  await expect(create()).rejects.toMatchObject({ code: "Conflict" });
  h.clock.advance(READY_MS);
  await create();
});

test("a region has as many as its quota", async () => {
  await h.simulator.control.setSnapshots({ limit: 3 });
  await begin();
  await expect(begin("next")).rejects.toMatchObject({
    code: "OperationNotAllowed",
    message: expect.stringContaining("Snapshots quota") as string,
  });
  await begin();
});

test("one that is deleted while it is copied ends its operation", async () => {
  await h.simulator.control.setSnapshots({ readyMs: READY_MS });
  const poller = h.client.snapshots.createOrUpdate(GROUP, "mine", snapshot(), {
    updateIntervalInMs: 1,
  });
  await poller.submitted();
  await h.client.snapshots.delete(GROUP, "mine");
  await expect(poller.pollUntilDone()).rejects.toThrow();
  await expect(get()).rejects.toMatchObject({ statusCode: 404 });
});

test("a machine runs, is stopped and deallocated, and is not started once it is generalized", async () => {
  const specialized = { instanceView: {} };
  const of = resourcesIn(SUBSCRIPTION, GROUP);
  await h.simulator.control.putResource(
    of.virtualMachine("other", "westus", "myOSDisk", [], specialized),
  );
  const { virtualMachines } = h.client;
  const power = async (name: string) =>
    (await virtualMachines.get(GROUP, name, { expand: "instanceView" })).instanceView?.statuses
      ?.map(({ code = "" }) => code)
      .filter((code) => code.startsWith("PowerState/"));
  expect(await power("other")).toEqual(["PowerState/running"]);
  await virtualMachines.powerOff(GROUP, "other");
  expect(await power("other")).toEqual(["PowerState/stopped"]);
  await virtualMachines.deallocate(GROUP, "other");
  expect(await power("other")).toEqual(["PowerState/deallocated"]);
  await virtualMachines.start(GROUP, "other");
  expect(await power("other")).toEqual(["PowerState/running"]);
  // That of the world is generalized.
  expect(await power("myVM")).toEqual(["PowerState/deallocated"]);
  await expect(virtualMachines.start(GROUP, "myVM")).rejects.toMatchObject({
    code: "OperationNotAllowed",
  });
});
