import { expect, it } from "vitest";
import { traceparentOf } from "../../src/events/traceparent.js";

const VALID = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const HOST = "00-11111111111111111111111111111111-2222222222222222-00";

it("keeps the caller's traceparent", () => {
  expect(traceparentOf(VALID, HOST)).toBe(VALID);
});

it("keeps one of a later version with more fields", () => {
  const later = `01${VALID.slice(2)}-more`;
  expect(traceparentOf(later, undefined)).toBe(later);
});

it.each([
  null,
  "",
  VALID.toUpperCase(),
  `ff${VALID.slice(2)}`,
  `${VALID}-more`,
  VALID.replace("0af7651916cd43dd8448eb211c80319c", "0".repeat(32)),
  VALID.replace("b7ad6b7169203331", "0".repeat(16)),
  ` ${VALID}`,
])("takes the host's in place of %j", (header) => {
  expect(traceparentOf(header, HOST)).toBe(HOST);
});

it("makes a new one where there is none", () => {
  const made = traceparentOf(null, undefined);
  expect(traceparentOf(made, undefined)).toBe(made);
  expect(traceparentOf(null, undefined)).not.toBe(made);
});
