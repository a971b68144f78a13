import type { ImageDocuments, StoredDocument } from "../image-documents.js";
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

export type StoredPolicy = StoredDocument<RetentionPolicy>;

/** What retention needs. */
export interface RetentionDependencies {
  readonly policies: ImageDocuments<RetentionPolicy>;
  /** To read what Azure and Sigil have, and to delete it. */
  readonly imageVersions: Dependencies;
  readonly revocations: Pick<Revocations, "readRecord">;
}
