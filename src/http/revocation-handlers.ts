import type { HttpHandler } from "@azure/functions";
import { isSufficient } from "../authorization/roles.js";
import type { RevocationDependencies } from "../revocation/ports.js";
import { planRevocation, revokeImageVersion, unrevokeImageVersion } from "../revocation/revoke.js";
import { accepted, askedIn } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";

export function revocationHandlers(
  endpoint: Endpoint,
  deps: RevocationDependencies,
): Readonly<Record<"revokeImageVersion" | "unrevokeImageVersion", HttpHandler>> {
  return {
    revokeImageVersion: endpoint("revokeImageVersion", async (request) => {
      const { body, query, requestUrl } = request;
      const { dryRun = false, reason, replacement } = body;
      const command = {
        ...askedIn(request),
        id: request.path,
        reason,
        mayReword: isSufficient(request.principal?.roles ?? [], "ImageVersions.Admin"),
        ...(replacement !== undefined && { replacement }),
        ...(query.allowNoLatest !== undefined && {
          allowNoLatest: query.allowNoLatest,
        }),
      };
      if (!dryRun) return accepted(await revokeImageVersion(deps, command), requestUrl);
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
        await unrevokeImageVersion(deps, {
          ...askedIn(request),
          id: request.path,
        }),
        request.requestUrl,
      ),
    ),
  };
}
