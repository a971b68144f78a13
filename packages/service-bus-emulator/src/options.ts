import { parseOptions, portOf, UsageError } from "@sigil-local/command-line";

const DEFAULT_PORT = 5672;

export const USAGE = `Usage: service-bus-emulator --config FILE [options]

A Service Bus namespace on this machine: queues, topics and subscriptions over AMQP 1.0,
for @azure/service-bus and other clients that know UseDevelopmentEmulator=true.

  --config FILE  entities, in the shape of Microsoft's emulator configuration
  --port N       port, 0 for any free one (default ${DEFAULT_PORT})
  --host ADDRESS where it listens (default 127.0.0.1; 0.0.0.0 in a container)
  --tls DIR      TLS too, at the same port, by certificates for localhost that are kept in DIR
  --data DIR     keep everything accepted in DIR, across restarts and kills: messages, locks,
                 session states, and rules that clients changed, these until the configuration
                 has others; without it everything lives in memory only
  --fsync        wait for the disk before acknowledging (survives a power cut; slower)
  --help         this text

Prints the connection string when it listens, and which certificate to trust. Ctrl-C stops it.

Example: a namespace with one queue
  echo '{"UserConfig":{"Namespaces":[{"Name":"local","Queues":[{"Name":"orders"}]}]}}' > entities.json
  service-bus-emulator --config entities.json --data .service-bus

Supported: peek-lock and receive-and-delete, lock renewal, abandon, defer, dead-lettering,
schedule and cancel, duplicate detection, time to live, peek, batches, sessions and their state,
SQL and correlation filters, rules added and removed by clients.
Not supported, and refused at the start: forwarding, rule actions.

Exit codes: 0 stopped by a signal, 1 cannot start or go on, 2 bad arguments.`;

export interface EmulatorOptions {
  readonly help: boolean;
  /** Path of the configuration; empty with `help` alone. */
  readonly config: string;
  readonly port: number;
  readonly host: string;
  /** Directory of the certificates; undefined: no TLS. */
  readonly tls: string | undefined;
  /** Directory of the journal; undefined: nothing is kept. */
  readonly data: string | undefined;
  readonly fsync: boolean;
}

/** Reads the command line; throws UsageError. */
export function readOptions(args: readonly string[]): EmulatorOptions {
  const values = parseOptions(args, {
    config: { type: "string", default: "" },
    port: { type: "string", default: String(DEFAULT_PORT) },
    host: { type: "string", default: "127.0.0.1" },
    tls: { type: "string" },
    data: { type: "string" },
    fsync: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
  const { help, config, port, host, tls, data, fsync } = values;
  if (!help && config === "") throw new UsageError("--config FILE is missing.");
  return { help, config, port: portOf("port", port), host, tls, data, fsync };
}
