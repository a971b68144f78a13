/*
 * What the clients of Python (pyamqp) and Go (go-amqp) do otherwise than those of JavaScript and .NET, byte by byte: they
 * cannot be had from npm or NuGet.
 */
import { once } from "node:events";
import rhea, {
  type Connection,
  type Delivery,
  type EventContext,
  type Receiver,
  type Typed,
} from "rhea";
import { expect, test } from "vitest";
import { tap } from "./frames.js";
import { connectPlainly, encode, putToken, SECTION } from "./plain-client.js";
import { receiveOne, peekLock, start } from "./support.js";

/** What rhea's own types leave out. */
const untyped = rhea as unknown as {
  readonly message: { accepted(): { described(): DeliveryState } };
  readonly types: { Null(): Typed };
};
type DeliveryState = Parameters<Delivery["update"]>[1];
const { types } = rhea;
const SESSION_FILTER = "com.microsoft:session-filter";
const SESSIONS = {
  Queues: [{ Name: "q", Properties: { RequiresSession: true } }],
};

function attach(connection: Connection, source: object, options: object = {}): Receiver {
  return connection.open_receiver({
    source: source as { address: string },
    autoaccept: false,
    autosettle: false,
    credit_window: 0,
    ...options,
  });
}

test("pyamqp reads by position: every performative and every error has all its fields", async () => {
  const { emulator, client } = await start();
  await client.createSender("q").sendMessages({ body: "x" });
  const { port, written } = await tap(emulator.port);
  const plain = await connectPlainly(port);
  const { connection } = plain;
  await putToken(plain, "q", "1");
  const session = connection.create_session();
  session.begin();
  const receiver = session.attach_receiver({
    source: { address: "q" },
    autoaccept: false,
    credit_window: 0,
  });
  const received = once(receiver, "message");
  receiver.add_credit(2);
  const [{ delivery }] = (await received) as [{ delivery: Delivery }];
  const settled = once(receiver, "settled");
  delivery.update(false, untyped.message.accepted().described());
  await settled;
  const drained = once(receiver, "receiver_drained");
  receiver.drain_credit();
  await drained;
  const refused = connection.open_receiver("nowhere");
  await once(refused, "receiver_error");
  const detached = once(receiver, "receiver_close");
  receiver.close();
  await detached;
  const ended = once(session, "session_close");
  session.close();
  await ended;
  const closed = once(connection, "connection_close");
  connection.close();
  await closed;

  const counts: Record<string, number[]> = {};
  for (const { descriptor, fields } of written)
    (counts[descriptor.toString(16)] ??= []).push(fields);
  const distinct = Object.fromEntries(
    Object.entries(counts).map(([code, fields]) => [code, [...new Set(fields)]]),
  );
  expect(distinct).toEqual({
    10: [10], // open
    11: [8], // begin
    12: [14], // attach
    13: [11], // flow
    14: [11], // transfer
    15: [6], // disposition
    16: [3], // detach
    17: [1], // end
    18: [1], // close
  });
  expect(written.flatMap(({ errorFields }) => errorFields)).toEqual([3]);
});

test("pyamqp compares max-frame-size and handle-max without looking for null", async () => {
  const { emulator } = await start();
  const { connection } = await connectPlainly(emulator.port);
  expect(connection.max_frame_size).toBe(65_536);
  const session = connection.create_session();
  session.begin();
  await once(session, "session_open");
  const { remote } = session as unknown as {
    remote: { begin: { handle_max: number } };
  };
  expect(remote.begin.handle_max).toBe(65_535);
});

test("go-amqp is answered where reply-to is the address of its target", async () => {
  const { emulator } = await start();
  const plain = await connectPlainly(emulator.port);
  const { message } = await putToken(plain, "q", "1", {
    target: "mine",
    replyTo: "mine",
  });
  expect(message?.application_properties?.["status-code"]).toBe(202);
});

