import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { MACHINE_TEST_EVENT } from "../events/machine-test-events.js";
import type { components } from "../generated/openapi.js";
import { placesOf } from "../listings.js";
import { omit } from "../objects.js";
import type { Kind } from "../operation/ports.js";
import { ENDS, type States } from "../operation/states.js";
import { imageIdOf, parseImageVersionId } from "../resource-id.js";
import { testsOf, type RegionTestRecord } from "./region-record.js";
import type { TestRecord, TestState } from "./record.js";
import { beginCancel, resultsIn } from "./transitions.js";

const TESTS = "machine-tests";

const STATES: States<TestState> = {
  TestRequested: {
    status: "NotStarted",
    queue: TESTS,
    next: { Testing: "Sigil knows which machines to create" },
    ifCanceled: "No machine was created for it, and none will be.",
  },
  Testing: {
    status: "Running",
    queue: TESTS,
    next: {
      Succeeded: "every region passed, and no machine is left",
    },
    ifCanceled: "No machine is left, and none will be created.",
  },
  ...ENDS,
};

export const MACHINE_TEST_KIND: Kind<TestRecord> = {
  states: STATES,
  events: {
    failed: (operation, { error }) => ({
      type: MACHINE_TEST_EVENT.failed,
      data: {
        error,
        result: error.code === "TestFailed" ? "failed" : "inconclusive",
        regions: resultsIn(operation),
      },
    }),
    canceled: (operation, data) => ({
      type: MACHINE_TEST_EVENT.canceled,
      data: { ...data, regions: resultsIn(operation) },
    }),
    stalled: (_, data) => ({
      type: IMAGE_VERSION_EVENT.operationStalled,
      data,
    }),
    resumed: (data) => ({ type: IMAGE_VERSION_EVENT.operationResumed, data }),
  },
  view: (operation, showsOutput) => ({
    tests: testsOf(operation).map((test) => viewRegionTest(test, showsOutput)),
  }),
  parts: (operation) => testsOf(operation).map(({ result }) => (result === undefined ? 0 : 100)),
  placesOf(resourceId) {
    const id = parseImageVersionId(resourceId);
    return id === undefined ? [] : placesOf(imageIdOf(id));
  },
  beginCancel,
};

/** The test of a region for an answer. */
function viewRegionTest(
  record: RegionTestRecord,
  showsOutput: boolean,
): components["schemas"]["RegionTest"] {
  const { disks, left, output, ...test } = omit(record, "work");
  return {
    ...test,
    ...(showsOutput && output !== undefined && { output }),
    ...(disks && { disks: [...disks] }),
    ...(left && { left: [...left] }),
  };
}
