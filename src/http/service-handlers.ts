import type { HttpHandler } from "@azure/functions";
import type { Endpoint } from "./endpoint.js";
import type { OpenApiDocument } from "./contract/openapi-document.js";
import { createReadiness, type HealthCheck } from "./readiness.js";

type Names = "getOpenApiDocument" | "getAsyncApiDocument" | "getLiveness" | "getReadiness";

export function serviceHandlers(
  endpoint: Endpoint,
  document: OpenApiDocument,
  asyncApiDocument: object,
  healthChecks: readonly HealthCheck[],
  now: () => Date,
): Readonly<Record<Names, HttpHandler>> {
  const readiness = createReadiness(healthChecks, now);
  return {
    getOpenApiDocument: endpoint("getOpenApiDocument", () =>
      Promise.resolve({
        status: 200 as const,
        body: document.content as unknown as Record<string, never>,
      }),
    ),

    getAsyncApiDocument: endpoint("getAsyncApiDocument", () =>
      Promise.resolve({
        status: 200 as const,
        body: asyncApiDocument as Record<string, never>,
      }),
    ),

    getLiveness: endpoint("getLiveness", () =>
      Promise.resolve({
        status: 200 as const,
        body: { status: "ok", checks: [] },
      }),
    ),

    getReadiness: endpoint("getReadiness", async (_request, context) => {
      const checks = [
        ...(await readiness((name, error) => context.warn(`not ready: ${name}`, error))),
      ];
      return checks.every(({ status }) => status === "ok")
        ? { status: 200 as const, body: { status: "ok" as const, checks } }
        : {
            status: 503 as const,
            body: { status: "unavailable" as const, checks },
          };
    }),
  };
}
