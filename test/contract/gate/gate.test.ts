/** A gate that binds: what the gallery policy asks of every version of an image definition before it comes into latest. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { approveImageVersion } from "../../../src/gate/approve.js";
import { whyClosed } from "../../../src/gate/gate.js";
import { gateWaits } from "../../../src/gate/objections.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { restoreImageVersion } from "../../../src/image-version/commands/restore.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { viewImageVersion } from "../../../src/image-version/queries/views.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { getRollout } from "../../../src/rollout/get-rollout.js";
import { lookAfter } from "../../../src/rollout/roll-out.js";
import type { Requester } from "../../../src/operation/records.js";
import { reportTestResult } from "../../../src/test-results/report.js";
import {
  idOf,
  request,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { latestIn } from "../../support/latest.js";
import { refusal } from "../../support/refusal.js";
import { enableSoftDelete } from "../../support/soft-delete.js";
import {
  body,
  commandOf,
  define,
  EASTUS2,
  inAzure,
  versionId,
  WESTUS,
} from "../image-version/rollbacks.js";
import { naming } from "../../support/naming.js";

const SCANNER = { appId: "scanner" };
const BY = { requestedBy: { appId: "writer" }, traceparent: TRACEPARENT };
const CLOSED = { code: "GateClosed" };

const GATES = [
  {
    images: [{ subscriptionId: "*", galleryName: "MyGallery" }],
    regions: ["West US"],
    tests: [{ name: "scan", reporters: [SCANNER] }],
  },
];

let world: InProcess;
let image: string;
beforeEach(async () => {
  world = await startInProcess({
    replicationMs: 60_000,
    spread: 0,
    gates: GATES,
  });
  image = await define(world);
});
afterEach(() => world.close());

const id = (number: string) => idOf(versionId(number, image));
const latest = (region = "westus") => latestIn(world.simulator, image, region);
const tests = () => ({ ...world.deps, results: world.results });

async function publish(number: string, sigil: object = {}) {
  const accepted = await request(world.deps, versionId(number, image), {
    ...body({ targetRegions: [WESTUS, EASTUS2] }),
    sigil,
  });
  await world.finish(versionId(number, image));
  world.clock.advance(60_000);
  return accepted;
}

async function report(number: string, result: string, reportedBy: object) {
  world.clock.advance(1_000);
  await reportTestResult(tests(), {
    id: id(number),
    report: { name: "scan", region: "westus", result: result as "passed" },
    reportedBy,
    traceparent: TRACEPARENT,
  });
}

async function approve(number: string, regions?: readonly string[]) {
  world.clock.advance(1_000);
  const { results } = await approveAs({ objectId: "approver" }, number, regions);
  return results;
}

function approveAs(approvedBy: Requester, number: string, regions?: readonly string[]) {
  return approveImageVersion(tests(), {
    id: id(number),
    reason: "Scanned by hand.",
    ...(regions && { regions }),
    approvedBy,
    traceparent: TRACEPARENT,
  });
}

async function promote(number: string) {
  await promoteImageVersion(world.deps, { id: id(number), ...BY });
  return world.finish(versionId(number, image));
}

async function deleted(number: string) {
  world.clock.advance(600_000);
  await deleteImageVersion(world.deps, {
    id: id(number),
    ...BY,
    allowNoLatest: true,
  });
  await world.finish(versionId(number, image));
}

async function restore(number: string) {
  await restoreImageVersion(world.deps, { id: id(number), ...BY });
  return world.finish(versionId(number, image));
}

/** It has passed, is the latest, and is deleted softly. */
async function deletedAfterPassing(number: string) {
  await enableSoftDelete(world);
  await publish(number);
  await report(number, "passed", SCANNER);
  await promote(number);
  await deleted(number);
}

