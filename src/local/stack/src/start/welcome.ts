import {
  MANAGED_IMAGE_REQUEST,
  versionId,
  versionPath,
} from "../demo/requests.js";
import { LOCAL_APPLICATIONS } from "@sigil-local/token-issuer";
import type { LocalServices } from "../services.js";

export interface RunningStack {
  /** Such as `http://127.0.0.1:7071`. */
  readonly origin: string;
  readonly services: LocalServices;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly dataDirectory: string | undefined;
  /** The same settings for `func start`; undefined where nothing is kept. */
  readonly coreToolsSettings: string | undefined;
  readonly replicationMinutes: number;
  /** A token of the local issuer for the API; undefined where the environment names another issuer. */
  readonly token: string | undefined;
  readonly tokenHours: number;
}

const VERSION = "1.0.0";

/** What `npm start` prints once everything runs; commands in it work as pasted. Tells no secret of a named service. */
export function welcome(stack: RunningStack): string {
  return [
    heading(stack),
    table(places(stack)),
    ...commands(stack).map(([title, command]) => `${title}\n${command}`),
  ].join("\n\n");
}

function heading({ dataDirectory }: RunningStack): string {
  const after =
    dataDirectory === undefined
      ? "nothing is kept"
      : "the next start goes on where it was";
  return `Sigil is running. Ctrl-C stops it; ${after}.`;
}

function places(stack: RunningStack): readonly (readonly [string, string])[] {
  const { origin, services, environment, dataDirectory } = stack;
  const { serviceBus, tables, resourceManager, tokenIssuer } = services;
  const named = (...names: readonly string[]): string =>
    `not local: as ${names.find((name) => environment[name]) ?? names[0]} in the environment says`;
  return [
    ["API", `${origin}/api (described by ${origin}/api/openapi.json)`],
    [
      "Service Bus",
      serviceBus?.connectionString ??
        named(
          "ServiceBusConnection",
          "ServiceBusConnection__fullyQualifiedNamespace",
        ),
    ],
    [
      "Tables",
      tables === undefined
        ? named(
            "AzureWebJobsStorage",
            "AzureWebJobsStorage__accountName",
            "AzureWebJobsStorage__tableServiceUri",
          )
        : `http://127.0.0.1:${tables.port}/devstoreaccount1 (Azurite)`,
    ],
    [
      "Resource Manager",
      resourceManager === undefined
        ? named("SIGIL_RESOURCE_MANAGER_ENDPOINT")
        : `${resourceManager.endpoint} (simulated; a version takes up to ${stack.replicationMinutes} min)`,
    ],
    ...(resourceManager === undefined
      ? []
      : [
          [
            "  its control",
            `${resourceManager.endpoint}/simulator (faults and speeds; GET lists the methods)`,
          ] as const,
        ]),
    [
      "Token issuer",
      tokenIssuer === undefined || stack.token === undefined
        ? named("SIGIL_TOKEN_ISSUER")
        : tokenIssuer.issuer,
    ],
    ...(tokenIssuer === undefined
      ? []
      : [["CA certificate", services.caFile] as const]),
    ...(stack.coreToolsSettings === undefined
      ? []
      : [["Core Tools", `settings in ${stack.coreToolsSettings}`] as const]),
    ["State", dataDirectory ?? "kept nowhere (--ephemeral)"],
  ];
}

function commands(stack: RunningStack): readonly (readonly [string, string])[] {
  const { origin, token, tokenHours } = stack;
  const create = (bearer: string): string =>
    `curl -i -X PUT ${origin}${versionPath(VERSION)} -H "Authorization: Bearer ${bearer}" -H "Content-Type: application/json" -d '${JSON.stringify(MANAGED_IMAGE_REQUEST)}'`;
  const follow = (path: string): string =>
    `curl -s ${origin}${path} -H "Authorization: Bearer $TOKEN"`;
  const subject =
    stack.services.resourceManager === undefined
      ? "Create an image version (put in your own names and ids)"
      : `Create image version ${VERSION}, encrypted with four keys in two regions`;
  return [
    token === undefined
      ? ["A token, from your own issuer:", "export TOKEN=…"]
      : [`A token, valid for ${tokenHours} hours:`, `export TOKEN=${token}`],
    ...anotherToken(stack),
    [`${subject}:`, create(token ?? "$TOKEN")],
    [
      "Follow it (the answer's Operation-Location is its operation):",
      follow(versionPath(VERSION)),
    ],
    [
      "Or hear of it: its events come to subscription `all` of topic `image-version-events`, as CloudEvents with subject",
      versionId(VERSION),
    ],
  ];
}

function anotherToken({
  services: { tokenIssuer, caFile },
  token,
}: RunningStack): readonly (readonly [string, string])[] {
  if (tokenIssuer === undefined || token === undefined) return [];
  const { clientId, clientSecret } = LOCAL_APPLICATIONS.writer;
  const endpoint = `https://localhost:${tokenIssuer.port}/${tokenIssuer.tenantId}/oauth2/v2.0/token`;
  const form = [
    "grant_type=client_credentials",
    `client_id=${clientId}`,
    `client_secret=${clientSecret}`,
    `scope=${tokenIssuer.audience}/.default`,
  ];
  return [
    [
      "Another one, valid for an hour:",
      `export TOKEN=$(curl -s --cacert '${caFile}' ${endpoint} ${form.map((field) => `-d ${field}`).join(" ")} | node -pe 'JSON.parse(fs.readFileSync(0)).access_token')`,
    ],
  ];
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
    .join("\n");
}
