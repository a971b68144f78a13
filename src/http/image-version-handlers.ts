import type { HttpHandler } from "@azure/functions";
import { findingsInAnswer, type Finding } from "../errors.js";
import {
  demoteImageVersion,
  promoteImageVersion,
  retryImageVersion,
  deleteImageVersion,
  forecastImageVersion,
  planImageVersion,
  patchImageVersion,
  putImageVersion,
  createNextImageVersion,
  restoreImageVersion,
  purgeDeletedVersion,
  listDeletedImageVersions,
  getImageVersion,
  listImageVersions,
  planRollback,
  rollBackImage,
  getImageUse,
  listGalleries,
  listImageDefinitions,
  keysAgeWarnings,
  openedKeys,
  withKeys,
  viewImageVersion,
  noteSeen,
  type ChangeCommand,
  type Command,
  type PutAnswer,
  type ImageVersionRequest,
  type Dependencies,
  type KnownImageVersion,
  type Beside,
  type WaitsOf,
} from "../image-version/index.js";
import { viewRollback } from "../operation/views.js";
import { getMachineCommands } from "../machine-command/get-machine-commands.js";
import { galleryIdOf, imageIdOf } from "../resource-id.js";
import { banOf, bansOf, toMove } from "../revocation/bans.js";
import type { Revocations } from "../revocation/record.js";
import { accepted, askedIn, nothingToDo, requesterOf } from "./accepted.js";
import type { Endpoint, EndpointRequest } from "./endpoint.js";
import type { WriteTarget } from "../authorization/gallery-policy.js";
import { isSufficient, requireRole } from "../authorization/roles.js";
import { viewPage } from "./paging.js";

type Names =
  | "putImageVersion"
  | "patchImageVersion"
  | "createNextImageVersion"
  | "planImageVersion"
  | "retryImageVersion"
  | "promoteImageVersion"
  | "demoteImageVersion"
  | "rollBackImage"
  | "planRollback"
  | "deleteImageVersion"
  | "restoreImageVersion"
  | "listDeletedImageVersions"
  | "purgeDeletedVersion"
  | "getImageVersion"
  | "listImageVersions"
  | "listGalleries"
  | "listImages"
  | "getMachineCommands"
  | "getImageUse"
  | "getForecast"
  | "armListImageVersions"
  | "armGetImageVersion"
  | "armPutImageVersion"
  | "armPatchImageVersion"
  | "armDeleteImageVersion";

/** Operations that Azure Resource Manager's own path has, too: its own parameters are ignored. */
type Get = EndpointRequest<"getImageVersion" | "armGetImageVersion">;
type List = EndpointRequest<"listImageVersions" | "armListImageVersions">;
type Put = EndpointRequest<"putImageVersion" | "armPutImageVersion">;
type Patch = EndpointRequest<"patchImageVersion" | "armPatchImageVersion">;
type Delete = EndpointRequest<"deleteImageVersion" | "armDeleteImageVersion">;

