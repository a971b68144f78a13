/** When a ban of a version holds those that were built from it, and what opens a region. */
import { describe, expect, test } from "vitest";
import { whyHeld } from "../../../src/gate/gate.js";
import { inherited } from "../../../src/revocation/inherited.js";
import { APPROVAL, type TestResult } from "../../../src/test-results/results.js";

const at = (minute: number) => `2026-06-01T09:0${minute}:00.000Z`;
const BAN = { reason: "CVE", revokedBy: {}, revokedTime: at(3) };
const base = (number: string) =>
  `/subscriptions/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/resourceGroups/r/providers/Microsoft.Compute/galleries/g/images/base/versions/${number}`;
const since = (time: string | undefined, holdTime?: string) =>
  inherited({ ...BAN, ...(holdTime !== undefined && { holdTime }) }, { id: base("1.0.0"), time })
    .holdsSince;

describe("a ban of minute 3 holds", () => {
  test.each([
    ["what was built before: not", at(2), undefined, undefined],
    ["what was built in that very millisecond: not", at(3), undefined, undefined],
    ["what was built later, since then", at(4), undefined, at(4)],
    ["what is being asked for, since the ban", undefined, undefined, at(3)],
    ["all, since the hold", at(2), at(5), at(5)],
    ["what was built after the hold, since then", at(6), at(5), at(6)],
    ["what was built between both, since the hold", at(4), at(5), at(5)],
  ])("%s", (_, time, holdTime, expected) => {
    expect(since(time, holdTime)).toBe(expected);
  });
});

describe("a region is opened", () => {
  const approval = (region: string, minute: number) =>
    ({ name: APPROVAL, region, time: at(minute) }) as TestResult;
  const bans = [
    { id: base("1.0.0"), ban: BAN, holdsSince: at(3) },
    { id: base("2.0.0"), ban: BAN, holdsSince: at(5) },
  ];
  const closers = (results: readonly TestResult[]) => whyHeld(bans, results, "westus").length;

  test("by an approval of that region, later than what holds", () => {
    expect(closers([])).toBe(2);
    expect(closers([approval("eastus", 9)])).toBe(2);
    expect(closers([approval("westus", 3)])).toBe(2);
    expect(closers([approval("westus", 4)])).toBe(1);
    expect(closers([approval("westus", 5)])).toBe(1);
    expect(closers([approval("westus", 6), approval("westus", 1)])).toBe(0);
  });

  test("and each that holds is named", () => {
    const [first, second] = whyHeld(bans, [], "westus");
    expect([first, second].map((one) => one?.includes("base 1.0.0"))).toEqual([true, false]);
    expect(second).toContain("base 2.0.0");
  });
});
