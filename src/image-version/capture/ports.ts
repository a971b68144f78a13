/** What is asked of Azure for snapshots. A read returns undefined for 404; every other failure is a ServiceError. */
import type { ImageSource } from "../resources.js";

export interface Snapshot {
  readonly id: string;
  readonly provisioningState: string;
  /** Only of a copy to another region; absent: Azure names none. */
  readonly completionPercent?: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface SnapshotPlan {
  readonly id: string;
  /** Canonical region of the disk. */
  readonly region: string;
  readonly diskId: string;
  /** As the disk is encrypted; absent: Azure decides. */
  readonly encryption?: { readonly type: string; readonly diskEncryptionSetId?: string };
  readonly tags: Readonly<Record<string, string>>;
}

export interface Snapshots {
  /** Ids of the resource groups in which snapshots may be created, one for each subscription. */
  readonly groups: readonly string[];
  get(id: string): Promise<Snapshot | undefined>;
  /** Sends the PUT. A snapshot of the same disk that is there stays as it is. */
  create(plan: SnapshotPlan): Promise<void>;
  /** As `ResourceReader.getSource`, and never what was read for somebody else. */
  getMachine(id: string): Promise<ImageSource | undefined>;
}
