import type { ManualClock } from "@sigil-local/clock";
import { beforeEach, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { EventPublisher, WorkQueue } from "../../../src/operation/ports.js";
import type { WorkMessage } from "../../../src/operation/records.js";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
export const CREATIONS = "image-version-creations";
export const REPLICATIONS = "image-version-replications";

/** The two ports, and the other end of what they send. */
export interface Bus {
  readonly clock: ManualClock;
  readonly work: WorkQueue;
  readonly events: EventPublisher;
  /** `operationId/step` of each message that a receiver could have now, which are completed. */
  take(queue: string): Promise<readonly string[]>;
  /** Dead-letters the only message that is queued. */
  deadLetter(queue: string, reason: string): Promise<void>;
  /** Ids of the events that have arrived since the last call. */
  takeEvents(): Promise<readonly string[]>;
}

export function eventOf(id: string, data: unknown = {}): CloudEvent {
  return {
    specversion: "1.0",
    id,
    source: "urn:sigil:test",
    type: "Sigil.ImageVersion.Accepted",
    subject: "/versions/1.0.0",
    time: "2026-01-01T00:00:00.000Z",
    datacontenttype: "application/json",
    traceparent: TRACEPARENT,
    data,
  };
}

export function workOf(
  step: number,
  enqueueTime: number,
  queue: WorkMessage["queue"] = CREATIONS,
): WorkMessage {
  return {
    queue,
    id: `op-1/${step}`,
    operationId: "op-1",
    step,
    traceparent: TRACEPARENT,
    enqueueTime: new Date(enqueueTime).toISOString(),
  };
}

/** What every WorkQueue and every EventPublisher does. */
export function serviceBusSuite(start: () => Promise<Bus>): void {
  let bus: Bus;
  beforeEach(async () => {
    bus = await start();
  });

  test("a message goes to its queue and names its step", async () => {
    const { work, clock } = bus;
    await work.enqueue([]);
    await work.enqueue([workOf(1, clock.now()), workOf(2, clock.now() - 1, REPLICATIONS)]);
    expect(await bus.take(CREATIONS)).toEqual(["op-1/1"]);
    expect(await bus.take(REPLICATIONS)).toEqual(["op-1/2"]);
    expect(await bus.take(CREATIONS)).toEqual([]);
  });

  test("a message of later is there when its time has come, behind those of before", async () => {
    const { work, clock } = bus;
    await work.enqueue([workOf(2, clock.now() + 15_000), workOf(1, clock.now())]);
    clock.advance(14_999);
    expect(await bus.take(CREATIONS)).toEqual(["op-1/1"]);
    clock.advance(1);
    expect(await bus.take(CREATIONS)).toEqual(["op-1/2"]);
  });

  test("a message that is sent again soon is one message, whether or not that is done; much later it is another", async () => {
    const { work, clock } = bus;
    await work.enqueue([workOf(1, clock.now())]);
    await work.enqueue([workOf(1, clock.now())]);
    expect(await bus.take(CREATIONS)).toEqual(["op-1/1"]);
    await work.enqueue([workOf(1, clock.now())]);
    expect(await bus.take(CREATIONS)).toEqual([]);
    clock.advance(86_400_001);
    await work.enqueue([workOf(1, clock.now())]);
    expect(await bus.take(CREATIONS)).toEqual(["op-1/1"]);
  });

  test("findDead tells why each message of the step is dead in either queue, and leaves them there", async () => {
    const { work, clock } = bus;
    for (const [step, queue, reason] of [
      [1, CREATIONS, "first"],
      [2, CREATIONS, "second"],
      [1, REPLICATIONS, "third"],
    ] as const) {
      await work.enqueue([workOf(step, clock.now(), queue)]);
      await bus.deadLetter(queue, reason);
    }
    // Again, by the same: from the first message, not from where it stopped.
    for (let looks = 0; looks < 2; looks += 1)
      expect(await work.findDead("op-1", 1)).toEqual(["first", "third"]);
    expect(await work.findDead("op-1", 2)).toEqual(["second"]);
    expect(await work.findDead("op-1", 3)).toEqual([]);
    expect(await work.findDead("op-2", 1)).toEqual([]);
    expect(await bus.take(CREATIONS)).toEqual([]);
  });

  test("an event that is published again arrives once, in the order of the first time", async () => {
    const { events } = bus;
    await events.publish([eventOf("1"), eventOf("2")]);
    await events.publish([eventOf("2"), eventOf("3")]);
    await events.publish([]);
    expect(await bus.takeEvents()).toEqual(["1", "2", "3"]);
    await events.publish([eventOf("1")]);
    expect(await bus.takeEvents()).toEqual([]);
  });
}
