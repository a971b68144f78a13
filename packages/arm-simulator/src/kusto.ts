/**
 * The part of the Kusto query language that is needed to find resources: a table, then `where`, `extend`, `project`, `order by`
 * and `take`. Types are loose, as those of `dynamic`: what is not there is "" to a string function, and equal to nothing but "".
 */

export type Row = Readonly<Record<string, unknown>>;

/** A parsed query; throws `KustoError` for one that is not supported here. */
export interface Query {
  /** In lower case. */
  readonly table: string;
  run(rows: readonly Row[]): readonly Row[];
}

export class KustoError extends Error {
  override readonly name = "KustoError";
}

type Expression = (row: Row) => unknown;
type Operator = (rows: readonly Row[]) => readonly Row[];

export function parseQuery(text: string): Query {
  const parser = new Parser(tokensOf(text));
  const table = parser.word();
  const operators: Operator[] = [];
  while (parser.take("|")) operators.push(parser.operator());
  parser.end();
  return {
    table: table.toLowerCase(),
    run: (rows) => operators.reduce((left, run) => run(left), rows),
  };
}

interface Token {
  readonly kind: "word" | "text" | "sign";
  readonly value: string;
}

const TOKEN =
  /\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|(in~|!in~|[\p{L}_$\d][\p{L}\p{N}_$-]*)|(=~|!~|==|!=|<=|>=|[|(),.=<>]))/uy;

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new KustoError(`Query is invalid at '${text.slice(at, at + 20)}'.`);
    const [, single, double, word, sign = ""] = match;
    const literal = single ?? double;
    if (literal !== undefined)
      tokens.push({ kind: "text", value: literal.replace(/\\(.)/gu, "$1") });
    else if (word !== undefined) tokens.push({ kind: "word", value: word });
    else tokens.push({ kind: "sign", value: sign });
  }
  return tokens;
}

const FUNCTIONS: Readonly<Record<string, (...values: unknown[]) => unknown>> = {
  tostring: (value) => textOf(value),
  tolower: (value) => textOf(value).toLowerCase(),
  isempty: (value) => textOf(value) === "",
  isnotempty: (value) => textOf(value) !== "",
  not: (value) => value !== true,
  iff: (condition, yes, no) => (condition === true ? yes : no),
  // The first that is not null, or of strings not empty.
  coalesce: (...values) => values.find((value) => textOf(value) !== ""),
};

const COMPARISONS: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "=~": (a, b) => a.toLowerCase() === b.toLowerCase(),
  "!~": (a, b) => a.toLowerCase() !== b.toLowerCase(),
  startswith: (a, b) => a.toLowerCase().startsWith(b.toLowerCase()),
};

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  take(value: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === "text" || token.value !== value) return false;
    this.#at += 1;
    return true;
  }

  word(): string {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "word") throw this.#unexpected();
    this.#at += 1;
    return token.value;
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.#unexpected();
  }

  operator(): Operator {
    const name = this.word();
    switch (name) {
      case "where": {
        const holds = this.#either();
        return (rows) => rows.filter((row) => holds(row) === true);
      }
      case "extend": {
        const columns = this.#columns();
        return (rows) =>
          rows.map((row) =>
            columns.reduce((left, [column, value]) => ({ ...left, [column]: value(left) }), row),
          );
      }
      case "project": {
        const columns = this.#columns();
        return (rows) =>
          rows.map((row) =>
            Object.fromEntries(columns.map(([column, value]) => [column, value(row) ?? null])),
          );
      }
      case "order":
      case "sort": {
        this.#expect("by");
        const keys = this.#list(() => {
          const key = this.#either();
          // Documented: descending by default.
          const sign = this.take("asc") ? 1 : (this.take("desc"), -1);
          return (a: Row, b: Row): number => sign * compare(key(a), key(b));
        });
        return (rows) =>
          [...rows].sort((a, b) => keys.reduce((order, key) => order || key(a, b), 0));
      }
      case "take":
      case "limit": {
        const most = Number(this.word());
        return (rows) => rows.slice(0, most);
      }
      default:
        throw new KustoError(`The operator '${name}' is not supported here.`);
    }
  }

  /** `name = expression`, or an expression that names its column itself. */
  #columns(): readonly (readonly [string, Expression])[] {
    return this.#list(() => {
      const from = this.#at;
      const name = this.word();
      if (this.take("=")) return [name, this.#either()] as const;
      this.#at = from;
      return [name, this.#either()] as const;
    });
  }

  #either(): Expression {
    const sides = [this.#both()];
    while (this.take("or")) sides.push(this.#both());
    return sides.length === 1
      ? (sides[0] as Expression)
      : (row) => sides.some((side) => side(row) === true);
  }

  #both(): Expression {
    const sides = [this.#comparison()];
    while (this.take("and")) sides.push(this.#comparison());
    return sides.length === 1
      ? (sides[0] as Expression)
      : (row) => sides.every((side) => side(row) === true);
  }

  #comparison(): Expression {
    const left = this.#value();
    for (const [sign, holds] of Object.entries(COMPARISONS))
      if (this.take(sign)) {
        const right = this.#value();
        return (row) => holds(textOf(left(row)), textOf(right(row)));
      }
    const isExact = this.take("in");
    if (!isExact && !this.take("in~")) return left;
    this.#expect("(");
    const items = this.#list(() => this.#value());
    this.#expect(")");
    const equals = COMPARISONS[isExact ? "==" : "=~"] as (a: string, b: string) => boolean;
    return (row) => items.some((item) => equals(textOf(left(row)), textOf(item(row))));
  }

  #value(): Expression {
    if (this.take("(")) {
      const inner = this.#either();
      this.#expect(")");
      return inner;
    }
    const token = this.#tokens[this.#at];
    if (token?.kind === "text") {
      this.#at += 1;
      return () => token.value;
    }
    const name = this.word();
    if (/^\d+$/u.test(name)) return () => Number(name);
    if (name === "true" || name === "false") return () => name === "true";
    if (this.take("(")) {
      const called = FUNCTIONS[name];
      if (called === undefined)
        throw new KustoError(`The function '${name}' is not supported here.`);
      const given = this.#list(() => this.#either());
      this.#expect(")");
      return (row) => called(...given.map((value) => value(row)));
    }
    const path = [name];
    while (this.take(".")) path.push(this.word());
    return (row) =>
      path.reduce<unknown>(
        (value, member) => (value as Record<string, unknown> | null | undefined)?.[member],
        row,
      );
  }

  #list<T>(item: () => T): readonly T[] {
    const items = [item()];
    while (this.take(",")) items.push(item());
    return items;
  }

  #expect(value: string): void {
    if (!this.take(value)) throw this.#unexpected();
  }

  #unexpected(): KustoError {
    const token = this.#tokens[this.#at];
    return new KustoError(
      token === undefined ? "Query ends too early." : `Query is invalid at '${token.value}'.`,
    );
  }
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [one, other] = [textOf(a), textOf(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}