test("whatever its body says, a version is made out of latest there, and says so", async () => {
  const { warnings } = await publish("1.0.0");
  expect(warnings).toContainEqual(
    expect.objectContaining({
      code: "GateClosed",
      severity: "warning",
      message: expect.stringContaining("scan has not passed") as string,
    }),
  );
  expect([await latest(), await latest("eastus2")]).toEqual([null, "1.0.0"]);
  expect(await refusal(promote("1.0.0"))).toMatchObject(CLOSED);
});

test("it passes by the result of who may report it, and of nobody else", async () => {
  await publish("1.0.0");
  for (const other of [
    { appId: "writer", name: "scanner" },
    { objectId: "scanner" },
    { source: "scanner" },
    { ...SCANNER, objectId: "ann", actsForPerson: true },
  ])
    await report("1.0.0", "passed", other);
  expect(await refusal(promote("1.0.0"))).toMatchObject(CLOSED);
  await report("1.0.0", "failed", SCANNER);
  await report("1.0.0", "passed", { appId: "writer" });
  const refused = await refusal(promote("1.0.0"));
  expect(refused.message).toContain("scan has failed");
  await report("1.0.0", "passed", SCANNER);
  await promoteImageVersion(world.deps, {
    id: id("1.0.0"),
    ...BY,
    regions: ["westus"],
  });
  await world.finish(versionId("1.0.0", image));
  expect(await latest()).toBe("1.0.0");
});

test.each<[string, Requester, boolean]>([
  ["sigil/boot", { policy: "machineTest" }, true],
  ["sigil/boot", SCANNER, false],
  ["azure/vm", { policy: "azure" }, true],
  ["azure/vm", SCANNER, false],
])("a test %s, reported by %o: open is %s", (name, reportedBy, opens) => {
  const one = { name, region: "westus", result: "passed", time: "2026-06-01", reportedBy } as const;
  const gate = { tests: [{ name, reporters: [SCANNER] }] };
  expect(whyClosed(gate, [one], "westus") === undefined).toBe(opens);
});

test("an approval with a reason opens it, until a failure is found later", async () => {
  await publish("1.0.0", { promotion: { when: "manual" } });
  await report("1.0.0", "failed", SCANNER);
  expect(await approve("1.0.0")).toMatchObject([
    {
      name: "sigil/approval",
      region: "westus",
      message: "Scanned by hand.",
      reportedBy: { objectId: "approver" },
    },
    { region: "eastus2" },
  ]);
  expect(await promote("1.0.0")).toMatchObject({ status: "Succeeded" });
  expect(await latest()).toBe("1.0.0");
  await report("1.0.0", "failed", SCANNER);
  // To demote needs no approval; to promote again does.
  await demoteImageVersion(world.deps, {
    id: id("1.0.0"),
    ...BY,
    allowNoLatest: true,
  });
  await world.finish(versionId("1.0.0", image));
  expect(await refusal(promote("1.0.0"))).toMatchObject(CLOSED);
});

test("GET says where its gate is closed, why, and how it is opened", async () => {
  const shown = async (revoked = false) => {
    const version = await getImageVersion(world.deps, id("1.0.0"));
    const { conditions } = viewImageVersion(version, world.deps.now(), {
      gateWaits: await gateWaits({ ...tests(), freezes: world.freezes, gates: GATES }, version, []),
      ...(revoked && {
        revocation: {
          reason: "CVE",
          revokedBy: {},
          revokedTime: "2026-01-01T00:00:00Z",
        },
      }),
    }).sigil as { conditions?: { type: string; whatToDo: object }[] };
    return conditions?.filter(({ type }) => type === "GateClosed") ?? [];
  };
  await publish("1.0.0");
  const [closed] = await shown();
  expect(closed).toMatchObject({
    message: naming(["westus"]),
    regions: ["westus"],
    whatToDo: {
      command: expect.stringMatching(
        /^sigil image-version approve .* -e 1\.0\.0 --regions westus --reason ""$/u,
      ) as string,
      request: `POST /api${versionId("1.0.0", image)}/approve {"reason":"","regions":["westus"]}`,
    },
  });
  expect(await shown(true)).toEqual([]);
  await report("1.0.0", "failed", SCANNER);
  expect(await shown()).toMatchObject([
    { message: expect.stringContaining("scan has failed") as string },
  ]);
  await approve("1.0.0");
  expect(await shown()).toEqual([]);
  // What is in latest already waits for no gate.
  await promote("1.0.0");
  await report("1.0.0", "failed", SCANNER);
  expect(await shown()).toEqual([]);
});

