/** `sigil.capture`: a version of snapshots that Sigil creates of a machine's disks, and deletes again. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createArmClient } from "../../../src/azure/arm/client.js";
import { ServiceError } from "../../../src/errors.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { mustNotCapture } from "../../../src/image-version/capture/choose.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { idOf, request, TRACEPARENT } from "../../support/dependencies.js";
import {
  CAPTURE_GROUP,
  capturedVersionId,
  capturingRequest,
  capturingWorld,
  MACHINE,
  machineResources,
  startCaptures,
  type Captures,
} from "../../support/captures.js";

const HOUR_MS = 3_600_000;
const ID = capturedVersionId("1.0.0");

let world: Captures;
const use = async (...given: Parameters<typeof startCaptures>) => {
  await world.close();
  world = await startCaptures(...given);
};
beforeEach(async () => {
  world = await startCaptures({ replicationMs: 10 * 60_000 });
});
afterEach(() => world.close());

const send = (body: ImageVersionRequest = capturingRequest(), id = ID) =>
  request(world.deps, id, body);
const control = () => world.simulator.control;
const cancel = async () =>
  cancelOperation(world.deps, (await world.read(ID)).operation.id, { appId: "operator" });
const snapshotPuts = () =>
  control()
    .requests()
    .filter(({ method, path }) => method === "PUT" && path.includes("/snapshots/"));
const versionPuts = () => control().countRequests({ method: "PUT", path: "/versions/1\\.0\\.0" });
const advance = async (ms: number) => {
  world.clock.advance(ms);
  await world.runDue();
};

test("a Trusted Launch machine under customer keys is published from snapshots of its disks", async () => {
  await control().setSnapshots({ readyMs: 60_000 });
  await send();
  await world.runDue();
  expect(world.snapshots()).toEqual([
    expect.stringMatching(/^sigilcap-[0-9a-f]{20}-[0-9a-f]{12}-[0-9a-z]+-os$/u),
    expect.stringMatching(/-lun0$/u),
    expect.stringMatching(/-lun1$/u),
  ]);
  const { operation } = await world.read(ID);
  expect(operation.waitReason).toContain(`0 of 3 snapshots of ${MACHINE} are complete.`);
  expect(await world.sweep()).toMatchObject({ deleted: [], left: [], errors: [] });
  expect((await world.finish(ID)).status).toBe("Succeeded");
  const shown = await world.deps.resourceManager.getImageVersion(idOf(ID));
  expect(shown?.resource.properties.storageProfile).toMatchObject({
    osDiskImage: { hostCaching: "ReadWrite" },
    dataDiskImages: [
      { lun: 0, hostCaching: "None" },
      { lun: 1, hostCaching: "None" },
    ],
  });
  expect(snapshotPuts()).toHaveLength(3);
  expect((await world.sweep()).deleted).toHaveLength(3);
  expect(world.snapshots()).toEqual([]);
});

test("a snapshot has the disk's keys, and says whose it is", async () => {
  await send();
  await world.runDue();
  const [os] = control()
    .resources()
    .filter(({ id }) => id.startsWith(CAPTURE_GROUP) && id.endsWith("-os"));
  expect(os).toMatchObject({
    tags: { "sigil-source": MACHINE },
    properties: {
      networkAccessPolicy: "DenyAll",
      encryption: { type: "EncryptionAtRestWithCustomerKey" },
    },
  });
});

test("a definition that merely supports Trusted Launch takes the snapshots, too", async () => {
  await use({}, capturingWorld(0, {}, "TrustedLaunchSupported"));
  await send(capturingRequest(0));
  expect((await world.finish(ID)).status).toBe("Succeeded");
});

test("the machine may go once the version is being created", async () => {
  await control().setSnapshots({ readyMs: 60_000 });
  await send();
  await world.finishWith(ID, async ({ record }) => {
    if (record.write !== undefined || record.status !== undefined)
      await control().removeResource(MACHINE);
  });
  expect((await world.read(ID)).operation.status).toBe("Succeeded");
});

test("the same body is done already, also once the machine is gone", async () => {
  const { id } = await send();
  await world.finish(ID);
  await world.sweep();
  await control().removeResource(MACHINE);
  expect(await send()).toMatchObject({ id, status: "Succeeded" });
  expect(world.snapshots()).toEqual([]);
});

test("while it is being captured, the same request is the same operation", async () => {
  await control().setSnapshots({ readyMs: 60_000 });
  const first = await send();
  await world.runDue();
  world.clock.advance(1_000);
  expect((await send()).id).toBe(first.id);
});

test("a plan shows what would be created, and judges the machine's disks", async () => {
  const plan = await planImageVersion(world.deps, {
    id: idOf(ID),
    body: capturingRequest(),
  });
  expect(plan.findings.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(plan.capture).toMatchObject({
    virtualMachineId: MACHINE,
    snapshots: [{ sizeInGB: 30 }, { lun: 0, sizeInGB: 64 }, { lun: 1, sizeInGB: 64 }],
    message: expect.stringContaining(`3 snapshots of at most 158 GB in ${CAPTURE_GROUP}`) as string,
  });
  expect(JSON.stringify(plan.request?.body)).toContain("sigilcap-");
  expect(snapshotPuts()).toEqual([]);
});

describe("refused at acceptance, before anything is created", () => {
  const findingOf = async (body = capturingRequest()) => {
    const error = await send(body).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServiceError);
    expect(snapshotPuts()).toEqual([]);
    return (error as ServiceError).findings.map(({ code, pointer }) => [code, pointer]);
  };
  const AT = "/properties/storageProfile/source/virtualMachineId";

  test("no machine", async () => {
    const body = capturingRequest();
    const { properties } = body;
    const storageProfile = { osDiskImage: { source: { id: `${CAPTURE_GROUP}/x` } } };
    expect(await findingOf({ ...body, properties: { ...properties, storageProfile } })).toEqual([
      ["CaptureWithoutMachine", "/sigil/capture"],
    ]);
  });

  test("no resource group for snapshots", async () => {
    await use({ captureGroups: [] });
    expect(await findingOf()).toEqual([["CaptureOff", "/sigil/capture"]]);
  });

  test("no such machine", async () => {
    await control().removeResource(MACHINE);
    expect(await findingOf()).toEqual([["SourceNotFound", AT]]);
  });

  test.each([
    ["MachineRuns", { instanceView: {} }],
    ["CaptureNotPossible", { securityProfile: { securityType: "ConfidentialVM" } }],
    ["CaptureNotPossible", { storageProfile: { osDisk: { diffDiskSettings: {} } } }],
    ["CaptureNotPossible", { storageProfile: { osDisk: { vhd: { uri: "https://a/b" } } } }],
  ])("%s of %j", async (code, properties) => {
    await use({}, capturingWorld(0, properties));
    expect(await findingOf(capturingRequest(0))).toEqual([[code, AT]]);
  });
});

/** Its version is not created, and no snapshot goes before its time. */
async function failsWith(what: string): Promise<void> {
  const operation = await world.finish(ID);
  expect(operation.status).toBe("Failed");
  expect(operation.error?.message).toContain(what);
  expect(versionPuts()).toBe(0);
}

