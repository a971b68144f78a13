import { describe, expect, test } from "vitest";
import type { ImageVersionPair } from "../../../src/image-version/state/record.js";
import type { OperationEnd } from "../../../src/operation/advance.js";
import { endOne } from "../../../src/operation/members.js";
import { operationIn, operationsOf, sequenceOf } from "../../../src/operation/records.js";
import {
  at,
  changeOf,
  effectsOf,
  nth,
  beside,
  replicating,
  time,
} from "../../support/transitions.js";
import { naming } from "../../support/naming.js";

const ENDING: OperationEnd = {
  status: "Failed",
  message: "No.",
  error: { code: "X", message: "No.", errors: [] },
  event: { kind: "close", operationId: "told" },
};

/** Operation 1 leads 2, 3 and 4. */
function several(): ImageVersionPair {
  const pair = replicating();
  const member = (number: number) => ({
    ...pair.operation,
    id: nth(number),
    waitReason: "ARM is busy.",
    nextAttemptTime: time(90),
  });
  const record = {
    ...pair.record,
    lastSequence: sequenceOf(nth(3)),
    resends: 2,
    members: [member(2), member(3)],
  };
  return beside({ ...pair, record }, changeOf({}), { regions: ["eastus2"] });
}

const ids = (all: readonly { readonly id: string }[] = []) =>
  all.map(({ id }) => String(1 + sequenceOf(id) - sequenceOf(nth(1))));

test("the operation that leads comes first, then those that have begun beside it", () => {
  const pair = several();
  expect(ids(operationsOf(pair))).toEqual(["1", "2", "3", "4"]);
  expect(operationIn(pair, nth(3))?.id).toBe(nth(3));
  expect(operationIn(pair, nth(5))).toBeUndefined();
});

describe("invariant 1: ending one operation does not disturb the others", () => {
  test.each([2, 3])("a member, number %d", (number) => {
    const before = several();
    const after = endOne(before, nth(number), ENDING, at(60));
    expect(ids(after.record.members)).toEqual(number === 2 ? ["3", "4"] : ["2", "4"]);
    expect(after.operation).toBe(before.operation);
    expect(after.record.step).toBe(before.record.step);
    expect(ids(after.changedOperations)).toEqual(expect.arrayContaining([String(number)]));
  });

  test("one that is canceled, and says by whom", () => {
    const by = { name: "me" };
    const canceled = { ...ENDING, status: "Canceled", canceledBy: by } as const;
    const of = (ending: OperationEnd) =>
      endOne(several(), nth(2), ending, at(60)).changedOperations?.find(({ id }) => id === nth(2));
    expect(of(canceled)?.canceledBy).toEqual(by);
    expect(of(ENDING)).not.toHaveProperty("canceledBy");
  });

  test("the one that leads: the next member leads, and its message is sent", () => {
    const before = several();
    const after = endOne(before, nth(1), ENDING, at(60));
    expect(after.operation.id).toBe(nth(2));
    expect(ids(after.record.members)).toEqual(["3", "4"]);
    expect(after.record).toMatchObject({
      sequence: sequenceOf(nth(2)),
      step: before.record.step + 1,
      resends: 0,
      dueTime: before.record.dueTime,
    });
    expect(after.record.outbox.at(-1)).toMatchObject({
      kind: "message",
      message: { operationId: nth(2), step: after.record.step },
    });
    expect(ids(after.changedOperations)).toContain("1");
    // What leads is written as the record's own, not as it was beside it.
    const [second] = before.record.members;
    const beside = { ...before, changedOperations: second ? [second] : [] };
    expect(ids(endOne(beside, nth(1), ENDING, at(60)).changedOperations)).not.toContain("2");
  });

  test("but the last that has begun is ended otherwise", () => {
    expect(() => endOne(replicating(), nth(1), ENDING, at(60))).toThrow(
      expect.objectContaining({ name: "TypeError", message: naming([nth(1)]) }),
    );
  });

  test("and one that is not open is none", () => {
    const before = several();
    expect(endOne(before, nth(9), ENDING, at(60))).toBe(before);
  });
});

describe("invariant 2: the commit that ends an operation tells its end and closes its row", () => {
  test.each([
    [1, ["index from Running", "close", "close", "message 5 to image-version-replications"]],
    [2, ["index from Running", "close", "close"]],
    [4, ["index from Running", "close", "close"]],
  ])("number %d", (number, effects) => {
    const after = endOne(several(), nth(number), ENDING, at(60));
    expect(effectsOf(after)).toEqual(effects);
    const ended = after.changedOperations?.find(({ id }) => id === nth(number));
    expect(ended).toMatchObject({
      status: "Failed",
      error: { code: "X" },
      endTime: time(60),
      lastUpdatedTime: time(60),
    });
    expect(ended?.history.at(-1)).toEqual({
      time: time(60),
      state: "Failed",
      message: "No.",
    });
    expect(ended).not.toHaveProperty("waitReason");
    expect(ended).not.toHaveProperty("nextAttemptTime");
  });

  test("with its regions as they are now", () => {
    const before = several();
    const regions = before.record.regions.map((region) => ({
      ...region,
      progress: 77,
    }));
    const pair = { ...before, record: { ...before.record, regions } };
    const of = (number: number) =>
      endOne(pair, nth(number), ENDING, at(60)).changedOperations?.find(
        ({ id }) => id === nth(number),
      )?.regions;
    expect(of(2)).toMatchObject([{ progress: 77 }, { progress: 77 }]);
    expect(of(4)).toMatchObject([{ name: "eastus2", progress: 77 }]);
  });
});
