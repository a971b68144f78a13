import { randomUUID } from "node:crypto";
import { ArmError, conflict, invalidParameter } from "./arm-error.js";
import type { ArmAnswer, ArmRequest } from "./arm-request.js";
import type { DefinitionProperties } from "./image-definition.js";
import { latestIn } from "./image-version-latest.js";
import type { ImageVersions } from "./image-versions.js";
import { isObject } from "./json-shape.js";
import {
  beginEnd,
  beginLife,
  fateOf,
  instanceViewOf,
  removeMachine,
  setPower,
} from "./machine-life.js";
import { planInterfaces, type PlannedInterface } from "./network-interface.js";
import { operationUrls } from "./operations.js";
import { GENERALIZED_VIEW, isGeneralized } from "./os-state.js";
import { canonicalRegion } from "./regions.js";
import { viewRegion } from "./replication.js";
import { answerResource } from "./resource-endpoints.js";
import { parentId, parseComputeId, resourceKey, type ComputeResourceId } from "./resource-id.js";
import { securityTypeFeature, securityTypeOfMachine, suitable } from "./security-type.js";
import { findSoftDeleted } from "./soft-delete.js";
import type { ArmResource, ImageVersionRecord, MachineFate, OperationRecord } from "./state.js";
import type { Store } from "./store.js";

/*
 * A virtual machine of an image version gets a managed disk for each disk of the image, encrypted
 * with the set in the request, or with the platform's key. Deleting the machine detaches its disks;
 * a disk whose `deleteOption` is Delete is deleted with it, and so is a network interface that it
 * created. A machine without an image reference is kept as it was put, like any other resource.
 * Seen in Azure, not documented: its disks get the machine's tags.
 */

interface DiskRequest {
  readonly lun?: number;
  readonly name?: string | null;
  readonly deleteOption?: string | null;
  readonly managedDisk?: {
    readonly storageAccountType?: string | null;
    readonly diskEncryptionSet?: { readonly id?: string } | null;
    readonly securityProfile?: {
      readonly securityEncryptionType?: string;
      readonly diskEncryptionSet?: { readonly id?: string } | null;
    } | null;
  } | null;
}

interface StorageRequest {
  readonly imageReference?: { readonly id?: string };
  readonly osDisk?: DiskRequest;
  readonly dataDisks?: readonly DiskRequest[];
}

/** A virtual machine; undefined for a method that it has not. */
export async function answerVirtualMachine(
  store: Store,
  versions: ImageVersions,
  id: ComputeResourceId,
  request: ArmRequest,
): Promise<ArmAnswer | undefined> {
  const path = store.canonicalId(id);
  const before = store.findResource(path);
  if (request.method === "GET" && before !== undefined) {
    const { instanceView: _, ...properties } = before.properties ?? {};
    return /instanceview/iu.test(request.query.get("$expand") ?? "")
      ? { status: 200, body: withInstanceView(store, before) }
      : { status: 200, body: { ...before, properties } };
  }
  if (request.method === "DELETE" && before !== undefined)
    return await deleteMachine(store, before, request);
  if (request.method !== "PUT") return await answerResource(store, id, request);
  if (before !== undefined && request.ifNoneMatch === "*")
    throw new ArmError(
      412,
      "PreconditionFailed",
      `The virtual machine '${before.name}' exists already.`,
    );
  return before === undefined
    ? await makeMachine(store, versions, id, path, request)
    : await answerResource(store, id, request);
}

async function makeMachine(
  store: Store,
  versions: ImageVersions,
  id: ComputeResourceId,
  path: string,
  request: ArmRequest,
): Promise<ArmAnswer | undefined> {
  const { location, properties, tags } = readMachine(request.body);
  const plan = planMachine(store, versions, path, request.body);
  if (plan.disks.length === 0) return await answerResource(store, id, request);
  const interfaces = planInterfaces(path, location, properties["networkProfile"]);
  const parts = [...plan.disks, ...interfaces].map(({ resource }) => ({
    ...resource,
    ...(tags === undefined || resource["tags"] !== undefined ? {} : { tags }),
  }));
  const body = withParts(request.body, plan, interfaces);
  try {
    // One commit has the machine and its disks.
    parts.forEach((part) => store.putResource(part));
    const answer = await answerResource(store, id, { ...request, body });
    const machine = store.requireResource(path);
    const operation = beginLife(store, machine, plan.fate);
    await store.commit();
    return {
      ...answer,
      status: 201,
      body: store.requireResource(path),
      headers: asynchronous(request, location, operation),
    };
  } catch (error) {
    for (const { id: part } of parts) store.removeResource(part);
    throw error;
  }
}

/** `POST …/generalize`: from then on it is no machine to be started, but one to make images of. */
export async function generalize(store: Store, path: string): Promise<ArmAnswer> {
  const machine = store.requireResource(path);
  store.putResource({
    ...machine,
    properties: { ...machine.properties, ...GENERALIZED_VIEW },
  });
  await store.commit();
  return { status: 200 };
}

