import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { cutEvent } from "../../../src/events/cut-event.js";
import { eventMistakes, messagesOf } from "./document.js";

const EVENT: CloudEvent = {
  specversion: "1.0",
  id: "op-1/failed",
  source: "urn:sigil:test",
  type: "Sigil.ImageVersion.Failed",
  subject: "/versions/1.0.0",
  time: "2026-01-01T00:00:00.000Z",
  datacontenttype: "application/json",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  data: {},
};

const within =
  (most: number) =>
  (event: CloudEvent): boolean =>
    Buffer.byteLength(JSON.stringify(event)) <= most;

describe("an event that is cut", () => {
  test("loses another's JSON first, and nothing of its own", () => {
    const data = { error: { code: "No" }, regions: ["a", "b"] };
    expect(cutEvent({ ...EVENT, data: { ...data, original: "x" } }, () => true)).toEqual({
      ...EVENT,
      truncated: true,
      data: {
        ...data,
        originalOmitted: expect.any(String) as string,
      },
    });
  });

  test("has the first items of its lists and the beginnings of its texts", () => {
    const data = {
      message: "x".repeat(3_000),
      errors: Array.from({ length: 120 }, (_, i) => ({ pointer: `/${i}` })),
      errorCount: 120,
    };
    const cut = cutEvent({ ...EVENT, data }, within(5_500));
    expect(cut?.data).toEqual({
      message: `${"x".repeat(2_000)}…`,
      errors: data.errors.slice(0, 100),
      errorCount: 120,
    });
  });

  test("is what the document says still, if all that is long in it is lists and texts", () => {
    for (const [, { examples }] of messagesOf("imageVersionEvents"))
      for (const { payload } of examples) {
        const cut = cutEvent(payload as CloudEvent, () => true);
        expect(eventMistakes(cut as CloudEvent)).toEqual([]);
      }
  });

  test("fits, whatever it says, and says that it is cut", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ maxLength: 20 }), fc.jsonValue()),
        fc.nat(100_000),
        (data, length) => {
          const cut = cutEvent(
            { ...EVENT, data: { ...data, long: "x".repeat(length) } },
            within(16_000),
          );
          expect(cut).toMatchObject({ id: EVENT.id, truncated: true });
        },
      ),
    );
  });

  test("has at the last what is neither list nor object", () => {
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`name${i}`, i]));
    const data = { operationId: "op-1", wide };
    expect(cutEvent({ ...EVENT, data }, within(5_000))?.data).toEqual({
      operationId: "op-1",
    });
    expect(cutEvent({ ...EVENT, data }, () => false)).toBeUndefined();
  });
});
