/**
 * The one room that reads and writes `excludeFromLatest`. Everywhere else a version is a set of fields in which each region says by
 * itself whether it is passed over: the version's own flag is only a way to write that. Pure.
 *
 *   version  westus  eastus2      in latest
 *   –        –       true         westus             "the regional flag takes precedence" (Azure Compute Gallery, best practices)
 *   true     –       false        eastus2
 *   true     –       –            nowhere
 *
 * Invariants:
 *  1. `latestIn` is the one answer to where a version is in latest, `flagsFor` the one that sets flags.
 *  2. A version that is in latest as it shall be is sent with the flags that it has.
 */
import { omit } from "../../objects.js";
import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionRequest, TargetRegion } from "../contract.js";
import { patched } from "../properties/body.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import { fieldsOf, regionField, regionOf, regionsIn, type Fields } from "../properties/fields.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";
import { unmetBy, type Patch } from "../properties/patch.js";

/** Canonical regions where a machine without a version number may get the version, ready or not. */
export function latestIn(resource: ImageVersionRequest): readonly string[] {
  return targetRegionsOf(resource)
    .filter((region) => !isExcluded(resource, region))
    .map(({ name }) => canonicalRegion(name));
}

/** Canonical regions that the body itself excludes. */
export function heldBackBy(body: ImageVersionRequest): readonly string[] {
  return targetRegionsOf(body)
    .filter(({ excludeFromLatest }) => excludeFromLatest === true)
    .map(({ name }) => canonicalRegion(name));
}

/** Each region's own flag, by canonical region; regions without one are left out. */
export function ownFlagsOf(resource: ImageVersionRequest): Readonly<Record<string, boolean>> {
  return Object.fromEntries(
    targetRegionsOf(resource).flatMap(({ name, excludeFromLatest }) =>
      excludeFromLatest === undefined ? [] : [[canonicalRegion(name), excludeFromLatest]],
    ),
  );
}

/**
 * Canonical regions of `before` whose own flag others set to true since then. `changes` is what
 * Sigil sent meanwhile: once `after` shows any of it, the flags of that body are Sigil's.
 */
export function heldAnew(
  before: ImageVersionRequest,
  after: ImageVersionRequest,
  changes: Patch = {},
): readonly string[] {
  const had = ownFlagsOf(before);
  const there = regionsIn(fieldsOf(before));
  const anew = heldBackBy(after).filter((name) => there.includes(name) && had[name] !== true);
  if (anew.length === 0) return anew;
  const isSent = unmetBy(shownFields(after), changes).length < Object.keys(changes).length;
  if (!isSent) return anew;
  const sent = ownFlagsOf(bodyOf(before, changes));
  return anew.filter((name) => sent[name] !== true && changes[exclusionIn(name)] !== true);
}

function isExcluded(
  { properties: { publishingProfile } }: ImageVersionRequest,
  { excludeFromLatest }: TargetRegion,
): boolean {
  return excludeFromLatest ?? publishingProfile?.excludeFromLatest === true;
}

/** The field that excludes a canonical region from latest. */
export function exclusionIn(region: string): string {
  return `${regionField(region)}/excludeFromLatest`;
}

/** The region of a flag; undefined: the field is not a region's flag. */
export function regionOfFlag(field: string): string | undefined {
  const region = regionOf(field);
  return region !== undefined && field === exclusionIn(region) ? region : undefined;
}

/** Whether the field is the flag of a region or of the version. */
export function isFlag(field: string): boolean {
  return field === EXCLUDE_FROM_LATEST || regionOfFlag(field) !== undefined;
}

const known = new WeakMap<ImageVersionRequest, Fields>();

/** The fields of a version, with a flag of its own for each region. */
export function shownFields(resource: ImageVersionRequest): Fields {
  const found = known.get(resource);
  if (found !== undefined) return found;
  const fields = omit(fieldsOf(resource), EXCLUDE_FROM_LATEST);
  const flags = targetRegionsOf(resource).map((region) => [
    exclusionIn(canonicalRegion(region.name)),
    isExcluded(resource, region),
  ]);
  const shown = { ...fields, ...Object.fromEntries(flags) } as Fields;
  known.set(resource, shown);
  return shown;
}

/** The flags that put exactly the `included` of these regions into latest. */
export function flagsFor(included: readonly string[], regions: readonly string[]): Patch {
  return Object.fromEntries(regions.map((name) => [exclusionIn(name), !included.includes(name)]));
}

/** The patch without flags of latest. */
export function withoutFlags(patch: Patch): Patch {
  return Object.fromEntries(Object.entries(patch).filter(([field]) => !isFlag(field)));
}

/**
 * The document with the flags that put exactly these canonical regions into latest. Invariant 2.
 */
export function withLatest(
  resource: ImageVersionRequest,
  included: readonly string[],
): ImageVersionRequest {
  const targets = targetRegionsOf(resource);
  const isIn = ({ name }: TargetRegion): boolean => included.includes(canonicalRegion(name));
  const excluded = !targets.some(isIn);
  const isSaid = targets.every((region) => isExcluded(resource, region) !== isIn(region));
  const { publishingProfile } = resource.properties;
  const profile = isSaid
    ? {
        ...publishingProfile,
        excludeFromLatest: publishingProfile?.excludeFromLatest ?? false,
      }
    : {
        ...publishingProfile,
        excludeFromLatest: excluded,
        targetRegions: targets.map((region) => flagged(region, isIn(region), excluded)),
      };
  return {
    ...resource,
    properties: { ...resource.properties, publishingProfile: profile },
  };
}

/** The resource with the patch applied, in latest as its flags say. */
export function bodyOf(
  resource: ImageVersionRequest | undefined,
  patch: Patch,
): ImageVersionRequest {
  return withLatest(patched(resource, withoutFlags(patch)), latestIn(patched(resource, patch)));
}

/** Beside the version's flag a region says what is otherwise there, and says anew what it has said: Azure may keep what is left out. */
function flagged(
  { excludeFromLatest: own, ...region }: TargetRegion,
  isIn: boolean,
  excluded: boolean,
): TargetRegion {
  return own === undefined && isIn === !excluded ? region : { ...region, excludeFromLatest: !isIn };
}
