import type { HttpHandler } from "@azure/functions";
import { omit } from "../objects.js";
import type { Page } from "../operation/queries.js";
import type { RevocationDependencies } from "../revocation/ports.js";
import { knownDescendants, type KnownDescendant } from "../revocation/descendants.js";
import { planRevocation, revokeImageVersion, unrevokeImageVersion } from "../revocation/revoke.js";
import { accepted, askedIn } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";
import { viewPage } from "./paging.js";
import { revocationIn } from "./version-commands.js";

export function revocationHandlers(
  endpoint: Endpoint,
  deps: RevocationDependencies,
): Readonly<
  Record<"revokeImageVersion" | "unrevokeImageVersion" | "listDescendants", HttpHandler>
> {
  return {
    revokeImageVersion: endpoint("revokeImageVersion", async (request) => {
      const { body, requestUrl } = request;
      const command = revocationIn(request);
      if (body.dryRun !== true)
        return accepted(deps.imageVersions, await revokeImageVersion(deps, command), requestUrl);
      const { regions, findings, use, descendants } = await planRevocation(deps, command);
      return {
        status: 200 as const,
        body: {
          regions: [...regions],
          ...(use && { use }),
          descendants: { ...descendants, first: descendants.first.map(viewDescendant) },
          findings: [...findings],
        },
      };
    }),

    listDescendants: endpoint("listDescendants", async (request) => {
      const { found, complete } = await knownDescendants(deps, request.path);
      const { top = 20 } = request.query;
      const page = await viewPage(
        request,
        (token) => Promise.resolve(pageOf(found.map(viewDescendant), top, token)),
        (one) => one,
      );
      return {
        status: 200 as const,
        body: {
          ...page,
          complete,
        },
      };
    }),

    unrevokeImageVersion: endpoint("unrevokeImageVersion", async (request) =>
      accepted(
        deps.imageVersions,
        await unrevokeImageVersion(deps, {
          ...askedIn(request),
          id: request.path,
        }),
        request.requestUrl,
      ),
    ),
  };
}

function pageOf<T>(all: readonly T[], top: number, token = "0"): Page<T> {
  const end = Number(token) + top;
  return {
    value: all.slice(Number(token), end),
    ...(end < all.length && { continuationToken: String(end) }),
  };
}

function viewDescendant(one: KnownDescendant) {
  return { ...omit(one, "time"), latestIn: [...one.latestIn] };
}
