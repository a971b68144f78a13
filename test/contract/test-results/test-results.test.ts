import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RejectedRequest } from "../../../src/messaging/answer-request.js";
import { createRequestHandler } from "../../../src/messaging/request-handler.js";
import { getTestResults } from "../../../src/test-results/get.js";
import type { TestResultDependencies } from "../../../src/test-results/ports.js";
import { gateOf } from "../../../src/test-results/results.js";
import { reportTestResult } from "../../../src/test-results/report.js";
import {
  idOf,
  request,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { createMemoryTestResults } from "../../support/fakes/test-results.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { validator } from "../../unit/http/contract/document.js";
import { bytesOf, invocation } from "../../unit/messaging/invocation.js";

let world: InProcess;
let deps: TestResultDependencies;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000 });
});
afterAll(() => world.close());

let versions = 0;
/** Each test's own version, which is made. */
let version: string;
beforeEach(async () => {
  versions += 1;
  version = seedVersionId(`1.0.${versions}`);
  deps = {
    results: createMemoryTestResults(),
    resourceManager: world.deps.resourceManager,
    events: world.deps.events,
    eventSource: world.deps.eventSource,
    now: world.deps.now,
  };
  await make();
  world.clock.advance(600_000);
  await world.takeEvents();
});

async function make(): Promise<void> {
  await request(world.deps, version, managedImageRequest());
  expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
}

/** RFC 3339, so many seconds from now. */
const at = (seconds: number): string => new Date(world.clock.now() + seconds * 1_000).toISOString();

const report = (more: object = {}) =>
  reportTestResult(deps, {
    id: idOf(version),
    report: { name: "boot", region: "West US", result: "passed", ...more },
    reportedBy: { appId: "tester" },
    traceparent: TRACEPARENT,
  });

const results = () => getTestResults({ ...world.deps, results: deps.results }, idOf(version));

const counts = async () => (await results()).filter((one) => one.counts);

const told = async () =>
  (await world.takeEvents()).map(({ id, type, data }) => ({ id, type, data }));

test("a result is stored, listed and told", async () => {
  const link = "https://tests.example/1";
  const expected = {
    name: "boot",
    region: "westus",
    result: "passed",
    time: at(0),
    link,
    reportedBy: { appId: "tester" },
  };
  expect(await report({ link })).toEqual(expected);
  expect(await results()).toEqual([{ ...expected, counts: true }]);
  expect(await told()).toEqual([
    {
      id: expect.stringMatching(/^test-result\/[0-9a-f]{32}$/u) as string,
      type: "Sigil.ImageVersion.TestResultReported",
      data: { ...expected, superseded: false },
    },
  ]);
});

test("of two results the later found one counts, in whatever order they are reported", async () => {
  await report({ result: "failed", time: at(-2) });
  expect(await report({ result: "passed", time: at(-1) })).toMatchObject({
    result: "passed",
  });
  expect(await report({ result: "failed", time: at(-3) })).toMatchObject({
    result: "passed",
  });
  // The same report again is the same event, which is told once.
  await report({ result: "failed", time: at(-2) });
  expect(await counts()).toMatchObject([{ result: "passed" }]);
  // Each is listed, the last first.
  expect((await results()).map(({ time }) => time)).toEqual([-1, -2, -3].map(at));
  expect((await told()).map(({ data }) => (data as { superseded: boolean }).superseded)).toEqual([
    false,
    false,
    true,
  ]);
});

test("results of many who report at once are all taken, and the latest counts", async () => {
  await Promise.all(
    [5, 1, 4, 2, 3].map((second) => report({ time: at(-second), message: String(second) })),
  );
  expect(await counts()).toMatchObject([{ message: "1" }]);
  expect(await results()).toHaveLength(5);
});

test("of each reporter the last one counts: nobody overrules another's failure", async () => {
  await report({ result: "failed", time: at(-2) });
  await reportTestResult(deps, {
    id: idOf(version),
    report: { name: "boot", region: "westus", result: "passed" },
    reportedBy: { appId: "somebody else", name: "tester" },
    traceparent: TRACEPARENT,
  });
  const terms = { regions: ["westus"], names: ["boot"] };
  expect(gateOf(await counts(), terms)).toMatchObject({
    state: "failed",
    failed: [{ reportedBy: { appId: "tester" } }],
  });
  await report({ result: "passed" });
  expect(gateOf(await counts(), terms).state).toBe("passed");
});

test("a result of a region or a time that the version does not have is refused", async () => {
  for (const [more, expected] of [
    [{ region: "northeurope" }, "RegionNotInVersion /region"],
    [{ time: at(3_600) }, "NotInRange /time"],
    [{ time: "2020-01-01T00:00:00Z" }, "ResultOfEarlierVersion /time"],
  ] as const) {
    const error: unknown = await report(more).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "InvalidRequest",
      findings: [{ code: expected.split(" ")[0], pointer: expected.split(" ")[1] }],
    });
  }
  version = seedVersionId("9.9.9");
  await expect(report()).rejects.toMatchObject({ code: "NotFound" });
  await expect(results()).rejects.toMatchObject({ code: "NotFound" });
  expect(await told()).toEqual([]);
});