test("its own rule waits for the gate, and goes on once that is open", async () => {
  await publish("1.0.0", { promotion: { when: "allRegionsReady" } });
  expect(await latest("eastus2")).toBeNull();
  const rollout = {
    imageVersions: world.deps,
    machineTests: { ...world.deps, makesMachines: false } as never,
    results: world.results,
  };
  const look = () => lookAfter(rollout, versionId("1.0.0", image), TRACEPARENT);
  await look();
  const shown = await getImageVersion(world.deps, id("1.0.0"));
  expect(await getRollout(rollout, shown)).toMatchObject({
    state: "Waiting",
    message: expect.stringContaining("scan has not passed") as string,
  });
  await report("1.0.0", "passed", SCANNER);
  await look();
  await world.finish(versionId("1.0.0", image));
  expect([await latest(), await latest("eastus2")]).toEqual(["1.0.0", "1.0.0"]);
});

test("a gate that closes after a promotion was accepted stops it before it is sent", async () => {
  await publish("1.0.0", { promotion: { when: "manual" } });
  await report("1.0.0", "passed", SCANNER);
  const { id: operationId } = await promoteImageVersion(world.deps, {
    id: id("1.0.0"),
    ...BY,
  });
  await report("1.0.0", "failed", SCANNER);
  await world.finish(versionId("1.0.0", image));
  expect((await world.deps.store.readOperation(operationId))?.operation).toMatchObject({
    status: "Failed",
    error: { code: "GateClosed" },
  });
  expect(await latest()).toBeNull();
});

test("no rollback leads to a version that has not passed", async () => {
  await publish("1.0.0", { promotion: { when: "manual" } });
  await publish("1.0.1", { promotion: { when: "manual" } });
  await report("1.0.1", "passed", SCANNER);
  await promote("1.0.1");
  const rollBack = () => rollBackImage(world.deps, commandOf("1.0.0", image));
  expect(await refusal(rollBack())).toMatchObject({
    code: "RollbackRefused",
    findings: expect.arrayContaining([
      expect.objectContaining({ code: "GateClosed", pointer: "/to" }),
    ]) as unknown,
  });
  await approve("1.0.0");
  expect((await rollBack()).detail).toMatchObject({ to: "1.0.0" });
});

test("an approval of one region opens no other", async () => {
  await world.close();
  world = await startInProcess({
    replicationMs: 60_000,
    spread: 0,
    gates: GATES.map((gate) => ({ ...gate, regions: ["westus", "eastus2"] })),
  });
  image = await define(world);
  await publish("1.0.0", { promotion: { when: "manual" } });
  expect(await approve("1.0.0", ["westus"])).toMatchObject([
    { name: "sigil/approval", region: "westus" },
  ]);
  const refused = await refusal(promote("1.0.0"));
  expect(refused).toMatchObject(CLOSED);
  expect(refused.message).toContain("eastus2");
  expect(refused.message).not.toContain("westus");
  await promoteImageVersion(world.deps, {
    id: id("1.0.0"),
    ...BY,
    regions: ["westus"],
  });
  await world.finish(versionId("1.0.0", image));
  expect([await latest(), await latest("eastus2")]).toEqual(["1.0.0", null]);
});

test("a deleted version that had passed is restored into latest", async () => {
  await deletedAfterPassing("1.0.0");
  expect(await latest()).toBeNull();
  expect(await restore("1.0.0")).toMatchObject({ status: "Succeeded" });
  expect(await latest()).toBe("1.0.0");
});

