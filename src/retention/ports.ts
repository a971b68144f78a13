import type { Dependencies } from "../image-version/index.js";
import type { Revocations } from "../revocation/record.js";
import type { Requester } from "../operation/records.js";

/** What of an image definition's versions is to be deleted; at least one of the two is given. */
export interface RetentionRules {
  /** Promoted versions beyond the newest of this many are deleted. */
  readonly keepNewestPromoted?: number;
  /** Versions are deleted this many days after their end of life. */
  readonly deleteAfterEndOfLifeDays?: number;
}

/** The policy of one image definition: in mode `dryRun` it only says what it would delete. */
export interface RetentionPolicy {
  readonly imageId: string;
  readonly rules: RetentionRules;
  readonly mode: "dryRun" | "delete";
  readonly setBy: Requester;
  /** RFC 3339. */
  readonly setTime: string;
}

export interface StoredPolicy {
  readonly policy: RetentionPolicy;
  readonly etag: string;
}

/** One policy an image definition. */
export interface RetentionPolicies {
  read(imageId: string): Promise<StoredPolicy | undefined>;
  /** Writes if `etag` is still the stored one (`undefined`: if nothing is stored); else ServiceError StateConflict. */
  put(policy: RetentionPolicy, etag: string | undefined): Promise<void>;
  /** What is not there is removed. */
  remove(imageId: string): Promise<void>;
  /** All there are. */
  list(): Promise<readonly StoredPolicy[]>;
}

/** What retention needs. */
export interface RetentionDependencies {
  readonly policies: RetentionPolicies;
  /** To read what Azure and Sigil have, and to delete it. */
  readonly imageVersions: Dependencies;
  readonly revocations: Pick<Revocations, "readRecord">;
}
