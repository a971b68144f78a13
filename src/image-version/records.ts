import type { TrackedRecord } from "../operation/records.js";
import type { ImageVersionRequest } from "./contract.js";

/** ARM's words for how a disk is encrypted at rest (EncryptionType), and `Unknown` until its key has been read. */
export type EncryptionType =
  | "EncryptionAtRestWithPlatformKey"
  | "EncryptionAtRestWithCustomerKey"
  | "EncryptionAtRestWithPlatformAndCustomerKeys"
  | "ConfidentialVmEncryptedWithCustomerKey"
  | "Unknown";

/** The states of an image version's current operation. */
export type VersionState =
  "Accepted" | "Creating" | "Replicating" | "Succeeded" | "Failed";

/** The state of one image version: its desired form, where its current operation stands, and what is still to be told. */
export interface ImageVersionRecord extends TrackedRecord {
  readonly state: VersionState;
  readonly request: ImageVersionRequest;
  readonly fingerprint: string;
  /** Consecutive 404s of a version that was created. */
  readonly absences: number;
  /** URL of ARM's asynchronous operation, read only for the reason of a failure. */
  readonly armOperationUrl?: string;
  /** Encryption type by disk encryption set id in lower case, as proven before creation. */
  readonly encryptionTypes: Readonly<Record<string, EncryptionType>>;
  /** LUNs of the source's data disks, as found before creation. */
  readonly dataDiskLuns: readonly number[];
}
