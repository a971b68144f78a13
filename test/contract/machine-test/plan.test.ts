/** What a test would make and cost, before it makes anything; and that it makes just that. */
import { afterEach, expect, test } from "vitest";
import { planTest } from "../../../src/machine-test/plan-test.js";
import { idOf } from "../../support/dependencies.js";
import { refusal } from "../../support/refusal.js";
import { seedSet, startMachineTests, VERSION, type MachineTests } from "./support.js";
import { naming } from "../../support/naming.js";
import { testsOf } from "../../../src/machine-test/region-record.js";

let tests: MachineTests;
afterEach(() => tests.close());

const PRICES = {
  currency: "EUR",
  hour: { "westus/standard_d2s_v5": 0.12, standard_d4s_v5: 0.2 },
};
const plan = (regions?: readonly string[]) =>
  planTest({ ...tests.deps, prices: PRICES }, { id: idOf(VERSION), ...(regions && { regions }) });

test("a plan has each region's machine, disks and longest life, and its cost where the price is known", async () => {
  tests = await startMachineTests({ profile: { keepFailedMinutes: 60 } });
  tests.simulator.control.clearRequests();
  const { attempts, regions } = await plan();
  expect(attempts).toBe(3);
  expect(regions).toMatchObject([
    {
      name: "westus",
      machineSize: "Standard_D2s_v5",
      disks: [
        { diskEncryptionSetId: seedSet("WestUSDiskEncryptionSet1") },
        { lun: 0, diskEncryptionSetId: seedSet("WestUSDiskEncryptionSet2") },
      ],
      atMostMinutes: 20 + 10 + 60 + 30,
      cost: {
        currency: "EUR",
        hour: 0.12,
        atMost: 0.72,
        message: naming(["0.72", "0.12", "120"]),
      },
    },
    { name: "eastus2" },
  ]);
  expect(regions[1]?.cost).toEqual({
    message: "Unknown: SIGIL_TEST_MACHINE_PRICES has no price of Standard_D2s_v5 in eastus2.",
  });
  expect(tests.simulator.control.requests().filter(({ method }) => method !== "GET")).toEqual([]);
  expect(await tests.takeDue()).toEqual([]);
});

test("a set that another part of Sigil has seen working in the last 15 s is not read again", async () => {
  tests = await startMachineTests();
  const { looks, resources } = tests.world.instance();
  const deps = { ...tests.deps, looks, resources };
  const setsRead = async (): Promise<number> => {
    tests.simulator.control.clearRequests();
    await planTest(deps, { id: idOf(VERSION) });
    return tests.simulator.control.countRequests({ path: "diskEncryptionSets" });
  };
  expect(await setsRead()).toBeGreaterThan(0);
  tests.clock.advance(14_000);
  expect(await setsRead()).toBe(0);
  tests.clock.advance(1_000);
  expect(await setsRead()).toBeGreaterThan(0);
});

test("without any prices the cost is unknown, never nothing", async () => {
  tests = await startMachineTests();
  const { regions } = await planTest(tests.deps, {
    id: idOf(VERSION),
    regions: ["West US"],
  });
  expect(regions.map(({ cost }) => cost)).toEqual([
    {
      message: "Unknown: SIGIL_TEST_MACHINE_PRICES has no price of Standard_D2s_v5 in westus.",
    },
  ]);
});

test("a test makes what its plan has, and no longer than it says", async () => {
  tests = await startMachineTests({ profile: { keepFailedMinutes: 5 } });
  const { regions } = await plan();
  await tests.test();
  const { operation } = await tests.read();
  const begun = operation.createdTime;
  const done = await tests.finish();
  for (const [i, region] of regions.entries()) {
    const made = testsOf(done)[i];
    expect(made).toMatchObject({
      name: region.name,
      machineSize: region.machineSize,
    });
    expect(
      made?.disks?.map(({ lun, diskEncryptionSetId }) => ({
        ...(lun !== undefined && { lun }),
        diskEncryptionSetId,
      })),
    ).toEqual(region.disks);
    expect((Date.parse(made?.deadline ?? "") - Date.parse(begun)) / 60_000).toBeCloseTo(
      region.atMostMinutes,
      0,
    );
  }
});

test("a plan says why no machine would be made", async () => {
  tests = await startMachineTests();
  await tests.simulator.control.setMachineSize({
    region: "eastus2",
    size: "Standard_D2s_v5",
    restriction: "NotOffered",
  });
  const { regions } = await plan();
  expect(regions.map(({ name, hindrance }) => [name, hindrance?.code])).toEqual([
    ["westus", undefined],
    ["eastus2", expect.any(String) as string],
  ]);
});

test("what a test refuses its plan refuses", async () => {
  tests = await startMachineTests();
  expect(await refusal(plan(["uksouth"]))).toMatchObject({
    code: "TestRefused",
  });
  expect(
    await refusal(planTest({ ...tests.deps, makesMachines: false }, { id: idOf(VERSION) })),
  ).toMatchObject({ code: "TestMachinesOff" });
});
