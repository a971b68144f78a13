/** What is read of a version's body, whoever has written it. */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import { canonicalRegion } from "../../src/resource-id.js";

/** Regions of a body, by canonical name. */
export function regionsOf(body: ImageVersionRequest | undefined) {
  return (body?.properties.publishingProfile?.targetRegions ?? []).map(
    (region) => ({ ...region, name: canonicalRegion(region.name) }),
  );
}

/** The sets of the disks of a region, or of what an event tells of it. */
export function keysIn(encryption: unknown): string[] {
  const { osDiskImage, dataDiskImages = [] } = (encryption ?? {}) as {
    osDiskImage?: { diskEncryptionSetId?: string };
    dataDiskImages?: readonly { diskEncryptionSetId?: string }[];
  };
  return [osDiskImage, ...dataDiskImages].flatMap(
    (disk) => disk?.diskEncryptionSetId?.toLowerCase() ?? [],
  );
}

/** What an event tells of a region, as one text. */
export function factOf(
  region: string,
  count: number | undefined,
  keys: readonly string[],
): string {
  return `${region} ${count ?? 1} ${keys.join(" ")}`;
}

/** The facts of a body's regions, by name. */
export function factsOf(
  body: ImageVersionRequest | undefined,
): ReadonlyMap<string, string> {
  return new Map(
    regionsOf(body).map(({ name, regionalReplicaCount, encryption }) => [
      name,
      factOf(name, regionalReplicaCount, keysIn(encryption)),
    ]),
  );
}

/** A body for the trace. */
export function describe(body: ImageVersionRequest): string {
  const open =
    body.properties.safetyProfile?.allowDeletionOfReplicatedLocations === true;
  return `${regionsOf(body)
    .map(({ name, regionalReplicaCount }) => `${name} ${regionalReplicaCount}`)
    .join(", ")}${open ? " (open)" : ""}`;
}

/** ARM has done with the version. */
export function isIdle(provisioningState: string): boolean {
  return ["Succeeded", "Failed"].includes(provisioningState);
}
