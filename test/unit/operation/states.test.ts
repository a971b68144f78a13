import { describe, expect, test } from "vitest";
import { KINDS } from "../../../src/kinds.js";
import { kindOf } from "../../../src/operation/kinds.js";
import { advance } from "../../../src/operation/advance.js";
import { isFinalState, mayFollow } from "../../../src/operation/states.js";
import { accepted, at } from "../../support/transitions.js";
import { naming } from "../../support/naming.js";

type VersionState = ReturnType<typeof accepted>["record"]["state"];

/** One for each machine. */
describe.each(["CreateImageVersion", "RollBackImage", "PrepareSubscription"])("%s", (kind) => {
  const { states } = kindOf({ kinds: KINDS }, { kind });
  const all = Object.keys(states);

  const go = (from: string, to: string): string => {
    const { record, operation } = accepted();
    const pair = {
      record: { ...record, state: from as VersionState },
      operation: { ...operation, kind },
    };
    return advance(pair, at(1), { patch: { state: to as VersionState } }).record.state;
  };

  describe.each(all)("from %s", (from) => {
    test.each(all)("to %s, as the table says", (to) => {
      if (mayFollow(states, from, to)) expect(go(from, to)).toBe(to);
      else
        expect(() => go(from, to)).toThrow(
          expect.objectContaining({ name: "TypeError", message: naming([from, to]) }),
        );
    });
  });

  test("a final state is left by no transition, and every other can fail and be canceled", () => {
    for (const [from, state] of Object.entries(states)) {
      const followers = all.filter((to) => mayFollow(states, from, to));
      if (isFinalState(state)) expect(followers, from).toEqual([]);
      else expect(followers, from).toEqual(expect.arrayContaining([from, "Failed", "Canceled"]));
    }
  });
});
