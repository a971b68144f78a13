import { readFile } from "node:fs/promises";
import { format, resolveConfig } from "prettier";
import { expect, test } from "vitest";
import { ALL_RULES } from "../../src/image-version/rules/rules.js";

const SECTION =
  /(<!-- rules: `npm run readme` writes this table -->\n)[^]*?(<!-- \/rules -->)/u;

// `vitest -u`, which `npm run readme` is, writes the file where it differs.
test("the README's table of rules is made of the rules", async () => {
  const readme = await readFile("README.md", "utf8");
  expect(readme).toMatch(SECTION);
  const table = [
    "| rule | code | severity | what holds |",
    "| --- | --- | --- | --- |",
    ...ALL_RULES.map(
      ({ name, code, severity, summary }) =>
        `| ${name} | \`${code}\` | ${severity} | ${summary} |`,
    ),
  ].join("\n");
  const expected = await format(
    readme.replace(
      SECTION,
      (_, before, after) => `${before}\n${table}\n\n${after}`,
    ),
    { ...(await resolveConfig("README.md")), parser: "markdown" },
  );
  await expect(expected).toMatchFileSnapshot("../../README.md");
});
