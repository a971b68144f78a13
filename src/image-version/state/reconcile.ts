/**
 * Decides every PUT. Pure: compares the desired state with what Azure is known to have, and returns
 * what to do next. Every step calls it with the confirmed look of that step; deletion.ts decides a
 * DELETE, restoring.ts a restore. Whether the PUT would break anything (rules, keys, use, another
 * version's latest) is checked later, before it is sent (steps/prepare.ts). Invariants:
 *  1. Sigil writes nothing while a look is unconfirmed, the outcome of a write is unknown, or ARM
 *     is working on the version.
 *  2. Sigil creates a version only if a PUT asks for it and Azure does not have it.
 *  3. Sigil removes a region for repair only if the confirmed look shows it Failed and an operation
 *     waits for it. The next write adds it back (fold.ts).
 *  4. A body starts from the confirmed look: fields that no request changes are sent unchanged.
 *  5. ARM may remove regions only while the write removes one, or if a request through Sigil has
 *     allowed it.
 */
import type { OperationFailure } from "../../operation/records.js";
import type { ImageVersionRequest } from "../contract.js";
import { bodyOf, shownFields, regionOfFlag } from "../latest/flags.js";
import type { Release } from "../latest/release.js";
import { differs } from "../properties/changes.js";
import { regionField, regionOf, regionsIn, removedBy, type Fields } from "../properties/fields.js";
import { impossibleAmong, unmetBy, type Patch, type Unmet } from "../properties/patch.js";
import { ALLOW_DELETION } from "../properties/table.js";
import { hasFailed, isBusy, type Look } from "../resources.js";
import {
  desired,
  inWindow,
  ofRegion,
  removedRegions,
  staysOpen,
  unapplied,
  type Desired,
} from "./fold.js";
import { whyUnconfirmed } from "./observe.js";
import type { Time } from "./confirmed.js";
import type { ImageVersionRecord } from "./record.js";
import { waitsForAzure } from "./updating.js";

/** A creation or update, ready to send. */
export interface Put {
  readonly kind: "put";
  readonly body: ImageVersionRequest;
  /** Changes relative to the confirmed look. A look is matched to the write by these. */
  readonly changes: Patch;
  readonly creates: boolean;
  readonly release?: Release;
  /** Ids of the operations whose changes it carries; empty: Sigil's own write. */
  readonly sentFor: readonly string[];
  /** Regions removed for repair, with their fields, to be added back. */
  readonly removes: Readonly<Record<string, Patch>>;
  readonly addsBack: readonly string[];
}

export type Decision =
  | Put
  | { readonly kind: "wait"; readonly why: string }
  /** Nothing to write: Azure shows everything requested. Sigil still follows the regions. */
  | { readonly kind: "none" }
  /** These requests cannot be fulfilled. */
  | {
      readonly kind: "failed";
      readonly ids: readonly string[];
      readonly failure: OperationFailure;
    };

/**
 * `ids` limits it to the requests that the step has judged. A write for no request is Sigil's own:
 * a repair, or the end of a permission.
 */
export function reconcile(
  record: ImageVersionRecord,
  time: Time,
  ids?: readonly string[],
): Decision {
  const { status } = record;
  const why = whyNothingYet(record);
  if (why !== undefined) return { kind: "wait", why };
  const all = desired(record, ids);
  // Add a repaired region back on its own: ARM might refuse other changes sent with it.
  const wish = removedRegions(record).some((name) => `${regionField(name)}/name` in all.patch)
    ? desired(record, [])
    : all;
  if (status === undefined) return whereAbsent(record, wish);
  if (isBusy(status))
    return { kind: "wait", why: all.ids.length > 0 ? waitsForAzure(record, status) : BUSY };
  const unmet = unmetBy(shownFields(status.resource), wish.patch);
  const failed = impossible(record, status, wish, unmet);
  if (failed !== undefined) return failed;
  if (unmet.length > 0) return put(record, status, wish, {});
  const repairs = toRepair(record, status, time);
  if (Object.keys(repairs).length > 0) return put(record, status, { ...wish, ids: [] }, repairs);
  return mustShut(record) ? put(record, status, { ...wish, ids: [] }, {}) : { kind: "none" };
}

export const BUSY = "Azure Resource Manager is working on the version.";

/** Invariant 1. */
export function whyNothingYet(record: ImageVersionRecord): string | undefined {
  const { status, write, unconfirmed } = record;
  if (unconfirmed !== undefined) return whyUnconfirmed(unconfirmed);
  if (write === undefined) return undefined;
  if (status?.provisioningState === "Deleting")
    return "Azure Resource Manager is deleting the version.";
  return write.answer === "accepted"
    ? "Azure Resource Manager does not show the last write yet."
    : "The last write had no answer. The next polls will show whether Azure carried it out.";
}

/** Invariant 2. */
function whereAbsent(record: ImageVersionRecord, wish: Desired): Decision {
  const open = inWindow(record).filter(([id]) => wish.ids.includes(id));
  if (open.some(([, { creates, ending }]) => creates === true && ending === undefined))
    return create(wish);
  return open.length === 0
    ? { kind: "none" }
    : {
        kind: "failed",
        ids: open.map(([id]) => id),
        failure: GONE,
      };
}

