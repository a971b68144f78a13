/**
 * Accepts a request for a new version of an image definition, under the next number. Invariants:
 *  1. A number is given to one request and never to another, on whichever hosts they arrive.
 *  2. A refused request takes no number: everything that can be judged is judged first.
 *  3. The write that gives a number binds it to its request, so the same Idempotency-Key leads to
 *     the same number, whichever process dies when.
 *
 * If a request dies before it is accepted, and is not sent again with its key, its number stays
 * unused. Given to a second request, it could be accepted for both, and if their bodies are equal
 * nobody would notice.
 */
import { randomUUID } from "node:crypto";
import { ServiceError, type ErrorCode } from "../../errors.js";
import { omit } from "../../objects.js";
import { claimKey } from "../../operation/idempotency.js";
import { deliver } from "../../operation/outbox.js";
import { operationIdOf, type OperationRecord } from "../../operation/records.js";
import { firstSequenceOf } from "../../operation/sequence.js";
import { formatImageVersionId, imageIdOf, keyOf, type ImageVersionId } from "../../resource-id.js";
import { chooseSnapshots, findingOfCaller } from "../capture/choose.js";
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
import { highestVersionNumber, nextVersionNumber, type Increment } from "../../version-numbers.js";

/** A request whose shape has been validated against the OpenAPI document. */
export interface CreateNextImageVersion extends Omit<
  PutImageVersion,
  "id" | "removeRegions" | "pasted" | "ifMatch" | "ifNoneMatch" | "isNew"
> {
  /** The image definition of the new version. */
  readonly image: Omit<ImageVersionId, "versionName">;
  readonly increment: Increment;
}

/** How many taken numbers are tried. */
const NUMBER_TRIES = 10;

const TAKEN: readonly ErrorCode[] = [
  "ImageVersionConflict",
  "ImageVersionGone",
  "ImageVersionSoftDeleted",
];

/** Findings about the number, not about the request: another number avoids them. */
const NUMBER_RULES: ReadonlySet<string> = new Set([
  "already-requested",
  "conflicts-with-running-operation",
  "version-exists",
  "version-exists-otherwise",
  "version-number-free",
  ...CHANGE_RULES.map(({ name }) => name),
]);

/**
 * Returns the operation that creates the version; its resource id has the number. Throws
 * ServiceError InvalidRequest or PreflightFailed as putImageVersion does, NotFound if there is no
 * such image definition, ImageVersionConflict if no number is left, IdempotencyKeyReused if the key
 * belongs to another request.
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
  // The key is bound to the number where numbers are given, and the number leads to the operation.
  // Without a key, every request is a new one.
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

/** Throws if a rule stops the request; returns the highest existing number, if any. */
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
      // Another request took the number meanwhile.
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
  { given, rule, captures = false }: Said,
): Promise<readonly RuleFinding[]> {
  if (plan !== undefined) return (await planImageVersion(deps, { id, body }, "act")).findings;
  const captured = await chooseSnapshots(deps, id, given, captures);
  const { request, findings } = await chooseSets(deps, id, captured.request, rule);
  return [
    ...captured.findings,
    ...findings,
    ...checkRequest({ id, request, now: deps.now() }).map((finding) =>
      findingOfCaller(finding, captured.capture),
    ),
  ];
}

/** The request's operation under that number; undefined if the number is taken. */
async function acceptAs(
  deps: Dependencies,
  command: CreateNextImageVersion,
  number: string,
  fingerprint: string,
): Promise<OperationRecord | undefined> {
  const { image, idempotencyKey, ...rest } = omit(command, "increment", "plan");
  const id = { ...image, versionName: number };
  const key = keyOf(formatImageVersionId(id));
  const stored = await deps.store.read(key);
  if (stored === undefined) {
    try {
      const answer = await putImageVersion(deps, { ...rest, id, isNew: true });
      return answer.kind === "accepted" ? answer.operation : undefined;
    } catch (error) {
      // A new version cannot conflict, so the number is taken.
      if (error instanceof ServiceError && TAKEN.includes(error.code)) return undefined;
      throw error;
    }
  }
  // Without a key, nothing can have been accepted before.
  if (idempotencyKey === undefined) return undefined;
  // The operation that the first request got, whatever happened to the version since.
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
