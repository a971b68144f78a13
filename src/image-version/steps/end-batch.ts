/** How a batch ends that cannot be brought about. */
import { ServiceError } from "../../errors.js";
import { advance } from "../../operation/advance.js";
import { cancellation } from "../../operation/canceling.js";
import { failure as failed } from "../../operation/failing.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationFailure } from "../../operation/records.js";
import { contextOf, commitStep } from "../../operation/steps.js";
import { wait } from "../../operation/waiting.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { dissolveBatch } from "../state/batch.js";
import { withoutRule } from "../state/cancel.js";
import { endOperation } from "../state/ends.js";
import { goneBefore } from "../state/guarding.js";
import { lossOf, notAddedBack } from "../state/repairs.js";
import { withKnown } from "../state/see.js";
import { isFinal } from "../state/states.js";
import {
  batchOf,
  type ImageVersionPair,
  type ImageVersionRecord,
} from "../state/record.js";
import { presentRule, ruleAskedBy, ruleInForce } from "../state/wanted.js";
import type { Look } from "../resources.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";

/** A refusal that may pass, and has not for so long, is one that does not. */
const LONGEST_BUSY_MS = 86_400_000;

/**
 * What Azure shows is not what the batch may be applied to. Where it is another version than the one that was to be excluded for its
 * deletion, that has nothing left to do.
 */
export function endRefused(
  pair: ImageVersionPair,
  look: Look | undefined,
  failure: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  return (
    (failure.code === "ChangedOutside"
      ? goneBefore(pair, context)
      : undefined) ?? endBatch(withKnown(pair, look, context), failure, context)
  );
}

/**
 * Several are sent again, each alone. A single one ends, once the version is left as it should be: a region that was
 * taken away is added back, and the permission to remove regions is taken back.
 */
export function endBatch(
  pair: ImageVersionPair,
  failure: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const batch = batchOf(record);
  if (batch.length > 1) return dissolveBatch(pair, failure.message, context);
  const [asks] = batch[0] ?? [ruledIn(record)];
  if (
    asks === undefined &&
    record.lastAttempt?.overridesRule === true &&
    ruleInForce(record) !== undefined
  )
    return notPromoted(pair, failure, context);
  const id = asks ?? pair.operation.id;
  const request = record.requests[id];
  const operation = [pair.operation, ...record.members].find(
    (one) => one.id === id,
  );
  if (operation === undefined) return pair;
  const away = Object.entries(record.repairs).flatMap(([name, { removed }]) =>
    removed === undefined ? [] : [name],
  );
  const given = request?.decided;
  if (
    request !== undefined &&
    record.exists &&
    (away.length > 0 ||
      (given === undefined &&
        (record.opened ||
          request.heir === true ||
          (request.removing ?? []).length > 0)))
  ) {
    const { appliedTime: _, ...kept } = request;
    // Refused once more, it cannot be added back: what is left is to take the permission back.
    const { lost = [], ...left } =
      given === undefined
        ? { ...pair, lost: undefined }
        : notAddedBack(pair, failure, context);
    return advance(
      {
        ...left,
        record: {
          ...left.record,
          requests: {
            ...record.requests,
            [id]: {
              ...kept,
              changes:
                request.heir === true ||
                (request.created === true && given?.kind === "canceled")
                  ? { [EXCLUDE_FROM_LATEST]: true }
                  : {},
              repeats: {},
              creates: false,
              byHand: true,
              decided: {
                ...(given ?? { kind: "failed", ...failure }),
                ...(lost.length > 0 && { lost }),
              },
            },
          },
        },
      },
      context,
      {
        patch: {},
        state: given?.kind === "canceled" ? "Canceling" : "Failing",
        message:
          given === undefined
            ? `${failure.message} It ends once regions removed for a repair are added back and an unfinished version is excluded from latest.`
            : `${away.join(", ")} could not be added back. ${failure.message}`,
        concerns: [id],
        waitMs: 0,
      },
    );
  }
  const { decided } = request ?? {};
  const undone = `The remaining work could not be done: ${failure.message}${decided ? lossOf(decided) : ""}`;
  const ending =
    decided?.kind === "canceled"
      ? cancellation(operation, undone, decided.by, context)
      : failed(
          operation,
          decided?.kind === "failed"
            ? { ...decided, message: `${decided.message} ${undone}` }
            : failure,
          record.regions,
          context,
        );
  const ended = endOperation(
    request === undefined ? pair : withoutRule(pair, id, request),
    id,
    ending,
    context,
  );
  // The message of this step was that of the others, too: they go on by another.
  return isFinal(ended.record.state)
    ? ended
    : advance(ended, context, { patch: {}, waitMs: 0 });
}

/** Of those that Azure shows as asked, the one whose rule is still to be met. */
function ruledIn({ requests }: ImageVersionRecord): string | undefined {
  return Object.entries(requests).find(
    ([, request]) => ruleAskedBy(request) !== undefined,
  )?.[0];
}

/** Nobody whose operation is not over has asked for the rule: the others go on without the promotion, and say so. */
function notPromoted(
  pair: ImageVersionPair,
  { message }: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  const overriddenRule = presentRule(pair.record);
  return advance(pair, context, {
    patch: { rewrites: 0, ...(overriddenRule && { overriddenRule }) },
    message: `The promotion rule of the version holds, but the version is not included in latest: promote it by hand. ${message}`,
    waitMs: 0,
  });
}

interface OnError {
  /** What is made of the state first. */
  readonly prepare?: (pair: ImageVersionPair) => ImageVersionPair;
  /** What ends with the error; the batch, unless another is given. */
  readonly end?: (
    pair: ImageVersionPair,
    failure: OperationFailure,
    context: TransitionContext,
  ) => ImageVersionPair;
}

/**
 * The step comes again when the error says that this may help; else what it was taken for ends with it. Rethrows what is
 * no ServiceError.
 */
export async function postponeOrEnd(
  deps: Dependencies,
  stored: StoredVersion,
  error: unknown,
  { prepare = (pair) => pair, end = endBatch }: OnError = {},
): Promise<void> {
  if (!(error instanceof ServiceError)) throw error;
  const { retryAfterMs, code, message, findings: errors } = error;
  if (retryAfterMs !== undefined && !isBusyForLong(stored, error, deps.now())) {
    await commitStep(deps, stored, (pair) =>
      wait(
        throttled(prepare(pair), error, deps.now()),
        message,
        retryAfterMs,
        contextOf(deps),
      ),
    );
    return;
  }
  await commitStep(deps, stored, (pair) =>
    end(prepare(pair), { code, message, errors }, contextOf(deps)),
  );
}

/** What became of what was sent only a look can tell. */
export function isUnanswered(error: unknown): boolean {
  return (
    error instanceof ServiceError && error.code === "ResourceManagerUnavailable"
  );
}

/** What ARM asks for holds for the next operation as well. */
function throttled(
  pair: ImageVersionPair,
  { code, retryAfterMs = 0 }: ServiceError,
  now: Date,
): ImageVersionPair {
  if (code !== "ResourceManagerThrottled") return pair;
  const throttledUntil = new Date(now.getTime() + retryAfterMs).toISOString();
  return { ...pair, record: { ...pair.record, throttledUntil } };
}

/** ARM calls a version busy that it shows at rest, look after look: a conflict of another kind. */
function isBusyForLong(
  { operation: { waitingSince } }: StoredVersion,
  { code }: ServiceError,
  now: Date,
): boolean {
  return (
    code === "ResourceManagerBusy" &&
    waitingSince !== undefined &&
    now.getTime() - Date.parse(waitingSince) >= LONGEST_BUSY_MS
  );
}
