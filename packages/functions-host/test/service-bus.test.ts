import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ServiceBusClient,
  type ServiceBusMessage,
  type ServiceBusReceivedMessage,
} from "@azure/service-bus";
import { describe, expect, it, onTestFinished } from "vitest";
import { ManualClock } from "@sigil-local/clock";
import { parseEmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import {
  type ServiceBusEmulator,
  type ServiceBusEmulatorOptions,
  startServiceBusEmulator,
} from "@sigil-local/service-bus-emulator";
import {
  answerCalls,
  type Call,
  gate,
  nextCall,
  type RunningHost,
  startHost,
} from "./running-host.js";

const configuration = parseEmulatorConfiguration({
  UserConfig: {
    Namespaces: [
      {
        Name: "sbemulatorns",
        Queues: ["text", "bytes", "forward"].map((Name) => ({
          Name,
          Properties: { LockDuration: "PT1M", MaxDeliveryCount: 3 },
        })),
        Topics: [
          {
            Name: "events",
            Subscriptions: [{ Name: "all", Properties: { MaxDeliveryCount: 3 } }],
          },
        ],
      },
    ],
  },
});

interface Bench {
  readonly running: RunningHost;
  readonly emulator: ServiceBusEmulator;
  readonly client: ServiceBusClient;
  readonly send: (entity: string, ...messages: ServiceBusMessage[]) => Promise<void>;
}

async function startEmulator(
  options: Partial<ServiceBusEmulatorOptions> = {},
): Promise<ServiceBusEmulator> {
  const emulator = await startServiceBusEmulator({
    configuration,
    ...options,
  });
  onTestFinished(() => emulator.close());
  return emulator;
}

async function start(
  environment: Record<string, string> = {},
  options: {
    readonly emulator?: Partial<ServiceBusEmulatorOptions>;
    readonly host?: { readonly clock: ManualClock };
  } = {},
): Promise<Bench> {
  const emulator = await startEmulator(options.emulator);
  const client = new ServiceBusClient(emulator.connectionString);
  onTestFinished(() => client.close());
  const running = await startHost("service-bus-app", {
    environment: {
      ServiceBusConnection: emulator.connectionString,
      TextQueue: "text",
      ...environment,
    },
    ...options.host,
  });
  return {
    running,
    emulator,
    client,
    async send(entity, ...messages) {
      const sender = client.createSender(entity);
      await sender.sendMessages(messages);
      await sender.close();
    },
  };
}

/** Waits for `path` to hold nothing: settled messages leave it a round trip after their function has ended. */
async function emptied(emulator: ServiceBusEmulator, path: string): Promise<void> {
  const counts = emulator.counts(path);
  if (counts.active === 0) return;
  await new Promise((resolve) => setImmediate(resolve));
  return emptied(emulator, path);
}

async function deadLettered(
  client: ServiceBusClient,
  queue: string,
): Promise<ServiceBusReceivedMessage[]> {
  const receiver = client.createReceiver(queue, {
    subQueueType: "deadLetter",
    receiveMode: "receiveAndDelete",
  });
  const messages = await receiver.receiveMessages(1);
  await receiver.close();
  return messages;
}

describe("the body of a message", () => {
  it.each([
    ["12", 12],
    ['{"a":[1]}', { a: [1] }],
    ["plain text", "plain text"],
    ["", ""],
    ["\uFEFF{}", "\uFEFF{}"],
  ])("%j reaches the function as %j", async (text, expected) => {
    const called = nextCall("text");
    const { send } = await start();
    await send("text", { body: Buffer.from(text), messageId: "m" });
    expect((await called).input).toEqual(expected);
  });

  it("reaches it as bytes where dataType is binary", async () => {
    const called = nextCall("bytes");
    const { send } = await start();
    const body = Buffer.from([0, 255, 128, 10]);
    await send("bytes", { body, messageId: "m" });
    expect((await called).input).toEqual(body);
  });

  it("may be an AMQP value, if that is a string", async () => {
    const called = nextCall("text");
    const { client } = await start();
    const sender = client.createSender("text");
    await sender.sendMessages({ body: "a value", bodyType: "value" });
    expect((await called).input).toBe("a value");
  });

  it.each(["value", "sequence"] as const)(
    "of an AMQP %s cannot be bound as bytes, though it is a string",
    async (bodyType) => {
      const { client, send } = await start();
      const sender = client.createSender("bytes");
      await sender.sendMessages({
        body: bodyType === "value" ? "a string" : ["a string"],
        bodyType,
      });
      const [dead] = await deadLettered(client, "bytes");
      expect(dead?.deadLetterReason).toBe("MaxDeliveryCountExceeded");
      const called = nextCall("bytes");
      await send("bytes", { body: Buffer.from("the queue goes on") });
      await called;
    },
  );

  it("of another AMQP value cannot be bound, and the message is dead-lettered in the end", async () => {
    const { client, send } = await start();
    const sender = client.createSender("text");
    await sender.sendMessages({ body: [1, 2], bodyType: "sequence" });
    const [dead] = await deadLettered(client, "text");
    expect(dead?.deadLetterReason).toBe("MaxDeliveryCountExceeded");
    const called = nextCall("text");
    await send("text", { body: "the queue goes on" });
    await called;
  });
});

describe("trigger metadata", () => {
  it("has the names and forms of .NET, its first letters lowered at every depth", async () => {
    const called = nextCall("text");
    const { send } = await start();
    const before = Date.now();
    await send("text", {
      body: "x",
      messageId: "12",
      contentType: "text/plain",
      correlationId: "c-1",
      subject: "a subject",
      replyTo: "answers",
      applicationProperties: {
        TenantId: "t",
        count: 3,
        When: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 600)),
      },
    });
    const metadata = (await called).context.triggerMetadata ?? {};
    expect(metadata).toMatchObject({
      messageId: 12,
      contentType: "text/plain",
      correlationId: "c-1",
      subject: "a subject",
      label: "a subject",
      replyTo: "answers",
      deliveryCount: 1,
      sequenceNumber: 1,
      applicationProperties: {
        tenantId: "t",
        count: 3,
        when: "2026-01-02T03:04:05.6Z",
      },
    });
    expect(metadata["userProperties"]).toEqual(metadata["applicationProperties"]);
    expect(metadata["lockToken"]).toMatch(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/u);
    const enqueued = metadata["enqueuedTimeUtc"] as string;
    expect(enqueued).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?$/u);
    expect(metadata["enqueuedTime"]).toBe(`${enqueued}+00:00`);
    expect(Date.parse(`${enqueued}Z`)).toBeGreaterThanOrEqual(before);
    expect(metadata).not.toHaveProperty("sessionId");
  });

  it("is overlaid by the fields of a JSON body, whatever their case", async () => {
    const called = nextCall("text");
    const { send } = await start();
    const body = {
      MESSAGEID: "from the body",
      Nested: { Deep: 1 },
      list: [1],
      yes: true,
      nothing: null,
      number: 1.5,
      time: "2026-01-31T10:00:00+01:00",
    };
    await send("text", { body, messageId: "real" });
    const { context, input } = await called;
    expect(input).toEqual(body);
    expect(context.triggerMetadata).toMatchObject({
      messageId: "from the body",
      nested: { deep: 1 },
      yes: "True",
      number: 1.5,
      time: "01/31/2026 09:00:00",
    });
    expect(context.triggerMetadata).not.toHaveProperty("list");
    expect(context.triggerMetadata).not.toHaveProperty("nothing");
  });

  it("is the broker's alone where the body is bound as bytes", async () => {
    const called = nextCall("bytes");
    const { send } = await start();
    await send("bytes", {
      body: { messageId: "from the body", deliveryCount: 10 },
      messageId: "real",
    });
    expect((await called).context.triggerMetadata).toMatchObject({
      messageId: "real",
      deliveryCount: 1,
    });
  });

  it.each(["traceparent", "Diagnostic-Id"])(
    "comes with the trace of the property %s",
    async (property) => {
      const called = nextCall("text");
      const { send } = await start();
      await send("text", {
        body: "x",
        applicationProperties: {
          [property]: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
      });
      expect((await called).context.traceContext?.traceParent).toMatch(
        /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[\da-f]{16}-01$/u,
      );
    },
  );
});

