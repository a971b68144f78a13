/**
 * Operations about latest that meet. Pure. Invariants:
 *  1. The later takes over: what else the earlier asks stays; one that asked nothing else is Superseded.
 */
import { failure as failed } from "../../operation/failing.js";
import { endOne } from "../../operation/members.js";
import type { TransitionContext } from "../../operation/ports.js";
import { operationIn } from "../../operation/records.js";
import type { ReleaseChange } from "../latest/release.js";
import { openRequests } from "./fold.js";
import { withRequest, type ImageVersionPair, type VersionRequest } from "./record.js";

/** Invariant 1. `isThere`: Azure has the version, so that no creation has to say any more how it is made. */
export function withoutOvertaken(
  pair: ImageVersionPair,
  by: string,
  release: ReleaseChange | undefined,
  isThere: boolean,
  context: TransitionContext,
): ImageVersionPair {
  if (release === undefined) return pair;
  let next = pair;
  for (const [id, request] of openRequests(pair.record)) {
    if (id === by || !isOvertaken(request, release, isThere)) continue;
    const { release: _, ...kept } = request;
    const isEmpty = Object.keys(request.patch).length === 0 && request.body === undefined;
    next = withRequest(next, id, isEmpty ? undefined : kept);
    const operation = operationIn(next, id);
    if (isEmpty && operation !== undefined)
      next = endOne(next, id, failed(operation, supersededBy(by), [], context), context);
  }
  return next;
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
    // What is out of latest already is so, too, for its deletion.
    !(by.kind === "exclude" && by.by === "deletion" && release.kind === "exclude")
  );
}

function supersededBy(operationId: string) {
  return {
    code: "Superseded",
    message: `Operation ${operationId} says otherwise where the version is in latest: it was accepted later.`,
    errors: [],
  };
}
