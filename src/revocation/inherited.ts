/**
 * What a version has of the revocations of those that it was built from. Invariants:
 *  1. It is asked, never stored: it ends with the revocation.
 *  2. What is known to be built from a version only since that was revoked is held back. What was built before is told, and held back
 *     if an Admin says so.
 */
import type { Dependencies, ImageVersionRecord, RevokedParent } from "../image-version/index.js";
import { ancestorsOf, type Ancestor } from "../lineage/ancestors.js";
import { inTurns } from "../lineage/descendants.js";
import { parseImageVersionId } from "../resource-id.js";
import { wordsOf } from "./bans.js";
import { revocationKeyOf, type Ban, type Revocations } from "./record.js";

export interface InheritedBan {
  /** The version that is revoked. */
  readonly id: string;
  readonly ban: Ban;
  /** Since when it keeps the version out of latest, RFC 3339; absent: it does not. */
  readonly holdsSince?: string;
}

/** Reads what both need. */
export type LineageReads = Pick<Dependencies, "store"> & {
  readonly revocations: Pick<Revocations, "readRecord">;
};

export async function inheritedBans(
  deps: LineageReads,
  of: ImageVersionRecord,
): Promise<readonly InheritedBan[]> {
  const ancestors = await ancestorsOf(deps, of);
  const revocations = await inTurns(ancestors, ({ id }) =>
    deps.revocations.readRecord(revocationKeyOf(id)),
  );
  return revocations.flatMap(([ancestor, record]) =>
    record?.ban === undefined ? [] : [inherited(record.ban, ancestor)],
  );
}

/** What a version has of the ban of this ancestor. Invariant 2. */
export function inherited(ban: Ban, { id, time }: Ancestor): InheritedBan {
  const { revokedTime, holdTime } = ban;
  const isLate = time === undefined || Date.parse(time) > Date.parse(revokedTime);
  const [holdsSince] = [isLate ? (time ?? revokedTime) : undefined, holdTime]
    .filter((one) => one !== undefined)
    .toSorted((a, b) => Date.parse(b) - Date.parse(a));
  return { id, ban, ...(holdsSince !== undefined && { holdsSince }) };
}

/** As a GET shows it of the version that is built from the revoked one. */
export function viewInherited({ id, ban, holdsSince }: InheritedBan): RevokedParent {
  const { reason, replacement, revokedTime } = ban;
  return {
    id,
    reason,
    ...(replacement !== undefined && { replacement }),
    revokedTime,
    holds: holdsSince !== undefined,
  };
}

/** "rhel9-base 4.12.3, which is revoked: CVE-2026-1234. Use 4.12.4." */
export function inheritedSentence({ id, ban }: Pick<InheritedBan, "id" | "ban">): string {
  const version = parseImageVersionId(id);
  const name = version === undefined ? id : `${version.imageName} ${version.versionName}`;
  return `${name}, which is revoked: ${wordsOf(ban)}`;
}
