import { afterEach, expect, test } from "vitest";
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
        message:
          "The scope cannot perform delete operation because following scope(s) are locked.",
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
