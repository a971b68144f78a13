import { createHmac } from "node:crypto";
import { once } from "node:events";
import rhea, {
  type Connection,
  type EventContext,
  type Receiver,
  type Typed,
} from "rhea";
import { expect, onTestFinished, test } from "vitest";
import { start } from "./support.js";

/** An AMQP client of the plainest kind, which sees what the Service Bus client hides. */
interface Plain {
  readonly connection: Connection;
  readonly hostAndPort: string;
}

async function connectPlainly(port: number): Promise<Plain> {
  const container = rhea.create_container();
  const connection = container.connect({
    port,
    host: "127.0.0.1",
    reconnect: false,
  });
  onTestFinished(() => connection.close());
  await once(connection, "connection_open");
  return { connection, hostAndPort: `localhost:${port}` };
}

async function putToken(
  { connection, hostAndPort }: Plain,
  entity: string,
  messageId: string | Buffer,
): Promise<EventContext> {
  const audience = `sb://${hostAndPort}/${entity}`;
  const resource = encodeURIComponent(audience);
  const expiry = Math.floor(Date.now() / 1_000) + 60;
  const signature = createHmac("sha256", "SAS_KEY_VALUE")
    .update(`${resource}\n${expiry}`)
    .digest("base64");
  const session = connection.create_session();
  session.begin();
  const receiver = session.attach_receiver({ source: { address: "$cbs" } });
  const sender = session.attach_sender({ target: { address: "$cbs" } });
  await once(sender, "sendable");
  const answered = once(receiver, "message");
  sender.send({
    message_id: messageId,
    application_properties: {
      operation: "put-token",
      type: "servicebus.windows.net:sastoken",
      name: audience,
    },
    body: `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=RootManageSharedAccessKey`,
  });
  const [context] = (await answered) as [EventContext];
  return context;
}

/** Sections of a message with the types that rhea's own messages lose. */
function encode(
  sections: readonly (readonly [code: number, value: Typed])[],
): Buffer {
  const Writer = (rhea.types as unknown as { Writer: new () => WriterLike })
    .Writer;
  const writer = new Writer();
  for (const [code, value] of sections)
    writer.write(
      rhea.types.described(rhea.types.wrap_ulong(code), value) as Typed,
    );
  return Buffer.from(writer.toBuffer());
}

interface WriterLike {
  write(value: Typed): void;
  toBuffer(): Buffer;
}

const PROPERTIES = 0x73;
const APPLICATION_PROPERTIES = 0x74;
const VALUE = 0x77;
const FOOTER = 0x78;

test("the sections of the sender arrive byte for byte, whatever types they hold", async () => {
  const { emulator } = await start();
  const plain = await connectPlainly(emulator.port);
  await putToken(plain, "q", "1");
  const { types } = rhea;
  const uuid = types.wrap_uuid(Buffer.alloc(16, 7));
  const bare = encode([
    [PROPERTIES, types.wrap_list([uuid])],
    [
      APPLICATION_PROPERTIES,
      types.wrap_map({
        double: types.wrap_double(3),
        long: types.wrap_long(5),
        uuid,
        symbol: types.wrap_symbol("s"),
        time: types.wrap_timestamp(1),
      }),
    ],
    [VALUE, types.wrap_map({ nested: types.wrap_list([types.wrap_float(1)]) })],
    [FOOTER, types.wrap_symbolic_map({ checked: types.wrap_byte(1) })],
  ]);
  const sender = plain.connection.open_sender("q");
  await once(sender, "sendable");
  const accepted = once(sender, "accepted");
  sender.send(bare, undefined, 0);
  await accepted;

  const receiver = plain.connection.open_receiver({
    source: { address: "q" },
    autoaccept: false,
    credit_window: 0,
  });
  const received = rawTransfer(receiver);
  receiver.add_credit(1);
  const bytes = await received;
  expect(bytes.subarray(-bare.length).equals(bare)).toBe(true);
});

/** The payload of the next transfer. */
function rawTransfer(receiver: Receiver): Promise<Buffer> {
  const session = receiver.session as unknown as {
    on_transfer(frame: { payload: Buffer }): void;
  };
  const original = session.on_transfer.bind(session);
  return new Promise((resolve) => {
    session.on_transfer = (frame) => {
      resolve(frame.payload);
      original(frame);
    };
  });
}

test("a put-token is answered with the type of its message id", async () => {
  const { emulator } = await start();
  const plain = await connectPlainly(emulator.port);
  const uuid = Buffer.alloc(16, 9);
  const { message } = await putToken(plain, "q", uuid);
  expect(message?.correlation_id).toEqual(uuid);
  expect(message?.application_properties).toMatchObject({
    "status-code": 202,
    "status-description": "Accepted",
  });
});

test("a link without a token is refused", async () => {
  const { emulator } = await start();
  const { connection } = await connectPlainly(emulator.port);
  const sender = connection.open_sender("q");
  await once(sender, "sender_error");
  expect(sender.error).toMatchObject({
    condition: "amqp:unauthorized-access",
  });
});

test("an attach is answered with the peer's own addresses and every field", async () => {
  const { emulator } = await start();
  const plain = await connectPlainly(emulator.port);
  await putToken(plain, "q", "1");
  const source = `amqps://${plain.hostAndPort}/Q`;
  const receiver = plain.connection.open_receiver({
    source: { address: source },
    target: { address: "mine" },
    credit_window: 0,
  });
  await once(receiver, "receiver_open");
  expect(receiver.source.address).toBe(source);
  expect(receiver.target.address).toBe("mine");
  expect(receiver.max_message_size).toBe(262_144);
  const remote = receiver as unknown as {
    remote: { attach: { value: unknown[] } };
  };
  expect(remote.remote.attach.value).toHaveLength(14);
});

test("credit and drain that come with the attach are honoured after the attach is answered", async () => {
  const { emulator, client } = await start();
  await client.createSender("q").sendMessages([{ body: 1 }, { body: 2 }]);
  const plain = await connectPlainly(emulator.port);
  await putToken(plain, "q", "1");
  const receiver = plain.connection.open_receiver({
    source: { address: "q" },
    credit_window: 0,
  });
  let received = 0;
  receiver.on("message", () => received++);
  const drained = once(receiver, "receiver_drained");
  receiver.add_credit(5);
  receiver.drain_credit();
  await drained;
  expect(received).toBe(2);
});

test("a drain is answered even when no credit is left", async () => {
  const { emulator } = await start();
  const plain = await connectPlainly(emulator.port);
  await putToken(plain, "q", "1");
  const receiver = plain.connection.open_receiver({
    source: { address: "q" },
    credit_window: 0,
  });
  await once(receiver, "receiver_open");
  const drained = once(receiver, "receiver_drained");
  receiver.drain_credit();
  await drained;
});

test.each(["ANONYMOUS", "MSSBCBS"])(
  "takes a client that asks for SASL %s",
  async (mechanism) => {
    const { emulator } = await start();
    const connection = rhea.create_container().connect({
      port: emulator.port,
      host: "127.0.0.1",
      reconnect: false,
      ...{
        sasl_mechanisms: {
          [mechanism]: () => ({
            start: (respond: (error: undefined, response: Buffer) => void) =>
              respond(undefined, Buffer.from("any")),
          }),
        },
      },
    });
    onTestFinished(() => connection.close());
    await once(connection, "connection_open");
    expect(connection.is_open()).toBe(true);
  },
);