test("a version that is made again under its number has no results of the one before", async () => {
  await report({ result: "failed", time: at(-1) });
  await world.simulator.control.removeResource(version).catch(() => undefined);
  await world.deps.resourceManager.deleteImageVersion(idOf(version));
  world.clock.advance(24 * 3_600_000);
  await world.deps.resourceManager.putImageVersion(idOf(version), managedImageRequest());
  world.clock.advance(24 * 3_600_000);
  expect(await results()).toEqual([]);
  // Older than what is stored of the life before would be no reason: another life is another matter.
  await report({ result: "passed", time: at(-1) });
  expect(await results()).toMatchObject([{ result: "passed" }]);
});

describe("a region that is removed, and added again", () => {
  const body = managedImageRequest();
  const { publishingProfile } = body.properties;
  const { targetRegions = [] } = publishingProfile ?? {};
  const remove = async (): Promise<void> => {
    const alone = {
      ...body,
      properties: {
        ...body.properties,
        publishingProfile: {
          ...publishingProfile,
          targetRegions: targetRegions.filter(({ name }) => name === "West US"),
        },
      },
    };
    await request(world.deps, version, alone, { removeRegions: ["eastus2"] });
    await world.finish(version);
    world.clock.advance(600_000);
  };
  const names = async () => (await results()).map(({ name }) => name);

  test("has none of the results of the copy before", async () => {
    await report({ region: "eastus2", name: "before" });
    await report({ name: "boot" });
    expect(await names()).toEqual(["before", "boot"]);
    await remove();
    expect(await names()).toEqual(["boot"]);
    await request(world.deps, version, body);
    await world.finish(version);
    world.clock.advance(600_000);
    expect(await names()).toEqual(["boot"]);
    await report({ region: "eastus2", name: "after" });
    expect(await names()).toEqual(["after", "boot"]);
  });
});

describe("by Service Bus", () => {
  let kept: RejectedRequest[];
  beforeEach(() => {
    kept = [];
  });

  async function send(event: object): Promise<void> {
    const handle = createRequestHandler({
      putImageVersion: () => Promise.reject(new Error("no version is asked")),
      validateBody: (body) => validator.validateBody("putImageVersion", body),
      reportTestResult: (command) => reportTestResult(deps, command),
      validateTestResult: (body) => validator.validateBody("reportTestResult", body),
      events: deps.events,
      keepRejected: (rejected) => {
        kept.push(rejected);
        return Promise.resolve();
      },
      postpone: () => Promise.reject(new Error("nothing is postponed")),
      maxDeliveryCount: 10,
      eventSource: deps.eventSource,
      now: deps.now,
    });
    const { context } = invocation({ messageId: "m-1", deliveryCount: 1 });
    await handle(bytesOf(event), context);
  }

  const event = (more: object = {}) => ({
    specversion: "1.0",
    id: "run-1",
    source: "urn:tests",
    type: "Sigil.TestResult",
    subject: version,
    time: at(-1),
    data: { name: "boot", region: "eastus2", result: "inconclusive" },
    ...more,
  });

  test("a result is answered by an event that names the message, and sent again by the same one", async () => {
    await send(event());
    expect(await results()).toEqual([
      {
        name: "boot",
        region: "eastus2",
        result: "inconclusive",
        time: at(-1),
        reportedBy: { source: "urn:tests" },
        counts: true,
      },
    ]);
    const [first] = await told();
    expect(first?.data).toMatchObject({
      request: { source: "urn:tests", id: "run-1" },
      superseded: false,
    });
    // The same event: duplicate detection drops it.
    await send(event());
    expect(await told()).toEqual([]);
    expect(kept).toEqual([]);
  });

  test("the time is that of its data, or of the event; one of them is there", async () => {
    const { data } = event();
    await send(event({ time: undefined, data: { ...data, time: at(-5) } }));
    expect(await results()).toMatchObject([{ time: at(-5) }]);
    await send(event({ data: { ...data, time: at(-2) } }));
    expect(await counts()).toMatchObject([{ time: at(-2) }]);
    await world.takeEvents();
    await send(event({ time: "soon" }));
    expect(kept).toHaveLength(1);
    expect(await told()).toMatchObject([
      {
        type: "Sigil.ImageVersion.Rejected",
        data: { error: { errors: [{ pointer: "/time" }] } },
      },
    ]);
  });

  test("what is wrong is rejected, with pointers into the message", async () => {
    await send(event({ data: { name: "", region: "westus", result: "ok" } }));
    const [wrong] = await told();
    expect(wrong).toMatchObject({ type: "Sigil.ImageVersion.Rejected" });
    expect(
      (wrong?.data as { error: { errors: { pointer: string }[] } }).error.errors
        .map(({ pointer }) => pointer)
        .sort(),
    ).toEqual(["/data/name", "/data/result"]);
    const { data } = event();
    await send(event({ data: { ...data, region: "northeurope" } }));
    expect(await told()).toMatchObject([
      { data: { error: { errors: [{ pointer: "/data/region" }] } } },
    ]);
    expect(kept).toHaveLength(2);
  });
});
