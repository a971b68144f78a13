/** A canceled creation leaves latest wherever another version takes over, and names each region where none does. */
import { HttpRequest, InvocationContext, type HttpResponseInit } from "@azure/functions";
import { beforeEach, describe, expect, test } from "vitest";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { operationHandlers } from "../../../src/http/operation-handlers.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { patchImageVersion, putImageVersion } from "../../../src/image-version/commands/put.js";
import { latestIn } from "../../../src/image-version/latest/flags.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { Allowing } from "../../../src/operation/ports.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import {
  commandOf,
  idOf,
  request,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { naming } from "../../support/naming.js";
import { inOwnWorld } from "../../support/own-world.js";
import { seedRegion } from "../../support/requests.js";
import { document, validator } from "../../unit/http/contract/document.js";
import { body, define, EASTUS2, versionId, WESTUS } from "./rollbacks.js";

const BY = { requestedBy: { appId: "operator" }, traceparent: TRACEPARENT };
const BOTH = [WESTUS, EASTUS2];
const ALLOW = { allowNoLatest: true };

let world: InProcess;
let image: string;
inOwnWorld({ replicationMs: 60_000 }, (given) => {
  world = given;
});
beforeEach(async () => {
  image = await define(world);
});

const at = (name: string) => versionId(name, image);

async function publish(name: string, targetRegions: (typeof WESTUS)[]): Promise<void> {
  await request(world.deps, at(name), body({ targetRegions }));
  await world.finish(at(name));
}

/** A creation whose PUT was sent. */
async function create(name = "1.0.0", targetRegions = BOTH): Promise<OperationRecord> {
  const operation = await request(world.deps, at(name), body({ targetRegions }));
  await world.runDue();
  return operation;
}

const cancel = ({ id }: OperationRecord, allowing?: Allowing): Promise<OperationRecord> =>
  cancelOperation(world.deps, id, BY.requestedBy, allowing);

/** Regions in which Azure has the version in latest. */
async function inLatest(name = "1.0.0"): Promise<readonly string[]> {
  const shown = await world.deps.resourceManager.getImageVersion(idOf(at(name)));
  return shown === undefined ? [] : latestIn(shown.resource);
}

const codes = ({ warnings = [] }: OperationRecord): string[] => warnings.map(({ code }) => code);
const toldOf = ({ warnings = [] }: OperationRecord): string =>
  warnings.map(({ message }) => message).join(" ");

/** Azure does not take the next PUTs of the version. */
function refusePuts(name = "1.0.0"): void {
  world.simulator.control.addFault({
    method: "PUT",
    path: `/versions/${name}\\?`,
    status: 429,
    times: null,
  });
}

async function pass(minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    await world.runDue();
    world.clock.advance(60_000);
  }
  await world.runDue();
}