test("a machine that is started between two snapshots is not published", async () => {
  await use({}, capturingWorld(2, { instanceView: {} }));
  await world.simulator.control.putResource(
    machineResources(2).at(-1) ?? expect.fail("no machine"),
  );
  await control().setSnapshots({ readyMs: 60_000 });
  await send();
  await world.runDue();
  expect(snapshotPuts()).toHaveLength(3);
  await control().putResource(
    machineResources(2, { instanceView: {} }).at(-1) ?? expect.fail("no machine"),
  );
  await failsWith("running");
  const { error } = (await world.read(ID)).operation;
  expect(error?.errors).toMatchObject([{ code: "MachineRuns" }]);
});

test("a machine that is deleted too early is not published", async () => {
  await control().setSnapshots({ readyMs: 60_000 });
  await send();
  await world.runDue();
  const [first = ""] = world.snapshots();
  await control().removeResource(`${CAPTURE_GROUP}/providers/Microsoft.Compute/snapshots/${first}`);
  await control().removeResource(MACHINE);
  await failsWith("not all of its disks were captured");
});

test("the snapshots of a failed creation stay for 72 hours, and the version is published from them", async () => {
  await control().setSnapshots({ readyMs: 60_000 });
  await send();
  await world.runDue();
  await control().putResource({
    id: `${MACHINE.replace("virtualMachines/buildvm", "diskEncryptionSets/EastUS2DiskEncryptionSet1")}`,
    name: "EastUS2DiskEncryptionSet1",
    type: "Microsoft.Compute/diskEncryptionSets",
    location: "eastus2",
    properties: { provisioningState: "Failed" },
  });
  await failsWith("--os-snapshot");
  const names = world.snapshots();
  expect(names).toHaveLength(3);
  await advance(71 * HOUR_MS);
  expect((await world.sweep()).deleted).toEqual([]);
  const fromSnapshots = ofSnapshots(names);
  const other = await send(fromSnapshots, capturedVersionId("1.0.1")).catch(
    (thrown: unknown) => thrown,
  );
  expect(other).toMatchObject({
    code: "Forbidden",
    findings: [{ code: "SourceNotAllowed" }, {}, {}],
  });
  await send(fromSnapshots);
  await advance(2 * HOUR_MS);
  await world.sweep();
  expect((await world.finish(ID)).status).toBe("Succeeded");
  await world.sweep();
  expect(world.snapshots()).toEqual([]);
});

