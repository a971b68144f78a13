/**
 * Rolls an image definition back to an earlier version, as one operation. Invariants:
 *  1. The target is promoted first; then what is above it is demoted, the lowest number first and the present latest last: a
 *     crash in between never makes a version between the two the latest.
 *  2. Each version is changed by an operation of its own, and asked once: the same key leads to the same operation.
 *  3. Nothing is demoted for a target that is gone, or excluded from latest by somebody else; a version that is gone needs
 *     not be demoted.
 *  4. Repeated, it is the same operation as long as the version that it led to is the latest.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { IMAGE_EVENT } from "../../events/image-events.js";
import { acceptOperation } from "../../operation/accepting.js";
import { advance, event } from "../../operation/advance.js";
import { indexed } from "../../operation/catalog.js";
import { fail } from "../../operation/failing.js";
import { bindKey, claimKey } from "../../operation/idempotency.js";
import { hasEnded } from "../../operation/kinds.js";
import type { OperationDependencies } from "../../operation/ports.js";
import { postponeOrFail } from "../../operation/postponing.js";
import {
  operationIdOf,
  SCHEMA,
  type OperationFailure,
  type OperationRecord,
  type Pair,
  type RollbackRecord,
} from "../../operation/records.js";
import {
  currentFor,
  contextOf,
  commitStep,
  type StepMessage,
} from "../../operation/steps.js";
import { pollDelayMs } from "../../operation/waiting.js";
import {
  imageIdOf,
  keyOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../commands/by-hand.js";
import { mustMatch, type Command } from "../commands/command.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies } from "../ports.js";
import { fingerprintOf } from "../properties/canonical-form.js";
import { lookAt } from "../queries/look-at.js";
import { planRollbackOf } from "./plan-rollback.js";
import { isExcluded } from "../state/see.js";
import { rollbackOf } from "./kind.js";
import type { RollbackStateRecord, RollbackStep } from "./record.js";

export interface RollBackImage extends Omit<Command, "id" | "event"> {
  readonly image: Omit<ImageVersionId, "versionName">;
  /** Number of the version to roll back to; absent: the newest that is ready wherever the latest is. */
  readonly to?: string;
}

type RollbackDependencies = OperationDependencies<RollbackStateRecord>;

function rollbacksOf(deps: Dependencies): RollbackDependencies {
  return { ...deps, store: deps.rollbacks };
}

/** What a rollback would change; nothing is done. Throws as `rollBackImage` does. */
export async function planRollback(
  deps: Dependencies,
  { image, to, ifMatch }: Pick<RollBackImage, "image" | "to" | "ifMatch">,
): Promise<RollbackRecord> {
  const imageId = imageIdOf({ ...image, versionName: "" });
  const { rollback } = await planRollbackOf(deps, imageId, to);
  await mustBeSeen(deps, image, rollback.from, ifMatch);
  return rollback;
}

/** Throws as `planRollbackOf` does, and ServiceError ImageVersionConflict while another rollback of the definition runs. */
export async function rollBackImage(
  deps: Dependencies,
  command: RollBackImage,
): Promise<OperationRecord> {
  const { image, to, ifMatch, requestedBy, traceparent } = command;
  const imageId = imageIdOf({ ...image, versionName: "" });
  const key = keyOf(imageId);
  const fingerprint = fingerprintOf(
    { properties: {} } as ImageVersionRequest,
    "RollBackImage",
    to ?? null,
  );
  const { requestKey, earlier } = await claimKey(
    deps,
    command,
    key,
    fingerprint,
  );
  if (earlier !== undefined) return earlier;
  const last = await deps.rollbacks.read(key);
  const running = last !== undefined && !hasEnded(deps, last);
  let planned: Awaited<ReturnType<typeof planRollbackOf>> | undefined;
  if (!running) {
    const done = last && (await stillHolds(deps, imageId, last.operation, to));
    if (done === true) return last.operation; // Invariant 4.
    planned = await planRollbackOf(deps, imageId, to);
    await mustBeSeen(deps, image, planned.rollback.from, ifMatch);
  }
  const operation = await acceptOperation<RollbackStateRecord>(
    rollbacksOf(deps),
    key,
    (stored) => {
      if (stored !== undefined && !hasEnded(deps, stored)) {
        if (to === undefined || stored.operation.rollback?.to === to)
          return stored.operation;
        throw new ServiceError(
          "ImageVersionConflict",
          `Operation ${stored.operation.id} rolls ${imageId} back to ${stored.operation.rollback?.to}. Wait until it has ended.`,
          { fields: { existingOperationId: stored.operation.id } },
        );
      }
      if (planned === undefined)
        throw new ServiceError(
          "StateConflict",
          "Another rollback has just ended. Send the request again.",
          { retryAfterMs: 1_000 },
        );
      return begin(
        deps,
        {
          key,
          imageId,
          fingerprint,
          requestedBy,
          traceparent,
          ...(requestKey !== undefined && { requestKey }),
        },
        planned,
        stored?.record,
      );
    },
  );
  await bindKey(deps, requestKey, operation);
  return operation;
}

