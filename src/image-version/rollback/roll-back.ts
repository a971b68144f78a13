/**
 * Accepts the rollback of an image definition to an earlier version, as one operation. Invariants:
 *  1. Repeating it returns the same operation as long as its target is the latest.
 *  2. A plan is decided by the same function.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { IMAGE_EVENT } from "../../events/image-events.js";
import type { components } from "../../generated/openapi.js";
import { acceptOperation } from "../../operation/accepting.js";
import { advance, event } from "../../operation/advance.js";
import { indexed } from "../../operation/catalog.js";
import { bindKey, claimKey } from "../../operation/idempotency.js";
import { hasEnded } from "../../operation/kinds.js";
import {
  newRecord,
  operationIdOf,
  type OperationRecord,
  type Pair,
} from "../../operation/records.js";
import { nextSequence } from "../../operation/sequence.js";
import { contextOf } from "../../operation/steps.js";
import { formatImageVersionId, imageIdOf, keyOf, type ImageVersionId } from "../../resource-id.js";
import { glance } from "../commands/acceptance.js";
import { mustMatch, type Command } from "../commands/command.js";
import { fingerprintOfCommand } from "../commands/same-operation.js";
import type { Dependencies } from "../ports.js";
import type { NoLatest } from "../preflight/latest.js";
import { brokenKeys, findingOf } from "../preflight/keys.js";
import { compareVersionNumbers } from "../../version-numbers.js";
import { rollbackOf, viewRollback } from "./kind.js";
import { planRollbackOf, type RollbackPlan } from "./plan-rollback.js";
import type { RollbackStateRecord, RollbackRecord } from "../rollback-record.js";
import { BY_OPERATION, surveyedLatest, surveyOf, type Survey } from "../queries/survey.js";

export interface RollBackImage extends Omit<Command, "id" | "event">, NoLatest {
  readonly image: Omit<ImageVersionId, "versionName">;
  /** Number of the version to roll back to; absent: the newest that is ready wherever the latest is. */
  readonly to?: string;
}

type Asked = Pick<RollBackImage, "image" | "to" | "ifMatch" | "allowNoLatest">;

/** The decision on a request: an existing rollback, or the plan of a new one. */
type Decided = { readonly same: OperationRecord } | RollbackPlan;

/** The changes of a rollback, without making them. Throws as `rollBackImage` does. */
export async function planRollback(
  deps: Dependencies,
  target: Asked,
): Promise<components["schemas"]["Rollback"]> {
  const decided = await decide(deps, target);
  if (!("same" in decided)) {
    const { rollback, warnings } = decided;
    return { ...viewRollback(rollback), ...(warnings.length > 0 && { warnings: [...warnings] }) };
  }
  const { id, status } = decided.same;
  return {
    ...viewRollback(rollbackOf(decided.same)),
    warnings: [
      {
        code: "AlreadyRequested",
        pointer: "",
        message: `Operation ${id} ${status === "Succeeded" ? "has done" : "does"} this already. The same request returns it, and changes nothing else.`,
        severity: "warning",
      },
    ],
  };
}

/** Throws as `planRollbackOf` does, and ServiceError ImageVersionConflict while another rollback of the definition runs. */
export async function rollBackImage(
  deps: Dependencies,
  command: RollBackImage,
): Promise<OperationRecord> {
  const { image, to, requestedBy, traceparent, parent } = command;
  const imageId = imageIdOf(image);
  const key = keyOf(imageId);
  const fingerprint = fingerprintOfCommand(
    "RollBackImage",
    to ?? null,
    ...(command.allowNoLatest === true ? ["allowNoLatest"] : []),
  );
  const { requestKey, earlier } = await claimKey(deps, command, key, fingerprint);
  if (earlier !== undefined) return earlier;
  const decided = await decide(deps, command);
  const asked = {
    key,
    imageId,
    fingerprint,
    requestedBy,
    traceparent,
    ...(requestKey !== undefined && { requestKey }),
    ...(parent !== undefined && { parent }),
  };
  const operation =
    "same" in decided
      ? decided.same
      : await acceptOperation<RollbackStateRecord>(
          { ...deps, store: deps.rollbacks },
          key,
          (stored) =>
            stored !== undefined && !hasEnded(deps, stored)
              ? running(stored.operation, to)
              : begin(deps, asked, decided, stored?.record),
        );
  await bindKey(deps, requestKey, operation);
  return operation;
}

/** Invariants 1 and 2. */
async function decide(
  deps: Dependencies,
  { image, to, ifMatch, ...allowed }: Asked,
): Promise<Decided> {
  const imageId = imageIdOf(image);
  const last = await deps.rollbacks.read(keyOf(imageId));
  if (last !== undefined && !hasEnded(deps, last)) return { same: running(last.operation, to) };
  const survey = await surveyOf(deps, imageId);
  if (last !== undefined && (await stillHolds(survey, last.operation, to)))
    return { same: last.operation };
  const planned = await planRollbackOf(deps, survey, imageId, {
    to,
    ...allowed,
  });
  await mustBeSeen(deps, image, planned.rollback.from, ifMatch);
  return {
    ...planned,
    warnings: [...planned.warnings, ...(await keysOfTarget(deps, survey, image, planned.rollback))],
  };
}