/** The machine's version, of its snapshots. */
function ofSnapshots([os = "", ...data]: readonly string[]): ImageVersionRequest {
  const { properties, location } = capturingRequest(data.length, 1);
  const source = (name: string) => ({
    source: { id: `${CAPTURE_GROUP}/providers/Microsoft.Compute/snapshots/${name}` },
  });
  const storageProfile = {
    osDiskImage: source(os),
    dataDiskImages: data.map((name, lun) => ({ lun, ...source(name) })),
  };
  return { location, properties: { ...properties, storageProfile } };
}

test("whoever may not use the machine may not use its snapshots", async () => {
  await control().setSnapshots({ readyMs: 60_000, failures: 1 });
  await send();
  await world.finish(ID);
  const [os = ""] = world.snapshots();
  const asked: string[] = [];
  await send().catch(() => undefined);
  const { properties, location } = capturingRequest(0, 1);
  const body = {
    location,
    properties: {
      ...properties,
      storageProfile: {
        osDiskImage: {
          source: { id: `${CAPTURE_GROUP}/providers/Microsoft.Compute/snapshots/${os}` },
        },
      },
    },
  };
  const plan = planImageVersion(world.deps, {
    id: idOf(ID),
    body,
    requireMayUse: (used) => {
      asked.push(...used.filter(({ kind }) => kind === "sources").map(({ id }) => id));
    },
  });
  await plan;
  expect(asked).toEqual([MACHINE]);
});

test("a snapshot that Azure could not create ends it", async () => {
  await control().setSnapshots({ readyMs: 60_000, failures: 1 });
  await send();
  await failsWith("snapshot");
});

test("the quota of snapshots ends it with Azure's words", async () => {
  await control().setSnapshots({ limit: 0 });
  await send();
  await failsWith("Snapshots quota");
});

test("another's snapshot of that name is not touched, and nothing is created", async () => {
  await control().setSnapshots({ readyMs: 60_000 });
  await send();
  await world.runDue();
  const [name = ""] = world.snapshots();
  const id = `${CAPTURE_GROUP}/providers/Microsoft.Compute/snapshots/${name}`;
  const [mine] = control()
    .resources()
    .filter((one) => one.id === id);
  if (mine === undefined) return expect.fail("no snapshot");
  await control().putResource({ ...mine, tags: {} });
  await failsWith("was not created for this operation");
  await advance(100 * HOUR_MS);
  await world.sweep();
  expect(world.snapshots()).toEqual([name]);
});

test("the snapshots of a canceled capture go at once", async () => {
  await control().setSnapshots({ readyMs: 60_000 });
  await send();
  await world.runDue();
  await cancel();
  await world.finish(ID);
  await world.sweep();
  expect(world.snapshots()).toEqual([]);
  expect(versionPuts()).toBe(0);
});

test("canceled once its creation was sent, the snapshots stay until Azure has done with the version", async () => {
  await send();
  await world.runDue();
  await advance(20_000);
  expect(versionPuts()).toBe(1);
  await cancel();
  await advance(60_000);
  await world.sweep();
  expect(world.snapshots()).toHaveLength(3);
  await world.finish(ID);
  await advance(HOUR_MS);
  await world.sweep();
  expect(world.snapshots()).toEqual([]);
});

