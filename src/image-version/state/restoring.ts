/**
 * Restores a deleted version in a gallery with soft delete. Azure restores it unchanged, so a
 * request names only the version. Pure. Invariants:
 *  1. It is sent only if this step's look shows no version and this step's list of deleted versions
 *     has it, and not while an earlier one may be in flight. So it never meets an existing version.
 *  2. The version is restored once a look shows it and the list no longer has it, whoever restored
 *     it.
 *  3. A version that neither shows, look after look, is deleted permanently.
 *  4. If it is canceled, or its version purged, it is not sent again. It ends once the outcome of
 *     what was sent is known: Succeeded if Azure restored the version.
 *  5. Once restored, it is followed like any version, and adopted as the first confirmed look shows
 *     it.
 */
import { omit } from "../../objects.js";
import type { OperationFailure, Requester } from "../../operation/records.js";
import { canonicalRegion } from "../../resource-id.js";
import { mapped, type ImageVersionRecord, type VersionRequest } from "./record.js";
import { shownFields, withoutFlags } from "../latest/flags.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import type { DeletedImageVersion, Look } from "../resources.js";
import { endLater, fails } from "./ending.js";
import type { Poll } from "./deletion.js";
import { refusedBy, type OperationReason } from "./failures.js";
import { nothing, type Outcome } from "./happened.js";
import { observe } from "./observe.js";
import { mayArrive, sinceMs, type Time } from "./confirmed.js";
import { beginPacing } from "./pace.js";
import type { Decision } from "./reconcile.js";
import { newRegion } from "./write.js";

/** The reads of one step. */
export interface Seen {
  readonly look: Look | undefined;
  readonly deleted: DeletedImageVersion | undefined;
  /** ARM's reason why an accepted restore failed, if it gives one. */
  readonly reason?: OperationReason | undefined;
}

export type RestoreDecision =
  | { readonly kind: "restore"; readonly id: string; readonly location: string }
  | Poll
  | { readonly kind: "restored"; readonly look: Look }
  | Extract<Decision, { kind: "failed" }>;

/** The next thing to do for the restore `id`. */
export function decideRestore(
  record: ImageVersionRecord,
  id: string,
  { look, deleted, reason }: Seen,
  time: Time,
): RestoreDecision {
  if (look !== undefined) return whereShown(record, look, deleted, time);
  if (reason !== undefined) return failed(id, refusedBy(reason, "restored"));
  const { write, requests } = record;
  const isAccepted = write?.answer === "accepted";
  const isDecided = requests[id]?.ending !== undefined;
  // Invariant 1.
  if (write !== undefined && mayArrive(write.sentTime, isAccepted || isDecided, time))
    return waits(
      isAccepted
        ? "Azure Resource Manager has accepted the restore request, but does not show the version yet."
        : "The outcome of the restore request is unknown.",
    );
  if (deleted === undefined) return whereGone(record, id, time);
  if (isDecided) return failed(id, NOT_RESTORED);
  return isAccepted ? failed(id, IGNORED) : { kind: "restore", id, location: deleted.location };
}

function failed(id: string, failure: OperationFailure): RestoreDecision {
  return { kind: "failed", ids: [id], failure };
}

/** Azure neither shows nor lists it. */
function whereGone(
  { write, changedTime = "", requests }: ImageVersionRecord,
  id: string,
  time: Time,
): RestoreDecision {
  const { ending } = requests[id] ?? {};
  if (ending?.kind === "failed") return failed(id, ending);
  return sinceMs(write?.sentTime ?? changedTime, time) < time.pace.staleMs
    ? waits("Azure does not show the version, and does not list it as deleted.")
    : failed(id, notRestorable("it was deleted for good")); // Invariant 3.
}

function whereShown(
  { write, changedTime = "" }: ImageVersionRecord,
  look: Look,
  deleted: DeletedImageVersion | undefined,
  time: Time,
): RestoreDecision {
  if (look.provisioningState === "Deleting") return waits("Azure is deleting the version.");
  if (deleted !== undefined)
    return waits("Azure shows the version, and lists it as deleted: one of both is behind.");
  // A look from before its deletion, if nothing was sent that could have restored it.
  return write === undefined && sinceMs(changedTime, time) < time.pace.staleMs
    ? waits("Azure shows the version as before its deletion: the next polls decide.")
    : { kind: "restored", look }; // Invariant 2.
}

function waits(why: string): Poll {
  return { kind: "poll", why };
}

const IGNORED: OperationFailure = {
  code: "NotShown",
  message:
    "Azure accepted the restore request, but still lists the version as deleted. Restore it in the Azure portal, or ask Microsoft.",
  errors: [],
};

const NOT_RESTORED: OperationFailure = {
  code: "NotRestored",
  message: "Azure did not restore the version, and still lists it as restorable. Restore it again.",
  errors: [],
};

function notRestorable(why: string): OperationFailure {
  return {
    code: "NotRestorable",
    message: `Azure no longer has the version, and cannot restore it: ${why}. To create it again, send its PUT with the header If-None-Match: *.`,
    errors: [],
  };
}

/** The request that restores the version. */
function restoreIn({ requests }: ImageVersionRecord) {
  return Object.entries(requests).find(([, { restores }]) => restores === true);
}

/** Azure accepted the purge of a version that should be restored. Invariant 4. */
export function purged(
  record: ImageVersionRecord,
  { name, appId, objectId }: Requester,
  time: Time,
): Outcome {
  const [id, request] = restoreIn(record) ?? [];
  if (id === undefined || request === undefined || request.ending !== undefined)
    return nothing(record);
  const who = name ?? appId ?? objectId ?? "somebody";
  const failure = notRestorable(`it was deleted for good by ${who}`);
  return record.write === undefined
    ? fails(record, [id], failure, time)
    : endLater(
        record,
        id,
        { ...request, ending: { kind: "failed", ...failure } },
        `${who} has deleted the version for good.`,
        time,
      );
}

/** Invariants 4 and 5. */
export function restored(before: ImageVersionRecord, look: Look, time: Time): Outcome {
  const { write } = before;
  const { record } = observe(omit(before, "write", "unconfirmed", "changedTime"), look, time);
  const regions = targetRegionsOf(look.resource).map(({ name }) => ({
    ...newRegion(canonicalRegion(name)),
    attempts: 1,
    lastProgressTime: time.now.toISOString(),
  }));
  return {
    record: {
      ...record,
      state: "Replicating",
      ticks: 0,
      pacing: beginPacing(undefined, time),
      // After a DELETE through Sigil nothing is known about it, so it is adopted as it comes back.
      spec: record.spec ?? withoutFlags(shownFields(look.resource)),
      regions,
      requests: mapped(record.requests, (request): VersionRequest => ({
        ...omit(request, "ending", "restores"),
        regions: regions.map(({ name }) => name),
      })),
    },
    happened: [
      {
        kind: "restored",
        ids: Object.keys(record.requests),
        byOthers: write?.restores !== true,
      },
    ],
    waitMs: 0,
  };
}
