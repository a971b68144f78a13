import type { PipelinePolicy } from "@azure/core-rest-pipeline";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { inSpan } from "../../telemetry/spans.js";

/** Makes a span of each call that goes over the wire. */
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
            // Without its query: that may hold the token of a next page.
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
          // Whether something is there is often the question: that it is not, 404, is an answer to it.
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

/** Such as `Microsoft.Compute/galleries/images/versions`: the names of resources are left out. */
function resourceTypeOf(pathname: string): string {
  const [scope = "", ...providers] = pathname.split(/\/providers\//iu);
  const provider = providers.at(-1);
  return (provider ?? scope)
    .split("/")
    .filter((segment) => segment !== "")
    .filter((_, i) => (provider === undefined ? i % 2 === 0 : i === 0 || i % 2 === 1))
    .join("/");
}