describe("a message", () => {
  it("is completed after its function has succeeded", async () => {
    const answer = gate();
    const called = nextCall("text", () => answer.opened);
    const { emulator, send } = await start();
    await send("text", { body: "x" });
    await called;
    expect(emulator.counts("text")).toMatchObject({ active: 1 });
    answer.open();
    await emptied(emulator, "text");
  });

  it("is abandoned after its function has failed, and dead-lettered after maxDeliveryCount", async () => {
    const counts: unknown[] = [];
    answerCalls((call) => {
      if (call.name !== "text") return;
      counts.push(call.context.triggerMetadata?.["deliveryCount"]);
      call.answer = () => {
        throw new Error("cannot");
      };
    });
    const { client, send, running } = await start();
    await send("text", { body: "x", messageId: "poison" });
    const [dead] = await deadLettered(client, "text");
    expect(dead?.messageId).toBe("poison");
    expect(dead?.deadLetterReason).toBe("MaxDeliveryCountExceeded");
    expect(counts).toEqual([1, 2, 3]);
    expect(running.log.filter(({ message }) => message.includes("Error: cannot"))).toHaveLength(3);
  });

  it("is received from a subscription of a topic", async () => {
    const called = nextCall("events");
    const { emulator, send, running } = await start();
    await send("events", { body: { type: "e" } });
    expect((await called).input).toEqual({ type: "e" });
    await emptied(emulator, "events/Subscriptions/all");
    expect(running.host.functions.find(({ name }) => name === "events")).toMatchObject({
      entity: "events/Subscriptions/all",
    });
  });

  it("is one of maxConcurrentCalls at most", async () => {
    const answer = gate();
    const four = gate();
    let under = 0;
    let most = 0;
    let done = 0;
    answerCalls((call) => {
      if (call.name !== "text") return;
      most = Math.max(most, (under += 1));
      if (under === 4) four.open();
      call.answer = answer.opened.then(() => {
        under -= 1;
        done += 1;
      });
    });
    const { emulator, send } = await start();
    await send("text", ...Array.from({ length: 10 }, (_, index) => ({ body: String(index) })));
    await four.opened;
    expect(emulator.counts("text")).toMatchObject({ active: 10 });
    answer.open();
    await emptied(emulator, "text");
    expect([done, most]).toEqual([10, 4]);
  });

  it("stays locked after success where autoCompleteMessages is off", async () => {
    const called = nextCall("text");
    const { emulator, send, running } = await start({
      AzureFunctionsJobHost__extensions__serviceBus__autoCompleteMessages: "false",
    });
    await send("text", { body: "x" });
    await called;
    await running.host.drain();
    expect(emulator.counts("text")).toMatchObject({ active: 1 });
  });

  it("stays in the queue of a disabled function", async () => {
    const { emulator, send } = await start({
      "AzureWebJobs.text.Disabled": "true",
    });
    await send("text", { body: "x" });
    const called = nextCall("bytes");
    await send("bytes", { body: "y" });
    await called;
    expect(emulator.counts("text")).toMatchObject({ active: 1 });
  });
});

