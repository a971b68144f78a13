/** `--help` on every level. */
import type { Command } from "./command.js";
import { GROUPS } from "./commands/all.js";
import { EXIT_CODES } from "./exit-codes.js";
import { GLOBAL_OPTIONS } from "./global-options.js";
import type { Option } from "./options.js";
import { wrap } from "./style.js";

/** The width unless the terminal is narrower. */
export const HELP_WIDTH = 100;

export function overview(commands: readonly Command[], width: number): string {
  const columns = columnsWithin(width);
  const own = commands.filter(({ words }) => !words.includes(" "));
  return [
    ...wrap(
      "sigil: plan image versions of Azure Compute Galleries, create them, and follow them until they are usable.",
      width,
    ),
    "",
    'Change "az sig image-version" to "sigil image-version", and keep the rest.',
    "",
    "Commands",
    ...columns([
      ...Object.entries(GROUPS),
      ...own.map(({ words, summary }) => [words, summary] as const),
    ]),
    "",
    "Environment variables",
    ...columns([
      ["SIGIL_ENDPOINT", "URL of the Sigil service (or: sigil configure --endpoint)"],
      ["SIGIL_SCOPE", "scope of the access token (or: sigil configure --scope)"],
      [
        "SIGIL_SIGN_IN",
        "how to sign in: environment, workload-identity, github, azure-pipelines, managed-identity, az, device-code. Default: the method that the environment has variables for; otherwise az login, a managed identity, or a device code on a terminal",
      ],
      ["SIGIL_ACCESS_TOKEN", "an access token for Sigil, instead of signing in"],
      [
        "SIGIL_SERVICE_BUS",
        "Service Bus namespace of the events (or: sigil configure --service-bus)",
      ],
    ]),
    "",
    "Exit codes",
    ...columns(Object.values(EXIT_CODES).map(([code, meaning]) => [String(code), meaning])),
    "",
    ...wrap(
      "Results go to stdout, everything else to stderr. For help on a command: sigil COMMAND --help.",
      width,
    ),
    "",
  ].join("\n");
}

export function groupHelp(group: string, commands: readonly Command[], width: number): string {
  const columns = columnsWithin(width);
  return [
    `sigil ${group}: ${GROUPS[group]}.`,
    "",
    "Commands",
    ...columns(
      commands
        .filter(({ words }) => words.startsWith(`${group} `))
        .map(({ words, summary }) => [words.slice(group.length + 1), summary]),
    ),
    "",
  ].join("\n");
}

export function commandHelp(command: Command, width: number): string {
  const columns = columnsWithin(width);
  const { words, summary, description, positional, options, examples = [] } = command;
  const groups = new Map<string, Option[]>();
  for (const option of [...options, ...GLOBAL_OPTIONS]) {
    const group = option.group ?? "Options";
    groups.set(group, [...(groups.get(group) ?? []), option]);
  }
  return [
    ...wrap(`sigil ${words}: ${summary}.`, width),
    ...(description === undefined ? [] : ["", ...wrap(description.replaceAll("\n", " "), width)]),
    ...(positional === undefined
      ? []
      : [
          "",
          "Arguments",
          ...columns([[`${positional.name}${positional.many ? "…" : ""}`, positional.help]]),
        ]),
    ...[...groups].flatMap(([group, members]) => [
      "",
      group,
      ...columns(
        members.map(({ names, help, required }) => [
          names.join(" "),
          `${required ? "[Required] " : ""}${help}`,
        ]),
      ),
    ]),
    ...(examples.length === 0 ? [] : ["", "Examples"]),
    ...examples.flatMap(([title, line]) => [`  ${title}`, `    ${line}`]),
    "",
  ].join("\n");
}

type Rows = readonly (readonly [name: string, meaning: string])[];

/** Prints names on the left and their meanings next to them, or below a name that is too long. */
function columnsWithin(full: number): (rows: Rows) => string[] {
  return (rows) => {
    const width = Math.min(30, Math.max(...rows.map(([name]) => name.length)));
    const indent = " ".repeat(width + 4);
    return rows.flatMap(([name, meaning]) => {
      const [first = "", ...rest] = wrap(meaning, full - width - 4);
      return [
        ...(name.length > width
          ? [`  ${name}`, `${indent}${first}`]
          : [`  ${name.padEnd(width)}  ${first}`]),
        ...rest.map((line) => `${indent}${line}`),
      ];
    });
  };
}
