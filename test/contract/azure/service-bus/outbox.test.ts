import { expect, onTestFinished, test } from "vitest";
import { ServiceBusMessenger } from "../../../../src/azure/service-bus/messenger.js";
import { KINDS } from "../../../../src/kinds.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import { advance, event } from "../../../../src/operation/advance.js";
import { deliver } from "../../../../src/operation/outbox.js";
import type { OperationDependencies } from "../../../../src/operation/ports.js";
import type { TrackedRecord } from "../../../../src/operation/records.js";
import { parseEmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import { startServiceBusEmulator } from "@sigil-local/service-bus-emulator";
import { PACE } from "../../../support/dependencies.js";
import { createMemoryIdempotencyKeys } from "../../../support/fakes/idempotency-keys.js";
import { createMemoryIndex } from "../../../support/fakes/listing-index.js";
import { createMemoryStore } from "../../../support/fakes/state-store.js";
import { at, replicating } from "../../../support/transitions.js";

const QUEUES = [
  "image-version-creations",
  "image-version-replications",
  "subscription-preparations",
];

test("work messages reach their queue where there is no topic to tell events to", async () => {
  const emulator = await startServiceBusEmulator({
    configuration: parseEmulatorConfiguration({
      UserConfig: {
        Namespaces: [
          {
            Name: "sbemulatorns",
            Queues: QUEUES.map((Name) => ({ Name })),
            Topics: [],
          },
        ],
      },
    }),
  });
  const { connectionString } = emulator;
  const now = at(0).now;
  const messenger = new ServiceBusMessenger(
    { kind: "connectionString", connectionString },
    () => now,
    86_400_000,
  );
  onTestFinished(async () => {
    await messenger.close();
    await emulator.close();
  });
  const deps: OperationDependencies<TrackedRecord> = {
    store: createMemoryStore(),
    index: createMemoryIndex(() => now),
    idempotencyKeys: createMemoryIdempotencyKeys(() => now),
    events: messenger,
    work: messenger,
    calls: { noted: () => [], written: () => undefined },
    kinds: KINDS,
    pace: PACE,
    eventSource: "urn:sigil:test",
    now: () => now,
  };
  const { record, operation } = replicating();
  const told = event(operation, at(0), "Sigil.ImageVersion.Creating", "creating", {});
  const next = advance<ImageVersionRecord>(
    { record: { ...record, outbox: [] }, operation },
    at(0),
    { patch: {}, effects: [told] },
  );
  const stored = await deps.store.commit(next.record, next.operation, undefined);
  const after = await deliver(deps, stored);
  expect(after.record.outbox).toEqual([told]);
  expect(
    QUEUES.map((queue) => emulator.counts(queue)).map(
      ({ active, scheduled }) => active + scheduled,
    ),
  ).toEqual([0, 1, 0]);
});
