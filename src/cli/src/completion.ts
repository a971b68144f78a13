/** The words that may come next on a command line. */
import type { Command } from "./command.js";
import { GLOBAL_OPTIONS } from "./global-options.js";

/** `words` are those before the cursor; the last is the one that is being written. */
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
    command === undefined
      ? commands
          .map((each) => each.words.split(" "))
          .filter((parts) => before.every((word, i) => parts[i] === word))
          .map((parts) => parts[before.length] ?? "")
      : optionsOf(command, before, begun);
  return [...new Set(next)]
    .filter((each) => each !== "" && each.startsWith(begun))
    .sort();
}

function optionsOf(
  { options, positional }: Command,
  before: readonly string[],
  begun: string,
): readonly string[] {
  const all = [...options, ...GLOBAL_OPTIONS];
  const last = before.findLast((word) => word.startsWith("-")) ?? "";
  const option = all.find(({ names }) => names.includes(last));
  const isValue = before.at(-1) === last || option?.kind === "list";
  if (isValue && option?.choices !== undefined && !begun.startsWith("-"))
    return option.choices;
  const shells = /One of ([\w, ]+)\./u.exec(positional?.help ?? "")?.[1];
  return [
    ...(shells?.split(", ") ?? []),
    ...all
      .filter(({ names }) => !names.some((name) => before.includes(name)))
      .flatMap(({ names }) => names.filter((name) => name.startsWith("--"))),
  ];
}
