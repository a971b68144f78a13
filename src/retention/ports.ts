import type { ImageDocuments, StoredDocument } from "../image-documents.js";
import type { Dependencies } from "../image-version/index.js";
import type { Revocations } from "../revocation/record.js";
import type { Requester } from "../operation/records.js";

/** Which versions of an image definition to delete. At least one of the two is set. */
export interface RetentionRules {
  /** Delete promoted versions except this many newest ones. */
  readonly keepNewestPromoted?: number;
  /** Delete versions this many days after their end of life. */
  readonly deleteAfterEndOfLifeDays?: number;
}

/** The policy of one image definition. In mode `dryRun` it only shows what it would delete. */
export interface RetentionPolicy {
  readonly imageId: string;
  readonly rules: RetentionRules;
  readonly mode: "dryRun" | "delete";
  readonly setBy: Requester;
  /** RFC 3339. */
  readonly setTime: string;
}

export type StoredPolicy = StoredDocument<RetentionPolicy>;

export interface RetentionDependencies {
  readonly policies: ImageDocuments<RetentionPolicy>;
  /** Reads versions in Azure and Sigil, and deletes them. */
  readonly imageVersions: Dependencies;
  readonly revocations: Pick<Revocations, "readRecord">;
}
