/**
 * Gallery image versions.
 *
 *   (none) -PUT-> Creating -> Succeeded | Failed
 *   Succeeded, Failed -PUT, PATCH-> Updating -> Succeeded | Failed
 *   any -DELETE-> Deleting -> (none), or soft-deleted (soft-delete.ts)
 *
 * Invariants:
 *   1. A version is created once: the PUT that is under way, sent again, starts nothing.
 *   2. While Creating, Updating or Deleting, a different PUT or PATCH is 409 Conflict.
 *   3. A version is Succeeded only when every region is Completed ("homeRegion": when its own location is). It is Failed
 *      when every region has ended and one is Failed ("firstRegion": as soon as one is).
 *   4. A region that failed stays failed until an update removes it and another one adds it back, or a control repairs it.
 *   5. What cannot change after creation never does: PropertyChangeNotAllowed.
 *   6. What the caller was told is durable before it is told.
 *   7. Time alone moves a version on; nothing is scheduled, so a restart loses nothing.
 */
import {
  ArmError,
  conflict,
  disallowedByPolicy,
  existsElsewhere,
  invalidParameter,
} from "./arm-error.js";
import {
  lateRefusal,
  validateAgainstDefinition,
  validateConfidentialRegions,
} from "./image-definition.js";
import { recordedSource } from "./recorded-source.js";
import { validateChange, validateDeletion } from "./image-version-change.js";
import { fillDefaults } from "./image-version-defaults.js";
import {
  hasConfidentialDataDisks,
  usesCustomerKeys,
  validateEncryption,
} from "./image-version-encryption.js";
import {
  forgetWrites,
  readVersion,
  rememberWrite,
  visibleVersion,
  type VisibleVersion,
} from "./image-version-lag.js";
import { keepOmitted } from "./image-version-omission.js";
import { mergePatch } from "./image-version-patch.js";
import { replicateRegions } from "./image-version-replication.js";
import {
  validateGallery,
  validateLocation,
  validateName,
  validateProfile,
  validateShallow,
} from "./image-version-rules.js";
import { readImageVersionBody, type ImageVersionBody } from "./image-version-shape.js";
import { findSource } from "./image-version-source.js";
import { fingerprintOf } from "./image-version-fingerprint.js";
import { isBusy, settleImageVersion } from "./image-version-settling.js";
import { endOperation, startOperation } from "./operations.js";
import {
  CONFIDENTIAL_DATA_DISKS_FEATURE,
  requireFeature,
  requireFeatures,
  requireProvider,
} from "./registrations.js";
import type { ReplicationModel } from "./replication.js";
import { parentId, resourceKey, type ComputeResourceId } from "./resource-id.js";
import { canonicalRegion } from "./regions.js";
import {
  findSoftDeleted,
  softDeletePolicyOf,
  validateRestoration,
  validateSoftDeletion,
} from "./soft-delete.js";
import type {
  ArmResource,
  ImageVersionRecord,
  OperationRecord,
  SoftDeletedVersion,
} from "./state.js";
import type { Store } from "./store.js";

/** Share of a replication's duration that an update without new regions, a late refusal or a deletion takes. */
const SHORT_OPERATION_SHARE = 0.02;

export interface Accepted {
  readonly record: ImageVersionRecord;
  readonly operation: OperationRecord | undefined;
  readonly created: boolean;
}

function inProgress({ id, provisioningState }: ImageVersionRecord): ArmError {
  return conflict(
    `The gallery image version '${id}' is in provisioning state '${provisioningState}'. Another operation on it is in progress; retry after it has completed.`,
  );
}

export class ImageVersions {
  readonly #store: Store;
  readonly #model: ReplicationModel;

  constructor(store: Store, model: ReplicationModel) {
    this.#store = store;
    this.#model = model;
  }

