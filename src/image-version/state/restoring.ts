/**
 * The restore of a version that was deleted where the gallery has soft delete. Azure gives it back as it was: a restore says
 * no more than which. Pure. Invariants:
 *  1. It is sent only where this step's look shows no version and this step's list of deleted ones has it, and not while one
 *     that was sent before may be under way: it never meets a version that is there.
 *  2. The version is restored once a look shows it and the list has it no more, whoever has restored it.
 *  3. What neither shows, time after time, is deleted for good.
 *  4. Canceled, it is not sent again, and ends once it is known whether Azure carries out what was sent: Succeeded if it has.
 *  5. Once restored it is followed as any version is. It is adopted as the first fact shows it.
 */
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { advance, event } from "../../operation/advance.js";
import { cancellation } from "../../operation/canceling.js";
import { fail } from "../../operation/failing.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationFailure, Requester } from "../../operation/records.js";
import { canonicalRegion } from "../../resource-id.js";
import type { Proven, ImageVersionPair, ImageVersionRecord } from "./record.js";
import { factsIn, withoutFlags } from "../latest/flags.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import type { DeletedImageVersion, Look } from "../resources.js";
import { heldRow } from "./accepting.js";
import { ruleOf } from "./fold.js";
import { observe } from "./observe.js";
import { mayArrive, sinceMs, type Time } from "./fact.js";
import { beginPacing } from "./pace.js";
import { answered, unseen } from "./write.js";
import { withProof } from "./proven.js";

/** What one step has read. */
export interface Seen {
  readonly look: Look | undefined;
  readonly deleted: DeletedImageVersion | undefined;
}

export type RestoreDecision =
  | { readonly kind: "send"; readonly location: string }
  | { readonly kind: "wait"; readonly why: string }
  | { readonly kind: "restored"; readonly look: Look }
  | { readonly kind: "failed"; readonly failure: OperationFailure };

/** What comes next of a restore. */
export function decideRestore(
  record: ImageVersionRecord,
  { look, deleted }: Seen,
  time: Time,
): RestoreDecision {
  const { write, changedTime = "" } = record;
  if (look !== undefined) return whereShown(record, look, deleted, time);
  const isCanceled = canceledBy(record) !== undefined;
  const isAccepted = write?.answer === "accepted";
  // Invariant 1.
  if (
    write !== undefined &&
    mayArrive(write.sentTime, isAccepted || isCanceled, time)
  )
    return waits(
      isAccepted
        ? "Azure Resource Manager has accepted the restore request, but does not show the version yet."
        : "The outcome of the restore request is unknown.",
    );
  if (deleted !== undefined) {
    if (isCanceled) return { kind: "failed", failure: NOT_RESTORED };
    return isAccepted
      ? { kind: "failed", failure: IGNORED }
      : { kind: "send", location: deleted.location };
  }
  return sinceMs(write?.sentTime ?? changedTime, time) < time.pace.staleMs
    ? waits("Azure does not show the version, and does not list it as deleted.")
    : { kind: "failed", failure: GONE }; // Invariant 3.
}

function whereShown(
  { write, changedTime = "" }: ImageVersionRecord,
  look: Look,
  deleted: DeletedImageVersion | undefined,
  time: Time,
): RestoreDecision {
  if (look.provisioningState === "Deleting")
    return waits("Azure is deleting the version.");
  if (deleted !== undefined)
    return waits(
      "Azure shows the version, and lists it as deleted: one of both is behind.",
    );
  // Of before its deletion, where nothing has been sent that could have brought it back.
  return write === undefined && sinceMs(changedTime, time) < time.pace.staleMs
    ? waits(
        "Azure shows the version as before its deletion: the next polls decide.",
      )
    : { kind: "restored", look }; // Invariant 2.
}

function waits(why: string): Extract<RestoreDecision, { kind: "wait" }> {
  return { kind: "wait", why };
}

const IGNORED: OperationFailure = {
  code: "NotShown",
  message:
    "Azure has accepted the restore request, and still lists the version as deleted. Restore it in the Azure portal, or ask Microsoft.",
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
  const { id } = pair.operation;
  const after = withProof(pair, [id], proven);
  const { operation } = after;
  const { armOperationUrl: _, ...record } = after.record;
  const again = record.state === "Restoring";
  return advance({ ...after, record }, context, {
    patch: {
      state: "Restoring",
      write: {
        changes: {},
        sentTime: context.now.toISOString(),
        answer: "none",
        sentFor: [id],
        restores: true,
      },
      ticks: again ? record.ticks + 1 : 0,
    },
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
  const record = answered(pair.record, armOperationUrl);
  return advance({ ...pair, record }, context, {
    patch: {},
    waits: "Azure Resource Manager has accepted the restore request.",
    waitMs: context.pace.pollInitialMs,
  });
}

/** It comes to nothing. Invariant 4. */
export function notRestored(
  pair: ImageVersionPair,
  failure: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  const by = canceledBy(pair.record);
  const { write: _, ...record } = pair.record;
  const without = { ...pair, record: { ...record, requests: {} } };
  return by === undefined
    ? fail(without, failure, context)
    : advance(without, context, {
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
  const wasSent = pair.record.write?.restores === true;
  const {
    write: _,
    unconfirmed: __,
    changedTime: ___,
    ...before
  } = pair.record;
  const { record } = observe(before, look, context);
  const regions = targetRegionsOf(look.resource).map(({ name }) => ({
    ...unseen(canonicalRegion(name)),
    attempts: 1,
    lastProgressTime: context.now.toISOString(),
  }));
  return advance(
    {
      record: {
        ...record,
        // After a DELETE through Sigil nothing is known of it: it is adopted as it comes back.
        spec: record.spec ?? withoutFlags(factsIn(look.resource)),
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
        ticks: 0,
        pacing: beginPacing(undefined, context),
      },
      message: `Azure shows the version again${wasSent ? "" : ", restored by others"}; its regions are followed.`,
      waitMs: 0,
      effects: [
        ...heldRow(record.resourceId, ruleOf(record.spec)),
        event(
          pair.operation,
          context,
          IMAGE_VERSION_EVENT.restored,
          "restored",
          { regions: regions.map(({ name }) => name) },
        ),
      ],
    },
  );
}
