/**
 * The names of snapshots: which version, captured from what, requested when. No name is used twice, so
 * that neither a late PUT nor a late DELETE meets another's snapshot. The name of a version's source
 * also shows which machine the version was captured from.
 */
import { createHash } from "node:crypto";
import { formatImageVersionId, keyOf, type ImageVersionId } from "../../resource-id.js";

/** How many characters of the key of a version's record are in a name. */
const KEY_LENGTH = 20;

/** Of all snapshots of one source for one version; `key` is that of the version's record. */
export function prefixOf(key: string, sourceId: string): string {
  const source = createHash("sha256").update(sourceId.toLowerCase()).digest("hex");
  return `sigilcap-${key.slice(0, KEY_LENGTH)}-${source.slice(0, 12)}`;
}

/** `lun` undefined: the OS disk. */
export function snapshotId(
  groupId: string,
  id: ImageVersionId,
  sourceId: string,
  lun: number | undefined,
  askedMs: number,
): string {
  const prefix = prefixOf(keyOf(formatImageVersionId(id)), sourceId);
  const asked = Math.floor(askedMs / 1_000).toString(36);
  const place = lun === undefined ? "os" : `lun${lun}`;
  return `${groupId}/providers/Microsoft.Compute/snapshots/${prefix}-${asked}-${place}`;
}

const NAME =
  /\/snapshots\/(?<prefix>sigilcap-(?<key>[0-9a-f]{20})-[0-9a-f]{12})-[0-9a-z]{6,8}-(?:os|lun(?<lun>\d{1,2}))$/iu;

/** What a snapshot's name tells. */
export interface CaptureName {
  readonly prefix: string;
  /** The first 20 characters of the key of the version's record. */
  readonly key: string;
  /** Undefined: the OS disk. */
  readonly lun: number | undefined;
}

/** Undefined for a name that Sigil does not give. */
export function captureIn(id: string): CaptureName | undefined {
  const { prefix, key, lun } = NAME.exec(id)?.groups ?? {};
  return prefix === undefined || key === undefined
    ? undefined
    : {
        prefix: prefix.toLowerCase(),
        key: key.toLowerCase(),
        lun: lun === undefined ? undefined : Number(lun),
      };
}

/** `key`: that of the version's record. */
export function isNamedFor(id: string, key: string): boolean {
  return captureIn(id)?.key === key.slice(0, KEY_LENGTH);
}

/** Tag of each snapshot: id of the machine that it is of. */
export const SOURCE_TAG = "sigil-source";
