import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { text } from "node:stream/consumers";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import { expect, onTestFinished, test } from "vitest";
import { ManualClock } from "@sigil-local/clock";
import { connect, MINUTE_MS, start } from "./support.js";

/** Time that goes on while nothing runs, until what is due does. */
class FreezingClock extends ManualClock {
  #frozenMs = 0;

  override now(): number {
    return super.now() + this.#frozenMs;
  }

  override at(atMs: number, task: () => void): () => void {
    return super.at(atMs - this.#frozenMs, task);
  }

  freeze(ms: number): void {
    this.#frozenMs += ms;
  }
}

/** A connection, and what was answered on it until it ended. */
async function connectPlainly(port: number) {
  const socket = connectSocket(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  const answer = text(socket).catch(() => ""); // Reset before anything was answered.
  await once(socket, "connect");
  return { socket, answer };
}

test.each([
  ["plain", "connectionString"],
  ["by TLS", "tlsConnectionString"],
] as const)(
  "a receiver, %s, goes on after the emulator has stood still, and what others had begun meanwhile is ended",
  async (_, address) => {
    const clock = new FreezingClock();
    const lines: string[] = [];
    const tls = await createCertificateAuthority(process.env["SIGIL_TEST_CERTIFICATES"] ?? "");
    const { emulator } = await start(undefined, {
      clock,
      tls,
      log: (line) => lines.push(line),
    });
    const client = connect(emulator[address]);
    const bodies: unknown[] = [];
    client.createReceiver("q").subscribe({
      processMessage: (message) => {
        bodies.push(message.body);
        return Promise.resolve();
      },
      processError: () => Promise.resolve(), // The connection ends: that is the point.
    });
    await client.createSender("q").sendMessages({ body: "before" });
    await expect.poll(() => bodies).toEqual(["before"]);
    await expect.poll(() => emulator.counts("q").active).toBe(0);
    const before = await connectPlainly(emulator.port);

    clock.freeze(180_000);
    // A try of meanwhile, with the header that a client begins with.
    const meanwhile = await connectPlainly(emulator.port);
    meanwhile.socket.write("AMQP\u0003\u0001\u0000\u0000");
    expect(await meanwhile.answer).toBe("");
    clock.advance(MINUTE_MS);

    expect(await before.answer).toBe("");
    // Receivers are served in turn: one of two messages would go to the connection that has ended.
    for (const body of ["after", "again"]) {
      await client.createSender("q").sendMessages({ body });
      await expect.poll(() => bodies.at(-1)).toBe(body);
    }
    expect(bodies).toEqual(["before", "after", "again"]);
    expect(lines).toEqual([expect.stringMatching(/^The process was suspended/u)]);
  },
);

test("time that goes on as it should disconnects nobody", async () => {
  const { client, clock, emulator } = await start();
  const { socket } = await connectPlainly(emulator.port);

  clock.advance(86_400_000);

  // Later than the immediate in which a disconnection would come.
  await client.createSender("q").sendMessages({ body: "x" });
  expect(socket.destroyed).toBe(false);
  expect(socket.readyState).toBe("open");
});