async function mustBeSeen(
  deps: Dependencies,
  image: RollBackImage["image"],
  from: string,
  ifMatch: string | undefined,
): Promise<void> {
  if (ifMatch === undefined) return;
  const id = { ...image, versionName: from };
  const stored = await deps.store.read(
    keyOf(`${imageIdOf(id)}/versions/${from}`),
  );
  mustMatch({ id, ifMatch }, await lookAt(deps, id), stored?.record);
}

/** True where the last rollback has led to what is asked, and Azure still shows that. */
async function stillHolds(
  deps: Dependencies,
  imageId: string,
  { status, rollback }: OperationRecord,
  to: string | undefined,
): Promise<boolean> {
  if (status !== "Succeeded" || rollback === undefined) return false;
  if (to !== undefined && to !== rollback.to) return false;
  try {
    const next = await planRollbackOf(deps, imageId, rollback.to);
    return next.rollback.from === rollback.to;
  } catch (error) {
    if (error instanceof ServiceError && error.code === "RollbackRefused")
      return error.message.startsWith(`${rollback.to} is the latest already`);
    throw error;
  }
}

function begin(
  deps: Dependencies,
  asked: Pick<
    OperationRecord,
    "fingerprint" | "requestedBy" | "traceparent" | "requestKey"
  > & { readonly key: string; readonly imageId: string },
  { rollback, steps }: Awaited<ReturnType<typeof planRollbackOf>>,
  previous: RollbackStateRecord | undefined,
): Pair<RollbackStateRecord> {
  const { key, imageId, ...rest } = asked;
  const context = contextOf(deps);
  const time = context.now.toISOString();
  const sequence = (previous?.sequence ?? 0) + 1;
  const record: RollbackStateRecord = {
    schema: SCHEMA,
    key,
    resourceId: imageId,
    state: "RollbackRequested",
    sequence,
    members: [],
    queued: [],
    step: 0,
    dueTime: time,
    ticks: 0,
    resends: 0,
    regions: [],
    createdTime: previous?.createdTime ?? time,
    outbox: [],
    steps,
    done: 0,
  };
  const operation: OperationRecord = {
    ...rest,
    id: operationIdOf({ key, sequence }),
    kind: "RollBackImage",
    status: "NotStarted",
    resourceId: imageId,
    createdTime: time,
    lastUpdatedTime: time,
    regions: [],
    history: [],
    rollback,
  };
  return advance({ record, operation }, context, {
    patch: { state: "RollbackRequested" },
    message: `The request is stored: ${rollback.to} becomes the latest in place of ${rollback.from}.`,
    effects: [
      indexed(operation, context),
      event(operation, context, IMAGE_EVENT.rollbackAccepted, "accepted", {
        requestedBy: operation.requestedBy,
        ...rollback,
      }),
    ],
  });
}

