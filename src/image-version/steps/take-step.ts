/**
 * One step of a version: look at Azure, decide, act. The same for all requests, in both queues.
 * Invariants:
 *  1. Only the process that stored a request as the record's `write`, decided by a confirmed look
 *     of this step, sends it. Two hosts, a repeated message or a crash in between never make ARM
 *     see two.
 *  2. Everything written was checked in this step, and by a look at the version and its keys no older than 15 s.
 *  3. No error of a look ends an operation: ARM continues whether or not Sigil can read it.
 *  4. A region is removed for repair only if this step has checked that it can be added back, and
 *     that nobody needs it.
 */
import { ServiceError } from "../../errors.js";
import { contextOf, commitStep } from "../../operation/steps.js";
import { operationIn } from "../../operation/records.js";
import { parseImageVersionId, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { noteEnds } from "../queries/usual-times.js";
import { budgetOf, BUDGET } from "../state/budget.js";
import { inWindow } from "../state/fold.js";
import { isQuiet } from "../state/quiet.js";
import { reconcile } from "../state/reconcile.js";
import { endedBetween } from "../state/usual.js";
import { decide, isTooOld, isWriting, seen, stepped, type StepContext } from "./decide.js";
import { softDeletionOf } from "./delete.js";
import { postpone } from "./postpone.js";
import { proofFor, type Proof } from "./prepare.js";
import { typesOf } from "./prove.js";
import { readingOf, type Reading } from "./reading.js";
import { send } from "./send.js";

/** Takes one step of a version. */
export async function takeVersionStep(deps: Dependencies, stored: StoredVersion): Promise<void> {
  const id = parseImageVersionId(stored.record.resourceId);
  if (id === undefined)
    throw new TypeError(`${stored.record.resourceId} is not an image version's id`);
  const first = await read(deps, stored, id);
  if (first === undefined) return;
  const { useDelayMs } = deps;
  const time = { ...contextOf(deps), useDelayMs };
  const isProven = isQuiet(stored.record, first.look, time);
  const proof = isProven ? {} : await prove(deps, stored, id, first, time);
  if (proof === undefined) return;
  // Invariant 2.
  const reading =
    isProven || !isTooOld(first, contextOf(deps)) ? first : await read(deps, stored, id);
  if (reading === undefined) return;
  const budget = budgetOf(deps.looks.replicatingIn(id.subscriptionId));
  // Decided again on what others stored meanwhile: a canceled request asks for nothing, and a new
  // one is judged first.
  const mine = await commitStep(deps, stored, (present) =>
    stepped(present, reading, proof, { ...contextOf(deps), useDelayMs, budget }),
  );
  // Invariant 1: without `mine` another process took the step, and sends what it stored.
  if (mine === undefined) return;
  const { record } = mine.stored;
  deps.looks.noteReplicating(id, record.state === "Replicating");
  if (mine.value !== undefined) await send(deps, mine.stored, id, mine.value);
  // How long the copies took that this step saw completed.
  await noteEnds(deps.index, endedBetween(stored.record.regions, record.regions));
}

/** Undefined: it cannot be read now. The step comes again, or its operation has ended. */
async function read(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
): Promise<Reading | undefined> {
  try {
    return await readingOf(deps, stored, id);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (!(await isRefusedUnseen(deps, stored, id)))
      await postpone(deps, stored, withShare(error, deps.looks.replicatingIn(id.subscriptionId))); // Invariant 3.
    return undefined;
  }
}

/** Proves what the reading calls for; undefined: nothing more is to be done in this step. */
async function prove(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  reading: Reading,
  time: StepContext,
): Promise<Proof | undefined> {
  const pair = seen(stored, reading, {}, time);
  const { record } = pair;
  const next = decide(pair, reading, undefined, time);
  const { look } = reading;
  if (next !== undefined && isWriting(next))
    return proofFor(
      deps,
      stored,
      id,
      record,
      next,
      look ? { kind: "found", value: look } : { kind: "absent" },
    );
  const ids = inWindow(record).map(([one]) => one);
  if (next?.kind !== "deleted") return { ids, types: await typesOf(deps, id, record) };
  const softDelete = await softDeletionOf(deps, id, operationIn(pair, next.id));
  return { ids, proves: next.id, softDelete };
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
    put.kind === "put" && (await proofFor(deps, stored, id, record, put, undefined)) === undefined
  );
}
