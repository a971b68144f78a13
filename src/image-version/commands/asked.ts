/**
 * What a request asks of the version that Azure shows: a patch, computed once, at its acceptance. Pure. The same for a plan as for a
 * PUT or PATCH. Invariants:
 *  1. It is what a body says otherwise than Azure shows, or than an open operation asks; where what Azure shows is not certain, all
 *     that the body says.
 *  2. What the body leaves out of what was achieved is removed; regions, keys, flags, rule and protection are never removed by silence.
 *  3. A PUT of a version that is there says nothing of latest and of its rule, but by `true` of a region that it adds: pipelines repeat
 *     both in every body, and would undo what a person has said since. A PATCH says what it says.
 */
import type { ImageVersionRequest, PromotionRule } from "../contract.js";
import {
  exclusionIn,
  factsIn,
  heldBackBy,
  latestIn,
  regionOfFlag,
  withoutFlags,
} from "../latest/flags.js";
import {
  releaseOf,
  type Release,
  type ReleaseChange,
} from "../latest/release.js";
import { canonicalForm } from "../properties/canonical-form.js";
import {
  fieldsOf,
  nameIn,
  placeOf,
  pointerTo,
  propertyOf,
  regionField,
  regionOf,
  regionsIn,
  removedBy,
  sameAt,
  valueAt,
  type Fields,
} from "../properties/fields.js";
import {
  askedOfSeen,
  statedBy,
  takenAway,
  type Patch,
} from "../properties/patch.js";
import {
  END_OF_LIFE_DATE,
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../properties/table.js";
import { isBusy, type Look } from "../resources.js";
import type { RuleFinding } from "../rules/rule.js";
import { openRequests, ownAsked, patchOf } from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";
import type { Glance } from "./acceptance.js";
import { namesOne, type ChangeCommand } from "./command.js";

export interface Asking {
  readonly command: Pick<ChangeCommand, "ifMatch" | "pasted">;
  /** Canonical. */
  readonly body: ImageVersionRequest;
  readonly removeRegions: readonly string[];
  /** The merge patch that was sent, where one was. */
  readonly patch?: unknown;
  readonly glance: Glance;
}

export interface Asked {
  readonly patch: Patch;
  readonly release?: ReleaseChange;
  /** True where the promotion rule that there is ends with it. */
  readonly endsRule?: true;
  /** True of a whole body: what it says and Azure shows is Sigil's from then on. */
  readonly adopts?: true;
  /** What the body says and the request does not ask, and how to say it. */
  readonly stays: readonly RuleFinding[];
}

/** Only what differs from what Azure shows is asked: that was read, as a patch, an ETag or a pasted answer says. */
export function asksOnlyChanges({
  patch,
  command: { ifMatch, pasted },
}: Pick<Asking, "patch" | "command">): boolean {
  return patch !== undefined || namesOne(ifMatch) || pasted === true;
}

/** `record`: of the life that Azure shows; absent where nothing of that is known. */
export function askedOf(
  request: Asking,
  record: ImageVersionRecord | undefined,
): Asked {
  const { body, glance, patch } = request;
  const { look } = glance;
  const isWhole = !asksOnlyChanges(request);
  if (look === undefined) return creation(request, record);
  const seen = { ...factsIn(look.resource), ...(record && ownAsked(record)) };
  const all = isWhole
    ? saidByBody(request, seen, record)
    : saidOfSeen(request, seen, record);
  if (patch !== undefined)
    return {
      patch: withoutFlags(all),
      ...latestByPatch(request, look, record),
      stays: [],
    };
  const { [PROMOTION]: rule, ...others } = all;
  const kept = withoutEarlierEnd(request, others, look);
  return {
    patch: withoutFlags(kept.patch),
    ...latestByBody(body, look, record),
    ...(isWhole && { adopts: true }),
    stays: [
      ...kept.stays,
      ...stayingFlags(body, look),
      ...(rule === undefined ? [] : [ruleStays()]),
    ],
  };
}

/** Azure has no such version: the body says all that it shall be. */
function creation(
  { body, removeRegions }: Asking,
  record: ImageVersionRecord | undefined,
): Asked {
  const isBegun =
    record !== undefined &&
    openRequests(record).some(([, { creates }]) => creates === true);
  const rule = body.sigil?.promotion;
  const release: Release =
    rule === undefined
      ? releaseOf(body)
      : { in: "none", but: heldBackBy(body), by: "rule" };
  return {
    // Another that is creating it may have what this one removes.
    patch: without(withoutFlags(fieldsOf(body)), removeRegions),
    ...(!isBegun && { release: { kind: "set", release } }),
    adopts: true,
    stays: [],
  };
}

/** Invariants 1 and 2. */
function saidByBody(
  { body, removeRegions, glance: { look, seen } }: Asking,
  shown: Fields,
  record: ImageVersionRecord | undefined,
): Patch {
  const fields = withoutFlags(fieldsOf(body));
  const open = openPatchOf(record);
  const leaving = removedBy(open);
  const isSure = seen && look !== undefined && !isBusy(look);
  const said = Object.entries(fields).filter(([field, value]) => {
    const other = nameIn(open, field);
    const isContradicted =
      leaving.some((name) => field === `${regionField(name)}/name`) ||
      (other !== undefined && !sameAt(field, open[other] ?? undefined, value));
    return (
      isContradicted ||
      !sameAt(field, valueAt(shown, field), value) ||
      (!isSure && propertyOf(field).mutability === "mutable")
    );
  });
  const named = new Set(Object.keys(fields).map(placeOf));
  const left = Object.keys(record?.spec ?? {}).filter(
    (field) =>
      valueAt(fields, field) === undefined &&
      (placeOf(field) === undefined || named.has(placeOf(field))) &&
      field !== PROMOTION &&
      propertyOf(field).omitted === "cleared" &&
      valueAt(shown, field) !== undefined,
  );
  return without(
    {
      ...Object.fromEntries(left.map((field) => [field, null])),
      ...Object.fromEntries(said),
    },
    removeRegions,
  );
}

/** Of a version that its caller has read only what differs from that is asked; of a patch all that it says in so many words. */
function saidOfSeen(
  { body, removeRegions, patch, glance: { look } }: Asking,
  shown: Fields,
  record: ImageVersionRecord | undefined,
): Patch {
  const fields = fieldsOf(body);
  const changes = askedOfSeen(shown, { ...fields, ...factsIn(body) });
  if (patch === undefined || look === undefined)
    return without(changes, removeRegions);
  const open = openPatchOf(record);
  const stated = Object.entries(statedBy(patch, fields)).filter(
    ([field, value]) => {
      const other = nameIn(open, field);
      return (
        !sameAt(field, valueAt(shown, field), value ?? undefined) ||
        (other !== undefined &&
          !sameAt(field, open[other] ?? undefined, value ?? undefined))
      );
    },
  );
  return without(
    {
      ...changes,
      ...Object.fromEntries(stated),
      ...takenAway(fieldsOf(canonicalForm(look.resource)), fields),
    },
    removeRegions,
  );
}

/** What open operations ask together. */
export function openPatchOf(record: ImageVersionRecord | undefined): Patch {
  return record ? patchOf(openRequests(record).map(([, one]) => one)) : {};
}

/** Regions that are to be removed are removed with all that is said of them. */
function without(patch: Patch, removeRegions: readonly string[]): Patch {
  return {
    ...Object.fromEntries(
      Object.entries(patch).filter(
        ([field]) => !removeRegions.includes(regionOf(field) ?? ""),
      ),
    ),
    ...Object.fromEntries(
      removeRegions.map((name) => [regionField(name), null]),
    ),
  };
}

type OfLatest = Pick<Asked, "release" | "endsRule">;

/** Invariant 3: a region that is added, and of which the body says true, is held back. */
function latestByBody(
  body: ImageVersionRequest,
  { resource }: Look,
  record: ImageVersionRecord | undefined,
): OfLatest {
  // The cancel of a creation has said nothing of where the version shall be: who asks for it again does.
  if (record?.release?.by === "cancel")
    return { release: { kind: "set", release: releaseOf(body) } };
  const there = regionsIn(factsIn(resource));
  const included = latestIn(body);
  const held = regionsIn(factsIn(body)).filter(
    (name) => !there.includes(name) && !included.includes(name),
  );
  return held.length === 0
    ? {}
    : {
        release: {
          kind: "exclude",
          by: record?.release?.by ?? "request",
          regions: held,
        },
      };
}

/** A flag or rule that a patch says in so many words. */
function latestByPatch(
  { patch, body }: Asking,
  { resource }: Look,
  record: ImageVersionRecord | undefined,
): OfLatest {
  const stated = statedBy(patch, fieldsOf(body), "lists");
  const excluded = stated[EXCLUDE_FROM_LATEST];
  const isOfRegions = Object.keys(stated).some(
    (field) =>
      regionOfFlag(field) !== undefined &&
      !sameAt(field, factsIn(body)[field], factsIn(resource)[field]),
  );
  if (isOfRegions)
    return {
      release: { kind: "set", release: releaseOf(body, "person") },
      endsRule: true,
    };
  if (typeof excluded === "boolean")
    return {
      release: excluded
        ? { kind: "exclude", by: "person" }
        : { kind: "include", by: "person" },
      endsRule: true,
    };
  if (!(PROMOTION in stated)) return {};
  const rule = (stated[PROMOTION] ?? undefined) as PromotionRule | undefined;
  const before = record?.release ?? releaseOf(resource);
  // A rule takes nothing out of latest.
  if (rule === undefined || latestIn(resource).length > 0)
    return {
      release: { kind: "set", release: { ...before, by: "request" } },
    };
  return {
    release: {
      kind: "set",
      release: { in: "none", but: before.but, by: "rule" },
    },
  };
}

/** A PUT does not bring forward the end of life: retention deletes by it. Who sends an ETag has seen it. */
function withoutEarlierEnd(
  { body, command: { ifMatch } }: Asking,
  patch: Patch,
  { resource }: Look,
): { readonly patch: Patch; readonly stays: readonly RuleFinding[] } {
  const said = patch[END_OF_LIFE_DATE];
  const shown = resource.properties.publishingProfile?.endOfLifeDate;
  if (
    typeof said !== "string" ||
    namesOne(ifMatch) ||
    (shown !== undefined && Date.parse(said) >= Date.parse(shown))
  )
    return { patch, stays: [] };
  const { [END_OF_LIFE_DATE]: _, ...kept } = patch;
  return {
    patch: kept,
    stays: [
      {
        rule: "end-of-life-stays",
        code: "EndOfLifeStays",
        severity: "warning",
        pointer: pointerTo(body, END_OF_LIFE_DATE),
        message: `The end of life of the version stays ${shown ?? "open"}: a PUT does not bring it forward, because retention deletes by it.`,
        remediation: `To bring it forward, send a PATCH with {"properties": {"publishingProfile": {"endOfLifeDate": "${said}"}}}.`,
      },
    ],
  };
}

/** Where the body says otherwise than Azure shows whether the version is in latest. */
function stayingFlags(
  body: ImageVersionRequest,
  { resource }: Look,
): readonly RuleFinding[] {
  const facts = factsIn(resource);
  const says = fieldsOf(body);
  const found = regionsIn(says).flatMap((region) => {
    const flag = exclusionIn(region);
    const field = flag in says ? flag : EXCLUDE_FROM_LATEST;
    const own = says[field];
    const shown = facts[flag];
    return own === undefined || shown === undefined || own === shown
      ? []
      : [{ region, own, field }];
  });
  return [false, true].flatMap((says): RuleFinding[] => {
    const those = found.filter(({ own }) => own === says);
    const [first] = those;
    if (first === undefined) return [];
    const names = those.map(({ region }) => region).join(", ");
    return [
      {
        rule: says ? "stays-included" : "stays-excluded",
        code: says ? "StaysIncluded" : "StaysExcluded",
        severity: "warning",
        pointer: pointerTo(body, first.field),
        message: `The version is ${says ? "in" : "held back from"} latest in ${names}, and stays so: a PUT of a version that is there does not say where it is in latest.`,
        remediation: says
          ? "To take it out of latest, demote it (POST …/demote), or send a PATCH with excludeFromLatest true."
          : "To make it the latest, promote it (POST …/promote), or send a PATCH with excludeFromLatest false.",
      },
    ];
  });
}

function ruleStays(): RuleFinding {
  return {
    rule: "rule-stays",
    code: "RuleStays",
    severity: "warning",
    pointer: PROMOTION,
    message:
      "The promotion rule of the version stays as it is: a PUT of a version that is there does not change it.",
    remediation:
      'To change the rule, send a PATCH with {"sigil": {"promotion": …}}.',
  };
}
