/**
 * Applies requests: decides what a request asks of Azure, and what happens when a confirmed look
 * shows all of it. Pure. Invariants:
 *  1. A request is applied once. From then on only its regions matter.
 *  2. A request is not applied if the write in flight, which the look may not show yet, undoes part
 *     of it.
 */
import { omit } from "../../objects.js";
import { shownFields, flagsFor, withoutFlags } from "../latest/flags.js";
import { releasedIn, type Release } from "../latest/release.js";
import {
  fieldsOf,
  isSigilField,
  regionsIn,
  removedBy,
  sameAt,
  valueAt,
  type Fields,
} from "../properties/fields.js";
import { unmetBy, withApplied, type Patch } from "../properties/patch.js";
import {
  desired,
  inWindow,
  regionsHad,
  ruleInForce,
  saidOfLatest,
  unapplied,
  azureFields,
} from "./fold.js";
import type { Time } from "./confirmed.js";
import { forEach, nothing, type Outcome } from "./happened.js";
import { mustShut } from "./reconcile.js";
import { withRequest, type ImageVersionRecord, type VersionRequest } from "./record.js";

/** Everything that the request asks of Azure, with the flags that it sets. */
export function askedOf(record: ImageVersionRecord, request: VersionRequest): Patch {
  const { patch, release } = request;
  const own = azureFields(patch);
  if (release === undefined) return own;
  const regions = record.status ? regionsHad(record) : regionsIn(patch);
  const wish = wishWith(record, request) ?? record.release;
  if (wish === undefined) return own;
  const included = releasedIn(wish, regions);
  const said = saidOfLatest([request], included, regions);
  return {
    ...own,
    ...flagsFor(
      included,
      regions.filter((name) => said.includes(name)),
    ),
  };
}

/** The release after the next write; if that does not carry the request, after all requests. */
function wishWith(record: ImageVersionRecord, request: VersionRequest): Release | undefined {
  const isNext = inWindow(record).some(([, one]) => one === request);
  const whole = omit(record, "window");
  return desired(isNext ? record : whole).release;
}

export function isApplied(record: ImageVersionRecord, request: VersionRequest): boolean {
  const { status, write } = record;
  if (status === undefined) return false;
  const shown = shownFields(status.resource);
  const asked = askedOf(record, request);
  return (
    unmetBy(shown, asked).length === 0 &&
    unmetBy(withApplied(shown, write?.changes ?? {}), asked).length === 0 && // Invariant 2.
    (removedBy(request.patch).length === 0 || !mustShut(record))
  );
}

/** Invariant 1. */
export function withApplications(record: ImageVersionRecord, time: Time): Outcome {
  if (record.status === undefined || record.unconfirmed !== undefined) return nothing(record);
  const applied = unapplied(record).filter(([, request]) => isApplied(record, request));
  return forEach(record, applied, (next, [id, request]) =>
    withApplication(next, id, request, time),
  );
}

function withApplication(
  record: ImageVersionRecord,
  id: string,
  request: VersionRequest,
  { now }: Time,
): Outcome {
  const { status, publishedDate, spec } = record;
  const shown = status ? shownFields(status.resource) : {};
  const isKept = request.body !== undefined && request.ending === undefined;
  const release = request.release === undefined ? undefined : wishWith(record, request);
  const removed = removedBy(request.patch);
  const gone = removed.filter((name) => !regionsIn(shown).includes(name));
  const { life = publishedDate } = request;
  const after: ImageVersionRecord = {
    ...record,
    ...(isKept && {
      spec: withApplied(spec, {
        ...confirmedBy(request, shown),
        ...withoutFlags(request.patch),
      }),
    }),
    ...(release && { release }),
    // A region that a request removes is not lost.
    repairs: Object.fromEntries(
      Object.entries(record.repairs).filter(([name]) => !removed.includes(name)),
    ),
  };
  return {
    record: withRequest(withoutEndedPause(after, request), id, {
      ...request,
      appliedTime: now.toISOString(),
      ...(life !== undefined && { life }),
    }),
    happened:
      request.sent === true
        ? gone.map((region) => ({ kind: "regionRemoved", ids: [id], region }))
        : [],
  };
}

/** A person's applied request about latest ends a rule that others have paused meanwhile. */
function withoutEndedPause(
  record: ImageVersionRecord,
  { release, machine }: VersionRequest,
): ImageVersionRecord {
  return release === undefined || machine === true || ruleInForce(record)
    ? record
    : { ...record, conditions: record.conditions.filter(({ type }) => type !== "Paused") };
}

/** Fields of a whole body that the look shows; they belong to `spec` from now on. */
function confirmedBy({ body, adopts }: VersionRequest, shown: Fields): Patch {
  const said = adopts && body ? fieldsOf(body) : {};
  return withoutFlags(
    Object.fromEntries(
      Object.entries(said).filter(
        ([field, value]) => !isSigilField(field) && sameAt(field, valueAt(shown, field), value),
      ),
    ),
  );
}