/**
 * Warns if the target's keys are breaking. Throws ServiceError RollbackRefused if those of the
 * present latest work: away from a version with broken keys a rollback is always possible.
 */
async function keysOfTarget(
  deps: Dependencies,
  survey: Survey,
  image: RollBackImage["image"],
  { from, to }: RollbackRecord,
): Promise<readonly Finding[]> {
  const broken = (await brokenKeysIn(deps, survey, image, to)).map(findingOf);
  if (broken.length > 0 && (await brokenKeysIn(deps, survey, image, from)).length === 0)
    throw new ServiceError(
      "RollbackRefused",
      `The keys of ${to} are broken, and those of ${from} work: no machine could be created from ${to}. Fix each key listed under errors, or roll back to another version.`,
      { findings: broken.map((finding) => ({ ...finding, pointer: "/to" })) },
    );
  return broken.map((finding) => ({ ...finding, severity: "warning" }));
}

async function brokenKeysIn(
  deps: Dependencies,
  { listed, records }: Survey,
  image: RollBackImage["image"],
  versionName: string,
): ReturnType<typeof brokenKeys> {
  const item = listed.find(({ name }) => name === versionName);
  const id = { ...image, versionName };
  return item === undefined ? [] : brokenKeys(deps, id, item, records.get(versionName));
}

/** The running rollback, if it has the requested target; a canceled one has none. */
function running(operation: OperationRecord, to: string | undefined): OperationRecord {
  if (operation.canceledBy !== undefined)
    throw new ServiceError(
      "StateConflict",
      `Operation ${operation.id} is being canceled. Try again when it has ended.`,
      { retryAfterMs: 1_000 },
    );
  if (to === undefined || rollbackOf(operation).to === to) return operation;
  throw new ServiceError(
    "ImageVersionConflict",
    `Operation ${operation.id} rolls ${operation.resourceId} back to ${rollbackOf(operation).to}. Wait until it has ended.`,
    { fields: { existingOperationId: operation.id } },
  );
}

async function mustBeSeen(
  deps: Dependencies,
  image: RollBackImage["image"],
  from: string,
  ifMatch: string | undefined,
): Promise<void> {
  if (ifMatch === undefined) return;
  const id = { ...image, versionName: from };
  const stored = await deps.store.read(keyOf(formatImageVersionId(id)));
  const { look } = await glance(deps, id, stored?.record, true);
  mustMatch({ id, ifMatch }, look, stored?.record);
}

/** Whether the last rollback reached the requested target, and Azure still shows it. */
async function stillHolds(
  survey: Survey,
  last: OperationRecord,
  to: string | undefined,
): Promise<boolean> {
  if (last.status !== "Succeeded") return false;
  const rollback = rollbackOf(last);
  if (to !== undefined && to !== rollback.to) return false;
  return (
    (await surveyedLatest(survey)).version === rollback.to &&
    ![
      ...survey.excludedForNow,
      ...[...survey.awaiting].flatMap(([name, until]) => (until === BY_OPERATION ? [name] : [])),
    ].some((name) => compareVersionNumbers(name, rollback.to) > 0)
  );
}

function begin(
  deps: Dependencies,
  asked: Pick<
    OperationRecord,
    "fingerprint" | "requestedBy" | "traceparent" | "requestKey" | "parent"
  > & {
    readonly key: string;
    readonly imageId: string;
  },
  { rollback, steps, warnings }: RollbackPlan,
  previous: RollbackStateRecord | undefined,
): Pair<RollbackStateRecord> {
  const { key, imageId, ...rest } = asked;
  const context = contextOf(deps);
  const time = context.now.toISOString();
  const sequence = nextSequence(previous, context.now);
  const record: RollbackStateRecord = {
    ...newRecord(
      { key, resourceId: imageId, state: "RollbackRequested", sequence },
      time,
      previous?.createdTime,
    ),
    steps,
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
    detail: rollback,
    ...(warnings.length > 0 && { warnings }),
  };
  return advance({ record, operation }, context, {
    patch: { state: "RollbackRequested" },
    message: `The request is stored: ${
      rollback.from === rollback.to
        ? `${rollback.to} stays the latest`
        : `${rollback.to} becomes the latest in place of ${rollback.from}`
    }.`,
    effects: [
      indexed(operation, context),
      event(operation, context, IMAGE_EVENT.rollbackAccepted, "accepted", {
        requestedBy: operation.requestedBy,
        ...rollback,
      }),
    ],
  });
}
