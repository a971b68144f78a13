import type { PipelinePolicy } from "@azure/core-rest-pipeline";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { inSpan } from "../../telemetry/spans.js";

/** Creates a span for each call on the wire. */
export function tracingPolicy(): PipelinePolicy {
  return {
    name: "sigilTracing",
    sendRequest: (request, next) => {
      const { origin, hostname, port, pathname } = new URL(request.url);
      return inSpan(
        `${request.method} ${resourceTypeOf(pathname)}`,
        {
          kind: SpanKind.CLIENT,
          attributes: {
            "http.request.method": request.method,
            // Leave out the query: it may hold the token of a next page.
            "url.full": origin + pathname,
            "server.address": hostname,
            "server.port": Number(port || 443),
          },
        },
        async (span) => {
          const response = await next(request);
          const { status, headers } = response;
          span.setAttribute("http.response.status_code", status);
          const requestId = headers.get("x-ms-request-id");
          if (requestId !== undefined) span.setAttribute("azure.service.request.id", requestId);
          // A 404 is a valid answer to the frequent question whether a resource exists.
          if (status >= 400 && status !== 404) {
            span.setAttribute("error.type", String(status));
            span.setStatus({ code: SpanStatusCode.ERROR });
          }
          return response;
        },
      );
    },
  };
}

/**
 * The type of the resource, such as `Microsoft.Compute/galleries/images/versions`, without the
 * names of resources.
 */
function resourceTypeOf(pathname: string): string {
  const [scope = "", ...providers] = pathname.split(/\/providers\//iu);
  const provider = providers.at(-1);
  return (provider ?? scope)
    .split("/")
    .filter((segment) => segment !== "")
    .filter((_, i) => (provider === undefined ? i % 2 === 0 : i === 0 || i % 2 === 1))
    .join("/");
}
