/** Disk encryption sets by name, as `az sig image-version create --target-region-encryption` takes them. */
import { galleryIdOf, type ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";

const SET_MEMBERS = new Set([
  "diskEncryptionSetId",
  "secureVMDiskEncryptionSetId",
]);

/**
 * The body with an id for each set that is given as `name` or `group/name`: in the gallery's subscription and, without a
 * group, in its resource group. What is an id already stays.
 */
export function withSetIds(
  body: ImageVersionRequest,
  id: ImageVersionId,
): ImageVersionRequest {
  // A tag may have any name.
  return {
    ...body,
    properties: resolved(
      "properties",
      body.properties,
      id,
    ) as ImageVersionRequest["properties"],
  };
}

function resolved(member: string, value: unknown, id: ImageVersionId): unknown {
  if (Array.isArray(value))
    return value.map((item: unknown) => resolved(member, item, id));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [
        name,
        resolved(name, item, id),
      ]),
    );
  if (typeof value !== "string" || !SET_MEMBERS.has(member)) return value;
  const parts = value.replace(/^\/+/u, "").split("/");
  if (parts.length > 2 || parts.some((part) => part === "")) return value;
  const [group, name] =
    parts.length === 2 ? parts : [id.resourceGroupName, parts[0]];
  const scope = galleryIdOf({ ...id, resourceGroupName: group ?? "" });
  return `${scope.slice(0, scope.indexOf("/galleries/"))}/diskEncryptionSets/${name}`;
}
