import type { HttpHandler } from "@azure/functions";
import { createImageVersion } from "../image-version/create-image-version.js";
import { planImageVersion } from "../image-version/plan.js";
import type { Dependencies } from "../image-version/ports.js";
import {
  getImageVersion,
  listImageVersions,
} from "../image-version/queries.js";
import { viewImageVersion, viewPlan } from "../image-version/views.js";
import { imageIdOf } from "../resource-id.js";
import { accepted, requesterOf } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";
import { viewPage } from "./paging.js";

type Names =
  | "putImageVersion"
  | "planImageVersion"
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
        const operation = await createImageVersion(deps, {
          id: path,
          body,
          requestedBy: requesterOf(principal),
          traceparent,
          ...(headers["Idempotency-Key"] !== undefined && {
            idempotencyKey: headers["Idempotency-Key"],
          }),
          ...(query.plan !== undefined && { plan: query.plan }),
        });
        return accepted(operation, requestUrl);
      },
    ),

    planImageVersion: endpoint("planImageVersion", async ({ path, body }) => ({
      status: 200 as const,
      body: viewPlan(await planImageVersion(deps, { id: path, body })),
    })),

    getImageVersion: endpoint("getImageVersion", async ({ path }) => ({
      status: 200 as const,
      body: viewImageVersion(await getImageVersion(deps, path)),
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
          viewImageVersion,
          requestUrl,
        ),
      }),
    ),
  };
}