/** How to get a missing version back. */
export const HAVE_IT_AGAIN =
  "If its gallery has soft delete, restore it (POST …/restore). Otherwise create it again: send its PUT with the header If-None-Match: *.";

export const GONE: OperationFailure = {
  code: "ImageVersionGone",
  message: `Azure does not have the version: it was deleted, or never created. ${HAVE_IT_AGAIN}`,
  errors: [],
};

function create({ patch, release, ids }: Desired): Put {
  const whole = { ...patch, [ALLOW_DELETION]: patch[ALLOW_DELETION] === true };
  return {
    kind: "put",
    body: withReplicas(bodyOf(undefined, whole)),
    changes: patch,
    creates: true,
    ...(release && { release }),
    sentFor: ids,
    removes: {},
    addsBack: [],
  };
}

/** States each region's replica count explicitly, for a creation. */
export function withReplicas(request: ImageVersionRequest): ImageVersionRequest {
  const { publishingProfile: profile = {}, ...properties } = request.properties;
  return {
    ...request,
    properties: {
      ...properties,
      publishingProfile: {
        ...profile,
        targetRegions: (profile.targetRegions ?? []).map((region) => ({
          regionalReplicaCount: profile.replicaCount ?? 1,
          ...region,
        })),
      },
    },
  };
}

/** An update. Invariant 3. Invariant 4. Invariant 5. */
function put(
  record: ImageVersionRecord,
  { resource }: Look,
  { patch, release, ids }: Desired,
  removes: Readonly<Record<string, Patch>>,
): Put {
  const shown = shownFields(resource);
  const removed = Object.fromEntries(Object.keys(removes).map((name) => [regionField(name), null]));
  const asked = { ...patch, ...removed };
  const isRemoval = removedBy(asked).some((name) => regionsIn(shown).includes(name));
  const mayRemove = isRemoval || staysOpen(record, patch);
  const whole = { ...asked, [ALLOW_DELETION]: mayRemove };
  const changes = Object.fromEntries(
    unmetBy(shown, whole).map(({ field, after }) => [field, after]),
  );
  return {
    kind: "put",
    body: bodyOf(resource, whole),
    changes,
    creates: false,
    ...(release && { release }),
    sentFor: ids,
    removes,
    addsBack: removedRegions(record),
  };
}

/**
 * Fails requests that no update can fulfill, or that change a region which the version does not
 * have.
 */
function impossible(
  record: ImageVersionRecord,
  { resource }: Look,
  { patch, ids }: Desired,
  unmet: readonly Unmet[],
): Extract<Decision, { kind: "failed" }> | undefined {
  const there = regionsIn(shownFields(resource));
  const isGone = ({ field, after }: Unmet): boolean => {
    const region = regionOf(field);
    return (
      region !== undefined &&
      after !== null &&
      !there.includes(region) &&
      !(`${regionField(region)}/name` in patch)
    );
  };
  const fixed = impossibleAmong(unmet);
  const never = [...fixed, ...unmet.filter(isGone)];
  if (never.length === 0) return undefined;
  const code = fixed.length > 0 ? "ReadBackMismatch" : "ChangedOutside";
  const asking = unapplied(record).filter(
    ([id, request]) =>
      ids.includes(id) &&
      never.some(
        ({ field }) =>
          field in request.patch ||
          (request.release !== undefined && regionOfFlag(field) !== undefined),
      ),
  );
  const [body] = asking.flatMap(([, request]) => request.body ?? []);
  const errors = never.map((one) => differs(one, body, code));
  const message =
    fixed.length > 0
      ? `The version in Azure differs from the request in ${errors.length} place${errors.length === 1 ? "" : "s"}, and this cannot be corrected. Do not use it: delete it and publish another version.`
      : "The request changes a region that was removed outside Sigil. Add the region with its keys, or send the request without it.";
  return {
    kind: "failed",
    ids: asking.length > 0 ? asking.map(([id]) => id) : ids,
    failure: { code, message: `${message} ${errors[0]?.message}`, errors },
  };
}

/**
 * Regions that the confirmed look shows Failed and whose repair is due. The version's own location
 * cannot be removed.
 */
function toRepair(
  record: ImageVersionRecord,
  status: Look,
  { now }: Time,
): Readonly<Record<string, Patch>> {
  const { repairs, requests } = record;
  const isOver = Object.values(requests).every(({ ending }) => ending !== undefined);
  if (isOver || removedRegions(record).length > 0) return {};
  const shown = shownFields(status.resource);
  const due = record.regions.filter(({ name, state }) => {
    const { dueTime } = repairs[name] ?? {};
    return (
      state === "Failed" &&
      name !== shown["/location"] &&
      hasFailed(status, name) &&
      dueTime !== undefined &&
      Date.parse(dueTime) <= now.getTime()
    );
  });
  return Object.fromEntries(due.map(({ name }) => [name, ofRegion(shown, name)]));
}

/**
 * Whether to turn off the permission that a removal needed. The removal is applied only after that.
 * Invariant 5.
 */
export function mustShut(record: ImageVersionRecord): boolean {
  const { status } = record;
  if (status === undefined) return false;
  const shown: Fields = shownFields(status.resource);
  const isRemoval = unapplied(record).some(([, { patch }]) => removedBy(patch).length > 0);
  return shown[ALLOW_DELETION] === true && isRemoval && !staysOpen(record, desired(record).patch);
}
