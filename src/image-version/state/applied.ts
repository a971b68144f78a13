/**
 * What one request asks of Azure, and what becomes of it once a fact shows all of that. Pure. Invariants:
 *  1. An operation is applied once, for good: from then on its regions alone decide.
 *  2. Nor is what a fact shows of it undone by the write under way, which the fact may not show yet.
 */
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

/** All that one request asks of Azure, with the flags that it sets. */
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

/** Where the version is to be in latest: by the next write, or, where that has not the request yet, once all is done. */
function wishWith(record: ImageVersionRecord, request: VersionRequest): Release | undefined {
  const isNext = inWindow(record).some(([, one]) => one === request);
  const { window: _, ...whole } = record;
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
    // What is asked to be away is not lost.
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

/** A person's word on latest, once it is so, has ended the rule that others have paused meanwhile. */
function withoutEndedPause(
  record: ImageVersionRecord,
  { release, machine }: VersionRequest,
): ImageVersionRecord {
  return release === undefined || machine === true || ruleInForce(record)
    ? record
    : { ...record, conditions: record.conditions.filter(({ type }) => type !== "Paused") };
}

/** What a whole body says, and the fact shows, is Sigil's from now on. */
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
