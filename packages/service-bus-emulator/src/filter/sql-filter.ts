import { randomUUID } from "node:crypto";
import {
  parseSqlFilter,
  type ArithmeticOperator,
  type ComparisonOperator,
  type SqlExpression,
} from "./sql-parser.js";
import type { Filter, FilterableMessage, FilterValue } from "./value.js";

/** The filter of a SQL expression: takes a message when the expression is true, neither false nor unknown. */
export function createSqlFilter(expression: string): Filter {
  const tree = parseSqlFilter(expression);
  return (message) => evaluate(tree, message) === true;
}

/** The value of an expression for one message; undefined is unknown, as SQL-92's three-valued logic has it. */
export function evaluate(node: SqlExpression, message: FilterableMessage): FilterValue {
  switch (node.kind) {
    case "constant":
      return node.value;
    case "property":
      return node.scope === "sys" ? message.system(node.name) : message.user(node.name);
    case "propertyByName": {
      const name = evaluate(node.name, message);
      return typeof name === "string" ? message.user(name.toLowerCase()) : undefined;
    }
    case "newId":
      return randomUUID();
    case "negate": {
      const value = evaluate(node.operand, message);
      return typeof value === "bigint" || typeof value === "number" ? -value : undefined;
    }
    case "arithmetic":
      return calculate(node.operator, evaluate(node.left, message), evaluate(node.right, message));
    case "comparison":
      return compare(node.operator, evaluate(node.left, message), evaluate(node.right, message));
    case "not": {
      const value = truth(evaluate(node.operand, message));
      return value === undefined ? undefined : !value;
    }
    case "and": {
      const left = truth(evaluate(node.left, message));
      if (left === false) return false;
      const right = truth(evaluate(node.right, message));
      if (right === false) return false;
      return left === undefined || right === undefined ? undefined : true;
    }
    case "or": {
      const left = truth(evaluate(node.left, message));
      if (left === true) return true;
      const right = truth(evaluate(node.right, message));
      if (right === true) return true;
      return left === undefined || right === undefined ? undefined : false;
    }
    case "isNull":
      return evaluate(node.operand, message) === undefined;
    case "exists":
      return exists(node.operand, message);
    case "in":
      return isIn(
        evaluate(node.operand, message),
        node.choices.map((choice) => evaluate(choice, message)),
      );
    case "like":
      return like(
        evaluate(node.operand, message),
        evaluate(node.pattern, message),
        node.escape === undefined
          ? { given: false }
          : { given: true, value: evaluate(node.escape, message) },
      );
  }
}

function truth(value: FilterValue): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}

function exists(node: SqlExpression, message: FilterableMessage): boolean {
  if (node.kind !== "property") return false;
  return node.scope === "user"
    ? message.hasUser(node.name)
    : message.system(node.name) !== undefined;
}

/** C# operator binding: two integers stay an integer, text is joined by +, and nothing else mixes. */
function calculate(
  operator: ArithmeticOperator,
  left: FilterValue,
  right: FilterValue,
): FilterValue {
  if (typeof left === "bigint" && typeof right === "bigint") {
    switch (operator) {
      case "+":
        return left + right;
      case "-":
        return left - right;
      case "*":
        return left * right;
      case "/":
        return right === 0n ? undefined : left / right;
      case "%":
        return right === 0n ? undefined : left % right;
    }
  }
  if (operator === "+" && typeof left === "string" && typeof right === "string")
    return left + right;
  if (!isNumeric(left) || !isNumeric(right)) return undefined;
  const [a, b] = [Number(left), Number(right)];
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return a % b;
  }
}

function compare(
  operator: ComparisonOperator,
  left: FilterValue,
  right: FilterValue,
): boolean | undefined {
  const comparable =
    (isNumeric(left) && isNumeric(right)) || (left !== undefined && typeof left === typeof right);
  // A string against a number binds to no C# operator: the service raises an error and the rule does not match.
  if (!comparable || left === undefined || right === undefined) return undefined;
  switch (operator) {
    case "=":
      return equal(left, right);
    case "<>":
      return !equal(left, right);
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
  }
}

/** Whether two values are the same, an integer and a floating-point number by what they amount to. */
export function equal(left: FilterValue, right: FilterValue): boolean {
  if (typeof left === "bigint" && typeof right === "number")
    return !(left < right) && !(left > right) && !Number.isNaN(right);
  if (typeof left === "number" && typeof right === "bigint") return equal(right, left);
  return left === right;
}

function isNumeric(value: FilterValue): value is bigint | number {
  return typeof value === "bigint" || typeof value === "number";
}

function isIn(value: FilterValue, choices: readonly FilterValue[]): boolean | undefined {
  if (value === undefined) return undefined;
  if (choices.some((choice) => compare("=", value, choice) === true)) return true;
  return choices.includes(undefined) ? undefined : false;
}

function like(
  value: FilterValue,
  pattern: FilterValue,
  escape: { given: boolean; value?: FilterValue },
): boolean | undefined {
  if (typeof value !== "string" || typeof pattern !== "string") return undefined;
  if (!escape.given) return likePattern(pattern, undefined).test(value);
  if (typeof escape.value !== "string" || [...escape.value].length !== 1) return undefined;
  return likePattern(pattern, escape.value).test(value);
}

const likePatterns = new Map<string, RegExp>();

function likePattern(pattern: string, escape: string | undefined): RegExp {
  const key = `${escape ?? ""}\u0000${pattern}`;
  let compiled = likePatterns.get(key);
  if (compiled === undefined) {
    compiled = compileLike(pattern, escape);
    // Patterns come from rules, of which there are few; one that is built from properties must not grow this for ever.
    if (likePatterns.size > 1_000) likePatterns.clear();
    likePatterns.set(key, compiled);
  }
  return compiled;
}

function compileLike(pattern: string, escape: string | undefined): RegExp {
  let source = "";
  let escaped = false;
  for (const character of pattern) {
    if (!escaped && character === escape) {
      escaped = true;
      continue;
    }
    if (!escaped && character === "%") source += "[^]*";
    else if (!escaped && character === "_") source += "[^]";
    else source += character.replace(/[\\^$.*+?()[\]{}|/-]/gu, "\\$&");
    escaped = false;
  }
  return new RegExp(`^${source}$`, "u");
}
