import { SqlFilterError, tokenizeSql, type SqlToken } from "./sql-tokens.js";
import { SYSTEM_PROPERTIES, type FilterValue } from "./value.js";

export type ComparisonOperator = "=" | "<>" | "<" | "<=" | ">" | ">=";
export type ArithmeticOperator = "+" | "-" | "*" | "/" | "%";

/** A node of a SQL filter. A predicate is an expression whose value is true, false or unknown. */
export type SqlExpression =
  | { readonly kind: "constant"; readonly value: FilterValue }
  | {
      readonly kind: "property";
      readonly scope: "sys" | "user";
      /** Lower case: property names compare without it. */
      readonly name: string;
    }
  | { readonly kind: "propertyByName"; readonly name: SqlExpression }
  | { readonly kind: "newId" }
  | { readonly kind: "negate"; readonly operand: SqlExpression }
  | {
      readonly kind: "arithmetic";
      readonly operator: ArithmeticOperator;
      readonly left: SqlExpression;
      readonly right: SqlExpression;
    }
  | {
      readonly kind: "comparison";
      readonly operator: ComparisonOperator;
      readonly left: SqlExpression;
      readonly right: SqlExpression;
    }
  | { readonly kind: "not"; readonly operand: SqlExpression }
  | {
      readonly kind: "and" | "or";
      readonly left: SqlExpression;
      readonly right: SqlExpression;
    }
  | { readonly kind: "isNull"; readonly operand: SqlExpression }
  | { readonly kind: "exists"; readonly operand: SqlExpression }
  | {
      readonly kind: "in";
      readonly operand: SqlExpression;
      readonly choices: readonly SqlExpression[];
    }
  | {
      readonly kind: "like";
      readonly operand: SqlExpression;
      readonly pattern: SqlExpression;
      readonly escape: SqlExpression | undefined;
    };

const KEYWORDS: ReadonlySet<string> = new Set(
  "AND OR NOT IN LIKE ESCAPE IS NULL EXISTS TRUE FALSE".split(" "),
);
const COMPARISONS: Readonly<Record<string, ComparisonOperator>> = {
  "=": "=",
  "<>": "<>",
  "!=": "<>",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
};

/** The tree of a SQL filter (Service Bus "Subscription Rule SQL Filter Syntax"); throws SqlFilterError. */
export function parseSqlFilter(expression: string): SqlExpression {
  return new SqlParser(expression).parse();
}

/** Recursive descent, one method per level of precedence: OR, AND, NOT, comparison, + -, * / %, sign, primary. */
class SqlParser {
  readonly #expression: string;
  readonly #tokens: readonly SqlToken[];
  #position = 0;

  constructor(expression: string) {
    this.#expression = expression;
    this.#tokens = tokenizeSql(expression);
  }