describe("output bindings", () => {
  it("send what a function returns and sets, an element of an array as a message", async () => {
    const { send } = await start();
    const events: Call[] = [];
    const both = gate();
    const returned = nextCall("text");
    answerCalls((call) => {
      if (call.name === "forward") call.answer = { returned: true };
      if (call.name !== "events") return;
      events.push(call);
      if (events.length === 2) both.open();
    });
    await send("forward", { body: "original" });
    await both.opened;
    expect(events.map(({ input }) => input)).toEqual(
      expect.arrayContaining([{ copyOf: "original" }, "text"]),
    );
    const { input, context } = await returned;
    expect(input).toEqual({ returned: true });
    expect(context.triggerMetadata?.["contentType"]).toBe("application/json");
  });
});

describe("by hand", () => {
  it("a function is given a body alone", async () => {
    const called = nextCall("text", ({ input }) => ({ got: input }));
    const { running } = await start();
    expect(await running.host.invoke("text", { a: 1 })).toEqual({
      got: { a: 1 },
    });
    expect((await called).context.triggerMetadata).toEqual({});
  });
});

describe("draining", () => {
  it("settles the message in hand and leaves the others in the queue", async () => {
    const answer = gate();
    const called = nextCall("text", () => answer.opened);
    const { emulator, send, running } = await start();
    await send("text", { body: "in hand" });
    await called;
    const drained = running.host.drain();
    answer.open();
    await drained;
    expect(emulator.counts("text")).toMatchObject({ active: 0 });
    await send("text", { body: "later" });
    expect(emulator.counts("text")).toMatchObject({ active: 1 });
  });
});

/** Takes `port`, cuts every connection at once, and resolves after `attempts` of them; then the port is free again. */
async function refuseConnections(port: number, attempts: number): Promise<void> {
  const enough = gate();
  let seen = 0;
  const server = createServer((socket) => {
    socket.destroy();
    if ((seen += 1) === attempts) enough.open();
  });
  server.listen(port, "127.0.0.1");
  await enough.opened;
  server.close();
  await once(server, "close");
}

