import { beforeEach, describe, expect, test } from "vitest";
import type { OperationRecord } from "../../../src/operation/records.js";
import type { FaultSpec } from "@sigil-local/arm-simulator/parts/faults";
import { idOf, request, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { managedImageRequest, seedResource } from "../../support/requests.js";
import { naming } from "../../support/naming.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000, callMs: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});
let start: number;
beforeEach(async () => {
  start = world.clock.now();
  await request(world.deps, id, managedImageRequest());
});

const paths = (): Record<"version" | "set" | "source", string> => ({
  version: `${id}\\?`,
  set: "/diskEncryptionSets/WestUSDiskEncryptionSet1\\?",
  source: "/images/myImage\\?",
});

function fault(spec: FaultSpec): void {
  world.simulator.control.addFault(spec);
}

/** When the version's next step is due, in seconds after the request. */
async function dueAfter(): Promise<number> {
  return (Date.parse((await world.read(id)).record.dueTime) - start) / 1_000;
}

function puts(status?: number): number {
  return world.simulator.control.countRequests({
    method: "PUT",
    path: paths().version,
    ...(status !== undefined && { status }),
  });
}

async function expectSucceeded(): Promise<OperationRecord> {
  const operation = await world.finish(id);
  expect(operation).toMatchObject({ status: "Succeeded" });
  expect(world.simulator.control.creates(id)).toBe(1);
  const ids = (await world.takeEvents())
    .filter(({ subject }) => subject === id)
    .map((event) => event.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((fact) => /(creating|completed)$/u.test(fact))).toHaveLength(4);
  return operation;
}

const PASSING: readonly (FaultSpec & { readonly name: string })[] = [
  { name: "429", status: 429 },
  { name: "409 of a busy version", status: 409 },
  { name: "500", status: 500 },
  { name: "503", status: 503 },
  { name: "a reset connection", action: "reset" },
  {
    name: "a connection reset after the request was processed",
    action: "reset-after-processing",
  },
  { name: "an expired token", action: "expired-token" },
];

describe("before the create request", () => {
  test.each(
    PASSING.flatMap((one) =>
      (["version", "set", "source"] as const).map((place) => ({
        ...one,
        place,
      })),
    ),
  )("$name on the read of the $place delays the version", async (one) => {
    const { name: _, place, ...spec } = one;
    fault({ ...spec, method: "GET", path: paths()[place], times: 3 });
    await world.runDue();
    expect((await world.read(id)).record).toMatchObject({ state: "Accepted" });
    expect(await dueAfter()).toBeGreaterThanOrEqual(10);
    const { history } = await expectSucceeded();
    expect(history.map(({ state }) => state)).toEqual([
      "Accepted",
      "Waiting",
      "Creating",
      "Replicating",
      "Succeeded",
    ]);
  });
});

describe("the create request", () => {
  test.each(PASSING)("delayed by $name is one create", async (one) => {
    const { name: _, ...spec } = one;
    fault({ ...spec, method: "PUT", path: paths().version, times: 3 });
    await world.runDue();
    expect((await world.read(id)).record).toMatchObject({ state: "Creating" });
    await expectSucceeded();
    // Processed at the first: seen by the next look, and never sent again.
    expect(puts()).toBe(one.action === "reset-after-processing" ? 1 : 4);
  });

  test("obeys Retry-After to the second, however long", async () => {
    fault({
      method: "PUT",
      path: paths().version,
      status: 429,
      headers: { "Retry-After": "271" },
    });
    await world.runDue();
    expect(await dueAfter()).toBe(271);
    world.clock.advance(270_999);
    await world.runDue();
    expect((await world.read(id)).record.state).toBe("Creating");
    world.clock.advance(1);
    await world.runDue();
    expect((await world.read(id)).record.state).toBe("Replicating");
    await expectSucceeded();
  });

  test("obeys Retry-After as a date", async () => {
    fault({
      method: "PUT",
      path: paths().version,
      status: 503,
      headers: { "Retry-After": new Date(start + 600_000).toUTCString() },
    });
    await world.runDue();
    // A date has whole seconds.
    expect(Math.ceil(await dueAfter())).toBe(600);
    await expectSucceeded();
  });

  test("that was processed though its answer was lost, and is hidden for a while, is repeated as the same and is one create", async () => {
    fault({
      method: "PUT",
      path: paths().version,
      action: "reset-after-processing",
    });
    // The next looks: for the create, then in replication.
    fault({ method: "GET", path: paths().version, action: "hide", times: 4 });
    await expectSucceeded();
  });

  test("refused for a long time keeps a history of a few entries, and waits a tenth of the time that it has waited", async () => {
    fault({ method: "PUT", path: paths().version, status: 500, times: 20 });
    for (let i = 0; i < 40; i += 1) {
      await world.runDue();
      const { record: version } = await world.read(id);
      const wait = Date.parse(version.dueTime) - world.clock.now();
      expect(wait).toBeLessThanOrEqual(Math.max(120_000, (world.clock.now() - start) / 10));
      world.clock.advance(wait);
    }
    expect((await world.read(id)).operation.history.length).toBeLessThan(8);
    await expectSucceeded();
  });

  test.each([
    {
      status: 409,
      code: "PropertyChangeNotAllowed",
      message: "Changing property 'galleryImageVersion.x' is not allowed.",
      told: "ImmutableProperty",
    },
    {
      status: 403,
      code: "RequestDisallowedByPolicy",
      message: "Resource was disallowed by policy.",
    },
    {
      status: 400,
      code: "InvalidParameter",
      message: "The value is invalid.",
      target: "galleryImageVersion.properties.storageProfile.source.id",
    },
    { status: 404, code: "ResourceNotFound", message: "No such gallery." },
  ])("refused with $status $code ends Failed with ARM's words", async (one) => {
    const { status, told, ...error } = one;
    fault({ method: "PUT", path: paths().version, status, body: { error } });
    const operation = await world.finish(id);
    expect(operation).toMatchObject({
      status: "Failed",
      error: {
        code: "ResourceManagerRefused",
        message: naming([status, error.code, idOf(id).versionName, error.message]),
        errors: [
          {
            code: told ?? error.code,
            message: `Azure says ${error.code}: ${error.message}`,
            pointer: error.target ? "/properties/storageProfile/source/id" : "",
          },
        ],
      },
    });
    expect(puts()).toBe(1);
    expect((await world.takeEvents()).at(-1)).toMatchObject({
      type: "Sigil.ImageVersion.Failed",
      data: { error: { code: "ResourceManagerRefused", errorCount: 1 } },
    });
  });

  test("refused for want of a permission ends Failed and says which role is missing", async () => {
    fault({
      method: "PUT",
      path: paths().version,
      status: 403,
      body: {
        error: {
          code: "AuthorizationFailed",
          message: "The client does not have authorization.",
        },
      },
    });
    expect(await world.finish(id)).toMatchObject({
      status: "Failed",
      error: {
        code: "ResourceManagerForbidden",
        errors: [
          {
            code: "InsufficientPermission",
            pointer: "",
            remediation: naming([id, "Compute Gallery Artifacts Publisher"]) as string,
          },
        ],
      },
    });
    expect(puts()).toBe(1);
  });
});

describe("while the version replicates", () => {
  test.each([...PASSING, { name: "404", action: "hide" as const }])(
    "$name delays it and never fails it",
    async (one) => {
      const { name: _, ...spec } = one;
      await world.runDue();
      fault({ ...spec, method: "GET", path: paths().version, times: 5 });
      world.clock.advance(15_000);
      await world.runDue();
      expect((await world.read(id)).record.state).toBe("Replicating");
      await expectSucceeded();
      expect(puts()).toBe(1);
    },
  );

  test("404 right after the create request is waited for", async () => {
    fault({ method: "GET", path: paths().version, action: "hide", times: 9 });
    await expectSucceeded();
  });

  test("a version that is gone before a look has shown it was accepted, and is not shown", async () => {
    await world.runDue();
    await world.simulator.control.removeResource(id);
    expect(await world.finish(id)).toMatchObject({
      status: "Failed",
      error: { code: "NotShown" },
    });
    expect(puts()).toBe(1);
  });

  test("a version that a look has shown, and that others delete, is gone", async () => {
    await world.runDue();
    world.clock.advance(15_000);
    await world.runDue();
    await world.simulator.control.removeResource(id);
    expect(await world.finish(id)).toMatchObject({
      status: "Failed",
      error: {
        code: "ImageVersionGone",
        message: expect.any(String) as string,
      },
    });
    expect(puts()).toBe(1);
  });

  test("obeys Retry-After to the second", async () => {
    await world.runDue();
    fault({
      method: "GET",
      path: paths().version,
      status: 429,
      headers: { "Retry-After": "299" },
    });
    world.clock.advance(15_000);
    await world.runDue();
    expect(await dueAfter()).toBe(15 + 299);
    await expectSucceeded();
  });

  test("an operation whose error cannot be read now is read later", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "westus",
      message: "Out of capacity.",
    });
    fault({ method: "GET", path: "/operations/", status: 500, times: 2 });
    expect(await world.finish(id)).toMatchObject({
      status: "Failed",
      error: { code: "ReplicationFailed" },
    });
  });
});

test("the token is asked for anew by the next step after it has expired", async () => {
  fault({
    path: seedResource("").replace(/\/$/u, ""),
    action: "expired-token",
    times: 9,
  });
  await expectSucceeded();
});
