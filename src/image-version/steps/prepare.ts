/**
 * What a step proves before it writes: who asks may still ask it, nobody needs what is taken away, and every rule passes. Invariants:
 *  1. What a machine has begun is asked again right before it is sent.
 */
import { contextOf, commitStep } from "../../operation/steps.js";
import { advance } from "../../operation/advance.js";
import type { Finding } from "../../errors.js";
import { operationIn, type OperationFailure } from "../../operation/records.js";
import {
  formatImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import type { Facts } from "../rules/facts.js";
import { brokenIn, brokenKeys } from "../preflight/keys.js";
import {
  latestFindings,
  lostAtLast,
  wouldLoseLatest,
} from "../preflight/latest.js";
import { latestIn } from "../latest/flags.js";
import {
  latestOnceRestored,
  mustNotBeKeptOut,
  mustStillBeUnopposed,
} from "../preflight/objections.js";
import { mustNotBeNeeded } from "../preflight/use.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { removedBy } from "../properties/fields.js";
import { beginCancel } from "../state/cancel.js";
import { fails } from "../state/decided.js";
import type { DeletionDecision } from "../state/deletion.js";
import type { RestoreDecision } from "../state/restoring.js";
import { inWindow } from "../state/fold.js";
import type { Put } from "../state/reconcile.js";
import type { withoutRepairs } from "../state/repairs.js";
import type {
  Proven,
  ImageVersionPair,
  ImageVersionRecord,
} from "../state/record.js";
import { mustStillBeDeleted } from "./delete.js";
import { postponeOrEnd } from "./postpone.js";
import { needsProof, proofOf, prove } from "./prove.js";
import { refusedRepairs } from "./prove-repairs.js";
import { latestRegions } from "../queries/use.js";

/** What a step has proven before it decides. */
export interface Prepared {
  /** The requests that were judged: the write has no other. */
  readonly ids?: readonly string[];
  /** The deletion or restore that was judged. */
  readonly judged?: string;
  readonly proven?: Proven;
  /** Regions that they leave without a latest, as they may. */
  readonly named?: readonly Finding[];
  /** Canonical regions whose repairs were judged, and those that are not to be begun. */
  readonly repairs?: readonly string[];
  readonly refused?: Parameters<typeof withoutRepairs>[1];
}

type Delete = Extract<DeletionDecision, { kind: "delete" }>;
type Restore = Extract<RestoreDecision, { kind: "restore" }>;

/** Something is to be sent. */
export type Writing = Put | Delete | Restore;

/** What is still to be proven before it is sent; undefined: nothing. */
export async function preparedFor(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  record: ImageVersionRecord,
  next: Writing,
  prepared: Prepared,
  looked: Facts["imageVersion"] | undefined,
): Promise<Prepared | "ended" | undefined> {
  if (isJudged(next, prepared)) return undefined;
  try {
    const judged =
      next.kind === "put"
        ? await judgedPut(deps, id, record, next, looked)
        : next.kind === "delete"
          ? await judgedDelete(deps, id, record, next)
          : await judgedRestore(deps, id, record, next);
    if (typeof judged === "object") return judged;
    await commitStep(deps, stored, judged);
  } catch (error) {
    await postponeOrEnd(deps, stored, error, {
      end: (pair, failure, context) =>
        next.kind === "put"
          ? notProven(pair, next, failure, deps)
          : fails(pair, [next.id], failure, context),
    });
  }
  return "ended";
}

function isJudged(
  next: Writing,
  { ids, judged, repairs = [] }: Prepared,
): boolean {
  return next.kind === "put"
    ? ids !== undefined &&
        Object.keys(next.takesAway).every((name) => repairs.includes(name))
    : next.id === judged;
}

async function judgedDelete(
  deps: Dependencies,
  id: ImageVersionId,
  { status }: ImageVersionRecord,
  next: Delete,
): Promise<Prepared> {
  const named = status && (await mustStillBeDeleted(deps, id, next, status));
  return { judged: next.id, ...(named && { named }) };
}

/** Of the body that the request has, which is what Azure showed of the version last. Without one nothing is proven. */
async function judgedRestore(
  deps: Dependencies,
  id: ImageVersionId,
  { requests }: ImageVersionRecord,
  next: Restore,
): Promise<Judged> {
  const { body } = requests[next.id] ?? {};
  await mustNotBeKeptOut(deps, id, latestOnceRestored(body));
  if (body === undefined) return { judged: next.id };
  const document = canonicalForm(body);
  const proof = await proofOf(deps, id, document, {
    // It may be gone: Azure has its copies.
    sources: false,
    would: "restored",
    change: { observed: document, patch: {} },
  });
  return "proven" in proof
    ? { judged: next.id, proven: proof.proven }
    : (pair) => fails(pair, [next.id], proof.failure, contextOf(deps));
}

type Judged = Prepared | ((pair: ImageVersionPair) => ImageVersionPair);

/** Or what becomes of those that are not to be sent. */
async function judgedPut(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  put: Put,
  looked: Facts["imageVersion"] | undefined,
): Promise<Judged> {
  const why = await whyNotByMachine(deps, id, record, put);
  if (why !== undefined)
    return (pair) => withoutMachine(pair, why.operationId, why.message, deps);
  await mustStillBeUnopposed(deps, id, record, put);
  await mustNotBeNeededThere(deps, id, record, put);
  const named = await mustKeepLatestThere(deps, id, record, put);
  const repairs = Object.keys(put.takesAway);
  const refused = record.status
    ? await refusedRepairs(deps, record, id, record.status, repairs)
    : {};
  const judged = { ids: put.sentFor, repairs, refused, named };
  if (!needsProof(record, put)) return judged;
  const proof = await prove(deps, id, record, put, looked);
  return "proven" in proof
    ? { ...judged, proven: proof.proven }
    : (pair) => notProven(pair, put, proof.failure, deps);
}

/** The one at fault fails, and the others do not: several are judged again one by one. */
function notProven(
  pair: ImageVersionPair,
  { sentFor }: Put,
  failure: OperationFailure,
  deps: Dependencies,
): ImageVersionPair {
  const context = contextOf(deps);
  const [only, ...others] = sentFor;
  if (only === undefined)
    return advance(pair, context, { patch: {}, waitMs: deps.pace.pollMaxMs });
  // Invariant 1.
  if (others.length === 0 && pair.record.requests[only]?.machine === true)
    return withoutMachine(pair, only, failure.message, deps);
  return others.length > 0
    ? advance(pair, context, {
        patch: { window: 1 },
        message: `What several operations ask together does not pass the checks; each is now judged alone. ${failure.message}`,
        concerns: sentFor,
        waitMs: 0,
      })
    : fails(pair, [only], failure, context);
}

/** Invariant 1. */
async function whyNotByMachine(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  { sentFor }: Put,
): Promise<
  { readonly operationId: string; readonly message: string } | undefined
> {
  for (const [operationId, { machine, release, deletion }] of inWindow(
    record,
  )) {
    if (
      machine !== true ||
      deletion !== undefined ||
      release === undefined ||
      !sentFor.includes(operationId)
    )
      continue;
    const { status } = record;
    if (status !== undefined && release.kind === "include") {
      const broken = await brokenKeys(deps, id, status, record, true);
      if (broken.length > 0)
        return {
          operationId,
          message: `Its keys are at risk: ${brokenIn(broken)}`,
        };
    }
    const [objection] = await deps.objections(id, {
      kind: "obeyRule",
      record,
      change: release,
    });
    if (objection) return { operationId, message: objection.message };
  }
  return undefined;
}

function withoutMachine(
  pair: ImageVersionPair,
  operationId: string,
  why: string,
  deps: Dependencies,
): ImageVersionPair {
  const operation = operationIn(pair, operationId);
  return operation === undefined
    ? pair
    : (beginCancel(
        pair,
        operationId,
        operation.requestedBy,
        contextOf(deps),
        why,
      ) ?? pair);
}

/** Who has come to need the version in a region since its removal was accepted is asked for right before that is sent. */
async function mustNotBeNeededThere(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  { sentFor, changes }: Put,
): Promise<void> {
  const asked = inWindow(record).flatMap(([one, { guarded, patch }]) =>
    guarded === true && sentFor.includes(one) ? removedBy(patch) : [],
  );
  const regions = removedBy(changes).filter((name) => asked.includes(name));
  if (regions.length === 0) return;
  await mustNotBeNeeded(deps, {
    id,
    latestIn: await latestRegions(deps, id),
    regions,
    pointer: "/query/removeRegions",
    confirms: true,
  });
}

/** No region loses its latest by what was accepted, or has failed, since it was asked first. A cancel names, and does. */
async function mustKeepLatestThere(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  { sentFor, body }: Put,
): Promise<readonly Finding[]> {
  const { status } = record;
  const asking = inWindow(record).filter(
    ([one, { decided }]) => sentFor.includes(one) && decided === undefined,
  );
  // A promotion takes away nothing that was released.
  if (
    status === undefined ||
    asking.every(([, { release }]) => release?.kind === "include")
  )
    return [];
  const [before, after] = [status.resource, body].map(latestIn);
  const allowNoLatest = asking.every(([, one]) => one.allowNoLatest === true);
  const taking = { id, before: before ?? [], after: after ?? [] };
  const lost = (await lostAtLast(deps, taking, { allowNoLatest })) ?? [];
  if (lost.length > 0 && !allowNoLatest)
    throw wouldLoseLatest(formatImageVersionId(id), lost);
  return latestFindings(lost, true);
}