test("pyamqp settles by itself and is told nothing", async () => {
  const { emulator, client } = await start();
  await client.createSender("q").sendMessages([{ body: 1 }, { body: 2 }]);
  const { port, written } = await tap(emulator.port);
  const plain = await connectPlainly(port);
  await putToken(plain, "q", "1");
  const receiver = attach(plain.connection, { address: "q" });
  const first = once(receiver, "message");
  receiver.add_credit(1);
  const [{ delivery }] = (await first) as [{ delivery: Delivery }];
  const before = written.filter(isDisposition).length;
  delivery.update(true, untyped.message.accepted().described());
  const second = once(receiver, "message");
  receiver.add_credit(1);
  await second;
  expect(emulator.counts("q").active).toBe(1);
  expect(written.filter(isDisposition).length).toBe(before);

  function isDisposition({ descriptor }: { descriptor: number }): boolean {
    return descriptor === 0x15;
  }
});

test("a batch's data sections are messages, whatever the envelope says", async () => {
  const { emulator, client } = await start();
  const plain = await connectPlainly(emulator.port);
  await putToken(plain, "q", "1");
  const message = (id: string): Typed =>
    types.wrap_binary(
      encode([
        [SECTION.properties, types.wrap_list([types.wrap_string(id)])],
        [SECTION.value, types.wrap_string(`body of ${id}`)],
      ]),
    );
  const envelope = encode([
    [SECTION.properties, types.wrap_list([types.wrap_string("first")])],
    [SECTION.data, message("first")],
    [SECTION.data, message("second")],
  ]);
  const sender = plain.connection.open_sender("q");
  await once(sender, "sendable");
  const accepted = once(sender, "accepted");
  sender.send(envelope, undefined, 0x80013700);
  await accepted;
  const receiver = peekLock(client, "q");
  for (const messageId of ["first", "second"])
    expect(await receiveOne(receiver)).toMatchObject({
      messageId,
      body: `body of ${messageId}`,
    });
});

test.each([
  ["by its name", types.wrap_string("a")],
  ["as the next one", untyped.types.Null()],
])(
  "go-amqp asks for a session %s by a described filter, and is answered by one",
  async (_, wanted) => {
    const { emulator, client } = await start(SESSIONS);
    await client.createSender("q").sendMessages({ body: "x", sessionId: "a" });
    const plain = await connectPlainly(emulator.port);
    await putToken(plain, "q", "1");
    const descriptor = types.wrap_ulong(0x137_0000_000c) as Typed;
    const receiver = attach(plain.connection, {
      address: "q",
      filter: {
        [SESSION_FILTER]: types.described(descriptor, wanted) as Typed,
      },
    });
    await once(receiver, "receiver_open");
    const answered = receiver.source.filter as Record<string, Typed>;
    expect(answered[SESSION_FILTER]).toMatchObject({
      value: "a",
      descriptor: { value: 0x137_0000_000c },
    });
  },
);

test("pyamqp reads a session's id as plain text and the end of its lock as ticks", async () => {
  const { emulator, clock } = await start(SESSIONS);
  const plain = await connectPlainly(emulator.port);
  await putToken(plain, "q", "1");
  const source = `amqps://${plain.hostAndPort}/q`;
  const receiver = attach(plain.connection, {
    address: source,
    filter: { [SESSION_FILTER]: "é" },
  });
  await once(receiver, "receiver_open");
  expect(receiver.source).toMatchObject({
    address: source,
    filter: { [SESSION_FILTER]: "é" },
  });
  const ticks = receiver.properties?.["com.microsoft:locked-until-utc"] as Buffer;
  const msOfTicks = (ticks.readBigInt64BE() - 621_355_968_000_000_000n) / 10_000n;
  expect(Number(msOfTicks)).toBe(clock.now() + 60_000);
});

test("a link is refused with no terminus, and a waiting one says nothing before", async () => {
  const { emulator, clock } = await start(SESSIONS);
  const plain = await connectPlainly(emulator.port);
  await putToken(plain, "q", "1");
  const receiver = attach(
    plain.connection,
    { address: "q", filter: { [SESSION_FILTER]: null } },
    { properties: { "com.microsoft:timeout": 5_000 } },
  );
  let opened = 0;
  receiver.on("receiver_open", () => opened++);
  // The answer to a later request comes first: the attach waits.
  await putToken(plain, "q", "2");
  expect(opened).toBe(0);
  const refused = once(receiver, "receiver_error");
  clock.advance(5_000);
  const [{ receiver: closed }] = (await refused) as [EventContext];
  expect(opened).toBe(1);
  expect(closed?.source).toMatchObject({ value: null });
  expect(closed?.error).toMatchObject({ condition: "com.microsoft:timeout" });
});