test("a change, and a client of Azure's own path, cannot ask for it", () => {
  expect(() => mustNotCapture({ sigil: { capture: "snapshots" } })).toThrow(
    expect.objectContaining({ code: "InvalidRequest" }) as ServiceError,
  );
  expect(() => mustNotCapture({ sigil: { protected: true } })).not.toThrow();
});

test("the same body without a capture is another request", async () => {
  await control().setSnapshots({ readyMs: 60_000 });
  const first = await send();
  await world.runDue();
  const { location, properties } = capturingRequest();
  expect((await send({ location, properties })).id).not.toBe(first.id);
});

test("a specialized machine does not fit a generalized definition", async () => {
  await use({}, capturingWorld(0, { instanceView: {} }));
  const arm = createArmClient(world.armOptions);
  await arm.request(
    {
      what: "the stop",
      action: "Microsoft.Compute/virtualMachines/deallocate/action",
      scope: MACHINE,
    },
    "POST",
    `${world.armOptions.endpoint}${MACHINE}/deallocate?api-version=2025-04-01`,
  );
  const { findings } = await planImageVersion(world.deps, {
    id: idOf(ID),
    body: capturingRequest(0),
  });
  expect(findings).toContainEqual(
    expect.objectContaining({
      code: "OsStateMismatch",
      pointer: "/properties/storageProfile/source/virtualMachineId",
    }),
  );
});

test("no snapshot goes while Azure is busy with the version, whoever asked for that", async () => {
  await send();
  await world.finish(ID);
  const shown = await world.deps.resourceManager.getImageVersion(idOf(ID));
  if (shown === undefined) return expect.fail("no version");
  const { properties, ...version } = shown.resource;
  const targetRegions = (properties.publishingProfile?.targetRegions ?? []).map((region) => ({
    ...region,
    regionalReplicaCount: 3,
  }));
  await world.deps.resourceManager.putImageVersion(idOf(ID), {
    ...version,
    properties: { ...properties, publishingProfile: { targetRegions } },
  });
  await world.sweep();
  expect(world.snapshots()).toHaveLength(3);
  world.clock.advance(HOUR_MS);
  await world.sweep();
  expect(world.snapshots()).toEqual([]);
});

test("a creation that Azure refuses names its snapshots, and until when they stay", async () => {
  control().addFault({ method: "PUT", path: "/versions/1\\.0\\.0", status: 400 });
  await send();
  const operation = await world.finish(ID);
  const names = world.snapshots();
  expect(versionPuts()).toBe(1);
  expect(names).toHaveLength(3);
  expect(operation.status).toBe("Failed");
  for (const name of names) expect(operation.error?.message).toContain(name);
  expect(operation.error?.message).toMatch(/stay until \S+, when Sigil deletes them/u);
});

test("one that Azure refuses when it is sent again names them once", async () => {
  control().addFault({ method: "PUT", path: "/versions/1\\.0\\.0", status: 429 });
  await send();
  await world.runDue();
  await advance(20_000);
  expect(versionPuts()).toBe(1);
  control().addFault({ method: "PUT", path: "/versions/1\\.0\\.0", status: 400 });
  const { status, error } = await world.finish(ID);
  expect(status).toBe("Failed");
  expect(error?.message.split("--os-snapshot")).toHaveLength(2);
});

test("nothing is created where a check fails before the first snapshot", async () => {
  await send();
  await control().putResource({
    id: `${MACHINE.replace("virtualMachines/buildvm", "diskEncryptionSets/EastUS2DiskEncryptionSet1")}`,
    name: "EastUS2DiskEncryptionSet1",
    type: "Microsoft.Compute/diskEncryptionSets",
    location: "eastus2",
    properties: { provisioningState: "Failed" },
  });
  await failsWith("Nothing was created");
  expect(snapshotPuts()).toEqual([]);
});

test("the machine may go once the creation was sent, though Azure asks for it again", async () => {
  control().addFault({ method: "PUT", path: "/versions/1\\.0\\.0", status: 429 });
  await send();
  await world.runDue();
  await advance(20_000);
  expect(versionPuts()).toBe(1);
  await control().removeResource(MACHINE);
  for (const one of control().resources())
    if (/\/disks\/build-/u.test(one.id)) await control().removeResource(one.id);
  expect((await world.finish(ID)).status).toBe("Succeeded");
});

