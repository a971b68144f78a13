/** Reads from Azure Resource Manager's answers how many calls are left. */
import type { ArmResponse } from "./errors.js";

const REMAINING = "x-ms-ratelimit-remaining-";

interface Quota {
  /** ARM's name, such as `subscription-reads` or `Microsoft.Compute/GetGalleryImageVersion3Min`. */
  readonly limit: string;
  readonly remaining: number;
}

/**
 * Each limit has a header, except Compute's: `…-resource` lists them as `policy;count`, separated
 * by commas.
 */
export function quotasIn(headers: ArmResponse["headers"]): readonly Quota[] {
  return [...headers]
    .filter(([name]) => name.toLowerCase().startsWith(REMAINING))
    .flatMap(([name, value]) => {
      const limit = name.toLowerCase().slice(REMAINING.length);
      return limit === "resource"
        ? value.split(",").map((policy) => {
            const [name = "", count] = policy.trim().split(";");
            return { limit: name, remaining: Number(count) };
          })
        : [{ limit, remaining: Number(value) }];
    })
    .filter(({ remaining }) => Number.isFinite(remaining));
}

/** The subscription in a resource id or path, in lower case; undefined if it has none. */
export function subscriptionIn(path: string): string | undefined {
  return /^\/subscriptions\/([^/]+)/iu.exec(path)?.[1]?.toLowerCase();
}
