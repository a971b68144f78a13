/**
 * Reports others' changes of a confirmed look once. They then stand as conditions until a request
 * settles them. Pure. Invariants:
 *  1. While a field has a condition, no further event reports that field.
 *  2. Others who exclude or include a version while its rule is in force pause that rule:
 *     automation then neither promotes nor demotes it. So does excluding a region by its own flag
 *     where the version is out of latest already.
 */
import { conditionMessage } from "../../conditions/conditions.js";
import { shownFields, latestIn, regionOfFlag } from "../latest/flags.js";
import { releaseOf } from "../latest/release.js";
import { regionOf, regionsIn, sameAt } from "../properties/fields.js";
import { describeField, type Unmet } from "../properties/patch.js";
import type { Look } from "../resources.js";
import { ruleInForce } from "./fold.js";
import { isMoved, leavingOut, unnamedIn } from "./held.js";
import type { Confirmed, Time } from "./confirmed.js";
import { nothing, type Happened, type Outcome } from "./happened.js";
import type { Condition, ImageVersionRecord } from "./record.js";

/** Others' changes in a confirmed look; `before`: what was known before. */
export function byOthers(
  record: ImageVersionRecord,
  before: Look | undefined,
  confirmed: Confirmed,
  wasManaged: boolean,
  time: Time,
): Outcome {
  const { status } = record;
  const { life, others, write } = confirmed;
  if (life === "gone" || life === "replaced")
    return before === undefined || !wasManaged || write?.deletes === true
      ? nothing(record)
      : {
          record,
          happened: [{ kind: "deletedOutside", publishedDate: status?.publishedDate }],
        };
  if (before === undefined) return begun(record);
  if (status === undefined) return nothing(record);
  const flipped = flips(record, before, status);
  const isKnown = wasManaged || Object.keys(record.requests).length > 0;
  if (others.length === 0 || !isKnown)
    return { record: withRelease(record, confirmed), happened: flipped };
  const changes = others.filter(({ field }) => !isStanding(record, field));
  const after = withConditions(record, confirmed, time);
  const left = leavingOut(after, confirmed.held);
  const happened: Happened[] = [...left.happened, ...flipped];
  if (changes.length > 0) happened.push({ kind: "changedOutside", changes, look: status });
  return { record: left.record, happened };
}

/** The first confirmed look at a version. One that is built from others hears whether these are revoked. */
function begun(record: ImageVersionRecord): Outcome {
  const { status, parentage, declaredTimes = {} } = record;
  const parents = [...(parentage?.ids ?? []), ...Object.keys(declaredTimes)];
  return status === undefined || parents.length === 0
    ? nothing(record)
    : { record, happened: [{ kind: "begun" }] };
}

/**
 * A version that was in latest nowhere, and now is somewhere, was promoted, and the reverse. Added
 * and removed regions do not matter.
 */
function flips({ updates }: ImageVersionRecord, before: Look, after: Look): readonly Happened[] {
  const was = latestIn(before.resource);
  const is = latestIn(after.resource);
  if (was.length > 0 === is.length > 0) return [];
  const isHeld = regionsIn(shownFields(after.resource)).some((name) => was.includes(name));
  if (is.length === 0 && !isHeld) return [];
  return [{ kind: is.length > 0 ? "promoted" : "demoted", updates, lookTime: after.time }];
}

function isStanding({ conditions }: ImageVersionRecord, field: string): boolean {
  return conditions.some(({ fields }) => field in fields);
}

function heldStill({ release, status }: ImageVersionRecord): readonly string[] {
  const included = status ? latestIn(status.resource) : [];
  return (release?.but ?? []).filter((name) => !included.includes(name));
}

/** Also true if an open promotion would end the rule, because it may fail. */
function isRuled(record: ImageVersionRecord): boolean {
  const { requests } = record;
  const others = Object.entries(requests).filter(
    ([, { release, appliedTime }]) => release?.kind !== "include" || appliedTime !== undefined,
  );
  return [requests, Object.fromEntries(others)].some(
    (open) => ruleInForce({ ...record, requests: open }) !== undefined,
  );
}

