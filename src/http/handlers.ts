import type { HttpHandler } from "@azure/functions";
import { createImageVersion } from "../image-version/create-image-version.js";
import type { Dependencies } from "../image-version/ports.js";
import {
  getImageVersion,
  getOperation,
  listImageVersions,
  listOperations,
  type Page,
} from "../image-version/queries.js";
import { imageIdOf } from "../image-version/resource-id.js";
import { viewImageVersion, viewOperation } from "../image-version/views.js";
import {
  createEndpoint,
  createFallback,
  type EndpointDependencies,
} from "./endpoint.js";

/** A part of the service that must answer for the service to work. */
export interface HealthCheck {
  readonly name: string;
  readonly check: () => Promise<void>;
}

/** How soon a caller may look at an operation again, in seconds: regions take minutes at the least. */
const RETRY_AFTER_SECONDS = 15;

export type HttpHandlers = Readonly<
  Record<
    | "putImageVersion"
    | "getImageVersion"
    | "listImageVersions"
    | "getOperation"
    | "listOperations"
    | "getOpenApiDocument"
    | "getLiveness"
    | "getReadiness"
    | "fallback",
    HttpHandler
  >
>;

/** One handler an operation of the OpenAPI document, by its operationId, and the one for all other paths. */
export function createHttpHandlers(
  edge: EndpointDependencies,
  deps: Dependencies,
  healthChecks: readonly HealthCheck[],
): HttpHandlers {
  const endpoint = createEndpoint(edge);
  return {
    putImageVersion: endpoint(
      "putImageVersion",
      async ({ path, headers, body, principal, traceparent, requestUrl }) => {
        const operation = await createImageVersion(deps, {
          id: path,
          body,
          requestedBy: requesterOf(principal),
          traceparent,
          ...(headers["Idempotency-Key"] !== undefined && {
            idempotencyKey: headers["Idempotency-Key"],
          }),
        });
        return {
          status: 202 as const,
          headers: {
            Location: requestUrl.origin + requestUrl.pathname,
            "Operation-Location": `${apiRootOf(requestUrl)}/operations/${operation.id}`,
            "Retry-After": RETRY_AFTER_SECONDS,
          },
          body: viewOperation(operation),
        };
      },
    ),

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

    getOperation: endpoint("getOperation", async ({ path }) => ({
      status: 200 as const,
      body: viewOperation(await getOperation(deps, path.operationId)),
    })),

    listOperations: endpoint(
      "listOperations",
      async ({ query, requestUrl }) => {
        const {
          status,
          gallery,
          imageDefinition: image,
          top,
          continuationToken,
        } = query;
        const filter = {
          ...(status && { status }),
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

    getOpenApiDocument: endpoint("getOpenApiDocument", () =>
      Promise.resolve({
        status: 200 as const,
        body: edge.document.content as unknown as Record<string, never>,
      }),
    ),

    getLiveness: endpoint("getLiveness", () =>
      Promise.resolve({
        status: 200 as const,
        body: { status: "ok", checks: [] },
      }),
    ),

    getReadiness: endpoint("getReadiness", async (_request, context) => {
      const checks = await Promise.all(
        healthChecks.map(async ({ name, check }) => {
          try {
            await check();
            return { name, status: "ok" as const };
          } catch (error) {
            context.warn(`not ready: ${name}`, error);
            return { name, status: "unavailable" as const };
          }
        }),
      );
      return checks.every(({ status }) => status === "ok")
        ? { status: 200 as const, body: { status: "ok" as const, checks } }
        : {
            status: 503 as const,
            body: { status: "unavailable" as const, checks },
          };
    }),

    fallback: createFallback(edge),
  };
}

function viewPage<T, View>(
  { value, continuationToken }: Page<T>,
  view: (item: T) => View,
  requestUrl: URL,
): { value: View[]; nextLink?: string; continuationToken?: string } {
  const next = new URL(requestUrl);
  if (continuationToken !== undefined)
    next.searchParams.set("continuationToken", continuationToken);
  return {
    value: value.map(view),
    ...(continuationToken !== undefined && {
      nextLink: next.href,
      continuationToken,
    }),
  };
}

function requesterOf(
  principal:
    | {
        readonly appId?: string;
        readonly objectId?: string;
        readonly name?: string;
      }
    | undefined,
): { appId?: string; objectId?: string; name?: string } {
  const { appId, objectId, name } = principal ?? {};
  return {
    ...(appId !== undefined && { appId }),
    ...(objectId !== undefined && { objectId }),
    ...(name !== undefined && { name }),
  };
}

/** Everything up to `/subscriptions/`: the address that other operations stand under. */
function apiRootOf(requestUrl: URL): string {
  return (
    requestUrl.origin +
    requestUrl.pathname.replace(/\/subscriptions\/.*$/iu, "")
  );
}
