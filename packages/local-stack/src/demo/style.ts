import { styleText } from "node:util";

/** Styles text on a terminal with colours; elsewhere returns it unchanged. */
export type Style = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Colours for `stream`, unless it is no terminal or NO_COLOR is set (https://no-color.org). */
export function styleFor(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Style {
  return stream.isTTY === true && !environment["NO_COLOR"]
    ? (format, text) => styleText(format, text)
    : (_format, text) => text;
}

/** Breaks text between words into lines of at most `width`; a longer word has a line of its own. */
export function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => `${indent}${each}`).join("\n");
}