/** Without a rule in force, the release becomes what others set. Invariant 2. */
function withRelease(
  record: ImageVersionRecord,
  { others, held = [] }: Confirmed,
): ImageVersionRecord {
  const { status } = record;
  if (status === undefined) return record;
  const { release = releaseOf(status.resource) } = record;
  const isTurned = others.some((one) => isMoved(one) && regionOfFlag(one.field) !== undefined);
  if (isTurned && !isRuled(record))
    return { ...record, release: releaseOf(status.resource, "person") };
  const but = isTurned ? heldStill(record) : release.but;
  const isHeld = held.length > 0 && (isRuled(record) || unnamedIn(record).length > 0);
  return isTurned || isHeld
    ? {
        ...record,
        release: {
          ...release,
          ...(isTurned && { in: latestIn(status.resource), by: "rule" }),
          but: [...new Set([...but, ...held])],
        },
      }
    : record;
}

function withConditions(
  record: ImageVersionRecord,
  confirmed: Confirmed,
  { now }: Time,
): ImageVersionRecord {
  const { others } = confirmed;
  const since = now.toISOString();
  const isLost = ({ field, after }: Unmet): boolean =>
    after === null && field.endsWith("/name") && regionOf(field) !== undefined;
  // The flag of a region that others added does not pause the rule.
  const ofLatest = others.filter(
    ({ field, before }) => before !== undefined && regionOfFlag(field) !== undefined,
  );
  return {
    ...withRelease(record, confirmed),
    conditions: [
      ["ChangedOutside", others.filter((one) => !isLost(one) && isMoved(one))] as const,
      ["RegionLost", others.filter(isLost)] as const,
      ["Paused", isRuled(record) ? ofLatest : []] as const,
    ].reduce<readonly Condition[]>(
      (conditions, [type, of]) => withFields(conditions, type, of, since),
      record.conditions,
    ),
  };
}

/**
 * The conditions with these changes added. A field that is back to its value before is settled,
 * except in a pause.
 */
function withFields(
  conditions: readonly Condition[],
  type: Condition["type"],
  changes: readonly Unmet[],
  since: string,
): readonly Condition[] {
  if (changes.length === 0) return conditions;
  const standing = conditions.find((one) => one.type === type);
  const fields: Record<string, { before?: unknown; after: unknown }> = {
    ...standing?.fields,
  };
  for (const { field, before, after } of changes) {
    const was = field in fields ? fields[field]?.before : before;
    if (type !== "Paused" && sameAt(field, was, after ?? undefined)) delete fields[field];
    else fields[field] = { ...(was !== undefined && { before: was }), after };
  }
  const others = conditions.filter((one) => one.type !== type);
  return Object.keys(fields).length === 0
    ? others
    : [...others, conditionOf(type, fields, standing?.since ?? since)];
}

function conditionOf(
  type: Condition["type"],
  fields: Condition["fields"],
  since: string,
): Condition {
  const names = Object.keys(fields).map((field) =>
    type === "RegionLost" ? (regionOf(field) ?? field) : describeField(field),
  );
  return {
    type,
    fields,
    message: conditionMessage(type, names),
    since,
  };
}

/** The conditions after a request sets these fields or, `ofLatest`, the release. */
export function settled(
  conditions: readonly Condition[],
  says: readonly string[],
  ofLatest: boolean,
): readonly Condition[] {
  const regions = regionsIn(Object.fromEntries(says.map((field) => [field, 1])));
  const isSaid = (type: Condition["type"], field: string): boolean =>
    (ofLatest && regionOfFlag(field) !== undefined) ||
    says.includes(field) ||
    (type === "RegionLost" && regions.includes(regionOf(field) ?? ""));
  return conditions.flatMap((condition) => {
    if (condition.type === "Paused") return ofLatest ? [] : [condition];
    const fields = Object.fromEntries(
      Object.entries(condition.fields).filter(([field]) => !isSaid(condition.type, field)),
    );
    return Object.keys(fields).length === 0
      ? []
      : [conditionOf(condition.type, fields, condition.since)];
  });
}
