/**
 * One step of a version: look at Azure, decide, do. The same for all that is asked, in both queues.
 * Invariants:
 *  1. A request is sent only by whoever stored it as the record's `write`, decided by a fact of this very step: two of us, a
 *     repeated message or a crash in between never make ARM see two.
 *  2. Nothing is written that was not proven in this step, nor by a look that is older than 15 s.
 *  3. No error of a look ends an operation: ARM goes on working whether or not it can be seen.
 *  4. A region is taken away for its repair only where this step has proven that it can be added back, and that nobody needs it.
 */
import { ServiceError } from "../../errors.js";
import { currentFor, contextOf, commitStep, type StepMessage } from "../../operation/steps.js";
import { advance } from "../../operation/advance.js";
import { hasEnded } from "../../operation/kinds.js";
import { operationIn, type SoftDeleteRecord } from "../../operation/records.js";
import { poll } from "../../operation/waiting.js";
import { imageIdIn, parseImageVersionId, type ImageVersionId } from "../../resource-id.js";
import { takeRollbackStep, type StoredRollback } from "../rollback/take-rollback-step.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { budgetOf, BUDGET } from "../state/budget.js";
import { fails } from "../state/decided.js";
import { decideDeletion, deleted, deletionIn, type DeletionDecision } from "../state/deletion.js";
import { follow, type FollowContext } from "../state/follow.js";
import { inWindow } from "../state/fold.js";
import { reconcile, type Decision } from "../state/reconcile.js";
import { withoutRepairs } from "../state/repairs.js";
import { decideRestore, restored, type RestoreDecision } from "../state/restoring.js";
import { see } from "../state/see.js";
import { withSpared } from "../state/sparing.js";
import { isFinal, isRestoring } from "../state/states.js";
import { endedBetween } from "../state/usual.js";
import type { ImageVersionPair, Proven } from "../state/record.js";
import { beginSending } from "../state/sending.js";
import { beginWrite, writePostponed } from "../state/write.js";
import { withProof } from "../state/proven.js";
import { softDeletionOf, undoOf } from "./delete.js";
import { postpone } from "./postpone.js";
import { typesOf } from "./prove.js";
import { noteEnds } from "../queries/usual-times.js";
import { isJudged, preparedFor, type Prepared, type Writing } from "./prepare.js";
import { readingOf, type Reading } from "./reading.js";
import { send } from "./send.js";

/** A look is too old to write by it. */
const OLD_LOOK_MS = 15_000;

/**
 * Takes one step. A stale message does nothing. Throws only what another delivery may cure. `others`: what takes the steps of other
 * rooms' kinds of operation that come by the same queues.
 */
export async function takeStep(
  deps: Dependencies,
  message: StepMessage,
  others: Readonly<Record<string, (message: StepMessage) => Promise<void>>> = {},
): Promise<void> {
  const stored = await currentFor(deps, message);
  if (stored === undefined || hasEnded(deps, stored)) return;
  const other = others[stored.operation.kind];
  if (other !== undefined) return other(message);
  if (imageIdIn(stored.record.resourceId) !== undefined)
    // The store is the same.
    return takeRollbackStep(deps, stored as unknown as StoredRollback);
  const id = parseImageVersionId(stored.record.resourceId);
  if (id === undefined)
    throw new TypeError(`${stored.record.resourceId} is not an image version's id`);
  return lookAndAct(deps, stored, id);
}

/** Looks at the version and does what follows. */
async function lookAndAct(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  prepared: Prepared = {},
): Promise<void> {
  let reading: Reading;
  try {
    reading = await readingOf(deps, stored, id);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (await isRefusedUnseen(deps, stored, id)) return;
    return postpone(deps, stored, inTurn(error, deps.looks.replicatingIn(id.subscriptionId))); // Invariant 3.
  }
  return act(deps, stored, id, reading, prepared);
}

/** A look that waits its turn says how many versions share the limit, if they are so many that each polls less often. */
function inTurn(error: ServiceError, versions: number): ServiceError {
  const { code, retryAfterMs, isTurn } = error;
  if (!isTurn || retryAfterMs === undefined || budgetOf(versions) === BUDGET) return error;
  return new ServiceError(
    code,
    `Azure's limit for reads of this subscription is shared by ${versions} versions.`,
    { cause: error, retryAfterMs, isTurn },
  );
}

/** What keeps a version that is to be created from being seen, such as a subscription that is not registered, may be why it never can be. */
async function isRefusedUnseen(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
): Promise<boolean> {
  const { record } = stored;
  if (record.status !== undefined || record.write !== undefined) return false;
  const put = reconcile(record, contextOf(deps));
  return (
    put.kind === "put" &&
    (await preparedFor(deps, stored, id, record, put, undefined)) === undefined
  );
}

