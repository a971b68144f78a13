/** What machines have shown counts as the results of any test do. */
import { afterEach, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { managedImageRequest } from "../../support/requests.js";
import { idOf } from "../../support/dependencies.js";
import { startMachineTests, VERSION, type MachineTests } from "./support.js";
import { testsOf } from "../../../src/machine-test/region-record.js";

let tests: MachineTests;
afterEach(() => tests.close());

const results = async () =>
  (await tests.deps.results.list(VERSION))
    .map(({ name, region, result, message }) => ({
      name,
      region,
      result,
      message,
    }))
    .sort((a, b) => a.region.localeCompare(b.region, "en"));

const machine = { name: "sigil/machine" };

test("each region's result is one of the version's test results, told once", async () => {
  tests = await startMachineTests({ profile: { keepFailedMinutes: 60 } });
  await tests.simulator.control.planMachine({
    does: "wrongKey",
    region: "eastus2",
  });
  const { id } = await tests.test();
  // That the failed machine is kept holds up no result.
  let early: Awaited<ReturnType<typeof results>> = [];
  await tests.finish(async ({ operation }) => {
    if (testsOf(operation).some(({ state }) => state === "Kept") === true) early = await results();
  });
  expect(await results()).toEqual([
    {
      ...machine,
      region: "eastus2",
      result: "failed",
      message: expect.stringMatching(`^Operation ${id}\\. DiskEncryptionMismatch: `) as string,
    },
    {
      ...machine,
      region: "westus",
      result: "passed",
      message: `Operation ${id}.`,
    },
  ]);
  expect(early).toHaveLength(2);
  const told = (await tests.takeEvents()).filter(
    ({ type }) => type === "Sigil.ImageVersion.TestResultReported",
  );
  expect(new Set(told.map(({ id: event }) => event)).size).toBe(2);
  expect(told[0]?.data).toMatchObject({
    superseded: false,
    reportedBy: { policy: "machineTest" },
  });
});

test("a region in which no machine can be made is inconclusive", async () => {
  tests = await startMachineTests();
  await tests.setProfile({ machineSize: "Standard_NoSuchSize" });
  await tests.test({ regions: ["westus"] });
  await tests.finish();
  expect(await results()).toMatchObject([{ ...machine, region: "westus", result: "inconclusive" }]);
});

test("a test does not end before its results are written down", async () => {
  tests = await startMachineTests();
  let refusals = 3;
  const { results: stored } = tests.deps;
  const deps = {
    ...tests.deps,
    results: {
      ...stored,
      add: (...args: Parameters<typeof stored.add>) => {
        refusals -= 1;
        if (refusals >= 0)
          throw new ServiceError("DependencyUnavailable", "No answer.", {
            retryAfterMs: 1_000,
          });
        return stored.add(...args);
      },
    },
  };
  await tests.test({ regions: ["westus"] });
  for (let steps = 0; steps < 100 && (await results()).length === 0; steps += 1) {
    const { record, operation } = await tests.read();
    expect(operation.status).not.toBe("Succeeded");
    for (const message of await tests.takeDue()) await tests.handle(message, deps);
    tests.clock.advance(Math.max(1_000, Date.parse(record.dueTime) - tests.clock.now()));
  }
  expect(refusals).toBeLessThan(0);
  expect(await tests.finish()).toMatchObject({ status: "Succeeded" });
});

test("what was found before a test is canceled counts; a version made again under the number has none of it", async () => {
  tests = await startMachineTests();
  await tests.simulator.control.planMachine({
    does: "hangs",
    region: "eastus2",
  });
  const { id } = await tests.test();
  await tests.finish(async ({ operation }) => {
    if (testsOf(operation)[0]?.result === "passed")
      await cancelOperation(tests.deps, id, { appId: "operator" });
  });
  expect(await results()).toMatchObject([{ ...machine, region: "westus", result: "passed" }]);

  await tests.test({ regions: ["eastus2"] });
  let isMadeAgain = false;
  await tests.finish(async ({ operation }) => {
    if (operation.status !== "Running" || isMadeAgain) return;
    isMadeAgain = true;
    await tests.simulator.control.removeResource(VERSION);
    tests.clock.advance(1_000);
    await tests.deps.resourceManager.putImageVersion(idOf(VERSION), managedImageRequest());
  });
  expect(isMadeAgain).toBe(true);
  expect(await results()).toHaveLength(1);
});
