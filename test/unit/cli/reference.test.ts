import { format } from "prettier";
import { expect, it } from "vitest";
import type { Command } from "../../../src/cli/src/command.js";
import { COMMANDS, GROUPS } from "../../../src/cli/src/commands/all.js";
import { EXIT_CODES } from "../../../src/cli/src/exit-codes.js";
import { GLOBAL_OPTIONS } from "../../../src/cli/src/global-options.js";
import type { Option } from "../../../src/cli/src/options.js";

const cell = (text: string): string =>
  text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

function optionTable(options: readonly Option[]): readonly string[] {
  return [
    "| option | meaning |",
    "| --- | --- |",
    ...options.map(
      ({ names, help, required }) =>
        `| ${names.map((name) => `\`${name}\``).join(" ")} | ${required ? "Needed. " : ""}${cell(help)} |`,
    ),
    "",
  ];
}

function section({
  words,
  summary,
  description,
  positional,
  options,
  examples = [],
}: Command): readonly string[] {
  return [
    `### sigil ${words}`,
    "",
    `${cell(summary)}.${description === undefined ? "" : ` ${cell(description.replaceAll("\n", " "))}`}`,
    "",
    ...(positional === undefined
      ? []
      : [`\`${positional.name}\`: ${positional.help}`, ""]),
    ...(options.length === 0 ? [] : optionTable(options)),
    ...examples.flatMap(([title, line]) => [
      `${title}:`,
      "",
      "```sh",
      line,
      "```",
      "",
    ]),
  ];
}

function reference(): string {
  return [
    "# Command line",
    "",
    "Every command and option of `sigil`. `npm run readme` writes this page from the table that the program itself reads. How to begin: [Your first version](../tutorial.md). What differs from az: [From az to sigil](from-az.md).",
    "",
    "## Exit codes",
    "",
    "| code | meaning |",
    "| --- | --- |",
    ...Object.values(EXIT_CODES).map(
      ([code, meaning]) => `| ${code} | ${meaning} |`,
    ),
    "",
    "## Options of every command",
    "",
    ...optionTable(GLOBAL_OPTIONS),
    ...Object.entries(GROUPS).flatMap(([group, about]) => [
      `## ${about}`,
      "",
      ...COMMANDS.filter(({ words }) => words.startsWith(`${group} `)).flatMap(
        section,
      ),
    ]),
    "## This machine",
    "",
    ...COMMANDS.filter(({ words }) => !words.includes(" ")).flatMap(section),
  ].join("\n");
}

// `vitest -u`, which `npm run readme` is, writes the file where it differs.
it("is in the reference, with every command and option", async () => {
  await expect(
    await format(reference(), { parser: "markdown" }),
  ).toMatchFileSnapshot("../../../docs/reference/cli.md");
});
