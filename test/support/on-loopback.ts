import { readFile } from "node:fs/promises";
import { ServiceBusClient } from "@azure/service-bus";
import { ManualClock } from "@sigil-local/clock";
import {
  startServiceBusEmulator,
  type ServiceBusEmulator,
} from "@sigil-local/service-bus-emulator";
import {
  parseEmulatorConfiguration,
  type EmulatorConfiguration,
} from "@sigil-local/service-bus-emulator/configuration";
import {
  startMemoryTables,
  type TableStorage as RunningTables,
} from "@sigil-local/stack/memory-tables";
import { receive } from "@sigil-local/testing/receive";
import { ServiceBusMessenger } from "../../src/azure/service-bus/messenger.js";
import { createIdempotencyKeys } from "../../src/azure/tables/idempotency-keys.js";
import { createImageDocuments } from "../../src/azure/tables/image-documents.js";
import { createIndex } from "../../src/azure/tables/index-table.js";
import { createStateStore } from "../../src/azure/tables/state-store.js";
import { KINDS } from "../../src/kinds.js";
import type { TableStorage } from "../../src/azure/tables/table.js";
import { createVersionNumbers } from "../../src/azure/tables/version-numbers.js";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import type { RollbackStateRecord } from "../../src/image-version/rollback-record.js";
import type { StepMessage } from "../../src/operation/steps.js";
import {
  QUEUES,
  startWith,
  type DueMessage,
  type InProcess,
  type InProcessOptions,
} from "./dependencies.js";
import { startArmOverHttps } from "./over-https.js";

const EMULATOR_CONFIGURATION = "infra/service-bus-emulator.json";

/** What startInProcess has in memory, by the real adapters against a table service and the Service Bus emulator. */
export interface OnLoopback extends InProcess {
  readonly tables: TableStorage;
  readonly emulator: ServiceBusEmulator;
  readonly messenger: ServiceBusMessenger;
  readonly client: ServiceBusClient;
}

/** The table service is the local stack's, if no other is given. */
export async function startOnLoopback({
  tables: service,
  ...options
}: InProcessOptions & {
  readonly tables?: RunningTables;
} = {}): Promise<OnLoopback> {
  // Tables that are handed in stamp their rows with the time of day: the clock starts there.
  const clock = new ManualClock(Math.ceil(Date.now() / 1_000) * 1_000);
  const now = (): Date => new Date(clock.now());
  const [tableServer, emulator] = await Promise.all([
    service ?? startMemoryTables({ now }),
    startServiceBusEmulator({
      configuration: await deployedConfiguration(),
      clock,
    }),
  ]);
  const tables: TableStorage = {
    kind: "connectionString",
    connectionString: tableServer.connectionString,
  };
  const { connectionString } = emulator;
  const messenger = new ServiceBusMessenger(
    { kind: "connectionString", connectionString },
    now,
    30 * 86_400_000,
  );
  const client = new ServiceBusClient(connectionString);
  const receivers = QUEUES.map((queue) => ({
    queue,
    receiver: client.createReceiver(queue, { receiveMode: "receiveAndDelete" }),
  }));
  const subscription = client.createReceiver("image-version-events", "all", {
    receiveMode: "receiveAndDelete",
  });
  const inProcess = await startWith(clock, startArmOverHttps, options, {
    ports: {
      store: createStateStore(tables, KINDS),
      rollbacks: createStateStore<RollbackStateRecord>(tables, KINDS),
      index: createIndex(tables),
      idempotencyKeys: createIdempotencyKeys(tables, now),
      versionNumbers: createVersionNumbers(tables, now),
      events: messenger,
      work: messenger,
    },
    keyStates: createImageDocuments(tables, "SigilKeyStates", "keys", "state of the keys"),
    takeDue: async () =>
      (
        await Promise.all(
          receivers.map(async ({ queue, receiver }) => {
            const { active } = emulator.counts(queue);
            return (await receive(receiver, active)).map(({ body, messageId }): DueMessage => ({
              ...(body as StepMessage),
              queue,
              messageId: String(messageId),
            }));
          }),
        )
      ).flat(),
    takeEvents: async () =>
      (
        await receive(
          subscription,
          emulator.counts("image-version-events/Subscriptions/all").active,
        )
      ).map(({ body }) => body as CloudEvent),
    async close() {
      await client.close();
      await messenger.close();
      await Promise.all([emulator.close(), tableServer.close()]);
    },
  });
  return { ...inProcess, tables, emulator, messenger, client };
}

/** The entities with the duplicate detection that they are deployed with; Microsoft's emulator knows no more than PT5M. */
async function deployedConfiguration(): Promise<EmulatorConfiguration> {
  const text = await readFile(EMULATOR_CONFIGURATION, "utf8");
  return parseEmulatorConfiguration(
    JSON.parse(text, (key, value: unknown) =>
      key === "DuplicateDetectionHistoryTimeWindow" ? "P1D" : value,
    ),
  );
}
