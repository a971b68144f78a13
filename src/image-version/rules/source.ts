import { imageIdOf, isComputeResourceId, parseImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Gathered } from "./gathered.js";
import { found } from "../../bounded-reads.js";
import {
  isImageVersion,
  sourceReferences,
  type SourceReference,
} from "../properties/source-references.js";
import { STORAGE_PROFILE } from "../properties/table.js";
import type { ImageSource, PurchasePlan, SourceDisk } from "../resources.js";

/** Each reference whose source could be read, with the source. */
export function seenSources(
  request: ImageVersionRequest,
  gathered: Gathered,
): readonly {
  readonly reference: SourceReference;
  readonly source: ImageSource;
}[] {
  return sourceReferences(request).flatMap((reference) => {
    const source = found(gathered.sources.get(reference.id.toLowerCase()));
    return source === undefined ? [] : [{ reference, source }];
  });
}

/** LUNs of the data disks that the version will have; undefined if Sigil cannot read the source. */
export function sourceDataDiskLuns(
  request: ImageVersionRequest,
  gathered: Gathered,
): readonly number[] | undefined {
  const source = sourceOf(request, gathered);
  return source && [...source.dataDisks.keys()];
}

/** A trait of a source, the resource that the request names, and where it names it. */
export interface Trait {
  readonly pointer: string;
  readonly id: string;
  readonly value: string;
}

/**
 * A disk of the source, and where the request names its resource. `id` is the disk, or the image
 * that holds it; absent: a VHD.
 */
interface DiskOfSource extends SourceDisk {
  readonly pointer: string;
}

/**
 * The source of the version; absent: a member that a resource does not show, or that could not be
 * read.
 */
interface Source {
  readonly osDisk: DiskOfSource;
  /** By LUN. */
  readonly dataDisks: ReadonlyMap<number, DiskOfSource>;
  readonly osType?: Trait;
  readonly osState?: Trait;
  readonly hyperVGeneration?: Trait;
  readonly architecture?: Trait;
  /** For an image version, its definition's. */
  readonly securityType?: Trait;
}

/** The source of a canonical request; undefined if it cannot be read, or there are several. */
export function sourceOf(
  request: ImageVersionRequest,
  gathered: Pick<Gathered, "sources" | "sourceDefinitions">,
): Source | undefined {
  const { source, osDiskImage, dataDiskImages } = request.properties.storageProfile ?? {};
  const seen = (id: string | undefined): ImageSource | undefined =>
    id === undefined ? undefined : found(gathered.sources.get(id.toLowerCase()));

  const given = [source?.id, source?.virtualMachineId, osDiskImage?.source];
  if (given.filter((one) => one !== undefined).length > 1) return undefined;
  if (osDiskImage?.source !== undefined) {
    const disk = (path: string, id: string | undefined): DiskOfSource => ({
      pointer: `${STORAGE_PROFILE}/${path}/source/id`,
      ...seen(id)?.osDisk,
      ...(id !== undefined && { id }),
    });
    const osDisk = disk("osDiskImage", osDiskImage.source.id);
    const shown = seen(osDisk.id);
    return {
      osDisk,
      dataDisks: new Map(
        (dataDiskImages ?? []).map((image, i) => [
          image.lun,
          disk(`dataDiskImages/${i}`, image.source?.id),
        ]),
      ),
      ...(shown && traitsOf(osDisk.pointer, shown.id, [shown, STANDARD])),
    };
  }

  const member = source?.id === undefined ? "virtualMachineId" : "id";
  const pointer = `${STORAGE_PROFILE}/source/${member}`;
  const named = seen(source?.[member]);
  if (named === undefined) return undefined;
  const { id } = named;
  const disk = (held: SourceDisk): DiskOfSource => ({
    pointer,
    // The disk's own values win over those of the machine that holds it.
    ...held,
    ...seen(held.id)?.osDisk,
    id: held.id ?? id,
  });
  const version = parseImageVersionId(id);
  const definition =
    version && found(gathered.sourceDefinitions.get(imageIdOf(version).toLowerCase()));
  return {
    osDisk: disk(named.osDisk),
    dataDisks: new Map(named.dataDisks.map((held) => [held.lun, disk(held)])),
    ...traitsOf(pointer, id, [
      named,
      seen(named.osDisk.id),
      isImageVersion(named) ? definition : STANDARD,
    ]),
  };
}

type Traits = Pick<
  ImageSource,
  "osType" | "osState" | "hyperVGeneration" | "architecture" | "securityType"
>;

/**
 * An image, machine or disk that shows no security type has none; a VHD or a version does not tell.
 */
const STANDARD: Traits = { securityType: "Standard" };

/** Each trait, from the first of `resources` that shows it. */
function traitsOf(
  pointer: string,
  id: string,
  resources: readonly (Traits | undefined)[],
): Partial<Record<keyof Traits, Trait>> {
  const shown = (name: keyof Traits): Partial<Record<keyof Traits, Trait>> => {
    const value = resources.find((resource) => resource?.[name] !== undefined)?.[name];
    return value === undefined ? {} : { [name]: { pointer, id, value } };
  };
  return {
    ...shown("osType"),
    ...shown("osState"),
    ...shown("hyperVGeneration"),
    ...shown("architecture"),
    ...shown("securityType"),
  };
}

/** The purchase plan that the source shows, and where the request names the source. */
export interface ShownPlan {
  readonly pointer: string;
  readonly id: string;
  readonly ofMachine: boolean;
  /** Absent: it was created without one. */
  readonly plan?: PurchasePlan;
}

/**
 * Undefined if the source cannot show one, such as a managed image or a VHD, or could not be read.
 */
export function purchasePlanOf(
  request: ImageVersionRequest,
  gathered: Gathered,
): ShownPlan | undefined {
  const [first] = seenSources(request, gathered);
  if (first === undefined) return undefined;
  const { reference, source } = first;
  const { id } = source;
  const version = parseImageVersionId(id);
  const shower =
    version === undefined
      ? source
      : found(gathered.sourceDefinitions.get(imageIdOf(version).toLowerCase()));
  if (shower === undefined || isComputeResourceId(id, "images")) return undefined;
  const plan = shower.purchasePlan;
  return {
    pointer: reference.pointer,
    id,
    ofMachine: isComputeResourceId(id, "virtualMachines"),
    ...(plan && { plan }),
  };
}

/** Every disk of the source, with its name for messages. */
export function disksIn({
  osDisk,
  dataDisks,
}: Source): readonly (DiskOfSource & { readonly disk: string })[] {
  return [
    { ...osDisk, disk: "OS disk" },
    ...[...dataDisks].map(([lun, disk]) => ({
      ...disk,
      disk: `data disk at LUN ${lun}`,
    })),
  ];
}

/**
 * Disks that are encrypted with a customer key in the source, by "os" or LUN; none for an image
 * version, which cannot be a source then.
 */
export function encryptedDisks(
  request: ImageVersionRequest,
  gathered: Gathered,
): ReadonlyMap<"os" | number, DiskOfSource> {
  const source = sourceOf(request, gathered);
  if (source === undefined) return new Map();
  const disks: ["os" | number, DiskOfSource][] = [["os", source.osDisk], ...source.dataDisks];
  return new Map(
    disks.filter(
      ([, { id, diskEncryptionSetId }]) =>
        diskEncryptionSetId !== undefined && (id === undefined || !isImageVersion({ id })),
    ),
  );
}
