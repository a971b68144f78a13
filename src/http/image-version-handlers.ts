import type { HttpHandler } from "@azure/functions";
import { putImageVersion } from "../image-version/put-image-version.js";
import { createNextImageVersion } from "../image-version/create-next-image-version.js";
import { deleteImageVersion } from "../image-version/delete-image-version.js";
import { planImageVersion } from "../image-version/plan.js";
import type { Dependencies } from "../image-version/ports.js";
import {
  getImageVersion,
  listImageVersions,
} from "../image-version/queries.js";
import {
  demoteImageVersion,
  promoteImageVersion,
  rollBackImage,
} from "../image-version/promote-image-version.js";
import { retryImageVersion } from "../image-version/retry-image-version.js";
import { viewImageVersion, viewPlan } from "../image-version/views.js";
import { imageIdOf } from "../resource-id.js";
import { accepted, requesterOf } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";
import { viewPage } from "./paging.js";

type Names =
  | "putImageVersion"
  | "createNextImageVersion"
  | "planImageVersion"
  | "retryImageVersion"
  | "promoteImageVersion"
  | "demoteImageVersion"
  | "rollBackImage"
  | "deleteImageVersion"
  | "getImageVersion"
  | "listImageVersions";

export function imageVersionHandlers(
  endpoint: Endpoint,
  deps: Dependencies,
): Readonly<Record<Names, HttpHandler>> {
  return {
    putImageVersion: endpoint(
      "putImageVersion",
      async ({
        path,
        query,
        headers,
        body,
        principal,
        traceparent,
        requestUrl,
      }) => {
        const operation = await putImageVersion(deps, {
          id: path,
          body,
          requestedBy: requesterOf(principal),
          traceparent,
          ...(headers["Idempotency-Key"] !== undefined && {
            idempotencyKey: headers["Idempotency-Key"],
          }),
          ...(query.plan !== undefined && { plan: query.plan }),
          allowRegionRemoval: query.allowRegionRemoval ?? false,
        });
        return accepted(operation, requestUrl);
      },
    ),

    createNextImageVersion: endpoint(
      "createNextImageVersion",
      async ({
        path,
        query,
        headers,
        body,
        principal,
        traceparent,
        requestUrl,
      }) => {
        const operation = await createNextImageVersion(deps, {
          image: path,
          increment: query.increment ?? "patch",
          body,
          requestedBy: requesterOf(principal),
          traceparent,
          ...(headers["Idempotency-Key"] !== undefined && {
            idempotencyKey: headers["Idempotency-Key"],
          }),
          ...(query.plan !== undefined && { plan: query.plan }),
        });
        const versionName = operation.resourceId.split("/").at(-1) ?? "";
        const versionUrl = new URL(requestUrl);
        versionUrl.pathname = `${requestUrl.pathname.replace(/\/$/u, "")}/${versionName}`;
        return accepted(operation, versionUrl);
      },
    ),

    planImageVersion: endpoint(
      "planImageVersion",
      async ({ path, query, body }) => ({
        status: 200 as const,
        body: viewPlan(
          await planImageVersion(deps, {
            id: path,
            body,
            allowRegionRemoval: query.allowRegionRemoval ?? false,
          }),
        ),
      }),
    ),

    deleteImageVersion: endpoint(
      "deleteImageVersion",
      async ({ path, principal, traceparent, requestUrl }) =>
        accepted(
          await deleteImageVersion(deps, {
            id: path,
            requestedBy: requesterOf(principal),
            traceparent,
          }),
          requestUrl,
        ),
    ),

    retryImageVersion: endpoint(
      "retryImageVersion",
      async ({ path, body, principal, traceparent, requestUrl }) =>
        accepted(
          await retryImageVersion(deps, {
            id: path,
            regions: body.regions,
            requestedBy: requesterOf(principal),
            traceparent,
          }),
          requestUrl,
        ),
    ),

    promoteImageVersion: endpoint(
      "promoteImageVersion",
      async ({ path, principal, traceparent, requestUrl }) =>
        accepted(
          await promoteImageVersion(deps, {
            id: path,
            requestedBy: requesterOf(principal),
            traceparent,
          }),
          requestUrl,
        ),
    ),

    demoteImageVersion: endpoint(
      "demoteImageVersion",
      async ({ path, principal, traceparent, requestUrl }) =>
        accepted(
          await demoteImageVersion(deps, {
            id: path,
            requestedBy: requesterOf(principal),
            traceparent,
          }),
          requestUrl,
        ),
    ),

    rollBackImage: endpoint(
      "rollBackImage",
      async ({ path, principal, traceparent, requestUrl }) =>
        accepted(
          await rollBackImage(deps, {
            image: path,
            requestedBy: requesterOf(principal),
            traceparent,
          }),
          requestUrl,
        ),
    ),

    getImageVersion: endpoint("getImageVersion", async ({ path }) => ({
      status: 200 as const,
      body: viewImageVersion(await getImageVersion(deps, path), deps.now()),
    })),

    listImageVersions: endpoint(
      "listImageVersions",
      async ({ path, query, requestUrl }) => ({
        status: 200 as const,
        body: viewPage(
          await listImageVersions(
            deps,
            imageIdOf({ ...path, versionName: "" }),
            query.top ?? 20,
            query.continuationToken,
          ),
          (version) => viewImageVersion(version, deps.now()),
          requestUrl,
        ),
      }),
    ),
  };
}
