/** The handler of requests with the real messenger, between the queues of the emulator. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import {
  ServiceBusClient,
  type ServiceBusMessage,
  type ServiceBusReceivedMessage,
} from "@azure/service-bus";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { ServiceBusMessenger } from "../../../src/azure/service-bus/messenger.js";
import { ServiceError } from "../../../src/errors.js";
import type { PutImageVersion } from "../../../src/image-version/commands/put.js";
import { ManualClock } from "@sigil-local/clock";
import { parseEmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import {
  startServiceBusEmulator,
  type ServiceBusEmulator,
} from "@sigil-local/service-bus-emulator";
import { createRequestHandler } from "../../../src/messaging/request-handler.js";
import { receive } from "@sigil-local/testing/receive";
import { invocation } from "../../unit/messaging/invocation.js";

const REQUESTS = "image-version-requests";
const SUBJECT =
  "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute/galleries/g/images/i/versions/1.0.0";
const DOWN = new ServiceError("DependencyUnavailable", "Down.", {
  retryAfterMs: 5_000,
});

let clock: ManualClock;
let emulator: ServiceBusEmulator;
let client: ServiceBusClient;
let down: boolean;
let accepted: PutImageVersion[];
let handle: ReturnType<typeof createRequestHandler>;

beforeEach(async () => {
  clock = new ManualClock();
  emulator = await startServiceBusEmulator({
    configuration: parseEmulatorConfiguration(
      JSON.parse(await readFile("infra/service-bus-emulator.json", "utf8")) as object,
    ),
    clock,
  });
  const { connectionString } = emulator;
  client = new ServiceBusClient(connectionString);
  const messenger = new ServiceBusMessenger(
    { kind: "connectionString", connectionString },
    () => new Date(clock.now()),
    86_400_000,
  );
  onTestFinished(async () => {
    await messenger.close();
    await client.close();
    await emulator.close();
  });
  down = true;
  accepted = [];
  handle = createRequestHandler({
    putImageVersion(command) {
      if (down) return Promise.reject(DOWN);
      accepted.push(command);
      return Promise.resolve({ kind: "unchanged", version: {} as never });
    },
    validateBody: (value) => ({ value, findings: [] }),
    reportTestResult: () => Promise.reject(new Error("nothing is reported")),
    validateTestResult: (value) => ({ value, findings: [] }),
    events: messenger,
    keepRejected: (request) => messenger.keepRejected(request),
    postpone: (request) => messenger.postpone("image-version-requests", request),
    maxDeliveryCount: 10,
    eventSource: "urn:sigil:test",
    now: () => new Date(clock.now()),
  });
});

/** A request in structured mode, as large as a message that holds nothing else. */
function large(id: string): Buffer {
  const event = (padding: string): Buffer =>
    Buffer.from(
      JSON.stringify({
        specversion: "1.0",
        id,
        source: "urn:build",
        type: "Build.Finished",
        subject: SUBJECT,
        data: { padding },
      }),
    );
  const room = 261_900 - event("").length;
  return event(
    randomBytes(Math.ceil(room / 2))
      .toString("hex")
      .slice(0, room),
  );
}

/** Sends it as any client does, and takes it as the host does: what fails comes again at once, until it is completed. */
async function send(message: ServiceBusMessage): Promise<void> {
  const sender = client.createSender(REQUESTS);
  await sender.sendMessages(message);
  await sender.close();
}

async function takeAll(count: number): Promise<void> {
  const receiver = client.createReceiver(REQUESTS, {
    skipParsingBodyAsJson: true,
    maxAutoLockRenewalDurationInMs: 0,
  });
  let completed = 0;
  while (completed < count)
    for (const message of await receive(receiver, 1))
      try {
        await handle(message.body, contextOf(message));
        await receiver.completeMessage(message);
        completed += 1;
      } catch (error) {
        expect(error).toBe(DOWN);
        await receiver.abandonMessage(message);
      }
  await receiver.close();
}

function contextOf(message: ServiceBusReceivedMessage) {
  const { expiresAtUtc, applicationProperties, messageId } = message;
  return invocation({
    messageId,
    applicationProperties,
    deliveryCount: (message.deliveryCount ?? 0) + 1,
    sequenceNumber: Number(message.sequenceNumber),
    ...(message.timeToLive !== undefined && {
      expiresAtUtc: expiresAtUtc?.toISOString().replace("Z", ""),
    }),
  }).context;
}

test("requests near 256 KB and without a MessageId outlive an outage, each by itself", async () => {
  const bodies = [large("build-1"), large("build-2")];
  for (const body of bodies) await send({ body });
  await takeAll(2);
  expect(emulator.counts(REQUESTS)).toMatchObject({ active: 0, scheduled: 2 });
  clock.advance(30_000);
  await takeAll(2); // The outage lasts: a second turn.
  expect(emulator.counts(REQUESTS)).toMatchObject({ active: 0, scheduled: 2 });
  clock.advance(60_000);
  down = false;
  await takeAll(2);
  expect(accepted.map(({ event }) => event?.id).sort()).toEqual(["build-1", "build-2"]);
  expect(accepted.map(({ body }) => JSON.stringify(body).length)).toEqual(
    bodies.map(
      (body) => JSON.stringify((JSON.parse(body.toString()) as { data: unknown }).data).length,
    ),
  );
  expect(emulator.counts(REQUESTS)).toMatchObject({
    active: 0,
    scheduled: 0,
    deadLetter: 0,
  });
});

test("a request keeps its time to live, and is rejected where that ends first", async () => {
  const endMs = clock.now() + 30_000;
  await send({
    body: large("build-3"),
    messageId: "m3",
    timeToLive: 30_000,
  });
  await takeAll(1);
  const [postponed] = await client.createReceiver(REQUESTS).peekMessages(1);
  expect(postponed?.timeToLive).toBe(endMs - clock.now() - 15_000);
  clock.advance(15_000);
  await takeAll(1); // The second turn would come 22 seconds later.
  const [event] = await receive(client.createReceiver("image-version-events", "all"), 1);
  expect(event?.body).toMatchObject({
    type: "Sigil.ImageVersion.Rejected",
    data: {
      error: { code: "RequestExpired" },
      request: { source: "urn:build", id: "build-3" },
      messageId: "m3",
    },
  });
  expect(emulator.counts(REQUESTS)).toMatchObject({
    active: 0,
    scheduled: 0,
    deadLetter: 0,
  });
});

test("the same request sent again after it was postponed is answered too, though its turn has the same number", async () => {
  const body = large("build-4");
  await send({ body, messageId: "first" });
  await takeAll(1);
  await send({ body, messageId: "first again" });
  await takeAll(1);
  expect(emulator.counts(REQUESTS).scheduled).toBe(2);
});