type Next = Decision | DeletionDecision | RestoreDecision;

async function act(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  reading: Reading,
  prepared: Prepared,
): Promise<void> {
  const { look } = reading;
  // Of one moment: no further repair falls due once it is proven. Invariant 4.
  const time = contextOf(deps);
  const sees = (pair: ImageVersionPair): ImageVersionPair => {
    if (isRestoring(pair.record)) return pair;
    const seen = see(withSpared(pair, prepared.spared), look, time, reading);
    return prepared.refused === undefined ? seen : withoutRepairs(seen, prepared.refused);
  };
  const decides = (
    { record, operation }: ImageVersionPair,
    ids: readonly string[] | undefined,
  ): Next | undefined => {
    if (isFinal(record.state)) return undefined;
    if (isRestoring(record)) return decideRestore(record, operation.id, reading, time);
    const deletion = deletionIn(record);
    return deletion === undefined
      ? reconcile(record, time, ids)
      : decideDeletion(record, deletion, reading.reason, deps.useDelayMs, time);
  };
  const pair = sees(stored);
  const decision = decides(pair, prepared.ids);
  let types: Proven | undefined;
  if (isWriting(decision)) {
    const looked = look ? ({ kind: "found", value: look } as const) : ({ kind: "absent" } as const);
    const isProven = isJudged(decision, prepared);
    const next = isProven
      ? prepared
      : await preparedFor(deps, stored, id, pair.record, decision, looked);
    if (next === undefined) return;
    // Invariant 2.
    if (isTooOld(deps, reading)) return lookAndAct(deps, stored, id, next);
    if (!isProven) return act(deps, stored, id, reading, next);
  } else types = await typesOf(deps, id, pair.record);
  const isDeleted = decision?.kind === "deleted";
  const softDelete = isDeleted
    ? await softDeletionOf(deps, id, operationIn(pair, decision.id))
    : undefined;
  const ids = prepared.ids ?? inWindow(pair.record).map(([one]) => one);
  const budget = budgetOf(deps.looks.replicatingIn(id.subscriptionId));
  let next: Next | undefined;
  // Decided anew on what another has stored meanwhile: who was canceled asks nothing any more, and what is new is judged first.
  const mine = await commitStep(deps, stored, (present) => {
    const seen = withProof(sees(present), [], types);
    next = decides(seen, ids);
    if (next === undefined) return seen;
    return isWriting(next) && !isJudged(next, prepared)
      ? advance(seen, contextOf(deps), { patch: {}, waitMs: 0 })
      : after(seen, next, { ...prepared, ids }, softDelete, { ...contextOf(deps), budget });
  });
  // Invariant 1: without `mine` another has taken the step; what is to be sent is theirs.
  if (mine === undefined) return;
  deps.looks.noteReplicating(id, mine.record.state === "Replicating");
  if (isWriting(next) && isJudged(next, prepared)) await send(deps, mine, id, next);
  // How long copies took that this step has seen done.
  await noteEnds(deps.index, endedBetween(stored.record.regions, mine.record.regions));
}

function isWriting(decision: Next | undefined): decision is Writing {
  return ["put", "delete", "restore"].includes(decision?.kind ?? "");
}

/** The pair after what was decided of it. */
function after(
  pair: ImageVersionPair,
  next: Next,
  { ids, proven, usual }: Prepared & { readonly ids: readonly string[] },
  softDelete: SoftDeleteRecord | undefined,
  context: FollowContext,
): ImageVersionPair {
  switch (next.kind) {
    case "put":
      return beginWrite(withProof(pair, next.sentFor, proven), next, context, usual);
    case "delete":
    case "restore":
      return beginSending(
        withProof(pair, [next.id], proven),
        next.kind === "delete" ? "Deleting" : "Restoring",
        next.id,
        context,
      );
    case "restored":
      return restored(pair, next.look, context);
    case "deleted":
      return deleted(
        pair,
        next.id,
        `${next.message} ${undoOf(softDelete)}`.trim(),
        softDelete,
        context,
      );
    case "failed":
      return fails(writePostponed(pair, context), next.ids, next.failure, context);
    case "poll":
      return poll(pair, next.why, context, next.waitMs);
    case "wait":
    case "none":
      // A request has come since those were judged.
      return inWindow(pair.record).some(([id]) => !ids.includes(id))
        ? advance(pair, context, { patch: {}, waitMs: 0 })
        : follow(pair, next, context);
  }
}

function isTooOld(deps: Pick<Dependencies, "now">, { time }: Reading): boolean {
  return deps.now().getTime() - time.getTime() > OLD_LOOK_MS;
}
