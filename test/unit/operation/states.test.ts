import { describe, expect, test } from "vitest";
import { advance } from "../../../src/operation/advance.js";
import type { TrackedState } from "../../../src/operation/records.js";
import { isFinal, mayFollow, STATES } from "../../../src/operation/states.js";
import { accepted, at } from "../../support/transitions.js";

const ALL = Object.keys(STATES) as TrackedState[];
type VersionState = ReturnType<typeof accepted>["record"]["state"];

function go(from: TrackedState, to: TrackedState): TrackedState {
  const { record, operation } = accepted();
  const pair = {
    record: { ...record, state: from as VersionState },
    operation,
  };
  return advance(pair, at(1), { patch: { state: to as VersionState } }).record
    .state;
}

describe.each(ALL)("from %s", (from) => {
  test.each(ALL)("to %s, as the table says", (to) => {
    if (mayFollow(from, to)) expect(go(from, to)).toBe(to);
    else
      expect(() => go(from, to)).toThrow(
        new TypeError(`no operation goes from ${from} to ${to}`),
      );
  });
});

test("a final state is left by no transition, and every other can fail and be canceled", () => {
  for (const from of ALL) {
    const followers = ALL.filter((to) => mayFollow(from, to));
    if (isFinal(from)) expect(followers, from).toEqual([]);
    else
      expect(followers, from).toEqual(
        expect.arrayContaining([from, "Failed", "Canceled"]),
      );
  }
});
