import { describe, expect, test } from "vitest";
import { ServiceError, type Finding } from "../../../src/errors.js";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type {
  PutAnswer,
  PutImageVersion,
} from "../../../src/image-version/commands/put.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import {
  createRequestHandler,
  type RejectedRequest,
  type RequestHandlerDependencies,
} from "../../../src/messaging/request-handler.js";
import type { PostponedRequest } from "../../../src/messaging/postponement.js";
import { eventMistakes } from "../events/document.js";
import { bytesOf, invocation, linesOf } from "./invocation.js";

const SUBJECT =
  "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute/galleries/g/images/i/versions/1.0.0";
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const HOST_TRACEPARENT =
  "00-11111111111111111111111111111111-2222222222222222-01";
const DATA = { location: "westeurope" };
const EVENT = {
  specversion: "1.0",
  id: "build-7",
  source: "urn:build",
  type: "Build.Finished",
  subject: SUBJECT,
  traceparent: TRACEPARENT,
  data: DATA,
};
const OPERATION: OperationRecord = {
  id: "0123456789abcdef0123456789abcdef-1",
  kind: "CreateImageVersion",
  status: "NotStarted",
  resourceId: SUBJECT,
  fingerprint: "f",
  createdTime: "2026-01-01T00:00:00.000Z",
  lastUpdatedTime: "2026-01-01T00:00:00.000Z",
  requestedBy: {},
  traceparent: TRACEPARENT,
  regions: [],
  history: [],
};
const FINDING: Finding = {
  code: "UnknownRegion",
  pointer: "/properties/publishingProfile",
  message: "No such region.",
};

type Rejected = CloudEvent<
  string,
  {
    error: { code: string; errors: Finding[]; errorCount: number };
    original?: unknown;
    originalOmitted?: string;
    messageId?: string;
  }
>;

/** A handler whose ports remember, in order, what they were called with. */
function handlerWith(ports: Partial<RequestHandlerDependencies> = {}): {
  readonly calls: string[];
  readonly commands: PutImageVersion[];
  readonly kept: RejectedRequest[];
  readonly events: Rejected[];
  readonly postponed: PostponedRequest[];
  readonly handle: ReturnType<typeof createRequestHandler>;
} {
  const calls: string[] = [];
  const commands: PutImageVersion[] = [];
  const kept: RejectedRequest[] = [];
  const events: Rejected[] = [];
  const postponed: PostponedRequest[] = [];
  const handler = createRequestHandler({
    putImageVersion(command) {
      commands.push(command);
      return Promise.resolve({
        kind: "accepted",
        operation: {
          ...OPERATION,
          ...(command.event && { request: command.event }),
        },
      });
    },
    validateBody: (value) => ({ value, findings: [] }),
    events: {
      publish(published) {
        calls.push("publish");
        events.push(...(published as Rejected[]));
        return Promise.resolve();
      },
    },
    keepRejected(request) {
      calls.push("keepRejected");
      kept.push(request);
      return Promise.resolve();
    },
    postpone(request) {
      calls.push("postpone");
      postponed.push(request);
      return Promise.resolve();
    },
    maxDeliveryCount: 10,
    eventSource: "urn:sigil:test",
    now: () => new Date("2026-01-01T00:00:00Z"),
    ...ports,
  });
  return {
    calls,
    commands,
    kept,
    events,
    postponed,
    handle: (body, context) =>
      handler(Buffer.isBuffer(body) ? body : bytesOf(body), context),
  };
}

const failing = (
  error: Error,
): Pick<RequestHandlerDependencies, "putImageVersion"> => ({
  putImageVersion: () => Promise.reject(error),
});

