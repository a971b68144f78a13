import { describe, expect, it } from "vitest";
import type { ImageVersionPair } from "../../../../src/image-version/state/record.js";
import {
  applied,
  at,
  beside as asking,
  changeOf,
  replicating,
  succeeded,
  time,
  withRecord,
} from "../../../support/transitions.js";
import { follow } from "../../../support/decisions.js";
import { naming } from "../../../support/naming.js";

const WAIT = { kind: "wait", why: "ARM works on it." } as const;
const NONE = { kind: "none" } as const;
const inRegions = (
  more: Partial<ImageVersionPair["record"]["regions"][number]>,
): ImageVersionPair => {
  const pair = applied();
  const regions = pair.record.regions.map((one) => ({ ...one, ...more }));
  return withRecord(pair, { regions });
};
const waitOf = (pair: ImageVersionPair, decision: typeof WAIT | typeof NONE) =>
  follow(pair, decision, at(20)).operation.waitReason;

describe("what is waited for is said", () => {
  it.each([
    ["Unknown", ["westus", "eastus2"]],
    ["Replicating", ["westus", "eastus2"]],
    ["Failed", ["westus", "eastus2"]],
    ["Completed", ["Azure"]],
  ] as const)("where the regions are %s", (state, reason) => {
    expect(waitOf(inRegions({ state }), NONE)).toEqual(naming(reason));
  });

  it("where something stands in the way of the next write", () => {
    expect(waitOf(applied(), WAIT)).toBe(WAIT.why);
  });
});

it("a request stays Accepted until it is sent", () => {
  const stateOf = (sent?: true) => {
    const request = changeOf({ "/tags/a": "1" }, sent && { sent });
    const pair = asking(succeeded(), request, {}, at(1_000));
    return follow(pair, WAIT, at(1_001)).record.state;
  };
  expect(stateOf()).toBe("Accepted");
  expect(stateOf(true)).toBe("Replicating");
});

it("an operation does not wait in vain while Azure copies, and nothing is to be sent", () => {
  const isWaiting = (pair: ImageVersionPair, decision: typeof WAIT | typeof NONE = NONE) =>
    follow(pair, decision, at(20)).operation.waitingSince !== undefined;
  expect(isWaiting(inRegions({ state: "Replicating" }))).toBe(false);
  expect(isWaiting(inRegions({ state: "Completed" }))).toBe(true);
  expect(isWaiting(inRegions({ state: "Unknown", stalledTime: time(1) }))).toBe(true);
  expect(isWaiting(replicating(), WAIT)).toBe(true);
});

it("the next look comes as soon as a repair is due, or a setback can be confirmed", () => {
  const dueOf = (pair: ImageVersionPair) => follow(pair, NONE, at(20)).record.dueTime;
  expect(dueOf(inRegions({ nextAttemptTime: time(25) }))).toBe(time(25));
  const setback = { state: "Failed", since: time(-215) } as const;
  expect(dueOf(inRegions({ unconfirmed: setback }))).toBe(time(25));
  const unconfirmed = { shows: "x", since: time(-215) };
  expect(dueOf(withRecord(applied(), { unconfirmed }))).toBe(time(25));
});

it("what a poll has shown is kept, and when the regions are usually done is told", () => {
  const usual = { p50Seconds: 600, p90Seconds: 900, ends: 9 };
  const pair = inRegions({ begunTime: time(2), usual });
  const { pacing, regions } = follow(pair, NONE, at(20)).record;
  expect(pacing).toMatchObject({
    polledTime: time(20),
    seen: {
      westus: [
        [expect.any(Number), 10],
        [expect.any(Number), 10],
      ],
    },
  });
  expect(regions.map((one) => one.expectedEndTime)).toEqual([time(602), time(602)]);
});
