/**
 * The restore of a version that was deleted where the gallery has soft delete. Azure gives it back as it was: a restore says
 * no more than which. Pure. Invariants:
 *  1. It is sent only where this step's look shows no version and this step's list of deleted ones has it, and not while one
 *     that was sent before may be under way: it never meets a version that is there.
 *  2. The version is restored once a look shows it and the list has it no more, whoever has restored it.
 *  3. What neither shows, time after time, is deleted for good.
 *  4. Canceled, it is not sent again, and ends once it is known whether Azure carries out what was sent: Succeeded if it has.
 *  5. Once restored it is followed as any version is. What Sigil knew of it is known again, if it is the same life; what others had
 *     changed of it before they deleted it is told.
 */
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { advance, event } from "../../operation/advance.js";
import { cancellation } from "../../operation/canceling.js";
import { fail } from "../../operation/failing.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationFailure, Requester } from "../../operation/records.js";
import { pollDelayMs, wait } from "../../operation/waiting.js";
import { canonicalRegion } from "../../resource-id.js";
import type { Proven } from "../preflight/judge.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import { fieldsOf } from "../properties/fields.js";
import type { DeletedImageVersion, Look } from "../resources.js";
import { heldRow, unseen } from "./accepting.js";
import { BEHIND, isBehind, isSameLife } from "./adoption.js";
import { isRecent } from "./attempts.js";
import { drift, outsideEvents } from "./outside.js";
import { beginPacing } from "./pace.js";
import type {
  Attempt,
  ImageVersionPair,
  ImageVersionRecord,
} from "./record.js";
import { ruleOf } from "./wanted.js";

/** How often a version is shown neither by GET nor by the list, before it is taken for gone. */
const NOT_FOUND_BEFORE_GONE = 10;

/** How often what Azure has accepted, and has not done, is sent again. */
const MOST_REWRITES = 2;

/** What one step has read. */
export interface Seen {
  readonly look: Look | undefined;
  readonly deleted: DeletedImageVersion | undefined;
}

export type RestoreDecision =
  | { readonly kind: "send"; readonly location: string }
  | { readonly kind: "wait"; readonly why: string; readonly missing: boolean }
  | { readonly kind: "restored"; readonly look: Look }
  | { readonly kind: "failed"; readonly failure: OperationFailure };

/** What comes next of a restore. */
export function decideRestore(
  record: ImageVersionRecord,
  { look, deleted }: Seen,
  context: Pick<TransitionContext, "now" | "pace">,
): RestoreDecision {
  const { state, rewrites, consecutiveNotFound } = record;
  const sent = state === "Restoring" ? record.lastAttempt : undefined;
  if (look !== undefined) {
    if (look.provisioningState === "Deleting")
      return waits("Azure is deleting the version.");
    if (deleted !== undefined)
      return waits(
        "Azure shows the version, and lists it as deleted: one of both is behind.",
      );
    // Of before its deletion, where nothing has been sent that could have brought it back.
    return state === "RestoreRequested" && isBehind(record, look)
      ? waits(BEHIND)
      : { kind: "restored", look }; // Invariant 2.
  }
  const isCanceled = canceledBy(record) !== undefined;
  const unclear = sent && whileUnclear(sent, isCanceled, context);
  if (unclear !== undefined) return waits(unclear); // Invariant 1.
  if (deleted !== undefined) {
    if (isCanceled) return { kind: "failed", failure: NOT_RESTORED };
    return sent?.outcome === "accepted" && rewrites >= MOST_REWRITES
      ? { kind: "failed", failure: IGNORED }
      : { kind: "send", location: deleted.location };
  }
  return consecutiveNotFound + 1 < NOT_FOUND_BEFORE_GONE
    ? {
        ...waits(
          "Azure does not show the version, and does not list it as deleted.",
        ),
        missing: true,
      }
    : { kind: "failed", failure: GONE }; // Invariant 3.
}

function waits(why: string): Extract<RestoreDecision, { kind: "wait" }> {
  return { kind: "wait", why, missing: false };
}

/** Why it cannot be told yet what became of what was sent. */
function whileUnclear(
  sent: Attempt,
  isCanceled: boolean,
  context: Pick<TransitionContext, "now" | "pace">,
): string | undefined {
  // Invariant 4: it is followed for as long as looks may be behind.
  const last = isCanceled ? { ...sent, outcome: "accepted" as const } : sent;
  if (!isRecent(last, context)) return undefined;
  return sent.outcome === "unknown"
    ? "The outcome of the restore request is unknown."
    : "Azure Resource Manager has accepted the restore request, but does not show the version yet.";
}

const IGNORED: OperationFailure = {
  code: "OverriddenByAzure",
  message: `Azure has accepted the restore request ${MOST_REWRITES + 1} times, and still lists the version as deleted. Restore it in the Azure portal, or ask Microsoft.`,
  errors: [],
};

const NOT_RESTORED: OperationFailure = {
  code: "NotRestored",
  message:
    "Azure has not restored the version, and lists it among those that can be restored.",
  errors: [],
};

const GONE: OperationFailure = {
  code: "ImageVersionGone",
  message:
    "Azure has the version no longer, nor can it restore it: it was deleted for good. To create it again, send its PUT with the header If-None-Match: *.",
  errors: [],
};