test("a deleted version that failed is restored only after an approval", async () => {
  await enableSoftDelete(world);
  await publish("1.0.0");
  await report("1.0.0", "passed", SCANNER);
  await promote("1.0.0");
  await report("1.0.0", "failed", SCANNER);
  await deleted("1.0.0");
  const refused = await refusal(restore("1.0.0"));
  expect(refused).toMatchObject(CLOSED);
  expect(refused.message).toContain("in westus scan has failed");
  expect(refused.findings).toMatchObject([
    { remediation: expect.stringContaining("then restore it") as string },
  ]);
  await approve("1.0.0", ["eastus2"]);
  expect(await refusal(restore("1.0.0"))).toMatchObject(CLOSED);
  expect(await approve("1.0.0")).toMatchObject([{ region: "westus" }, { region: "eastus2" }]);
  expect(await restore("1.0.0")).toMatchObject({ status: "Succeeded" });
  expect(await latest()).toBe("1.0.0");
});

test("a gate that closes after a restore was accepted stops it before it is sent", async () => {
  await deletedAfterPassing("1.0.0");
  const { id: operationId } = await restoreImageVersion(world.deps, {
    id: id("1.0.0"),
    ...BY,
  });
  const [passed] = await world.results.list(versionId("1.0.0", image));
  if (passed === undefined) throw new Error("it has not passed");
  await world.results.add({
    ...passed,
    result: "failed",
    time: world.deps.now().toISOString(),
  });
  await world.finish(versionId("1.0.0", image));
  expect((await world.deps.store.readOperation(operationId))?.operation).toMatchObject({
    status: "Failed",
    error: { code: "GateClosed" },
  });
  expect(await latest()).toBeNull();
});

test("a deletion by others that Sigil has not seen yet is restored by the same results", async () => {
  await enableSoftDelete(world);
  await publish("1.0.0");
  await report("1.0.0", "passed", SCANNER);
  await promote("1.0.0");
  world.clock.advance(3_600_000);
  await world.deps.resourceManager.deleteImageVersion(id("1.0.0"));
  world.clock.advance(3_600_000);
  expect(await restore("1.0.0")).toMatchObject({ status: "Succeeded" });
  expect(await latest()).toBe("1.0.0");
});

test("a version that is created again under its number has none of the results of the one before", async () => {
  await publish("1.0.0");
  await report("1.0.0", "passed", SCANNER);
  await approve("1.0.0");
  await promote("1.0.0");
  await deleted("1.0.0");
  const { warnings } = await request(
    world.deps,
    versionId("1.0.0", image),
    body({ targetRegions: [WESTUS, EASTUS2] }),
    { ifNoneMatch: "*" },
  );
  expect(warnings).toContainEqual(expect.objectContaining(CLOSED));
  await world.finish(versionId("1.0.0", image));
  world.clock.advance(60_000);
  expect([await latest(), await latest("eastus2")]).toEqual([null, "1.0.0"]);
});

