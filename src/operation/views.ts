import type { components } from "../generated/openapi.js";
import type { Finding } from "../errors.js";
import type { OperationRecord, RegionRecord, RegionTestRecord, RollbackRecord } from "./records.js";

export type OperationView = components["schemas"]["Operation"];

/** A rollback for an answer. */
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
 * An operation for an answer; calls to ARM only if `expand` asks for them. Only administrators see
 * a machine's output, because it may contain anything.
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

/** The test of a region for an answer. */
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

/** A region for an answer; without an expected end once nobody follows it. */
export function viewRegion(
  { doubt: _, told: __, expectedEndTime, ...region }: RegionRecord,
  isFollowed: boolean,
): components["schemas"]["Region"] {
  return {
    ...region,
    ...(isFollowed && expectedEndTime !== undefined && { expectedEndTime }),
  };
}

/** When the last region should be done; undefined if one of them is unknown. */
function expectedEnd({
  endTime,
  regions,
}: Pick<OperationRecord, "endTime" | "regions">): string | undefined {
  const ends = regions
    .filter(({ state }) => state !== "Completed")
    .map(({ expectedEndTime }) => expectedEndTime);
  return endTime !== undefined || ends.includes(undefined) ? undefined : ends.toSorted().at(-1);
}

/**
 * Averages regions, tests and registrations. 0 until the operation starts; 100 only once it has
 * succeeded.
 */
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
