/**
 * One step of a version: look at Azure, decide, do. The same for creation, update, repair and promotion, in both queues.
 * Invariants:
 *  1. A PUT is sent only by whoever stored it as the record's `write`, decided by a fact of this very step: two of us, a repeated
 *     message or a crash in between never make ARM see two.
 *  2. Nothing is written that was not proven in this step, nor by a look that is older than 15 s.
 *  3. No error of a look ends an operation: ARM goes on working whether or not it can be seen.
 *  4. A region is taken away for its repair only where this step has proven that it can be added back, and that nobody needs it.
 */
import { ServiceError } from "../../errors.js";
import {
  currentFor,
  contextOf,
  commitStep,
  type StepMessage,
} from "../../operation/steps.js";
import { advance } from "../../operation/advance.js";
import { hasEnded } from "../../operation/kinds.js";
import {
  imageIdIn,
  parseImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import { takeRollbackStep } from "../rollback/take-rollback-step.js";
import type {
  Dependencies,
  StepDependencies,
  StoredVersion,
} from "../ports.js";
import { deletionIn } from "../state/deletion.js";
import { endDecided, type OperationReason } from "../state/ends.js";
import { follow } from "../state/follow.js";
import { inWindow } from "../state/fold.js";
import { asksForList } from "../state/observe.js";
import { reconcile, type Decision, type Put } from "../state/reconcile.js";
import { withoutRepairs } from "../state/repairs.js";
import { see, type Seen } from "../state/see.js";
import { isFinal, isRestoring } from "../state/states.js";
import { endedBetween, type UsualTimes } from "../state/usual.js";
import { addedBy } from "../properties/fields.js";
import type { ImageVersionPair, ImageVersionRecord } from "../state/record.js";
import { beginWrite, goingOn } from "../state/write.js";
import { withFindings, withProof } from "../state/proven.js";
import { takeDeletionStep } from "./delete.js";
import { later } from "./postpone.js";
import { typesOf } from "./prove.js";
import { takeRestoreStep } from "./restore.js";
import { isListed, lookAt } from "../queries/look-at.js";
import { noteEnds, readUsualTimes } from "../queries/usual-times.js";
import { isBusy, type Look } from "../resources.js";
import { preparedFor, type Prepared } from "./prepare.js";
import { reasonOf, sendPut } from "./send.js";

/** A look is too old to write by it. */
const OLD_LOOK_MS = 15_000;

/** Takes one step. A stale message does nothing. Throws only what another delivery may cure. */
export async function takeStep(
  deps: StepDependencies,
  message: StepMessage,
): Promise<void> {
  const stored = await currentFor(deps, message);
  if (stored === undefined || hasEnded(deps, stored)) return;
  if (imageIdIn(stored.record.resourceId) !== undefined)
    return takeRollbackStep(deps, message);
  const id = parseImageVersionId(stored.record.resourceId);
  if (id === undefined)
    throw new TypeError(
      `${stored.record.resourceId} is not an image version's id`,
    );
  if (isRestoring(stored.record.state))
    return takeRestoreStep(deps, stored, id);
  const deletion = deletionIn(stored);
  if (deletion !== undefined)
    return takeDeletionStep(deps, stored, id, deletion);
  return lookAndAct(deps, stored, id);
}

/** What one step has read of the version. */
interface Reading {
  readonly look: Look | undefined;
  /** When it was asked for. */
  readonly time: Date;
  readonly isListed: boolean;
  /** Why ARM has given the version up, where it says so. */
  readonly reason: OperationReason | undefined;
}

/** Throws what the reads throw. */
async function readingOf(
  deps: Dependencies,
  { record }: StoredVersion,
  id: ImageVersionId,
): Promise<Reading> {
  const time = deps.now();
  const look = await lookAt(deps, id);
  return {
    look,
    time,
    isListed: asksForList(record, look, contextOf(deps))
      ? await isListed(id, (image) =>
          deps.resourceManager.listImageVersions(image),
        )
      : false,
    reason:
      look?.provisioningState === "Failed"
        ? await reasonOf(deps, record)
        : undefined,
  };
}

/** Looks at the version and does what follows. */
async function lookAndAct(
  deps: StepDependencies,
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
    const waitMs = error.retryAfterMs ?? deps.pace.pollMaxMs; // Invariant 3.
    return later(deps, stored, error.message, waitMs);
  }
  return act(deps, stored, id, reading, prepared);
}

