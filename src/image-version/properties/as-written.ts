/** What a plan says of a request, in the spelling in which its caller wrote it. */
import { isDeepStrictEqual } from "node:util";
import type { Finding } from "../../errors.js";
import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { PropertyChange } from "./changes.js";

/** A change whose new value is what the canonical request has there, with that value as the body has it. */
export function changeAsWritten(
  change: PropertyChange,
  request: ImageVersionRequest,
  body: ImageVersionRequest,
): PropertyChange {
  const { pointer, after } = change;
  return after !== undefined && isDeepStrictEqual(at(request, pointer), after)
    ? { ...change, after: overlaid(after, at(body, pointer)) }
    : change;
}

/** A finding whose message names regions as they are here; canonical names that these do not spell stay. */
export function findingAsWritten<F extends Finding>(finding: F, names: readonly string[]): F {
  // A tag's value may be any word.
  if (finding.pointer.startsWith("/tags")) return finding;
  const written = new Map(names.map((name) => [canonicalRegion(name), name] as const).reverse());
  const message = finding.message.replace(
    // Not what is part of an id, a path or a command.
    /(?<![\w./=-])[a-z0-9]+(?![\w/-])/gu,
    (word) => written.get(word) ?? word,
  );
  return { ...finding, message };
}

/** Names of regions in a body, in the order in which they are read. */
export function regionNamesIn({
  location,
  properties: { publishingProfile },
}: ImageVersionRequest): readonly string[] {
  const { targetRegions = [] } = publishingProfile ?? {};
  return [...targetRegions.map(({ name }) => name), location];
}

/** What the canonical value has; where both have something, as it is written. */
function overlaid(canonical: unknown, written: unknown): unknown {
  if (written === undefined || written === null) return canonical;
  if (Array.isArray(canonical))
    return canonical.map((item: unknown, i) => overlaid(item, (written as readonly unknown[])[i]));
  if (typeof canonical !== "object" || canonical === null) return written;
  return Object.fromEntries(
    Object.entries(canonical).map(([name, value]) => [
      name,
      overlaid(value, (written as Readonly<Record<string, unknown>>)[name]),
    ]),
  );
}

/** What a document has at an RFC 6901 pointer. */
function at(document: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce(
      (value, part) => (value as Readonly<Record<string, unknown>> | undefined)?.[part],
      document,
    );
}
