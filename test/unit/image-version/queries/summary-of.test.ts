import { expect, test } from "vitest";
import { keysOf } from "../../../../src/image-version/queries/summary-of.js";
import type { KeyState } from "../../../../src/keys/ports.js";

const HOUR_MS = 3_600_000;
const SEEN: KeyState = {
  diskEncryptionSetId: "/sets/a",
  lookedTime: "2026-06-01T12:00:00.000Z",
  problems: [],
  notSeen: [],
  sequence: 0,
};

test.each([
  ["up to two hours after", true, 2 * HOUR_MS - 1, SEEN],
  ["no longer", false, 2 * HOUR_MS, SEEN],
  [
    "not if its key could not be read",
    false,
    0,
    { ...SEEN, notSeen: [{ code: "InsufficientPermission", message: "" }] },
  ],
] as const)("a set was seen lately: %s", (_, seenLately, laterMs, state) => {
  const now = new Date(Date.parse(SEEN.lookedTime) + laterMs);
  const states = new Map([["/sets/a", state]]);
  expect(keysOf(["/sets/b", "/SETS/A"], states, now)).toMatchObject([
    { diskEncryptionSet: 1, seenLately },
  ]);
});
