import { beforeEach, describe, expect, it } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { createRateLimiter } from "../../../src/authorization/rate-limit.js";
import { ManualClock } from "@sigil-local/clock";

const PIPELINE = { appId: "app-1", objectId: "object-1", roles: [] };

let clock: ManualClock;
beforeEach(() => (clock = new ManualClock()));
const limiter = (callsPerMinute: number) =>
  createRateLimiter({ callsPerMinute, now: () => new Date(clock.now()) });

/** Undefined for a call that is let through, else after how many milliseconds to try again. */
function refusal(take: () => void): number | undefined {
  try {
    take();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ServiceError);
    expect((error as ServiceError).code).toBe("TooManyRequests");
    return (error as ServiceError).retryAfterMs;
  }
}

describe("a rate limiter", () => {
  it("lets a minute's calls through at once, and the next when one has filled in again", () => {
    const calls = limiter(60);
    for (let i = 0; i < 60; i++) expect(refusal(() => calls.take(PIPELINE))).toBeUndefined();
    expect(refusal(() => calls.take(PIPELINE))).toBe(1_000);
    clock.advance(400);
    expect(refusal(() => calls.take(PIPELINE))).toBe(600);
    clock.advance(600);
    expect(refusal(() => calls.take(PIPELINE))).toBeUndefined();
    expect(refusal(() => calls.take(PIPELINE))).toBe(1_000);
  });

  it("takes nothing for a call that it refuses (invariant 2)", () => {
    const calls = limiter(1);
    calls.take(PIPELINE);
    for (let i = 0; i < 5; i++) expect(refusal(() => calls.take(PIPELINE))).toBe(60_000);
    clock.advance(60_000);
    expect(refusal(() => calls.take(PIPELINE))).toBeUndefined();
  });

  it("saves up no more than a minute's calls", () => {
    const calls = limiter(2);
    calls.take(PIPELINE);
    clock.advance(3_600_000);
    expect([1, 2, 3].map(() => refusal(() => calls.take(PIPELINE)))).toEqual([
      undefined,
      undefined,
      30_000,
    ]);
  });

  it("counts each caller alone (invariant 1)", () => {
    const calls = limiter(1);
    calls.take(PIPELINE);
    for (const other of [
      { ...PIPELINE, appId: "app-2" },
      { ...PIPELINE, objectId: "object-2" },
      { appId: "app-1", roles: [] },
    ])
      expect(refusal(() => calls.take(other))).toBeUndefined();
    expect(refusal(() => calls.take({ ...PIPELINE, roles: ["other"] }))).toBe(60_000);
  });

  it("remembers ten thousand callers, and forgets the one that was quiet longest (invariant 4)", () => {
    const calls = limiter(2);
    const caller = (i: number) => ({ appId: String(i), roles: [] });
    for (let i = 0; i < 10_000; i++) calls.take(caller(i));
    calls.take(caller(0));
    calls.take(caller(10_000)); // Caller 1 is forgotten, not caller 0.
    expect(refusal(() => calls.take(caller(0)))).toBe(30_000);
    calls.take(caller(1));
    expect(refusal(() => calls.take(caller(1)))).toBeUndefined();
  });

  it("of 0 lets everything through", () => {
    const calls = limiter(0);
    for (let i = 0; i < 1_000; i++) calls.take(PIPELINE);
  });

  it("is not moved by a clock that goes back", () => {
    const calls = limiter(60);
    for (let i = 0; i < 60; i++) calls.take(PIPELINE);
    const past = createRateLimiter({
      callsPerMinute: 1,
      now: (
        (times) => () =>
          new Date(times.shift() ?? 0)
      )([60_000, 0]),
    });
    past.take(PIPELINE);
    expect(refusal(() => past.take(PIPELINE))).toBe(60_000);
  });

  it("reports refused calls as a count, at the first of them and at the first call a minute later (invariant 6)", () => {
    const calls = limiter(1);
    const reported: unknown[] = [];
    const call = (caller: Parameters<typeof calls.take>[0]) =>
      refusal(() => calls.take(caller, (refused) => reported.push(refused)));
    const by = { address: "203.0.113.7" };
    for (let i = 0; i < 4; i++) call(by);
    expect(reported.splice(0)).toEqual([{ by, calls: 1 }]);
    clock.advance(60_000);
    expect(call(by)).toBeUndefined();
    expect(reported.splice(0)).toEqual([{ by, calls: 2 }]);
    clock.advance(60_000);
    expect(call(by)).toBeUndefined();
    expect(reported).toEqual([]);
  });

  it("reports what was refused to a caller before it forgets that caller, and remembers no more than before (invariants 5, 6)", () => {
    const calls = limiter(1);
    const reported: unknown[] = [];
    const take = (caller: Parameters<typeof calls.take>[0]) =>
      refusal(() => calls.take(caller, (refused) => reported.push(refused)));
    const { appId, objectId } = PIPELINE;
    for (let i = 0; i < 3; i++) take(PIPELINE);
    expect(reported.splice(0)).toEqual([{ by: { appId, objectId }, calls: 1 }]);
    for (let i = 1; i <= 9_999; i++) take({ address: String(i) });
    expect(reported).toEqual([]);
    take({ address: "10000" });
    expect(reported).toEqual([{ by: { appId, objectId }, calls: 1 }]);
  });
});
