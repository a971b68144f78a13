import type { Fault, Faults, FaultSpec } from "./faults.js";
import type { ImageVersions } from "./image-versions.js";
import { allowAction, denyAction } from "./authorization.js";
import { createBehaviourControl, type BehaviourControl } from "./behaviour-control.js";
import { createImageVersionControl, type ImageVersionControl } from "./image-version-control.js";
import { latestIn } from "./image-version-latest.js";
import { forgetWrites } from "./image-version-lag.js";
import { createMachineControl, type MachineControl } from "./machine-control.js";
import { putWithKeys } from "./key-vault.js";
import { settleMachines } from "./machine-life.js";
import { createMachineOffersControl, type MachineOffersControl } from "./machine-offers.js";
import { canonicalRegion, findRegion } from "./regions.js";
import { beginRegistration } from "./registrations.js";
import { changeSpeed, resumeRegion, stopRegion, viewRegion } from "./replication.js";
import type { LoggedRequest, RequestFilter, RequestLog } from "./request-log.js";
import { resourceKey } from "./resource-id.js";
import { settleSnapshots } from "./snapshot.js";
import type { ArmResource, Denial, RegistrationState } from "./state.js";
import type { Store } from "./store.js";
import type { SimulatorWorld } from "./world.js";

export interface RegionStop {
  /** Absent: whichever version next starts replicating to the region. */
  readonly versionId?: string;
  readonly region: string;
  readonly message?: string;
  /**
   * Percent at which it stops. Absent: now if the region already replicates, otherwise 35. A region
   * that is beyond stops at once.
   */
  readonly atProgress?: number;
  /** How many starts of the region meet it, when it is planned ahead. Default 1. */
  readonly times?: number;
}

/**
 * Controls for tests and demonstrations: the same by method call and by `POST /simulator/<method>`.
 */
export interface SimulatorControl
  extends BehaviourControl, ImageVersionControl, MachineControl, MachineOffersControl {
  addFault(fault: FaultSpec): string;
  clearFaults(): void;
  faults(): readonly Fault[];
  failRegion(stop: RegionStop): Promise<void>;
  stallRegion(stop: RegionStop): Promise<void>;
  resumeRegion(region: { versionId: string; region: string }): Promise<void>;
  /** 1 is real time; 60 makes a minute a second; 0 stands still. */
  setReplicationSpeed(speed: number): Promise<void>;
  /** "homeRegion" makes an operation succeed while other regions still replicate. */
  setSucceededWhen(when: "everyRegion" | "homeRegion"): Promise<void>;
  setRegistrationState(registration: {
    subscriptionId: string;
    namespace: string;
    feature?: string;
    state: RegistrationState;
  }): Promise<void>;
  /** Replaces the regions that are withheld from a subscription, in any spelling; none: `[]`. */
  setUnavailableRegions(change: {
    subscriptionId: string;
    regions: readonly string[];
  }): Promise<void>;
  /** Refuses an action, such as `Microsoft.Compute/diskEncryptionSets/read`, at `scope` and below, to everyone. */
  denyAction(denial: Denial): Promise<void>;
  /** Takes back the denials of an action, at `scope` and below; without a scope, all of them. */
  allowAction(allowed: { action: string; scope?: string }): Promise<void>;
  deniedActions(): readonly Denial[];
  /** Adds or replaces a resource as it is, unchecked. A disk encryption set that is new comes with its key and vault. */
  putResource(resource: ArmResource): Promise<void>;
  removeResource(id: string): Promise<void>;
  /** Every resource except image versions, as Resource Manager would return it now. */
  resources(): readonly ArmResource[];
  /** Subscriptions and resources, as a new world begins with them; image versions are not of it. */
  world(): SimulatorWorld;
  requests(): readonly LoggedRequest[];
  countRequests(filter?: RequestFilter): number;
  clearRequests(): void;
  /** How many times a create of this version really happened. */
  creates(versionId: string): number;
  /** The version number that a machine gets in the region without naming one; null: none. */
  latest(of: { imageId: string; region: string }): string | null;
}

const DEFAULT_STOP_AT = 35;

