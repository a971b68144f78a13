import { createHash } from "node:crypto";
import { shownFields } from "../latest/flags.js";
import type { ImageVersionRecord } from "../state/record.js";
import { sigilFieldsToBe, patchOf, unapplied } from "../state/fold.js";
import type { Look } from "../resources.js";

/**
 * The ETag of a version: over its writable fields in Azure, Sigil's own fields, and what is asked
 * for and not applied yet. It changes with any of them, and not with the progress of regions.
 */
export function etagOf(
  look: Pick<Look, "resource"> | undefined,
  record: ImageVersionRecord | undefined,
): string {
  const sorted = (fields: Readonly<Record<string, unknown>>): unknown =>
    Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  const asked = record === undefined ? [] : unapplied(record);
  const text = JSON.stringify([
    look === undefined ? null : sorted(shownFields(look.resource)),
    sorted(patchOf(asked.map(([, request]) => request))),
    asked.map(([id]) => id),
    record === undefined ? [] : sorted(sigilFieldsToBe(record)),
  ]);
  return `"${createHash("sha256").update(text).digest("hex").slice(0, 32)}"`;
}

/** RFC 9110, If-Match: `*` matches any existing version. */
export function matches(ifMatch: string, etag: string, exists: boolean): boolean {
  return ifMatch
    .split(",")
    .map((one) => one.trim())
    .some((one) => (one === "*" ? exists : one === etag));
}
