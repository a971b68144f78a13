/** How soon the end of a region and of a version is known, and by how many polls (docs/explanation/performance.md). */
import { describe, expect, test } from "vitest";
import { crowd } from "../../../support/shared-reads-limit.js";
import { measure, SHAPES, type Shape } from "../../../support/paced-replication.js";

const RUNS = 25;
/** Enough for the one region in a thousand that is known late. */
const RUNS_FOR_TAILS = 400;
const REGIONS = [1, 10, 30];
const shapes = Object.keys(SHAPES) as Shape[];

describe.each(REGIONS)("%i regions of 45 minutes", (regions) => {
  test.each(shapes)("%s", (shape) => {
    const { mostPolls, region, version } = measure({ shape, regions, minutes: 45 }, RUNS);
    expect(mostPolls).toBeLessThanOrEqual(50);
    if (shape.startsWith("linear")) {
      expect(mostPolls).toBeLessThanOrEqual(30);
      expect(region).toBeLessThanOrEqual(10);
    }
    if (shape === "stuck at 95 %" || shape === "unknown") expect(region).toBeLessThanOrEqual(35);
    // az polls each 30 seconds: 15 in the mean.
    else expect(version).toBeLessThanOrEqual(15);
  });
});

test.each(shapes)("no region of ten is known late: %s", (shape) => {
  const { mostPolls, late } = measure({ shape, regions: 10, minutes: 45 }, RUNS_FOR_TAILS);
  expect(mostPolls).toBeLessThanOrEqual(50);
  expect(late.p99).toBeLessThanOrEqual(120);
  expect(late.worst).toBeLessThanOrEqual(180);
});

describe.each(REGIONS)("%i regions of six hours", (regions) => {
  test.each(shapes)("%s", (shape) => {
    const { mostPolls, mostIn45Minutes, version } = measure({ shape, regions, minutes: 360 }, RUNS);
    expect(mostPolls).toBeLessThanOrEqual(120);
    expect(mostIn45Minutes).toBeLessThanOrEqual(50);
    if (shape.startsWith("linear") || shape === "wandering")
      expect(version).toBeLessThanOrEqual(15);
  });
});

test("30 regions that end one after the other, each as long after the one before, share polls", () => {
  const { mostPolls, region, version } = measure(
    { shape: "linear", regions: 30, minutes: 45, ends: "even" },
    RUNS,
  );
  expect(mostPolls).toBeLessThanOrEqual(30);
  expect(region).toBeLessThanOrEqual(15);
  expect(version).toBeLessThanOrEqual(15);
});

test.each([
  [200, 100],
  [300, 130],
])(
  "of %i versions that replicate at once in a subscription, 99 in 100 regions are known within %i seconds, and Azure refuses nothing",
  async (versions, seconds) => {
    const { p99, refused } = await crowd({ versions, shape: "linear" });
    expect(p99).toBeLessThanOrEqual(seconds);
    expect(refused).toBe(0);
  },
);
