/**
 * Where a version is in latest, and by whom: what facts have shown (`record.release`), and what an operation makes of it. Pure.
 * Waves are regions that a rule names one after the other; the version knows none.
 *
 *   created under a rule             { in: none, by: rule }
 *   a wave was promoted              { in: [westus], by: rule }
 *   a person has held eastus2 back   { in: all, but: [eastus2], by: person }
 */
import { shownFields, heldBackBy, latestIn } from "./flags.js";
import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import { regionsIn } from "../properties/fields.js";

/** `rule`: it promotes the version from none to all. The others end that. */
type ReleasedBy = "request" | "rule" | "person" | "deletion" | "cancel";

export interface Release {
  readonly in: "all" | "none" | readonly string[];
  /** Canonical regions that a request excludes, whatever else is in. */
  readonly but: readonly string[];
  readonly by: ReleasedBy;
}

/** An operation's change to the release. */
export type ReleaseChange =
  /**
   * Into latest: in these canonical regions, even if excluded before; absent: in all that are not
   * excluded.
   */
  | {
      readonly kind: "include";
      readonly by: ReleasedBy;
      readonly regions?: readonly string[];
    }
  | {
      readonly kind: "exclude";
      readonly by: ReleasedBy;
      readonly regions?: readonly string[];
    }
  /** A given release: of a creation, or from before a guarded deletion. */
  | { readonly kind: "set"; readonly release: Release };

/** Who makes the change. */
export function saidBy(change: ReleaseChange | undefined): ReleasedBy | undefined {
  return change?.kind === "set" ? change.release.by : change?.by;
}

/**
 * Whether it promotes all regions that are not excluded; by a person, it also starts the next wave.
 */
export function namesNoRegion(change: ReleaseChange | undefined): boolean {
  return change?.kind === "include" && (change.regions === undefined || change.by === "rule");
}

export const EVERYWHERE: Release = { in: "all", but: [], by: "request" };

/** Whether the region is in latest, or will be once it is added. */
export function isReleased({ in: where, but }: Release, region: string): boolean {
  return !but.includes(region) && (where === "all" || (where !== "none" && where.includes(region)));
}

/** The canonical regions, among these, that are in latest. */
export function releasedIn(release: Release, regions: readonly string[]): readonly string[] {
  return regions.filter((region) => isReleased(release, region));
}

/** The release by a version's flags, which others set or changed. */
export function releaseOf(resource: ImageVersionRequest, by: ReleasedBy = "request"): Release {
  const included = latestIn(resource);
  const held = targetRegionsOf(resource)
    .map(({ name }) => canonicalRegion(name))
    .filter((name) => !included.includes(name));
  return included.length === 0 ? { in: "none", but: [], by } : { in: "all", but: held, by };
}

/** The release of a creation with this body; none under a rule. */
export function createdAs(body: ImageVersionRequest): Release {
  return body.sigil?.promotion === undefined
    ? releaseOf(body)
    : { in: "none", but: heldBackBy(body), by: "rule" };
}

/** The release after a change; `regions` are the version's regions then. */
export function released(
  before: Release,
  change: ReleaseChange,
  regions: readonly string[],
): Release {
  switch (change.kind) {
    case "set":
      return change.release;
    case "exclude":
      return change.regions === undefined
        ? { in: "none", but: before.but, by: change.by }
        : {
            in: before.in,
            but: [...new Set([...before.but, ...change.regions])],
            by: change.by,
          };
    case "include":
      return included(before, change, regions);
  }
}

function included(
  before: Release,
  { by, regions: named }: Extract<ReleaseChange, { kind: "include" }>,
  regions: readonly string[],
): Release {
  if (named === undefined) {
    // Regions that requests excluded stay so, unless none would be left.
    const isAny = regions.some((region) => !before.but.includes(region));
    return { in: "all", but: isAny ? before.but : [], by };
  }
  const had = before.in === "none" ? [] : before.in;
  return {
    in: had === "all" ? "all" : [...new Set([...had, ...named])],
    but: before.but.filter((region) => !named.includes(region)),
    by,
  };
}

/**
 * The change that gives the version to the first wave without it; undefined: every wave has it.
 * `but`: regions that it leaves out, unless none would be left.
 */
export function nextWave(
  waves: readonly { readonly regions: readonly string[] }[],
  { resource }: { readonly resource: ImageVersionRequest },
  but: readonly string[] = [],
): Extract<ReleaseChange, { kind: "include" }> | undefined {
  const there = regionsIn(shownFields(resource));
  const included = latestIn(resource);
  const lacking = waves
    .map(({ regions }) =>
      regions
        .map(canonicalRegion)
        .filter((name) => there.includes(name) && !included.includes(name)),
    )
    .filter(({ length }) => length > 0);
  const [next] = lacking;
  if (next === undefined || lacking.length === 1) return undefined;
  const left = next.filter((name) => !but.includes(name));
  const regions = left.length === 0 ? next : left;
  return { kind: "include", by: "rule", regions };
}
