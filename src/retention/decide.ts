/**
 * Decides which versions of an image definition a policy deletes, and why. Pure. Even a wrong
 * policy must not delete anything that virtual machines are created from. Invariants:
 *  1. A version is deleted only if it is Succeeded both for Sigil, by its last operation, and for
 *     Azure. A version with running work, a failed one, or one missing from either is left to
 *     people. So is the target of a running rollback.
 *  2. The latest version is never deleted, not even that of a single region: the highest promoted
 *     one that is ready there, and those above it that may still become ready. Version and region
 *     can each be excluded from latest.
 *  3. No rule deletes a version before its end of life and the grace time after it.
 *  4. No rule deletes the newest promoted versions that `keepNewestPromoted` counts. Newest means
 *     by number and by publication: a patch of an old line is new, and so is the head of the newest
 *     line.
 *  5. A version that is excluded from latest is deleted only for its end of life, because it may be
 *     waiting for its promotion.
 *  6. A version with an unreadable date is kept.
 *  7. No rule deletes a protected version.
 * A promoted version is one that Azure shows as Succeeded and not excluded from latest. Versions
 * that others deleted or excluded in Azure no longer count.
 */
import { isFinal, type ImageVersionRecord } from "../image-version/index.js";
import { compareVersionNumbers } from "../version-numbers.js";
import type { RetentionRules } from "./ports.js";

const DAY_MS = 86_400_000;

/** A version that both Sigil and Azure have. */
export interface RetainedVersion {
  readonly id: string;
  readonly name: string;
  /** As Azure shows it, like the next three members. */
  readonly provisioningState: string;
  /** Canonical regions. */
  readonly latestIn: readonly string[];
  readonly endOfLifeDate?: string;
  /** RFC 3339. */
  readonly publishedDate?: string;
  /** Protected from deletion through Sigil. */
  readonly protected: boolean;
  /** True if a running rollback will make it the latest. */
  readonly isRollbackTarget: boolean;
  readonly state: ImageVersionRecord["state"];
  /** When it was first requested; RFC 3339. */
  readonly createdTime: string;
  /** Canonical regions that Sigil has seen Completed. */
  readonly readyRegions: readonly string[];
}

/** Why a version is deleted or kept, for the API. */
type RetentionCode =
  // Deleted.
  | "PastEndOfLife"
  | "BeyondNewestPromoted"
  // Kept.
  | "OperationRunning"
  | "NotSucceeded"
  | "Latest"
  | "LatestInRegion"
  | "AmongNewestPromoted"
  | "BeforeEndOfLife"
  | "Protected"
  | "Revoked"
  | "InUse"
  | "UseUnknown"
  | "KeptByAzure"
  | "NoRuleApplies";

/** What happens to one version, and why. */
export interface Decision {
  readonly version: RetainedVersion;
  readonly deletes: boolean;
  readonly code: RetentionCode;
  readonly reason: string;
}

