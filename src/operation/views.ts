import type { components } from "../generated/openapi.js";
import { omit } from "../objects.js";
import { kindOf } from "./kinds.js";
import type { Kinds } from "./ports.js";
import type { OperationRecord, RegionRecord } from "./records.js";

export type OperationView = components["schemas"]["Operation"];

/**
 * An operation for an answer; calls to ARM only if `expand` asks for them. Only administrators see
 * a machine's output, because it may contain anything.
 */
export function viewOperation(
  { kinds }: { readonly kinds: Kinds },
  operation: OperationRecord,
  expand?: "calls",
  showsOutput = false,
): OperationView {
  const {
    omittedWrites,
    regions,
    warnings,
    error,
    history,
    calls = [],
    omittedReads,
    ...shown
  } = omit(operation, "fingerprint", "requestKey", "request", "waitingSince", "stalled", "detail");
  const expectedEndTime = expectedEnd(operation);
  const { view, parts } = kindOf({ kinds }, operation);
  return {
    ...shown,
    percentComplete: percentComplete(operation, parts?.(operation)),
    ...(expectedEndTime !== undefined && { expectedEndTime }),
    regions: regions.map((region) => viewRegion(region, operation.endTime === undefined)),
    ...view?.(operation, showsOutput),
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

/** A region for an answer; without an expected end once nobody follows it. */
export function viewRegion(
  region: RegionRecord,
  isFollowed: boolean,
): components["schemas"]["Region"] {
  return isFollowed
    ? omit(region, "unconfirmed", "published")
    : omit(region, "unconfirmed", "published", "expectedEndTime");
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
 * Averages regions and the parts that its kind knows. 0 until the operation starts; 100 only once
 * it has succeeded.
 */
function percentComplete(
  { status, regions }: OperationRecord,
  parts: readonly number[] = [],
): number {
  if (status === "Succeeded") return 100;
  if (status === "NotStarted") return 0;
  const all = [...regions.map(({ progress }) => progress), ...parts];
  const sum = all.reduce((total, part) => total + part, 0);
  return Math.min(99, Math.floor(sum / Math.max(1, all.length)));
}
