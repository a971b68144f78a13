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
  factsIn,
  latestIn,
  regionOfFlag,
  withLatest,
  withoutFlags,
} from "../latest/flags.js";
import {
  createdAs,
  isReleased,
  released,
  releasedIn,
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
import {
  latestToBe,
  openRequests,
  ownAsked,
  patchOf,
  releaseToBe,
} from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";
import type { Glance } from "./acceptance.js";
import { ruleStays, stayingFlags } from "../state/staying.js";
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
  const { [PROMOTION]: said, ...silent } = all;
  const isAnew = record?.release?.by === "cancel";
  const [rule, others] = isAnew ? [undefined, all] : [said, silent];
  const kept = withoutEarlierEnd(request, others, look);
  return {
    patch: withoutFlags(kept.patch),
    ...latestByBody(body, look, record),
    ...(isWhole && { adopts: true }),
    stays: [
      ...kept.stays,
      ...stayingFlags(body, look.resource),
      ...(rule === undefined ? [] : [ruleStays()]),
    ],
  };
}

/** Azure has no such version: the body says all that it shall be, but for latest where another that is open creates it. */
function creation(
  { body, removeRegions }: Asking,
  record: ImageVersionRecord | undefined,
): Asked {
  const [other] = (record ? openRequests(record) : []).flatMap(
    ([, { creates, body: made }]) => (creates === true && made ? [made] : []),
  );
  return {
    // Another that is creating it may have what this one removes.
    patch: without(withoutFlags(fieldsOf(body)), removeRegions),
    ...(other === undefined && {
      release: { kind: "set", release: createdAs(body) },
    }),
    stays: other === undefined ? [] : stayingFlags(body, asCreated(other)),
  };
}

function asCreated(body: ImageVersionRequest): ImageVersionRequest {
  const regions = regionsIn(factsIn(body));
  return withLatest(body, releasedIn(createdAs(body), regions));
}

/** Invariants 1 and 2. */
function saidByBody(
  { body, removeRegions, glance }: Asking,
  shown: Fields,
  record: ImageVersionRecord | undefined,
): Patch {
  const fields = withoutFlags(fieldsOf(body));
  const open = openPatchOf(record);
  const leaving = removedBy(open);
  const said = Object.entries(fields).filter(
    ([field, value]) =>
      leaving.some((name) => field === `${regionField(name)}/name`) ||
      isOtherwise(field, value, open) ||
      !sameAt(field, valueAt(shown, field), value) ||
      (!isSure(glance) && propertyOf(field).mutability === "mutable"),
  );
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
  { body, removeRegions, patch, glance }: Asking,
  shown: Fields,
  record: ImageVersionRecord | undefined,
): Patch {
  const fields = fieldsOf(body);
  const changes = askedOfSeen(shown, { ...fields, ...factsIn(body) });
  const { look } = glance;
  if (patch === undefined || look === undefined)
    return without(changes, removeRegions);
  const open = openPatchOf(record);
  const stated = Object.entries(statedBy(patch, fields)).filter(
    ([field, value]) =>
      !isSure(glance) ||
      !sameAt(field, valueAt(shown, field), value ?? undefined) ||
      isOtherwise(field, value, open),
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

/** What Azure shows is certain: a fact, and ARM is not at work on it. Invariant 1. */
function isSure({ look, seen }: Glance): boolean {
  return seen && look !== undefined && !isBusy(look);
}

/** Open operations ask it, and otherwise. */
function isOtherwise(field: string, value: unknown, open: Patch): boolean {
  const other = nameIn(open, field);
  return (
    other !== undefined &&
    !sameAt(field, open[other] ?? undefined, value ?? undefined)
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
    return { release: { kind: "set", release: createdAs(body) } };
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
  if (excluded === true)
    return { release: { kind: "exclude", by: "person" }, endsRule: true };
  const toBe = latestToBe(record, resource);
  const before = releaseToBe(record, resource);
  const regions = regionsIn({ ...factsIn(resource), ...factsIn(body) });
  const include = { kind: "include", by: "person" } as const;
  const from = excluded === false ? released(before, include, regions) : before;
  // Silence of a region in the list of a patch says nothing of it.
  const says = Object.entries(stated).flatMap(([field, value]) => {
    const region = regionOfFlag(field);
    return region === undefined ||
      isReleased(from, region) === (value === false)
      ? []
      : [{ region, isIn: value === false }];
  });
  if (says.length > 0)
    return {
      release: { kind: "set", release: withSaid(from, says, regions) },
      endsRule: true,
    };
  if (excluded === false) return { release: include, endsRule: true };
  if (!(PROMOTION in stated)) return {};
  const rule = (stated[PROMOTION] ?? undefined) as PromotionRule | undefined;
  // A rule takes nothing out of latest.
  if (rule === undefined || toBe.length > 0)
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

function withSaid(
  before: Release,
  says: readonly { readonly region: string; readonly isIn: boolean }[],
  regions: readonly string[],
): Release {
  const after = says.reduce<Release>(
    (release, { region, isIn }) =>
      released(
        release,
        { kind: isIn ? "include" : "exclude", by: "person", regions: [region] },
        regions,
      ),
    before,
  );
  return releasedIn(after, regions).length === 0
    ? { in: "none", but: [], by: "person" }
    : after;
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
