import { expect, test } from "vitest";
import { incomingMessage } from "../../../src/messaging/incoming-message.js";
import { invocation } from "./invocation.js";

test("a message is its bytes and what the trigger tells of it", () => {
  const { context } = invocation({
    messageId: "m1",
    contentType: "application/json",
    applicationProperties: { team: "images", retry: 2 },
    deliveryCount: 3,
    sequenceNumber: 7,
    expiresAtUtc: "2026-01-01T00:00:00.5",
  });
  const body = Buffer.from([0xff, 0x00]);
  expect(incomingMessage(body, context)).toEqual({
    bytes: body,
    decoded: false,
    messageId: "m1",
    contentType: "application/json",
    applicationProperties: { team: "images", retry: 2 },
    deliveryCount: 3,
    sequenceNumber: "7",
    expiresTime: "2026-01-01T00:00:00.500Z",
  });
});

test("a message without metadata is at its first delivery", () => {
  expect(incomingMessage(Buffer.alloc(0), invocation().context)).toEqual({
    bytes: Buffer.alloc(0),
    decoded: false,
    messageId: undefined,
    contentType: undefined,
    applicationProperties: {},
    deliveryCount: 1,
    sequenceNumber: undefined,
    expiresTime: undefined,
  });
});

test.each([
  [42, "42"],
  [{ a: 1 }, '{"a":1}'],
  [true, "true"],
  [null, undefined],
])("a MessageId that the library made %j of is text again", (id, text) => {
  const { context } = invocation({ messageId: id });
  expect(incomingMessage(Buffer.alloc(0), context).messageId).toBe(text);
});

test("a body that the host has decoded is said to be so", () => {
  const { context } = invocation();
  expect(incomingMessage("text", context)).toMatchObject({
    bytes: Buffer.from("text"),
    decoded: true,
  });
  expect(incomingMessage({ a: 1 }, context)).toMatchObject({
    bytes: Buffer.from('{"a":1}'),
    decoded: true,
  });
});

test.each(["9999-12-31T23:59:59.9999999", "soon", 12, undefined])(
  "a time to live that ends at %j never ends",
  (expiresAtUtc) => {
    const { context } = invocation({ expiresAtUtc });
    expect(incomingMessage(Buffer.alloc(0), context).expiresTime).toBeUndefined();
  },
);
