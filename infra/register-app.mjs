// Registers the API in Entra ID by az, and gives people and applications their roles. It may be run any number of times: what
// is there already stays, with its ids.
//
//   node infra/register-app.mjs [--name Sigil] [--spa https://HOST/api/ui/]... [--assign ImageVersions.Write=OBJECT_ID]...
//
// It takes an administrator of applications, and for --assign to an application a Privileged Role Administrator.
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    name: { type: "string", default: "Sigil" },
    /** Pages that sign people in and call the API. */
    spa: { type: "string", multiple: true, default: [] },
    assign: { type: "string", multiple: true, default: [] },
  },
});

/** Ids are unique within an application: every tenant may have these. */
const ROLES = [
  {
    value: "ImageVersions.Read",
    id: "7f0a7c3e-3c1b-4a55-9d0e-0a4f3f1d5b01",
    description: "See image versions.",
  },
  {
    value: "ImageVersions.Write",
    id: "7f0a7c3e-3c1b-4a55-9d0e-0a4f3f1d5b02",
    description: "Write image versions.",
  },
  {
    value: "ImageVersions.Admin",
    id: "7f0a7c3e-3c1b-4a55-9d0e-0a4f3f1d5b03",
    description: "Administer image versions.",
  },
  {
    value: "ImageVersions.Approve",
    id: "7f0a7c3e-3c1b-4a55-9d0e-0a4f3f1d5b04",
    description: "Let image versions pass their gate.",
  },
];
/** az itself, which is Microsoft's own application: people call the API by `az account get-access-token` or `az rest`. */
const AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

const graph = `${az("cloud", "show").endpoints.microsoftGraphResourceId.replace(/\/$/u, "")}/v1.0`;

const name = options.name.replaceAll("'", "''");
const named = list(`/applications?$filter=displayName eq '${name}'`);
if (named.length > 1)
  stop(
    `There are ${named.length} applications named ${options.name}. Delete what is not needed, or choose another name.`,
  );
const application =
  named[0] ??
  rest("POST", "/applications", {
    displayName: options.name,
    signInAudience: "AzureADMyOrg",
  });
const { appId } = application;

// Entra ID lets a role and a scope have one name only if they share id, description and display name, and are set together.
// Those of others stay.
const roles = ROLES.map((role) => ({
  ...role,
  id: roleOf(role.value)?.id ?? role.id,
  displayName: role.value.replace("ImageVersions.", ""),
}));
const api = {
  // Sigil reads tokens of version 2: an application registration gives version 1 unless it says so.
  requestedAccessTokenVersion: 2,
  oauth2PermissionScopes: [
    ...roles.map(({ id, value, displayName, description }) => ({
      id,
      value,
      adminConsentDisplayName: displayName,
      adminConsentDescription: description,
      isEnabled: true,
      type: "Admin",
    })),
    ...others(application.api?.oauth2PermissionScopes),
  ],
};
const redirectUris = Array.from(
  new Set([...(application.spa?.redirectUris ?? []), ...options.spa]),
);
const hasPage = redirectUris.some((uri) => uri.endsWith("/api/ui/"));
rest("PATCH", `/applications/${application.id}`, {
  identifierUris: [...new Set([...(application.identifierUris ?? []), `api://${appId}`])],
  appRoles: [
    ...roles.map(({ id, value, displayName, description }) => ({
      id,
      value,
      displayName,
      description,
      isEnabled: true,
      allowedMemberTypes: ["User", "Application"],
    })),
    ...others(application.appRoles),
  ],
  api,
  spa: { redirectUris },
  // A page of this application asks for its own scopes; an administrator consents for everybody, as users cannot.
  requiredResourceAccess: [
    ...(application.requiredResourceAccess ?? []).filter(
      ({ resourceAppId }) => !hasPage || resourceAppId !== appId,
    ),
    ...(hasPage
      ? [
          {
            resourceAppId: appId,
            resourceAccess: roles.map(({ id }) => ({ id, type: "Scope" })),
          },
        ]
      : []),
  ],
  // People without a browser sign in by a device code.
  isFallbackPublicClient: true,
});
// Of its own: the scopes that it names must be there before. Admin is for a client of your own.
rest("PATCH", `/applications/${application.id}`, {
  api: {
    ...api,
    preAuthorizedApplications: [
      {
        appId: AZURE_CLI,
        delegatedPermissionIds: roles
          .filter(({ value }) => /Read|Write/u.test(value))
          .map(({ id }) => id),
      },
      ...(application.api?.preAuthorizedApplications ?? []).filter(
        (client) => client.appId !== AZURE_CLI,
      ),
    ],
  },
});

const [principal = rest("POST", "/servicePrincipals", { appId })] = list(
  `/servicePrincipals?$filter=appId eq '${appId}'`,
);
// Whoever is assigned nothing gets no token at all.
rest("PATCH", `/servicePrincipals/${principal.id}`, {
  appRoleAssignmentRequired: true,
});

const assigned = list(`/servicePrincipals/${principal.id}/appRoleAssignedTo`);
for (const assignment of options.assign) {
  const [value, principalId] = assignment.split("=");
  const role = roles.find((each) => each.value === value);
  if (role === undefined || !principalId)
    stop(
      `--assign ${assignment}: it must be ${roles.map((each) => each.value).join(", ")}, = and an object id.`,
    );
  const isThere = assigned.some(
    (each) => each.principalId === principalId && each.appRoleId === role.id,
  );
  if (!isThere)
    rest("POST", `/servicePrincipals/${principal.id}/appRoleAssignedTo`, {
      principalId,
      resourceId: principal.id,
      appRoleId: role.id,
    });
}

console.log(`SIGIL_TOKEN_AUDIENCE=${appId}`);
if (hasPage) {
  console.log(`SIGIL_UI_CLIENT_ID=${appId}`);
  console.error(`Once, by an administrator: az ad app permission admin-consent --id ${appId}`);
}

function roleOf(value) {
  return (application.appRoles ?? []).find((role) => role.value === value);
}

/** What is there beside Sigil's own. */
function others(items = []) {
  return items.filter(({ value }) => ROLES.every((role) => role.value !== value));
}

function list(path) {
  const found = [];
  let url = graph + path;
  while (url !== undefined) {
    const page = az("rest", "--method", "GET", "--url", url);
    found.push(...page.value);
    url = page["@odata.nextLink"];
  }
  return found;
}

function rest(method, path, body) {
  return az(
    ...["rest", "--method", method, "--url", graph + path],
    ...["--headers", "Content-Type=application/json"],
    ...["--body", JSON.stringify(body)],
  );
}

function az(...args) {
  try {
    const printed = execFileSync("az", [...args, "--output", "json"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return printed.trim() === "" ? undefined : JSON.parse(printed);
  } catch (error) {
    return stop(`az ${args.join(" ")}\n${error.stderr ?? error.message}`);
  }
}

function stop(message) {
  console.error(message);
  process.exit(1);
}