/** One decision for each version, lowest number first. */
export function decide(
  rules: RetentionRules,
  versions: readonly RetainedVersion[],
  now: Date,
): readonly Decision[] {
  const ascending = [...versions].sort((a, b) => compareVersionNumbers(a.name, b.name));
  const { latest, guarded, newest } = foremost(rules, ascending);
  return ascending.map((version) => {
    const kept = (code: RetentionCode, reason: string): Decision => ({
      version,
      deletes: false,
      code,
      reason,
    });
    const deleted = (code: RetentionCode, reason: string): Decision => ({
      ...kept(code, reason),
      deletes: true,
    });
    const { state, provisioningState, endOfLifeDate } = version;
    const isHeld = version.latestIn.length === 0;
    // Invariant 1.
    if (!isFinal(state))
      return kept("OperationRunning", `An operation on it is running: ${state}.`);
    if (version.isRollbackTarget)
      return kept("OperationRunning", "It is the target of a running rollback.");
    if (state !== "Succeeded")
      return kept(
        "NotSucceeded",
        `The last operation on it ended ${state}. Check it, and repair or delete it by hand.`,
      );
    if (provisioningState !== "Succeeded")
      return kept("NotSucceeded", `Azure shows it as ${provisioningState}.`);
    // Invariant 2.
    if (version === latest)
      return kept(
        "Latest",
        "The latest: virtual machines created without a version number get it.",
      );
    const regions = guarded.get(version);
    if (regions !== undefined)
      return kept("LatestInRegion", `The latest in ${regions.join(", ")}.`);
    // Invariant 7.
    if (version.protected)
      return kept(
        "Protected",
        "It is protected from deletion, until an Admin removes the protection.",
      );
    // Invariant 4.
    if (newest.has(version))
      return kept(
        "AmongNewestPromoted",
        `Among the newest ${rules.keepNewestPromoted} promoted, by number or by publication.`,
      );
    // Invariants 3 and 6.
    const days = rules.deleteAfterEndOfLifeDays;
    if (endOfLifeDate !== undefined) {
      const withGrace = days ? ` and ${days} days of grace` : "";
      const end = Date.parse(endOfLifeDate) + (days ?? 0) * DAY_MS;
      if (!(end <= now.getTime()))
        return kept(
          "BeforeEndOfLife",
          `Its end of life is in the future: ${endOfLifeDate}${withGrace}.`,
        );
      if (days !== undefined)
        return deleted(
          "PastEndOfLife",
          `Its end of life is in the past: ${endOfLifeDate}${withGrace}.`,
        );
    }
    // Invariant 5.
    if (rules.keepNewestPromoted !== undefined && !isHeld)
      return deleted(
        "BeyondNewestPromoted",
        `Not among the newest ${rules.keepNewestPromoted} promoted, by number or by publication.`,
      );
    return kept(
      "NoRuleApplies",
      [
        isHeld
          ? "It is excluded from latest: it may still be promoted."
          : "The policy keeps promoted versions.",
        endOfLifeDate === undefined
          ? "It has no end of life."
          : "The policy does not delete by end of life.",
      ].join(" "),
    );
  });
}

/**
 * The names of the versions that all deletions rest on. Pure. `decide` deletes the same others,
 * whether or not any further version is promoted.
 */
export function deciding(
  rules: RetentionRules,
  versions: readonly RetainedVersion[],
): readonly string[] {
  const ascending = [...versions].sort((a, b) => compareVersionNumbers(a.name, b.name));
  // The latest is also the latest in a region.
  const { guarded, newest } = foremost(rules, ascending);
  return [...new Set([...guarded.keys(), ...newest])].map(({ name }) => name);
}

/** The latest version, the latest versions by region, and the newest ones to keep. */
function foremost(rules: RetentionRules, ascending: readonly RetainedVersion[]) {
  const promoted = ascending.filter(isPromoted).reverse();
  return {
    latest: promoted[0],
    guarded: latestInRegions(promoted),
    newest: newestOf(promoted, rules.keepNewestPromoted ?? 0),
  };
}

function isPromoted(version: RetainedVersion): boolean {
  return (
    version.state === "Succeeded" &&
    version.provisioningState === "Succeeded" &&
    version.latestIn.length > 0
  );
}

/** The regions where each version is, or may become, the latest. `promoted` is highest first. */
function latestInRegions(
  promoted: readonly RetainedVersion[],
): ReadonlyMap<RetainedVersion, readonly string[]> {
  const settled = new Set<string>();
  const guarded = new Map<RetainedVersion, readonly string[]>();
  for (const version of promoted) {
    const regions = version.latestIn.filter((name) => !settled.has(name));
    if (regions.length > 0) guarded.set(version, regions);
    for (const name of regions) if (version.readyRegions.includes(name)) settled.add(name);
  }
  return guarded;
}

/** `promoted` is highest first. */
function newestOf(
  promoted: readonly RetainedVersion[],
  count: number,
): ReadonlySet<RetainedVersion> {
  const time = ({ publishedDate, createdTime }: RetainedVersion): number =>
    // A version without a readable time counts as new.
    Date.parse(publishedDate ?? createdTime) || Infinity;
  const byTime = [...promoted].sort((a, b) => (time(a) === time(b) ? 0 : time(b) - time(a)));
  return new Set([...promoted.slice(0, count), ...byTime.slice(0, count)]);
}
