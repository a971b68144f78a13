import { once } from "node:events";
import rhea, { type Receiver } from "rhea";
import { expect, onTestFinished, test } from "vitest";
import { connectPlainly, encode, putToken, SECTION } from "./plain-client.js";
import { start } from "./support.js";

test("the sections of the sender arrive byte for byte, whatever types they hold", async () => {
  const { emulator } = await start();
  const plain = await connectPlainly(emulator.port);
  await putToken(plain, "q", "1");
  const { types } = rhea;
  const uuid = types.wrap_uuid(Buffer.alloc(16, 7));
  const bare = encode([
    [SECTION.properties, types.wrap_list([uuid])],
    [
      SECTION.applicationProperties,
      types.wrap_map({
        double: types.wrap_double(3),
        long: types.wrap_long(5),
        uuid,
        symbol: types.wrap_symbol("s"),
        time: types.wrap_timestamp(1),
      }),
    ],
    [SECTION.value, types.wrap_map({ nested: types.wrap_list([types.wrap_float(1)]) })],
    [SECTION.footer, types.wrap_symbolic_map({ checked: types.wrap_byte(1) })],
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

test.each(["ANONYMOUS", "MSSBCBS"])("takes a client that asks for SASL %s", async (mechanism) => {
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
});