export function createControl(parts: {
  store: Store;
  versions: ImageVersions;
  faults: Faults;
  log: RequestLog;
}): SimulatorControl {
  const { store, versions, faults, log } = parts;
  const { state } = store;

  const stop = async (
    kind: "failed" | "stalled",
    { versionId, region, message, atProgress, times }: RegionStop,
  ): Promise<void> => {
    const name = findRegion(region)?.name;
    if (name === undefined) throw new TypeError(`'${region}' is no region`);
    const versionKey = versionId === undefined ? undefined : resourceKey(versionId);
    const text = message ?? `Replication to region '${name}' failed.`;
    const now = store.replicationNow();
    const running =
      versionKey === undefined
        ? undefined
        : versions.find(versionKey)?.regions.find((entry) => entry.region === name);
    if (
      running !== undefined &&
      ["Unknown", "Replicating"].includes(viewRegion(running, now).state)
    )
      stopRegion(running, kind, text, now, atProgress);
    else
      state.regionPlans.push({
        ...(versionKey === undefined ? {} : { versionKey }),
        region: name,
        kind,
        message: text,
        atProgress: atProgress ?? DEFAULT_STOP_AT,
        times: times ?? 1,
      });
    await store.commit();
  };

  return {
    addFault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    faults: () => faults.list(),
    failRegion: (region) => stop("failed", region),
    stallRegion: (region) => stop("stalled", region),
    async resumeRegion({ versionId, region }) {
      const key = resourceKey(versionId);
      const name = canonicalRegion(region);
      const running = versions.find(key)?.regions.find((entry) => entry.region === name);
      if (running !== undefined) resumeRegion(running, store.replicationNow());
      await store.commit();
    },
    async setReplicationSpeed(speed) {
      if (!(speed >= 0)) throw new TypeError("speed must be 0 or more");
      versions.settleAll();
      changeSpeed(state.time, store.now(), speed);
      await store.commit();
    },
    async setSucceededWhen(when) {
      versions.settleAll();
      state.succeededWhen = when;
      await store.commit();
    },
    async setRegistrationState({ subscriptionId, namespace, feature, state: to }) {
      const subscription = store.subscription(subscriptionId);
      const registration = beginRegistration(to, subscription, store.now());
      if (feature === undefined) subscription.providers[namespace.toLowerCase()] = registration;
      else subscription.features[`${namespace}/${feature}`.toLowerCase()] = registration;
      await store.commit();
    },
    async setUnavailableRegions({ subscriptionId, regions }) {
      store.subscription(subscriptionId).unavailableRegions = regions.map((region) => {
        const name = findRegion(region)?.name;
        if (name === undefined) throw new TypeError(`'${region}' is no region`);
        return name;
      });
      await store.commit();
    },
    async denyAction(denial) {
      denyAction(state, denial);
      await store.commit();
    },
    async allowAction(allowed) {
      allowAction(state, allowed);
      await store.commit();
    },
    deniedActions: () => [...state.denials],
    async putResource(resource) {
      putWithKeys(store, resource);
      await store.commit();
    },
    async removeResource(id) {
      const key = resourceKey(id);
      store.removeResource(id);
      delete state.imageVersions[key];
      delete state.softDeleted[key];
      forgetWrites(store, key);
      await store.commit();
    },
    resources() {
      settleMachines(store);
      settleSnapshots(store);
      return Object.values(state.resources);
    },
    world() {
      settleMachines(store);
      settleSnapshots(store);
      return {
        subscriptions: Object.values(state.subscriptions),
        resources: Object.values(state.resources),
      };
    },
    requests: () => log.list(),
    countRequests: (filter) => log.count(filter ?? {}),
    clearRequests: () => log.clear(),
    creates: (versionId) => state.creates[resourceKey(versionId)] ?? 0,
    latest: ({ imageId, region }) =>
      latestIn(store, versions, imageId, canonicalRegion(region))?.name ?? null,
    ...createBehaviourControl(store, versions),
    ...createImageVersionControl(store, versions),
    ...createMachineControl(store),
    ...createMachineOffersControl(store),
  };
}
