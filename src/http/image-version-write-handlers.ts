import type { HttpHandler } from "@azure/functions";
import { findingsInAnswer } from "../errors.js";
import {
  createNextImageVersion,
  mustNotCapture,
  planRollback,
  purgeDeletedVersion,
  restoreImageVersion,
  type Dependencies,
  type ImageVersionRequest,
  type PutAnswer,
} from "../image-version/index.js";
import { accepted, askedIn, nothingToDo, requesterOf, shown } from "./accepted.js";
import { mayUseIn, rollbackIn, type Delete, type Patch, type Put } from "./commands-in.js";
import type { Endpoint } from "./endpoint.js";
import type { VersionCommands } from "./version-commands.js";

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

/** Plans and writes. */
export function imageVersionWriteHandlers(
  endpoint: Endpoint,
  deps: Dependencies,
  commands: VersionCommands,
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

  const remove = async (request: Delete) =>
    accepted(deps, await commands.delete(request), request.requestUrl);

  return {
    putImageVersion: endpoint("putImageVersion", async (request) =>
      changed(await commands.put(request), request),
    ),
    armPutImageVersion: endpoint("armPutImageVersion", async (request) => {
      mustNotCapture(request.body);
      return changedAsInArm(await commands.put(request), request);
    }),
    patchImageVersion: endpoint("patchImageVersion", async (request) =>
      changed(await commands.patch(request), request),
    ),
    armPatchImageVersion: endpoint("armPatchImageVersion", async (request) =>
      changedAsInArm(await commands.patch(request), request),
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
      const plan = await commands.plan(request);
      const findings = findingsInAnswer(plan.findings);
      return { status: 200 as const, body: { ...plan, findings } };
    }),
    retryImageVersion: endpoint("retryImageVersion", async (request) =>
      accepted(deps, await commands.retry(request), request.requestUrl),
    ),
    promoteImageVersion: endpoint("promoteImageVersion", async (request) =>
      accepted(deps, await commands.promote(request), request.requestUrl),
    ),
    demoteImageVersion: endpoint("demoteImageVersion", async (request) =>
      accepted(deps, await commands.demote(request), request.requestUrl),
    ),
    rollBackImage: endpoint("rollBackImage", async (request) =>
      accepted(deps, await commands.rollBack(request), request.requestUrl),
    ),
    planRollback: endpoint("planRollback", async (request) => ({
      status: 200 as const,
      body: await planRollback(deps, rollbackIn(request)),
    })),
  };
}

/** How soon Azure may stop listing a purged version. */
const PURGE_SECONDS = 30;
