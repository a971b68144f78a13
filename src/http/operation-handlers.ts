import type { HttpHandler } from "@azure/functions";
import type { OperationDependencies } from "../operation/ports.js";
import { getOperation, listOperations } from "../operation/queries.js";
import type { TrackedRecord } from "../operation/records.js";
import { viewOperation } from "../operation/views.js";
import type { Endpoint } from "./endpoint.js";
import { viewPage } from "./paging.js";

export function operationHandlers(
  endpoint: Endpoint,
  deps: OperationDependencies<TrackedRecord>,
): Readonly<Record<"getOperation" | "listOperations", HttpHandler>> {
  return {
    getOperation: endpoint("getOperation", async ({ path }) => ({
      status: 200 as const,
      body: viewOperation(await getOperation(deps, path.operationId)),
    })),

    listOperations: endpoint(
      "listOperations",
      async ({ query, requestUrl }) => {
        const {
          status,
          subscriptionId,
          gallery,
          imageDefinition: image,
          top,
          continuationToken,
        } = query;
        const filter = {
          ...(status && { status }),
          ...(subscriptionId && { subscriptionId }),
          ...(gallery && { gallery }),
          ...(image && { image }),
        };
        return {
          status: 200 as const,
          body: viewPage(
            await listOperations(deps, filter, top ?? 20, continuationToken),
            viewOperation,
            requestUrl,
          ),
        };
      },
    ),
  };
}
