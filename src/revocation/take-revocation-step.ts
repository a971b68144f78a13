/**
 * Removes a revoked version from latest by demotions of the version itself, so that the version has
 * one writer. Invariants:
 *  1. Each demotion is requested once: the same key leads to the same operation.
 *  2. In a region where no other version would be the latest, the version stays until another one
 *     is ready, unless the request allowed otherwise.
 *  3. The operation ends Succeeded only if a confirmed look shows the version in latest nowhere,
 *     and no open request brings it there.
 */
import { ServiceError } from "../errors.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { believed, demoteImageVersion, isUnpromoted, lookAt } from "../image-version/index.js";
import { omit } from "../objects.js";
import { advance, event } from "../operation/advance.js";
import { followChildren, isOpen, keyOfChild } from "../operation/children.js";
import { fail } from "../operation/failing.js";
import type { OperationRecord, Pair } from "../operation/records.js";
import { commitStep, contextOf } from "../operation/steps.js";
import { wait } from "../operation/waiting.js";
import { keyOf, parseImageVersionId } from "../resource-id.js";
import type { RevocationDependencies } from "./ports.js";
import type { RevocationRecord, StoredRevocation } from "./record.js";
import { operationsOf } from "./revoke.js";

type Transition = (pair: Pair<RevocationRecord>) => Pair<RevocationRecord>;

export async function takeRevocationStep(
  deps: RevocationDependencies,
  stored: StoredRevocation,
): Promise<void> {
  await commitStep(operationsOf(deps), stored, await transitionOf(deps, stored));
}

async function transitionOf(
  deps: RevocationDependencies,
  stored: StoredRevocation,
): Promise<Transition> {
  const { imageVersions } = deps;
  try {
    const { child } = stored.record;
    if (child === undefined) return await demote(deps, stored);
    const operation = (await imageVersions.store.readOperation(child))?.operation;
    if (operation === undefined) throw new TypeError(`${child} is gone`);
    return follow(deps, operation);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const waitMs = error.retryAfterMs ?? imageVersions.pace.pollMaxMs;
    return (pair) =>
      wait(
        { ...pair, record: { ...pair.record, state: "Revoking" } },
        error.message,
        waitMs,
        contextOf(imageVersions),
      );
  }
}

/** Requests the next demotion if one is needed. Throws ServiceError if it must wait. */
async function demote(
  deps: RevocationDependencies,
  { record, operation }: StoredRevocation,
): Promise<Transition> {
  const { imageVersions } = deps;
  const id = parseImageVersionId(record.resourceId);
  if (id === undefined) throw new TypeError(`${record.resourceId} is no version's id`);
  if (await isOut(deps, record.resourceId)) return complete(deps);
  let child: OperationRecord;
  try {
    child = await demoteImageVersion(imageVersions, {
      id,
      requestedBy: operation.requestedBy,
      traceparent: operation.traceparent,
      idempotencyKey: keyOfChild(operation, record.demotions), // Invariant 1.
      parent: operation.id,
      spares: true, // Invariant 2.
      ...(record.allowNoLatest && { allowNoLatest: true }),
    });
  } catch (error) {
    if (isGone(error)) return complete(deps);
    throw error;
  }
  return (pair) =>
    followChildren(
      pair,
      [child],
      contextOf(imageVersions),
      { state: "Revoking", child: child.id },
      `Operation ${child.id} is removing it from latest.`,
    );
}

/** Whether the error proves that Azure no longer has the version. */
function isGone(error: unknown): boolean {
  return error instanceof ServiceError && ["ImageVersionGone", "NotFound"].includes(error.code);
}

/** Invariant 3. */
async function isOut(
  { imageVersions }: RevocationDependencies,
  versionId: string,
): Promise<boolean> {
  const id = parseImageVersionId(versionId);
  const look = id && (await lookAt(imageVersions, id));
  const record = await imageVersions.store.readRecord(keyOf(versionId));
  const { look: shown, isFact } = believed(record, look, contextOf(imageVersions));
  return isFact && shown !== undefined && isUnpromoted(record, shown);
}

/** Applies the outcome of a demotion. */
function follow({ imageVersions }: RevocationDependencies, child: OperationRecord): Transition {
  const { id, status, error } = child;
  const context = contextOf(imageVersions);
  if (isOpen(child)) return (pair) => followChildren(pair, [child], context, {});
  return ({ record, operation }) => {
    const pair = {
      record: { ...omit(record, "child"), demotions: record.demotions + 1 },
      operation,
    };
    // A demotion that was superseded, or met a region without another latest version, is tried
    // again.
    const isAgain =
      status === "Succeeded" ||
      error?.code === "Superseded" ||
      error?.code === "RegionWouldLoseLatest";
    return isAgain
      ? advance(pair, context, {
          patch: { state: "Revoking", ticks: 0 },
          resumes: true,
          waitMs: 0,
        })
      : fail(
          pair,
          {
            code: error?.code ?? "Superseded",
            message: `The version is revoked, and may still be in latest: operation ${id} ended ${status}. ${error?.message ?? ""} Fix that, then revoke it again.`,
            errors: error?.errors ?? [],
          },
          context,
        );
  };
}

function complete({ imageVersions }: RevocationDependencies): Transition {
  const context = contextOf(imageVersions);
  return (pair) =>
    advance(pair, context, {
      patch: { state: "Succeeded" },
      ending: (operation) => ({
        status: "Succeeded",
        message: "The version is not in latest in any region.",
        event: event(operation, context, IMAGE_VERSION_EVENT.revocationCompleted, "completed", {}),
      }),
    });
}
