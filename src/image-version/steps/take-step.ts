/**
 * One step of a version: look at Azure, decide, do. The same for creation, update, repair and promotion, in both queues.
 * Invariants:
 *  1. A PUT is sent only by whoever stored it as the record's `write`, decided by a fact of this very step: two of us, a repeated
 *     message or a crash in between never make ARM see two.
 *  2. Nothing is written that was not proven in this step, nor by a look that is older than 15 s.
 *  3. No error of a look ends an operation: ARM goes on working whether or not it can be seen.
 *  4. What a machine has begun is asked again right before it is sent.
 *  5. A region is taken away for its repair only where this step has proven that it can be added back, and that nobody needs it.
 */
import { ServiceError, type Finding } from "../../errors.js";
import {
  currentFor,
  commit,
  contextOf,
  commitStep,
  type StepMessage,
} from "../../operation/steps.js";
import { advance } from "../../operation/advance.js";
import { hasEnded } from "../../operation/kinds.js";
import { isStateConflict } from "../../operation/outbox.js";
import type { OperationFailure } from "../../operation/records.js";
import {
  formatImageVersionId,
  imageIdIn,
  imageIdOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import { takeRollbackStep } from "../rollback/take-rollback-step.js";
import type {
  Dependencies,
  StepDependencies,
  StoredVersion,
} from "../ports.js";
import { brokenIn, brokenKeys } from "../preflight/keys.js";
import type { Proven } from "../preflight/judge.js";
import {
  latestFindings,
  lostAtLast,
  wouldLoseLatest,
} from "../preflight/latest.js";
import { mustNotBeNeeded } from "../preflight/use.js";
import { latestIn } from "../latest/flags.js";
import { removedBy } from "../properties/fields.js";
import { beginCancel } from "../state/cancel.js";
import { deletionIn } from "../state/deletion.js";
import { endDecided } from "../state/ends.js";
import { follow } from "../state/follow.js";
import { inWindow } from "../state/fold.js";
import { asksForList } from "../state/observe.js";
import { reconcile, type Put } from "../state/reconcile.js";
import { withoutRepairs } from "../state/repairs.js";
import { see, type Seen } from "../state/see.js";
import { isFinal, isRestoring } from "../state/states.js";
import type { ImageVersionPair, ImageVersionRecord } from "../state/record.js";
import {
  answered,
  beginWrite,
  goingOn,
  provenBeside,
  withFindings,
  writeAccepted,
  writePostponed,
  writeRefused,
} from "../state/write.js";
import { takeDeletionStep } from "./delete.js";
import { isUnanswered, later, postponeOrEnd } from "./postpone.js";
import { needsProof, prove, typesOf } from "./prove.js";
import { refusedRepairs } from "./prove-repairs.js";
import { takeRestoreStep } from "./restore.js";
import { isListed, lookAt } from "../queries/look-at.js";
import { latestRegions } from "../queries/use.js";
import { isBusy, type Look } from "../resources.js";

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
export interface Reading {
  readonly look: Look | undefined;
  readonly isListed: boolean;
  /** Why ARM has given the version up, where it says so. */
  readonly reason:
    { readonly code: string; readonly message: string } | undefined;
}

/** Throws what the reads throw. */
export async function readingOf(
  deps: Dependencies,
  { record }: StoredVersion,
  id: ImageVersionId,
): Promise<Reading> {
  const look = await lookAt(deps, id);
  return {
    look,
    isListed: asksForList(record, look, contextOf(deps))
      ? await isListed(id, (image) =>
          deps.resourceManager.listImageVersions(image),
        )
      : false,
    reason: await reasonOf(deps, record, look),
  };
}

/** An explanation holds up no verdict. */
async function reasonOf(
  deps: Dependencies,
  { armOperationUrl }: ImageVersionRecord,
  look: Look | undefined,
): Promise<Reading["reason"]> {
  if (look?.provisioningState !== "Failed" || armOperationUrl === undefined)
    return undefined;
  try {
    return await deps.resourceManager.getOperationError(armOperationUrl);
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}

/** What a step has proven before it decides. */
interface Prepared {
  /** The requests that were judged: the write has no other. */
  readonly ids?: readonly string[];
  readonly proven?: Proven;
  /** Regions that they leave without a latest, as they may. */
  readonly named?: readonly Finding[];
  /** Canonical regions whose repairs were judged, and those that are not to be begun. */
  readonly repairs?: readonly string[];
  readonly refused?: Parameters<typeof withoutRepairs>[1];
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
  return (await preparedFor(deps, stored, id, record, put, {})) === "ended";
}

async function act(
  deps: StepDependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  reading: Reading,
  prepared: Prepared,
): Promise<void> {
  const { look } = reading;
  // Of one moment: no further repair falls due once it is proven. Invariant 5.
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
    );
    if (more === "ended") return;
    // Invariant 2.
    if (more !== undefined)
      return isTooOld(deps, look)
        ? lookAndAct(deps, stored, id, more)
        : act(deps, stored, id, reading, more);
    if (isTooOld(deps, look)) return lookAndAct(deps, stored, id, prepared);
  }
  const types =
    decision?.kind === "put" ? undefined : await typesOf(deps, id, pair.record);
  let put: Put | undefined;
  // Decided anew on what another has stored meanwhile: who was canceled asks nothing any more.
  const mine = await commitStep(deps, stored, (present) => {
    const looked = sees(present);
    const seen: Seen = {
      ...looked,
      pair: {
        ...looked.pair,
        record: {
          ...looked.pair.record,
          ...provenBeside(looked.pair.record, types),
        },
      },
    };
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
          withFindings(seen.pair, put.sentFor, prepared.named ?? []),
          put,
          prepared.proven,
          context,
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
  if (mine !== undefined && put !== undefined) await send(deps, mine, id, put);
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

/** What is still to be proven before the put is sent; undefined: nothing. */
async function preparedFor(
  deps: StepDependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  record: ImageVersionRecord,
  put: Put,
  prepared: Prepared,
): Promise<Prepared | "ended" | undefined> {
  const repairs = Object.keys(put.takesAway);
  if (
    prepared.ids !== undefined &&
    repairs.every((name) => prepared.repairs?.includes(name))
  )
    return undefined;
  try {
    const why = await whyNotByMachine(deps, id, record, put);
    if (why !== undefined) {
      await commitStep(deps, stored, (pair) =>
        withoutMachine(pair, why.operationId, why.message, deps),
      );
      return "ended";
    }
    await mustNotBeNeededThere(deps, id, record, put);
    const named = await mustKeepLatestThere(deps, id, record, put);
    const refused = record.status
      ? await refusedRepairs(deps, record, id, record.status, repairs)
      : {};
    const judged = { ids: put.sentFor, repairs, refused, named };
    if (!needsProof(record, put)) return judged;
    const proof = await prove(deps, id, record, put);
    if ("proven" in proof) return { ...judged, proven: proof.proven };
    await commitStep(deps, stored, (pair) =>
      notProven(pair, put, proof.failure, deps),
    );
    return "ended";
  } catch (error) {
    await postponeOrEnd(deps, stored, error, {
      end: (pair, failure) => notProven(pair, put, failure, deps),
    });
    return "ended";
  }
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
  // Invariant 4.
  if (others.length === 0 && pair.record.requests[only]?.machine === true)
    return withoutMachine(pair, only, failure.message, deps);
  return others.length > 0
    ? advance(pair, context, {
        patch: { window: 1 },
        message: `What several operations ask together does not pass the checks; each is now judged alone. ${failure.message}`,
        concerns: sentFor,
        waitMs: 0,
      })
    : goingOn(
        endDecided(pair, only, { kind: "failed", ...failure }, context),
        context,
      );
}

/** Invariant 4. */
async function whyNotByMachine(
  deps: StepDependencies,
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
    const message = await deps.notByRule(id, record, release);
    if (message !== undefined) return { operationId, message };
  }
  return undefined;
}

function withoutMachine(
  pair: ImageVersionPair,
  operationId: string,
  why: string,
  deps: Dependencies,
): ImageVersionPair {
  const operation = [pair.operation, ...pair.record.members].find(
    ({ id }) => id === operationId,
  );
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
  const guarded = inWindow(record).flatMap(([one, { guardsRegions, patch }]) =>
    guardsRegions === true && sentFor.includes(one) ? removedBy(patch) : [],
  );
  const regions = removedBy(changes).filter((name) => guarded.includes(name));
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

function isTooOld(
  deps: Pick<Dependencies, "now">,
  look: Look | undefined,
): boolean {
  return (
    look !== undefined &&
    deps.now().getTime() - Date.parse(look.time) > OLD_LOOK_MS
  );
}

async function send(
  deps: Dependencies,
  mine: StoredVersion,
  id: ImageVersionId,
  put: Put,
): Promise<void> {
  let armOperationUrl: string | undefined;
  try {
    armOperationUrl = await deps.resourceManager.putImageVersion(id, put.body);
  } catch (error) {
    return postponeOrEnd(deps, mine, error, {
      prepare: (pair) =>
        isUnanswered(error) || !isRetryable(error)
          ? pair
          : writePostponed(pair, contextOf(deps)),
      end: writeRefused,
    });
  }
  deps.looks.forget(id, imageIdOf(id));
  const noted = await commitStep(deps, mine, (pair) =>
    writeAccepted(pair, armOperationUrl, contextOf(deps)),
  );
  if (noted === undefined) await noteAccepted(deps, mine, armOperationUrl);
}

function isRetryable(error: unknown): boolean {
  return error instanceof ServiceError && error.retryAfterMs !== undefined;
}

/** Somebody has canceled, or asked for more, while the PUT was under way: that ARM has taken it is known all the same. */
async function noteAccepted(
  deps: Dependencies,
  { record: { key, write: sent } }: StoredVersion,
  armOperationUrl: string | undefined,
): Promise<void> {
  const stored = await deps.store.read(key);
  const { write } = stored?.record ?? {};
  if (
    stored === undefined ||
    write?.answer !== "none" ||
    write.sentTime !== sent?.sentTime
  )
    return;
  const record = answered(stored.record, armOperationUrl);
  try {
    await commit(deps, { record, operation: stored.operation }, stored);
  } catch (error) {
    // Whoever was faster has it from a look.
    if (!isStateConflict(error)) throw error;
  }
}
