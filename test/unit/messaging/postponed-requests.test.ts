/** A request that could not be taken twice, though it may be later. */
import { describe, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { eventMistakes } from "../events/document.js";
import { bytesOf, invocation } from "./invocation.js";
import { EVENT, handlerWith, failing } from "./handler.js";

describe("what could not be taken twice, though it may be later,", () => {
  const down = new ServiceError("DependencyUnavailable", "Down.", {
    retryAfterMs: 5_000,
  });
  const sent = (deliveryCount: number, applicationProperties: Record<string, unknown> = {}) =>
    invocation({
      messageId: "m1",
      contentType: "application/json",
      deliveryCount,
      applicationProperties,
    }).context;

  test("comes again at once first, then is postponed as it came, and completed", async () => {
    const { handle, postponed } = handlerWith(failing(down));
    for (const count of [1, 2]) await expect(handle(EVENT, sent(count))).rejects.toBe(down);
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
        enqueueTime: "2026-01-01T00:00:15.000Z",
        timeToLiveMs: undefined,
      },
    ]);
  });

  test("waits half as long again each time, a quarter of an hour at most, and as long as it is asked to", async () => {
    const { handle, postponed } = handlerWith(failing(down));
    const turn = (sigilPostponements: number) => ({
      sigilPostponements,
      sigilMessageId: "first",
    });
    for (const turns of [1, 4, 5, 400, "many"])
      await handle(EVENT, sent(3, { sigilPostponements: turns, sigilMessageId: "first" }));
    expect(postponed.map(({ properties, enqueueTime }) => [properties, enqueueTime])).toEqual([
      [turn(2), "2026-01-01T00:00:22.500Z"],
      [turn(5), "2026-01-01T00:01:15.937Z"],
      [turn(6), "2026-01-01T00:01:53.906Z"],
      [turn(401), "2026-01-01T00:15:00.000Z"],
      [turn(1), "2026-01-01T00:00:15.000Z"],
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
    ): Promise<void> => handle(event, invocation({ ...metadata, deliveryCount }).context);
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
    const again = handlerWith(failing(new ServiceError("InvalidRequest", "No.")));
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
      enqueueTime: "2026-01-01T00:00:15.000Z",
      timeToLiveMs: 75_000,
    });
  });

  test("is rejected where its time to live ends before its turn would come", async () => {
    const { handle, postponed, events } = handlerWith(failing(down));
    const expiresAtUtc = "2026-01-01T00:00:15";
    await handle(EVENT, invocation({ deliveryCount: 3, expiresAtUtc }).context);
    expect(postponed).toEqual([]);
    expect(events[0]?.data).toMatchObject({
      error: {
        code: "RequestExpired",
        message: expect.stringContaining(
          "(2026-01-01T00:00:15.000Z). The last reason: DependencyUnavailable: Down.",
        ) as string,
      },
      request: { source: "urn:build", id: "build-7" },
    });
    expect(events.flatMap(eventMistakes)).toEqual([]);
  });

  test("is rejected where it is too large to be sent again", async () => {
    const { handle, events, kept } = handlerWith({
      ...failing(down),
      postpone: () => Promise.reject(new ServiceError("PayloadTooLarge", "Too large.")),
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
        ...(port === "events" ? { events: { publish: fail } } : { keepRejected: fail }),
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
    await handle(EVENT, sent(1, { sigilPostponements: 2, sigilMessageId: "first" }));
    expect(events[0]?.data.messageId).toBe("first");
    expect(kept[0]?.original.messageId).toBe("first");
  });
});