describe("who published a version", () => {
  const PUBLISHER = { appId: "portal", objectId: "ann", actsForPerson: true } as const;
  const FORBIDDEN = { code: "Forbidden" };

  async function publishAs(requestedBy: Requester, tags: Readonly<Record<string, string>> = {}) {
    return request(
      world.deps,
      versionId("1.0.0", image),
      { ...body({ targetRegions: [WESTUS, EASTUS2] }), tags },
      { requestedBy },
    );
  }

  test("does not approve it, by whatever client, at whatever time; somebody else does", async () => {
    await publishAs(PUBLISHER);
    await world.runDue();
    expect(await refusal(approveAs(PUBLISHER, "1.0.0"))).toMatchObject(FORBIDDEN);
    await world.finish(versionId("1.0.0", image));
    for (const one of [PUBLISHER, { appId: "az", objectId: "ann" }])
      expect(await refusal(approveAs(one, "1.0.0"))).toMatchObject(FORBIDDEN);
    expect(await approveAs({ objectId: "bob" }, "1.0.0")).toMatchObject({
      isPublisherUnknown: false,
    });
  });

  test("are all whose requests the creation was sent for", async () => {
    const pipeline = { appId: "pipeline" };
    await publishAs(PUBLISHER);
    await publishAs(pipeline, { build: "7" });
    await world.finish(versionId("1.0.0", image));
    for (const one of [PUBLISHER, pipeline])
      expect(await refusal(approveAs(one, "1.0.0"))).toMatchObject(FORBIDDEN);
  });

  test("is the same once the version is restored", async () => {
    await enableSoftDelete(world);
    await publishAs(PUBLISHER);
    await world.finish(versionId("1.0.0", image));
    await deleted("1.0.0");
    expect(await refusal(approveAs(PUBLISHER, "1.0.0"))).toMatchObject(FORBIDDEN);
    await approve("1.0.0");
    await restore("1.0.0");
    expect(await refusal(approveAs(PUBLISHER, "1.0.0"))).toMatchObject(FORBIDDEN);
  });

  test("is nobody once others have made it anew", async () => {
    await publishAs(PUBLISHER);
    await world.finish(versionId("1.0.0", image));
    await deleted("1.0.0");
    await inAzure(world, { "1.0.0": { targetRegions: [WESTUS, EASTUS2] } }, image);
    const unknown = { isPublisherUnknown: true };
    expect(await approveAs(PUBLISHER, "1.0.0"), "before Sigil sees it").toMatchObject(unknown);
    await publishAs({ objectId: "bob" }, { build: "8" });
    await world.finish(versionId("1.0.0", image));
    expect(await approveAs(PUBLISHER, "1.0.0")).toMatchObject(unknown);
  });

  test("is nobody where a message asked for it", async () => {
    await publishAs({ source: "/builds" });
    await world.finish(versionId("1.0.0", image));
    expect(await approveAs({ appId: "writer" }, "1.0.0")).toMatchObject({
      isPublisherUnknown: true,
    });
  });
});

test("a version that Azure cannot restore is not approved", async () => {
  await publish("1.0.0");
  await deleted("1.0.0");
  expect(await refusal(approve("1.0.0"))).toMatchObject({ code: "NotFound" });
});

test("a deleted version that Sigil never saw is restored in the portal, and the refusal says how", async () => {
  await enableSoftDelete(world);
  await inAzure(world, { "1.0.0": {} }, image);
  await world.deps.resourceManager.deleteImageVersion(id("1.0.0"));
  world.clock.advance(3_600_000);
  const refused = await refusal(restore("1.0.0"));
  expect(refused).toMatchObject({
    ...CLOSED,
    findings: [
      {
        remediation: expect.stringContaining("Restore it in the Azure portal") as string,
      },
    ],
  });
  expect(await refusal(approve("1.0.0"))).toMatchObject({ code: "NotFound" });
});

test("an approval that was cut off between two regions is repeated as a whole", async () => {
  await publish("1.0.0");
  let calls = 0;
  const dying = {
    ...tests(),
    results: {
      ...world.results,
      add: (result: Parameters<typeof world.results.add>[0]) => {
        calls += 1;
        if (calls === 2) throw new Error("killed");
        return world.results.add(result);
      },
    },
  };
  const command = {
    id: id("1.0.0"),
    reason: "Scanned by hand.",
    approvedBy: { objectId: "approver" },
    traceparent: TRACEPARENT,
  };
  await expect(approveImageVersion(dying, command)).rejects.toThrow("killed");
  await approveImageVersion(tests(), command);
  expect(
    (await world.results.list(versionId("1.0.0", image))).map(({ name, region }) => [name, region]),
  ).toEqual([
    ["sigil/approval", "westus"],
    ["sigil/approval", "eastus2"],
  ]);
});
