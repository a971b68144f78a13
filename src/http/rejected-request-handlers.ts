import type { HttpHandler } from "@azure/functions";
import { putImageVersion, type Dependencies } from "../image-version/index.js";
import {
  listRejectedRequests,
  sendAgain,
  type RejectedRequests,
} from "../messaging/rejected-requests.js";
import type { TakingDependencies } from "../messaging/request-handler.js";
import { formatImageVersionId, type ImageVersionId } from "../resource-id.js";
import { createLog } from "../telemetry/log.js";
import { accepted, apiRootOf, nothingToDo, requesterOf } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";
import { viewPage } from "./paging.js";

type Names = "listRejectedRequests" | "sendRejectedRequestAgain";

export function rejectedRequestHandlers(
  endpoint: Endpoint,
  deps: Dependencies,
  rejected: RejectedRequests,
  validateBody: TakingDependencies["validateBody"],
): Readonly<Record<Names, HttpHandler>> {
  return {
    listRejectedRequests: endpoint("listRejectedRequests", async (request) => ({
      status: 200 as const,
      body: await viewPage(
        request,
        (token) => listRejectedRequests(rejected, request.query.top ?? 20, token),
        (each) => each,
      ),
    })),

    sendRejectedRequestAgain: endpoint(
      "sendRejectedRequestAgain",
      async (
        { path, body, principal, requireMayWrite, requireMayUse, traceparent, requestUrl },
        context,
      ) => {
        const id = path.rejectedRequestId;
        const requestedBy = requesterOf(principal);
        const { versionId, request, answer, removed } = await sendAgain(
          {
            putImageVersion(command) {
              requireMayWrite(command.id);
              return putImageVersion(deps, {
                ...command,
                requireMayUse: (resources) => requireMayUse(command.id, resources),
              });
            },
            validateBody,
            events: deps.events,
            eventSource: deps.eventSource,
            now: deps.now,
          },
          rejected,
          { id, requestedBy, traceparent, correction: body },
        );
        createLog(context, { traceparent }).info(
          `rejected request ${id} was sent again${body === undefined ? "" : ", corrected"}`,
          {
            rejectedRequestId: id,
            appId: requestedBy.appId,
            objectId: requestedBy.objectId,
            requestId: context.invocationId,
            ...(request && {
              eventSource: request.source,
              eventId: request.id,
            }),
            resourceId: formatImageVersionId(versionId),
            ...(answer.kind === "accepted" && {
              operationId: answer.operation.id,
            }),
            outcome: answer.kind,
            removed: String(removed),
          },
        );
        const url = versionUrl(requestUrl, versionId);
        return answer.kind === "accepted"
          ? accepted(deps, answer.operation, url)
          : nothingToDo(answer.version, url, deps.now());
      },
    ),
  };
}

function versionUrl(requestUrl: URL, id: ImageVersionId): URL {
  const { subscriptionId, resourceGroupName, galleryName } = id;
  return new URL(
    `${apiRootOf(requestUrl)}/subscriptions/${subscriptionId}/resourceGroups/${encodeURIComponent(resourceGroupName)}/galleries/${galleryName}/images/${id.imageName}/versions/${id.versionName}`,
  );
}
