import { describe, expect, test } from "vitest";
import { withCalls } from "../../../src/operation/audit.js";
import type { ArmCall } from "../../../src/operation/records.js";
import { nth, replicating, time } from "../../support/transitions.js";

const call = (method: string, i: number): ArmCall => ({
  time: time(i),
  method,
  path: `/${method}/${i}`,
  status: 200,
});
const calls = (method: string, count: number, from = 0): ArmCall[] =>
  Array.from({ length: count }, (_, i) => call(method, from + i));

/** The operation after so many calls, those of each step together. */
function after(...steps: readonly (readonly ArmCall[])[]) {
  return steps.reduce(withCalls, replicating()).operation;
}

test("calls are written down for each operation that they were made for", () => {
  const pair = replicating();
  const member = { ...pair.operation, id: nth(2) };
  const both = { ...pair, record: { ...pair.record, members: [member] } };
  const { record, operation, changedOperations } = withCalls(both, calls("GET", 2));
  for (const one of [operation, record.members[0], changedOperations?.[0]])
    expect(one?.calls).toEqual(calls("GET", 2));
  expect(changedOperations).toMatchObject([{ id: member.id }]);
});

test("no calls change nothing", () => {
  const pair = replicating();
  expect(withCalls(pair, [])).toBe(pair);
});

describe("of more than 200 calls", () => {
  test("the oldest reads go first, and are counted", () => {
    const {
      calls: kept,
      omittedReads,
      omittedWrites,
    } = after([...calls("PUT", 1), ...calls("GET", 150)], calls("GET", 60, 150));
    expect(kept).toHaveLength(200);
    expect(kept?.[0]).toEqual(call("PUT", 0));
    expect(kept?.[1]).toEqual(call("GET", 11));
    expect(omittedReads).toBe(11);
    expect(omittedWrites).toBeUndefined();
  });

  test("then writes, but the first twenty and the latest", () => {
    const { calls: kept, omittedReads, omittedWrites } = after(calls("GET", 10), calls("PUT", 230));
    expect(kept).toHaveLength(200);
    expect(kept?.slice(0, 21).map(({ path }) => path)).toEqual([
      ...Array.from({ length: 20 }, (_, i) => `/PUT/${i}`),
      "/PUT/50",
    ]);
    expect(kept?.at(-1)).toEqual(call("PUT", 229));
    expect([omittedReads, omittedWrites]).toEqual([10, 30]);
  });

  test("those that are gone are counted step by step", () => {
    const operation = after(...Array.from({ length: 30 }, (_, i) => calls("GET", 10, i * 10)));
    expect(operation.calls).toHaveLength(200);
    expect(operation.omittedReads).toBe(100);
  });

  test("exactly 200 are all kept", () => {
    const operation = after(calls("GET", 200));
    expect(operation.calls).toHaveLength(200);
    expect(operation).not.toHaveProperty("omittedReads");
  });
});
