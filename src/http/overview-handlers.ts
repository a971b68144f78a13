import type { HttpHandler } from "@azure/functions";
import { isSufficient } from "../authorization/roles.js";
import { whatToDo } from "../conditions/conditions.js";
import { ServiceError } from "../errors.js";
import type { components } from "../generated/openapi.js";
import {
  createAttention,
  createSummaries,
  queryImageVersions,
  type Dependencies,
  type WaitsOf,
} from "../image-version/index.js";
import { listRejectedRequests, type RejectedRequests } from "../messaging/rejected-requests.js";
import { imageIdOf } from "../resource-id.js";
import { bansOf } from "../revocation/bans.js";
import type { Revocations } from "../revocation/record.js";
import type { Endpoint } from "./endpoint.js";
import { viewPage } from "./paging.js";

type AttentionRow = components["schemas"]["Attention"];

/** Handlers that an open page polls. `waitsOf` returns what keeps a version out of latest. */
export function overviewHandlers(
  endpoint: Endpoint,
  deps: Dependencies,
  operations: Omit<Parameters<typeof createAttention>[0], "versions">,
  waitsOf: WaitsOf,
  revocations: Revocations,
  rejected: RejectedRequests,
): Readonly<Record<"getImageSummary" | "getAttention" | "queryImageVersions", HttpHandler>> {
  const summarize = createSummaries(
    deps,
    (imageId) => bansOf({ ...deps, revocations }, imageId),
    waitsOf,
  );
  const readAttention = createAttention({ ...operations, versions: deps.store }, summarize);
  return {
    getImageSummary: endpoint("getImageSummary", async ({ path, headers }) => {
      const { etag, view, readAgain } = await summarize(imageIdOf(path));
      return unlessKnown(headers, { ETag: etag, "Retry-After": readAgain }, view);
    }),
    getAttention: endpoint("getAttention", async (request) => {
      const { query, headers, principal } = request;
      const isAdmin = isSufficient(principal?.roles ?? [], "ImageVersions.Admin");
      const more = isAdmin ? await rejectedRows(rejected) : [];
      const { etag, readAgain, ...page } = await viewPage(
        request,
        (token) => readAttention(query, more, token),
        (row) => row,
      );
      return unlessKnown(headers, { ETag: etag, "Retry-After": readAgain }, page);
    }),
    queryImageVersions: endpoint("queryImageVersions", async (request) => ({
      status: 200 as const,
      body: await viewPage(
        request,
        (token) => queryImageVersions(deps, request.query, token),
        (version) => version,
      ),
    })),
  };
}

/** 304 if the caller already has this answer. */
function unlessKnown<Body>(
  { "If-None-Match": known = "" }: { readonly "If-None-Match"?: string },
  headers: { readonly ETag: string; readonly "Retry-After": number },
  body: Body,
) {
  return known.split(",").some((each) => each.trim().replace(/^W\//u, "") === headers.ETag)
    ? { status: 304 as const, headers }
    : { status: 200 as const, headers, body };
}

/** One row for the rejected messages, even if they could not be read. */
async function rejectedRows(rejected: RejectedRequests): Promise<readonly AttentionRow[]> {
  const row = (title: string, message: string): AttentionRow => ({
    severity: "warning",
    code: "MessageRejected",
    title,
    message,
    about: {},
    whatToDo: whatToDo("MessageRejected", ""),
  });
  try {
    const { value, continuationToken } = await listRejectedRequests(rejected, 100, undefined);
    const [oldest] = value;
    if (oldest === undefined) return [];
    const { enqueuedTime: since, request, rejectionReason } = oldest;
    const count = `${continuationToken === undefined ? "" : "More than "}${value.length}`;
    const title = value.length === 1 ? "A message was rejected" : `${count} messages were rejected`;
    const from = request === undefined ? "The oldest" : `The oldest, of ${request.source}`;
    return [{ ...row(title, `${from}: ${rejectionReason}`), since }];
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return [row("Rejected messages could not be read", error.message)];
  }
}
