import type { ImageVersionBody } from "./image-version-shape.js";
import { canonicalRegion } from "./regions.js";
import { resourceKey } from "./resource-id.js";

/** Two bodies are the same request when they differ only in order of members, in case of ids, or in spelling of regions. */
export function fingerprintOf(body: ImageVersionBody): string {
  return JSON.stringify(body, (key, value: unknown) => {
    if (typeof value === "string") {
      if (key === "location" || key === "name") return canonicalRegion(value);
      return /^\/?subscriptions\//iu.test(value) ? resourceKey(value) : value;
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