/** `validate` finds every error in a whole image version; `waitsOf` tells what keeps one out of latest. */
export function imageVersionHandlers(
  endpoint: Endpoint,
  deps: Dependencies,
  validate: (version: unknown) => readonly Finding[],
  waitsOf: WaitsOf,
  revocations: Revocations,
): Readonly<Record<Names, HttpHandler>> {
  const shown = (version: KnownImageVersion, beside?: Beside) => ({
    status: 200 as const,
    headers: { ETag: version.etag },
    body: viewImageVersion(version, deps.now(), beside),
  });
  const changed = (result: PutAnswer, request: Put | Patch) =>
    result.kind === "accepted"
      ? accepted(result.operation, request.requestUrl)
      : nothingToDo(result.version, request.requestUrl, deps.now());
  /** Azure's own clients read the version in a 200. */
  const changedAsInArm = (result: PutAnswer, { requestUrl }: Put | Patch) =>
    result.kind === "accepted" ? accepted(result.operation, requestUrl) : shown(result.version);

  const get = async ({ path, query }: Get) => {
    const refresh =
      ("refresh" in query && query.refresh === true) || ("fresh" in query && query.fresh === true);
    const version = await getImageVersion(deps, path, refresh);
    await noteSeen(deps, path, version.record);
    const waits = await waitsOf(version);
    const revocation = await banOf(revocations, path);
    const looks = "expand" in query;
    const keys = await openedKeys(deps, imageIdOf(path), version, looks, refresh);
    const old = looks ? keysAgeWarnings(keys, deps) : [];
    return shown(
      { ...version, warnings: [...version.warnings, ...old] },
      {
        ...waits,
        ...(revocation && { revocation }),
        ...(keys && { keys }),
      },
    );
  };

  const list = async (request: List) => {
    const imageId = imageIdOf(request.path);
    const bans = await bansOf({ ...deps, revocations }, imageId);
    return {
      status: 200 as const,
      body: await viewPage(
        request,
        async (token) => {
          const top = request.query.top ?? 20;
          const page = await listImageVersions(deps, imageId, top, token);
          const value = await withKeys(deps, imageId, page.value);
          return { ...page, value };
        },
        ([version, keys]) => {
          const revocation = bans.get(version.id.versionName);
          return viewImageVersion(version, deps.now(), {
            ...(keys && { keys }),
            ...(revocation && { revocation }),
          });
        },
      ),
    };
  };

  const put = (request: Put): Promise<PutAnswer> =>
    putImageVersion(deps, {
      ...changeIn(request),
      body: request.body as ImageVersionRequest,
      pasted: request.pasted,
      ...mayCreateIn(request),
    });

  const patch = (request: Patch): Promise<PutAnswer> =>
    patchImageVersion(deps, {
      ...changeIn(request),
      patch: request.body,
      validate,
    });

  const remove = async (request: Delete) => {
    const { principal, query, path, requestUrl } = request;
    const { bypassSoftDelete = false } = query;
    if (bypassSoftDelete) requireRole(principal ?? { roles: [] }, "ImageVersions.Admin");
    return accepted(
      await deleteImageVersion(deps, {
        ...askedIn(request),
        ...preconditionIn(request),
        ...ignoreUseIn(request),
        ...allowNoLatestIn(request),
        id: path,
        bypassSoftDelete,
      }),
      requestUrl,
    );
  };

  return {
    getImageVersion: endpoint("getImageVersion", get),
    armGetImageVersion: endpoint("armGetImageVersion", get),
    listImageVersions: endpoint("listImageVersions", list),
    armListImageVersions: endpoint("armListImageVersions", list),
    listGalleries: endpoint("listGalleries", async (request) => ({
      status: 200 as const,
      body: await viewPage(
        request,
        (token) => listGalleries(deps.looks, listedIn(request, token)),
        (gallery) => gallery,
      ),
    })),
    listImages: endpoint("listImages", async (request) => ({
      status: 200 as const,
      body: await viewPage(
        request,
        (token) =>
          listImageDefinitions(deps.looks, galleryIdOf(request.path), listedIn(request, token)),
        (definition) => definition,
      ),
    })),
    putImageVersion: endpoint("putImageVersion", async (request) =>
      changed(await put(request), request),
    ),
    armPutImageVersion: endpoint("armPutImageVersion", async (request) =>
      changedAsInArm(await put(request), request),
    ),
    patchImageVersion: endpoint("patchImageVersion", async (request) =>
      changed(await patch(request), request),
    ),
    armPatchImageVersion: endpoint("armPatchImageVersion", async (request) =>
      changedAsInArm(await patch(request), request),
    ),
    deleteImageVersion: endpoint("deleteImageVersion", remove),
    armDeleteImageVersion: endpoint("armDeleteImageVersion", remove),

    restoreImageVersion: endpoint("restoreImageVersion", async (request) =>
      accepted(
        await restoreImageVersion(deps, {
          ...askedIn(request),
          id: request.path,
        }),
        request.requestUrl,
      ),
    ),

    listDeletedImageVersions: endpoint("listDeletedImageVersions", async ({ path }) => ({
      status: 200 as const,
      body: { value: [...(await listDeletedImageVersions(deps, path))] },
    })),

    purgeDeletedVersion: endpoint(
      "purgeDeletedVersion",
      async ({ path, principal, requestUrl: { origin, pathname } }) => ({
        status: 202 as const,
        headers: {
          Location: origin + pathname.replace(/\/[^/]+\/?$/u, ""),
          "Retry-After": PURGE_SECONDS,
        },
        body: await purgeDeletedVersion(deps, path, requesterOf(principal)),
      }),
    ),

    getMachineCommands: endpoint(
      "getMachineCommands",
      async ({ path, query: { region, resourceGroup, size, ...choice } }) => {
        const [commands, ban] = await Promise.all([
          getMachineCommands(deps, path, region, {
            ...choice,
            ...(resourceGroup !== undefined && {
              resourceGroupName: resourceGroup,
            }),
            ...(size !== undefined && { machineSize: size }),
          }),
          banOf(revocations, path),
        ]);
        return {
          status: 200 as const,
          body: {
            ...commands,
            warnings: [...toMove(ban), ...commands.warnings],
          },
        };
      },
    ),

    getImageUse: endpoint("getImageUse", async ({ path }) => {
      const [use, ban] = await Promise.all([getImageUse(deps, path), banOf(revocations, path)]);
      return {
        status: 200 as const,
        body: { ...use, warnings: [...toMove(ban), ...(use.warnings ?? [])] },
      };
    }),

    getForecast: endpoint("getForecast", async ({ path, query: { of } }) => ({
      status: 200 as const,
      body: await forecastImageVersion(deps, path, of),
    })),

    createNextImageVersion: endpoint("createNextImageVersion", async (request) => {
      const { path, query, body, requestUrl } = request;
      const operation = await createNextImageVersion(deps, {
        ...askedIn(request),
        ...mayUseIn(request),
        image: path,
        increment: query.increment ?? "patch",
        body: body as ImageVersionRequest,
        ...(query.plan !== undefined && { plan: query.plan }),
      });
      const versionName = operation.resourceId.split("/").at(-1) ?? "";
      const versionUrl = new URL(requestUrl);
      versionUrl.pathname = `${requestUrl.pathname.replace(/\/$/u, "")}/${versionName}`;
      return accepted(operation, versionUrl);
    }),

    planImageVersion: endpoint("planImageVersion", async (request) => {
      const plan = await planImageVersion(deps, {
        id: request.path,
        body: request.body as ImageVersionRequest,
        pasted: request.pasted,
        ...preconditionIn(request),
        ...mayCreateIn(request),
        ...mayUseIn(request),
        ...mayUnprotectIn(request),
        ...removeRegionsIn(request.query),
        ...allowNoLatestIn(request),
      });
      const findings = findingsInAnswer(plan.findings);
      return { status: 200 as const, body: { ...plan, findings } };
    }),

    retryImageVersion: endpoint("retryImageVersion", async (request) => {
      const { path, body, requestUrl } = request;
      return accepted(
        await retryImageVersion(deps, {
          ...askedIn(request),
          id: path,
          ...(body?.regions !== undefined && { regions: body.regions }),
        }),
        requestUrl,
      );
    }),

    promoteImageVersion: endpoint("promoteImageVersion", async (request) => {
      const { path, body, requestUrl } = request;
      return accepted(
        await promoteImageVersion(deps, {
          ...askedIn(request),
          ...preconditionIn(request),
          id: path,
          ...(body?.regions !== undefined && { regions: body.regions }),
        }),
        requestUrl,
      );
    }),

    demoteImageVersion: endpoint("demoteImageVersion", async (request) =>
      accepted(
        await demoteImageVersion(deps, {
          ...askedIn(request),
          ...allowNoLatestIn(request),
          ...preconditionIn(request),
          id: request.path,
        }),
        request.requestUrl,
      ),
    ),

    rollBackImage: endpoint("rollBackImage", async (request) =>
      accepted(
        await rollBackImage(deps, {
          ...askedIn(request),
          ...rollbackIn(request),
        }),
        request.requestUrl,
      ),
    ),

    planRollback: endpoint("planRollback", async (request) => ({
      status: 200 as const,
      body: viewRollback(await planRollback(deps, rollbackIn(request))),
    })),
  };
}