/** The request may be sent once this is stored, by whoever stored it. */
export function beginRestore(
  pair: ImageVersionPair,
  proven: Proven | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const { operation } = pair;
  const { armOperationUrl: _, ...record } = pair.record;
  const again = record.state === "Restoring";
  const warnings = [
    ...(operation.warnings ?? []),
    ...(proven?.operation.warnings ?? []),
  ];
  return advance({ ...pair, record }, context, {
    patch: {
      state: "Restoring",
      ...proven?.record,
      lastAttempt: {
        changes: {},
        regions: [],
        sentTime: context.now.toISOString(),
        outcome: "unknown",
        sentFor: [operation.id],
      },
      rewrites:
        record.rewrites +
        (again && record.lastAttempt?.outcome === "accepted" ? 1 : 0),
      consecutiveNotFound: 0,
      ticks: again ? record.ticks + 1 : 0,
    },
    ...(warnings.length > 0 && { operation: { warnings } }),
    ...(again
      ? {
          waits:
            "Azure Resource Manager does not restore the version: the restore request is sent again.",
        }
      : {
          message: "The restore request is sent to Azure Resource Manager.",
        }),
    waitMs: context.pace.putTimeoutMs * 2,
    effects: again
      ? []
      : [
          event(
            operation,
            context,
            IMAGE_VERSION_EVENT.restoring,
            "restoring",
            {},
          ),
        ],
  });
}

/** ARM has taken the request. */
export function restoreTaken(
  pair: ImageVersionPair,
  armOperationUrl: string | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const { lastAttempt } = pair.record;
  return advance(pair, context, {
    patch: {
      ...(lastAttempt && {
        lastAttempt: {
          ...lastAttempt,
          outcome: "accepted",
          acceptedTime: context.now.toISOString(),
        },
      }),
      ...(armOperationUrl !== undefined && { armOperationUrl }),
    },
    waits: "Azure Resource Manager has accepted the restore request.",
    waitMs: context.pace.pollInitialMs,
  });
}

/** ARM has refused the request: none is under way. */
export function restoreRefused(pair: ImageVersionPair): ImageVersionPair {
  const { lastAttempt: _, ...record } = pair.record;
  return { ...pair, record };
}

/** Nothing is to be sent now. */
export function awaitRestore(
  pair: ImageVersionPair,
  { why, missing }: Extract<RestoreDecision, { kind: "wait" }>,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const { ticks } = record;
  return missing
    ? wait(
        {
          ...pair,
          record: {
            ...record,
            consecutiveNotFound: record.consecutiveNotFound + 1,
          },
        },
        why,
        0,
        context,
      )
    : advance(pair, context, {
        patch: { ticks: ticks + 1, consecutiveNotFound: 0 },
        waits: why,
        waitMs: pollDelayMs(ticks, context.pace),
      });
}

/** It comes to nothing. Invariant 4. */
export function notRestored(
  pair: ImageVersionPair,
  failure: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  const by = canceledBy(pair.record);
  return by === undefined
    ? fail(pair, failure, context)
    : advance(pair, context, {
        patch: { state: "Canceled" },
        ending: (operation) =>
          cancellation(operation, failure.message, by, context),
      });
}

function canceledBy({
  requests,
}: Pick<ImageVersionRecord, "requests">): Requester | undefined {
  const [decided] = Object.values(requests).map((request) => request.decided);
  return decided?.kind === "canceled" ? decided.by : undefined;
}

/** Invariants 4 and 5. */
export function restored(
  pair: ImageVersionPair,
  look: Look,
  context: TransitionContext,
): ImageVersionPair {
  const {
    deletedLife,
    lifeBefore: _,
    lastAttempt,
    doubt: __,
    ...record
  } = pair.record;
  const wasSent = record.state === "Restoring";
  const known = givenBack(deletedLife, look);
  const { publishedDate } = look;
  const changes =
    isSameLife(deletedLife, publishedDate) && deletedLife.byOthers === true
      ? drift(fieldsOf(deletedLife.resource), fieldsOf(look.resource))
      : [];
  const time = context.now.toISOString();
  const regions = targetRegionsOf(look.resource).map(({ name }) => ({
    ...unseen(canonicalRegion(name)),
    attempts: 1,
    lastProgressTime: time,
  }));
  return advance(
    {
      record: {
        ...record,
        ...known,
        ...(wasSent &&
          lastAttempt && { lastAttempt: { ...lastAttempt, outcome: "shown" } }),
        observed: look,
        ...(publishedDate !== undefined && { publishedDate }),
        regions,
        requests: Object.fromEntries(
          Object.entries(record.requests).map(
            ([id, { decided: ____, ...request }]) => [id, request],
          ),
        ),
      },
      operation: { ...pair.operation, regions },
    },
    context,
    {
      patch: {
        state: "Replicating",
        exists: true,
        restoredTime: time,
        ticks: 0,
        rewrites: 0,
        consecutiveNotFound: 0,
        pacing: beginPacing(undefined, context),
      },
      message: `Azure shows the version again${wasSent ? "" : ", restored by others"}; its regions are followed.`,
      waitMs: 0,
      effects: [
        ...heldRow(record.resourceId, ruleOf(known.lastApplied)),
        event(
          pair.operation,
          context,
          IMAGE_VERSION_EVENT.restored,
          "restored",
          { regions: regions.map(({ name }) => name) },
        ),
        ...outsideEvents(pair, { changes }, look, context),
      ],
    },
  );
}

/** What Sigil knew of the version, if this is the life of which it knew that: else it is one that others have made. */
function givenBack(
  life: ImageVersionRecord["deletedLife"],
  { publishedDate }: Look,
): Partial<ImageVersionRecord> {
  if (!isSameLife(life, publishedDate)) return { unmanaged: true };
  const { lastApplied, overriddenRule, unmanaged, excludedByCancel } = life;
  return {
    ...(lastApplied && { lastApplied }),
    ...(overriddenRule && { overriddenRule }),
    ...(unmanaged && { unmanaged }),
    ...(excludedByCancel && { excludedByCancel }),
  };
}
