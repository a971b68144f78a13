import { expect, test } from "vitest";
import { ConnectionError, UnavailableError } from "@sigil/client";
import { retryDelayMs } from "../../../src/page/src/retry.js";

test("after a failure it is read later each time, and no sooner than the answer says", () => {
  const lost = new ConnectionError("lost");
  expect([0, 1, 2, 3, 4, 99].map((n) => retryDelayMs(lost, n))).toEqual([
    3_000, 6_000, 12_000, 24_000, 30_000, 30_000,
  ]);
  const answered = (retryAfter: string): UnavailableError =>
    new UnavailableError(429, {}, new Headers({ "Retry-After": retryAfter }));
  expect(retryDelayMs(answered("60"), 0)).toBe(60_000);
  expect(retryDelayMs(answered("1"), 2)).toBe(12_000);
  // What no service means is not obeyed.
  expect(retryDelayMs(answered("86400"), 0)).toBe(300_000);
  expect(retryDelayMs(answered("-5"), 0)).toBe(3_000);
  expect(retryDelayMs(answered("soon"), 0)).toBe(3_000);
});
