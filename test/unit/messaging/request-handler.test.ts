/** A request that is accepted, or leads to no operation of its own. */
import { describe, expect, test } from "vitest";
import type { PutAnswer } from "../../../src/image-version/commands/put.js";
import type { RequestHandlerDependencies } from "../../../src/messaging/request-handler.js";
import { eventMistakes } from "../events/document.js";
import { linesOf } from "./invocation.js";
import {
  SUBJECT,
  TRACEPARENT,
  HOST_TRACEPARENT,
  DATA,
  EVENT,
  OPERATION,
  handlerWith,
  delivery,
} from "./handler.js";
import { naming } from "../../support/naming.js";

describe("an accepted request", () => {
  test("becomes the command that a PUT would be, asked for by the event's source", async () => {
    const { handle, commands, calls } = handlerWith();
    const { context, logged } = delivery();
    await handle(EVENT, context);
    expect(commands).toEqual([
      {
        id: {
          subscriptionId: "00000000-0000-0000-0000-000000000000",
          resourceGroupName: "rg",
          galleryName: "g",
          imageName: "i",
          versionName: "1.0.0",
        },
        body: DATA,
        requestedBy: { source: "urn:build" },
        traceparent: TRACEPARENT,
        idempotencyKey: '["urn:build","build-7"]',
        event: { source: "urn:build", id: "build-7" },
      },
    ]);
    expect(calls).toEqual([]);
    expect(linesOf(logged)).toEqual([
      [
        "information",
        {
          message: "accepted",
          traceparent: TRACEPARENT,
          operationId: "0123456789abcdef0123456789abcdef-1",
          resourceId: SUBJECT,
        },
      ],
      [
        "information",
        {
          message: "audit",
          traceparent: TRACEPARENT,
          action: EVENT.type,
          queue: "image-version-requests",
          namedSource: "urn:build",
          resourceId: SUBJECT,
          requestId: "m1",
          outcome: "done",
          operationId: "0123456789abcdef0123456789abcdef-1",
        },
      ],
    ]);
  });

  test("has an idempotency key that source and id cannot be divided otherwise to make", async () => {
    const { handle, commands } = handlerWith();
    await handle({ ...EVENT, source: "a", id: 'b","c' }, delivery().context);
    await handle({ ...EVENT, source: 'a","b', id: "c" }, delivery().context);
    expect(new Set(commands.map((it) => it.idempotencyKey)).size).toBe(2);
  });

  test("is known to be a version that was read, pasted back", async () => {
    const { handle, commands } = handlerWith({
      validateBody: (value) => ({ value, findings: [], pasted: true }),
    });
    await handle(EVENT, delivery().context);
    expect(commands[0]?.pasted).toBe(true);
  });

  test("goes on with the host's trace when the event has none", async () => {
    const { handle, commands } = handlerWith();
    await handle({ ...EVENT, traceparent: undefined }, delivery().context);
    expect(commands[0]?.traceparent).toBe(HOST_TRACEPARENT);
  });
});

describe("a request that led to no operation of its own", () => {
  const answering = (answer: PutAnswer): Pick<RequestHandlerDependencies, "putImageVersion"> => ({
    putImageVersion: () => Promise.resolve(answer),
  });
  const done = (data: object) => ({
    specversion: "1.0",
    id: expect.stringMatching(/^already-done\/[0-9a-f]{32}$/u) as string,
    source: "urn:sigil:test",
    type: "Sigil.ImageVersion.AlreadyDone",
    subject: SUBJECT,
    time: "2026-01-01T00:00:00.000Z",
    datacontenttype: "application/json",
    traceparent: TRACEPARENT,
    data: { ...data, request: { source: "urn:build", id: "build-7" } },
  });
  const UNCHANGED: PutAnswer = { kind: "unchanged", version: {} as never };

  test.each(["NotStarted", "Running", "Succeeded", "Failed", "Canceled"] as const)(
    "is answered with the operation of the same, which is %s",
    async (status) => {
      const { handle, events } = handlerWith(
        answering({ kind: "accepted", operation: { ...OPERATION, status } }),
      );
      await handle(EVENT, delivery().context);
      expect(events).toEqual([
        done({
          operationId: "0123456789abcdef0123456789abcdef-1",
          message: naming([OPERATION.id]),
        }),
      ]);
      expect(events.flatMap(eventMistakes)).toEqual([]);
    },
  );

  test.each([
    { source: "urn:build", id: "build-6" },
    { source: "urn:other", id: "build-7" },
  ])("is told apart from %j", async (request) => {
    const { handle, events } = handlerWith(
      answering({ kind: "accepted", operation: { ...OPERATION, request } }),
    );
    await handle(EVENT, delivery().context);
    expect(events).toHaveLength(1);
  });

  test("is answered though nothing is to be changed", async () => {
    const { handle, events } = handlerWith(answering(UNCHANGED));
    const { context, logged } = delivery();
    await handle(EVENT, context);
    expect(events).toEqual([done({ message: expect.any(String) as string })]);
    expect(events.flatMap(eventMistakes)).toEqual([]);
    expect(linesOf(logged)).toEqual([
      [
        "information",
        {
          message: "unchanged",
          traceparent: TRACEPARENT,
          resourceId: SUBJECT,
        },
      ],
      [
        "information",
        {
          message: "audit",
          traceparent: TRACEPARENT,
          action: EVENT.type,
          queue: "image-version-requests",
          namedSource: "urn:build",
          resourceId: SUBJECT,
          requestId: "m1",
          outcome: "done",
        },
      ],
    ]);
  });

  test("is told under one id, however often it is delivered", async () => {
    const { handle, events } = handlerWith(answering(UNCHANGED));
    await handle(EVENT, delivery(1).context);
    await handle(EVENT, delivery(2).context);
    await handle({ ...EVENT, id: "build-8" }, delivery(1).context);
    expect(events[1]?.id).toBe(events[0]?.id);
    expect(events[2]?.id).not.toBe(events[0]?.id);
  });
});
