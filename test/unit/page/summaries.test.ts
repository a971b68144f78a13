import { expect, test } from "vitest";
import { BUSY_MS, IDLE_MS } from "../../../src/page/src/retry.js";
import {
  paceOf,
  type RegionSummary,
  type Summary,
  type VersionSummary,
} from "../../../src/page/src/summaries.js";

function summaryOf(
  version: Partial<VersionSummary> & { readonly region?: string },
  complete = true,
): Summary {
  const { region = "Completed", ...rest } = version;
  const regions = [{ name: "westus", state: region } as RegionSummary];
  return {
    etag: "",
    body: {
      complete,
      versions: [{ provisioningState: "Succeeded", regions, ...rest }],
    } as unknown as Summary["body"],
  };
}

test.each([
  ["an operation", summaryOf({ state: "Validating" })],
  ["others' change in Azure", summaryOf({ provisioningState: "Updating" })],
  ["others' replication to a region", summaryOf({ region: "Replicating" })],
  ["the rest of the summary", summaryOf({}, false)],
])("the page asks often while it waits for %s", (_, summary) => {
  expect(paceOf(summary)).toBe(BUSY_MS);
});

test("it asks seldom where nothing is under way", () => {
  expect(paceOf(summaryOf({ state: "Succeeded" }))).toBe(IDLE_MS);
  expect(BUSY_MS).toBeLessThan(IDLE_MS);
});
