import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (file: string): string =>
  readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");

test("the table in docs/reference/operations.md has every metric with its unit, and no other", () => {
  const made = [
    ...read("src/telemetry/metrics.ts").matchAll(
      /create(?:Counter|Histogram|Gauge)\("([^"]+)", \{\s+unit: "([^"]+)"/gu,
    ),
  ].map(([, name, unit]) => [name, unit]);
  const told = [
    ...read("docs/reference/operations.md").matchAll(/^\| `(sigil\.[^`]+)` +\| `([^`]+)`/gmu),
  ].map(([, name, unit]) => [name, unit]);
  expect(made).toHaveLength(11);
  expect(told.sort()).toEqual(made.sort());
});
