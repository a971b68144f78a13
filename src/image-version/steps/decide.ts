/** What a step does next, by its reading and its proof. Pure. */
import type { TransitionContext } from "../../operation/ports.js";
import type { Pair } from "../../operation/records.js";
import { pollDelayMs } from "../../operation/waiting.js";
import { withHeldBack } from "../preflight/objections.js";
import { decideDeletion, deleted, deletionIn, type DeletionDecision } from "../state/deletion.js";
import { fails } from "../state/ending.js";
import { follow, type FollowTime } from "../state/follow.js";
import { inWindow } from "../state/fold.js";
import { inTurn, nothing, type Outcome } from "../state/happened.js";
import { withProof } from "../state/proven.js";
import { isQuiet, pollAgain } from "../state/quiet.js";
import { reconcile, type Decision } from "../state/reconcile.js";
import type { ImageVersionPair, ImageVersionRecord } from "../state/record.js";
import { withoutRepairs } from "../state/repairs.js";
import { decideRestore, restored, type RestoreDecision } from "../state/restoring.js";
import { lookedAt } from "../state/see.js";
import { beginSending } from "../state/sending.js";
import { withSpared } from "../state/sparing.js";
import { isFinal, isRestoring } from "../state/states.js";
import { beginWrite, repairedBy, writePostponed } from "../state/write.js";
import { updateOf } from "../telling/table.js";
import { creatorsIn, isToldAlready, told } from "../telling/tell.js";
import { undoOf } from "./delete.js";
import type { Proof, Writing } from "./prepare.js";
import type { Reading } from "./reading.js";

export type Next = Decision | DeletionDecision | RestoreDecision;

export interface StepContext extends TransitionContext, FollowTime {
  readonly useDelayMs: number;
}

/** A look of this age is too old to write by. */
const OLD_LOOK_MS = 15_000;

export function isTooOld(
  { time }: Pick<Reading, "time">,
  { now }: { readonly now: Date },
): boolean {
  return now.getTime() - time.getTime() > OLD_LOOK_MS;
}

export function isWriting(next: Next): next is Writing {
  return next.kind === "put" || next.kind === "delete" || next.kind === "restore";
}

function isProven(next: Next, { proves, repairs = [] }: Proof): boolean {
  switch (next.kind) {
    case "put":
      return proves === "put" && Object.keys(next.removes).every((one) => repairs.includes(one));
    case "delete":
    case "deleted":
    case "restore":
      return proves === next.id;
    default:
      return true;
  }
}

/** The pair after the reading, with what the proof found. */
export function seen(
  pair: ImageVersionPair,
  reading: Reading,
  { ids = [], spared, held = [], refused = {}, types = {} }: Proof,
  time: TransitionContext,
): ImageVersionPair {
  if (isRestoring(pair.record)) return pair;
  const outcome = inTurn(
    pair.record,
    (next) => (spared ? withSpared(next, spared) : nothing(next)),
    (next) => (held.length > 0 ? withHeldBack(next, ids, held) : nothing(next)),
    // Before the look, so that what it ends says how the version is encrypted.
    (next) => withProof(next, [], types),
    (next) => lookedAt(next, reading.look, time, reading),
    (next) => nothing(withoutRepairs(next, refused)),
  );
  return told(pair, outcome, time);
}

/** What comes next, for these requests; undefined: the work has ended. */
export function decide(
  { record, operation }: ImageVersionPair,
  reading: Reading,
  ids: readonly string[] | undefined,
  time: StepContext,
): Next | undefined {
  if (isFinal(record.state)) return undefined;
  if (isRestoring(record)) return decideRestore(record, operation.id, reading, time);
  const deletion = deletionIn(record);
  return deletion === undefined
    ? reconcile(record, time, ids)
    : decideDeletion(record, deletion, reading.reason, time.useDelayMs, time);
}

type Stepped = Pair<ImageVersionRecord> & { readonly value?: Writing };

/**
 * The step's transition; `value` is what it sends. What is not proven, or was decided by an old
 * look, waits for the next step, which comes at once.
 */
export function stepped(
  present: ImageVersionPair,
  reading: Reading,
  proof: Proof,
  time: StepContext,
): Stepped {
  const { look } = reading;
  if (isQuiet(present.record, look, time))
    return told(present, pollAgain(present.record, look, time), time);
  return longWay(present, reading, proof, time);
}

/** The transition after any reading. */
export function longWay(
  present: ImageVersionPair,
  reading: Reading,
  proof: Proof,
  time: StepContext,
): Stepped {
  const pair = seen(present, reading, proof, time);
  const next = decide(pair, reading, proof.ids, time);
  if (next === undefined) return pair;
  const sends = isWriting(next) ? next : undefined;
  const isReady = isProven(next, proof) && !(sends && isTooOld(reading, time));
  const outcome = isReady ? after(pair, next, proof, time) : { ...nothing(pair.record), waitMs: 0 };
  return { ...told(pair, outcome, time), ...(isReady && sends && { value: sends }) };
}

/** Applies the decision. */
function after(
  pair: ImageVersionPair,
  next: Next,
  { ids = [], kept = {}, usual, softDelete }: Proof,
  time: StepContext,
): Outcome {
  const { record } = pair;
  switch (next.kind) {
    case "put": {
      const isOwn = next.sentFor.length === 0;
      const isAgain = isOwn && isToldAlready(pair, updateOf(repairedBy(next)));
      const publishedBy = creatorsIn(pair, next.sentFor);
      return inTurn(
        record,
        (one) => withProof(one, next.sentFor, kept),
        (one) => beginWrite(one, next, time, { usual, isAgain, publishedBy }),
      );
    }
    case "delete":
    case "restore":
      return inTurn(
        record,
        (one) => withProof(one, [next.id], kept),
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
