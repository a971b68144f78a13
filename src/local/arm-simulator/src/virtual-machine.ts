import { randomUUID } from "node:crypto";
import { ArmError, conflict, invalidParameter } from "./arm-error.js";
import type { ArmAnswer, ArmRequest } from "./arm-request.js";
import type { DefinitionProperties } from "./image-definition.js";
import type { ImageVersions } from "./image-versions.js";
import { isObject } from "./json-shape.js";
import { canonicalRegion } from "./regions.js";
import { viewRegion } from "./replication.js";
import { answerResource } from "./resource-endpoints.js";
import {
  parentId,
  parseComputeId,
  resourceKey,
  type ComputeResourceId,
} from "./resource-id.js";
import { findSoftDeleted } from "./soft-delete.js";
import type { ArmResource, ImageVersionRecord } from "./state.js";
import type { Store } from "./store.js";

/*
 * A virtual machine of an image version gets a managed disk of each disk of the image; each is encrypted with the set that
 * the request gives it, else with the platform's key. Deleting the machine detaches its disks; one whose `deleteOption` is
 * Delete goes with it. A machine without an image reference is kept as it was put, as any other resource.
 */

interface DiskRequest {
  readonly lun?: number;
  readonly name?: string | null;
  readonly deleteOption?: string | null;
  readonly managedDisk?: {
    readonly storageAccountType?: string | null;
    readonly diskEncryptionSet?: { readonly id?: string } | null;
  } | null;
}

interface StorageRequest {
  readonly imageReference?: { readonly id?: string };
  readonly osDisk?: DiskRequest;
  readonly dataDisks?: readonly DiskRequest[];
}

/** PUT and DELETE of a virtual machine; everything else is any resource's. */
export async function answerVirtualMachine(
  store: Store,
  versions: ImageVersions,
  id: ComputeResourceId,
  request: ArmRequest,
): Promise<ArmAnswer | undefined> {
  const path = store.canonicalId(id);
  const before = store.findResource(path);
  const made = before === undefined && request.method === "PUT";
  const plan = made ? planMachine(store, versions, path, request.body) : [];
  const body = made ? withDisks(request.body, plan) : request.body;
  try {
    // One commit has the machine and its disks.
    plan.forEach(({ resource }) => store.putResource(resource));
    const answer = await answerResource(store, id, { ...request, body });
    if (request.method === "DELETE" && before !== undefined) {
      releaseDisks(store, before);
      await store.commit();
    }
    return answer;
  } catch (error) {
    for (const { resource } of plan)
      delete store.state.resources[resourceKey(resource.id)];
    throw error;
  }
}

interface PlannedDisk {
  /** Absent: the operating system's. */
  readonly lun?: number;
  readonly asked: DiskRequest;
  readonly resource: ArmResource;
}

function planMachine(
  store: Store,
  versions: ImageVersions,
  machineId: string,
  body: unknown,
): readonly PlannedDisk[] {
  const { location, storage, plan } = readMachine(body);
  const imageId = storage.imageReference?.id;
  if (imageId === undefined) return [];
  const version = findVersion(store, versions, imageId, location);
  const definition = store.requireResource(parentId(version.id));
  requirePlan(definition, plan);
  const { osType, hyperVGeneration = "V1" } =
    definition.properties as DefinitionProperties;
  const { osDiskImage, dataDiskImages = [] } =
    version.properties.storageProfile ?? {};
  const machine = machineId.split("/").at(-1) ?? "";
  const make = (
    asked: DiskRequest,
    diskSizeGB: number | undefined,
    lun?: number,
  ): PlannedDisk => {
    const name =
      asked.name ??
      `${machine}_${lun === undefined ? "OsDisk_1" : `DataDisk_${lun}`}_${randomUUID().replaceAll("-", "")}`;
    const id = `${parentId(machineId)}/disks/${name}`;
    if (store.findResource(id) !== undefined)
      throw conflict(
        `Disk ${name} already exists in resource group. Only CreateOption.Attach is supported.`,
      );
    return {
      asked,
      ...(lun === undefined ? {} : { lun }),
      resource: {
        id,
        name,
        type: "Microsoft.Compute/disks",
        location,
        managedBy: machineId,
        sku: { name: asked.managedDisk?.storageAccountType ?? "Premium_LRS" },
        properties: {
          ...(lun === undefined ? { osType, hyperVGeneration } : {}),
          creationData: {
            createOption: "FromImage",
            galleryImageReference: {
              id: version.id,
              ...(lun === undefined ? {} : { lun }),
            },
          },
          diskSizeGB,
          diskState: "Attached",
          encryption: encryptionOf(store, asked, location),
          provisioningState: "Succeeded",
        },
      },
    };
  };
  return [
    make(storage.osDisk ?? {}, osDiskImage?.sizeInGB),
    ...dataDiskImages.map(({ lun = 0, sizeInGB }) =>
      make(
        storage.dataDisks?.find((disk) => disk.lun === lun) ?? {},
        sizeInGB,
        lun,
      ),
    ),
  ];
}

function readMachine(body: unknown) {
  const machine = isObject(body) ? body : {};
  const properties = isObject(machine["properties"])
    ? machine["properties"]
    : {};
  return {
    machine,
    properties,
    location: canonicalRegion(
      typeof machine["location"] === "string" ? machine["location"] : "",
    ),
    storage: (properties["storageProfile"] ?? {}) as StorageRequest,
    plan: machine["plan"],
  };
}

