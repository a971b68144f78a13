import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

export interface Permission {
  readonly id: string;
  readonly value: string;
  readonly isEnabled: boolean;
}

export interface Application {
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
  readonly identifierUris?: readonly string[];
  readonly appRoles?: readonly Permission[];
  readonly api?: {
    readonly requestedAccessTokenVersion?: number;
    readonly oauth2PermissionScopes?: readonly Permission[];
    readonly preAuthorizedApplications?: readonly {
      readonly appId: string;
      readonly delegatedPermissionIds: readonly string[];
    }[];
  };
  readonly requiredResourceAccess?: readonly {
    readonly resourceAppId: string;
    readonly resourceAccess: readonly { readonly id: string }[];
  }[];
  readonly spa?: { readonly redirectUris: readonly string[] };
  readonly isFallbackPublicClient?: boolean;
}

export interface ServicePrincipal {
  readonly id: string;
  readonly appId: string;
  readonly appRoleAssignmentRequired?: boolean;
  readonly appRoleAssignedTo: readonly {
    readonly principalId: string;
    readonly appRoleId: string;
  }[];
}

/** As much of Microsoft Graph as registers an application, with the refusals that its documentation names. */
export interface Graph {
  readonly origin: string;
  readonly applications: Application[];
  readonly principals: ServicePrincipal[];
  close(): Promise<void>;
}

export async function startGraph(): Promise<Graph> {
  const applications: Application[] = [];
  const principals: ServicePrincipal[] = [];

  const answers: readonly [RegExp, (match: string[], body: unknown) => unknown][] = [
    [
      /^GET \/applications\?\$filter=displayName eq '(.*)'$/u,
      ([, name]) => ({
        value: applications.filter(({ displayName }) => displayName === name),
      }),
    ],
    [
      /^POST \/applications$/u,
      (_, body) => {
        const made = {
          ...(body as Application),
          id: randomUUID(),
          appId: randomUUID(),
        };
        applications.push(made);
        return made;
      },
    ],
    [
      /^PATCH \/applications\/(.+)$/u,
      ([, id], body) => {
        const index = applications.findIndex((each) => each.id === id);
        const known = applications[index];
        if (known === undefined) throw new Error("Request_ResourceNotFound");
        applications[index] = patched(known, body as Partial<Application>);
        return undefined;
      },
    ],
    [
      /^GET \/servicePrincipals\?\$filter=appId eq '(.*)'$/u,
      ([, appId]) => ({
        value: principals.filter((each) => each.appId === appId),
      }),
    ],
    [
      /^POST \/servicePrincipals$/u,
      (_, body) => {
        const made = {
          ...(body as { appId: string }),
          id: randomUUID(),
          appRoleAssignedTo: [],
        };
        principals.push(made);
        return made;
      },
    ],
    [
      /^(GET|PATCH|POST) \/servicePrincipals\/([^/]+)(?:\/appRoleAssignedTo)?$/u,
      ([, method, id], body) => {
        const index = principals.findIndex((each) => each.id === id);
        const known = principals[index];
        if (known === undefined) throw new Error("Request_ResourceNotFound");
        if (method === "GET") return { value: known.appRoleAssignedTo };
        if (method === "PATCH") {
          principals[index] = { ...known, ...(body as ServicePrincipal) };
          return undefined;
        }
        const assignment = body as ServicePrincipal["appRoleAssignedTo"][0];
        if (
          known.appRoleAssignedTo.some(
            (each) =>
              each.principalId === assignment.principalId &&
              each.appRoleId === assignment.appRoleId,
          )
        )
          throw new Error("Permission being assigned already exists on the object");
        principals[index] = {
          ...known,
          appRoleAssignedTo: [...known.appRoleAssignedTo, assignment],
        };
        return assignment;
      },
    ],
  ];

  const server = createServer((request, response) => {
    void answer(request, response);
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = `${request.method} ${decodeURIComponent(request.url ?? "").replace("/v1.0", "")}`;
    const body = request.method === "GET" ? undefined : await json(request);
    const [, run, match] =
      answers
        .map(([pattern, run]) => [pattern, run, pattern.exec(asked)] as const)
        .find(([, , match]) => match !== null) ?? [];
    response.setHeader("Content-Type", "application/json");
    try {
      if (run === undefined || match == null) throw new Error(`not known here: ${asked}`);
      const answered = run(match, body);
      response.statusCode = answered === undefined ? 204 : 200;
      response.end(answered === undefined ? "" : JSON.stringify(answered));
    } catch (error) {
      response.statusCode = 400;
      response.end(
        JSON.stringify({
          error: { code: "Request_BadRequest", message: String(error) },
        }),
      );
    }
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    applications,
    principals,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A complex property that is given replaces the members that it has, and no others. */
function patched(known: Application, { api, ...body }: Partial<Application>): Application {
  const next = { ...known, ...body, api: { ...known.api, ...api } };
  const before = [...(known.appRoles ?? []), ...(known.api?.oauth2PermissionScopes ?? [])];
  const roles = next.appRoles ?? [];
  const scopes = next.api.oauth2PermissionScopes ?? [];
  for (const permission of before)
    if (
      permission.isEnabled &&
      ![...roles, ...scopes].some((each) => isDeepStrictEqual(each, permission))
    )
      throw new Error("CannotDeleteOrUpdateEnabledEntitlement");
  for (const role of roles) {
    const scope = scopes.find(({ value }) => value === role.value);
    if (scope !== undefined && scope.id !== role.id) throw new Error(`two ids for ${role.value}`);
  }
  const stored = (known.api?.oauth2PermissionScopes ?? []).map(({ id }) => id);
  for (const client of api?.preAuthorizedApplications ?? [])
    for (const id of client.delegatedPermissionIds)
      if (!stored.includes(id)) throw new Error(`InvalidValue: there is no scope ${id}`);
  return next;
}
