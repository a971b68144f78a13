import { beforeEach, expect, test } from "vitest";
import type { StoredTestResult, TestResults } from "../../../src/test-results/ports.js";
import { seedVersionId } from "../requests.js";

let versions = 0;

/** What TestResults do. */
export function testResultsSuite(createResults: () => TestResults): void {
  let results: TestResults;
  /** Each test's own version. */
  let versionId: string;
  beforeEach(() => {
    results = createResults();
    versions += 1;
    versionId = seedVersionId(`1.0.${versions}`);
  });

  const resultOf = (more: Partial<StoredTestResult> = {}): StoredTestResult => ({
    versionId,
    life: "2026-01-01T00:00:00.0000000+00:00",
    name: "boot",
    region: "westus",
    result: "passed",
    time: "2026-01-01T01:00:00.000Z",
    reportedBy: { appId: "tester" },
    ...more,
  });

  test("each result is kept as it was given, by the id of its version in any case", async () => {
    expect(await results.list(versionId)).toEqual([]);
    const all = [
      resultOf({ link: "https://tests.example/1", message: "ü" }),
      resultOf({ region: "eastus" }),
      resultOf({ name: "load/50 %#?" }),
      resultOf({ result: "failed" }),
      resultOf({ time: "2026-01-01T02:00:00.000Z" }),
      resultOf({ reportedBy: { source: "urn:tests" } }),
    ];
    for (const one of all) await results.add(one);
    const listed = await results.list(versionId.toUpperCase());
    expect(listed).toHaveLength(all.length);
    expect(listed).toEqual(expect.arrayContaining(all));
    expect(await results.list(`${versionId}0`)).toEqual([]);
  });

  test("the same fact again is kept once", async () => {
    await results.add(resultOf());
    await results.add(resultOf({ reportedBy: { appId: "tester", name: "T" } }));
    expect(await results.list(versionId)).toHaveLength(1);
  });
}