/** A version by its number; of a definition's id, its latest in the region. */
function findVersion(
  store: Store,
  versions: ImageVersions,
  imageId: string,
  region: string,
): ImageVersionRecord {
  const type = parseComputeId(imageId)?.type.toLowerCase();
  const candidates =
    type === "galleries/images"
      ? versions
          .list(store.requireResource(imageId))
          .filter((version) => isLatestCandidate(version, region))
          .sort(byNumber)
      : [versions.find(resourceKey(imageId)) ?? findConsumable(store, imageId)];
  const found = candidates.at(-1);
  const ready = found?.regions.some(
    (entry) =>
      entry.region === region &&
      viewRegion(entry, store.replicationNow()).state === "Completed",
  );
  if (found === undefined || ready !== true)
    throw new ArmError(
      404,
      "GalleryImageNotFound",
      `The gallery image ${imageId} is not available in ${region} region. Please contact image owner to replicate to this region, or change your requested region.`,
      { target: "imageReference" },
    );
  return found;
}

/** Invariant 3 of soft-delete.ts. */
function findConsumable(
  store: Store,
  imageId: string,
): ImageVersionRecord | undefined {
  const found = findSoftDeleted(store, resourceKey(imageId));
  return found !== undefined && store.now() < found.consumptionEndMs
    ? found.record
    : undefined;
}

function isLatestCandidate(
  { properties, regions }: ImageVersionRecord,
  region: string,
): boolean {
  const { excludeFromLatest, targetRegions = [] } =
    properties.publishingProfile ?? {};
  return (
    excludeFromLatest !== true &&
    regions.some((entry) => entry.region === region) &&
    !targetRegions.some(
      (target) =>
        canonicalRegion(target.name ?? "") === region &&
        target.excludeFromLatest === true,
    )
  );
}

function byNumber(one: ImageVersionRecord, other: ImageVersionRecord): number {
  return one.name.localeCompare(other.name, "en", { numeric: true });
}

/** A definition that was made of a Marketplace image hands its plan on. */
function requirePlan(definition: ArmResource, given: unknown): void {
  const wanted = definition.properties?.["purchasePlan"];
  if (!isObject(wanted)) return;
  const plan = isObject(given) ? given : {};
  if (
    ["name", "publisher", "product"].every(
      (name) => plan[name] === wanted[name],
    )
  )
    return;
  throw new ArmError(
    400,
    "VMMarketplaceInvalidInput",
    `Creating a virtual machine from Marketplace image or a custom image sourced from a Marketplace image requires Plan information in the request. Plan information of '${definition.id}': name '${String(wanted["name"])}', publisher '${String(wanted["publisher"])}', product '${String(wanted["product"])}'.`,
  );
}

function encryptionOf(store: Store, asked: DiskRequest, location: string) {
  const setId = asked.managedDisk?.diskEncryptionSet?.id;
  if (setId === undefined) return { type: "EncryptionAtRestWithPlatformKey" };
  const set = store.requireResource(setId, "diskEncryptionSet.id");
  if (set.location !== location)
    throw invalidParameter(
      "diskEncryptionSet.id",
      `The disk encryption set '${set.id}' is in region '${set.location}'. It must be in the region of the virtual machine, '${location}'.`,
    );
  return {
    type: set.properties?.["encryptionType"],
    diskEncryptionSetId: set.id,
  };
}

/** The body as ARM shows it: each disk by its id, and without the password. */
function withDisks(body: unknown, planned: readonly PlannedDisk[]): unknown {
  const [os, ...data] = planned;
  if (os === undefined) return body;
  const { machine, properties, storage } = readMachine(body);
  const attached = ({ asked, lun, resource }: PlannedDisk) => ({
    ...asked,
    ...(lun === undefined ? {} : { lun }),
    name: resource.name,
    createOption: "FromImage",
    deleteOption: asked.deleteOption ?? "Detach",
    managedDisk: { ...asked.managedDisk, id: resource.id },
  });
  const { adminPassword: _secret, ...osProfile } = isObject(
    properties["osProfile"],
  )
    ? properties["osProfile"]
    : {};
  return {
    ...machine,
    properties: {
      ...properties,
      vmId: randomUUID(),
      osProfile,
      storageProfile: {
        ...storage,
        osDisk: attached(os),
        dataDisks: data.map(attached),
      },
    },
  };
}

function releaseDisks(store: Store, machine: ArmResource): void {
  const { osDisk, dataDisks = [] } = readMachine(machine).storage;
  for (const disk of [osDisk, ...dataDisks]) {
    const { id } = (disk?.managedDisk ?? {}) as { id?: string };
    const found = id === undefined ? undefined : store.findResource(id);
    if (found?.["managedBy"] !== machine.id) continue;
    if (disk?.deleteOption === "Delete")
      delete store.state.resources[resourceKey(found.id)];
    else {
      const { managedBy: _machine, ...free } = found;
      store.putResource({
        ...free,
        id: found.id,
        name: found.name,
        type: found.type,
        properties: { ...found.properties, diskState: "Unattached" },
      });
    }
  }
}
