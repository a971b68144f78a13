import type { ImageVersionRequest } from "../contract.js";
import { diskEncryptionReferences } from "./disk-encryption-references.js";
import { diskImagesOf } from "./source-kinds.js";
import { sourceReferences } from "./source-references.js";
import { parseResourceId } from "../../resource-id.js";
import { STORAGE_PROFILE } from "./table.js";

const SET = "Microsoft.Compute/diskEncryptionSets";

/** A place in a request that names a resource. */
interface ResourceReference {
  readonly pointer: string;
  readonly id: string;
  /** Types that are valid in this place, such as `Microsoft.Compute/disks`. */
  readonly types: readonly string[];
}

/** Every resource id in a canonical request. */
export function resourceReferences(request: ImageVersionRequest): readonly ResourceReference[] {
  return [
    ...diskEncryptionReferences(request).map((reference) => ({
      pointer: reference.pointer,
      id: reference.diskEncryptionSetId,
      types: [SET],
    })),
    ...sourceReferences(request).map((reference) => ({
      ...reference,
      types: reference.types.map((type) => `Microsoft.Compute/${type}`),
    })),
    ...diskImagesOf(request).flatMap(({ pointer, source }) =>
      source?.storageAccountId === undefined
        ? []
        : [
            {
              pointer: `${pointer}/source/storageAccountId`,
              id: source.storageAccountId,
              types: [
                "Microsoft.Storage/storageAccounts",
                "Microsoft.ClassicStorage/storageAccounts",
              ],
            },
          ],
    ),
  ];
}

/** A resource that a version is created from or encrypted with. */
export interface UsedResource {
  readonly kind: "sources" | "diskEncryptionSets";
  readonly pointer: string;
  /**
   * A resource id, or the address of a source that is in no subscription, or not provably in that
   * of its storage account.
   */
  readonly id: string;
}

/** Everything in a canonical request that may belong to somebody other than its caller. */
export function usedResources(request: ImageVersionRequest): readonly UsedResource[] {
  const { source } = request.properties.storageProfile;
  return [
    ...resourceReferences(request).map(({ pointer, id, types }) => ({
      kind: types.includes(SET) ? ("diskEncryptionSets" as const) : ("sources" as const),
      pointer,
      id,
    })),
    ...(source?.communityGalleryImageId === undefined
      ? []
      : [
          {
            kind: "sources" as const,
            pointer: `${STORAGE_PROFILE}/source/communityGalleryImageId`,
            id: source.communityGalleryImageId,
          },
        ]),
    // Names of storage accounts are unique in Azure, so a blob host with the account's name is that
    // account's.
    ...diskImagesOf(request).flatMap(({ pointer, source: vhd }) =>
      vhd?.uri === undefined || isOfAccount(vhd.uri, vhd.storageAccountId ?? "")
        ? []
        : [
            {
              kind: "sources" as const,
              pointer: `${pointer}/source/uri`,
              id: vhd.uri,
            },
          ],
    ),
  ];
}

/**
 * Hosts of blobs in Azure's clouds, after an account's name; those of accounts with DNS zone
 * endpoints include the zone.
 */
const BLOB_HOST =
  /^([a-z0-9]+)\.(?:blob\.core\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)|z\d+\.blob\.storage\.azure\.net)$/u;

function isOfAccount(uri: string, storageAccountId: string): boolean {
  const account = parseResourceId(storageAccountId)?.names[0];
  return (
    account !== undefined &&
    URL.canParse(uri) &&
    BLOB_HOST.exec(new URL(uri).hostname)?.[1] === account.toLowerCase()
  );
}

/** An id of the first valid type, as an example. */
export function exampleOf({ types }: ResourceReference): string {
  const [namespace, ...path] = (types[0] ?? "").split("/");
  return `/subscriptions/{guid}/resourceGroups/{name}/providers/${namespace}/${path.map((type) => `${type}/{name}`).join("/")}`;
}
