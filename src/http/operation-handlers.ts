import type { HttpHandler } from "@azure/functions";
import type { OperationDependencies } from "../operation/ports.js";
import type { KnownImageVersion } from "../image-version/index.js";
import { placeOf } from "../listings.js";
import { cancelOperation, tooLate } from "../operation/canceling.js";
import { getOperation, listOperations } from "../operation/queries.js";
import { secondsUntilNews } from "../operation/read-again.js";
import type { OperationRecord, Requester, TrackedRecord } from "../operation/records.js";
import { viewOperation } from "../operation/views.js";
import type { Endpoint } from "./endpoint.js";
import { requesterOf } from "./accepted.js";
import type { Principal } from "../authorization/authentication.js";
import { requireRole, isSufficient } from "../authorization/roles.js";
import { writeTargetOf } from "../authorization/gallery-policy.js";
import type { ImageVersionId } from "../resource-id.js";
import { nothingToDoIn, viewNothingToDo } from "./nothing-to-do.js";
import { viewPage } from "./paging.js";

/**
 * `versionOf` throws ServiceError NotFound for a missing version. `asOfNow` adds the present result
 * of what the operation did. `resourcesOf` returns the ids of what it changes.
 */
export function operationHandlers(
  endpoint: Endpoint,
  deps: OperationDependencies<TrackedRecord>,
  versionOf: (id: ImageVersionId) => Promise<KnownImageVersion>,
  asOfNow: (operation: OperationRecord) => Promise<OperationRecord>,
  resourcesOf: (operation: OperationRecord) => Promise<readonly string[]> = ({ resourceId }) =>
    Promise.resolve([resourceId]),
): Readonly<Record<"getOperation" | "listOperations" | "cancelOperation", HttpHandler>> {
  const { now } = deps;
  return {
    getOperation: endpoint("getOperation", async (request) => {
      const { path, query, principal } = request;
      const nothing = nothingToDoIn(path.operationId);
      if (nothing !== undefined)
        return {
          status: 200 as const,
          headers: {},
          body: viewNothingToDo(await versionOf(nothing.id), now(), nothing.time),
        };
      const followed = await getOperation(deps, path.operationId);
      const { operation } = followed;
      return {
        status: 200 as const,
        headers:
          operation.endTime === undefined
            ? { "Retry-After": secondsUntilNews(followed, now()) }
            : {},
        body: viewOperation(
          deps,
          await asOfNow(operation),
          query.expand,
          isSufficient(principal?.roles ?? [], "ImageVersions.Admin"),
        ),
      };
    }),

    cancelOperation: endpoint(
      "cancelOperation",
      async ({ path, query, principal, requireMayWrite }) => {
        if (nothingToDoIn(path.operationId) !== undefined)
          throw tooLate({ id: path.operationId, status: "Succeeded" });
        const { operation } = await getOperation(deps, path.operationId);
        const { requestedBy } = operation;
        for (const id of await resourcesOf(operation)) requireMayWrite(writeTargetOf(id));
        if (principal !== undefined && !isSame(principal, requestedBy))
          requireRole(principal, "ImageVersions.Admin");
        return {
          status: 200 as const,
          body: viewOperation(
            deps,
            await cancelOperation(deps, path.operationId, requesterOf(principal), query),
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
      const { readAgain, ...body } = await viewPage(
        request,
        (token) => listOperations(deps, filter, top ?? 20, token),
        (operation) => viewOperation(deps, operation),
      );
      return { status: 200 as const, headers: { "Retry-After": readAgain }, body };
    }),
  };
}

function isSame(principal: Principal, requester: Requester): boolean {
  return (
    requester.policy === undefined &&
    principal.appId === requester.appId &&
    principal.objectId === requester.objectId
  );
}
