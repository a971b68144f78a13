/** What becomes of a promotion rule when an operation comes to nothing. */
import { expect, test } from "vitest";
import { PROMOTION } from "../../../../src/image-version/properties/table.js";
import { withoutRule } from "../../../../src/image-version/state/cancel.js";
import type {
  ImageVersionPair,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import {
  changeOf,
  KEY,
  succeeded,
  time,
  withRecord,
} from "../../../support/transitions.js";

const FIRST = `${KEY}-1`;
const SECOND = `${KEY}-2`;
const RULE = { when: "allRegionsReady" };
const OTHER = { when: "manual" };
const ASKS = changeOf({ [PROMOTION]: RULE });
const DONE = { ...ASKS, appliedTime: time(5) };
const REPEATS: VersionRequest = { changes: {}, repeats: { [PROMOTION]: RULE } };
const INHERITS: VersionRequest = { ...REPEATS, hasRule: true };

/** A version under the rule, after the first operation has come to nothing. */
function after(
  first: VersionRequest,
  second?: VersionRequest,
  more: Partial<ImageVersionPair["record"]> = {},
): ImageVersionPair["record"] {
  const pair = withRecord(succeeded(), {
    state: "Replicating",
    lastApplied: { "/tags/a": "1", [PROMOTION]: RULE },
    requests: { [FIRST]: first, ...(second && { [SECOND]: second }) },
    ...more,
  });
  return withoutRule(pair, FIRST, first).record;
}

test.each([
  ["has brought it about", DONE],
  ["has inherited it", INHERITS],
])("it goes with the operation that %s", (_, first) => {
  expect(after(first).lastApplied).toEqual({ "/tags/a": "1" });
  expect(
    after(first, changeOf({ [PROMOTION]: OTHER })).lastApplied,
  ).not.toHaveProperty(PROMOTION);
});

test.each([
  ["merely repeats it", { ...REPEATS, appliedTime: time(5) }],
  ["has asked for it, and was not applied", ASKS],
  [
    "has asked for another one",
    { ...changeOf({ [PROMOTION]: OTHER }), appliedTime: time(5) },
  ],
])("it stays where the operation %s", (_, first) => {
  expect(after(first).lastApplied).toHaveProperty(PROMOTION, RULE);
});

test.each([REPEATS, ASKS])("it is left to another that asks for it", (asks) => {
  const { lastApplied, requests } = after(DONE, asks);
  expect(lastApplied).toHaveProperty(PROMOTION, RULE);
  expect(requests[FIRST]).toEqual(DONE);
  expect(requests[SECOND]).toEqual({ ...asks, hasRule: true });
});

test("nothing was applied: there is no rule", () => {
  const record = withRecord(succeeded(), {});
  const { lastApplied: _, ...bare } = record.record;
  const pair = { ...record, record: bare };
  expect(withoutRule(pair, FIRST, INHERITS)).toBe(pair);
});
