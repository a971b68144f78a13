/**
 * What the listing's row says of a version on which nothing is under way: who looks over many reads pages of rows, and no records. Pure.
 * Invariants:
 *  1. It is made of a record that is stored.
 *  2. It says only that nothing is to be done: who writes, deletes or tells reads the record first.
 *  3. Where it is absent, or of another form, the record is read.
 */
import { createHash } from "node:crypto";
import { factsIn, ownFlagsOf } from "./latest/flags.js";
import { fieldsOf, regionsIn } from "./properties/fields.js";
import type { ListedImageVersion, Look } from "./resources.js";
import { isProtected } from "./state/fold.js";
import type { ImageVersionRecord, VersionState } from "./state/record.js";
import { isFinal } from "./state/states.js";

const FORM = 1;

export interface Digest {
  readonly form: typeof FORM;
  readonly state: VersionState;
  /** RFC 3339. */
  readonly created: string;
  /** A hash of what Azure showed last; absent: Azure has no such version. */
  readonly shows?: string;
  /** By canonical region, the state of each target region that is not Completed. */
  readonly regions?: Readonly<Record<string, string>>;
  readonly managed?: true;
  readonly protected?: true;
}

/** Undefined where the record itself is to be read: an operation works on it, or what Azure shows is in doubt. */
export function digestOf(record: ImageVersionRecord): Digest | undefined {
  const { state, status, unconfirmed, spec, createdTime: created } = record;
  if (!isFinal(state) || unconfirmed !== undefined) return undefined;
  const others = status ? Object.entries(statesIn(status)) : [];
  const regions = others.filter(([, shown]) => shown !== "Completed");
  return {
    form: FORM,
    state,
    created,
    ...(status && { shows: showsOf(status) }),
    ...(regions.length > 0 && { regions: Object.fromEntries(regions) }),
    ...(spec && { managed: true }),
    ...(isProtected(record) && { protected: true }),
  };
}

function statesIn({ resource, regions }: Look): Readonly<Record<string, string>> {
  return Object.fromEntries([
    ...regionsIn(fieldsOf(resource)).map((name) => [name, "Unknown"] as const),
    ...regions.map(({ name, state }) => [name, state] as const),
  ]);
}

/** Invariant 3. */
export function readDigest(text: string | undefined): Digest | undefined {
  if (text === undefined) return undefined;
  const digest = JSON.parse(text) as { readonly form: number };
  return digest.form === FORM ? (digest as Digest) : undefined;
}

/** What Azure lists says nothing that is not known: then `isAsKnown` says so of the record, too. */
export function listsAsKnown({ shows }: Digest, listed: ListedImageVersion): boolean {
  return shows !== undefined && shows === showsOf(listed);
}

function showsOf({
  resource,
  publishedDate,
}: Pick<ListedImageVersion, "resource" | "publishedDate">): string {
  const all = [factsIn(resource), ownFlagsOf(resource)].map((facts) =>
    Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  return createHash("sha256")
    .update(JSON.stringify([publishedDate ?? null, ...all]))
    .digest("base64url")
    .slice(0, 16);
}