  /** Undefined if there is none, or it is gone. */
  find(key: string): ImageVersionRecord | undefined {
    const record = this.#store.state.imageVersions[key];
    if (record === undefined) return undefined;
    settleImageVersion(this.#store, key, record); // Invariants 3 and 7.
    return this.#store.state.imageVersions[key];
  }

  /** The version in a GET; throws ResourceNotFound if the GET shows none. */
  async read(id: ComputeResourceId): Promise<VisibleVersion> {
    const { key, path, record } = this.#current(id);
    const seen = record && (await readVersion(this.#store, key, record));
    if (seen === undefined) throw this.#store.notFound(path);
    return seen;
  }

  /** The versions of one image definition in a LIST, oldest first. */
  list(definition: ArmResource): ImageVersionRecord[] {
    const prefix = `${resourceKey(definition.id)}/versions/`;
    return Object.keys(this.#store.state.imageVersions)
      .filter((key) => key.startsWith(prefix))
      .flatMap((key) => {
        const record = this.find(key);
        return (record && visibleVersion(this.#store, key, record)?.record) ?? [];
      });
  }

  /** Brings every version up to the present: before a change of what time means. */
  settleAll(): void {
    for (const key of Object.keys(this.#store.state.imageVersions)) this.find(key);
  }

  async put(id: ComputeResourceId, body: unknown, apiVersion: string): Promise<Accepted> {
    const { definition, gallery, path } = this.#parents(id);
    const asked = readImageVersionBody(body, apiVersion);
    validateName(id.names.at(-1) ?? "");
    return await this.#write(path, gallery, definition, asked, apiVersion, id);
  }

  async patch(id: ComputeResourceId, body: unknown, apiVersion: string): Promise<Accepted> {
    const { definition, gallery, path } = this.#parents(id);
    const { key, record } = this.#current(id);
    const asked = readImageVersionBody(body, apiVersion);
    const deleted = findSoftDeleted(this.#store, key);
    if (deleted !== undefined && asked.properties?.restore === true)
      return await this.#restore(key, deleted, { location: deleted.record.location, ...asked }, id);
    if (record === undefined) throw this.#store.notFound(path);
    const merged = mergePatch(record, asked);
    return await this.#write(path, gallery, definition, merged, apiVersion, id);
  }

  /** Undefined when there is nothing to delete. `bypassSoftDelete` deletes what is soft-deleted already, too. */
  async delete(id: ComputeResourceId, bypassSoftDelete: boolean): Promise<Accepted | undefined> {
    const { key, path, record } = this.#current(id);
    if (record === undefined) {
      if (bypassSoftDelete) delete this.#store.state.softDeleted[key];
      await this.#store.commit();
      return undefined;
    }
    const running = this.#store.state.operations[record.operationId];
    if (record.provisioningState === "Deleting")
      return { record, operation: running, created: false };
    if (this.#store.state.deleteWhilePut === "conflict" && isBusy(record)) throw inProgress(record);
    validateDeletion(record, this.#store.now());
    const gallery = this.#store.requireResource(parentId(parentId(path)));
    const soft = bypassSoftDelete ? undefined : softDeletePolicyOf(gallery);
    if (soft !== undefined) validateSoftDeletion(record, this.#store.state.failedSoftDelete);
    endOperation(running, {
      status: "Canceled",
      endedAtMs: this.#store.now(),
      error: {
        code: "OperationPreempted",
        message: "Operation execution has been preempted by a more recent operation.",
      },
    });
    const operation = startOperation(this.#store, key, id.subscriptionId);
    record.provisioningState = "Deleting";
    if (soft !== undefined) record.softDelete = soft;
    record.operationId = operation.id;
    record.notBeforeMs = this.#soon();
    forgetWrites(this.#store, key);
    await this.#store.commit();
    return { record, operation, created: false };
  }

  async #write(
    path: string,
    gallery: ArmResource,
    definition: ArmResource,
    body: ImageVersionBody,
    apiVersion: string,
    id: ComputeResourceId,
  ): Promise<Accepted> {
    const store = this.#store;
    const { policy } = store.state;
    const name = id.names.at(-1) ?? "";
    // ARM asks Azure Policy before it passes a request on.
    if (policy.deny !== undefined) throw disallowedByPolicy(name, policy.deny);
    const key = resourceKey(path);
    const before = this.find(key);
    const fingerprint = fingerprintOf(body);
    if (before !== undefined && isBusy(before)) {
      // Invariant 1: the same request again is answered as the first was.
      if (before.provisioningState !== "Deleting" && fingerprint === before.acceptedBody)
        return {
          record: before,
          operation: store.state.operations[before.operationId],
          created: before.provisioningState === "Creating",
        };
      // Invariant 2.
      throw inProgress(before);
    }

    const deleted = findSoftDeleted(store, key);
    if (deleted !== undefined) return await this.#restore(key, deleted, body, id);
    if (body.properties?.restore === true)
      throw before === undefined
        ? store.notFound(path)
        : conflict(
            `The gallery image version '${before.id}' is not soft-deleted: there is nothing to restore.`,
          );
    const asked = before === undefined ? body : keepOmitted(body, before, store.state.omission);
    const subscription = store.subscription(id.subscriptionId);
    const location = validateLocation(asked.location, subscription);
    if (before !== undefined && before.location !== location)
      throw existsElsewhere(before.name, id.resourceGroup, {
        is: before.location,
        asked: location,
      });
    const properties = asked.properties ?? {};
    const regions = properties.publishingProfile?.targetRegions ?? [{ name: location }];
    validateProfile(properties.publishingProfile ?? {}, regions, location, subscription);
    if (properties.storageProfile === undefined)
      throw invalidParameter(
        "galleryImageVersion.properties.storageProfile",
        "Required parameter 'galleryImageVersion.properties.storageProfile' is missing (null).",
      );
    // Invariant 5: before the source is looked for, which of a finished version may be gone.
    if (before !== undefined) validateChange(before, properties, regions);
    validateShallow(properties.publishingProfile ?? {}, regions);
    const source =
      before === undefined
        ? findSource(
            { store, subscriptionId: id.subscriptionId, location },
            properties.storageProfile,
          )
        : recordedSource(before);
    validateAgainstDefinition(definition, source);
    const ownKeys = usesCustomerKeys(regions);
    if (ownKeys) {
      requireFeatures(store, id.subscriptionId);
      validateGallery(gallery);
    }
    if (hasConfidentialDataDisks(regions))
      requireFeature(
        store,
        id.subscriptionId,
        CONFIDENTIAL_DATA_DISKS_FEATURE,
        "confidential encryption of data disks",
      );
    validateEncryption(
      store,
      id.subscriptionId,
      regions,
      source,
      before?.properties.publishingProfile?.targetRegions ?? [],
    );
    validateConfidentialRegions(definition, regions, location);

    const asyncError =
      before === undefined
        ? lateRefusal(definition, source, properties.publishingProfile)
        : before.asyncError;
    const operation = startOperation(store, key, id.subscriptionId);
    const record: ImageVersionRecord = {
      id: before?.id ?? path,
      name: before?.name ?? name,
      location,
      tags: policy.addTags ? { ...asked.tags, ...policy.addTags } : asked.tags,
      properties: fillDefaults(store, properties, regions, source, {
        apiVersion,
        publishedDate:
          before?.properties.publishingProfile?.publishedDate ??
          new Date(store.now()).toISOString(),
        before,
      }),
      acceptedBody: fingerprint,
      provisioningState: before === undefined ? "Creating" : "Updating",
      operationId: operation.id,
      notBeforeMs: this.#soon(),
      ...(asyncError === undefined ? {} : { asyncError }),
      regions: [],
      usesCustomerKeys: ownKeys,
    };
    rememberWrite(store, key, before);
    record.regions = replicateRegions(store, this.#model, key, record, before);
    store.state.imageVersions[key] = record;
    if (before === undefined) store.state.creates[key] = (store.state.creates[key] ?? 0) + 1;
    // Invariant 6.
    await store.commit();
    return { record, operation, created: before === undefined };
  }

  /** Restores it as it was: the body only has its location. */
  async #restore(
    key: string,
    deleted: SoftDeletedVersion,
    body: ImageVersionBody,
    id: ComputeResourceId,
  ): Promise<Accepted> {
    const store = this.#store;
    validateRestoration(deleted, body, canonicalRegion(body.location ?? ""));
    const operation = startOperation(store, key, id.subscriptionId);
    const record: ImageVersionRecord = {
      ...deleted.record,
      ...(store.state.dateAfterRestore === "new" && {
        properties: {
          ...deleted.record.properties,
          publishingProfile: {
            ...deleted.record.properties.publishingProfile,
            publishedDate: new Date(store.now()).toISOString(),
          },
        },
      }),
      acceptedBody: fingerprintOf(body),
      provisioningState: "Updating",
      operationId: operation.id,
      notBeforeMs: this.#soon(),
    };
    rememberWrite(store, key, undefined);
    delete store.state.softDeleted[key];
    store.state.imageVersions[key] = record;
    await store.commit();
    return { record, operation, created: false };
  }

  #current(id: ComputeResourceId): {
    path: string;
    key: string;
    record: ImageVersionRecord | undefined;
  } {
    this.#store.requireResourceGroup(id);
    const path = this.#store.canonicalId(id);
    const key = resourceKey(path);
    return { path, key, record: this.find(key) };
  }

  #parents(id: ComputeResourceId): {
    gallery: ArmResource;
    definition: ArmResource;
    path: string;
  } {
    const store = this.#store;
    store.requireResourceGroup(id);
    requireProvider(store, id.subscriptionId);
    const path = store.canonicalId(id);
    const definition = store.findResource(parentId(path));
    if (definition === undefined)
      throw new ArmError(
        404,
        "ParentResourceNotFound",
        `Failed to perform 'write' on resource(s) of type 'galleries/images/versions', because the parent resource '${parentId(path)}' could not be found.`,
      );
    return {
      definition,
      path,
      gallery: store.requireResource(parentId(definition.id)),
    };
  }

  #soon(): number {
    return this.#store.replicationNow() + this.#model.durationMs * SHORT_OPERATION_SHARE;
  }
}
