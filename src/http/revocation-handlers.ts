import type { HttpHandler } from "@azure/functions";
import type { RevocationDependencies } from "../revocation/ports.js";
import {
  planRevocation,
  revokeImageVersion,
  unrevokeImageVersion,
} from "../revocation/revoke.js";
import { accepted, requesterOf } from "./accepted.js";
import type { Endpoint, EndpointRequest } from "./endpoint.js";

export function revocationHandlers(
  endpoint: Endpoint,
  deps: RevocationDependencies,
): Readonly<
  Record<"revokeImageVersion" | "unrevokeImageVersion", HttpHandler>
> {
  const askedIn = ({
    path: id,
    headers,
    principal,
    traceparent,
  }: EndpointRequest<"revokeImageVersion" | "unrevokeImageVersion">) => ({
    id,
    requestedBy: requesterOf(principal),
    traceparent,
    ...(headers["Idempotency-Key"] !== undefined && {
      idempotencyKey: headers["Idempotency-Key"],
    }),
  });
  return {
    revokeImageVersion: endpoint("revokeImageVersion", async (request) => {
      const { body, query, requestUrl } = request;
      const { dryRun = false, reason, replacement } = body;
      const command = {
        ...askedIn(request),
        reason,
        ...(replacement !== undefined && { replacement }),
        ...(query.allowNoLatest !== undefined && {
          allowNoLatest: query.allowNoLatest,
        }),
      };
      if (!dryRun)
        return accepted(await revokeImageVersion(deps, command), requestUrl);
      const { regions, findings, use } = await planRevocation(deps, command);
      return {
        status: 200 as const,
        body: {
          regions: [...regions],
          ...(use && { use }),
          findings: [...findings],
        },
      };
    }),

    unrevokeImageVersion: endpoint("unrevokeImageVersion", async (request) =>
      accepted(
        await unrevokeImageVersion(deps, askedIn(request)),
        request.requestUrl,
      ),
    ),
  };
}
