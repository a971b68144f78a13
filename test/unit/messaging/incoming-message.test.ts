import { expect, test } from "vitest";
import { incomingMessage } from "../../../src/messaging/incoming-message.js";
import { invocation } from "./invocation.js";

test("a message is its body and what the trigger tells of it", () => {
  const { context } = invocation({
    messageId: "m1",
    contentType: "application/json",
    applicationProperties: { team: "images", retry: 2 },
    deliveryCount: 3,
  });
  expect(incomingMessage({ a: 1 }, context)).toEqual({
    body: { a: 1 },
    messageId: "m1",
    contentType: "application/json",
    applicationProperties: { team: "images", retry: 2 },
    deliveryCount: 3,
  });
});

test("a message without metadata is at its first delivery", () => {
  expect(incomingMessage("text", invocation().context)).toEqual({
    body: "text",
    messageId: undefined,
    contentType: undefined,
    applicationProperties: {},
    deliveryCount: 1,
  });
});

test("a MessageId that the host made a number of is text again", () => {
  const { context } = invocation({ messageId: 42 });
  expect(incomingMessage("", context).messageId).toBe("42");
});

test("metadata that a body has put in place of the broker's is not taken for text or properties", () => {
  const { context } = invocation({
    messageId: { a: 1 },
    contentType: null,
    applicationProperties: "none",
  });
  expect(incomingMessage("", context)).toMatchObject({
    messageId: undefined,
    contentType: undefined,
    applicationProperties: {},
  });
});
