import type { HttpHandler } from "@azure/functions";
import { imageIdOf } from "../resource-id.js";
import type { RetentionDependencies } from "../retention/ports.js";
import { putRetentionPolicy } from "../retention/put-retention-policy.js";
import { deleteRetentionPolicy, getRetentionPolicy } from "../retention/retention-policy.js";
import { viewRetention, viewRetentionPolicy } from "../retention/views.js";
import { requesterOf } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";

type Names = "getRetentionPolicy" | "putRetentionPolicy" | "deleteRetentionPolicy";

export function retentionHandlers(
  endpoint: Endpoint,
  deps: RetentionDependencies,
): Readonly<Record<Names, HttpHandler>> {
  return {
    getRetentionPolicy: endpoint("getRetentionPolicy", async ({ path }) => ({
      status: 200 as const,
      body: viewRetention(await getRetentionPolicy(deps, imageIdOf(path))),
    })),

    putRetentionPolicy: endpoint(
      "putRetentionPolicy",
      async ({ path, body: { mode, ...rules }, principal }) => ({
        status: 200 as const,
        body: viewRetention(
          await putRetentionPolicy(deps, {
            imageId: imageIdOf(path),
            rules,
            mode,
            setBy: requesterOf(principal),
          }),
        ),
      }),
    ),

    deleteRetentionPolicy: endpoint("deleteRetentionPolicy", async ({ path }) => ({
      status: 200 as const,
      body: viewRetentionPolicy(await deleteRetentionPolicy(deps, imageIdOf(path))),
    })),
  };
}
