import { readFile } from "node:fs/promises";
import { format, resolveConfig } from "prettier";
import { expect, test } from "vitest";
import { KINDS } from "../../src/kinds.js";
import { isFinalState } from "../../src/operation/states.js";
import { ALL_RULES } from "../../src/image-version/rules/rules.js";

const RULES = section("rules", "table");
const STATE_DIAGRAM = section("states", "diagram");

/** What stands between two marks, the first of which says what writes it. */
function section(name: string, what: string): RegExp {
  return new RegExp(
    `(<!-- ${name}: \`npm run readme\` writes this ${what} -->\\n)[^]*?(<!-- /${name} -->)`,
    "u",
  );
}

function rulesTable(): string {
  return [
    "| rule | code | severity | what holds |",
    "| --- | --- | --- | --- |",
    ...ALL_RULES.map(
      ({ name, code, severity, summary }) =>
        `| ${name} | \`${code}\` | ${severity} | ${summary} |`,
    ),
  ].join("\n");
}

function stateDiagram(): string {
  // Several kinds share one machine.
  const machines = new Set(Object.values(KINDS).map(({ states }) => states));
  const transitions = [...machines].flatMap((states) =>
    Object.entries(states).flatMap(([from, state]) =>
      Object.entries(isFinalState(state) ? {} : state.next).map(
        ([to, when]) => `${from} --> ${to}: ${when}`,
      ),
    ),
  );
  return ["```mermaid", "stateDiagram-v2", ...transitions, "```"].join("\n");
}

// `vitest -u`, which `npm run readme` is, writes the file where it differs.
test("the README's rules and states are those of the code", async () => {
  const readme = await readFile("README.md", "utf8");
  expect(readme).toMatch(RULES);
  expect(readme).toMatch(STATE_DIAGRAM);
  const written = readme
    .replace(
      RULES,
      (_, before, after) => `${before}\n${rulesTable()}\n\n${after}`,
    )
    .replace(
      STATE_DIAGRAM,
      (_, before, after) => `${before}\n${stateDiagram()}\n\n${after}`,
    );
  const expected = await format(written, {
    ...(await resolveConfig("README.md")),
    parser: "markdown",
  });
  await expect(expected).toMatchFileSnapshot("../../README.md");
});
