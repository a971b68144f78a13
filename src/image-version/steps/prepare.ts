/**
 * Checks before a write that the requester may still request it, that nobody needs what it removes,
 * and that every rule passes. Invariants:
 *  1. The checks for requests of automation run again right before they are sent.
 */
import type { TransitionContext } from "../../operation/ports.js";
import type { Finding } from "../../errors.js";
import { operationIn, type OperationFailure } from "../../operation/records.js";
import type { ImageVersionId } from "../../resource-id.js";
import { captureFor, withSnapshotsMade } from "../capture/make.js";
import type { Dependencies, Objection, StoredVersion } from "../ports.js";
import type { Gathered } from "../rules/gathered.js";
import { latestFindings, lostAtLast } from "../preflight/latest.js";
import { latestIn } from "../latest/flags.js";
import {
  mayBeRestored,
  mustBeUnopposed,
  mustStillBeUnopposed,
  objectionsToCreation,
} from "../preflight/objections.js";
import { mustNotBeNeeded } from "../preflight/use.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { addedBy, removedBy } from "../properties/fields.js";
import { decideCancel } from "../state/cancel.js";
import { fails } from "../state/ending.js";
import type { DeletionDecision } from "../state/deletion.js";
import { nothing, type Outcome } from "../state/happened.js";
import type { RestoreDecision } from "../state/restoring.js";
import { inWindow } from "../state/fold.js";
import type { Look, SoftDeleteRecord } from "../resources.js";
import type { Put } from "../state/reconcile.js";
import { withProof } from "../state/proven.js";
import type { withoutRepairs } from "../state/repairs.js";
import type { ProofKept, ImageVersionPair, ImageVersionRecord } from "../state/record.js";
import { latestSparing, type Spared } from "../state/sparing.js";
import { splitUp } from "../state/write.js";
import { mustStillBeDeleted } from "./delete.js";
import { postponeOrEnd } from "./postpone.js";
import { proofOf, prove } from "./prove.js";
import { refusedRepairs } from "./prove-repairs.js";
import { sparedByCancel } from "./spare.js";
import { latestRegions } from "../queries/use.js";
import { readUsualTimes } from "../queries/usual-times.js";
import type { UsualTimes } from "../state/usual.js";

/** What a step has proven before it writes. */
export interface Proof {
  /** The judged requests; the write carries no others. */
  readonly ids?: readonly string[];
  /** What was proven: "put", or the operation that deletes or restores. */
  readonly proves?: string;
  /** Its warnings include regions that are left without a latest version, as allowed. */
  readonly kept?: Partial<ProofKept>;
  /** How an adopted version is encrypted. */
  readonly types?: Partial<ProofKept> | undefined;
  /** Canonical regions whose repairs were judged, and those not to begin. */
  readonly repairs?: readonly string[];
  readonly refused?: Parameters<typeof withoutRepairs>[1];
  /** Where canceled creations leave the version in latest. */
  readonly spared?: Spared;
  /** Objections to regions of a version that is created. It is created, and excluded there. */
  readonly held?: readonly Objection[];
  /** The usual time of the copies that it makes. */
  readonly usual?: UsualTimes | undefined;
  /** Until when a deletion can be undone. */
  readonly softDelete?: SoftDeleteRecord | undefined;
}

type Delete = Extract<DeletionDecision, { kind: "delete" }>;
type Restore = Extract<RestoreDecision, { kind: "restore" }>;

/** A decision that sends a request. */
export type Writing = Put | Delete | Restore;

/**
 * The checks before it is sent; undefined: it is not sent, because its operation has ended, or
 * comes again.
 */
export async function proofFor(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  record: ImageVersionRecord,
  next: Writing,
  looked: Gathered["imageVersion"] | undefined,
): Promise<Proof | undefined> {
  try {
    switch (next.kind) {
      case "put":
        return await judgedPut(deps, id, record, next, looked);
      case "delete":
        return await judgedDelete(deps, id, record, next);
      case "restore":
        return await judgedRestore(deps, id, record, next);
    }
  } catch (error) {
    await postponeOrEnd(deps, stored, error, (pair, failure, context) =>
      next.kind === "put"
        ? notProven(pair, next, failure, context)
        : fails(pair.record, [next.id], failure, context),
    );
    return undefined;
  }
}

async function judgedDelete(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  next: Delete,
): Promise<Proof> {
  const { status } = record;
  const warnings = status ? await mustStillBeDeleted(deps, id, next, record, status) : [];
  return { proves: next.id, kept: { warnings } };
}