/** What keeps a version that is to be created from being seen, such as a subscription that is not registered, may be why it never can be. */
async function isRefusedUnseen(
  deps: StepDependencies,
  stored: StoredVersion,
  id: ImageVersionId,
): Promise<boolean> {
  const { record } = stored;
  if (record.status !== undefined || record.write !== undefined) return false;
  const put = reconcile(record, contextOf(deps));
  if (put.kind !== "put") return false;
  return (
    (await preparedFor(deps, stored, id, record, put, {}, undefined)) ===
    "ended"
  );
}

async function act(
  deps: StepDependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  reading: Reading,
  prepared: Prepared,
): Promise<void> {
  const { look } = reading;
  // Of one moment: no further repair falls due once it is proven. Invariant 4.
  const time = contextOf(deps);
  const sees = (pair: ImageVersionPair): Seen => {
    const seen = see(pair, look, time, reading);
    return prepared.refused === undefined
      ? seen
      : { ...seen, pair: withoutRepairs(seen.pair, prepared.refused) };
  };
  const { pair } = sees(stored);
  const decision = isFinal(pair.record.state)
    ? undefined
    : reconcile(pair.record, time, prepared.ids);
  if (decision?.kind === "put") {
    const more = await preparedFor(
      deps,
      stored,
      id,
      pair.record,
      decision,
      prepared,
      look ? { kind: "found", value: look } : { kind: "absent" },
    );
    if (more === "ended") return;
    // Invariant 2.
    if (more !== undefined)
      return isTooOld(deps, reading)
        ? lookAndAct(deps, stored, id, more)
        : act(deps, stored, id, reading, more);
    if (isTooOld(deps, reading)) return lookAndAct(deps, stored, id, prepared);
  }
  const types =
    decision?.kind === "put" ? undefined : await typesOf(deps, id, pair.record);
  const usual = await usualFor(deps, decision);
  let put: Put | undefined;
  // Decided anew on what another has stored meanwhile: who was canceled asks nothing any more.
  const mine = await commitStep(deps, stored, (present) => {
    const looked = sees(present);
    const seen: Seen = { ...looked, pair: withProof(looked.pair, [], types) };
    const context = contextOf(deps);
    put = undefined;
    if (isFinal(seen.pair.record.state)) return seen.pair;
    if (deletionIn(seen.pair) !== undefined && seen.fact !== undefined)
      return advance(seen.pair, context, { patch: {}, waitMs: 0 });
    const decided = reconcile(
      seen.pair.record,
      time,
      prepared.ids ?? idsOf(pair),
    );
    switch (decided.kind) {
      case "put":
        put = decided;
        return beginWrite(
          withProof(
            withFindings(seen.pair, put.sentFor, prepared.named ?? []),
            put.sentFor,
            prepared.proven,
          ),
          put,
          context,
          usual,
        );
      case "failed":
        return goingOn(
          decided.ids.reduce(
            (next, one) =>
              endDecided(
                next,
                one,
                { kind: "failed", ...decided.failure },
                context,
              ),
            seen.pair,
          ),
          context,
        );
      case "wait":
      case "none":
        return isUnsent(seen.pair.record, prepared.ids ?? idsOf(pair))
          ? advance(seen.pair, context, { patch: {}, waitMs: 0 })
          : follow(seen.pair, decided, context);
    }
  });
  // Invariant 1: undefined means that another has taken the step; the PUT is theirs.
  if (mine !== undefined && put !== undefined)
    await sendPut(deps, mine, id, put);
  await noteCopies(deps, stored, mine);
}

/** How long copies usually take, where the write has Azure make some. */
async function usualFor(
  { index }: Pick<StepDependencies, "index">,
  decision: Decision | undefined,
): Promise<UsualTimes | undefined> {
  return decision?.kind === "put" && addedBy(decision.changes).length > 0
    ? readUsualTimes(index)
    : undefined;
}

/** How long those took that this step has seen done. */
async function noteCopies(
  { index }: Pick<StepDependencies, "index">,
  before: StoredVersion,
  mine: StoredVersion | undefined,
): Promise<void> {
  if (mine === undefined) return;
  await noteEnds(
    index,
    endedBetween(before.record.regions, mine.record.regions),
  );
}

function idsOf({ record }: ImageVersionPair): readonly string[] {
  return inWindow(record).map(([id]) => id);
}

/** A request has come since those were judged, and nothing stands in the way of it. */
function isUnsent(
  record: ImageVersionRecord,
  judged: readonly string[],
): boolean {
  const { status, write, unconfirmed } = record;
  return (
    write === undefined &&
    unconfirmed === undefined &&
    (status === undefined || !isBusy(status)) &&
    inWindow(record).some(([id]) => !judged.includes(id))
  );
}

function isTooOld(deps: Pick<Dependencies, "now">, { time }: Reading): boolean {
  return deps.now().getTime() - time.getTime() > OLD_LOOK_MS;
}
