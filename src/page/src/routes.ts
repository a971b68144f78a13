import { parseResourceId as parse } from "@sigil/client";

/** A gallery, by the names of its resource id. */
export interface GalleryName {
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
  readonly galleryName: string;
}

/** An image definition, by the names of its resource id. */
export interface ImageName extends GalleryName {
  readonly imageName: string;
}

/** The same for the same gallery, whatever case it is written in: names in Azure have none. */
export function galleryKey(gallery: GalleryName): string {
  const { subscriptionId, resourceGroupName, galleryName } = gallery;
  return [subscriptionId, resourceGroupName, galleryName].join("/").toLowerCase();
}

/** The same for the same definition. */
export function imageKey(image: ImageName): string {
  return `${galleryKey(image)}/${image.imageName.toLowerCase()}`;
}

/** Every view that has an address. */
export type Route =
  | { readonly view: "home" }
  | { readonly view: "gallery"; readonly gallery: GalleryName }
  | { readonly view: "image"; readonly image: ImageName }
  | {
      readonly view: "version";
      readonly image: ImageName;
      readonly version: string;
    }
  /** A new version; with `version`, a change to that one. */
  | {
      readonly view: "create";
      readonly image: ImageName;
      readonly version?: string;
    }
  | { readonly view: "retention"; readonly image: ImageName }
  | { readonly view: "operations" }
  | { readonly view: "operation"; readonly operationId: string }
  | { readonly view: "keys"; readonly subscriptionId?: string }
  | { readonly view: "rejected" }
  | { readonly view: "unknown" };

const BASE = "/api/ui";

export function parsePath(pathname: string): Route {
  const parts = pathname
    .replace(BASE, "")
    .split("/")
    .filter((part) => part !== "")
    .map(decoded);
  const [first, ...rest] = parts;
  switch (first) {
    case undefined:
      return { view: "home" };
    case "galleries":
      return galleryRoute(rest);
    case "images":
      return imageRoute(rest);
    case "operations": {
      const [operationId, ...more] = rest;
      if (more.length > 0) return { view: "unknown" };
      return operationId === undefined
        ? { view: "operations" }
        : { view: "operation", operationId };
    }
    case "keys": {
      const [subscriptionId, ...more] = rest;
      if (more.length > 0) return { view: "unknown" };
      return { view: "keys", ...(subscriptionId && { subscriptionId }) };
    }
    case "rejected":
      return { view: rest.length === 0 ? "rejected" : "unknown" };
    default:
      return { view: "unknown" };
  }
}

function galleryRoute(parts: readonly string[]): Route {
  const [subscriptionId, resourceGroupName, galleryName, ...more] = parts;
  return subscriptionId === undefined ||
    resourceGroupName === undefined ||
    galleryName === undefined ||
    more.length > 0
    ? { view: "unknown" }
    : {
        view: "gallery",
        gallery: { subscriptionId, resourceGroupName, galleryName },
      };
}

function imageRoute(parts: readonly string[]): Route {
  const [subscriptionId, resourceGroupName, galleryName, imageName, ...rest] = parts;
  if (
    subscriptionId === undefined ||
    resourceGroupName === undefined ||
    galleryName === undefined ||
    imageName === undefined
  )
    return { view: "unknown" };
  const image = { subscriptionId, resourceGroupName, galleryName, imageName };
  const [what, version, action, ...more] = rest;
  if (what === undefined) return { view: "image", image };
  if (version === undefined && what === "create") return { view: "create", image };
  if (version === undefined && what === "retention") return { view: "retention", image };
  if (what === "versions" && version !== undefined && more.length === 0) {
    if (action === undefined) return { view: "version", image, version };
    if (action === "change") return { view: "create", image, version };
  }
  return { view: "unknown" };
}

export function pathOf(route: Route): string {
  const path = (...parts: readonly string[]): string =>
    [BASE, ...parts.map(encodeURIComponent)].join("/");
  const gallery = (name: GalleryName): readonly string[] => [
    name.subscriptionId,
    name.resourceGroupName,
    name.galleryName,
  ];
  const image = (name: ImageName): readonly string[] => [
    "images",
    ...gallery(name),
    name.imageName,
  ];
  switch (route.view) {
    case "home":
    case "unknown":
      return `${BASE}/`;
    case "gallery":
      return path("galleries", ...gallery(route.gallery));
    case "image":
      return path(...image(route.image));
    case "version":
      return path(...image(route.image), "versions", route.version);
    case "create":
      return route.version === undefined
        ? path(...image(route.image), "create")
        : path(...image(route.image), "versions", route.version, "change");
    case "retention":
      return path(...image(route.image), "retention");
    case "operations":
      return path("operations");
    case "operation":
      return path("operations", route.operationId);
    case "keys":
      return route.subscriptionId === undefined ? path("keys") : path("keys", route.subscriptionId);
    case "rejected":
      return path("rejected");
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The view of what a resource id names. */
export function routeTo(id: string): Route | undefined {
  const place = parseResourceId(id);
  if (place !== undefined)
    return place.version === undefined
      ? { view: "image", image: place.image }
      : { view: "version", image: place.image, version: place.version };
  const gallery = parseGalleryId(id);
  return gallery && { view: "gallery", gallery };
}

/** The gallery that a resource id names, or that what it names is in. */
export function parseGalleryId(id: string): GalleryName | undefined {
  const parsed = parse(id);
  if (parsed === undefined || !"galleries/images/versions".startsWith(parsed.type))
    return undefined;
  const { subscriptionId, resourceGroupName, names } = parsed;
  return { subscriptionId, resourceGroupName, galleryName: names[0] ?? "" };
}

/** The image definition, and the version if there is one, that a resource id names. */
export function parseResourceId(
  id: string,
): { readonly image: ImageName; readonly version?: string } | undefined {
  const gallery = parseGalleryId(id);
  const [, imageName, version] = parse(id)?.names ?? [];
  if (gallery === undefined || imageName === undefined) return undefined;
  return { image: { ...gallery, imageName }, ...(version !== undefined && { version }) };
}
