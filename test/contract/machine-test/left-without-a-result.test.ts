import { afterEach, expect, test } from "vitest";
import { failPoisoned } from "../../../src/operation/poison.js";
import { startMachineTests, type MachineTests } from "./support.js";
let tests: MachineTests;
afterEach(() => tests.close());

test("a machine that never ran and cannot be deleted (a lock on the resource group) has not passed", async () => {
  tests = await startMachineTests();
  await tests.simulator.control.planMachine({
    does: "neverAllocated",
    region: "westus",
  });
  tests.simulator.control.addFault({
    method: "DELETE",
    path: "/virtualMachines/sigiltest",
    times: null,
    status: 409,
    body: {
      error: {
        code: "ScopeLocked",
        message: "The scope cannot perform delete operation because following scope(s) are locked.",
      },
    },
  });
  await tests.test({ regions: ["westus"] });
  const op = await tests.finish();
  expect(op).toMatchObject({
    status: "Failed",
    error: { code: "TestInconclusive" },
  });
});

test("the machine of a test whose message cannot be processed is deleted long before its deadline", async () => {
  tests = await startMachineTests();
  await tests.test({ regions: ["westus"] });
  await tests.runDue();
  const { record, operation } = await tests.read();
  await failPoisoned(tests.deps, { operationId: operation.id, step: record.step }, "It kills.");
  expect((await tests.read()).operation.error?.code).toBe("PoisonMessage");
  expect(tests.there()).not.toEqual([]);
  tests.clock.advance(11 * 60_000);
  await tests.sweep();
  tests.clock.advance(60_000);
  expect(tests.there()).toEqual([]);
});
