import type { HttpHandler } from "@azure/functions";
import type { OperationDependencies } from "../operation/ports.js";
import { cancelOperation } from "../operation/canceling.js";
import { getOperation, listOperations } from "../operation/queries.js";
import type { Requester, TrackedRecord } from "../operation/records.js";
import { viewOperation } from "../operation/views.js";
import type { Endpoint } from "./endpoint.js";
import { requesterOf } from "./accepted.js";
import { requireRole, type Principal } from "./authentication.js";
import { writeTargetOf } from "./gallery-policy.js";
import { viewPage } from "./paging.js";

export function operationHandlers(
  endpoint: Endpoint,
  deps: OperationDependencies<TrackedRecord>,
): Readonly<
  Record<"getOperation" | "listOperations" | "cancelOperation", HttpHandler>
> {
  return {
    getOperation: endpoint("getOperation", async ({ path }) => ({
      status: 200 as const,
      body: viewOperation(await getOperation(deps, path.operationId)),
    })),

    cancelOperation: endpoint(
      "cancelOperation",
      async ({ path, principal, requireMayWrite }) => {
        const { resourceId, requestedBy } = await getOperation(
          deps,
          path.operationId,
        );
        requireMayWrite(writeTargetOf(resourceId));
        if (principal !== undefined && !isSame(principal, requestedBy))
          requireRole(principal, "ImageVersions.Admin");
        return {
          status: 200 as const,
          body: viewOperation(
            await cancelOperation(
              deps,
              path.operationId,
              requesterOf(principal),
            ),
          ),
        };
      },
    ),

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

function isSame(principal: Principal, requester: Requester): boolean {
  return (
    principal.appId === requester.appId &&
    principal.objectId === requester.objectId
  );
}
