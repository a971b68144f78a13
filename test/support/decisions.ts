/** Decisions on a pair, told at once, as steps do it. */
import type { TransitionContext } from "../../src/operation/ports.js";
import * as applied from "../../src/image-version/state/applied.js";
import * as decided from "../../src/image-version/state/ending.js";
import * as deletion from "../../src/image-version/state/deletion.js";
import * as following from "../../src/image-version/state/follow.js";
import type { Outcome } from "../../src/image-version/state/happened.js";
import * as proven from "../../src/image-version/state/proven.js";
import type { ImageVersionPair, ImageVersionRecord } from "../../src/image-version/state/record.js";
import * as repairs from "../../src/image-version/state/repairs.js";
import * as restoring from "../../src/image-version/state/restoring.js";
import * as sending from "../../src/image-version/state/sending.js";
import * as write from "../../src/image-version/state/write.js";
import { updateOf } from "../../src/image-version/telling/table.js";
import { creatorsIn, isToldAlready, told } from "../../src/image-version/telling/tell.js";

/** `decide`, as it is told of a pair; the time is the last of what it is decided by, or given after it. */
function ofPair<Given extends readonly unknown[]>(
  decide: (record: ImageVersionRecord, ...given: Given) => Outcome,
) {
  return (pair: ImageVersionPair, ...given: Given): ImageVersionPair => {
    const context = given.find(isContext);
    if (context === undefined) throw new TypeError("no context is given");
    return told(pair, decide(pair.record, ...given), context);
  };
}

function isContext(given: unknown): given is TransitionContext {
  return typeof given === "object" && given !== null && "kinds" in given;
}

export const fails = ofPair(decided.fails);
export const deleteTaken = ofPair(deletion.deleteTaken);
export const deleted = ofPair(deletion.deleted);
export const follow = ofPair(following.follow);
export const restored = ofPair(restoring.restored);
export const purged = ofPair(restoring.purged);
export const beginSending = ofPair(sending.beginSending);
export const sendingTaken = ofPair(sending.sendingTaken);
export const writeAccepted = ofPair(write.writeAccepted);
export const writeRefused = ofPair(write.writeRefused);
export const withApplications = ofPair(applied.withApplications);

export function beginWrite(
  pair: ImageVersionPair,
  put: Parameters<typeof write.beginWrite>[1],
  context: TransitionContext,
  usual?: NonNullable<Parameters<typeof write.beginWrite>[3]>["usual"],
): ImageVersionPair {
  const isOwn = put.sentFor.length === 0;
  const isAgain = isOwn && isToldAlready(pair, updateOf(write.repairedBy(put)));
  const known = { usual, isAgain, publishedBy: creatorsIn(pair, put.sentFor) };
  return told(pair, write.beginWrite(pair.record, put, context, known), context);
}

export function writePostponed(pair: ImageVersionPair, context: TransitionContext) {
  return { ...pair, record: write.writePostponed(pair.record, context) };
}

export function withoutRepairs(
  pair: ImageVersionPair,
  refused: Parameters<typeof repairs.withoutRepairs>[1],
): ImageVersionPair {
  return { ...pair, record: repairs.withoutRepairs(pair.record, refused) };
}

export function notAddedBack(
  pair: ImageVersionPair,
  failure: Parameters<typeof repairs.notAddedBack>[1],
  context: TransitionContext,
): ImageVersionPair {
  return told(pair, repairs.notAddedBack(pair.record, failure), context);
}

export function withProof(
  pair: ImageVersionPair,
  ids: readonly string[],
  found: Parameters<typeof proven.withProof>[2],
  context: TransitionContext,
): ImageVersionPair {
  return told(pair, proven.withProof(pair.record, ids, found), context);
}
