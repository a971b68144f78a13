/**
 * ASP.NET Core route templates, as the official host routes HTTP triggers by them.
 *
 * Invariants
 * 1. Segment by segment, a literal wins over a constrained parameter, that over a parameter, and any of them over a
 *    catch-all (RoutePrecedence.ComputeInbound: 1, 2, 3, 4 for a constrained catch-all, 5).
 * 2. Literals compare without regard to case. Paths are decoded already. A catch-all keeps the slash at its end.
 * 3. A route whose methods do not include the request's is no match, and matching goes on: no match at all is a 404,
 *    never a 405.
 */
import { type Constraint, parseConstraint } from "./route-constraints.js";
import { StartupError } from "./startup-error.js";

interface Parameter {
  readonly kind: "parameter";
  readonly name: string;
  readonly constraints: readonly Constraint[];
  readonly optional: boolean;
  readonly defaultValue: string | undefined;
  readonly catchAll: boolean;
}

/** A segment of more than one part, such as `{file}.{extension}`. */
interface Complex {
  readonly kind: "complex";
  readonly pattern: RegExp;
  readonly parameters: readonly Parameter[];
}

type Segment = { readonly kind: "literal"; readonly text: string } | Parameter | Complex;

export interface Route<T> {
  readonly template: string;
  /** Upper case. */
  readonly methods: ReadonlySet<string>;
  readonly target: T;
}

export interface RouteMatch<T> {
  readonly target: T;
  readonly parameters: Readonly<Record<string, string>>;
}

interface Compiled<T> extends Route<T> {
  readonly segments: readonly Segment[];
  readonly precedence: readonly number[];
}

function parameter(text: string, template: string): Parameter {
  const match =
    /^(\*{0,2})([^:=?*{}/]+)((?::[^:(=?]+(?:\((?:[^()\\]|\\.|\([^()]*\))*\))?)*)(\?|=(.*))?$/u.exec(
      text,
    );
  if (match === null)
    throw new StartupError(
      `the route "${template}" has a parameter that cannot be read: {${text}}`,
    );
  const [, stars = "", name = "", constraints = "", end, defaultValue] = match;
  return {
    kind: "parameter",
    name,
    constraints: (constraints.match(/[^:(]+(?:\((?:[^()\\]|\\.|\([^()]*\))*\))?/gu) ?? []).map(
      (constraint) => parseConstraint(constraint, template),
    ),
    optional: end === "?",
    defaultValue,
    catchAll: stars !== "",
  };
}

/** Splits a template at the slashes outside braces: a regex constraint may hold one. */
function splitTemplate(template: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const character of template) {
    if (character === "{") depth += 1;
    if (character === "}") depth -= 1;
    if (character === "/" && depth === 0) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts.filter((part) => part !== "");
}

function segment(text: string, template: string): Segment {
  const pieces = text.match(/\{(?:[^{}]|\{[^{}]*\})*\}|[^{}]+/gu) ?? [];
  if (pieces.join("") !== text)
    throw new StartupError(`the route "${template}" has unbalanced braces`);
  const parse = (piece: string): string | Parameter =>
    piece.startsWith("{") ? parameter(piece.slice(1, -1), template) : piece;
  const parsed = pieces.map(parse);
  const [only] = parsed;
  if (parsed.length === 1 && only !== undefined)
    return typeof only === "string" ? { kind: "literal", text: only } : only;
  const source = parsed
    .map((part) =>
      typeof part === "string" ? part.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`) : "(.+)",
    )
    .join("");
  return {
    kind: "complex",
    pattern: new RegExp(`^${source}$`, "iu"),
    parameters: parsed.filter((part) => typeof part !== "string"),
  };
}

/** Invariant 1. */
function digit(part: Segment): number {
  if (part.kind === "literal") return 1;
  if (part.kind === "complex") return 2;
  const constrained = part.constraints.length > 0;
  if (part.catchAll) return constrained ? 4 : 5;
  return constrained ? 2 : 3;
}

function compile<T>(route: Route<T>): Compiled<T> {
  const segments = splitTemplate(route.template).map((text) => segment(text, route.template));
  segments.forEach((part, index) => {
    if (part.kind === "parameter" && part.catchAll && index < segments.length - 1)
      throw new StartupError(`the route "${route.template}" has a catch-all before its end`);
  });
  return { ...route, segments, precedence: segments.map(digit) };
}

function byPrecedence<T>(a: Compiled<T>, b: Compiled<T>): number {
  const length = Math.max(a.precedence.length, b.precedence.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (a.precedence[index] ?? 0) - (b.precedence[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.template < b.template ? -1 : 1;
}

function satisfies(part: Parameter, value: string): boolean {
  return part.constraints.every((constraint) => constraint(value));
}

function bind(
  segments: readonly Segment[],
  values: readonly string[],
  end: string,
): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, part] of segments.entries()) {
    const value = values[index];
    if (part.kind === "parameter" && part.catchAll) {
      const given = values.slice(index).join("/");
      const rest = given === "" ? (part.defaultValue ?? "") : given + end;
      if (rest !== "" && !satisfies(part, rest)) return undefined;
      if (rest !== "") parameters[part.name] = rest;
      return parameters;
    }
    if (part.kind === "literal") {
      if (value?.toLowerCase() !== part.text.toLowerCase()) return undefined;
    } else if (part.kind === "complex") {
      const found = part.pattern.exec(value ?? "");
      if (found === null) return undefined;
      for (const [position, each] of part.parameters.entries()) {
        const text = found[position + 1] ?? "";
        if (!satisfies(each, text)) return undefined;
        parameters[each.name] = text;
      }
    } else if (value === undefined || value === "") {
      if (part.defaultValue !== undefined) parameters[part.name] = part.defaultValue;
      else if (!part.optional || value === "") return undefined;
    } else {
      if (!satisfies(part, value)) return undefined;
      parameters[part.name] = value;
    }
  }
  return values.length > segments.length ? undefined : parameters;
}

/** Compiles the routes; a template that cannot be read is a StartupError. */
export function createRouter<T>(
  routes: readonly Route<T>[],
): (method: string, path: string) => RouteMatch<T> | undefined {
  const compiled = routes.map(compile).sort(byPrecedence);
  return (method, path) => {
    const trimmed = path.replace(/^\//u, "").replace(/\/$/u, "");
    const parts = trimmed === "" ? [] : trimmed.split("/");
    const end = path.endsWith("/") ? "/" : "";
    for (const route of compiled) {
      // Invariant 3.
      if (!route.methods.has(method.toUpperCase())) continue;
      const parameters = bind(route.segments, parts, end);
      if (parameters !== undefined) return { target: route.target, parameters };
    }
    return undefined;
  };
}
