/**
 * What the listing's row says of a version on which nothing is under way: who looks over many reads pages of rows, and no records. Pure.
 * Invariants:
 *  1. It is made of a record that is stored.
 *  2. It says only that nothing is to be done: who writes, deletes or tells reads the record first.
 *  3. Where it is absent, or of another form, the record is read.
 */
import { createHash } from "node:crypto";
import { factsIn, ownFlagsOf } from "./latest/flags.js";
import type { ListedImageVersion } from "./resources.js";
import { isProtected, ruleInForce } from "./state/fold.js";
import type { Condition, ImageVersionRecord, VersionState } from "./state/record.js";
import { isFinal } from "./state/states.js";

const FORM = 1;

/** Times are RFC 3339. */
export interface Digest {
  readonly form: typeof FORM;
  readonly state: VersionState;
  readonly created: string;
  /** A hash of what Azure showed last, and when that was; absent: Azure has no such version. */
  readonly shows?: string;
  readonly seen?: string;
  /** By canonical region, the state of each that is not Completed. */
  readonly regions?: Readonly<Record<string, string>>;
  readonly conditions?: readonly Pick<Condition, "type" | "since">[];
  readonly managed?: true;
  readonly protected?: true;
  readonly held?: true;
}

/** Undefined where the record itself is to be read: an operation works on it, or what Azure shows is in doubt. */
export function digestOf(record: ImageVersionRecord): Digest | undefined {
  const { state, status, unconfirmed, conditions, spec } = record;
  if (!isFinal(state) || unconfirmed !== undefined) return undefined;
  const others = (status?.regions ?? []).filter((region) => region.state !== "Completed");
  return {
    form: FORM,
    state,
    created: record.createdTime,
    ...(status && { shows: showsOf(status), seen: status.time }),
    ...(others.length > 0 && {
      regions: Object.fromEntries(others.map((region) => [region.name, region.state])),
    }),
    ...(conditions.length > 0 && {
      conditions: conditions.map(({ type, since }) => ({ type, since })),
    }),
    ...(spec && { managed: true }),
    ...(isProtected(record) && { protected: true }),
    ...(ruleInForce(record) && { held: true }),
  };
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
