import { escapePointer } from "../errors.js";
import { canonicalForm, comparable } from "./canonical-form.js";
import type { ImageVersionRequest } from "./contract.js";
import type { ObservedImageVersion } from "./ports.js";

/** One property that a request creates, modifies or deletes, in the words of ARM's what-if. */
export interface PropertyChange {
  /** RFC 6901, into the request; of a deleted item, the list that it leaves. */
  readonly pointer: string;
  readonly propertyChangeType: "Create" | "Modify" | "Delete";
  readonly before?: unknown;
  readonly after?: unknown;
}

/** What a new version is compared with, so that each of its regions and disks is a change of its own. */
const NOTHING: ImageVersionRequest = {
  properties: {
    publishingProfile: { targetRegions: [] },
    storageProfile: { dataDiskImages: [] },
  },
} as unknown as ImageVersionRequest;

/** What makes the one canonical request out of the other; regions and data disks are matched by name and LUN. */
export function changesBetween(
  existing: ImageVersionRequest | undefined,
  wanted: ImageVersionRequest,
): PropertyChange[] {
  return compare(
    "",
    comparable("", existing ?? NOTHING),
    comparable("", wanted),
  );
}

/** What a request changes of a version that ARM shows. What ARM has beyond the request stays, but for a region. */
export function changesOf(
  observed: ObservedImageVersion,
  wanted: ImageVersionRequest,
): PropertyChange[] {
  const { location, tags, properties } = observed.request;
  const { publishingProfile, storageProfile, safetyProfile } = properties;
  const existing = canonicalForm({
    location,
    ...(tags && { tags }),
    properties: {
      ...(publishingProfile && { publishingProfile }),
      ...(safetyProfile && { safetyProfile }),
      storageProfile,
    },
  });
  return changesBetween(existing, wanted).filter(
    ({ propertyChangeType, pointer }) =>
      propertyChangeType !== "Delete" || pointer.endsWith("/targetRegions"),
  );
}

function compare(
  pointer: string,
  before: unknown,
  after: unknown,
): PropertyChange[] {
  if (Array.isArray(before) && Array.isArray(after)) {
    const named = new Map<string | number, unknown>(
      before.map((item, i) => [identityOf(item) ?? i, item as unknown]),
    );
    const changes = after.flatMap((item: unknown, i) => {
      const identity = identityOf(item) ?? i;
      const existing = named.get(identity);
      named.delete(identity);
      return compare(`${pointer}/${i}`, existing, item);
    });
    return [
      ...changes,
      ...[...named.values()].flatMap((item) =>
        compare(pointer, item, undefined),
      ),
    ];
  }
  if (isObject(before) && isObject(after)) {
    return [
      ...new Set([...Object.keys(before), ...Object.keys(after)]),
    ].flatMap((key) =>
      compare(`${pointer}/${escapePointer(key)}`, before[key], after[key]),
    );
  }
  if (before === after) return [];
  if (before === undefined)
    return [{ pointer, propertyChangeType: "Create", after }];
  if (after === undefined)
    return isEmptyList(before)
      ? []
      : [{ pointer, propertyChangeType: "Delete", before }];
  return [{ pointer, propertyChangeType: "Modify", before, after }];
}

/** What tells an item of a list from the others: a region's name, a data disk's LUN; undefined of anything else. */
export function identityOf(item: unknown): string | undefined {
  if (isObject(item) && typeof item["name"] === "string") {
    // A region may have several edge zones: there the zone is the identity.
    const zone = item["extendedLocation"];
    return isObject(zone) && typeof zone["name"] === "string"
      ? `"${item["name"]}" (${zone["name"]})`
      : `"${item["name"]}"`;
  }
  return isObject(item) && typeof item["lun"] === "number"
    ? `LUN ${item["lun"]}`
    : undefined;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
