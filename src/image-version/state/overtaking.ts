/**
 * Operations about latest that meet. Pure. Invariants:
 *  1. The later takes over: what else the earlier asks stays; one that asked nothing else is Superseded.
 */
import { failure as failed } from "../../operation/failing.js";
import { endOne } from "../../operation/members.js";
import type { TransitionContext } from "../../operation/ports.js";
import { released, type ReleaseChange } from "../latest/release.js";
import { openRequests, regionsAfter } from "./fold.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
  VersionRequest,
} from "./record.js";

/** Invariant 1. */
export function withoutOvertaken(
  pair: ImageVersionPair,
  by: string,
  release: ReleaseChange | undefined,
  context: TransitionContext,
): ImageVersionPair {
  if (release === undefined) return pair;
  let next = pair;
  for (const [id, request] of openRequests(pair.record)) {
    if (id === by) continue;
    if (request.deletion?.before !== undefined) {
      next = withRequestOf(next, id, givingBack(pair.record, request, release));
      continue;
    }
    if (
      request.release === undefined ||
      request.creates === true ||
      request.appliedTime !== undefined ||
      request.deletion !== undefined ||
      // What is out of latest already is so, too, for its deletion.
      (isByDeletion(release) && request.release.kind === "exclude")
    )
      continue;
    const { release: _, ...kept } = request;
    const isEmpty =
      Object.keys(request.patch).length === 0 && request.body === undefined;
    next = withRequestOf(next, id, kept);
    const operation = [next.operation, ...next.record.members].find(
      (one) => one.id === id,
    );
    if (isEmpty && operation !== undefined)
      next = endOne(
        without(next, id),
        id,
        failed(operation, supersededBy(by), [], context),
        context,
      );
  }
  return next;
}

function isByDeletion(change: ReleaseChange): boolean {
  return change.kind === "exclude" && change.by === "deletion";
}

function withRequestOf(
  pair: ImageVersionPair,
  id: string,
  request: VersionRequest,
): ImageVersionPair {
  const { record } = pair;
  const requests = { ...record.requests, [id]: request };
  return { ...pair, record: { ...record, requests } };
}

/** A guarded deletion that comes to nothing gives back what was asked since. */
function givingBack(
  record: ImageVersionRecord,
  { deletion: { before, ...deletion } = {}, ...request }: VersionRequest,
  change: ReleaseChange,
): VersionRequest {
  const after = before && released(before, change, regionsAfter(record, {}));
  return {
    ...request,
    deletion: {
      ...deletion,
      ...(after && after.in !== "none" && { before: after }),
    },
  };
}

function without(pair: ImageVersionPair, id: string): ImageVersionPair {
  const { [id]: _, ...requests } = pair.record.requests;
  return { ...pair, record: { ...pair.record, requests } };
}

function supersededBy(operationId: string) {
  return {
    code: "Superseded",
    message: `Operation ${operationId} says otherwise where the version is in latest: it was accepted later.`,
    errors: [],
  };
}
