/** A request that is refused: what is told of it, and what is kept. */
import { describe, expect, test } from "vitest";
import { ServiceError, type Finding } from "../../../src/errors.js";
import { eventMistakes } from "../events/document.js";
import { bytesOf, invocation, linesOf } from "./invocation.js";
import {
  SUBJECT,
  TRACEPARENT,
  HOST_TRACEPARENT,
  DATA,
  EVENT,
  handlerWith,
  failing,
  delivery,
} from "./handler.js";
import { naming } from "../../support/naming.js";

const FINDING: Finding = {
  code: "UnknownRegion",
  pointer: "/properties/publishingProfile",
  message: "No such region.",
};

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
        errors: [{ ...FINDING, pointer: "/data/properties/publishingProfile" }],
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
            errors: [{ ...FINDING, pointer: "/data/properties/publishingProfile" }],
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
      [
        "warning",
        {
          message: "audit",
          traceparent: TRACEPARENT,
          action: EVENT.type,
          queue: "image-version-requests",
          namedSource: "urn:build",
          resourceId: SUBJECT,
          requestId: "m1",
          outcome: "refused",
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
      "9007199254740991",
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
    [bytesOf(EVENT), { a: "x".repeat(50_000) }, "at most 49152 are allowed"],
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
          message: naming(["1"]),
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
          message: naming(["2"]),
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
  const { handle, events, kept } = handlerWith(failing(new TypeError("a secret of ours")));
  await handle(EVENT, delivery(10).context);
  expect(kept).toHaveLength(1);
  expect(events[0]?.data).toMatchObject({
    error: { code: "InternalError" },
    request: { source: "urn:build", id: "build-7" },
  });
  expect(JSON.stringify(events)).not.toContain("secret");
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
    expect(kept.map(({ original }) => original.messageId?.length)).toEqual([128, undefined]);
  });

  test("and delivered again it is the same", async () => {
    const message = { messageId: "m1", sequenceNumber: 1 };
    for (const ids of await told(message, { ...message, deliveryCount: 2 }))
      expect(new Set(ids).size).toBe(1);
  });
});
