import { readdirSync } from "node:fs";
import { format } from "prettier";
import { expect, it } from "vitest";
import type { Command } from "../../../src/cli/src/command.js";
import { COMMANDS, GROUPS } from "../../../src/cli/src/commands/all.js";
import { EXIT_CODES } from "../../../src/cli/src/exit-codes.js";
import { MANY, MANY_OPTIONS } from "../../../src/cli/src/commands/many.js";
import { GLOBAL_OPTIONS } from "../../../src/cli/src/global-options.js";
import type { Option } from "../../../src/cli/src/options.js";

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

function optionTable(options: readonly Option[]): readonly string[] {
  return [
    "| option | meaning |",
    "| --- | --- |",
    ...options.map(
      ({ names, help, required }) =>
        `| ${names.map((name) => `\`${name}\``).join(" ")} | ${required ? "Required. " : ""}${cell(help)} |`,
    ),
    "",
  ];
}

function section({
  words,
  summary,
  description,
  positional,
  options: all,
  examples = [],
}: Command): readonly string[] {
  const options = all.filter(({ group }) => group !== MANY);
  return [
    `## sigil ${words}`,
    "",
    `${cell(summary)}.${description === undefined ? "" : ` ${cell(description.replaceAll("\n", " "))}`}`,
    "",
    ...(positional === undefined ? [] : [`\`${positional.name}\`: ${positional.help}`, ""]),
    ...(options.length === 0 ? [] : optionTable(options)),
    ...(options.length === all.length ? [] : [FOR_MANY, ""]),
    ...examples.flatMap(([title, line]) => [`${title}:`, "", "```sh", line, "```", ""]),
  ];
}

const FOR_MANY =
  "`--ids`, a filter or `--batch` in place of the names: [many versions](../cli.md#options-for-many-versions).";

/** The pages of the reference. A command is on the page that names most of its words. */
const PAGES = [
  {
    file: "image-version-create",
    title: "sigil image-version create, plan, apply",
    commands: ["image-version create", "image-version plan", "apply"],
  },
  {
    file: "image-version",
    title: "sigil image-version show, query, update",
    commands: ["image-version"],
  },
  {
    file: "image-version-delete",
    title: "sigil image-version delete, undelete, purge",
    commands: [
      "image-version delete",
      "image-version list-soft-deleted",
      "image-version undelete",
      "image-version purge",
    ],
  },
  {
    file: "image-version-release",
    title: "sigil image-version test, promote, roll-back, revoke, use, freeze",
    commands: [
      "image-version test",
      "image-version promote",
      "image-version demote",
      "image-version roll-back",
      "image-version approve",
      "image-version revoke",
      "image-version unrevoke",
      "image-version retry",
      "image-version use",
      "image-version descendants",
      "freeze",
    ],
  },
  {
    file: "operation",
    title: "sigil status, operation, events, rejected",
    commands: ["status", "operation", "events", "rejected"],
  },
  {
    file: "test",
    title: "sigil test-result, test-profile",
    commands: ["test-result", "test-profile"],
  },
  {
    file: "subscription",
    title: "sigil gallery, image-definition, retention, key, subscription",
    commands: ["gallery", "image-definition", "retention", "encryption-set", "key", "subscription"],
  },
  {
    file: "machine",
    title: "sigil open, configure, version, completion",
    commands: ["open", "configure", "version", "completion"],
  },
] as const;
type Page = (typeof PAGES)[number];

function pageOf({ words }: Command): Page {
  const [named] = PAGES.flatMap((page) => page.commands.map((name) => ({ page, name })))
    .filter(({ name }) => `${words} `.startsWith(`${name} `))
    .sort((a, b) => b.name.length - a.name.length);
  if (named === undefined) throw new Error(`No page of PAGES names "${words}", nor its group.`);
  return named.page;
}

/** The commands of each group, by what it is about. */
const GROUPED = [
  ...Object.entries(GROUPS).map(
    ([group, about]) =>
      [about, COMMANDS.filter(({ words }) => words.startsWith(`${group} `))] as const,
  ),
  [
    "Apply, status, and setup of the command line",
    COMMANDS.filter(({ words }) => !words.includes(" ")),
  ],
] as const;

const isForMany = ({ options }: Command): boolean => options.some(({ group }) => group === MANY);
const anchorOf = ({ words }: Command): string => `sigil-${words.replaceAll(" ", "-")}`;

/** Each command has the anchor that it had when all were on this page. */
function start(): string {
  return [
    "# Command line",
    "",
    "Every command of `sigil`, with the exit codes and options that all commands share. `npm run readme` writes this page and the pages that it links to, from the tables that the program uses. To start: [Your first version](../tutorial.md). Differences from az: [From az to sigil](from-az.md).",
    "",
    "## Exit codes",
    "",
    "| code | meaning |",
    "| --- | --- |",
    ...Object.values(EXIT_CODES).map(([code, meaning]) => `| ${code} | ${meaning} |`),
    "",
    "## Options of every command",
    "",
    ...optionTable(GLOBAL_OPTIONS),
    "## Options for many versions",
    "",
    `${COMMANDS.filter(isForMany)
      .map(({ words }) => `\`${words}\``)
      .join(
        ", ",
      )} take many versions as one batch. Every version is planned before the first is changed; on a terminal the command shows the plan and asks. The filters are those of \`image-version query\`.`,
    "",
    ...optionTable(MANY_OPTIONS),
    ...GROUPED.flatMap(([about, commands]) => [
      `## ${about}`,
      "",
      "| command | what it does |",
      "| --- | --- |",
      ...commands.map((command) => {
        const anchor = anchorOf(command);
        return `| <a id="${anchor}"></a>[sigil ${command.words}](cli/${pageOf(command).file}.md#${anchor}) | ${cell(command.summary)} |`;
      }),
      "",
    ]),
  ].join("\n");
}

function reference(page: Page): string {
  return [
    `# ${page.title}`,
    "",
    "`npm run readme` writes this page. For exit codes, common options and all other commands, see [Command line](../cli.md).",
    "",
    ...COMMANDS.filter((command) => pageOf(command) === page).flatMap(section),
  ].join("\n");
}

// `vitest -u`, which `npm run readme` is, writes the file where it differs.
it.each([
  ["cli", start],
  ...PAGES.map((page) => [`cli/${page.file}`, () => reference(page)] as const),
] as const)("is in the reference: %s", async (name, made) => {
  await expect(await format(made(), { parser: "markdown" })).toMatchFileSnapshot(
    `../../../docs/reference/${name}.md`,
  );
});

it("has a page in the reference for every command, and no page besides", () => {
  const named = COMMANDS.map((command) => `${pageOf(command).file}.md`);
  expect(readdirSync("docs/reference/cli").sort()).toEqual([...new Set(named)].sort());
});
