/**
 * A deletion of a version that somebody may use. Pure. Example, with the version in latest:
 *
 *   DeletionRequested ──▶ Accepted, Updating, Replicating   it is excluded from latest, as by a demotion
 *                     ──▶ DeletionRequested                 the delay is waited out, and it is asked who uses it
 *                     ──▶ Deleting                          nobody needs it
 *                         or Accepted …, Failed             somebody does: it is included again
 *
 * Invariants:
 *  1. The DELETE is not sent before the delay has passed since Azure has shown the version excluded from latest.
 *  2. Where the deletion comes to nothing, the version is in latest again as it was, and so is the rule that it had.
 */
import { advance } from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import { sequenceOf } from "../../operation/records.js";
import type { Patch } from "../properties/patch.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";
import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import { regionField, regionOf } from "../properties/fields.js";
import { isExcluded, isExcludedIn, type Look } from "../resources.js";
import { deletes, demotes } from "./queue.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
  QueuedRequest,
  VersionRequest,
} from "./record.js";
import { isFinal } from "./states.js";

/** The version's flag, and each region's own, which goes before it; null: it has none. */
function flagsIn(resource: ImageVersionRequest): Patch {
  return {
    [EXCLUDE_FROM_LATEST]: isExcluded(resource),
    ...Object.fromEntries(
      targetRegionsOf(resource).map(({ name, excludeFromLatest = null }) => [
        `${regionField(canonicalRegion(name))}/excludeFromLatest`,
        excludeFromLatest,
      ]),
    ),
  };
}

/** It is the latest nowhere. */
export function isExcludedEverywhere(resource: ImageVersionRequest): boolean {
  return (
    isExcluded(resource) &&
    targetRegionsOf(resource).every((region) => isExcludedIn(resource, region))
  );
}

/** When the DELETE may be sent; undefined: the version is to be excluded from latest first. */
export function dueTimeOf(
  { guard }: VersionRequest,
  delayMs: number,
): number | undefined {
  return guard?.excludedTime === undefined
    ? undefined
    : Date.parse(guard.excludedTime) + delayMs;
}

/** The version leaves latest, where it is in it; the next step of the deletion comes after that. */
export function excludeFirst(
  pair: ImageVersionPair,
  { operation: { id }, request: given }: QueuedRequest,
  look: Look,
  delayMs: number,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  // Others may have included it again since it was excluded.
  const { appliedTime: _, ...request } = given;
  const flags = flagsIn(look.resource);
  if (isExcludedEverywhere(look.resource))
    return waitForDelay(pair, id, request, delayMs, context);
  const { overriddenRule } = record;
  const excluding: VersionRequest = {
    ...request,
    changes: Object.fromEntries(
      Object.keys(flags).map((field) => [field, true]),
    ),
    alone: true,
    // Invariant 2: as it was at first.
    guard: request.guard?.was
      ? request.guard
      : { was: flags, ...(overriddenRule && { overriddenRule }) },
  };
  return advance(pair, context, {
    patch: {
      state: "Accepted",
      requests: { ...record.requests, [id]: excluding },
    },
    message: "Before it is deleted, it is excluded from latest.",
    waitMs: 0,
  });
}

/** Azure shows the version excluded for its deletion, which goes on; undefined where no deletion waits for that. */
export function excluded(
  pair: ImageVersionPair,
  delayMs: number,
  context: TransitionContext,
): ImageVersionPair | undefined {
  const { id } = pair.operation;
  const request = pair.record.requests[id];
  return request !== undefined && isGuarding(request) && request.appliedTime
    ? waitForDelay(pair, id, request, delayMs, context)
    : undefined;
}

