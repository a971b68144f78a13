/** When a snapshot of a capture is no longer needed. */
import { expect, test } from "vitest";
import { captureMaker } from "../../../src/capture/leftovers.js";
import { snapshotId } from "../../../src/image-version/capture/names.js";
import type { Found } from "../../../src/leftovers/sweep.js";
import { keyOf, parseImageVersionId } from "../../../src/resource-id.js";
import { CAPTURE_GROUP, capturedVersionId, MACHINE } from "../../support/captures.js";

const NOW = Date.UTC(2026, 5, 1);
const HOUR_MS = 3_600_000;
const VERSION = capturedVersionId("1.0.0");
const OTHER = capturedVersionId("1.0.1");
const LEFTOVER = expect.objectContaining({ kind: "leftover" }) as unknown;
const [, , subscriptionId = "", , resourceGroupName = ""] = CAPTURE_GROUP.split("/");

const named = (version: string): string => {
  const id = parseImageVersionId(version) ?? expect.fail(version);
  return snapshotId(CAPTURE_GROUP, id, MACHINE, undefined, NOW);
};
const ended = (status: string, hoursAgo: number) =>
  ({
    resourceId: VERSION,
    status,
    endTime: new Date(NOW - hoursAgo * HOUR_MS).toISOString(),
  }) as NonNullable<Found["operation"]>;

/** `state`: of the version's record. */
function judge(found: Partial<Found> & { readonly id?: string }, state?: string) {
  const deps = {
    store: { readRecord: () => Promise.resolve(state && { state }) },
    resourceManager: { getImageVersion: () => Promise.resolve(undefined) },
  } as unknown as Parameters<typeof captureMaker>[0];
  const { id = named(VERSION), ...rest } = found;
  return captureMaker(deps, {} as Parameters<typeof captureMaker>[1]).judge({
    resource: { id, region: "westus", tags: {} },
    group: { subscriptionId, resourceGroupName },
    operationId: `${keyOf(VERSION)}-1`,
    deadlineMs: NOW + HOUR_MS,
    nowMs: NOW,
    ...rest,
  });
}

test.each<readonly [string, Parameters<typeof judge>[0], string | undefined, unknown]>([
  ["it is done", { operation: ended("Succeeded", 1) }, undefined, LEFTOVER],
  ["it was canceled", { operation: ended("Canceled", 0) }, undefined, LEFTOVER],
  ["it failed 71 hours ago", { operation: ended("Failed", 71) }, undefined, undefined],
  ["it failed 73 hours ago", { operation: ended("Failed", 73) }, undefined, LEFTOVER],
  ["another is open on the version", { operation: ended("Failed", 73) }, "Accepted", undefined],
  ["nothing is open on the version", { operation: ended("Failed", 73) }, "Failed", LEFTOVER],
  ["it is unknown", {}, undefined, undefined],
  ["it is unknown, after the deadline", { deadlineMs: NOW - 1 }, undefined, LEFTOVER],
  [
    "the name is of another version",
    { operation: ended("Succeeded", 1), id: named(OTHER) },
    undefined,
    expect.objectContaining({ kind: "stranger" }) as unknown,
  ],
])("of an operation: %s", async (_, found, state, judged) => {
  expect(await judge(found, state)).toEqual(judged);
});
