/**
 * A revoked version, and the operation that removes it from latest. Stored next to the version's
 * own record, which does not refer to it. In this example, a region keeps the version until another
 * one is ready there:
 *
 *   ban    { reason: "CVE-2026-1234", replacement: "1.0.3", … }   from acceptance until an Admin lifts it
 *   state  Revoking, demotions 1                                  one demotion has ended; the rest waits
 */
import type { StateStore, Stored } from "../operation/ports.js";
import type { IndexRow, Requester, TrackedRecord } from "../operation/records.js";
import { imageIdOf, keyOf, type ImageVersionId } from "../resource-id.js";

export type RevocationState =
  "RevocationRequested" | "Revoking" | "Succeeded" | "Failed" | "Canceled";

/** Why nothing brings a version into latest, and what to use instead. */
export interface Ban {
  readonly reason: string;
  /** Number of another version of the image definition. */
  readonly replacement?: string;
  /** The author of these words. */
  readonly revokedBy: Requester;
  /** When it was first revoked since the last unrevoke; RFC 3339. */
  readonly revokedTime: string;
  /** Since when it also holds back what was built from the version before it was revoked; RFC 3339; absent: it does not. */
  readonly holdTime?: string;
}

export interface RevocationRecord extends TrackedRecord {
  readonly state: RevocationState;
  /** Absent: not revoked, or no longer. */
  readonly ban?: Ban;
  /** True if the version leaves a region even if that has no latest version then. */
  readonly allowNoLatest?: true;
  /** How many demotions have ended. */
  readonly demotions: number;
  /** The operation that demotes the version. */
  readonly child?: string;
}

export type StoredRevocation = Stored<RevocationRecord>;
export type Revocations = StateStore<RevocationRecord>;

export function revocationKeyOf(versionId: string): string {
  return keyOf(`${versionId}/revocation`);
}

/** The index of an image definition's revoked versions. */
export function revokedScope(imageId: string): string {
  return `revoked-${keyOf(imageId)}`;
}

export function revokedRow(id: ImageVersionId, target: string): IndexRow {
  return { scope: revokedScope(imageIdOf(id)), row: id.versionName, target };
}