/** Azure shows the version no more, before it was excluded: its deletion sees to that; undefined where there is none. */
export function goneBefore(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionPair | undefined {
  const { id } = pair.operation;
  const request = pair.record.requests[id];
  return request !== undefined && isGuarding(request)
    ? advance(pair, context, {
        patch: {
          state: "DeletionRequested",
          requests: {
            ...pair.record.requests,
            [id]: { ...request, changes: {} },
          },
        },
        message: "Azure shows the version no more: its deletion makes sure.",
        waitMs: 0,
      })
    : undefined;
}

/** It ends by no look: its DELETE is still to be sent. */
export function isGuarding({
  guard,
  decided,
}: Pick<VersionRequest, "guard" | "decided">): boolean {
  return guard !== undefined && decided === undefined;
}

/**
 * It is excluded from latest for its deletion alone, and is in it again where that comes to nothing. A demotion that is queued sees
 * to it that it is not.
 */
export function isExcludedForNow({
  state,
  requests,
  queued,
}: Pick<ImageVersionRecord, "state" | "requests" | "queued">): boolean {
  return (
    !isFinal(state) &&
    !queued.some(({ operation }) => demotes(operation)) &&
    Object.values(requests).some(
      ({ guard: { was } = {}, decided, changes }) =>
        was !== undefined &&
        wasIncluded(was) &&
        (decided === undefined ||
          state === "Deleting" ||
          Object.keys(changes).length > 0),
    )
  );
}

/** In some region, by its own flag or the version's. */
function wasIncluded({
  [EXCLUDE_FROM_LATEST]: version,
  ...own
}: Patch): boolean {
  const flags = Object.values(own);
  return flags.length === 0
    ? version === false
    : flags.some((flag) => (flag ?? version) === false);
}

/** Excluded from latest, it stays so until its deletion has ended, or is canceled and known to have come to nothing. */
export function isKeptExcluded({
  state,
  requests,
}: Pick<ImageVersionRecord, "state" | "requests">): boolean {
  return (
    !isFinal(state) &&
    Object.values(requests).some(
      ({ guard, decided }) =>
        guard?.excludedTime !== undefined &&
        (decided === undefined || state === "Deleting"),
    )
  );
}

/** The deletion that is to be done, or under way. `isJudged`: its policy keeps what a rollback leads to. */
export interface OpenDeletion {
  readonly operationId: string;
  readonly isJudged: boolean;
}

/** Undefined where there is none, or it was canceled before anything was sent. */
export function openDeletionOf(
  record: ImageVersionRecord,
): OpenDeletion | undefined {
  const { state, requests, queued } = record;
  if (isFinal(state)) return undefined;
  const waiting = queued.find(({ operation }) => deletes(operation));
  if (waiting !== undefined)
    return {
      operationId: waiting.operation.id,
      isJudged: waiting.request.byPolicy === true,
    };
  const isSent = state === "Deleting";
  const isBegun = isSent || state === "DeletionRequested";
  // What has begun beside it was accepted before it.
  const begun = Object.entries(requests)
    .sort(([a], [b]) => sequenceOf(b) - sequenceOf(a))
    .find(([, { guard }]) => isBegun || guard !== undefined);
  if (begun === undefined) return undefined;
  const [operationId, { decided, byPolicy }] = begun;
  return decided === undefined || isSent
    ? { operationId, isJudged: byPolicy === true && !isSent }
    : undefined;
}

function waitForDelay(
  pair: ImageVersionPair,
  id: string,
  request: VersionRequest,
  delayMs: number,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const excludedTime = context.now.toISOString();
  const waiting: VersionRequest = {
    ...request,
    changes: {},
    guard: { ...request.guard, excludedTime },
  };
  const due = new Date(context.now.getTime() + delayMs).toISOString();
  return advance(pair, context, {
    patch: {
      state: "DeletionRequested",
      requests: { ...record.requests, [id]: waiting },
    },
    message: `It is excluded from latest. At ${due} it is asked again who uses it; where nobody needs it, it is deleted.`,
    // What is queued may have its policy keep it: that is judged now.
    waitMs: request.byPolicy && record.queued.length > 0 ? 0 : delayMs,
  });
}

/**
 * Invariant 2: what is to be sent; undefined where nothing is. Where a request that is queued excludes the version, no region's own
 * flag includes it.
 */
export function includedAgain(
  { guard }: VersionRequest,
  { queued }: Pick<ImageVersionRecord, "queued">,
): Patch | undefined {
  const was = guard?.was;
  const isExcludedNext = queued.some(
    ({ request }) => request.changes[EXCLUDE_FROM_LATEST] === true,
  );
  return was === undefined || !isExcludedNext
    ? was
    : Object.fromEntries(
        Object.entries(was).filter(
          ([field, flag]) => regionOf(field) === undefined || flag !== false,
        ),
      );
}

/** Invariant 2: canonical regions that were in latest by a flag of their own. */
export function includedBefore({
  requests,
}: Pick<ImageVersionRecord, "requests">): readonly string[] {
  return Object.values(requests).flatMap(({ guard }) =>
    Object.entries(guard?.was ?? {}).flatMap(([field, flag]) =>
      flag === false ? (regionOf(field) ?? []) : [],
    ),
  );
}

/** Invariant 2: their flags, where the deletion has come to nothing and the version is excluded again: none would not include it. */
export function includedInWords({
  requests,
}: Pick<ImageVersionRecord, "requests">): readonly string[] {
  return Object.values(requests).flatMap(({ guard, decided, changes }) =>
    guard?.was?.[EXCLUDE_FROM_LATEST] === true && decided !== undefined
      ? Object.keys(changes).filter(
          (field) => regionOf(field) !== undefined && changes[field] === false,
        )
      : [],
  );
}

/** Invariant 2: the rule that was in force is again. */
export function withRuleAgain(
  record: ImageVersionRecord,
  { guard }: VersionRequest,
): ImageVersionRecord {
  if (guard?.was === undefined) return record;
  const { overriddenRule: _, ...kept } = record;
  const { overriddenRule } = guard;
  return { ...kept, ...(overriddenRule && { overriddenRule }) };
}
