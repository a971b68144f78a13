/** Repairs a version that failed in regions, at once: the regions that are named, or all that failed. */
import { ServiceError, type Finding } from "../errors.js";
import { isFinal } from "../operation/states.js";
import type { OperationRecord, Requester } from "../operation/records.js";
import { canonicalRegion, type ImageVersionId } from "../resource-id.js";
import { acceptOn } from "./accept-on.js";
import type { Dependencies } from "./ports.js";
import { achievedBy, type ImageVersionRecord } from "./records.js";
import { targetRegionsOf } from "./canonical-form.js";

export interface RetryImageVersion {
  readonly id: ImageVersionId;
  /** In any spelling; absent: all that failed. */
  readonly regions?: readonly string[] | undefined;
  readonly requestedBy: Requester;
  readonly traceparent: string;
}

/**
 * Answers the operation that repairs. Throws ServiceError NotFound for a version that Sigil does not know, and
 * ImageVersionConflict while an operation on it runs or where there is nothing to repair.
 */
export function retryImageVersion(
  deps: Dependencies,
  { id, regions, requestedBy, traceparent }: RetryImageVersion,
): Promise<OperationRecord> {
  return acceptOn(deps, id, ({ record, operation }) => ({
    kind: "RetryImageVersion",
    requestedBy,
    traceparent,
    repairing: toRepair(record, operation.id, regions),
  }));
}

function toRepair(
  record: ImageVersionRecord,
  operationId: string,
  asked: readonly string[] | undefined,
): readonly string[] {
  if (!isFinal(record.state))
    throw new ServiceError(
      "ImageVersionConflict",
      `Operation ${operationId} is working on ${record.resourceId}; it repairs regions by itself. Wait until it has ended.`,
      { fields: { existingOperationId: operationId } },
    );
  const failed = record.regions
    .filter(
      ({ name, state }) =>
        state === "Failed" &&
        targetRegionsOf(achievedBy(record)).some(
          (region) => region.name === name,
        ),
    )
    .map(({ name }) => name);
  if (!record.made || failed.length === 0)
    throw new ServiceError(
      "ImageVersionConflict",
      record.made
        ? `No region of ${record.resourceId} has failed: there is nothing to repair.`
        : `${record.resourceId} was never made. Send its PUT again.`,
    );
  const names = asked?.map(canonicalRegion) ?? failed;
  const findings = names.flatMap((name, i): Finding[] =>
    failed.includes(name)
      ? []
      : [
          {
            code: "RegionNotFailed",
            pointer: `/regions/${i}`,
            message: `"${name}" has not failed. Failed are ${failed.join(", ")}.`,
          },
        ],
  );
  const home = names.indexOf(record.request.location);
  if (home !== -1)
    findings.push({
      code: "HomeRegionNotRepairable",
      pointer: asked === undefined ? "" : `/regions/${home}`,
      message: `"${record.request.location}" is the version's own location, which Azure does not let be removed and added back. Publish another version.`,
    });
  if (findings.length > 0)
    throw new ServiceError(
      "InvalidRequest",
      `The regions cannot be repaired; errors says which and why.`,
      { findings },
    );
  return names;
}
