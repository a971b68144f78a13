/** Disk encryption sets by name, as `az sig image-version create --target-region-encryption` takes them. */
import { galleryIdOf, type ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";

const SET_MEMBERS = ["diskEncryptionSetId", "secureVMDiskEncryptionSetId"];

/**
 * The body with an id for each set that is given as `name` or `group/name`: in the gallery's
 * subscription and, without a group, in its resource group. An id stays.
 */
export function withSetIds(body: ImageVersionRequest, id: ImageVersionId): ImageVersionRequest {
  // A tag may have any name, so only properties are searched.
  const properties = JSON.parse(JSON.stringify(body.properties), (member, value: unknown) =>
    SET_MEMBERS.includes(member) && typeof value === "string" ? setId(value, id) : value,
  ) as ImageVersionRequest["properties"];
  return { ...body, properties };
}

function setId(given: string, id: ImageVersionId): string {
  const parts = given.replace(/^\/+/u, "").split("/");
  if (parts.length > 2 || parts.includes("")) return given;
  const [name, resourceGroupName = id.resourceGroupName] = parts.reverse();
  const scope = galleryIdOf({ ...id, resourceGroupName });
  return `${scope.slice(0, scope.indexOf("/galleries/"))}/diskEncryptionSets/${name}`;
}
