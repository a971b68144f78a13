import type { ImageVersionRequest } from "../contract.js";
import { diskEncryptionReferences } from "./disk-encryption-references.js";
import { diskImagesOf } from "../preflight/source-kinds.js";
import { sourceReferences } from "../preflight/source.js";

/** One place in a request that names a resource. */
export interface ResourceReference {
  readonly pointer: string;
  readonly id: string;
  /** Types that fit the place, such as `Microsoft.Compute/disks`. */
  readonly types: readonly string[];
}

/** Every resource id in a canonical request. */
export function resourceReferences(
  request: ImageVersionRequest,
): readonly ResourceReference[] {
  return [
    ...diskEncryptionReferences(request).map((reference) => ({
      pointer: reference.pointer,
      id: reference.diskEncryptionSetId,
      types: ["Microsoft.Compute/diskEncryptionSets"],
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

/** An id of the first type that fits, as an example of what would be right. */
export function exampleOf({ types }: ResourceReference): string {
  const [namespace, ...path] = (types[0] ?? "").split("/");
  return `/subscriptions/{guid}/resourceGroups/{name}/providers/${namespace}/${path.map((type) => `${type}/{name}`).join("/")}`;
}
