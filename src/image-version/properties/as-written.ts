/** Shows a plan of a request in the caller's spelling. */
import { isDeepStrictEqual } from "node:util";
import type { Finding } from "../../errors.js";
import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { PropertyChange } from "./changes.js";

/**
 * A change with its new value as the body spells it, if that value comes from the canonical
 * request.
 */
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

/** A finding whose message spells regions as `names` does; other canonical names stay. */
export function findingAsWritten<F extends Finding>(finding: F, names: readonly string[]): F {
  // A tag's value may be any word.
  if (finding.pointer.startsWith("/tags")) return finding;
  const written = new Map(names.map((name) => [canonicalRegion(name), name] as const).reverse());
  const message = finding.message.replace(
    // Not inside an id, a path or a command.
    /(?<![\w./=-])[a-z0-9]+(?![\w/-])/gu,
    (word) => written.get(word) ?? word,
  );
  return { ...finding, message };
}

/** The region names of a body, in the order of the body. */
export function regionNamesIn({
  location,
  properties: { publishingProfile },
}: ImageVersionRequest): readonly string[] {
  const { targetRegions = [] } = publishingProfile ?? {};
  return [...targetRegions.map(({ name }) => name), location];
}

/** The canonical value, spelled as in `written` wherever that has one. */
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

/** The value at an RFC 6901 pointer. */
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