describe("where another version is ready in one of two regions", () => {
  beforeEach(() => publish("0.9.0", [WESTUS]));

  test("the version stays the latest of the other, which the operation names", async () => {
    const creation = await create();
    expect(await cancel(creation)).toMatchObject({ status: "Running" });
    const end = await world.finish(at("1.0.0"));
    expect(end).toMatchObject({
      id: creation.id,
      status: "Canceled",
      warnings: [{ code: "RegionKeepsLatest", pointer: "" }],
    });
    expect(end.warnings?.[0]).toMatchObject({
      message: naming(["eastus2"]),
      remediation: naming(["allowNoLatest=true"]),
    });
    expect(end.history.at(-1)?.message).toEqual(naming(["eastus2"]));
    expect(await inLatest()).toEqual(["eastus2"]);
  });

  test("with allowNoLatest it is out everywhere, and the region is named", async () => {
    await cancel(await create(), ALLOW);
    const end = await world.finish(at("1.0.0"));
    expect(end.status).toBe("Canceled");
    expect(codes(end)).toEqual(["RegionWouldLoseLatest"]);
    expect(toldOf(end)).toContain("eastus2");
    expect(await inLatest()).toEqual([]);
  });

  test("what is demoted before its update is sent counts: the last proof says which regions stay", async () => {
    await cancel(await create());
    refusePuts();
    await pass(5);
    await demoteImageVersion(world.deps, {
      id: idOf(at("0.9.0")),
      ...BY,
      ...ALLOW,
    });
    await pass(1);
    world.simulator.control.clearFaults();
    const end = await world.finish(at("1.0.0"));
    expect(codes(end)).toEqual(["RegionKeepsLatest", "RegionKeepsLatest"]);
    expect(toldOf(end)).toMatch(/eastus2 .*westus /u);
    expect(await inLatest()).toEqual(["westus", "eastus2"]);
  });

  test("and what is ready by then takes over", async () => {
    await cancel(await create());
    refusePuts();
    await pass(5);
    await publish("0.9.1", BOTH);
    world.simulator.control.clearFaults();
    const end = await world.finish(at("1.0.0"));
    expect(codes(end)).toEqual([]);
    expect(await inLatest()).toEqual([]);
  });

  test("a region that is added later is out of latest", async () => {
    await cancel(await create());
    await world.finish(at("1.0.0"));
    const targetRegions = [...BOTH, seedRegion("eastus", "EastUS")];
    await patchImageVersion(world.deps, {
      id: idOf(at("1.0.0")),
      ...BY,
      patch: { properties: { publishingProfile: { targetRegions } } },
      validate: () => [],
    });
    await world.finish(at("1.0.0"));
    expect(await inLatest()).toEqual(["eastus2"]);
  });

  test("a region that the body excludes stays so when the version is promoted", async () => {
    const eastus = { ...seedRegion("eastus", "EastUS"), excludeFromLatest: true };
    await cancel(await create("1.0.0", [...BOTH, eastus]));
    await world.finish(at("1.0.0"));
    await promoteImageVersion(world.deps, { id: idOf(at("1.0.0")), ...BY });
    await world.finish(at("1.0.0"));
    expect(await inLatest()).toEqual(["westus", "eastus2"]);
  });

  test("the same PUT brings it into latest everywhere", async () => {
    await cancel(await create());
    await world.finish(at("1.0.0"));
    const again = commandOf(at("1.0.0"), body({ targetRegions: BOTH }));
    expect(await putImageVersion(world.deps, again)).toMatchObject({
      kind: "accepted",
    });
    await world.finish(at("1.0.0"));
    expect(await inLatest()).toEqual(["westus", "eastus2"]);
  });
});

test("a region whose copy stands still is out, and the usable one stays", async () => {
  const { control } = world.simulator;
  await control.setSucceededWhen("homeRegion");
  await control.stallRegion({
    versionId: at("1.0.0"),
    region: "eastus2",
    atProgress: 20,
  });
  const creation = await create();
  await pass(10);
  await cancel(creation);
  const end = await world.finish(at("1.0.0"));
  expect(end.status).toBe("Canceled");
  expect(codes(end)).toEqual(["RegionKeepsLatest"]);
  expect(await inLatest()).toEqual(["westus"]);
});

test("where it is the latest everywhere nothing is sent", async () => {
  await cancel(await create());
  const end = await world.finish(at("1.0.0"));
  expect(end.status).toBe("Canceled");
  expect(end.history.at(-1)?.message).toEqual(naming(["eastus2", "westus"]));
  expect((await world.read(at("1.0.0"))).record.updates).toBe(0);
  expect(await inLatest()).toEqual(["westus", "eastus2"]);
});

test("with allowNoLatest each region that has none then is named", async () => {
  await cancel(await create(), ALLOW);
  const end = await world.finish(at("1.0.0"));
  expect(codes(end)).toEqual(["RegionWouldLoseLatest", "RegionWouldLoseLatest"]);
  expect(await inLatest()).toEqual([]);
});

