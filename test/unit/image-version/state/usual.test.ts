import { describe, expect, test } from "vitest";
import {
  endedBetween,
  isLate,
  usualEnd,
  usualOf,
  withBegun,
  withEnd,
} from "../../../../src/image-version/state/usual.js";
import type { RegionRecord } from "../../../../src/operation/records.js";
import { at, time } from "../../../support/transitions.js";

const begun: RegionRecord = {
  name: "eastus2",
  state: "Unknown",
  progress: 0,
  attempts: 1,
  begunTime: time(0),
  usual: { p50Seconds: 100, p90Seconds: 200, ends: 5 },
};
const one = (region: RegionRecord): RegionRecord =>
  withBegun([region], ["eastus2"], new Map(), at(5).now)[0] ?? expect.fail();

describe("what is usual in a region", () => {
  test("is not known of none, and of one is that", () => {
    expect(usualOf([])).toBeUndefined();
    expect(usualOf([7])).toEqual({ p50Seconds: 7, p90Seconds: 7, ends: 1 });
  });

  test("is what half of the copies did not exceed, and nine of ten, in whichever order they ended", () => {
    expect(usualOf([10, 1, 9, 2, 8, 3, 7, 4, 6, 5])).toEqual({
      p50Seconds: 5,
      p90Seconds: 9,
      ends: 10,
    });
    expect(usualOf([3, 1, 2])).toEqual({
      p50Seconds: 2,
      p90Seconds: 3,
      ends: 3,
    });
  });

  test("is by the last twenty", () => {
    const ends = Array.from({ length: 25 }, (_, i) => i).reduce<readonly number[]>(
      (all, end) => withEnd(all, end),
      [],
    );
    expect(ends).toEqual(Array.from({ length: 20 }, (_, i) => i + 5));
  });
});

describe("a copy", () => {
  test("is measured from its write to the look that shows it done", () => {
    const done = {
      ...begun,
      completedTime: time(90),
      state: "Completed",
    } as const;
    expect(endedBetween([begun], [done])).toEqual([["eastus2", 90]]);
    expect(endedBetween([done], [done])).toEqual([]);
    expect(endedBetween([begun], [begun])).toEqual([]);
  });

  test("that others have asked for is not", () => {
    const { begunTime: _, ...theirs } = begun;
    expect(endedBetween([theirs], [{ ...theirs, completedTime: time(90) }])).toEqual([]);
  });

  test("begins anew with the write that adds it again, by what is known then", () => {
    expect(one(begun)).toEqual({
      name: "eastus2",
      state: "Unknown",
      progress: 0,
      attempts: 1,
      begunTime: time(5),
    });
    expect(withBegun([begun], ["westus"], new Map(), at(5).now)).toEqual([begun]);
  });

  test.each([
    [0, time(100)],
    [99, time(100)],
    [100, time(200)],
    [200, undefined],
  ])("after %i s is expected to end at %s", (seconds, end) => {
    expect(usualEnd(begun, at(seconds).now)).toBe(end);
  });

  test("of which nothing is known, or that is over, is not expected to end", () => {
    const { usual: _, ...unknown } = begun;
    expect(usualEnd(unknown, at(0).now)).toBeUndefined();
    expect(usualEnd({ ...begun, state: "Failed" }, at(0).now)).toBeUndefined();
    expect(isLate(unknown, at(1_000).now)).toBeUndefined();
  });
});
