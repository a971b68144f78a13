import type { ImageVersionBody } from "./image-version-shape.js";
import type { RegionReplication, ReplicationTime } from "./replication.js";

/** A resource other than an image version, as ARM returns it. */
export interface ArmResource {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** The virtual machine that a disk or network interface belongs to. */
  readonly managedBy?: string;
  readonly sku?: { readonly name?: string; readonly tier?: string };
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

/** Only a feature can be `Pending`: it waits for Microsoft's approval. */
export type RegistrationState =
  "NotRegistered" | "Pending" | "Registering" | "Registered" | "Unregistering" | "Unregistered";

export interface Registration {
  state: RegistrationState;
  /** While Registering or Unregistering: when that is done. Absent: it stays as it is until set. */
  settlesAtMs?: number;
}

export interface SubscriptionState {
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly displayName: string;
  /** By lower-case namespace: `microsoft.compute`. */
  readonly providers: Record<string, Registration>;
  /** By lower-case namespace and name: `microsoft.compute/sigencryption`. */
  readonly features: Record<string, Registration>;
  /** Features without which a version with own keys is refused; the public cloud needs none today. */
  readonly requiredFeatures: readonly string[];
  /** Features whose registration stays Pending until it is set, as one does that Microsoft approves by hand. */
  readonly approvalRequired: readonly string[];
  /** How long a registration takes. */
  readonly registrationMs: number;
  /** Canonical names of regions that are withheld from the subscription. */
  unavailableRegions: readonly string[];
}

export type ProvisioningState = "Creating" | "Updating" | "Failed" | "Succeeded" | "Deleting";

export interface ImageVersionRecord {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  tags: Readonly<Record<string, string>> | undefined;
  /** With every default filled in; ids and regions in canonical spelling. */
  properties: NonNullable<ImageVersionBody["properties"]>;
  /** The last body that was accepted, to recognise the same request. */
  acceptedBody: string;
  provisioningState: ProvisioningState;
  operationId: string;
  /** Replication time before which the operation does not end, whatever the regions do. */
  notBeforeMs: number;
  /** A refusal that arrives through the operation. */
  asyncError?: { readonly code: string; readonly message: string };
  regions: RegionReplication[];
  usesCustomerKeys: boolean;
  /** While Deleting: the periods of the soft deletion; absent: a permanent one. */
  softDelete?: SoftDeletePeriods;
}

export interface SoftDeletePeriods {
  readonly retentionMs: number;
  readonly graceMs: number;
}

/** A version that was deleted and may be restored (soft-delete.ts). */
export interface SoftDeletedVersion {
  readonly record: ImageVersionRecord;
  readonly deletedAtMs: number;
  readonly consumptionEndMs: number;
  readonly hardDeletionMs: number;
}

export interface OperationRecord {
  readonly id: string;
  readonly resourceKey: string;
  readonly subscriptionId: string;
  readonly startedAtMs: number;
  endedAtMs?: number;
  status: "InProgress" | "Succeeded" | "Failed" | "Canceled";
  error?: { readonly code: string; readonly message: string };
}

/** A region that will fail or stall when its replication reaches `atProgress`. */
export interface RegionPlan {
  /** Undefined: any version. */
  readonly versionKey?: string;
  readonly region: string;
  readonly kind: "failed" | "stalled";
  readonly message: string;
  readonly atProgress: number;
  times: number;
}

/** A PUT or PATCH that was accepted, and what it changed. */
export interface PastWrite {
  readonly atMs: number;
  /** `atMs` in replication time. */
  readonly replicationMs: number;
  /** How long reads were to lag behind it. */
  readonly lagMs: number;
  /** Absent: the write created the version. */
  readonly before?: ImageVersionRecord;
}

/** How long reads lag behind writes of image versions (image-version-lag.ts). */
export interface ReadLag {
  ms: number;
  /** Instead of `ms`, by resource key. */
  byVersion: Record<string, number>;
  /** How many GETs are still to show the version before its last write, by resource key. */
  readonly nextReads: Record<string, number>;
  /** By resource key: the last write, and each before it that reads do not show yet. */
  readonly writes: Record<string, readonly PastWrite[]>;
}

/** How Azure Policy changes every write of an image version. */
export interface Policy {
  /** The effect "modify": these tags win over those of the body. */
  readonly addTags?: Readonly<Record<string, string>>;
  /** The effect "deny": the message of the refusal. */
  readonly deny?: string;
}

/** How an update treats what its body leaves out (image-version-omission.ts). */
export interface Omission {
  /** Of tags (each by itself), endOfLifeDate, the members of safetyProfile, and a region's additionalReplicaSets. */
  readonly mode: "clear" | "keep";
  /** For the version's flag and each region's. */
  readonly excludeFromLatest: "false" | "keep";
}

/**
 * How the flags of the version and of the region decide whether a version is the latest in a
 * region. "regionFirst": the region's own, if it has one (Microsoft's page on galleries). "either":
 * one of them excludes it (the reference, which calls each of them a flag that hides it).
 */
export type ExclusionReading = "regionFirst" | "either";

/**
 * A new world's answers to questions that Microsoft's documents leave open (answers.ts: the
 * defaults, and the pages).
 */
export interface Answers {
  readonly exclusionReading: ExclusionReading;
  /** The latest of a region where the highest version that is included is not Completed. */
  readonly latestWhereNotReady: "below" | "itself" | "none";
  /**
   * "firstRegion": an operation fails with its first region; "allSettled": when all regions stopped
   * replicating.
   */
  readonly failsWhen: "firstRegion" | "allSettled";
  readonly omission: Omission;
  /** "accepted": the DELETE ends the PUT. */
  readonly deleteWhilePut: "accepted" | "conflict";
  /** How long reads lag behind writes of image versions. */
  readonly readLagMs: number;
  /** `publishedDate`. */
  readonly dateAfterRestore: "kept" | "new";
  /** The code that refuses to delete a Failed version softly. */
  readonly failedSoftDelete: string;
}

/** The fate of a virtual machine of an image version (machine-life.ts). */
export type MachineFate =
  | "sizeNotAvailable"
  | "quotaExceeded"
  | "allocationFails"
  | "neverAllocated"
  | "keyRefused"
  | "startFails"
  | "hangs"
  | "noAgent"
  | "scriptFails"
  | "wrongKey"
  | "deletionFails"
  | "leavesDisks";

/** What is to befall the next machines that are made. */
export interface MachinePlan {
  /** Canonical; undefined: in any region. */
  readonly region?: string;
  readonly does: MachineFate;
  times: number;
}

export interface MachineLife {
  readonly fate?: MachineFate;
  /** Of its creation, or of its deletion. */
  readonly operationId: string;
  readonly startsAtMs: number;
  /** While Deleting. */
  readonly deletedAtMs?: number;
  /** Since when its script runs. */
  readonly scriptAtMs?: number;
  /** The last requested state; absent: it runs, unless it is generalized. */
  readonly power?: "running" | "stopped" | "deallocated";
}

/** A snapshot that is being copied (snapshot.ts). */
export interface SnapshotCopy {
  readonly operationId: string;
  readonly readyAtMs: number;
  readonly fails?: true;
}

/** The behaviour of snapshots of a disk. */
export interface SnapshotBehaviour {
  readonly readyMs?: number;
  /** How many of the next ones fail. */
  readonly failures?: number;
  /** Most in a region of a subscription. */
  readonly limit?: number;
}

/**
 * Azure's offers for virtual machines (machine-offers.ts); keys are a canonical region, a slash and
 * a name in lower case.
 */
export interface MachineOffers {
  /** Of sizes: "NotOffered", or Azure's reason why the subscription may not use one. */
  readonly restrictions: Readonly<Record<string, string>>;
  readonly usages: Readonly<Record<string, { readonly used: number; readonly limit: number }>>;
  /** publisher/offer/plan, in lower case. */
  readonly acceptedTerms: readonly string[];
}

/** An action that callers may not take at a scope and below. */
export interface Denial {
  /** `Microsoft.Compute/diskEncryptionSets/read`, in any case. */
  readonly action: string;
  /** A resource id, a resource group's or a subscription's. */
  readonly scope: string;
}

/** A resource that was changed, as it was before; absent: it was not there. */
export interface ResourceChange {
  readonly key: string;
  readonly atMs: number;
  /** How long Resource Graph was to lag behind it. */
  readonly lagMs: number;
  readonly before?: ArmResource;
}

/** How far Resource Graph lags behind (resource-graph.ts). */
export interface ResourceGraphLag {
  lagMs: number;
  /** Those that are not shown yet, oldest first. */
  changes: readonly ResourceChange[];
}

type AnswersInState = { -readonly [Name in keyof Omit<Answers, "readLagMs">]: Answers[Name] };

/** Everything that survives a restart: plain JSON. */
export interface SimulatorState extends AnswersInState {
  readonly subscriptions: Record<string, SubscriptionState>;
  readonly resources: Record<string, ArmResource>;
  readonly imageVersions: Record<string, ImageVersionRecord>;
  /** By resource key. */
  readonly softDeleted: Record<string, SoftDeletedVersion>;
  readonly operations: Record<string, OperationRecord>;
  regionPlans: RegionPlan[];
  denials: readonly Denial[];
  /** How many times a create really happened, by resource key. */
  readonly creates: Record<string, number>;
  readonly time: ReplicationTime;
  /** "homeRegion": the operation succeeds while other regions still replicate, as Azure has been seen to do. */
  succeededWhen: "everyRegion" | "homeRegion";
  readonly lag: ReadLag;
  policy: Policy;
  machinePlans: MachinePlan[];
  /** By resource key. */
  readonly machines: Record<string, MachineLife>;
  machineTimes: {
    readonly startMs: number;
    readonly deleteMs: number;
    readonly scriptMs?: number;
  };
  machineOffers: MachineOffers;
  snapshotBehaviour: SnapshotBehaviour;
  /** By resource key. */
  readonly snapshots: Record<string, SnapshotCopy>;
  readonly resourceGraph: ResourceGraphLag;
  /** Most items of one page of a list. Absent: what the simulator was started with. */
  pageSize?: number;
}
