import { usesCustomerKeys } from "./image-version-encryption.js";
import { isBusy } from "./image-version-settling.js";
import type { ImageVersionProperties, TargetRegion } from "./image-version-shape.js";
import type { ImageVersions } from "./image-versions.js";
import { mergeJson } from "./json-shape.js";
import { endOperation } from "./operations.js";
import { canonicalRegion, displayNameOf } from "./regions.js";
import { setRegion, stopRegion, viewRegion, type RegionState } from "./replication.js";
import { resourceKey } from "./resource-id.js";
import type { ImageVersionRecord } from "./state.js";
import type { Store } from "./store.js";

/**
 * Changes one image version at once, as Azure itself or a person with other tools might have: without an operation,
 * without validation, without lag.
 */
export interface ImageVersionControl {
  /**
   * Fails the running operation, and the version. No region becomes Failed: each stays as it is,
   * and stops unless it is Completed. `resumeRegion`, or removing the region and adding it back,
   * starts it again.
   */
  failOperation(failure: { versionId: string; code: string; message: string }): Promise<void>;
  /** Merges into what is stored, as a JSON merge patch (RFC 7396): null removes a member or a tag, a list is replaced. */
  editVersion(edit: {
    versionId: string;
    properties?: Readonly<Record<string, unknown>>;
    tags?: Readonly<Record<string, string | null>>;
  }): Promise<void>;
  /** Removes a target region and its replication status. */
  dropRegion(region: { versionId: string; region: string }): Promise<void>;
  /** Removes a region's encryption; with a LUN, only that data disk's. */
  dropEncryption(disk: { versionId: string; region: string; lun?: number }): Promise<void>;
  /**
   * Sets the state of a region, whatever it was; time moves it on from there. `progress`, 0 to 99, goes with Replicating
   * and Failed (default: what it has, or 0 if that is 100), `details` with Failed.
   */
  setRegionState(change: {
    versionId: string;
    region: string;
    state: RegionState;
    progress?: number;
    details?: string;
  }): Promise<void>;
}

export function createImageVersionControl(
  store: Store,
  versions: ImageVersions,
): ImageVersionControl {
  const requireVersion = (versionId: string): ImageVersionRecord => {
    const record = versions.find(resourceKey(versionId));
    if (record === undefined) throw new TypeError(`There is no image version '${versionId}'.`);
    return record;
  };

  return {
    async failOperation(failure) {
      const { versionId, code, message } = failure;
      const record = requireVersion(versionId);
      if (!isBusy(record))
        throw new TypeError(
          `No operation on '${record.id}' is under way: its provisioning state is '${record.provisioningState}'.`,
        );
      const now = store.replicationNow();
      for (const region of record.regions)
        if (viewRegion(region, now).state !== "Completed")
          stopRegion(region, "stalled", message, now);
      record.provisioningState = "Failed";
      endOperation(store.state.operations[record.operationId], {
        status: "Failed",
        endedAtMs: store.now(),
        error: { code, message },
      });
      await store.commit();
    },
    async editVersion(edit) {
      const { versionId, properties = {}, tags } = edit;
      for (const [name, control] of Object.entries(COMPUTED))
        if (name in properties)
          throw new TypeError(
            `'${name}' is not stored: it follows from the operations and the regions. Use ${control}.`,
          );
      const record = requireVersion(versionId);
      setProperties(record, mergeJson(record.properties, properties));
      if (tags !== undefined) record.tags = mergeJson(record.tags, tags) as Record<string, string>;
      await store.commit();
    },
    async dropRegion(argument) {
      const record = requireVersion(argument.versionId);
      const dropped = requireTarget(record, argument.region);
      setTargets(record, (region) => (region === dropped ? [] : [region]));
      const name = canonicalRegion(argument.region);
      record.regions = record.regions.filter(({ region }) => region !== name);
      await store.commit();
    },
    async dropEncryption(argument) {
      const record = requireVersion(argument.versionId);
      const target = requireTarget(record, argument.region);
      const changed = withoutEncryption(target, argument.lun);
      setTargets(record, (region) => [region === target ? changed : region]);
      await store.commit();
    },
    async setRegionState(change) {
      const { state } = change;
      if (
        (change.progress !== undefined && !["Replicating", "Failed"].includes(state)) ||
        (change.details !== undefined && state !== "Failed")
      )
        throw new TypeError(
          "'progress' goes with the states Replicating and Failed, 'details' with Failed.",
        );
      const record = requireVersion(change.versionId);
      const name = canonicalRegion(change.region);
      const region = record.regions.find((entry) => entry.region === name);
      if (region === undefined)
        throw new TypeError(
          `'${displayNameOf(name)}' has no replication status in '${record.id}'. These have: ${record.regions.map((entry) => displayNameOf(entry.region)).join(", ")}.`,
        );
      const now = store.replicationNow();
      const { progress: has } = viewRegion(region, now);
      setRegion(region, now, {
        state,
        progress: change.progress ?? (has === 100 ? 0 : has),
        details: change.details ?? `Replication to region '${name}' failed.`,
      });
      await store.commit();
    },
  };
}

/** Read-only members that a GET shows among the properties, and the control that sets each. */
const COMPUTED = {
  provisioningState: "failOperation",
  replicationStatus: "setRegionState",
};

function setProperties(record: ImageVersionRecord, properties: unknown): void {
  record.properties = properties as ImageVersionProperties;
  record.usesCustomerKeys = usesCustomerKeys(targetsOf(record));
}

function setTargets(
  record: ImageVersionRecord,
  change: (region: TargetRegion) => readonly TargetRegion[],
): void {
  setProperties(record, {
    ...record.properties,
    publishingProfile: {
      ...record.properties.publishingProfile,
      targetRegions: targetsOf(record).flatMap(change),
    },
  });
}

function targetsOf({ properties }: ImageVersionRecord) {
  return properties.publishingProfile?.targetRegions ?? [];
}

function requireTarget(record: ImageVersionRecord, region: string): TargetRegion {
  const targets = targetsOf(record);
  const found = targets.find(({ name = "" }) => canonicalRegion(name) === canonicalRegion(region));
  if (found === undefined)
    throw new TypeError(
      `'${displayNameOf(region)}' is no target region of '${record.id}'. It has: ${targets.map(({ name }) => name).join(", ")}.`,
    );
  return found;
}

function withoutEncryption(
  { encryption, ...region }: TargetRegion,
  lun: number | undefined,
): TargetRegion {
  if (encryption === undefined) throw new TypeError(`'${region.name}' has no encryption.`);
  if (lun === undefined) return region;
  const { dataDiskImages = [], ...others } = encryption;
  const left = dataDiskImages.filter((disk) => disk.lun !== lun);
  if (left.length === dataDiskImages.length)
    throw new TypeError(
      `'${region.name}' has no encryption at LUN ${lun}. It has: ${dataDiskImages.map((disk) => disk.lun).join(", ") || "none"}.`,
    );
  return { ...region, encryption: { ...others, dataDiskImages: left } };
}
