import { beforeEach, expect, test } from "vitest";
import type {
  StoredTestResult,
  TestResults,
} from "../../../src/test-results/ports.js";
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

  const resultOf = (
    more: Partial<StoredTestResult> = {},
  ): StoredTestResult => ({
    versionId,
    life: "2026-01-01T00:00:00.0000000+00:00",
    name: "boot",
    region: "westus",
    result: "passed",
    time: "2026-01-01T01:00:00.000Z",
    reportedBy: { appId: "tester" },
    ...more,
  });

  test("a result is read as it was put, by the id of its version in any case", async () => {
    expect(await results.list(versionId)).toEqual([]);
    expect(await results.read(versionId, "westus", "boot")).toBeUndefined();
    const first = resultOf({ link: "https://tests.example/1", message: "ü" });
    expect(await results.put(first, undefined)).toBe(true);
    const read = await results.read(versionId.toUpperCase(), "westus", "boot");
    expect(read?.stored).toEqual(first);
    const others = [
      resultOf({ region: "eastus" }),
      resultOf({ name: "load/50 %#?" }),
    ];
    for (const other of others)
      expect(await results.put(other, undefined)).toBe(true);
    const listed = await results.list(versionId.toUpperCase());
    expect(listed).toHaveLength(3);
    expect(listed).toEqual(expect.arrayContaining([first, ...others]));
    expect(await results.list(`${versionId}0`)).toEqual([]);
  });

  test("of two who put at once, the second is told", async () => {
    expect(await results.put(resultOf(), undefined)).toBe(true);
    expect(await results.put(resultOf({ result: "failed" }), undefined)).toBe(
      false,
    );
    const before = await results.read(versionId, "westus", "boot");
    expect(
      await results.put(resultOf({ result: "failed" }), before?.etag),
    ).toBe(true);
    expect(await results.put(resultOf(), before?.etag)).toBe(false);
    expect(await results.list(versionId)).toEqual([
      resultOf({ result: "failed" }),
    ]);
  });
}
