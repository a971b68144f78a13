/** When to read a version, or many, again. */
import { expect, test } from "vitest";
import {
  readVersionAgain,
  readVersionsAgain,
} from "../../../../src/image-version/queries/read-again.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import { applied, at, succeeded } from "../../../support/transitions.js";

const { now } = at(0);

/** A version under way, whose next step is due in so many seconds; undefined: a write has no answer yet. */
function dueIn(seconds: number | undefined): ImageVersionRecord {
  const { record } = applied();
  const dueTime = new Date(now.getTime() + (seconds ?? 900) * 1_000).toISOString();
  const write = { ...record.write, answer: "none" } as const;
  return { ...record, dueTime, ...(seconds === undefined && { write: write as never }) };
}

test.each([
  ["nothing is known of it", undefined, 60, 30],
  ["it has ended", succeeded().record, 60, 30],
  ["its next step is due at once", dueIn(0), 5, 5],
  ["its next step is due in 20 s", dueIn(20), 22, 22],
  ["its next step is due in 40 s", dueIn(40), 42, 30],
  ["its next step is due in an hour", dueIn(3_600), 180, 30],
  ["its step is overdue by 20 s", dueIn(-22), 20, 20],
  ["a write has no answer yet", dueIn(undefined), 5, 5],
])("a version: %s", (_, record, seconds, withKeys) => {
  expect(readVersionAgain(record, false, now)).toBe(seconds);
  expect(readVersionAgain(record, true, now)).toBe(withKeys);
});

test.each([
  ["none", [], 60],
  ["all at rest", [undefined, succeeded().record], 60],
  ["one is due soon", [succeeded().record, dueIn(1), dueIn(90)], 15],
  ["one is due in 28 s", [dueIn(28), dueIn(90)], 30],
  ["one is due in an hour", [dueIn(3_600)], 60],
])("of many: %s", (_, records, seconds) => {
  expect(readVersionsAgain(records, now)).toBe(seconds);
});
