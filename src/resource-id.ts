import { createHash } from "node:crypto";

/** The five names that identify one image version in an Azure Compute Gallery. */
export interface ImageVersionId {
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
  readonly galleryName: string;
  readonly imageName: string;
  readonly versionName: string;
}

/**
 * The parts of a resource id. `type` is lower case and without its namespace, such as
 * `galleries/images/versions`.
 */
export interface ResourceId {
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
  readonly namespace: string;
  readonly type: string;
  readonly names: readonly string[];
}

/**
 * Without the `u` flag: with it, `i` would match U+017F as s and U+212A as k. A name begins and
 * ends with a letter, digit or underscore: `..` is a path, not a name.
 */
const RESOURCE_ID =
  // eslint-disable-next-line require-unicode-regexp -- see above
  /^\/subscriptions\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\/resourceGroups\/([-\w.()]{0,89}[-\w()])\/providers\/([A-Za-z]+(?:\.[A-Za-z]+)+)((?:\/[A-Za-z]+\/\w(?:[-\w.]{0,126}\w)?)+)$/i;

/** One spelling of an id: one leading slash, which callers may omit, and none at the end. */
export function normaliseResourceId(text: string): string {
  const trimmed = text.trim();
  let begin = 0;
  let end = trimmed.length;
  while (trimmed[begin] === "/") begin += 1;
  while (end > begin && trimmed[end - 1] === "/") end -= 1;
  return `/${trimmed.slice(begin, end)}`;
}

/** The parts of a resource id; undefined: it is not one. */
export function parseResourceId(text: string): ResourceId | undefined {
  const match = RESOURCE_ID.exec(normaliseResourceId(text));
  if (match === null) return undefined;
  const [, subscriptionId, resourceGroupName, namespace, path] = match as unknown as string[];
  const segments = (path as string).slice(1).split("/");
  return {
    subscriptionId: (subscriptionId as string).toLowerCase(),
    resourceGroupName: resourceGroupName as string,
    namespace: namespace as string,
    type: segments
      .filter((_, i) => i % 2 === 0)
      .join("/")
      .toLowerCase(),
    names: segments.filter((_, i) => i % 2 === 1),
  };
}

/**
 * Whether `text` is the id of a Microsoft.Compute resource of `type`, such as `diskEncryptionSets`.
 */
export function isComputeResourceId(text: string, type: string): boolean {
  return parseComputeId(text, type) !== undefined;
}

function parseComputeId(text: string, type: string): ResourceId | undefined {
  const id = parseResourceId(text);
  return id?.namespace.toLowerCase() === "microsoft.compute" && id.type === type.toLowerCase()
    ? id
    : undefined;
}

/** Ignores case, as ARM does. */
export function sameResourceId(a: string, b: string): boolean {
  return normaliseResourceId(a).toLowerCase() === normaliseResourceId(b).toLowerCase();
}

const VERSION_NAME = /^\d{1,10}\.\d{1,10}\.\d{1,10}$/u;

/** The parts of an image version's id; undefined: `text` is another id or none. */
export function parseImageVersionId(text: string): ImageVersionId | undefined {
  const id = parseComputeId(text, "galleries/images/versions");
  if (id === undefined) return undefined;
  const [galleryName, imageName, versionName] = id.names as [string, string, string];
  if (!VERSION_NAME.test(versionName)) return undefined;
  return {
    subscriptionId: id.subscriptionId,
    resourceGroupName: id.resourceGroupName,
    galleryName,
    imageName,
    versionName,
  };
}

/** The id of the gallery in these names, such as those of an image version. */
export function galleryIdOf(
  id: Pick<ImageVersionId, "subscriptionId" | "resourceGroupName" | "galleryName">,
): string {
  return `/subscriptions/${id.subscriptionId}/resourceGroups/${id.resourceGroupName}/providers/Microsoft.Compute/galleries/${id.galleryName}`;
}

/** The id of the image definition that holds an image version. */
export function imageIdOf(id: Omit<ImageVersionId, "versionName">): string {
  return `${galleryIdOf(id)}/images/${id.imageName}`;
}

/** The id of an image definition; undefined: `text` is another id or none. */
export function imageIdIn(text: string): string | undefined {
  return isComputeResourceId(text, "galleries/images") ? normaliseResourceId(text) : undefined;
}

export function formatImageVersionId(id: ImageVersionId): string {
  return `${imageIdOf(id)}/versions/${id.versionName}`;
}

/** A resource id as a fixed-length key, safe in Table Storage and in an operation id: 128 bits of SHA-256, in hex. */
export function keyOf(resourceId: string): string {
  return createHash("sha256")
    .update(normaliseResourceId(resourceId).toLowerCase())
    .digest("hex")
    .slice(0, 32);
}

/**
 * The canonical name of a region: lower case without spaces. ARM uses several spellings ("West US",
 * "westus").
 */
export function canonicalRegion(name: string): string {
  return name.replace(/\s+/gu, "").toLowerCase();
}
