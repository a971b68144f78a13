import { writeFile } from "node:fs/promises";
import path from "node:path";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { LOCAL_APPLICATIONS } from "@sigil-local/token-issuer";
import { IMAGE_PATH, MANAGED_IMAGE_REQUEST } from "../demo/requests.js";
import type { LocalServices } from "../services.js";

const TOKEN_DAYS = 7;
const TOKENS = {
  TOKEN: LOCAL_APPLICATIONS.writer,
  READER_TOKEN: LOCAL_APPLICATIONS.reader,
  ADMIN_TOKEN: LOCAL_APPLICATIONS.admin,
} as const;

/** Where the API is. */
export interface Origins {
  /** Such as `http://127.0.0.1:7071`. */
  readonly origin: string;
  /** Such as `https://localhost:7443`; undefined: not over TLS. */
  readonly httpsOrigin: string | undefined;
}

/**
 * Writes `env`, for a shell to source: tokens of the local issuer and the addresses of local
 * services. Their names are no settings of Sigil, so a later start in that shell does not pick them
 * up. Also writes the request `request.json`. Both are readable only by their owner, and contain no
 * secret of a service that the environment names.
 */
export async function writeEnvironmentFile(
  directory: string,
  { origin, httpsOrigin = origin }: Origins,
  services: LocalServices,
): Promise<void> {
  const { tokenIssuer, serviceBus, tables, resourceManager, settings, certificates } = services;
  const issuesTokens = tokenIssuer !== undefined && settings["SIGIL_TOKEN_ISSUER"] !== undefined;
  const tokens = issuesTokens
    ? await Promise.all(
        Object.entries(TOKENS).map(
          async ([name, { clientId, roles }]) =>
            [
              name,
              await tokenIssuer.issueToken({
                appId: clientId,
                roles,
                expiresInSeconds: TOKEN_DAYS * 24 * 3600,
              }),
            ] as const,
        ),
      )
    : [];
  const lines = [
    "# Written by each npm start.",
    variable("API", `${httpsOrigin}/api`),
    variable("IMAGE", `${httpsOrigin}${IMAGE_PATH}`),
    "",
    issuesTokens
      ? `# Valid for ${TOKEN_DAYS} days: a writer's, a reader's, an admin's.`
      : "# The environment names the issuer of tokens: set TOKEN to one of its own.",
    ...tokens.map(([name, token]) => variable(name, token)),
    "",
    "# What the command line asks for. Whoever has started the stack is its administrator.",
    variable("SIGIL_ENDPOINT", origin),
    variable("SIGIL_SUBSCRIPTION", LOCAL_SUBSCRIPTION_ID),
    variable("SIGIL_SERVICE_BUS", serviceBus?.connectionString),
    ...tokens.slice(-1).map(([, token]) => variable("SIGIL_ACCESS_TOKEN", token)),
    "",
    "# What stands in for Azure. HTTPS clients trust it by the certificate.",
    variable("SERVICE_BUS", serviceBus?.connectionString),
    variable("TABLES", tables && `http://127.0.0.1:${tables.port}/devstoreaccount1`),
    variable("RESOURCE_MANAGER", resourceManager?.endpoint),
    variable("TOKEN_ISSUER", tokenIssuer?.issuer),
    variable(
      "CA_CERTIFICATE",
      tokenIssuer || httpsOrigin !== origin ? certificates.caFile : undefined,
    ),
  ];
  const files = {
    env: `${lines.filter((line) => line !== undefined).join("\n")}\n`,
    "request.json": `${JSON.stringify(MANAGED_IMAGE_REQUEST, null, 2)}\n`,
  };
  for (const [name, text] of Object.entries(files))
    await writeFile(path.join(directory, name), text, { mode: 0o600 });
}

/** Undefined without a value. */
function variable(name: string, value: string | undefined): string | undefined {
  return value === undefined
    ? undefined
    : `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`;
}
