import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { MessageRecord } from "../src/broker/message.js";
import type { FilterValue } from "../src/filter/value.js";
import type { Operation } from "../src/broker/store.js";
import { decodeLine, encodeLine } from "../src/journal/encoding.js";
import { Journal } from "../src/journal/journal.js";

const FULL: MessageRecord = {
  sequenceNumber: 7,
  enqueuedSequenceNumber: 3,
  enqueuedTimeMs: 1_000,
  bytes: Buffer.from([0, 255, 10, 13]),
  sessionId: "s\u00e9",
  timeToLiveMs: 60_000,
  scheduledEnqueueTimeMs: 2_000,
  deliveryCount: 2,
  deferred: true,
  changedProperties: new Map([["a\n", Buffer.from([0x41])]]),
  deadLetterReason: "r",
  deadLetterErrorDescription: "d\u2028",
};

async function directory(): Promise<string> {
  const created = await mkdtemp(path.join(tmpdir(), "journal-"));
  onTestFinished(() => rm(created, { recursive: true, force: true }));
  return created;
}

test("every operation comes back from its line as it was", () => {
  const operations: Operation[] = [
    {
      kind: "remember",
      entity: "q",
      messageId: "m",
      sequenceNumber: 1,
      untilMs: 5,
    },
    { kind: "put", entity: "q", record: FULL },
    { kind: "put", entity: "t/Subscriptions/s", record: FULL },
    { kind: "remove", entity: "q", sequenceNumber: 2 },
    { kind: "sequence", entity: "t", next: 9 },
    {
      kind: "rules",
      entity: "t/Subscriptions/s",
      rules: {
        configured: [{ name: "$Default", filter: { kind: "true" } }],
        rules: [
          { name: "a", filter: { kind: "sql", expression: "1=1" } },
          {
            name: "b",
            filter: {
              kind: "correlation",
              system: new Map([["label", "l"]]),
              properties: new Map<string, FilterValue>([
                ["N", 2n ** 62n],
                ["d", 3],
                ["yes", true],
                ["text", "3"],
              ]),
            },
          },
        ],
      },
    },
    {
      kind: "lock",
      entity: "q",
      sequenceNumber: 3,
      lock: { token: "t", untilMs: 4 },
    },
    {
      kind: "session-state",
      entity: "q",
      sessionId: "s",
      state: Buffer.from([0, 255]),
    },
    { kind: "session-state", entity: "q", sessionId: "", state: undefined },
    { kind: "change", entity: "q", record: FULL },
  ];
  const line = encodeLine(operations);
  expect(line.indexOf("\n")).toBe(line.length - 1);
  expect(decodeLine(line, () => FULL.bytes)).toEqual(operations);
});

test("bytes that a line repeats are written once", () => {
  const put = (entity: string): Operation => ({
    kind: "put",
    entity,
    record: { ...FULL, bytes: LONG },
  });
  const one = encodeLine([put("a")]).length;
  const two = encodeLine([put("a"), put("b")]).length;
  expect(two - one).toBeLessThan(300);
});
const LONG = Buffer.alloc(10_000, 1);

test("a task waits until what was appended before it is in the file", async () => {
  const where = await directory();
  const journal = new Journal({
    directory: where,
    fsync: true,
    onFailure: (error) => {
      throw error;
    },
  });
  let atOnce = false;
  journal.afterCommit(() => (atOnce = true));
  expect(atOnce).toBe(true);
  journal.append([{ kind: "sequence", entity: "q", next: 5 }]);
  const file = path.join(where, "service-bus.journal");
  expect(readFileSync(file, "utf8")).toBe("");
  journal.append([{ kind: "sequence", entity: "q", next: 6 }]);
  await new Promise<void>((resolve) => journal.afterCommit(resolve));
  expect(readFileSync(file, "utf8")).toBe('[["sequence","q",5]]\n[["sequence","q",6]]\n');
  journal.close();
});

test("once a write has failed nothing is acknowledged any more", async () => {
  const where = await directory();
  const failures: string[] = [];
  const journal = new Journal({
    directory: where,
    onFailure: ({ message }) => failures.push(message),
  });
  journal.start(() => [], []);
  // What makes the compaction that is due fail.
  await mkdir(path.join(where, "service-bus.journal.new"));
  for (let next = 1; next < 11_000; next++)
    journal.append([{ kind: "sequence", entity: "q", next }]);
  await new Promise<void>((resolve) => journal.afterCommit(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(failures).toEqual([expect.stringContaining("EISDIR")]);
  let acknowledged = false;
  journal.append([{ kind: "sequence", entity: "q", next: 1 }]);
  journal.afterCommit(() => (acknowledged = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(acknowledged).toBe(false);
  journal.close();
});
