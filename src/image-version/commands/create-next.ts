/**
 * Accepts a request for a new version of an image definition, under the next number. Invariants:
 *  1. A number is given to one request and never to another, whichever hosts they arrive at.
 *  2. A request that is refused takes no number: all that can be judged is judged before.
 *  3. A number is bound to its request in the write that gives it, so that the same Idempotency-Key leads to the same
 *     number, whoever dies when.
 *
 * The number of a request that died before it was accepted, and is not sent again with its key, stays unused: given to
 * a second request it could be accepted for both, and where their bodies are equal nobody would notice.
 */
import { randomUUID } from "node:crypto";
import { ServiceError, type ErrorCode } from "../../errors.js";
import { claimKey } from "../../operation/idempotency.js";
import { deliver } from "../../operation/outbox.js";
import { operationIdOf, type OperationRecord } from "../../operation/records.js";
import { firstSequenceOf } from "../../operation/sequence.js";
import { formatImageVersionId, imageIdOf, keyOf, type ImageVersionId } from "../../resource-id.js";
import { putImageVersion, type PutImageVersion } from "./put.js";
import { errorsIn } from "./command.js";
import { chooseSets } from "./encryption-rule.js";
import { knownNumbers } from "../queries/known-numbers.js";
import { planImageVersion } from "./plan.js";
import { saidByBody, type Said } from "./request.js";
import type { Dependencies } from "../ports.js";
import { errorsAmong } from "../preflight/judge.js";
import { CHANGE_RULES, checkRequest } from "../rules/rules.js";
import type { RuleFinding } from "../rules/rule.js";
import { highestVersionNumber, nextVersionNumber, type Increment } from "../version-numbers.js";

/** A request whose shape has been validated against the OpenAPI document. */
export interface CreateNextImageVersion extends Omit<
  PutImageVersion,
  "id" | "removeRegions" | "pasted" | "ifMatch" | "ifNoneMatch" | "isNew"
> {
  /** The image definition that the version is made of. */
  readonly image: Omit<ImageVersionId, "versionName">;
  readonly increment: Increment;
}

/** How many numbers are tried that turn out to be taken. */
const NUMBER_TRIES = 10;

const TAKEN: readonly ErrorCode[] = [
  "ImageVersionConflict",
  "ImageVersionGone",
  "ImageVersionSoftDeleted",
];

/** What these find is found of the number, not of the request: another number is free of it. */
const NUMBER_RULES: ReadonlySet<string> = new Set([
  "already-requested",
  "conflicts-with-running-operation",
  "version-exists",
  "version-exists-otherwise",
  "version-number-free",
  ...CHANGE_RULES.map(({ name }) => name),
]);

/**
 * Answers the operation that makes the version; its resource id has the number. Throws ServiceError InvalidRequest or
 * PreflightFailed as putImageVersion does, NotFound where there is no such image definition, ImageVersionConflict
 * where no number is left, IdempotencyKeyReused when the key belongs to another request.
 */
export async function createNextImageVersion(
  deps: Dependencies,
  command: CreateNextImageVersion,
): Promise<OperationRecord> {
  const anyVersion = { ...command.image, versionName: "" };
  const said = saidByBody(deps, { ...command, id: anyVersion });
  const { fingerprint } = said;
  const imageId = imageIdOf(anyVersion);
  const { increment } = command;
  // The operation is that of the number, which is bound to the key where numbers are given. Without one, a request is like no other.
  const claimed = await claimKey(deps, command, keyOf(imageId), `${fingerprint}-${increment}`);
  const { requestKey = randomUUID() } = claimed;
  let { bound: number } =
    claimed.requestKey === undefined ? {} : await deps.versionNumbers.read(imageId, requestKey);
  const first = number === undefined ? await mustPass(deps, command, imageId, said) : undefined;
  number ??= await deps.versionNumbers.allocate(imageId, {
    requestKey,
    above: first,
    increment,
  });

  for (let tries = 0; tries < NUMBER_TRIES; tries += 1) {
    const operation = await acceptAs(deps, command, number, fingerprint);
    if (operation !== undefined) return operation;
    const { highest } = await knownNumbers(deps, imageId);
    number = await deps.versionNumbers.allocate(imageId, {
      requestKey,
      above: highestVersionNumber([highest, number]),
      increment,
      instead: number,
    });
  }
  throw busy();
}

/** Throws when a rule stops the request; answers the highest number there is, if any. */
async function mustPass(
  deps: Dependencies,
  command: CreateNextImageVersion,
  imageId: string,
  said: Said,
): Promise<string | undefined> {
  const { image, increment, plan } = command;
  let taken: string | undefined;
  for (let tries = 0; tries < NUMBER_TRIES; tries += 1) {
    const known = await knownNumbers(deps, imageId);
    const highest = highestVersionNumber([known.highest, taken]);
    const versionName = nextVersionNumber(highest, increment);
    const id = { ...image, versionName };
    const findings = await findingsOf(deps, command, id, said);
    if (findings.some(({ rule }) => NUMBER_RULES.has(rule))) {
      // Somebody has taken the number since it was looked for.
      taken = versionName;
      continue;
    }
    const errors = errorsAmong(findings);
    if (errors.length > 0)
      throw new ServiceError(
        plan === undefined ? "InvalidRequest" : "PreflightFailed",
        `The ${plan === undefined ? "request has" : "plan found"} ${errorsIn(errors)}; each is listed under errors. No number was taken.`,
        { findings },
      );
    if (known.defined) return highest;
    throw new ServiceError(
      "NotFound",
      `There is no image definition ${imageId}. Correct the URL, or create it: az sig image-definition create.`,
    );
  }
  throw busy();
}

async function findingsOf(
  deps: Dependencies,
  { plan, body }: CreateNextImageVersion,
  id: ImageVersionId,
  { given, rule }: Said,
): Promise<readonly RuleFinding[]> {
  if (plan !== undefined) return (await planImageVersion(deps, { id, body }, "act")).findings;
  const { request, findings } = await chooseSets(deps, id, given, rule);
  return [...findings, ...checkRequest({ id, request, now: deps.now() })];
}

/** The operation of the request under that number, or undefined where the number is taken. */
async function acceptAs(
  deps: Dependencies,
  { image, increment: _, idempotencyKey, plan: __, ...rest }: CreateNextImageVersion,
  number: string,
  fingerprint: string,
): Promise<OperationRecord | undefined> {
  const id = { ...image, versionName: number };
  const key = keyOf(formatImageVersionId(id));
  const stored = await deps.store.read(key);
  if (stored === undefined) {
    try {
      const answer = await putImageVersion(deps, { ...rest, id, isNew: true });
      return answer.kind === "accepted" ? answer.operation : undefined;
    } catch (error) {
      // A new version has nothing to conflict with.
      if (error instanceof ServiceError && TAKEN.includes(error.code)) return undefined;
      throw error;
    }
  }
  // Of whoever sends no key nothing can have been accepted before.
  if (idempotencyKey === undefined) return undefined;
  // Not what the version has become since: the operation that the first request got.
  const operation = (
    await deps.store.readOperation(operationIdOf({ key, sequence: firstSequenceOf(stored.record) }))
  )?.operation;
  if (operation?.fingerprint !== fingerprint) return undefined;
  await deliver(deps, stored);
  return operation;
}

function busy(): ServiceError {
  return new ServiceError(
    "StateConflict",
    "Other requests took every number that Sigil tried. Send the request again.",
    { retryAfterMs: 1_000 },
  );
}
