/**
 * What a demotion by hand means for what was accepted before it. Pure. Invariant: what contradicts the demotion is not done
 * after it; and it ends no sooner than Azure shows the demotion, for that may fail, or be canceled.
 */
import { failure } from "../../operation/failing.js";
import { endOne } from "../../operation/members.js";
import type { TransitionContext } from "../../operation/ports.js";
import { sequenceOf, type OperationFailure } from "../../operation/records.js";
import { conflictsBetween, type Asked } from "../properties/patch.js";
import { EXCLUDE_FROM_LATEST, PROMOTION } from "../properties/table.js";
import type {
  ImageVersionPair,
  QueuedRequest,
  VersionRequest,
} from "./record.js";

/** Azure shows the demotion. Of what was accepted before it and is queued, what contradicts it ends, and nothing else includes the version again. */
export function overtakeQueued(
  pair: ImageVersionPair,
  demotionId: string,
  demotion: VersionRequest,
  context: TransitionContext,
): ImageVersionPair {
  const isEarlier = ({ operation: { id } }: QueuedRequest): boolean =>
    sequenceOf(id) < sequenceOf(demotionId);
  const others = pair.record.queued
    .filter((one) => isEarlier(one) && contradicts(one.request, demotion))
    .reduce(
      (before, { operation }) =>
        endOne(
          before,
          operation.id,
          failure(operation, overtaken(demotionId), [], context),
          context,
        ),
      pair,
    );
  return {
    ...others,
    record: {
      ...others.record,
      queued: others.record.queued.map((one) =>
        isEarlier(one) ? heldBack(one) : one,
      ),
    },
  };
}

/** What is asked cannot be done after the demotion without undoing it. */
export function contradicts(request: Asked, demotion: Asked): boolean {
  return conflictsBetween(request, demotion).length > 0;
}

export function overtaken(by: string): OperationFailure {
  return {
    code: "Superseded",
    message: `Operation ${by}, accepted later, excludes the version from latest: nothing of this request is carried out. What else it asks for can be sent again.`,
    errors: [],
  };
}

/** The version is excluded by a later request: neither what this one repeats nor its rule includes it again. */
function heldBack({ request, ...queued }: QueuedRequest): QueuedRequest {
  const { [EXCLUDE_FROM_LATEST]: _, ...repeats } = request.repeats;
  return {
    ...queued,
    request: {
      ...request,
      repeats,
      ...(request.changes[PROMOTION] != null && { heldBack: true }),
    },
  };
}
