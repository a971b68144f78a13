import path from "node:path";
import { parseOptions, portOf, UsageError } from "@sigil-local/command-line";
import type { EmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import { EVENTS_TOPIC, readEntities } from "../entities.js";
import { PORTS, type PortName, type Ports } from "./ports.js";

const STANDARD_DIRECTORY = ".sigil";
const STANDARD_REPLICATION_MINUTES = 2;

export const USAGE = `Usage: npm start [-- options]

Runs Sigil on this machine until Ctrl-C: the functions and, for each Azure service that they need, a stand-in on
127.0.0.1. Prints where the API is, and writes a file of tokens and addresses for a shell to read.
Stopped and started again, it goes on where it was.

  --https                     the API over TLS, too, at https://localhost:${PORTS.https.standard}
  --verbose                   show the log of the functions host, which is otherwise only in host.log

State:
  --data DIR                  where everything is kept (default ${STANDARD_DIRECTORY})
  --ephemeral                 keep nothing

Ports (0 takes any free one):
${Object.values(PORTS)
  .map(({ option, standard }) => `  ${`--${option} N`.padEnd(28)}default ${standard}`)
  .join("\n")}

Service Bus:
  --subscription NAME=FILTER  a subscription of topic ${EVENTS_TOPIC} with an SQL filter; may be given more than once:
                              --subscription usable="type LIKE '%.RegionCompleted'"

Simulated Azure Resource Manager:
  --replication-minutes N     how long the slowest region of a new version takes (default ${STANDARD_REPLICATION_MINUTES}; in Azure often 40)

  --help                      this text

A service that the environment names is used as it is, and its stand-in is left out:
  ServiceBusConnection or ServiceBusConnection__fullyQualifiedNamespace
  AzureWebJobsStorage, AzureWebJobsStorage__accountName or AzureWebJobsStorage__tableServiceUri
  SIGIL_RESOURCE_MANAGER_ENDPOINT (such as https://management.azure.com)
  SIGIL_TOKEN_ISSUER, together with SIGIL_TOKEN_AUDIENCE
Every other setting of Sigil may be in the environment too. Here Sigil looks more often than in Azure:
SIGIL_POLL_INITIAL_SECONDS is 2, SIGIL_POLL_MAX_SECONDS and SIGIL_CONFIRM_SECONDS 10, SIGIL_STALE_LOOK_SECONDS 30,
SIGIL_DRIFT_SCHEDULE each half minute, unless the environment says otherwise.

Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 could not start or failed, 2 bad option.`;

export interface StartOptions {
  readonly help: boolean;
  /** Absolute; undefined: nothing is kept. */
  readonly dataDirectory: string | undefined;
  readonly ports: Ports;
  readonly replicationMinutes: number;
  /** Service Bus entities: those of infra/, and the requested subscriptions. */
  readonly entities: EmulatorConfiguration;
  readonly https: boolean;
  readonly verbose: boolean;
}

/** Reads the command line; throws UsageError. */
export function readOptions(args: readonly string[]): StartOptions {
  const values = parse(args);
  if (values.ephemeral === true && values.data !== undefined)
    throw new UsageError("--data and --ephemeral exclude each other.");
  const portNames = Object.keys(PORTS) as PortName[];
  const minutes = Number(values["replication-minutes"]);
  if (!(minutes >= 0 && minutes <= 100_000))
    throw new UsageError(
      `--replication-minutes must be a number from 0 to 100000, not "${String(values["replication-minutes"])}".`,
    );
  return {
    help: values.help === true,
    dataDirectory:
      values.ephemeral === true
        ? undefined
        : path.resolve(String(values.data ?? STANDARD_DIRECTORY)),
    ports: Object.fromEntries(
      portNames.map((name) => [
        name,
        portOf(PORTS[name].option, String(values[PORTS[name].option])),
      ]),
    ) as Ports,
    replicationMinutes: minutes,
    entities: readEntities(values.subscription as readonly string[]),
    https: values.https === true,
    verbose: values.verbose === true,
  };
}

function parse(
  args: readonly string[],
): Record<string, string | boolean | readonly string[] | undefined> {
  return parseOptions(args, {
    data: { type: "string" },
    ephemeral: { type: "boolean" },
    help: { type: "boolean" },
    https: { type: "boolean" },
    subscription: { type: "string", multiple: true, default: [] },
    verbose: { type: "boolean" },
    "replication-minutes": {
      type: "string",
      default: String(STANDARD_REPLICATION_MINUTES),
    },
    ...Object.fromEntries(
      Object.values(PORTS).map(({ option, standard }) => [
        option,
        { type: "string", default: String(standard) } as const,
      ]),
    ),
  });
}
