import type { Client, Schemas } from "@sigil/client";
import { readTagged, type Tagged } from "./retry.js";
import type { ImageName } from "./routes.js";

export type VersionSummary = Schemas["ImageVersionSummary"];
export type RegionSummary = Schemas["RegionSummary"];

export type Summary = Tagged<Schemas["ImageSummary"]>;

/** The summary, or `previous` while nothing has changed. */
export function readSummary(
  client: Client,
  image: ImageName,
  previous: Summary | undefined,
  signal: AbortSignal,
): Promise<Summary> {
  return readTagged(previous, (header) =>
    client.call("getImageSummary", { path: { ...image }, header, signal }),
  );
}

export function paceOf({ nextMs }: Pick<Summary, "nextMs">): number {
  return nextMs;
}

/** Something is under way: an operation, or what others have begun in Azure. */
export function isBusy(version: VersionSummary): boolean {
  return (
    ["Creating", "Updating", "Deleting"].includes(version.provisioningState) ||
    isOpen(version.state) ||
    version.regions.some(({ state }) => state === "Replicating")
  );
}

/** Sigil or others delete it now. */
export function isDeleting(state: string | undefined, provisioningState?: string): boolean {
  return (
    ["DeletionRequested", "Deleting"].includes(state ?? "") || provisioningState === "Deleting"
  );
}

/** An operation that has this state goes on. */
export function isOpen(state: string | undefined): boolean {
  return state !== undefined && !["Succeeded", "Failed", "Canceled", "Deleted"].includes(state);
}

export interface Filters {
  /** The beginning of a number, or a part of a set's name. */
  readonly text: string;
  readonly region: string;
}

export function filtered({ body }: Summary, { text, region }: Filters): readonly VersionSummary[] {
  const wanted = text.trim().toLowerCase();
  const sets = new Set(
    body.diskEncryptionSets.flatMap((id, index) =>
      wanted !== "" && nameIn(id).toLowerCase().includes(wanted) ? [index] : [],
    ),
  );
  return body.versions.filter(
    (version) =>
      (region === "" || version.regions.some(({ name }) => name === region)) &&
      (wanted === "" ||
        version.name.startsWith(wanted) ||
        version.regions.some(({ diskEncryptionSets }) =>
          diskEncryptionSets.some((set) => sets.has(set)),
        )),
  );
}

/** The last name of a resource id. */
export function nameIn(resourceId: string): string {
  return resourceId.replace(/\/$/u, "").split("/").at(-1) ?? resourceId;
}

/** How a disk is encrypted, as people say it. */
export const ENCRYPTION_NAMES: Readonly<Record<string, string>> = {
  Unknown: "unknown",
  EncryptionAtRestWithPlatformKey: "platform key",
  EncryptionAtRestWithCustomerKey: "customer key",
  EncryptionAtRestWithPlatformAndCustomerKeys: "double",
  ConfidentialVmEncryptedWithCustomerKey: "confidential",
};
