import { parseArgs } from "node:util";
import { readEmulatorConfiguration } from "./configuration.js";
import { startServiceBusEmulator } from "./emulator.js";

const HELP = `Usage: npm run emulator:service-bus -- --config FILE [--port N] [--data DIR] [--fsync]

A Service Bus namespace on this machine: queues, topics and subscriptions over AMQP 1.0,
for @azure/service-bus and other clients that know UseDevelopmentEmulator=true.

  --config FILE  entities, in the shape of Microsoft's emulator configuration
                 (infra/service-bus-emulator.json is Sigil's)
  --port N       port on 127.0.0.1, 0 for any free one (default 5672)
  --data DIR     keep everything accepted in DIR, across restarts and kills: messages, locks,
                 session states, and rules that clients changed, these until the configuration
                 has others; without it everything lives in memory only
  --fsync        wait for the disk before acknowledging (survives a power cut; slower)
  --help         this text

Prints the connection string when it listens. Ctrl-C stops it.

Supported: peek-lock and receive-and-delete, lock renewal, abandon, defer, dead-lettering,
schedule and cancel, duplicate detection, time to live, peek, batches, sessions and their state,
SQL and correlation filters, rules added and removed by clients.
Not supported, and refused at the start: forwarding, rule actions.

Exit codes: 0 stopped by a signal, 1 cannot start or go on, 2 bad arguments.
`;
const DEFAULT_PORT = 5672;

interface Arguments {
  readonly config: string;
  readonly port: number;
  readonly data: string | undefined;
  readonly fsync: boolean;
}

/** Runs the emulator as a program and returns its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const read = readArguments(args);
  if (read === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  if (typeof read === "string") {
    process.stderr.write(`${read}\nTry --help.\n`);
    return 2;
  }
  let fail: (error: Error) => void;
  const stopped = new Promise<void>((resolve, reject) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
    fail = reject;
  });
  try {
    const emulator = await startServiceBusEmulator({
      configuration: await readEmulatorConfiguration(read.config),
      port: read.port,
      ...(read.data !== undefined && { dataDirectory: read.data }),
      fsync: read.fsync,
      log: (line) => void process.stderr.write(`${line}\n`),
      onFailure: (error) => fail(error),
    });
    process.stdout.write(
      `Service Bus emulator listening on 127.0.0.1:${emulator.port}\n` +
        `Messages are kept ${read.data === undefined ? "in memory only" : `in ${read.data}`}\n` +
        `${emulator.connectionString}\n`,
    );
    await stopped;
    await emulator.close();
    return 0;
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error ? error.message : String(error)}\n`,
    );
    return 1;
  }
}

function readArguments(args: readonly string[]): Arguments | string {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        config: { type: "string" },
        port: { type: "string", default: String(DEFAULT_PORT) },
        data: { type: "string" },
        fsync: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (values.help) return "help";
  if (values.config === undefined) return "--config FILE is missing.";
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65_535)
    return `--port must be a number from 0 to 65535, not "${values.port}".`;
  return {
    config: values.config,
    port,
    data: values.data,
    fsync: values.fsync,
  };
}

process.exitCode = await main(process.argv.slice(2));
