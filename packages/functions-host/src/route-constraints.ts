import { StartupError } from "./startup-error.js";

/** Whether a route value is acceptable. */
export type Constraint = (value: string) => boolean;

const INT32_MAX = 2n ** 31n - 1n;
const INT64_MAX = 2n ** 63n - 1n;

function integer(largest: bigint): Constraint {
  return (value) => {
    if (!/^[+-]?\d+$/u.test(value)) return false;
    const number = BigInt(value.replace(/^\+/u, ""));
    return number <= largest && number >= -largest - 1n;
  };
}

function between(lowest: number, highest: number): Constraint {
  return (value) =>
    /^[+-]?\d+$/u.test(value) && Number(value) >= lowest && Number(value) <= highest;
}

function long(lowest: number, highest: number): Constraint {
  return (value) => value.length >= lowest && value.length <= highest;
}

const decimal: Constraint = (value) => /^[+-]?(?:\d+\.?\d*|\.\d+)$/u.test(value);
const float: Constraint = (value) => /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/iu.test(value);

const plain: Readonly<Record<string, Constraint>> = {
  int: integer(INT32_MAX),
  long: integer(INT64_MAX),
  bool: (value) => /^(?:true|false)$/iu.test(value),
  guid: (value) =>
    /^(?:[\da-f]{32}|(\{)?[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\}?)$/iu.test(value),
  alpha: (value) => /^[a-z]*$/iu.test(value),
  decimal,
  double: float,
  float,
  datetime: (value) => !Number.isNaN(Date.parse(value)),
  required: (value) => value !== "",
};

const withNumbers: Readonly<
  Record<string, (first: number, second: number | undefined) => Constraint>
> = {
  min: (lowest) => between(lowest, Infinity),
  max: (highest) => between(-Infinity, highest),
  range: (lowest, highest) => between(lowest, highest ?? lowest),
  minlength: (lowest) => long(lowest, Infinity),
  maxlength: (highest) => long(0, highest),
  length: (lowest, highest) => long(lowest, highest ?? lowest),
};

/** The inline constraints of ASP.NET Core (`int`, `range(1,9)`, `regex(^\d+$)`, ...); another name is a StartupError. */
export function parseConstraint(text: string, template: string): Constraint {
  const [, name = "", argument] = /^([^(]+)(?:\((.*)\))?$/u.exec(text) ?? [];
  const key = name.toLowerCase();
  if (argument === undefined) {
    const constraint = plain[key];
    if (constraint !== undefined) return constraint;
  } else if (key === "regex") {
    // Doubled braces stand for single ones in a template.
    const source = argument.replaceAll("{{", "{").replaceAll("}}", "}");
    // eslint-disable-next-line require-unicode-regexp -- the route's own pattern: with the flag, some that are valid are not
    const pattern = new RegExp(source, "i");
    return (value) => pattern.test(value);
  } else {
    const [first = NaN, second] = argument.split(",").map(Number);
    const constraint = withNumbers[key];
    if (constraint !== undefined && !Number.isNaN(first)) return constraint(first, second);
  }
  throw new StartupError(`the route "${template}" has a constraint that is not known: ${text}`);
}
