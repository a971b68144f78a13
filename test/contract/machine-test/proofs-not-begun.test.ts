/** What says nothing of the image, though the proof of its start has not come. */
import { afterEach, expect, test } from "vitest";
import { resultsOf, startMachineTests, type MachineTests } from "./support.js";

let tests: MachineTests;
afterEach(() => tests.close());

test.each([
  [429, "TooManyRequests"],
  [503, "ServiceUnavailable"],
  [500, "InternalServerError"],
])("a script that Azure does not begin (%i %s)", async (status, code) => {
  tests = await startMachineTests({
    profile: { proof: { kind: "runCommand", script: "check" } },
  });
  tests.simulator.control.addFault({
    method: "PUT",
    path: "/runCommands/",
    times: null,
    status,
    body: { error: { code, message: "No." } },
  });
  await tests.test({ regions: ["westus"] });
  expect(resultsOf(await tests.finish())["westus"]).toMatch(/^inconclusive/u);
});
