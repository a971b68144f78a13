import { readFileSync } from "node:fs";
import { Linter, type Rule } from "eslint";
import { expect, test } from "vitest";

const { citedInvariants } = (await import(
  new URL("../../eslint.invariants.mjs", import.meta.url).href
)) as { citedInvariants: Rule.RuleModule };

/** Each binds the rooms behind it; the goal is 75. */
const MOST_NAMES = 110;

const STATED = `
// Invariants:
// 1. One.
// 2. Two,
//    in two lines.
`;
const CONFIG: Linter.Config = {
  plugins: { sigil: { rules: { "cited-invariants": citedInvariants } } },
  rules: { "sigil/cited-invariants": "error" },
};
const linter = new Linter();

test.each([
  "act(); // Invariant 1.",
  "// Invariant 2: why it holds here.",
  "/** What it does. Invariants 1 and 2. */",
  "/** Invariant 7 of other.ts: it is stated there. */",
])("an invariant may be cited so: %s", (code) => {
  expect(linter.verify(STATED + code, CONFIG)).toEqual([]);
});

test.each([
  ["// Invariant 1", "// Invariant 1."],
  ["// It holds (invariant 2).", "// It holds. Invariant 2."],
  ["/** Both (invariants 1 and 2). */", "/** Both. Invariants 1 and 2. */"],
])("%s is mended to %s", (code, mended) => {
  const { fixed, output } = linter.verifyAndFix(STATED + code, CONFIG);
  expect([fixed, output]).toEqual([true, STATED + mended]);
});

test.each([
  [`${STATED}// Invariant 3.`, "This file states no invariant 3."],
  ["// Invariant 1.", "This file states no invariant 1."],
  [
    `${STATED}// By invariant 1 nobody else does.`,
    "Cite an invariant as `Invariant 2.` or `Invariant 2: why.`, not as `invariant 1`.",
  ],
])("%j is refused", (code, message) => {
  expect(linter.verify(code, CONFIG)).toMatchObject([{ message }]);
});

test("a file may cite the invariants of another, if it says so", () => {
  const code = "// Its invariants are those of put.ts.\n// Invariant 4.";
  expect(linter.verify(code, CONFIG)).toEqual([]);
});

test("the face of an image version does not grow", () => {
  const face = readFileSync("src/image-version/index.ts", "utf8");
  const names = [...face.matchAll(/\{([^}]*)\}/gu)].flatMap(([, list = ""]) =>
    list.split(",").filter((name) => name.trim() !== ""),
  );
  expect(names.length).toBeLessThanOrEqual(MOST_NAMES);
});