/** How soon Azure may list a version no longer that is deleted for good. */
const PURGE_SECONDS = 30;

/** `no-cache` is what browsers send, too, where somebody reloads by force (RFC 9111, section 5.2.1.4). */
function listedIn(
  { query, headers }: EndpointRequest<"listGalleries" | "listImages">,
  continuationToken: string | undefined,
) {
  return {
    top: query.top ?? 20,
    continuationToken,
    anew: /\bno-cache\b/iu.test(headers["Cache-Control"] ?? ""),
  };
}

function rollbackIn(
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

/** Of any request: only what it has is in the command, so that the domain can tell absent from given. */
function preconditionIn({
  headers,
}: {
  readonly headers: { readonly "If-Match"?: string };
}): Pick<Command, "ifMatch"> {
  const ifMatch = headers["If-Match"];
  return ifMatch === undefined ? {} : { ifMatch };
}

function mayCreateIn({
  headers: { "If-None-Match": ifNoneMatch },
}: {
  readonly headers: { readonly "If-None-Match"?: "*" | undefined };
}): Pick<ChangeCommand, "ifNoneMatch"> {
  return ifNoneMatch === undefined ? {} : { ifNoneMatch };
}

function changeIn(request: Put | Patch) {
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

function mayUnprotectIn({
  principal,
}: Pick<EndpointRequest<"getLiveness">, "principal">): Pick<ChangeCommand, "mayUnprotect"> {
  return {
    mayUnprotect: isSufficient(principal?.roles ?? [], "ImageVersions.Admin"),
  };
}

function mayUseIn({
  path,
  requireMayUse,
}: {
  readonly path: WriteTarget;
  readonly requireMayUse: EndpointRequest<"getLiveness">["requireMayUse"];
}): Required<Pick<ChangeCommand, "requireMayUse">> {
  return { requireMayUse: (resources) => requireMayUse(path, resources) };
}

function removeRegionsIn({ removeRegions }: { readonly removeRegions?: string }): {
  removeRegions?: readonly string[];
} {
  return removeRegions === undefined
    ? {}
    : { removeRegions: removeRegions.split(",").map((name) => name.trim()) };
}

function allowNoLatestIn({
  query: { allowNoLatest },
}: {
  readonly query: { readonly allowNoLatest?: boolean };
}): { allowNoLatest?: true } {
  return allowNoLatest === true ? { allowNoLatest } : {};
}

/** Throws where the caller may not say that. */
function ignoreUseIn({
  principal,
  query: { ignoreUse },
}: Pick<EndpointRequest<"getLiveness">, "principal"> & {
  readonly query: { readonly ignoreUse?: boolean };
}): { ignoreUse?: true } {
  if (ignoreUse !== true) return {};
  requireRole(principal ?? { roles: [] }, "ImageVersions.Admin");
  return { ignoreUse };
}