/** `POST …/deallocate`, `…/powerOff` or `…/start`; done when it is answered. Guessed: the refusal's code. */
export async function changePower(store: Store, path: string, asked: string): Promise<ArmAnswer> {
  const machine = store.requireResource(path);
  const isStart = /^start$/iu.test(asked);
  if (isStart && isGeneralized(machine))
    throw new ArmError(
      409,
      "OperationNotAllowed",
      `Operation 'start' is not allowed on VM '${machine.name}' since the VM is generalized.`,
    );
  const off = /^deallocate$/iu.test(asked) ? "deallocated" : "stopped";
  setPower(store, machine, isStart ? "running" : off);
  await store.commit();
  return { status: 200 };
}

async function deleteMachine(
  store: Store,
  machine: ArmResource,
  request: ArmRequest,
): Promise<ArmAnswer> {
  const operation = beginEnd(store, machine);
  if (operation === undefined) removeMachine(store, machine);
  await store.commit();
  return operation === undefined
    ? { status: 200 }
    : {
        status: 202,
        headers: {
          ...asynchronous(request, machine.location ?? "", operation),
          "Retry-After": "10",
        },
      };
}

function asynchronous(
  { baseUrl, apiVersion }: ArmRequest,
  location: string,
  operation: OperationRecord,
): Record<string, string> {
  const urls = operationUrls(baseUrl, location, operation, apiVersion);
  return {
    "Azure-AsyncOperation": urls.asyncOperation,
    Location: urls.location,
  };
}

function withInstanceView(store: Store, machine: ArmResource): object {
  return {
    ...machine,
    properties: {
      ...machine.properties,
      instanceView: instanceViewOf(store, machine),
    },
  };
}

interface PlannedDisk {
  /** Absent: the operating system's. */
  readonly lun?: number;
  readonly asked: DiskRequest;
  readonly resource: ArmResource;
}

interface PlannedMachine {
  /** None: it has no image reference. */
  readonly disks: readonly PlannedDisk[];
  readonly fate: MachineFate | undefined;
  /** The number that was taken, also of a definition's id: read-only, and shown. */
  readonly exactVersion?: string;
}

function planMachine(
  store: Store,
  versions: ImageVersions,
  machineId: string,
  body: unknown,
): PlannedMachine {
  const { location, storage, plan, properties } = readMachine(body);
  const imageId = storage.imageReference?.id;
  if (imageId === undefined) return { disks: [], fate: undefined };
  const version = findVersion(store, versions, imageId, location);
  const definition = store.requireResource(parentId(version.id));
  requirePlan(definition, plan);
  requireProfiles(definition, properties);
  const { vmSize } = (properties["hardwareProfile"] ?? {}) as {
    vmSize?: string;
  };
  const fate = fateOf(store, location, vmSize ?? "Standard_DS1_v2");
  const { osType, hyperVGeneration = "V1" } = definition.properties as DefinitionProperties;
  const { osDiskImage, dataDiskImages = [] } = version.properties.storageProfile ?? {};
  const machine = machineId.split("/").at(-1) ?? "";
  const make = (asked: DiskRequest, diskSizeGB: number | undefined, lun?: number): PlannedDisk => {
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
          ...(fate === "wrongKey"
            ? { encryption: { type: "EncryptionAtRestWithPlatformKey" } }
            : encryptionOf(store, asked, location)),
          provisioningState: "Succeeded",
        },
      },
    };
  };
  return {
    fate,
    exactVersion: version.name,
    disks: [
      make(storage.osDisk ?? {}, osDiskImage?.sizeInGB),
      ...dataDiskImages.map(({ lun = 0, sizeInGB }) =>
        make(storage.dataDisks?.find((disk) => disk.lun === lun) ?? {}, sizeInGB, lun),
      ),
    ],
  };
}

