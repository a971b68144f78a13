import { setTimeout } from "node:timers/promises";
import type { HttpHandler } from "@azure/functions";
import type { OperationDependencies } from "../operation/ports.js";
import { placeOf } from "../image-version/listings.js";
import { cancelOperation } from "../operation/canceling.js";
import {
  getOperation,
  listOperations,
  waitForChange,
  type Waits,
} from "../operation/queries.js";
import type { Requester, TrackedRecord } from "../operation/records.js";
import { viewOperation } from "../operation/views.js";
import type { Endpoint } from "./endpoint.js";
import { requesterOf, RETRY_AFTER_SECONDS } from "./accepted.js";
import type { Principal } from "../authorization/authentication.js";
import { requireRole, isSufficient } from "../authorization/roles.js";
import { writeTargetOf } from "../authorization/gallery-policy.js";
import { viewPage } from "./paging.js";

export function operationHandlers(
  endpoint: Endpoint,
  deps: OperationDependencies<TrackedRecord>,
  sleep: Waits["sleep"] = sleepFor,
): Readonly<
  Record<"getOperation" | "listOperations" | "cancelOperation", HttpHandler>
> {
  return {
    getOperation: endpoint("getOperation", async (request) => {
      const { path, query, principal } = request;
      const { wait = 0, expand } = query;
      const operation = await waitForChange(
        { ...deps, sleep },
        path.operationId,
        wait * 1_000,
      );
      return {
        status: 200 as const,
        headers:
          operation.endTime === undefined
            ? { "Retry-After": RETRY_AFTER_SECONDS }
            : {},
        body: viewOperation(
          operation,
          expand,
          isSufficient(principal?.roles ?? [], "ImageVersions.Admin"),
        ),
      };
    }),

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

    listOperations: endpoint("listOperations", async (request) => {
      const {
        status,
        needsAttention,
        subscriptionId,
        gallery,
        imageDefinition: image,
        top,
      } = request.query;
      const place = placeOf({
        ...(gallery && { gallery }),
        ...(image && { image }),
      });
      const filter = {
        ...(status && { status }),
        ...(needsAttention && { needsAttention }),
        ...(subscriptionId && { subscriptionId }),
        ...(place && { place }),
      };
      return {
        status: 200 as const,
        body: await viewPage(
          request,
          (token) => listOperations(deps, filter, top ?? 20, token),
          (operation) => viewOperation(operation),
        ),
      };
    }),
  };
}

/** Ends early once the signal is aborted. */
async function sleepFor(ms: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, signal && { signal }).catch(
    (error: unknown) => {
      if (signal?.aborted !== true) throw error;
    },
  );
}

function isSame(principal: Principal, requester: Requester): boolean {
  return (
    requester.policy === undefined &&
    principal.appId === requester.appId &&
    principal.objectId === requester.objectId
  );
}