describe("a lost connection", () => {
  it("is taken up again, and its errors are not logged over and over", async () => {
    const { emulator, send, running } = await start();
    const first = nextCall("text");
    await send("text", { body: "before" });
    await first;
    await emulator.close();
    await refuseConnections(emulator.port, 24);
    const again = await startEmulator({ port: emulator.port });
    const called = nextCall("text", undefined, ({ input }) => input === "back");
    const client = new ServiceBusClient(again.connectionString);
    onTestFinished(() => client.close());
    await client.createSender("text").sendMessages({ body: "back" });
    await called;
    await emptied(again, "text");
    const errors = running.log.filter(
      ({ level, category }) => level === "error" && category === "Function.text",
    );
    expect(errors.length).toBeLessThan(4);
  });

  it("costs a message in hand its settlement: it is delivered again", async () => {
    const directory = mkdtempSync(join(tmpdir(), "functions-host-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const brokerClock = new ManualClock();
    const { emulator, send, running } = await start(
      {},
      { emulator: { dataDirectory: directory, clock: brokerClock } },
    );
    const answer = gate();
    const first = nextCall("text", () => answer.opened);
    await send("text", { body: "twice", messageId: "m-1" });
    await first;
    await emulator.close();
    const again = await startEmulator({
      port: emulator.port,
      dataDirectory: directory,
      clock: brokerClock,
    });
    const second = nextCall("text");
    brokerClock.advance(60_000); // The lock outlives the broker's restart, and ends.
    answer.open();
    expect((await second).input).toBe("twice");
    await emptied(again, "text");
    // Once another message comes, the client has heard the answer to the second settlement.
    const third = nextCall("text", undefined, ({ input }) => input === "third");
    const client = new ServiceBusClient(again.connectionString);
    onTestFinished(() => client.close());
    await client.createSender("text").sendMessages({ body: "third" });
    await third;
    // The first settlement went down with its connection: whoever waits for it waits ten seconds.
    const drained = running.host.drain();
    running.clock.advance(10_000);
    await drained;
    const warnings = running.log.map(({ message }) => message);
    expect(warnings.filter((text) => text.includes("message m-1"))).toEqual([
      "could not complete message m-1 of 'text', which may come again: no answer within 10000 ms",
    ]);
  });
});

/** A clock that tells when something has been set for a time. */
class ObservedClock extends ManualClock {
  readonly #observers: { readonly atMs: number; readonly seen: () => void }[] = [];

  armed(atMs: number): Promise<void> {
    return new Promise((seen) => this.#observers.push({ atMs, seen }));
  }

  override at(atMs: number, task: () => void): () => void {
    for (const observer of this.#observers) if (observer.atMs === atMs) observer.seen();
    return super.at(atMs, task);
  }
}

describe("the lock of a message", () => {
  const startMs = Date.UTC(2026, 0, 1);

  /** A slow function under a lock of one minute, on clocks of the host's and the broker's own. */
  async function slow(maxAutoLockRenewalDuration: string) {
    const hostClock = new ObservedClock(startMs);
    const brokerClock = new ManualClock(startMs);
    const firstRenewal = hostClock.armed(startMs + 50_000);
    const deliveries: unknown[] = [];
    const answer = gate();
    const redelivered = gate();
    answerCalls((call) => {
      if (call.name !== "text") return;
      deliveries.push(call.context.triggerMetadata?.["deliveryCount"]);
      if (deliveries.length === 1) call.answer = answer.opened;
      else redelivered.open();
    });
    const called = nextCall("text", ({ answer: given }) => given);
    const { send } = await start(
      {
        AzureFunctionsJobHost__extensions__serviceBus__maxAutoLockRenewalDuration:
          maxAutoLockRenewalDuration,
      },
      { emulator: { clock: brokerClock }, host: { clock: hostClock } },
    );
    await send("text", { body: "without a MessageId" });
    await called;
    onTestFinished(() => answer.open());
    return { hostClock, brokerClock, firstRenewal, deliveries, redelivered };
  }

  it("is renewed ten seconds before its end, MessageId or not", async () => {
    const { hostClock, brokerClock, firstRenewal, deliveries, redelivered } =
      await slow("00:05:00");
    await firstRenewal;
    for (const dueMs of [100_000, 150_000, 200_000]) {
      const next = hostClock.armed(startMs + dueMs);
      brokerClock.advance(50_000);
      hostClock.advance(50_000);
      await next;
    }
    expect(deliveries).toEqual([1]);
    // The host stands still at 150 s: nothing renews what ends at 210 s.
    brokerClock.advance(60_000);
    await redelivered.opened;
    expect(deliveries).toEqual([1, 2]);
  });

  it("is not renewed beyond maxAutoLockRenewalDuration", async () => {
    const { hostClock, brokerClock, deliveries, redelivered } = await slow("00:00:50");
    hostClock.advance(60_000);
    brokerClock.advance(60_000);
    await redelivered.opened;
    expect(deliveries).toEqual([1, 2]);
  });
});
