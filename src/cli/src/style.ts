import { inspect } from "node:util";
import { Own, type Part } from "./harmless.js";

/** Colours text on a terminal that shows colours; returns it unchanged elsewhere. */
export type Style = (
  format: "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "cyan",
  text: string,
) => readonly Part[];

/** Colours for `stream`; none if it is not a terminal or NO_COLOR is set (https://no-color.org). */
export function styleFor(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Style {
  if (stream.isTTY !== true || environment["NO_COLOR"] || environment["TERM"] === "dumb")
    return (_format, text) => [text];
  return (format, text) => {
    const [on, off] = inspect.colors[format] ?? [0, 0];
    return [new Own(`\x1b[${on}m`), text, new Own(`\x1b[${off}m`)];
  };
}

/** Breaks text between words into lines of at most `width`; a longer word has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
