import { createHash } from "node:crypto";
import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionRequest, TargetRegion } from "../contract.js";
import { comparableAt, fieldsOf, propertyOf } from "./fields.js";
import { isKnown, isMap, propertyAt } from "./table.js";

/** Present even when empty, so that a rule can report what is missing inside. */
const REQUIRED = new Set([
  "/properties",
  "/properties/storageProfile",
  "/properties/publishingProfile/targetRegions",
]);

/**
 * The canonical form of a request, or of ARM's resource: one spelling for each property, no
 * read-only members, and the defaults of the publishing profile repeated in each region. Lists keep
 * the caller's order, so that a pointer into the canonical form is a pointer into the request.
 */
export function canonicalForm(body: ImageVersionRequest): ImageVersionRequest {
  const form = spelled("", body) as ImageVersionRequest;
  const { publishingProfile: profile = {}, ...properties } = form.properties ?? {};
  const { replicaCount, storageAccountType, targetRegions } = profile;
  return {
    ...form,
    properties: {
      ...properties,
      storageProfile: properties.storageProfile ?? {},
      publishingProfile: {
        ...profile,
        targetRegions: (targetRegions ?? [{ name: form.location }]).map((region) => ({
          ...(replicaCount !== undefined && {
            regionalReplicaCount: replicaCount,
          }),
          ...(storageAccountType && { storageAccountType }),
          ...region,
        })),
      },
    },
  };
}

/** The regions of a canonical request. */
export function targetRegionsOf(request: ImageVersionRequest): readonly TargetRegion[] {
  return request.properties.publishingProfile?.targetRegions ?? [];
}

/** The canonical names of its target regions. */
export function regionsOf(version: ImageVersionRequest): readonly string[] {
  return targetRegionsOf(version).map(({ name }) => canonicalRegion(name));
}

/**
 * Equal for two requests with the same meaning: SHA-256 over their sorted fields, without those
 * that only repeat a default. `more`: what else distinguishes requests.
 */
export function fingerprintOf(request: ImageVersionRequest, ...more: readonly unknown[]): string {
  const fields = Object.entries(fieldsOf(request))
    .filter(([path, value]) => {
      const property = propertyOf(path);
      return property.restated === true || value !== property.default;
    })
    .map(([path, value]) => [path, comparableAt(path, value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify(more.length > 0 ? [fields, ...more] : fields))
    .digest("hex");
}

function spelled(path: string, value: unknown): unknown {
  const property = propertyAt(path);
  if (property !== undefined) return property.form.canonical(value);
  if (Array.isArray(value)) return value.map((item: unknown) => spelled(`${path}/*`, item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, item]) => ({
        name,
        place: `${path}/${isMap(path) ? "*" : name}`,
        item: item as unknown,
      }))
      .filter(({ place }) => isKnown(place))
      .map(({ name, place, item }) => [name, place, spelled(place, item)] as const)
      .filter(([, place, item]) => !isEmpty(item) || REQUIRED.has(place))
      .map(([name, , item]) => [name, item]),
  );
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    (typeof value === "object" && Object.keys(value).length === 0)
  );
}
