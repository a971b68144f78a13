import type { ImageVersionBody } from "./image-version-shape.js";
import type { RegionReplication, ReplicationTime } from "./replication.js";

/** A resource other than an image version, as ARM gives it back. */
export interface ArmResource {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

export type RegistrationState =
  "NotRegistered" | "Registering" | "Registered" | "Unregistered" | "Pending";

export interface Registration {
  state: RegistrationState;
  /** While Registering: when it becomes Registered. */
  registeredAtMs?: number;
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
  /** How long a registration takes. */
  readonly registrationMs: number;
}

export type ProvisioningState =
  "Creating" | "Updating" | "Failed" | "Succeeded" | "Deleting";

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
  readonly usesCustomerKeys: boolean;
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

/** A region that is to fail or stall when its replication comes to `atProgress`. */
export interface RegionPlan {
  /** Undefined: any version. */
  readonly versionKey?: string;
  readonly region: string;
  readonly kind: "failed" | "stalled";
  readonly message: string;
  readonly atProgress: number;
  times: number;
}

/** Everything that survives a restart: plain JSON. */
export interface SimulatorState {
  readonly subscriptions: Record<string, SubscriptionState>;
  readonly resources: Record<string, ArmResource>;
  readonly imageVersions: Record<string, ImageVersionRecord>;
  readonly operations: Record<string, OperationRecord>;
  regionPlans: RegionPlan[];
  /** How many times a create really happened, by resource key. */
  readonly creates: Record<string, number>;
  readonly time: ReplicationTime;
  /** "homeRegion": the operation succeeds while other regions still replicate, as Azure has been seen to do. */
  succeededWhen: "everyRegion" | "homeRegion";
}
