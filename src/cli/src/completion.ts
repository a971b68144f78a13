/** The words that may come next on a command line. */
import type { Command } from "./command.js";
import type { Option } from "./options.js";
import { GLOBAL_OPTIONS } from "./global-options.js";

/** Lists the candidates. `words` ends with the word that the user is typing. */
export function candidates(
  words: readonly string[],
  commands: readonly Command[],
): readonly string[] {
  const before = words.slice(0, -1);
  const begun = words.at(-1) ?? "";
  const command = commands.find((each) => {
    const parts = each.words.split(" ");
    return parts.every((part, i) => before[i] === part);
  });
  const next =
    command === undefined ? wordsAfter(before, begun, commands) : optionsOf(command, before, begun);
  return [...new Set(next)].filter((each) => each !== "" && each.startsWith(begun)).sort();
}

function wordsAfter(
  before: readonly string[],
  begun: string,
  commands: readonly Command[],
): readonly string[] {
  const next = commands
    .map((each) => each.words.split(" "))
    .filter((parts) => before.every((word, i) => parts[i] === word))
    .map((parts) => parts[before.length] ?? "");
  if (next.length === 0 || !begun.startsWith("-")) return next;
  return before.length === 0 ? ["--help", "--version"] : ["--help"];
}

function optionsOf(
  { options, positional }: Command,
  before: readonly string[],
  begun: string,
): readonly string[] {
  const all = [...options, ...GLOBAL_OPTIONS];
  const named = (name: string | undefined): Option | undefined =>
    all.find(({ names }) => names.includes(name ?? ""));
  const [, attachedTo] = /^(--[^=]+)=/u.exec(begun) ?? [];
  if (attachedTo !== undefined)
    return valuesOf(named(attachedTo)).map((each) => `${attachedTo}=${each}`);
  if (!begun.startsWith("-")) {
    const last = named(before.at(-1));
    // The next word is a value, even if its choices are unknown.
    if (last !== undefined && last.kind !== "flag") return valuesOf(last);
    const list = named(before.findLast((word) => word.startsWith("-")));
    if (list?.kind === "list" && list.choices !== undefined) return list.choices;
  }
  const shells = /One of ([\w, ]+)\./u.exec(positional?.help ?? "")?.[1];
  return [
    ...(shells?.split(", ") ?? []),
    ...all
      .filter(({ names }) => !names.some((name) => before.includes(name)))
      .flatMap(({ names }) => names.filter((name) => name.startsWith("--"))),
  ];
}

function valuesOf(option: Option | undefined): readonly string[] {
  return option?.choices ?? (option?.kind === "boolean" ? ["false", "true"] : []);
}
