/**
 * The commands that a request for one version or image definition becomes; the same for each item of
 * a batch.
 */
import type { Finding } from "../errors.js";
import { isSufficient, requireRole } from "../authorization/roles.js";
import {
  deleteImageVersion,
  demoteImageVersion,
  patchImageVersion,
  planImageVersion,
  promoteImageVersion,
  putImageVersion,
  retryImageVersion,
  rollBackImage,
  type ImageVersionRequest,
} from "../image-version/index.js";
import type { RevocationDependencies } from "../revocation/ports.js";
import { revokeImageVersion } from "../revocation/revoke.js";
import { askedIn } from "./accepted.js";
import {
  allowNoLatestIn,
  changeIn,
  ignoreUseIn,
  mayCreateIn,
  mayUnprotectIn,
  mayUseIn,
  preconditionIn,
  removeRegionsIn,
  rollbackIn,
  type Delete,
  type Patch,
  type Put,
} from "./commands-in.js";
import { MERGE_PATCH } from "./contract/openapi-document.js";
import type { EndpointRequest } from "./endpoint.js";

export type VersionCommands = ReturnType<typeof versionCommands>;

/** `validate` finds every error in a whole image version. */
export function versionCommands(
  revocation: RevocationDependencies,
  validate: (version: unknown) => readonly Finding[],
) {
  const { imageVersions: deps } = revocation;
  return {
    put: (request: Put) =>
      putImageVersion(deps, {
        ...changeIn(request),
        body: request.body as ImageVersionRequest,
        pasted: request.pasted,
        ...mayCreateIn(request),
      }),
    patch: (request: Patch) =>
      patchImageVersion(deps, { ...changeIn(request), patch: request.body, validate }),
    plan: (request: EndpointRequest<"planImageVersion">) =>
      planImageVersion(deps, {
        ...(request.mediaType === MERGE_PATCH
          ? { patch: request.body, validate }
          : { body: request.body as ImageVersionRequest, pasted: request.pasted }),
        id: request.path,
        ...preconditionIn(request),
        ...mayCreateIn(request),
        ...mayUseIn(request),
        ...mayUnprotectIn(request),
        ...removeRegionsIn(request.query),
        ...allowNoLatestIn(request),
      }),
    delete: (request: Delete) =>
      deleteImageVersion(deps, { ...askedIn(request), ...deletionIn(request), id: request.path }),
    retry: (request: EndpointRequest<"retryImageVersion">) =>
      retryImageVersion(deps, {
        ...askedIn(request),
        id: request.path,
        ...(request.body?.regions !== undefined && { regions: request.body.regions }),
      }),
    promote: (request: EndpointRequest<"promoteImageVersion">) =>
      promoteImageVersion(deps, {
        ...askedIn(request),
        ...preconditionIn(request),
        id: request.path,
        ...(request.body?.regions !== undefined && { regions: request.body.regions }),
      }),
    demote: (request: EndpointRequest<"demoteImageVersion">) =>
      demoteImageVersion(deps, {
        ...askedIn(request),
        ...allowNoLatestIn(request),
        ...preconditionIn(request),
        id: request.path,
      }),
    rollBack: (request: EndpointRequest<"rollBackImage">) =>
      rollBackImage(deps, { ...askedIn(request), ...rollbackIn(request) }),
    revoke: (request: EndpointRequest<"revokeImageVersion">) =>
      revokeImageVersion(revocation, revocationIn(request)),
  };
}

/** Throws ServiceError Forbidden if an option needs an Admin, and the caller is none. */
export function deletionIn(request: Delete) {
  const { principal, query } = request;
  const { bypassSoftDelete = false } = query;
  if (bypassSoftDelete) requireRole(principal ?? { roles: [] }, "ImageVersions.Admin");
  return {
    ...preconditionIn(request),
    ...ignoreUseIn(request),
    ...allowNoLatestIn(request),
    bypassSoftDelete,
  };
}

export function revocationIn(request: EndpointRequest<"revokeImageVersion">) {
  const { body, query, principal, path } = request;
  const { reason, replacement, holdDescendants } = body;
  return {
    ...askedIn(request),
    id: path,
    reason,
    mayReword: isSufficient(principal?.roles ?? [], "ImageVersions.Admin"),
    ...(replacement !== undefined && { replacement }),
    ...(holdDescendants !== undefined && { holdDescendants }),
    ...(query.allowNoLatest !== undefined && { allowNoLatest: query.allowNoLatest }),
  };
}