test("a group that is taken out of the settings meanwhile ends it", async () => {
  await send();
  const { snapshots: _, ...without } = world.deps;
  for (const message of await world.takeDue()) await world.handle(message, without);
  await failsWith("Sigil was told to create no snapshots any more");
});

test("a resource group in another subscription is none for the machine", async () => {
  await use({ captureGroups: [CAPTURE_GROUP.replace("aaaaaaaa", "bbbbbbbb")] });
  await expect(send()).rejects.toMatchObject({ findings: [{ code: "CaptureOff" }] });
});

test("a request with other sources beside the machine is refused, and captures nothing", async () => {
  const body = capturingRequest();
  const osDiskImage = { source: { id: `${CAPTURE_GROUP}/x` } };
  const storageProfile = { ...body.properties.storageProfile, osDiskImage };
  const plan = await planImageVersion(world.deps, {
    id: idOf(ID),
    body: { ...body, properties: { ...body.properties, storageProfile } },
  });
  expect(plan.capture).toBeUndefined();
  expect(plan.findings.filter(({ severity }) => severity === "error")).not.toEqual([]);
});

test("more disks than Sigil reads are refused at acceptance", async () => {
  await expect(request({ ...world.deps, maxReads: 11 }, ID, capturingRequest())).rejects.toThrow(
    expect.objectContaining({ code: "TooManyReads" }) as ServiceError,
  );
});

test("one that fails in its own location names them, and is published from them once it is deleted", async () => {
  await control().failRegion({ versionId: ID, region: "westus", times: 1 });
  await send();
  const { error } = await world.finish(ID);
  const names = world.snapshots();
  expect(error?.code).toBe("ReplicationFailed");
  expect(names).toHaveLength(3);
  for (const name of [...names, "delete the version", "--recreate"])
    expect(error?.message).toContain(name);
  await deleteImageVersion(world.deps, {
    id: idOf(ID),
    requestedBy: { appId: "operator" },
    traceparent: TRACEPARENT,
    allowNoLatest: true,
  });
  await world.finish(ID);
  await world.sweep();
  await request(world.deps, ID, ofSnapshots(names), { ifNoneMatch: "*" });
  expect((await world.finish(ID)).status).toBe("Succeeded");
});

test("of a machine that runs the rest is judged as if it were stopped", async () => {
  await use({}, capturingWorld(0, { instanceView: {} }));
  const { findings } = await planImageVersion(world.deps, {
    id: idOf(ID),
    body: capturingRequest(0),
  });
  const errors = findings.filter(({ severity }) => severity === "error").map(({ code }) => code);
  expect(errors).toEqual(["MachineRuns", "OsStateMismatch"]);
});

test("sweeps that fail at any request leave no snapshot, and tell of none", async () => {
  await send();
  await world.finish(ID);
  await world.takeEvents();
  for (let failing = 1; world.snapshots().length > 0; failing += 1) {
    expect(failing).toBeLessThan(20);
    let requests = 0;
    const failingAt =
      <Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>) =>
      async (...args: Args): Promise<T> => {
        requests += 1;
        if (requests === failing)
          throw new ServiceError("ResourceManagerUnavailable", "no answer", {
            retryAfterMs: 1_000,
          });
        return call(...args);
      };
    await world.sweep((resources) => ({
      listTagged: failingAt((...args) => resources.listTagged(...args)),
      getResource: failingAt((...args) => resources.getResource(...args)),
      deleteResource: failingAt((...args) => resources.deleteResource(...args)),
    }));
  }
  expect((await world.takeEvents()).map(({ type }) => type)).toEqual([]);
});

test("a snapshot whose deletion Azure puts off is told after an hour", async () => {
  await send();
  await world.finish(ID);
  await world.takeEvents();
  const sweep = () =>
    world.sweep((resources) => ({
      ...resources,
      deleteResource: () =>
        Promise.reject(
          new ServiceError("ResourceManagerThrottled", "later", { retryAfterMs: 60_000 }),
        ),
    }));
  await sweep();
  expect(await world.takeEvents()).toEqual([]);
  world.clock.advance(HOUR_MS + 1);
  await sweep();
  expect((await world.takeEvents()).map(({ type }) => type)).toEqual(
    Array.from({ length: 3 }, () => "Sigil.ImageVersion.SnapshotLeft"),
  );
});
