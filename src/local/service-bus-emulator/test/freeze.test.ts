import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { Clock } from "@sigil-local/clock";
import { start } from "./support.js";

/** Time that goes on while nothing runs, and then everything that was due. */
class FreezingClock implements Clock {
  #nowMs = Date.UTC(2026, 0, 1);
  readonly #tasks = new Set<{ atMs: number; task: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  at(atMs: number, task: () => void): () => void {
    const entry = { atMs, task };
    this.#tasks.add(entry);
    return () => void this.#tasks.delete(entry);
  }

  freeze(ms: number): void {
    this.#nowMs += ms;
    for (const entry of [...this.#tasks])
      if (entry.atMs <= this.#nowMs && this.#tasks.delete(entry)) entry.task();
  }
}

test("a receiver goes on after the emulator has stood still, and what others had begun meanwhile is ended", async () => {
  const clock = new FreezingClock();
  const lines: string[] = [];
  const { client, emulator } = await start(undefined, {
    clock,
    log: (line) => lines.push(line),
  });
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
  const abandoned = connectSocket(emulator.port, "127.0.0.1");
  onTestFinished(() => void abandoned.destroy());
  await once(abandoned, "connect");

  clock.freeze(180_000);

  abandoned.resume();
  await once(abandoned, "close");
  await client.createSender("q").sendMessages({ body: "after" });
  await expect
    .poll(() => bodies, { timeout: 20_000 })
    .toEqual(["before", "after"]);
  expect(lines).toEqual([expect.stringMatching(/^Stood still/u)]);
});

test("time that goes on as it should disconnects nobody", async () => {
  const { client, clock, emulator } = await start();
  const socket = connectSocket(emulator.port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");

  clock.advance(86_400_000);

  // Later than the immediate in which a disconnection would come.
  await client.createSender("q").sendMessages({ body: "x" });
  expect(socket.destroyed).toBe(false);
  expect(socket.readyState).toBe("open");
});