test("that its own PUT allowed it says nothing of its cancel", async () => {
  const operation = await request(world.deps, at("1.0.0"), body({ targetRegions: BOTH }), ALLOW);
  await world.runDue();
  await cancel(operation);
  expect(codes(await world.finish(at("1.0.0")))).toContain("RegionKeepsLatest");
});

test("of two that are canceled the higher leaves latest, and the lower stays", async () => {
  const { control } = world.simulator;
  await control.setSucceededWhen("homeRegion");
  for (const name of ["1.0.0", "1.1.0"])
    await control.stallRegion({
      versionId: at(name),
      region: "eastus2",
      atProgress: 20,
    });
  const lower = await create("1.0.0");
  const higher = await create("1.1.0");
  await pass(10);
  await cancel(lower);
  await cancel(higher);
  const due = await world.takeDue();
  const isOf = ({ operationId }: { operationId: string }): boolean => operationId === higher.id;
  expect(due.some(isOf)).toBe(true);
  for (const message of due.filter(isOf)) await world.handle(message);
  for (const message of due.filter((one) => !isOf(one))) await world.handle(message);
  expect(codes(await world.finish(at("1.1.0")))).toEqual([]);
  expect(codes(await world.finish(at("1.0.0")))).toContain("RegionKeepsLatest");
  expect(await inLatest("1.1.0")).toEqual([]);
  expect(await inLatest("1.0.0")).toEqual(["westus"]);
});

test("where the definition may not be listed it waits, and says why", async () => {
  const { control } = world.simulator;
  const creation = await create();
  await cancel(creation);
  control.addFault({
    method: "GET",
    path: "/versions\\?",
    status: 403,
    times: null,
  });
  await pass(30);
  const { operation } = await world.read(at("1.0.0"));
  expect(operation).toMatchObject({
    id: creation.id,
    status: "Running",
    canceledBy: BY.requestedBy,
    waitReason: naming([403]),
  });
  expect(operation.warnings).toBeUndefined();
  expect(await inLatest()).toEqual(["westus", "eastus2"]);
  control.clearFaults();
  expect(await world.finish(at("1.0.0"))).toMatchObject({ status: "Canceled" });
});

describe("canceled again", () => {
  /** It spares a region, and its update is not taken. */
  async function canceling(): Promise<OperationRecord> {
    await publish("0.9.0", [WESTUS]);
    const creation = await create();
    await cancel(creation);
    refusePuts();
    await pass(5);
    const { operation } = await world.read(at("1.0.0"));
    expect(codes(operation)).toEqual(["RegionKeepsLatest"]);
    return creation;
  }

  test("with allowNoLatest it is out everywhere", async () => {
    const creation = await canceling();
    expect(await cancel(creation, ALLOW)).toMatchObject({ status: "Running" });
    world.simulator.control.clearFaults();
    const end = await world.finish(at("1.0.0"));
    expect(codes(end)).toEqual(["RegionWouldLoseLatest"]);
    expect(end.history.at(-1)?.message).toContain("excluded from latest");
    expect(await inLatest()).toEqual([]);
  });

  test("without it, what was allowed stays allowed", async () => {
    const creation = await canceling();
    const allowed = await cancel(creation, ALLOW);
    expect(await cancel(creation)).toEqual(allowed);
    expect(await cancel(creation, ALLOW)).toEqual(allowed);
    world.simulator.control.clearFaults();
    await world.finish(at("1.0.0"));
    expect(await inLatest()).toEqual([]);
  });

  test("while the update that spares the region is under way", async () => {
    await publish("0.9.0", [WESTUS]);
    const creation = await create();
    await cancel(creation);
    for (let waited = 0; (await inLatest()).length === 2; waited += 1) {
      expect(waited).toBeLessThan(60);
      await world.runDue();
      world.clock.advance(5_000);
    }
    expect(await inLatest()).toEqual(["eastus2"]);
    expect(await cancel(creation, ALLOW)).toMatchObject({ status: "Running" });
    const end = await world.finish(at("1.0.0"));
    expect(codes(end)).toEqual(["RegionWouldLoseLatest"]);
    expect(await inLatest()).toEqual([]);
  });

  test("once it has ended it is as it was: demote takes it out", async () => {
    const creation = await create();
    await cancel(creation);
    const end = await world.finish(at("1.0.0"));
    expect(await cancel(creation, ALLOW)).toEqual(end);
    await demoteImageVersion(world.deps, {
      id: idOf(at("1.0.0")),
      ...BY,
      ...ALLOW,
    });
    await world.finish(at("1.0.0"));
    expect(await inLatest()).toEqual([]);
  });
});

