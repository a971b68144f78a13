/** No caller makes more machines than the deployment may have, nor begins more tests than a day may have, however fast it asks. */
import { afterEach, expect, test } from "vitest";
import type { TestDependencies } from "../../../src/machine-test/ports.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { createTestLimits } from "../../support/fakes/test-limits.js";
import { refusal } from "../../support/refusal.js";
import { seedVersionId } from "../../support/requests.js";
import { startMachineTests, type MachineTests } from "./support.js";

const VERSIONS = Array.from({ length: 6 }, (_, i) => seedVersionId(`9.0.${i}`));

let tests: MachineTests;
afterEach(() => tests.close());
const limited = (...limits: Parameters<typeof createTestLimits>) => ({
  ...tests.deps,
  limits: createTestLimits(...limits),
});
const byRule = { requestedBy: { name: "Sigil" } };
const beginAll = (deps: TestDependencies, more: object = {}) =>
  Promise.allSettled(VERSIONS.map((versionId) => tests.test({ versionId, ...more }, deps)));
const begun = (all: readonly PromiseSettledResult<unknown>[]) =>
  all.filter(({ status }) => status === "fulfilled").length;

test("of six tests of two machines in a second two begin where four machines may be there", async () => {
  tests = await startMachineTests({ versions: VERSIONS });
  const deps = limited(4);
  const all = await beginAll(deps);
  expect(begun(all)).toBe(2);
  for (const one of all)
    if (one.status === "rejected")
      expect(one.reason).toMatchObject({
        code: "TooManyRequests",
        retryAfterMs: 300_000,
        message: expect.stringContaining(
          "4 machines, and SIGIL_MAX_TEST_MACHINES allows 4",
        ) as string,
      });
  // The same request again is the same test, and takes no place.
  const first = VERSIONS[all.findIndex(({ status }) => status === "fulfilled")];
  await tests.test({ versionId: first ?? "" }, deps);
  // A test of a rule waits like any other.
  const last = VERSIONS[all.findLastIndex(({ status }) => status === "rejected")];
  const again = () => tests.test({ versionId: last ?? "", ...byRule }, deps);
  expect(await refusal(again())).toMatchObject({ code: "TooManyRequests" });
  // A place is given back by the end of its test.
  await tests.finish(undefined, first);
  expect((await again()).status).toBe("NotStarted");
});

test("a place that was taken by nobody is given back after a minute", async () => {
  tests = await startMachineTests({ versions: VERSIONS.slice(0, 2) });
  const deps = limited(2);
  const [one = "", other = ""] = VERSIONS;
  const dies = () => Promise.reject(new Error("the process dies"));
  await expect(
    tests.test({ versionId: one }, { ...deps, store: { ...deps.store, commit: dies } }),
  ).rejects.toThrow("the process dies");
  const test = () => tests.test({ versionId: other }, deps);
  expect(await refusal(test())).toMatchObject({ code: "TooManyRequests" });
  tests.clock.advance(60_000);
  expect((await test()).status).toBe("NotStarted");
});

test("a caller begins so many tests a day; another, and a rule, are not held back by that", async () => {
  tests = await startMachineTests({ versions: VERSIONS });
  const deps = limited(100, 3);
  expect(begun(await beginAll(deps))).toBe(3);
  const free = VERSIONS.slice(-1)[0] ?? "";
  const mine = () => tests.test({ versionId: free }, deps);
  const refused = await refusal(mine());
  expect(refused).toMatchObject({
    code: "TooManyRequests",
    message: expect.stringContaining(
      "3 tests today (UTC), and SIGIL_MAX_TESTS_PER_DAY allows 3",
    ) as string,
  });
  const other = { requestedBy: { appId: "other", objectId: "other" } };
  const ruled = await tests.test({ versionId: free, ...byRule }, deps);
  await cancelOperation(deps, ruled.id, { appId: "operator" });
  await tests.finish(undefined, free);
  expect((await tests.test({ versionId: free, ...other }, deps)).id).not.toBe(ruled.id);
  tests.clock.advance(86_400_000);
  await tests.finish(undefined, free);
  expect((await mine()).status).toBe("NotStarted");
});
