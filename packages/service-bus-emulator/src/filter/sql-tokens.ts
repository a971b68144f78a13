/** A piece of a SQL filter, with where it stands so that an error can point at it. */
export type SqlToken =
  | { readonly kind: "name"; readonly text: string; readonly at: number }
  /** `[delimited]` or `"quoted"`: never a keyword. */
  | { readonly kind: "identifier"; readonly text: string; readonly at: number }
  | { readonly kind: "string"; readonly text: string; readonly at: number }
  | { readonly kind: "integer"; readonly value: bigint; readonly at: number }
  | { readonly kind: "decimal"; readonly value: number; readonly at: number }
  | { readonly kind: "operator"; readonly text: string; readonly at: number }
  | { readonly kind: "end"; readonly at: number };

/** A SQL filter that cannot be read; the message says what is wrong and at which character. */
export class SqlFilterError extends Error {
  override readonly name = "SqlFilterError";

  constructor(problem: string, at: number, expression: string) {
    super(`${problem} at character ${at + 1} of "${expression}"`);
  }
}

const SPACE = /\s+/uy;
const NUMBER = /\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?/uy;
const NAME = /\p{L}[_\p{L}\p{Nd}]*/uy;
const STRING = /'(?:[^']|'')*'/uy;
const DELIMITED = /\[(?:[^\]]|\]\])+\]/uy;
const QUOTED = /"(?:[^"]|"")+"/uy;
const OPERATOR = /<>|!=|<=|>=|[=<>+\-*/%(),.]/uy;

/** Splits a SQL filter into tokens, the last of which is `end`. */
export function tokenizeSql(expression: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(expression)?.[0];
  };
  while (at < expression.length) {
    const space = take(SPACE);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const { token, length } = readToken(take, at, expression);
    tokens.push(token);
    at += length;
  }
  tokens.push({ kind: "end", at });
  return tokens;
}

function readToken(
  take: (pattern: RegExp) => string | undefined,
  at: number,
  expression: string,
): { token: SqlToken; length: number } {
  let text = take(NUMBER);
  if (text !== undefined) {
    const token: SqlToken = /^\d+$/u.test(text)
      ? { kind: "integer", value: BigInt(text), at }
      : { kind: "decimal", value: Number(text), at };
    return { token, length: text.length };
  }
  if ((text = take(NAME)) !== undefined)
    return { token: { kind: "name", text, at }, length: text.length };
  if ((text = take(STRING)) !== undefined) {
    const value = text.slice(1, -1).replaceAll("''", "'");
    return { token: { kind: "string", text: value, at }, length: text.length };
  }
  if ((text = take(DELIMITED)) !== undefined) {
    const value = text.slice(1, -1).replaceAll("]]", "]");
    return {
      token: { kind: "identifier", text: value, at },
      length: text.length,
    };
  }
  if ((text = take(QUOTED)) !== undefined) {
    const value = text.slice(1, -1).replaceAll('""', '"');
    return {
      token: { kind: "identifier", text: value, at },
      length: text.length,
    };
  }
  if ((text = take(OPERATOR)) !== undefined)
    return { token: { kind: "operator", text, at }, length: text.length };
  if (expression[at] === "'")
    throw new SqlFilterError("a string without its closing '", at, expression);
  throw new SqlFilterError(`unexpected "${expression[at] ?? ""}"`, at, expression);
}
