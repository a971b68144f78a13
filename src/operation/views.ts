import type { components } from "../generated/openapi.js";
import type { Finding } from "../errors.js";
import type { OperationRecord, RegionRecord, RegionTestRecord, RollbackRecord } from "./records.js";

export type OperationView = components["schemas"]["Operation"];

/** What a rollback changes, as the API shows it. */
export function viewRollback({
  regions,
  warnings,
  ...rollback
}: RollbackRecord & {
  readonly warnings?: readonly Finding[];
}): components["schemas"]["Rollback"] {
  return {
    ...rollback,
    regions: [...regions],
    ...(warnings && { warnings: [...warnings] }),
  };
}

/**
 * An operation as the API shows it; what was asked of ARM is shown to whoever asks for it. What a machine has said is for
 * administrators: it may say anything.
 */
export function viewOperation(
  operation: OperationRecord,
  expand?: "calls",
  showsOutput = false,
): OperationView {
  const {
    fingerprint: _,
    requestKey: __,
    request: ___,
    waitingSince: ____,
    stalled: _____,
    rollback,
    omittedWrites,
    regions,
    registrations,
    tests,
    warnings,
    error,
    history,
    calls = [],
    omittedReads,
    ...shown
  } = operation;
  const expectedEndTime = expectedEnd(operation);
  return {
    ...shown,
    percentComplete: percentComplete(operation),
    ...(expectedEndTime !== undefined && { expectedEndTime }),
    regions: regions.map((region) => viewRegion(region, operation.endTime === undefined)),
    ...(rollback && { rollback: viewRollback(rollback) }),
    ...(registrations && { registrations: [...registrations] }),
    ...(tests && {
      tests: tests.map((test) => viewRegionTest(test, showsOutput)),
    }),
    ...(warnings && { warnings: [...warnings] }),
    ...(error && { error: { ...error, errors: [...error.errors] } }),
    history: [...history],
    ...(expand === "calls" && {
      calls: [...calls],
      ...(omittedReads !== undefined && { omittedReads }),
      ...(omittedWrites !== undefined && { omittedWrites }),
    }),
  };
}

/** The test of a region as the API shows it. */
function viewRegionTest(
  { work: _, disks, left, output, ...test }: RegionTestRecord,
  showsOutput: boolean,
): components["schemas"]["RegionTest"] {
  return {
    ...test,
    ...(showsOutput && output !== undefined && { output }),
    ...(disks && { disks: [...disks] }),
    ...(left && { left: [...left] }),
  };
}

/** A region as the API shows it; once nobody follows it, no end is expected. */
export function viewRegion(
  { doubt: _, told: __, expectedEndTime, ...region }: RegionRecord,
  isFollowed: boolean,
): components["schemas"]["Region"] {
  return {
    ...region,
    ...(isFollowed && expectedEndTime !== undefined && { expectedEndTime }),
  };
}

/** When the last region is expected to be done; undefined where that is not known of each. */
function expectedEnd({
  endTime,
  regions,
}: Pick<OperationRecord, "endTime" | "regions">): string | undefined {
  const ends = regions
    .filter(({ state }) => state !== "Completed")
    .map(({ expectedEndTime }) => expectedEndTime);
  return endTime !== undefined || ends.includes(undefined) ? undefined : ends.toSorted().at(-1);
}

/** Regions, tests or registrations count alike. 0 until the operation starts; 100 is kept for one that has succeeded. */
function percentComplete({
  status,
  regions,
  registrations = [],
  tests = [],
}: OperationRecord): number {
  if (status === "Succeeded") return 100;
  if (status === "NotStarted") return 0;
  const parts = [
    ...regions.map((region) => region.progress),
    ...registrations.map(({ state }) => (state === "Registered" ? 100 : 0)),
    ...tests.map(({ result }) => (result === undefined ? 0 : 100)),
  ];
  const sum = parts.reduce((total, part) => total + part, 0);
  return Math.min(99, Math.floor(sum / Math.max(1, parts.length)));
}
