/** A Microsoft.Compute resource id in its parts, spelled as it was given. */
export interface ComputeResourceId {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** `galleries/images/versions`, in the spelling of the id. */
  readonly type: string;
  /** One name for each part of the type. */
  readonly names: readonly string[];
}

/** ARM compares resource ids without regard to case (Resource Manager: "resource IDs are case-insensitive"). */
export function resourceKey(id: string): string {
  return `/${id.replaceAll(/^\/+|\/+$/gu, "")}`.toLowerCase();
}

const COMPUTE_ID =
  /^\/?subscriptions\/([^/]+)\/resourcegroups\/([^/]+)\/providers\/microsoft\.compute\/(.+?)\/?$/iu;

/** Undefined for what is not the id of a Microsoft.Compute resource. */
export function parseComputeId(id: string): ComputeResourceId | undefined {
  const match = COMPUTE_ID.exec(id);
  if (match === null) return undefined;
  const [, subscriptionId, resourceGroup, path] = match;
  const segments = (path ?? "").split("/");
  if (segments.length % 2 === 1 || segments.includes("")) return undefined;
  return {
    subscriptionId: subscriptionId ?? "",
    resourceGroup: resourceGroup ?? "",
    type: segments.filter((_, index) => index % 2 === 0).join("/"),
    names: segments.filter((_, index) => index % 2 === 1),
  };
}

/** `Microsoft.Compute/galleries/MyGallery/images/MyImage`, as ResourceNotFound spells a resource. */
export function typeAndName(id: ComputeResourceId): string {
  const pairs = id.type.split("/").map((type, index) => `${type}/${id.names[index]}`);
  return `Microsoft.Compute/${pairs.join("/")}`;
}

/** `/subscriptions/…/resourceGroups/…`, in lower case. */
export function resourceGroupKey(id: { subscriptionId: string; resourceGroup: string }): string {
  return resourceKey(`/subscriptions/${id.subscriptionId}/resourceGroups/${id.resourceGroup}`);
}

/** The id without its last type and name. */
export function parentId(id: string): string {
  return id.split("/").slice(0, -2).join("/");
}
