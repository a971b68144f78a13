/**
 * One step of a version: look at Azure, decide, act. The same for all requests, in both queues.
 * Invariants:
 *  1. Only the process that stored a request as the record's `write`, decided by a confirmed look
 *     of this step, sends it. Two hosts, a repeated message or a crash in between never make ARM
 *     see two.
 *  2. Everything written was checked in this step, and by a look no older than 15 s.
 *  3. No error of a look ends an operation: ARM continues whether or not Sigil can read it.
 *  4. A region is removed for repair only if this step has checked that it can be added back, and
 *     that nobody needs it.
 */
import { ServiceError } from "../../errors.js";
import { contextOf, commitStep } from "../../operation/steps.js";
import { operationIn } from "../../operation/records.js";
import type { SoftDeleteRecord } from "../resources.js";
import { pollDelayMs } from "../../operation/waiting.js";
import { parseImageVersionId, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { withHeldBack } from "../preflight/objections.js";
import { budgetOf, BUDGET } from "../state/budget.js";
import { fails } from "../state/ending.js";
import { decideDeletion, deleted, deletionIn, type DeletionDecision } from "../state/deletion.js";
import { follow, type FollowTime } from "../state/follow.js";
import { inWindow } from "../state/fold.js";
import { inTurn, nothing, type Outcome } from "../state/happened.js";
import { reconcile, type Decision } from "../state/reconcile.js";
import { withoutRepairs } from "../state/repairs.js";
import { decideRestore, restored, type RestoreDecision } from "../state/restoring.js";
import { lookedAt } from "../state/see.js";
import { withSpared } from "../state/sparing.js";
import { isFinal, isRestoring } from "../state/states.js";
import { endedBetween } from "../state/usual.js";
import type { ImageVersionPair, ImageVersionRecord, Proven } from "../state/record.js";
import { beginSending } from "../state/sending.js";
import { beginWrite, repairedBy, writePostponed } from "../state/write.js";
import { withProof } from "../state/proven.js";
import { updateOf } from "../telling/table.js";
import { creatorsIn, isToldAlready, told } from "../telling/tell.js";
import { softDeletionOf, undoOf } from "./delete.js";
import { postpone } from "./postpone.js";
import { typesOf } from "./prove.js";
import { noteEnds } from "../queries/usual-times.js";
import { isJudged, preparedFor, type Prepared, type Writing } from "./prepare.js";
import { readingOf, type Reading } from "./reading.js";
import { send } from "./send.js";

/** A look of this age is too old to write by. */
const OLD_LOOK_MS = 15_000;

/** Takes one step of a version. */
export async function takeVersionStep(deps: Dependencies, stored: StoredVersion): Promise<void> {
  const id = parseImageVersionId(stored.record.resourceId);
  if (id === undefined)
    throw new TypeError(`${stored.record.resourceId} is not an image version's id`);
  return lookAndAct(deps, stored, id);
}

/** Reads the version and acts on it. */
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
    return postpone(deps, stored, withShare(error, deps.looks.replicatingIn(id.subscriptionId))); // Invariant 3.
  }
  return act(deps, stored, id, reading, prepared);
}

/**
 * A look that waits for its turn reports how many versions share the limit, if these are so many
 * that each polls less often.
 */
function withShare(error: ServiceError, versions: number): ServiceError {
  const { code, retryAfterMs, isTurn } = error;
  if (!isTurn || retryAfterMs === undefined || budgetOf(versions) === BUDGET) return error;
  return new ServiceError(
    code,
    `Azure's limit for reads of this subscription is shared by ${versions} versions.`,
    { cause: error, retryAfterMs, isTurn },
  );
}

/**
 * Whether the version cannot be read for a reason that also prevents its creation, such as an
 * unregistered subscription.
 */
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
  // Read the clock once, so that no repair becomes due after the checks. Invariant 4.
  const time = contextOf(deps);
  const sees = (pair: ImageVersionPair, types: Partial<Proven> = {}): ImageVersionPair => {
    if (isRestoring(pair.record)) return pair;
    const { ids = [], spared, held = [], refused = {} } = prepared;
    const outcome = inTurn(
      pair.record,
      (next) => (spared ? withSpared(next, spared) : nothing(next)),
      ...(held.length > 0 ? [(next: ImageVersionRecord) => withHeldBack(next, ids, held)] : []),
      (next) => lookedAt(next, look, time, reading),
    );
    const seen = told(pair, outcome, time);
    return { ...seen, record: withProof(withoutRepairs(seen.record, refused), [], types).record };
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
  // Decided again on what others stored meanwhile: a canceled request asks for nothing, and a new
  // one is judged first.
  const mine = await commitStep(deps, stored, (present) => {
    const seen = sees(present, types);
    next = decides(seen, ids);
    if (next === undefined) return seen;
    const context = { ...contextOf(deps), budget };
    const outcome =
      isWriting(next) && !isJudged(next, prepared)
        ? { ...nothing(seen.record), waitMs: 0 }
        : after(seen, next, { ...prepared, ids }, softDelete, context);
    return told(seen, outcome, context);
  });
  // Invariant 1: without `mine` another process took the step, and sends what it stored.
  if (mine === undefined) return;
  deps.looks.noteReplicating(id, mine.record.state === "Replicating");
  if (isWriting(next) && isJudged(next, prepared)) await send(deps, mine, id, next);
  // How long the copies took that this step saw completed.
  await noteEnds(deps.index, endedBetween(stored.record.regions, mine.record.regions));
}

function isWriting(decision: Next | undefined): decision is Writing {
  return ["put", "delete", "restore"].includes(decision?.kind ?? "");
}

/** Applies the decision. */
function after(
  pair: ImageVersionPair,
  next: Next,
  { ids, proven = {}, usual }: Prepared & { readonly ids: readonly string[] },
  softDelete: SoftDeleteRecord | undefined,
  time: FollowTime,
): Outcome {
  const { record } = pair;
  switch (next.kind) {
    case "put": {
      const isOwn = next.sentFor.length === 0;
      const isAgain = isOwn && isToldAlready(pair, updateOf(repairedBy(next)));
      const publishedBy = creatorsIn(pair, next.sentFor);
      return inTurn(
        record,
        (one) => withProof(one, next.sentFor, proven),
        (one) => beginWrite(one, next, time, { usual, isAgain, publishedBy }),
      );
    }
    case "delete":
    case "restore":
      return inTurn(
        record,
        (one) => withProof(one, [next.id], proven),
        (one) =>
          beginSending(one, next.kind === "delete" ? "Deleting" : "Restoring", next.id, time),
      );
    case "restored":
      return restored(record, next.look, time);
    case "deleted": {
      const message = `${next.message} ${undoOf(softDelete)}`.trim();
      return deleted(record, next.id, message, softDelete, time);
    }
    case "failed":
      return fails(writePostponed(record, time), next.ids, next.failure, time);
    case "poll": {
      const { why: waits, waitMs = pollDelayMs(record.ticks, time.pace) } = next;
      return { ...nothing({ ...record, ticks: record.ticks + 1 }), waits, waitMs };
    }
    case "wait":
    case "none":
      // A request came after the others were judged.
      return inWindow(record).some(([id]) => !ids.includes(id))
        ? { ...nothing(record), waitMs: 0 }
        : follow(record, next, time);
  }
}

function isTooOld(deps: Pick<Dependencies, "now">, { time }: Reading): boolean {
  return deps.now().getTime() - time.getTime() > OLD_LOOK_MS;
}
