/**
 * The source of a version: an image, a machine, another version, or a snapshot or VHD for each
 * disk.
 */
import type { Schemas } from "@sigil/client";
import { UsageError } from "../exit-codes.js";
import type { Values } from "../options.js";
import { accountId, idOf, isResourceId, listOf, lunOf, type Place } from "./names.js";

type DataDisk = Schemas["GalleryDataDiskImage"];

export function storageOf(
  values: Values,
  place: Place,
): Schemas["GalleryImageVersionStorageProfile"] {
  const SOURCES = ["--managed-image", "--virtual-machine", "--image-version"];
  const sources = SOURCES.filter((name) => values.has(name));
  if (sources.length > 1)
    throw new UsageError(`${sources.join(" and ")} are different sources. Give one of them.`);
  const [managedImage, virtualMachine, imageVersion] = SOURCES.map((name) => values.text(name));
  if (imageVersion !== undefined && !isResourceId(imageVersion))
    throw new UsageError(
      `--image-version is the resource id of a version, not "${imageVersion}". (The number of the new one is --gallery-image-version.)`,
    );
  const compute = (type: string, name: string): string =>
    idOf(place, "Microsoft.Compute", type, name);
  const source =
    managedImage !== undefined
      ? { id: compute("images", managedImage) }
      : virtualMachine !== undefined
        ? // Before 2024 az sent it as `id`, which Azure retired.
          { virtualMachineId: compute("virtualMachines", virtualMachine) }
        : imageVersion !== undefined
          ? { id: imageVersion }
          : undefined;
  const osDisk = osDiskOf(values, place);
  if (source === undefined && osDisk === undefined)
    throw new UsageError(
      "A source is missing: --managed-image, --virtual-machine, --image-version, --os-snapshot, or --os-vhd-uri with --os-vhd-storage-account.",
    );
  const dataDisks = dataDisksOf(values, place);
  return {
    ...(source && { source }),
    ...(osDisk && { osDiskImage: { source: osDisk } }),
    ...(dataDisks.length > 0 && { dataDiskImages: dataDisks }),
  };
}

function osDiskOf(values: Values, place: Place): Schemas["GalleryDiskImageSource"] | undefined {
  const snapshot = values.text("--os-snapshot");
  const uri = values.text("--os-vhd-uri");
  const account = values.text("--os-vhd-storage-account");
  if ((uri === undefined) !== (account === undefined))
    throw new UsageError(
      "--os-vhd-uri and --os-vhd-storage-account go together: the VHD, and the account that gives access to it.",
    );
  if (snapshot !== undefined && uri !== undefined)
    throw new UsageError("--os-snapshot and --os-vhd-uri are both the OS disk. Give one of them.");
  if (snapshot !== undefined)
    return { id: idOf(place, "Microsoft.Compute", "snapshots", snapshot) };
  if (uri === undefined || account === undefined) return undefined;
  return { storageAccountId: accountId(account, place), uri };
}

function dataDisksOf(values: Values, place: Place): DataDisk[] {
  const snapshots = listOf(values, "--data-snapshots");
  const uris = listOf(values, "--data-vhds-uris");
  const accounts = listOf(values, "--data-vhds-storage-accounts");
  const lunsOf = (option: string, of: string, disks = [] as readonly string[]) => {
    const luns = listOf(values, option);
    if (luns !== undefined && disks.length === 0)
      throw new UsageError(`${option} goes with ${of}, which is missing.`);
    if (luns !== undefined && luns.length !== disks.length)
      throw new UsageError(
        `${option} has ${luns.length} (${luns.join(" ")}) for ${disks.length} of ${of} (${disks.join(" ")}). Give one LUN for each, in the same order, or none: they are 0, 1, 2 then.`,
      );
    return disks.map((_, i) => lunOf(option, luns?.[i] ?? String(i)));
  };
  const snapshotLuns = lunsOf("--data-snapshot-luns", "--data-snapshots", snapshots);
  const vhdLuns = lunsOf("--data-vhds-luns", "--data-vhds-uris", uris);
  if ((uris?.length ?? 0) !== (accounts?.length ?? 0))
    throw new UsageError(
      `--data-vhds-uris has ${uris?.length ?? 0}, --data-vhds-storage-accounts ${accounts?.length ?? 0}. Give the account of each VHD, in the same order.`,
    );
  return [
    ...(snapshots ?? []).map((snapshot, i) => ({
      lun: snapshotLuns[i] ?? i,
      source: { id: idOf(place, "Microsoft.Compute", "snapshots", snapshot) },
    })),
    ...(uris ?? []).map((uri, i) => ({
      lun: vhdLuns[i] ?? i,
      source: { storageAccountId: accountId(accounts?.[i] ?? "", place), uri },
    })),
  ];
}