/** Takes one step of a rollback: asks the next version to be changed, or sees what has become of that. */
export async function takeRollbackStep(
  deps: Dependencies,
  message: StepMessage,
): Promise<void> {
  const rollbacks = rollbacksOf(deps);
  const stored = await currentFor(rollbacks, message);
  if (stored === undefined || hasEnded(deps, stored)) return;
  const { record, operation } = stored;
  const next = record.steps[record.done];
  if (next === undefined) {
    await commitStep(rollbacks, stored, (pair) => complete(pair, deps));
    return;
  }
  const id = parseImageVersionId(
    `${record.resourceId}/versions/${next.versionName}`,
  );
  if (id === undefined)
    throw new TypeError(`${next.versionName} is no version's name`);
  const change =
    next.does === "promote" ? promoteImageVersion : demoteImageVersion;
  let child: OperationRecord | undefined;
  try {
    if (next.does === "demote" && record.child === undefined) {
      const why = await lostTarget(deps, stored);
      if (why !== undefined) {
        await commitStep(rollbacks, stored, (pair) =>
          stop(pair, why, [], deps),
        );
        return;
      }
    }
    child =
      record.child === undefined
        ? await change(deps, {
            id,
            requestedBy: operation.requestedBy,
            traceparent: operation.traceparent,
            idempotencyKey: `${operation.id}/${record.done}`, // Invariant 2.
          })
        : await deps.store.readOperation(record.child);
  } catch (error) {
    if (next.does === "demote" && isGone(error)) {
      await commitStep(rollbacks, stored, (pair) => pass(pair, next, deps));
      return;
    }
    return postponeOrFail(rollbacks, stored, error);
  }
  const what = `${next.versionName} is ${next.does}d`;
  switch (child?.status) {
    case "NotStarted":
    case "Running":
      await commitStep(rollbacks, stored, (pair) =>
        advance(pair, contextOf(deps), {
          patch: {
            state: "RollingBack",
            child: child.id,
            ticks: record.child === undefined ? 0 : record.ticks + 1,
          },
          ...(record.child === undefined && {
            message: `${what}: operation ${child.id}.`,
          }),
          resumes: true,
          waitMs: pollDelayMs(record.ticks, deps.pace),
        }),
      );
      return;
    case "Succeeded":
      await commitStep(rollbacks, stored, (pair) =>
        proceed(pair, undefined, deps),
      );
      return;
    default:
      if (next.does === "demote" && isGone(child?.error)) {
        await commitStep(rollbacks, stored, (pair) => pass(pair, next, deps));
        return;
      }
      await commitStep(rollbacks, stored, (pair) =>
        stop(
          pair,
          {
            code: child?.error?.code ?? "RollbackRefused",
            message: `${next.versionName} was not ${next.does}d (operation ${child?.id}, ${child?.status}). ${child?.error?.message ?? ""}`,
          },
          child?.error?.errors ?? [],
          deps,
        ),
      );
  }
}

/** Why the target can no longer become the latest: nothing more is demoted for it then. */
async function lostTarget(
  deps: Dependencies,
  {
    record: { resourceId },
    operation: { rollback },
  }: Pair<RollbackStateRecord>,
): Promise<Pick<OperationFailure, "code" | "message"> | undefined> {
  const id = parseImageVersionId(`${resourceId}/versions/${rollback?.to}`);
  if (id === undefined)
    throw new TypeError(`${rollback?.to} is no version's name`);
  const target = await lookAt(deps, id);
  if (target === undefined)
    return {
      code: "ImageVersionGone",
      message: `Azure no longer has ${rollback?.to}.`,
    };
  return isExcluded(target.resource)
    ? {
        code: "RollbackRefused",
        message: `${rollback?.to} was excluded from latest by another request.`,
      }
    : undefined;
}

function isGone(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === "ImageVersionGone" || code === "NotFound";
}

/** What is gone is the latest nowhere. */
function pass(
  pair: Pair<RollbackStateRecord>,
  { versionName }: RollbackStep,
  deps: Dependencies,
): Pair<RollbackStateRecord> {
  return proceed(
    pair,
    `${versionName} is gone: there is nothing to demote.`,
    deps,
  );
}

/** One step is done. */
function proceed(
  pair: Pair<RollbackStateRecord>,
  message: string | undefined,
  deps: Dependencies,
): Pair<RollbackStateRecord> {
  const { child: _, ...kept } = pair.record;
  return advance({ ...pair, record: kept }, contextOf(deps), {
    patch: { state: "RollingBack", done: pair.record.done + 1, ticks: 0 },
    ...(message !== undefined && { message }),
    waitMs: 0,
  });
}

function stop(
  pair: Pair<RollbackStateRecord>,
  { code, message }: Pick<OperationFailure, "code" | "message">,
  errors: readonly Finding[],
  deps: Dependencies,
): Pair<RollbackStateRecord> {
  return fail(
    pair,
    {
      code,
      message: `The rollback has stopped: ${message} What was changed before that stays. Look at the versions, and roll back again.`,
      errors,
    },
    contextOf(deps),
  );
}

function complete(
  pair: Pair<RollbackStateRecord>,
  deps: Dependencies,
): Pair<RollbackStateRecord> {
  const rollback = rollbackOf(pair.operation);
  const context = contextOf(deps);
  return advance(pair, context, {
    patch: { state: "Succeeded" },
    ending: (operation) => ({
      status: "Succeeded",
      message: `${rollback.to} is the latest in place of ${rollback.from}.`,
      event: event(
        operation,
        context,
        IMAGE_EVENT.rollbackCompleted,
        "completed",
        { ...rollback },
      ),
    }),
  });
}
