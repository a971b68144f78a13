/**
 * What a query shows of a version, from a stored record or the copy of it in the listing's row, and
 * its filters. Pure. Invariants:
 *  1. A copy says what its record says. Without one, or with another form, the record is read.
 *  2. A region that was not seen is Unknown, and no version is known to be the latest there.
 */
import { canonicalRegion } from "../../resource-id.js";
import { compareVersionNumbers } from "../../version-numbers.js";
import type { FoundImageVersionView } from "../contract.js";
import { latestIn } from "../latest/flags.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import type { Seen } from "../resources.js";
import { isManaged } from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";

const FORM = 1;
/** A version with longer tags has no copy. */
const MOST_TAG_BYTES = 512;
const DAY_MS = 86_400_000;

/** Without what depends on other versions. */
export type Found = Omit<FoundImageVersionView, "id" | "latestIn">;

export interface VersionFilters {
  readonly version?: string | undefined;
  readonly latest?: boolean | undefined;
  readonly latestIn?: string | undefined;
  readonly in?: string | undefined;
  readonly notIn?: string | undefined;
  /** Such as `P60D`. */
  readonly olderThan?: string | undefined;
  readonly endOfLifeBefore?: string | undefined;
  /** `name=value`. */
  readonly tag?: string | undefined;
}

/** Undefined: Azure was not seen to have it. */
export function foundIn(record: ImageVersionRecord): Found | undefined {
  const { status } = record;
  if (status === undefined) return undefined;
  const { resource, provisioningState, publishedDate, regions } = status;
  const { tags = {} } = resource;
  const profile = resource.properties.publishingProfile;
  const included = latestIn(resource);
  return {
    managedBy: isManaged(record) ? "Sigil" : "Others",
    provisioningState,
    ...(publishedDate !== undefined && { publishedDate }),
    ...(profile?.endOfLifeDate !== undefined && { endOfLifeDate: profile.endOfLifeDate }),
    ...(Object.keys(tags).length > 0 && { tags }),
    ...(regions.length > 0 && { seenTime: status.regionsTime ?? status.time }),
    regions: targetRegionsOf(resource).map((target) => {
      const name = canonicalRegion(target.name);
      const replicas = target.regionalReplicaCount ?? profile?.replicaCount;
      return {
        name,
        state: regions.find((region) => region.name === name)?.state ?? "Unknown",
        excludeFromLatest: !included.includes(name),
        ...(replicas !== undefined && { regionalReplicaCount: replicas }),
      };
    }),
  };
}

/** The copy in the row; undefined: none, as while an operation is open or Azure's state in doubt. */
export function shownText(record: ImageVersionRecord): string | undefined {
  if (!isFinal(record.state) || record.unconfirmed !== undefined) return undefined;
  const found = foundIn(record);
  if (Buffer.byteLength(JSON.stringify(found?.tags ?? {})) > MOST_TAG_BYTES) return undefined;
  return JSON.stringify({ form: FORM, ...(found && { found }) });
}

/** Undefined: the record is read. */
export function readShown(text: string | undefined): { readonly found?: Found } | undefined {
  if (text === undefined) return undefined;
  const shown = JSON.parse(text) as { readonly form: number; readonly found?: Found };
  return shown.form === FORM ? shown : undefined;
}

/** With the regions of a newer look at the same version, if there is one. */
export function withSeen(found: Found, seen: Seen | undefined): Found {
  if (seen?.publishedDate !== found.publishedDate || seen === undefined) return found;
  if (Date.parse(seen.time) <= Date.parse(found.seenTime ?? "1970-01-01")) return found;
  return {
    ...found,
    seenTime: seen.time,
    regions: found.regions.map((region) => ({
      ...region,
      state: seen.regions.find(({ name }) => name === region.name)?.state ?? "Unknown",
    })),
  };
}

/** The versions of one image definition that match every filter. */
export function find(
  imageId: string,
  versions: ReadonlyMap<string, Found>,
  filters: VersionFilters,
  now: Date,
): readonly FoundImageVersionView[] {
  const decided = new Set<string>();
  return [...versions]
    .sort(([a], [b]) => compareVersionNumbers(b, a))
    .map(([name, found]) => {
      const { provisioningState, regions } = found;
      const mayBe = regions.filter(
        ({ name: region, state, excludeFromLatest }) =>
          (state === "Completed" || state === "Unknown") &&
          !excludeFromLatest &&
          provisioningState !== "Deleting" &&
          !decided.has(region),
      );
      for (const region of mayBe) decided.add(region.name); // Invariant 2.
      const latest = mayBe.filter(({ state }) => state === "Completed").map((one) => one.name);
      return { id: `${imageId}/versions/${name}`, latestIn: latest, ...found };
    })
    .filter((version) => isMatch(version, filters, now));
}

function isMatch(version: FoundImageVersionView, filters: VersionFilters, now: Date): boolean {
  const { id, latestIn, publishedDate, endOfLifeDate } = version;
  const { latest, in: present, notIn: absent, olderThan, endOfLifeBefore, tag } = filters;
  const isIn = (region: string): boolean =>
    version.regions.some(({ name }) => name === canonicalRegion(region));
  const isBefore = (date: string | undefined, ms: number): boolean =>
    date !== undefined && Date.parse(date) < ms;
  return (
    isNamed(id.split("/").at(-1) ?? "", filters.version) &&
    (latest === undefined || latestIn.length > 0 === latest) &&
    (filters.latestIn === undefined || latestIn.includes(canonicalRegion(filters.latestIn))) &&
    (present === undefined || isIn(present)) &&
    (absent === undefined || !isIn(absent)) &&
    (olderThan === undefined ||
      isBefore(publishedDate, now.getTime() - Number(olderThan.slice(1, -1)) * DAY_MS)) &&
    (endOfLifeBefore === undefined || isBefore(endOfLifeDate, Date.parse(endOfLifeBefore))) &&
    (tag === undefined || isTagged(version, tag))
  );
}

function isTagged({ tags = {} }: FoundImageVersionView, tag: string): boolean {
  const at = tag.indexOf("=");
  const name = tag.slice(0, at).toLowerCase();
  return Object.entries(tags).some(
    ([key, value]) => key.toLowerCase() === name && value === tag.slice(at + 1),
  );
}

/** Whether a name matches, in either case; `*` stands for any characters. */
export function isNamed(name: string, pattern = "*"): boolean {
  const [first = "", ...rest] = pattern.toLowerCase().split("*");
  const text = name.toLowerCase();
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
