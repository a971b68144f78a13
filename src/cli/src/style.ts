import { styleText } from "node:util";

/** Sets text off on a terminal that shows colours; gives it back as it is elsewhere. */
export type Style = (
  format: "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "cyan",
  text: string,
) => string;

/** Colours for `stream`, unless it is no terminal or NO_COLOR is set (https://no-color.org). */
export function styleFor(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Style {
  return stream.isTTY === true &&
    !environment["NO_COLOR"] &&
    environment["TERM"] !== "dumb"
    ? // It would ask the process's own stdout.
      (format, text) => styleText(format, text, { validateStream: false })
    : (_format, text) => text;
}

/** Text that may be a stranger's: a control character, which a terminal would act upon, is shown as JSON writes it. */
export function visible(text: string): string {
  return text.replace(
    /[^\P{Cc}\t\n]/gu,
    (character) =>
      `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
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
