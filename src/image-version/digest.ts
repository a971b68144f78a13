/**
 * A digest in the listing's row of a version without an open operation, so that drift and retention
 * read pages of rows instead of records. Pure. Invariants:
 *  1. It is computed from a stored record.
 *  2. It only ever shows that nothing changed: the record is read before every write, deletion and
 *     report.
 *  3. If it is absent or has another form, the record is read.
 */
import { createHash } from "node:crypto";
import { shownFields, ownFlagsOf } from "./latest/flags.js";
import type { ListedImageVersion } from "./resources.js";
import { isProtected } from "./state/fold.js";
import type { ImageVersionRecord } from "./state/record.js";
import { isFinal } from "./state/states.js";

const FORM = 1;

export interface Digest {
  readonly form: typeof FORM;
  /** A hash of what Azure showed last; absent: Azure does not have the version. */
  readonly shows?: string;
  /** What retention needs of a Succeeded version that Sigil manages; absent: the record is read. */
  readonly succeeded?: {
    /** RFC 3339. */
    readonly createdTime: string;
    /** Canonical names of the regions that Azure showed Completed. */
    readonly ready: readonly string[];
    readonly protected: boolean;
  };
}

/**
 * Undefined if an operation is open, or Azure's state is in doubt: then the record itself is read.
 */
export function digestOf(record: ImageVersionRecord): Digest | undefined {
  const { state, status, unconfirmed } = record;
  if (!isFinal(state) || unconfirmed !== undefined) return undefined;
  const succeeded = succeededOf(record);
  return { form: FORM, ...(status && { shows: showsOf(status) }), ...(succeeded && { succeeded }) };
}

function succeededOf(record: ImageVersionRecord): Digest["succeeded"] {
  const { state, status, spec, createdTime, repairs } = record;
  if (state !== "Succeeded" || status === undefined || spec === undefined) return undefined;
  if (Object.values(repairs).some(({ removed }) => removed !== undefined)) return undefined;
  const ready = status.regions.filter(({ state }) => state === "Completed").map(({ name }) => name);
  return { createdTime, ready, protected: isProtected(record) };
}

/** Invariant 3. */
export function readDigest(text: string | undefined): Digest | undefined {
  if (text === undefined) return undefined;
  const digest = JSON.parse(text) as { readonly form: number };
  return digest.form === FORM ? (digest as Digest) : undefined;
}

/**
 * Whether Azure lists the version as its record has it. If so, `isAsKnown` is true for its record,
 * too.
 */
export function listsAsKnown({ shows }: Digest, listed: ListedImageVersion): boolean {
  return shows !== undefined && shows === showsOf(listed);
}

function showsOf({
  resource,
  publishedDate,
}: Pick<ListedImageVersion, "resource" | "publishedDate">): string {
  const all = [shownFields(resource), ownFlagsOf(resource)].map((fields) =>
    Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  return createHash("sha256")
    .update(JSON.stringify([publishedDate ?? null, ...all]))
    .digest("base64url")
    .slice(0, 16);
}
