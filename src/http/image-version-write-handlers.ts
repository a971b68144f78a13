import type { HttpHandler } from "@azure/functions";
import { findingsInAnswer, type Finding } from "../errors.js";
import { requireRole } from "../authorization/roles.js";
import {
  createNextImageVersion,
  deleteImageVersion,
  mustNotCapture,
  demoteImageVersion,
  patchImageVersion,
  planImageVersion,
  planRollback,
  promoteImageVersion,
  purgeDeletedVersion,
  putImageVersion,
  restoreImageVersion,
  retryImageVersion,
  rollBackImage,
  type Dependencies,
  type ImageVersionRequest,
  type PutAnswer,
} from "../image-version/index.js";
import { accepted, askedIn, nothingToDo, requesterOf, shown } from "./accepted.js";
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
import type { Endpoint } from "./endpoint.js";

type Names =
  | "putImageVersion"
  | "armPutImageVersion"
  | "patchImageVersion"
  | "armPatchImageVersion"
  | "deleteImageVersion"
  | "armDeleteImageVersion"
  | "restoreImageVersion"
  | "purgeDeletedVersion"
  | "createNextImageVersion"
  | "planImageVersion"
  | "retryImageVersion"
  | "promoteImageVersion"
  | "demoteImageVersion"
  | "rollBackImage"
  | "planRollback";

/** Plans and writes. `validate` finds every error in a whole image version. */
export function imageVersionWriteHandlers(
  endpoint: Endpoint,
  deps: Dependencies,
  validate: (version: unknown) => readonly Finding[],
): Readonly<Record<Names, HttpHandler>> {
  const changed = (result: PutAnswer, request: Put | Patch) =>
    result.kind === "accepted"
      ? accepted(deps, result.operation, request.requestUrl)
      : nothingToDo(result.version, request.requestUrl, deps.now());
  /** Azure's own clients read the version in a 200. */
  const changedAsInArm = (result: PutAnswer, { requestUrl }: Put | Patch) =>
    result.kind === "accepted"
      ? accepted(deps, result.operation, requestUrl)
      : shown(result.version, deps.now());

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
      deps,
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
    putImageVersion: endpoint("putImageVersion", async (request) =>
      changed(await put(request), request),
    ),
    armPutImageVersion: endpoint("armPutImageVersion", async (request) => {
      mustNotCapture(request.body);
      return changedAsInArm(await put(request), request);
    }),
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
        deps,
        await restoreImageVersion(deps, {
          ...askedIn(request),
          id: request.path,
        }),
        request.requestUrl,
      ),
    ),
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
      return accepted(deps, operation, versionUrl);
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
        deps,
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
        deps,
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
        deps,
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
        deps,
        await rollBackImage(deps, {
          ...askedIn(request),
          ...rollbackIn(request),
        }),
        request.requestUrl,
      ),
    ),
    planRollback: endpoint("planRollback", async (request) => ({
      status: 200 as const,
      body: await planRollback(deps, rollbackIn(request)),
    })),
  };
}

/** How soon Azure may stop listing a purged version. */
const PURGE_SECONDS = 30;