/**
 * Checks the request's body, which is the last one that Azure showed. Without a body nothing is
 * checked.
 */
async function judgedRestore(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  next: Restore,
): Promise<Proof> {
  const { body } = record.requests[next.id] ?? {};
  await mayBeRestored(deps, id, record, body);
  if (body === undefined) return { proves: next.id };
  const document = canonicalForm(body);
  const kept = await proofOf(deps, id, document, {
    // The source may be gone, because Azure has its copies.
    sources: false,
    would: "restored",
    change: { observed: document, patch: {} },
  });
  return { proves: next.id, kept };
}

/** The operations that a put is sent for. */
type Asking = ReturnType<typeof inWindow>;

async function judgedPut(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  put: Put,
  looked: Gathered["imageVersion"] | undefined,
): Promise<Proof> {
  const { status } = record;
  const asking = inWindow(record).filter(([one]) => put.sentFor.includes(one));
  for (const [, { machine, release: change, deletion }] of asking)
    if (machine === true && deletion === undefined && change !== undefined)
      await mustBeUnopposed(deps, id, { kind: "obeyRule", record, change }); // Invariant 1.
  await mustStillBeUnopposed(deps, id, record, put);
  await mustNotBeNeededThere(deps, id, put, asking);
  const spared = await sparedByCancel(deps, id, record, put);
  const named = await mustKeepLatestThere(
    deps,
    id,
    status,
    asking,
    spared ? latestSparing(record, put.sentFor, spared.regions) : latestIn(put.body),
  );
  const repairs = Object.keys(put.removes);
  const refused = status ? await refusedRepairs(deps, record, id, status, repairs) : {};
  const usual = addedBy(put.changes).length > 0 ? await readUsualTimes(deps.index) : undefined;
  const capture = put.creates ? captureFor(asking, put.body) : undefined;
  const proves = (resources = deps.resources) =>
    prove({ ...deps, resources }, id, record, put, asking, looked);
  const proven = await (capture ? withSnapshotsMade(deps, capture, proves) : proves());
  const warnings = [...named, ...(proven?.warnings ?? [])];
  const after = withProof(record, [], proven ?? {}).record;
  return {
    ids: put.sentFor,
    proves: put.kind,
    held: await objectionsToCreation(deps, id, after, put),
    repairs,
    refused,
    usual,
    kept: { ...proven, warnings },
    ...(spared && { spared }),
  };
}

/** Judges several requests again one by one, so that only the one at fault fails. */
function notProven(
  pair: ImageVersionPair,
  { sentFor }: Put,
  failure: OperationFailure,
  context: TransitionContext,
): Outcome {
  const { record } = pair;
  const { message: why } = failure;
  const [only, ...others] = sentFor;
  if (only === undefined) return { ...nothing(record), waitMs: context.pace.pollMaxMs };
  if (others.length > 0)
    return splitUp(
      record,
      sentFor,
      `The update for several operations does not pass the checks. Sigil now checks each separately. ${why}`,
    );
  const operation = operationIn(pair, only);
  // Invariant 1: its caller decides again.
  return operation && record.requests[only]?.machine === true
    ? (decideCancel(record, only, operation.requestedBy, context, { why }) ?? nothing(record))
    : fails(record, [only], failure, context);
}

/**
 * Checks right before the removal of a region is sent that nobody began to need the version there.
 */
async function mustNotBeNeededThere(
  deps: Dependencies,
  id: ImageVersionId,
  { changes }: Put,
  asking: Asking,
): Promise<void> {
  const asked = asking.flatMap(([, { guarded, patch }]) =>
    guarded === true ? removedBy(patch) : [],
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

/**
 * Checks that no region loses its latest version because of what was accepted, or failed, since the
 * first check. `after`: where the version is in latest then.
 */
async function mustKeepLatestThere(
  deps: Dependencies,
  id: ImageVersionId,
  status: Look | undefined,
  asking: Asking,
  after: readonly string[],
): Promise<readonly Finding[]> {
  const open = asking.map(([, request]) => request).filter(({ ending }) => ending === undefined);
  // A promotion removes nothing from latest.
  if (status === undefined || open.every(({ release }) => release?.kind === "include")) return [];
  const allowNoLatest = open.every((one) => one.allowNoLatest === true);
  const taking = { id, before: latestIn(status.resource), after };
  const lost = await lostAtLast(deps, taking, { allowNoLatest });
  return latestFindings(lost ?? [], true);
}
