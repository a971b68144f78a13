/** What is shown of the queue of rejected requests, and which of them are sent again. */
import { expect, test } from "vitest";
import {
  listRejectedRequests,
  sendAgain,
  type KeptRequest,
  type RejectedRequests,
} from "../../../src/messaging/rejected-requests.js";
import { TRACEPARENT } from "../../support/dependencies.js";

const EVENT = { id: "build-1", source: "urn:build", type: "t", subject: "s", specversion: "1.0" };
const kept = (id: number, bytes: string | Buffer, originalLength?: number): KeptRequest => ({
  id: String(id),
  enqueuedTime: "2026-06-01T00:00:00Z",
  code: "Forbidden",
  reason: "The queue may not write there.",
  errors: [{ code: "UnknownProperty", pointer: "/data/nam", message: '"nam" is unknown.' }],
  bytes: Buffer.from(bytes),
  applicationProperties: { authorization: "secret" },
  originalLength,
});
const queueOf = (...all: KeptRequest[]): RejectedRequests => ({
  peek: (from, most) => Promise.resolve(all.filter(({ id }) => BigInt(id) >= from).slice(0, most)),
  remove: () => Promise.resolve(true),
});

test("a request is shown whole, as it was, where it is text of 64 KiB at most", async () => {
  const most = "ü".repeat(32 * 1024);
  const hostile = '{"__proto__":{},"id":"<script>\\u0000"}';
  const queue = queueOf(
    kept(1, hostile),
    kept(2, most),
    kept(3, `${most}.`),
    kept(4, "cut", 300_000),
    kept(5, Buffer.from([0xff, 0xfe, 0x00])),
    kept(6, JSON.stringify(EVENT)),
  );
  const { value } = await listRejectedRequests(queue, 10, undefined);
  expect(value.map(({ size, original }) => [size, original])).toEqual([
    [hostile.length, hostile],
    [65_536, most],
    [65_537, undefined],
    [300_000, undefined],
    [3, undefined],
    [JSON.stringify(EVENT).length, JSON.stringify(EVENT)],
  ]);
  expect(value.map(({ request }) => request)).toEqual([
    ...Array.from({ length: 5 }),
    { source: "urn:build", id: "build-1" },
  ]);
  expect(value[0]).toMatchObject({
    id: "1",
    enqueuedTime: "2026-06-01T00:00:00Z",
    rejectionCode: "Forbidden",
    rejectionReason: "The queue may not write there.",
    errors: [{ code: "UnknownProperty" }],
  });
  expect(JSON.stringify(value)).not.toContain("secret");
});

test("a page ends where the next begins, and the last one names none", async () => {
  const queue = queueOf(kept(7, "a"), kept(8, "b"), kept(9, "c"));
  const page = async (top: number, from?: string) => {
    const { value, continuationToken } = await listRejectedRequests(queue, top, from);
    return [value.map(({ original }) => original).join(""), continuationToken];
  };
  expect(await page(2)).toEqual(["ab", "9"]);
  expect(await page(2, "9")).toEqual(["c", undefined]);
  expect(await page(3)).toEqual(["abc", undefined]);
  expect(await page(1, "9223372036854775807")).toEqual(["", undefined]);
});

test.each(["", "0", "01", "x", "-1", "1x", "9223372036854775808"])(
  "%j is the place of no page, and no request",
  async (id) => {
    await expect(listRejectedRequests(queueOf(), 1, id)).rejects.toMatchObject({
      code: "InvalidRequest",
    });
    await expect(again(kept(1, "x"), id)).rejects.toMatchObject({ code: "NotFound" });
  },
);

const again = (one: KeptRequest, id: string) =>
  sendAgain({} as never, queueOf(one), { id, requestedBy: {}, traceparent: TRACEPARENT });

test("one that is gone is not there, and one that was cut is its sender's to send", async () => {
  await expect(again(kept(2, "x"), "1")).rejects.toMatchObject({ code: "NotFound" });
  await expect(again(kept(1, "cut", 300_000), "1")).rejects.toMatchObject({
    code: "PayloadTooLarge",
    message: expect.stringMatching(/\b3 of\b.*\b300000\b/u) as string,
  });
});