const delivery = (deliveryCount = 1): ReturnType<typeof invocation> =>
  invocation(
    { messageId: "m1", contentType: "application/json", deliveryCount },
    HOST_TRACEPARENT,
  );

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
        requestedBy: { name: "urn:build" },
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
  const answering = (
    answer: PutAnswer,
  ): Pick<RequestHandlerDependencies, "putImageVersion"> => ({
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

  test("is answered with the operation that does the same", async () => {
    const { handle, events } = handlerWith(
      answering({ kind: "accepted", operation: OPERATION }),
    );
    await handle(EVENT, delivery().context);
    expect(events).toEqual([
      done({
        operationId: "0123456789abcdef0123456789abcdef-1",
        message: `Operation ${OPERATION.id} does, or has done, what is asked.`,
      }),
    ]);
    expect(events.flatMap(eventMistakes)).toEqual([]);
  });

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
    expect(events).toEqual([
      done({ message: "Azure shows the version as it is asked for." }),
    ]);
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

describe("a refused request", () => {
  test("is kept whole before the event tells of it", async () => {
    const { handle, calls, kept, events } = handlerWith(
      failing(
        new ServiceError("ImageVersionConflict", "It exists otherwise.", {
          findings: [FINDING],
          fields: { existingOperationId: "op-0" },
        }),
      ),
    );
    const { context, logged } = delivery();
    await handle(EVENT, context);
    expect(calls).toEqual(["keepRejected", "publish"]);
    const id = kept[0]?.id;
    expect(id).toMatch(/^[0-9a-f]{32}$/u);
    expect(kept).toEqual([
      {
        id,
        original: {
          bytes: bytesOf(EVENT),
          decoded: false,
          messageId: "m1",
          contentType: "application/json",
          applicationProperties: {},
          deliveryCount: 1,
          sequenceNumber: undefined,
          expiresTime: undefined,
        },
        code: "ImageVersionConflict",
        reason: "It exists otherwise.",
      },
    ]);
    expect(events).toEqual([
      {
        specversion: "1.0",
        id: `rejected/${id}`,
        source: "urn:sigil:test",
        type: "Sigil.ImageVersion.Rejected",
        subject: SUBJECT,
        time: "2026-01-01T00:00:00.000Z",
        datacontenttype: "application/json",
        traceparent: TRACEPARENT,
        data: {
          error: {
            code: "ImageVersionConflict",
            message: "It exists otherwise.",
            errors: [
              { ...FINDING, pointer: "/data/properties/publishingProfile" },
            ],
            errorCount: 1,
          },
          existingOperationId: "op-0",
          request: { source: "urn:build", id: "build-7" },
          messageId: "m1",
          original: EVENT,
        },
      },
    ]);
    expect(linesOf(logged)).toEqual([
      [
        "warning",
        {
          message: "rejected: ImageVersionConflict: It exists otherwise.",
          traceparent: TRACEPARENT,
          resourceId: SUBJECT,
          messageId: "m1",
          code: "ImageVersionConflict",
        },
      ],
    ]);
  });

  test("has the same ids when it is delivered again, and another message has others", async () => {
    const { handle, kept, events } = handlerWith(
      failing(new ServiceError("InvalidRequest", "No.")),
    );
    await handle(EVENT, delivery(1).context);
    await handle(EVENT, delivery(2).context);
    await handle(EVENT, invocation({ messageId: "m2" }).context);
    await handle({ ...EVENT, id: "build-8" }, delivery(1).context);
    expect(kept[1]?.id).toBe(kept[0]?.id);
    expect(events[1]?.id).toBe(events[0]?.id);
    expect(new Set(kept.map(({ id }) => id)).size).toBe(3);
    expect(new Set(events.map(({ id }) => id)).size).toBe(3);
  });

  test("is in the event up to 128 KB and left out beyond, but kept whole", async () => {
    const { handle, kept, events } = handlerWith();
    // "å" has two bytes in UTF-8, and a JSON text two quotation marks.
    const largest = "å".repeat(64 * 1024 - 1);
    await handle(largest, delivery().context);
    expect(events[0]?.data.original).toBe(largest);
    expect(events[0]?.data).not.toHaveProperty("originalOmitted");

    await handle(`${largest}x`, delivery().context);
    expect(events[1]?.data).not.toHaveProperty("original");
    expect(events[1]?.data.originalOmitted).toContain("rejected queue");
    expect(kept[1]?.original.bytes.toString()).toBe(`${largest}x`);
  });

  test.each<[string, Buffer, string]>([
    [
      "JSON that is 6,000 deep",
      Buffer.from("[".repeat(6_000) + "]".repeat(6_000)),
      "nested deeper than 32",
    ],
    [
      "numbers that grow when they are read",
      Buffer.from(`[${Array(52_000).fill("1e20").join(",")}]`),
      "the number is larger than 9007199254740991",
    ],
    ["150 KB of bytes", Buffer.alloc(150_000, 0xff), "not UTF-8"],
    ["261,900 bytes of text", Buffer.from("x".repeat(261_900)), "column 1"],
    [
      "equal names",
      Buffer.from('{"specversion":"1.0","id":"a","id":"b"}'),
      'the name "id" is given twice',
    ],
    ["nothing", Buffer.alloc(0), "The body is empty."],
  ])("of %s is told at once, and kept byte for byte", async (_, bytes, why) => {
    const { handle, kept, events, calls } = handlerWith();
    await handle(bytes, delivery().context);
    expect(calls).toEqual(["keepRejected", "publish"]);
    expect(kept[0]?.original.bytes.equals(bytes)).toBe(true);
    expect(events.flatMap(eventMistakes)).toEqual([]);
    expect(events[0]?.data.error).toMatchObject({
      code: "MalformedJson",
      message: expect.stringContaining(why) as string,
    });
    expect(Buffer.byteLength(JSON.stringify(events))).toBeLessThan(200_000);
  });

  test("whose body cannot be read is named by its attributes in binary mode", async () => {
    const { handle, events } = handlerWith();
    const { context } = invocation({
      applicationProperties: {
        "cloudEvents:specversion": "1.0",
        "cloudEvents:id": "1",
        "cloudEvents:source": "urn:build",
        "cloudEvents:type": "Build.Finished",
        "cloudEvents:subject": SUBJECT,
      },
    });
    await handle("{", context);
    expect(events[0]).toMatchObject({
      subject: SUBJECT,
      data: {
        error: { code: "MalformedJson" },
        request: { source: "urn:build", id: "1" },
      },
    });
  });

  test.each([
    [Buffer.alloc(256 * 1024 + 1, " "), {}, "262144 bytes"],
    [bytesOf(EVENT), { a: "x".repeat(50_000) }, "at most 49152 are taken"],
  ])(
    "that has more bytes than can be sent on is refused at once",
    async (bytes, applicationProperties, message) => {
      const { handle, events, commands } = handlerWith();
      await handle(bytes, invocation({ applicationProperties }).context);
      expect(commands).toEqual([]);
      expect(events[0]?.data.error).toMatchObject({
        code: "PayloadTooLarge",
        message: expect.stringContaining(message) as string,
      });
    },
  );

  test("that is no CloudEvent has no subject, but the host's trace", async () => {
    const { handle, events, commands } = handlerWith();
    await handle(DATA, delivery().context);
    expect(commands).toEqual([]);
    expect(events[0]).not.toHaveProperty("subject");
    expect(events[0]).toMatchObject({
      traceparent: HOST_TRACEPARENT,
      data: {
        error: {
          code: "InvalidRequest",
          message: "1 error was found in the message.",
          errors: [{ code: "NotACloudEvent", pointer: "" }],
        },
        original: DATA,
      },
    });
  });

  test("tells of the subject and the body at once, each with its pointer", async () => {
    const { handle, events } = handlerWith({
      validateBody: (value) => ({ value, findings: [FINDING] }),
    });
    await handle({ ...EVENT, subject: "elsewhere" }, delivery().context);
    expect(events[0]).toMatchObject({
      subject: "elsewhere",
      data: {
        error: {
          message: "2 errors were found in the message.",
          errors: [
            { code: "InvalidResourceId", pointer: "/subject" },
            {
              code: "UnknownRegion",
              pointer: "/data/properties/publishingProfile",
            },
          ],
        },
      },
    });
  });

  test("repeats no subject that is too long for an event, outside of the original", async () => {
    const { handle, events } = handlerWith();
    const message = { ...EVENT, subject: "x".repeat(100_000) };
    await handle(message, delivery().context);
    expect(events[0]).not.toHaveProperty("subject");
    expect(events[0]?.data.original).toEqual(message);
    expect(JSON.stringify(events).length).toBeLessThan(102_000);
  });

  test("in binary mode has pointers into the body itself", async () => {
    const { handle, events } = handlerWith({
      validateBody: (value) => ({ value, findings: [FINDING] }),
    });
    const { context } = invocation({
      applicationProperties: {
        "cloudEvents:specversion": "1.0",
        "cloudEvents:id": "1",
        "cloudEvents:source": "urn:build",
        "cloudEvents:type": "Build.Finished",
        "cloudEvents:subject": "elsewhere",
      },
    });
    await handle(DATA, context);
    expect(events[0]?.data.error.errors).toMatchObject([
      { code: "InvalidResourceId", pointer: "" },
      { code: "UnknownRegion", pointer: "/properties/publishingProfile" },
    ]);
  });

  test("has fifty findings in the event, and their true count", async () => {
    const { handle, events } = handlerWith({
      validateBody: (value) => ({
        value,
        findings: Array.from({ length: 60 }, () => FINDING),
      }),
    });
    await handle(EVENT, delivery().context);
    expect(events[0]?.data.error.errors).toHaveLength(50);
    expect(events[0]?.data.error.errorCount).toBe(60);
  });

  test("that cannot be kept is thrown and not told", async () => {
    const full = new Error("full");
    const { handle, calls } = handlerWith({
      ...failing(new ServiceError("InvalidRequest", "No.")),
      keepRejected: () => Promise.reject(full),
    });
    await expect(handle(EVENT, delivery().context)).rejects.toBe(full);
    expect(calls).toEqual([]);
  });
});

test.each([
  new ServiceError("DependencyUnavailable", "Down.", { retryAfterMs: 0 }),
  new TypeError("a mistake of ours"),
])("%s is thrown, and nothing is rejected", async (error) => {
  const { handle, calls } = handlerWith(failing(error));
  await expect(handle(EVENT, delivery().context)).rejects.toBe(error);
  expect(calls).toEqual([]);
});

test("what fails at every delivery, and should not, is refused at the last with no word of why", async () => {
  const { handle, events, kept } = handlerWith(
    failing(new TypeError("a secret of ours")),
  );
  await handle(EVENT, delivery(10).context);
  expect(kept).toHaveLength(1);
  expect(events[0]?.data).toMatchObject({
    error: { code: "InternalError" },
    request: { source: "urn:build", id: "build-7" },
  });
  expect(JSON.stringify(events)).not.toContain("secret");
});

describe("what could not be taken twice, though it may be later,", () => {
  const down = new ServiceError("DependencyUnavailable", "Down.", {
    retryAfterMs: 5_000,
  });
  const sent = (
    deliveryCount: number,
    applicationProperties: Record<string, unknown> = {},
  ) =>
    invocation({
      messageId: "m1",
      contentType: "application/json",
      deliveryCount,
      applicationProperties,
    }).context;

  test("comes again at once first, then is postponed as it came, and completed", async () => {
    const { handle, postponed } = handlerWith(failing(down));
    for (const count of [1, 2])
      await expect(handle(EVENT, sent(count))).rejects.toBe(down);
    await handle(EVENT, sent(3, { team: "images" }));
    expect(postponed).toEqual([
      {
        id: expect.stringMatching(/^postponed\/[0-9a-f]{64}$/u) as string,
        original: expect.objectContaining({
          bytes: bytesOf(EVENT),
          messageId: "m1",
          contentType: "application/json",
          applicationProperties: { team: "images" },
        }) as unknown,
        properties: { sigilPostponements: 1, sigilMessageId: "m1" },
        enqueueTime: "2026-01-01T00:00:30.000Z",
        timeToLiveMs: undefined,
      },
    ]);
  });

  test("waits twice as long each time, a quarter of an hour at most, and as long as it is asked to", async () => {
    const { handle, postponed } = handlerWith(failing(down));
    const turn = (sigilPostponements: number) => ({
      sigilPostponements,
      sigilMessageId: "first",
    });
    for (const turns of [1, 4, 5, 400, "many"])
      await handle(
        EVENT,
        sent(3, { sigilPostponements: turns, sigilMessageId: "first" }),
      );
    expect(
      postponed.map(({ properties, enqueueTime }) => [properties, enqueueTime]),
    ).toEqual([
      [turn(2), "2026-01-01T00:01:00.000Z"],
      [turn(5), "2026-01-01T00:08:00.000Z"],
      [turn(6), "2026-01-01T00:15:00.000Z"],
      [turn(401), "2026-01-01T00:15:00.000Z"],
      [turn(1), "2026-01-01T00:00:30.000Z"],
    ]);
    const busy = new ServiceError("StateConflict", "Busy.", {
      retryAfterMs: 3_600_000,
    });
    const other = handlerWith(failing(busy));
    await other.handle(EVENT, sent(3));
    expect(other.postponed[0]?.enqueueTime).toBe("2026-01-01T01:00:00.000Z");
  });

  test("has an id of its own for each message and turn, the same for each delivery", async () => {
    const { handle, postponed } = handlerWith(failing(down));
    const send = (
      event: object,
      metadata: Record<string, unknown>,
      deliveryCount = 3,
    ): Promise<void> =>
      handle(event, invocation({ ...metadata, deliveryCount }).context);
    const long = "m".repeat(120);
    const cases: [object, Record<string, unknown>][] = [
      [EVENT, { messageId: `${long}1`, sequenceNumber: 1 }],
      [EVENT, { messageId: `${long}2`, sequenceNumber: 1 }],
      [EVENT, { sequenceNumber: 1 }],
      [EVENT, { sequenceNumber: 2 }],
      [{ ...EVENT, id: "build-8" }, { sequenceNumber: 1 }],
      [{ ...EVENT, source: "urn:other" }, { sequenceNumber: 1 }],
      [{ ...EVENT, data: {} }, { sequenceNumber: 1 }],
      [
        EVENT,
        {
          sequenceNumber: 1,
          applicationProperties: { sigilPostponements: 1 },
        },
      ],
    ];
    for (const [event, metadata] of cases) await send(event, metadata);
    for (const [event, metadata] of cases) await send(event, metadata, 4);
    const ids = postponed.map(({ id }) => id);
    expect(new Set(ids).size).toBe(cases.length);
    expect(ids.slice(cases.length)).toEqual(ids.slice(0, cases.length));
    expect(Math.max(...ids.map((id) => id.length))).toBeLessThanOrEqual(128);
  });

  test("needs no MessageId, and has none when it comes again", async () => {
    const { handle, postponed, events } = handlerWith(failing(down));
    await handle(EVENT, invocation({ deliveryCount: 3 }).context);
    expect(postponed[0]?.properties).toEqual({ sigilPostponements: 1 });
    const again = handlerWith(
      failing(new ServiceError("InvalidRequest", "No.")),
    );
    await again.handle(
      EVENT,
      invocation({
        messageId: postponed[0]?.id,
        applicationProperties: { ...postponed[0]?.properties },
      }).context,
    );
    expect(again.events[0]?.data).not.toHaveProperty("messageId");
    expect(again.kept[0]?.original.applicationProperties).toEqual({});
    expect(events).toEqual([]);
  });

  test("keeps the end of its time to live", async () => {
    const { handle, postponed } = handlerWith(failing(down));
    const expiresAtUtc = "2026-01-01T00:01:30";
    await handle(EVENT, invocation({ deliveryCount: 3, expiresAtUtc }).context);
    expect(postponed[0]).toMatchObject({
      enqueueTime: "2026-01-01T00:00:30.000Z",
      timeToLiveMs: 60_000,
    });
  });

  test("is rejected where its time to live ends before its turn would come", async () => {
    const { handle, postponed, events } = handlerWith(failing(down));
    const expiresAtUtc = "2026-01-01T00:00:30";
    await handle(EVENT, invocation({ deliveryCount: 3, expiresAtUtc }).context);
    expect(postponed).toEqual([]);
    expect(events[0]?.data).toMatchObject({
      error: {
        code: "RequestExpired",
        message: expect.stringContaining(
          "(2026-01-01T00:00:30.000Z). The last reason: DependencyUnavailable: Down.",
        ) as string,
      },
      request: { source: "urn:build", id: "build-7" },
    });
    expect(events.flatMap(eventMistakes)).toEqual([]);
  });

  test("is rejected where it is too large to be sent again", async () => {
    const { handle, events, kept } = handlerWith({
      ...failing(down),
      postpone: () =>
        Promise.reject(new ServiceError("PayloadTooLarge", "Too large.")),
    });
    await handle(EVENT, sent(3));
    expect(kept).toHaveLength(1);
    expect(events[0]?.data.error.code).toBe("PayloadTooLarge");
  });

  test.each(["keepRejected", "events"] as const)(
    "is postponed too where it is refused and %s fails",
    async (port) => {
      const fail = (): Promise<void> => Promise.reject(down);
      const { handle, postponed } = handlerWith({
        ...failing(new ServiceError("InvalidRequest", "No.")),
        ...(port === "events"
          ? { events: { publish: fail } }
          : { keepRejected: fail }),
      });
      await expect(handle("{", sent(2))).rejects.toBe(down);
      await handle("{", sent(3));
      expect(postponed[0]?.original.bytes.toString()).toBe("{");
    },
  );

  test("is thrown where it cannot be sent again", async () => {
    const full = new Error("full");
    const { handle } = handlerWith({
      ...failing(down),
      postpone: () => Promise.reject(full),
    });
    await expect(handle(EVENT, sent(3))).rejects.toBe(full);
  });

  test("is told under the id that its sender gave it when it is refused at last", async () => {
    const { handle, events, kept } = handlerWith(
      failing(new ServiceError("InvalidRequest", "No.")),
    );
    await handle(
      EVENT,
      sent(1, { sigilPostponements: 2, sigilMessageId: "first" }),
    );
    expect(events[0]?.data.messageId).toBe("first");
    expect(kept[0]?.original.messageId).toBe("first");
  });
});

describe("a rejection is told by all that names its message", () => {
  const BINARY = {
    "cloudEvents:specversion": "1.0",
    "cloudEvents:type": "t",
    "cloudEvents:source": "urn:builds",
    "cloudEvents:subject": "no id",
  };
  const told = async (
    ...messages: readonly Readonly<Record<string, unknown>>[]
  ): Promise<readonly [string[], string[]]> => {
    const { handle, events, kept } = handlerWith();
    for (const metadata of messages)
      await handle(
        { nonsense: 1 },
        invocation({
          contentType: "application/json",
          deliveryCount: 1,
          ...metadata,
        }).context,
      );
    return [events.map(({ id }) => id), kept.map(({ id }) => id)];
  };

  test.each([
    [
      "their own names",
      { applicationProperties: { ...BINARY, "cloudEvents:id": "n1" } },
      { applicationProperties: { ...BINARY, "cloudEvents:id": "n2" } },
    ],
    ["their MessageIds", { messageId: "m1" }, { messageId: "m2" }],
    [
      "the broker's numbers",
      { messageId: "m1", sequenceNumber: 1 },
      { messageId: "m1", sequenceNumber: 2 },
    ],
  ])("of two with equal bytes, told apart by %s", async (_, one, other) => {
    for (const ids of await told(one, other)) expect(new Set(ids).size).toBe(2);
  });

  test("but for a MessageId in a property that Sigil would not have set: no longer one is taken", async () => {
    const { handle, kept } = handlerWith();
    for (const length of [128, 129])
      await handle(
        { nonsense: 1 },
        invocation({
          deliveryCount: 1,
          applicationProperties: {
            sigilPostponements: 1,
            sigilMessageId: "m".repeat(length),
          },
        }).context,
      );
    expect(kept.map(({ original }) => original.messageId?.length)).toEqual([
      128,
      undefined,
    ]);
  });

  test("and delivered again it is the same", async () => {
    const message = { messageId: "m1", sequenceNumber: 1 };
    for (const ids of await told(message, { ...message, deliveryCount: 2 }))
      expect(new Set(ids).size).toBe(1);
  });
});
