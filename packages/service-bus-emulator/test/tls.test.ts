import { once } from "node:events";
import { connect as connectRaw, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ServiceBusAdministrationClient } from "@azure/service-bus";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import { expect, test } from "vitest";
import { connectPlainly } from "./plain-client.js";
import { connect, receiveOne, start, type Running } from "./support.js";

const ENTITIES = { Queues: [{ Name: "q" }], Topics: [{ Name: "t", Subscriptions: [] }] };
/** A handshake's first byte. */
const BEGUN = Buffer.of(22);

/** An emulator whose certificates this process trusts already. */
async function startWithTls(): Promise<Running> {
  const tls = await createCertificateAuthority(process.env["SIGIL_TEST_CERTIFICATES"] ?? "");
  return start(ENTITIES, { tls });
}

async function begin({ port }: { port: number }): Promise<Socket> {
  const socket = connectRaw(port, "127.0.0.1");
  socket.on("error", () => undefined).resume();
  await once(socket, "connect");
  socket.write(BEGUN);
  return socket;
}

test("plain and TLS, AMQP and HTTP come at one port, and see the same messages", async () => {
  const { emulator, client } = await startWithTls();
  const byTls = connect(emulator.tlsConnectionString);
  await byTls.createSender("q").sendMessages({ body: "a pear" });
  expect((await receiveOne(client.createReceiver("q"))).body).toBe("a pear");
  await client.createSender("q").sendMessages({ body: "x".repeat(200_000) });
  expect((await receiveOne(byTls.createReceiver("q"))).body).toHaveLength(200_000);

  const administration = new ServiceBusAdministrationClient(emulator.tlsConnectionString);
  await administration.createSubscription("t", "mine");
  expect(emulator.counts("t/Subscriptions/mine").active).toBe(0);
});

test("a handshake that is cut, or is none, harms nobody", async () => {
  const { emulator } = await startWithTls();
  const cut = await begin(emulator);
  const wrong = await begin(emulator);
  wrong.write("AMQP");
  await once(wrong, "close");
  cut.destroy();
  await connect(emulator.tlsConnectionString).createSender("q").sendMessages({ body: "a pear" });
  expect(emulator.counts("q").active).toBe(1);
});

test("whoever is connected hears why the emulator stops, and a handshake does not keep it", async () => {
  const { emulator } = await startWithTls();
  const { connection } = await connectPlainly(emulator.port, {
    transport: "tls",
    host: "localhost",
  });
  const heard = once(connection, "connection_error");
  const begun = once(await begin(emulator), "close");
  await emulator.close();
  await Promise.all([heard, begun]);
  expect(connection.error).toMatchObject({ condition: "amqp:connection:forced" });
});

test("without certificates a handshake is answered as no TLS", async () => {
  const { emulator } = await start();
  const socket = connectTls(emulator.port, "localhost");
  await expect(once(socket, "secureConnect")).rejects.toThrow(/wrong version|SSL/u);
});