  parse(): SqlExpression {
    const tree = this.#or();
    if (this.#next.kind !== "end") throw this.#unexpected("the end");
    return tree;
  }

  #or(): SqlExpression {
    let left = this.#and();
    while (this.#takeKeyword("OR")) left = { kind: "or", left, right: this.#and() };
    return left;
  }

  #and(): SqlExpression {
    let left = this.#not();
    while (this.#takeKeyword("AND")) left = { kind: "and", left, right: this.#not() };
    return left;
  }

  #not(): SqlExpression {
    if (!this.#takeKeyword("NOT")) return this.#comparison();
    return { kind: "not", operand: this.#not() };
  }

  #comparison(): SqlExpression {
    const left = this.#sum();
    const token = this.#next;
    if (token.kind === "operator") {
      const operator = COMPARISONS[token.text];
      if (operator === undefined) return left;
      this.#position += 1;
      return { kind: "comparison", operator, left, right: this.#sum() };
    }
    if (this.#takeKeyword("IS")) {
      const negated = this.#takeKeyword("NOT");
      this.#expectKeyword("NULL");
      return negate(negated, { kind: "isNull", operand: left });
    }
    const negated = this.#takeKeyword("NOT");
    if (this.#takeKeyword("IN"))
      return negate(negated, {
        kind: "in",
        operand: left,
        choices: this.#choices(),
      });
    if (this.#takeKeyword("LIKE")) {
      const pattern = this.#sum();
      const escape = this.#takeKeyword("ESCAPE") ? this.#sum() : undefined;
      return negate(negated, { kind: "like", operand: left, pattern, escape });
    }
    if (negated) throw this.#unexpected("IN or LIKE");
    return left;
  }

  #choices(): SqlExpression[] {
    this.#expectOperator("(");
    const choices = [this.#sum()];
    while (this.#takeOperator(",")) choices.push(this.#sum());
    this.#expectOperator(")");
    return choices;
  }

  #sum(): SqlExpression {
    let left = this.#product();
    for (;;) {
      const operator = this.#takeOneOf(["+", "-"] as const);
      if (operator === undefined) return left;
      left = { kind: "arithmetic", operator, left, right: this.#product() };
    }
  }

  #product(): SqlExpression {
    let left = this.#signed();
    for (;;) {
      const operator = this.#takeOneOf(["*", "/", "%"] as const);
      if (operator === undefined) return left;
      left = { kind: "arithmetic", operator, left, right: this.#signed() };
    }
  }

  #signed(): SqlExpression {
    if (this.#takeOperator("-")) return { kind: "negate", operand: this.#signed() };
    if (this.#takeOperator("+")) return this.#signed();
    return this.#primary();
  }

  #primary(): SqlExpression {
    const token = this.#next;
    switch (token.kind) {
      case "integer":
      case "decimal":
        this.#position += 1;
        return { kind: "constant", value: token.value };
      case "string":
        this.#position += 1;
        return { kind: "constant", value: token.text };
      case "operator": {
        if (token.text !== "(") throw this.#unexpected("a value");
        this.#position += 1;
        const inner = this.#or();
        this.#expectOperator(")");
        return inner;
      }
      case "identifier":
        return this.#property();
      case "name":
        return this.#named(token.text.toUpperCase());
      case "end":
        throw this.#unexpected("a value");
    }
  }

  #named(word: string): SqlExpression {
    if (this.#takeKeyword("TRUE")) return { kind: "constant", value: true };
    if (this.#takeKeyword("FALSE")) return { kind: "constant", value: false };
    if (this.#takeKeyword("NULL")) return { kind: "constant", value: undefined };
    if (this.#takeKeyword("EXISTS")) {
      this.#expectOperator("(");
      const operand = this.#property();
      this.#expectOperator(")");
      return { kind: "exists", operand };
    }
    if (KEYWORDS.has(word)) throw this.#unexpected("a value");
    const following = this.#tokens[this.#position + 1];
    if (following?.kind === "operator" && following.text === "(") return this.#call(word);
    return this.#property();
  }

  #call(word: string): SqlExpression {
    if (word !== "NEWID" && word !== "PROPERTY" && word !== "P")
      throw this.#unexpected("newid(), property() or p()");
    this.#position += 1;
    this.#expectOperator("(");
    if (word === "NEWID") {
      this.#expectOperator(")");
      return { kind: "newId" };
    }
    const name = this.#sum();
    this.#expectOperator(")");
    return { kind: "propertyByName", name };
  }

  #property(): SqlExpression {
    const token = this.#next;
    const first = this.#identifier();
    if (!this.#takeOperator(".")) return { kind: "property", scope: "user", name: first };
    if (first === "user") return { kind: "property", scope: "user", name: this.#identifier() };
    if (first !== "sys")
      throw new SqlFilterError(
        `the scope of a property is sys or user, not "${first}"`,
        token.at,
        this.#expression,
      );
    const { at } = this.#next;
    const name = this.#identifier();
    // "An attempt to access a nonexistent system property is an error."
    if (!SYSTEM_PROPERTIES.has(name))
      throw new SqlFilterError(`there is no system property "${name}"`, at, this.#expression);
    return { kind: "property", scope: "sys", name };
  }

  #identifier(): string {
    const token = this.#next;
    if (
      token.kind !== "identifier" &&
      (token.kind !== "name" || KEYWORDS.has(token.text.toUpperCase()))
    )
      throw this.#unexpected("the name of a property");
    this.#position += 1;
    return token.text.toLowerCase();
  }

  get #next(): SqlToken {
    return this.#tokens[this.#position] ?? { kind: "end", at: 0 };
  }

  #takeKeyword(word: string): boolean {
    const token = this.#next;
    if (token.kind !== "name" || token.text.toUpperCase() !== word) return false;
    this.#position += 1;
    return true;
  }

  #expectKeyword(word: string): void {
    if (!this.#takeKeyword(word)) throw this.#unexpected(word);
  }

  #takeOperator(text: string): boolean {
    return this.#takeOneOf([text]) !== undefined;
  }

  #expectOperator(text: string): void {
    if (!this.#takeOperator(text)) throw this.#unexpected(`"${text}"`);
  }

  #takeOneOf<const Text extends string>(texts: readonly Text[]): Text | undefined {
    const token = this.#next;
    if (token.kind !== "operator") return undefined;
    const found = texts.find((text) => text === token.text);
    if (found !== undefined) this.#position += 1;
    return found;
  }

  #unexpected(wanted: string): SqlFilterError {
    return new SqlFilterError(`expected ${wanted}`, this.#next.at, this.#expression);
  }
}

function negate(negated: boolean, operand: SqlExpression): SqlExpression {
  return negated ? { kind: "not", operand } : operand;
}
