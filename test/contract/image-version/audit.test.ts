import { afterAll, beforeAll, expect, test } from "vitest";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { withCalls } from "../../../src/operation/audit.js";
import type { ArmCall } from "../../../src/operation/records.js";
import { viewOperation } from "../../support/views.js";
import { request, startInProcess, type InProcess } from "../../support/dependencies.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess();
});
afterAll(() => world.close());

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;

test("an operation shows who asked, and every call to ARM with its correlation id", async () => {
  const id = seedVersionId("4.0.1");
  world.simulator.control.clearRequests();
  await request(world.deps, id, managedImageRequest(), {
    requestedBy: { appId: "build-system", objectId: "object" },
  });
  const operation = viewOperation(await world.finish(id), "calls");
  expect(operation.requestedBy).toEqual({
    appId: "build-system",
    objectId: "object",
  });
  const asked = world.simulator.control
    .requests()
    .map(({ method, path }) => `${method} ${path.split("?")[0]}`);
  const { calls = [] } = operation;
  // Reads are under way at once: what comes back first is first.
  expect(calls.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(asked.sort());
  for (const call of calls) expect(call.correlationId).toMatch(UUID);
  expect(calls.filter(({ method }) => method === "PUT")).toEqual([
    expect.objectContaining({ path: id, status: 201 }),
  ]);
  expect(calls.map(({ time }) => time)).toEqual(calls.map(({ time }) => time).sort());
});

test("a call that was not answered is shown without a status", async () => {
  const id = seedVersionId("4.0.2");
  world.simulator.control.addFault({
    method: "PUT",
    path: "/versions/4.0.2",
    action: "reset-after-processing",
  });
  await request(world.deps, id, managedImageRequest());
  const { calls = [] } = await world.finish(id);
  // Looked after, the version is there: it is not sent again.
  expect(calls.filter(({ method }) => method === "PUT")).toEqual([
    { time: expect.any(String) as string, method: "PUT", path: id },
  ]);
});

test("who canceled it is shown", async () => {
  const id = seedVersionId("4.0.3");
  const { id: operationId } = await request(world.deps, id, managedImageRequest());
  expect(await cancelOperation(world.deps, operationId, { appId: "operator" })).toMatchObject({
    requestedBy: { appId: "build-system" },
    canceledBy: { appId: "operator" },
  });
});

test("of more than two hundred calls the oldest reads go first, then writes but the first twenty; both are counted", async () => {
  const accepted = await world.read(seedVersionId("4.0.3"));
  const call = (method: string, n: number): ArmCall => ({
    time: new Date(n).toISOString(),
    method,
    path: "/x",
  });
  const reads = Array.from({ length: 300 }, (_, n) => call("GET", n + 1));
  const { operation: fresh } = accepted;
  const { calls: _, ...uncalled } = fresh;
  const first = withCalls({ ...accepted, operation: uncalled }, [call("PUT", 0), ...reads]);
  expect(first.operation).toMatchObject({ omittedReads: 101 });
  expect(first.operation.calls).toEqual([call("PUT", 0), ...reads.slice(101)]);
  const { operation } = withCalls(first, [call("PUT", 500), call("GET", 501)]);
  expect(operation).toMatchObject({ omittedReads: 103 });
  expect(operation.calls).toHaveLength(200);
  expect(operation.calls?.filter(({ method }) => method === "PUT")).toHaveLength(2);
  const puts = Array.from({ length: 300 }, (__, n) => call("PUT", 600 + n));
  const { operation: written } = withCalls({ ...first, operation }, puts);
  expect(written).toMatchObject({ omittedReads: 301, omittedWrites: 102 });
  expect(written.calls).toEqual([
    call("PUT", 0),
    call("PUT", 500),
    ...puts.slice(0, 18),
    ...puts.slice(120),
  ]);
});
