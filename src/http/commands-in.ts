/**
 * Builds commands from requests. An absent parameter stays absent, so that the domain can tell it
 * from a given one.
 */
import type { WriteTarget } from "../authorization/gallery-policy.js";
import { isSufficient, requireRole } from "../authorization/roles.js";
import type { ChangeCommand, Command, planRollback } from "../image-version/index.js";
import { askedIn } from "./accepted.js";
import type { EndpointRequest } from "./endpoint.js";

/**
 * Operations that also exist under Azure Resource Manager's path, whose own parameters are ignored.
 */
export type Put = EndpointRequest<"putImageVersion" | "armPutImageVersion">;
export type Patch = EndpointRequest<"patchImageVersion" | "armPatchImageVersion">;
export type Delete = EndpointRequest<"deleteImageVersion" | "armDeleteImageVersion">;

export function rollbackIn(
  request: EndpointRequest<"rollBackImage" | "planRollback">,
): Parameters<typeof planRollback>[1] {
  const { path: image, body } = request;
  return {
    image,
    ...(body?.to !== undefined && { to: body.to }),
    ...preconditionIn(request),
    ...allowNoLatestIn(request),
  };
}

export function preconditionIn({
  headers,
}: {
  readonly headers: { readonly "If-Match"?: string };
}): Pick<Command, "ifMatch"> {
  const ifMatch = headers["If-Match"];
  return ifMatch === undefined ? {} : { ifMatch };
}

export function mayCreateIn({
  headers: { "If-None-Match": ifNoneMatch },
}: {
  readonly headers: { readonly "If-None-Match"?: "*" | undefined };
}): Pick<ChangeCommand, "ifNoneMatch"> {
  return ifNoneMatch === undefined ? {} : { ifNoneMatch };
}

export function changeIn(request: Put | Patch) {
  const { plan } = request.query;
  return {
    ...askedIn(request),
    ...preconditionIn(request),
    ...mayUseIn(request),
    ...removeRegionsIn(request.query),
    ...ignoreUseIn(request),
    ...allowNoLatestIn(request),
    id: request.path,
    ...mayUnprotectIn(request),
    ...(plan !== undefined && { plan }),
  };
}

export function mayUnprotectIn({
  principal,
}: Pick<EndpointRequest<"getLiveness">, "principal">): Pick<ChangeCommand, "mayUnprotect"> {
  return {
    mayUnprotect: isSufficient(principal?.roles ?? [], "ImageVersions.Admin"),
  };
}

export function mayUseIn({
  path,
  requireMayUse,
}: {
  readonly path: WriteTarget;
  readonly requireMayUse: EndpointRequest<"getLiveness">["requireMayUse"];
}): Required<Pick<ChangeCommand, "requireMayUse">> {
  return { requireMayUse: (resources) => requireMayUse(path, resources) };
}

export function removeRegionsIn({ removeRegions }: { readonly removeRegions?: string }): {
  removeRegions?: readonly string[];
} {
  return removeRegions === undefined
    ? {}
    : { removeRegions: removeRegions.split(",").map((name) => name.trim()) };
}

export function allowNoLatestIn({
  query: { allowNoLatest },
}: {
  readonly query: { readonly allowNoLatest?: boolean };
}): { allowNoLatest?: true } {
  return allowNoLatest === true ? { allowNoLatest } : {};
}

/** Throws ServiceError Forbidden if the caller is not an Admin. */
export function ignoreUseIn({
  principal,
  query: { ignoreUse },
}: Pick<EndpointRequest<"getLiveness">, "principal"> & {
  readonly query: { readonly ignoreUse?: boolean };
}): { ignoreUse?: true } {
  if (ignoreUse !== true) return {};
  requireRole(principal ?? { roles: [] }, "ImageVersions.Admin");
  return { ignoreUse };
}
