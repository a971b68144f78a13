/**
 * Resolves conflicts between operations about latest. Pure. Invariants:
 *  1. The later wins: the earlier keeps its other changes; one without other changes ends
 *     Superseded.
 */
import { omit } from "../../objects.js";
import type { ReleaseChange } from "../latest/release.js";
import { endOf, ended } from "./ending.js";
import { openRequests } from "./fold.js";
import { forEach, nothing, type Outcome } from "./happened.js";
import { withRequest, type ImageVersionRecord, type VersionRequest } from "./record.js";

/** Invariant 1. `isThere`: Azure has the version, so no creation needs to set its release. */
export function withoutOvertaken(
  record: ImageVersionRecord,
  by: string,
  change: ReleaseChange | undefined,
  isThere: boolean,
): Outcome {
  if (change === undefined) return nothing(record);
  const overtaken = openRequests(record).filter(
    ([id, request]) => id !== by && isOvertaken(request, change, isThere),
  );
  return forEach(record, overtaken, (next, [id, request]) =>
    Object.keys(request.patch).length === 0 && request.body === undefined
      ? ended(next, { ...endOf(next, id), kind: "failed", ...supersededBy(by), lost: [] })
      : nothing(withRequest(next, id, omit(request, "release"))),
  );
}

function isOvertaken(
  { release, creates, appliedTime, deletion }: VersionRequest,
  by: ReleaseChange,
  isThere: boolean,
): boolean {
  return (
    release !== undefined &&
    (creates !== true || isThere) &&
    appliedTime === undefined &&
    deletion === undefined &&
    // A version already out of latest stays so for its deletion.
    !(by.kind === "exclude" && by.by === "deletion" && release.kind === "exclude")
  );
}

function supersededBy(operationId: string) {
  return {
    code: "Superseded",
    message: `Operation ${operationId}, which was accepted later, sets where the version is in latest.`,
    errors: [],
  };
}