function readMachine(body: unknown) {
  const machine = isObject(body) ? body : {};
  const properties = isObject(machine["properties"]) ? machine["properties"] : {};
  return {
    machine,
    properties,
    location: canonicalRegion(typeof machine["location"] === "string" ? machine["location"] : ""),
    storage: (properties["storageProfile"] ?? {}) as StorageRequest,
    plan: machine["plan"],
    tags: isObject(machine["tags"]) ? (machine["tags"] as Record<string, string>) : undefined,
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
      ? [latestIn(store, versions, imageId, region)]
      : [versions.find(resourceKey(imageId)) ?? findConsumable(store, imageId)];
  const found = candidates.at(-1);
  const ready = found?.regions.some(
    (entry) =>
      entry.region === region && viewRegion(entry, store.replicationNow()).state === "Completed",
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
function findConsumable(store: Store, imageId: string): ImageVersionRecord | undefined {
  const found = findSoftDeleted(store, resourceKey(imageId));
  return found !== undefined && store.now() < found.consumptionEndMs ? found.record : undefined;
}

/** A definition that was created from a Marketplace image passes its plan on. */
function requirePlan(definition: ArmResource, given: unknown): void {
  const wanted = definition.properties?.["purchasePlan"];
  if (!isObject(wanted)) return;
  const plan = isObject(given) ? given : {};
  if (["name", "publisher", "product"].every((name) => plan[name] === wanted[name])) return;
  throw new ArmError(
    400,
    "VMMarketplaceInvalidInput",
    `Creating a virtual machine from Marketplace image or a custom image sourced from a Marketplace image requires Plan information in the request. Plan information of '${definition.id}': name '${String(wanted["name"])}', publisher '${String(wanted["publisher"])}', product '${String(wanted["product"])}'.`,
  );
}

/** Documented: a specialized image takes no osProfile, a generalized one needs it. Guessed: the words of the last refusal. */
function requireProfiles(definition: ArmResource, properties: Record<string, unknown>): void {
  const { osState = "Generalized", features } = definition.properties as DefinitionProperties;
  const hasProfile = isObject(properties["osProfile"]);
  if (osState === "Specialized" && hasProfile)
    throw invalidParameter("osProfile", "Parameter 'osProfile' is not allowed.");
  if (osState === "Generalized" && !hasProfile)
    throw invalidParameter("osProfile", "Required parameter 'osProfile' is missing (null).");
  const { securityType = "Standard" } = (properties["securityProfile"] ?? {}) as {
    securityType?: string;
  };
  const feature = securityTypeFeature({ ...(features && { features }) });
  if (!suitable(feature).includes(securityTypeOfMachine(securityType)))
    throw new ArmError(
      400,
      "BadRequest",
      `The security type '${securityType}' of the virtual machine does not suit the image, whose security type is '${feature ?? "Standard"}'.`,
    );
}

function encryptionOf(store: Store, asked: DiskRequest, location: string) {
  const confidential = asked.managedDisk?.securityProfile;
  const setId = asked.managedDisk?.diskEncryptionSet?.id ?? confidential?.diskEncryptionSet?.id;
  const platform = { encryption: { type: "EncryptionAtRestWithPlatformKey" } };
  if (confidential?.securityEncryptionType !== undefined)
    return {
      ...platform,
      securityProfile: {
        securityType:
          confidential.securityEncryptionType === "DataDiskEncryptedWithCustomerKey"
            ? // Assumed: what the disk itself then shows is not written anywhere.
              "ConfidentialVM_DataDiskEncryptedWithCustomerKey"
            : confidential.securityEncryptionType === "DiskWithVMGuestState"
              ? `ConfidentialVM_DiskEncryptedWith${setId === undefined ? "Platform" : "Customer"}Key`
              : confidential.securityEncryptionType === "VMGuestStateOnly"
                ? "ConfidentialVM_VMGuestStateOnlyEncryptedWithPlatformKey"
                : "ConfidentialVM_NonPersistedTPM",
        ...(setId === undefined
          ? {}
          : { secureVMDiskEncryptionSetId: setIn(store, setId, location).id }),
      },
    };
  if (setId === undefined) return platform;
  const set = setIn(store, setId, location);
  return {
    encryption: {
      type: set.properties?.["encryptionType"],
      diskEncryptionSetId: set.id,
    },
  };
}

function setIn(store: Store, setId: string, location: string): ArmResource {
  const set = store.requireResource(setId, "diskEncryptionSet.id");
  if (set.location !== location)
    throw invalidParameter(
      "diskEncryptionSet.id",
      `The disk encryption set '${set.id}' is in region '${set.location}'. It must be in the region of the virtual machine, '${location}'.`,
    );
  return set;
}

/** The body as ARM shows it: each disk and interface by its id, and without the password. */
function withParts(
  body: unknown,
  { disks: [os, ...data], exactVersion }: PlannedMachine,
  interfaces: readonly PlannedInterface[],
): unknown {
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
  const { adminPassword: _secret, ...osProfile } = isObject(properties["osProfile"])
    ? properties["osProfile"]
    : {};
  return {
    ...machine,
    properties: {
      ...properties,
      vmId: randomUUID(),
      ...(properties["osProfile"] === undefined ? {} : { osProfile }),
      ...(interfaces.length === 0
        ? {}
        : {
            networkProfile: {
              networkInterfaces: interfaces.map(({ resource, deleteOption, primary }) => ({
                id: resource.id,
                properties: { primary, deleteOption },
              })),
            },
          }),
      storageProfile: {
        ...storage,
        imageReference: { ...storage.imageReference, exactVersion },
        osDisk: attached(os),
        dataDisks: data.map(attached),
      },
    },
  };
}