test("for other operations allowNoLatest means nothing", async () => {
  await publish("1.0.0", BOTH);
  const change = await demoteImageVersion(world.deps, {
    id: idOf(at("1.0.0")),
    ...BY,
    ...ALLOW,
  });
  expect(await cancel(change, ALLOW)).toMatchObject({ status: "Canceled" });
  await pass(5);
  expect(await inLatest()).toEqual(["westus", "eastus2"]);
});

test("the query of the API says it", async () => {
  const { cancelOperation: handle } = operationHandlers(
    createEndpoint({
      document,
      validator,
      authenticator: {
        authenticate: () => Promise.resolve({ roles: ["ImageVersions.Admin"] }),
      },
    }),
    world.deps,
    () => Promise.reject(new Error("no version is read")),
    (operation) => Promise.resolve(operation),
  );
  const { id: operationId } = await create();
  const { status } = (await handle(
    new HttpRequest({
      method: "POST",
      url: `https://sigil.example/api/operations/${operationId}/cancel?allowNoLatest=true`,
      params: { operationId },
    }),
    new InvocationContext({ logHandler: () => undefined }),
  )) as HttpResponseInit;
  expect(status).toBe(200);
  await world.finish(at("1.0.0"));
  expect(await inLatest()).toEqual([]);
});

test("a demotion that is sent with it is refused where no other version is ready", async () => {
  const creation = await create();
  await cancel(creation);
  const demotion = await demoteImageVersion(world.deps, {
    id: idOf(at("1.0.0")),
    ...BY,
  });
  await pass(30);
  const [end, demoted] = await Promise.all(
    [creation, demotion].map(
      async ({ id }) => (await world.deps.store.readOperation(id))?.operation,
    ),
  );
  expect(end).toMatchObject({
    status: "Canceled",
    warnings: [{ code: "RegionKeepsLatest" }, { code: "RegionKeepsLatest" }],
  });
  expect(demoted?.error?.code).toBe("RegionWouldLoseLatest");
  expect(await inLatest()).toEqual(["westus", "eastus2"]);
});

test("a demotion that may leave none is done with it, and names the regions", async () => {
  const creation = await create();
  await cancel(creation);
  const demotion = await demoteImageVersion(world.deps, {
    id: idOf(at("1.0.0")),
    ...BY,
    ...ALLOW,
  });
  await pass(30);
  const [end, demoted] = await Promise.all(
    [creation, demotion].map(
      async ({ id }) => (await world.deps.store.readOperation(id))?.operation,
    ),
  );
  expect(end?.status).toBe("Canceled");
  expect(end && codes(end)).not.toContain("RegionKeepsLatest");
  expect(demoted?.status).toBe("Succeeded");
  expect(demoted && codes(demoted)).toContain("RegionWouldLoseLatest");
  expect(await inLatest()).toEqual([]);
});

test("a promotion that comes while it is canceled counts", async () => {
  const creation = await create();
  await cancel(creation);
  await promoteImageVersion(world.deps, { id: idOf(at("1.0.0")), ...BY });
  await pass(30);
  expect((await world.deps.store.readOperation(creation.id))?.operation).toMatchObject({
    status: "Canceled",
  });
  expect(await inLatest()).toEqual(["westus", "eastus2"]);
});
