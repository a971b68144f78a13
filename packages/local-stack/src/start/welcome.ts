import path from "node:path";
import { EVENTS_TOPIC } from "../entities.js";
import { GALLERY_ID, IMAGE_ID } from "../demo/requests.js";
import type { LocalServices } from "../services.js";
import type { Origins } from "./environment-file.js";

export interface RunningStack extends Origins {
  readonly services: LocalServices;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The folder of env, request.json and host.log. */
  readonly filesDirectory: string;
  readonly isKept: boolean;
  readonly replicationMinutes: number;
  readonly subscriptions: readonly string[];
}

/** Each stand-in, and the settings that would take its place. */
const STAND_INS = {
  serviceBus: ["ServiceBusConnection", "ServiceBusConnection__fullyQualifiedNamespace"],
  tables: [
    "AzureWebJobsStorage",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__tableServiceUri",
  ],
  resourceManager: ["SIGIL_RESOURCE_MANAGER_ENDPOINT"],
} as const satisfies Partial<Record<keyof LocalServices, readonly string[]>>;

/**
 * The text that `npm start` prints once everything runs; its commands work as pasted. Contains no
 * secret of a named service.
 */
export function welcome(stack: RunningStack): string {
  const { origin, httpsOrigin, services, replicationMinutes, subscriptions } = stack;
  const { resourceManager, serviceBus } = services;
  const after = stack.isKept ? "the next start goes on where it was" : "nothing is kept";
  const named = namedSettings(stack);
  const rows = [
    ["Page", `${origin}/api/ui/ (sign in as reader, writer or admin)`],
    ["API", [httpsOrigin, origin].flatMap((at) => (at ? `${at}/api` : [])).join(", ")],
    ["Docs", `${origin}/api/docs/guide, the API ${origin}/api/docs`],
    ...(resourceManager === undefined
      ? []
      : [
          [
            "Azure",
            `${resourceManager.endpoint}/simulator (a version takes up to ${replicationMinutes} min)`,
          ],
          ["Gallery", GALLERY_ID],
          ["Image", IMAGE_ID],
        ]),
    ...(serviceBus === undefined
      ? []
      : [["Events", `${EVENTS_TOPIC}: ${subscriptions.join(", ")}`]]),
    ...(named.length === 0 ? [] : [["Not local", named.join(", ")]]),
    ["Log", fileOf(stack, "host.log")],
  ] as const;
  const trust = httpsOrigin === undefined ? "" : `--cacert "$CA_CERTIFICATE" `;
  const version = `${trust}"$IMAGE/versions/1.0.0" -H "Authorization: Bearer $TOKEN"`;
  return [
    `Sigil is running. Ctrl-C stops it; ${after}.`,
    ...rows.map(([name = "", value = ""]) => `  ${name.padEnd(9)}  ${value}`),
    `source ${fileOf(stack, "env")}   # $TOKEN, $READER_TOKEN, $ADMIN_TOKEN, and every address`,
    `curl -i -X PUT ${version} -H "Content-Type: application/json" -d @${fileOf(stack, "request.json")}`,
    `curl -s ${version}`,
  ].join("\n");
}

/** The settings by which the environment has taken the place of a stand-in. */
function namedSettings({ services, environment }: RunningStack): readonly string[] {
  const named = Object.entries(STAND_INS).flatMap(([name, settings]) =>
    services[name as keyof typeof STAND_INS] === undefined
      ? settings.filter((setting) => environment[setting]).slice(0, 1)
      : [],
  );
  return services.settings["SIGIL_TOKEN_ISSUER"] === undefined
    ? [...named, "SIGIL_TOKEN_ISSUER"]
    : named;
}

/** As one types it, in quotes where a shell needs them. */
function fileOf({ filesDirectory }: RunningStack, name: string): string {
  const file = path.join(filesDirectory, name);
  const relative = path.relative("", file);
  const short = relative.startsWith("..") ? file : relative;
  return /^[\w./-]+$/u.test(short) ? short : `'${short.replaceAll("'", String.raw`'\''`)}'`;
}
