/** The parts of an Azure resource id. */
export interface ResourceId {
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
  /** Lower case, without its namespace, such as `galleries/images/versions`. */
  readonly type: string;
  /** One for each part of `type`. */
  readonly names: readonly string[];
}

const RESOURCE_ID =
  /^\/?subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/(?:providers\/[^/]+\/)?([^/]+\/[^/]+(?:\/[^/]+\/[^/]+)*)\/?$/iu;

/**
 * Undefined for any other text. Ignores case and a slash at the start or end.
 * `providers/{namespace}` may be missing, as in the paths of Sigil's API.
 */
export function parseResourceId(text: string): ResourceId | undefined {
  const [, subscriptionId, resourceGroupName, path] = RESOURCE_ID.exec(text.trim()) ?? [];
  if (subscriptionId === undefined || resourceGroupName === undefined || path === undefined)
    return undefined;
  const parts = path.split("/");
  return {
    subscriptionId,
    resourceGroupName,
    type: parts
      .filter((_, i) => i % 2 === 0)
      .join("/")
      .toLowerCase(),
    names: parts.filter((_, i) => i % 2 === 1),
  };
}

/** The path parameters of an image version in Sigil's API. */
export interface ImageVersionPath {
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
  readonly galleryName: string;
  readonly imageName: string;
  readonly versionName: string;
}

/** The path parameters of a version's resource id; undefined for any other id. */
export function imageVersionPath(resourceId: string): ImageVersionPath | undefined {
  const id = parseResourceId(resourceId);
  if (id?.type !== "galleries/images/versions") return undefined;
  const { subscriptionId, resourceGroupName, names } = id;
  const [galleryName = "", imageName = "", versionName = ""] = names;
  return { subscriptionId, resourceGroupName, galleryName, imageName, versionName };
}
