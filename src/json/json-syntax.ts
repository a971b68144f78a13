/** Where a text stops being JSON, counted from 1, and why. */
interface JsonMistake {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

// RFC 8259, 2 to 7: white space, then a structural character, a string, a number or a literal name.
const TOKEN =
  /[ \t\n\r]*(?:([{}[\],:])|("[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-]))|(?:true|false|null)(?!\w))/uy;

type Expectation =
  "value" | "value or ]" | "name or }" | "name" | ":" | ", or }" | ", or ]" | "end";

const EXPECTED: Record<Expectation, string> = {
  value: "a value",
  "value or ]": "a value or ]",
  "name or }": "a name in double quotes or }",
  name: "a name in double quotes",
  ":": "a colon",
  ", or }": "a comma or }",
  ", or ]": "a comma or ]",
  end: "the end",
};

/**
 * The first thing that keeps `text` from being one JSON value with unique names and exact numbers,
 * at most `maxDepth` deep; undefined: nothing. JSON.parse does not always report the place of a
 * mistake, silently takes the last of two equal names, changes numbers that are too large, and has
 * no limit of depth.
 */
export function findJsonMistake(text: string, maxDepth: number): JsonMistake | undefined {
  /** The open arrays (undefined) and objects (their names so far), outermost first. */
  const open: (Set<string> | undefined)[] = [];
  const afterValue = (): Expectation =>
    open.length === 0 ? "end" : open.at(-1) ? ", or }" : ", or ]";
  let expected: Expectation = "value";
  let offset = 0;

  for (;;) {
    TOKEN.lastIndex = offset;
    const match = TOKEN.exec(text);
    const start = match
      ? offset + match[0].length - match[0].trimStart().length
      : offset + (/^[ \t\n\r]*/u.exec(text.slice(offset))?.[0].length ?? 0);
    const fail = (message: string): JsonMistake => at(text, start, message);
    if (match === null && start === text.length)
      return expected === "end"
        ? undefined
        : fail(`the text ends where ${EXPECTED[expected]} is expected`);
    const [whole, punctuation, string, number] = match ?? [""];
    const next = step(punctuation, string, number, match !== null);
    if (next === undefined) return fail(`${EXPECTED[expected]} is expected`);
    if (typeof next === "object") return fail(next.message);
    expected = next;
    offset += whole.length;
  }

  function step(
    punctuation: string | undefined,
    string: string | undefined,
    number: string | undefined,
    isToken: boolean,
  ): Expectation | { message: string } | undefined {
    if (!isToken) return undefined;
    const wantsValue = expected === "value" || expected === "value or ]";
    switch (punctuation) {
      case "{":
      case "[":
        if (!wantsValue) return undefined;
        if (open.length === maxDepth)
          return { message: `values are nested deeper than ${maxDepth}` };
        open.push(punctuation === "{" ? new Set() : undefined);
        return punctuation === "{" ? "name or }" : "value or ]";
      case "}":
        if (expected !== "name or }" && expected !== ", or }") return undefined;
        open.pop();
        return afterValue();
      case "]":
        if (expected !== "value or ]" && expected !== ", or ]") return undefined;
        open.pop();
        return afterValue();
      case ":":
        return expected === ":" ? "value" : undefined;
      case ",":
        if (expected === ", or }") return "name";
        return expected === ", or ]" ? "value" : undefined;
      default:
        if (wantsValue) return tooLarge(number) ?? afterValue();
        if (string === undefined) return undefined;
        if (expected !== "name" && expected !== "name or }") return undefined;
        return rememberName(JSON.parse(string) as string);
    }
  }

  // RFC 7493, 2.2: "an I-JSON sender cannot expect a receiver to treat an integer whose absolute value is greater than
  // 9007199254740991 as an exact value".
  function tooLarge(number: string | undefined): { message: string } | undefined {
    return Math.abs(Number(number ?? 0)) > Number.MAX_SAFE_INTEGER
      ? { message: `the number is larger than ${Number.MAX_SAFE_INTEGER}` }
      : undefined;
  }

  // RFC 8259, 4: "The names within an object SHOULD be unique": which of two counts differs between
  // parsers.
  function rememberName(name: string): Expectation | { message: string } {
    const names = open.at(-1);
    if (names?.has(name)) return { message: `the name ${JSON.stringify(name)} is given twice` };
    names?.add(name);
    return ":";
  }
}

function at(text: string, offset: number, message: string): JsonMistake {
  const before = text.slice(0, offset).split("\n");
  return {
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
    message,
  };
}
