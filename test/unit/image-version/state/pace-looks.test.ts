/**
 * When versions are polled, to the second: what the head of pace.ts says, played. Whoever tunes it sees here what that changes;
 * that it is soon enough, and seldom enough, is in pace-goals.test.ts.
 */
import { expect, test } from "vitest";
import { pollsOf } from "../../../support/paced-replication.js";

type Shape = (seconds: number, end: number) => number;

const evenly: Shape = (seconds, end) => (seconds * 100) / end;
const slowing: Shape = (seconds, end) =>
  seconds < end / 2 ? (seconds * 140) / end : 70 + ((seconds - end / 2) * 60) / end;
const hastening: Shape = (seconds, end) =>
  seconds < end / 2 ? (seconds * 60) / end : 30 + ((seconds - end / 2) * 140) / end;
const inWaves: Shape = (seconds, end) => (seconds * 100) / end + 4 * Math.sin((seconds / end) * 40);
const stuckAt95: Shape = (seconds, end) => Math.min(95, (seconds * 95) / (end * 0.6));

/** The polls of a version whose regions replicate in these ways, each until its end; in whole seconds. */
function looks(...regions: readonly (readonly [Shape, number])[]): number[] {
  const polls = pollsOf((seconds) =>
    regions.map(([shape, end], i) => ({
      name: `region${i}`,
      state: seconds >= end ? "Completed" : "Replicating",
      progress: Math.max(0, Math.min(99, Math.floor(shape(seconds, end)))),
      attempts: 1,
    })),
  );
  return polls.map((seconds) => Math.round(seconds));
}

test("an even region is polled soon, then as polls come back, then nearer to its end by halves", () => {
  expect(looks([evenly, 2_700])).toEqual([
    15, 45, 105, 375, 645, 915, 1185, 1455, 1725, 1995, 2265, 2479, 2586, 2639, 2666, 2680, 2707,
  ]);
});

test("a region that slows down is polled on, each minute at most, until it is done", () => {
  expect(looks([slowing, 600])).toEqual([15, 45, 212, 317, 375, 419, 490, 533, 556, 570, 630]);
});

test("two regions whose ends are near have each its polls before its end", () => {
  expect(looks([hastening, 2_600], [evenly, 2_700])).toEqual([
    15, 45, 105, 165, 435, 705, 975, 1245, 1515, 1665, 1815, 1965, 2115, 2265, 2405, 2477, 2516,
    2541, 2562, 2582, 2596, 2624, 2661, 2704,
  ]);
});

test("twenty regions that end one after the other share polls, and the last one has short steps", () => {
  const ends = [
    1_200, 1_230, 1_260, 1_300, 1_350, 1_400, 1_450, 1_500, 1_560, 1_600, 1_700, 1_800, 1_900,
    2_000, 2_100, 2_200, 2_300, 2_400, 2_500, 2_600,
  ];
  expect(looks(...ends.map((end) => [slowing, end] as const))).toEqual([
    15, 45, 105, 431, 865, 960, 1095, 1167, 1188, 1202, 1222, 1243, 1270, 1293, 1353, 1413, 1473,
    1533, 1593, 1653, 1713, 1773, 1833, 1893, 1953, 2013, 2073, 2133, 2193, 2253, 2313, 2373, 2433,
    2482, 2507, 2532, 2557, 2582, 2602,
  ]);
});

test("two hours in waves beside an even region: what is kept is used at the last end", () => {
  expect(looks([evenly, 6_000], [inWaves, 7_200])).toEqual([
    15, 45, 105, 165, 225, 495, 645, 705, 765, 825, 885, 1155, 1305, 1455, 1605, 1755, 1815, 1875,
    1935, 1995, 2055, 2325, 2475, 2625, 2775, 2835, 2895, 2955, 3225, 3495, 4035, 4575, 5115, 5655,
    5950, 6220, 6497, 6729, 6845, 6905, 6960, 7020, 7080, 7140, 7200, 7255,
  ]);
});

test("a region that is stuck is polled as often as polls come back, and the end of the one beside it is not missed", () => {
  expect(looks([evenly, 6_000], [stuckAt95, 7_200])).toEqual([
    15, 45, 105, 165, 225, 495, 765, 1035, 1305, 1575, 1845, 2115, 2385, 2655, 2925, 3195, 3465,
    3735, 4005, 4252, 4387, 4455, 4532, 4652, 4745, 4805, 5075, 5345, 5615, 5794, 5854, 6124, 6394,
    6664, 6934, 7204,
  ]);
});
