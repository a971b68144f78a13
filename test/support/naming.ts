import { expect } from "vitest";

/** The values that a text has to name; a string: an exact part, such as a command. The words around them are free. */
export type Named = string | readonly (string | number | undefined)[];

/** A text that names these values as whole words. Codes and pointers are the contract; words may change. */
export function naming(named: Named): unknown {
  if (named.length === 0) throw new TypeError("Name at least one value: any text names none.");
  if (typeof named === "string") return expect.stringContaining(named);
  return expect.toSatisfy(
    (text: string) => named.every((value) => hasWord(text, String(value))),
    `names ${named.join(", ")}`,
  );
}

/** Whether a text has the value, and not as a part of a longer word or number. */
function hasWord(text: string, value: string): boolean {
  const literal = value.replace(/[\\^$.*+?()[\]{}|]/gu, "\\$&");
  return new RegExp(`(?<![\\w-])${literal}(?![\\w-])`, "u").test(text);
}
