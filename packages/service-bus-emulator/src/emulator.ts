import { systemClock, type Clock } from "@sigil-local/clock";
import { readFilterableMessage } from "./amqp/properties.js";
import { AmqpServer, type Tls, type Use } from "./amqp/server.js";
import { Broker } from "./broker/broker.js";
import type { MessageCounts } from "./broker/delivery.js";
import { memoryStore, type Store } from "./broker/store.js";
import type { EmulatorConfiguration } from "./configuration.js";
import { watchForFreeze } from "./freeze.js";
import { createHttpInterface } from "./http/server.js";
import { Journal } from "./journal/journal.js";

export interface ServiceBusEmulatorOptions {
  readonly configuration: EmulatorConfiguration;
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Given: TLS, too, at the same port. */
  readonly tls?: Tls | undefined;
  /** Where everything accepted is kept; absent: in memory only. */
  readonly dataDirectory?: string;
  /** Whether to wait for the disk before anything is acknowledged; default false. */
  readonly fsync?: boolean;
  /** The time of locks, schedules, expiry and duplicate detection; default the system's. */
  readonly clock?: Clock;
  readonly log?: (line: string) => void;
  /** Told each time that a client uses a right: it attaches to an entity, or asks its `$management`. */
  readonly onUse?: (use: Use) => void;
  /** Called when nothing more can be kept, the disk being full say; the emulator closes by itself. */
  readonly onFailure?: (error: Error) => void;
}

export type { Use };

/** A running emulator. */
export interface ServiceBusEmulator {
  readonly port: number;
  /** The connection string for `@azure/service-bus`. */
  readonly connectionString: string;
  /** The connection string for any client by TLS, if TLS is on. */
  readonly tlsConnectionString: string;
  /** How many messages a queue, subscription, dead-letter queue or topic (its scheduled ones) holds. */
  counts(entityPath: string): MessageCounts;
  /** Ends every connection and writes what is pending; may be called again. */
  close(): Promise<void>;
}

/** The key of Microsoft's emulator, so that one connection string serves both. */
const KEY = {
  name: "RootManageSharedAccessKey",
  key: "SAS_KEY_VALUE",
} as const;

/** Starts a Service Bus emulator; rejects, in one line, if the port is taken. */
export async function startServiceBusEmulator(
  options: ServiceBusEmulatorOptions,
): Promise<ServiceBusEmulator> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? (() => undefined);
  const journal =
    options.dataDirectory === undefined
      ? undefined
      : new Journal({
          directory: options.dataDirectory,
          fsync: options.fsync ?? false,
          onFailure: (error) => {
            log(`Stopping: cannot write the journal: ${error.message}`);
            void close().then(() => options.onFailure?.(error));
          },
        });
  const store: Store = journal ?? memoryStore;
  const broker = new Broker(
    { clock, store, readProperties: readFilterableMessage },
    options.configuration,
  );
  // Clients gave up meanwhile and tried again. @azure/service-bus 7.9.5 cannot handle an answer to
  // an abandoned try: it never connects again (rhea-promise 3.0.3 keeps the socket, and its close()
  // waits forever once that has ended). Every client can handle a connection that ends unanswered.
  const freeze = watchForFreeze(clock, () => {
    log(
      "The process was suspended for a while: every client is disconnected, so that it connects again.",
    );
    // Those that wait to be accepted are accepted before an immediate runs, and read after it.
    setImmediate(() => server.disconnectAll());
  });
  const http = createHttpInterface({
    broker,
    store,
    clock,
    key: KEY,
    tokenNow: () => Date.now(),
  });
  const server = new AmqpServer({
    broker,
    store,
    key: KEY,
    // Clients make tokens by the time of day, whatever the broker's clock says.
    tokenNow: () => Date.now(),
    isThawing: () => freeze.isThawing(),
    log,
    onUse: options.onUse ?? (() => undefined),
    onHttp: (socket) => void http.emit("connection", socket),
    tls: options.tls,
  });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= server.close().finally(() => {
      freeze.stop();
      broker.stop();
      journal?.close();
    }));

  let port: number;
  try {
    port = await server.listen(options.host ?? "127.0.0.1", options.port ?? 0);
    const { unknownPaths, rulesOf } = broker.start(journal?.stored ?? new Map());
    for (const path of unknownPaths)
      if ((journal?.stored.get(path)?.messages.size ?? 0) > 0)
        log(`Kept, but not served: messages of ${path}, which the configuration does not have.`);
    for (const path of rulesOf)
      log(
        `The rules of ${path} that clients changed are dropped: the configuration has other rules since.`,
      );
    journal?.start(() => broker.snapshot(), unknownPaths);
  } catch (error) {
    await close();
    throw cannotStart(error, options.port ?? 0);
  }
  const tlsConnectionString = `Endpoint=sb://localhost:${port};SharedAccessKeyName=${KEY.name};SharedAccessKey=${KEY.key}`;
  return {
    port,
    connectionString: `${tlsConnectionString};UseDevelopmentEmulator=true`,
    tlsConnectionString,
    counts: (entityPath) => {
      const counts = broker.counts(entityPath);
      if (counts === undefined) throw new TypeError(`There is no entity ${entityPath}`);
      return counts;
    },
    close,
  };
}

function cannotStart(error: unknown, port: number): Error {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE")
    return new Error(
      `Port ${port} is taken: stop what listens there, or choose another port (0 for any free one).`,
      { cause: error },
    );
  if (syscall === "listen")
    return new Error(`Cannot listen on port ${port}: ${message}`, {
      cause: error,
    });
  return error instanceof Error ? error : new Error(message);
}
