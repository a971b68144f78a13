/** Formats an answer by `--output` and `--query`. */
import { UsageError } from "./exit-codes.js";
import { buildOf, harmless, oneLine, type Output, type Part } from "./harmless.js";
import type { Environment } from "./io.js";
import { styleFor, wrap, type Style } from "./style.js";

export const FORMATS = ["json", "jsonc", "none", "table", "tsv", "yaml", "yamlc"] as const;
export type Format = (typeof FORMATS)[number];

export interface Column {
  readonly title: string;
  readonly of: (entry: never) => unknown;
}

interface Shown {
  readonly format: Format;
  readonly query: string | undefined;
  readonly columns?: readonly Column[] | undefined;
}

export async function print(
  data: unknown,
  { format, query, columns }: Shown,
  stdout: Output,
  environment: Environment,
): Promise<void> {
  const selected = query === undefined ? data : await select(data, query);
  // As in az, an empty answer prints nothing.
  if (selected === undefined || selected === null || format === "none") return;
  const style = styleFor(stdout, environment);
  switch (format) {
    case "json":
      stdout.write(`${json(selected)}\n`);
      break;
    case "jsonc":
      stdout.write(...colouredJson(selected, style), "\n");
      break;
    case "yaml":
    case "yamlc":
      stdout.write(await yaml(selected, environment));
      break;
    case "tsv":
      stdout.write(tsv(selected));
      break;
    case "table":
      stdout.write(
        ...table(
          Array.isArray(selected) ? selected : [selected],
          query === undefined ? columns : undefined,
          style,
          stdout.isTTY ? stdout.columns : undefined,
        ),
      );
  }
}

/** JMESPath, as az's `--query`. Throws UsageError. */
export async function select(data: unknown, query: string): Promise<unknown> {
  const { default: jmespath } = await import("jmespath");
  try {
    return ofJson(jmespath.search(data, query));
  } catch (error) {
    throw new UsageError(
      `--query: ${(error as Error).message}. (https://jmespath.org says how to write it.)`,
      { cause: error },
    );
  }
}

/**
 * Drops members that every object inherits, such as `constructor`: JMESPath finds them, but no
 * answer has them.
 */
function ofJson(found: unknown): unknown {
  const text = JSON.stringify(found) as string | undefined;
  return text === undefined ? null : (JSON.parse(text) as unknown);
}

/** Checks the query before anything is sent. Throws UsageError. */
export async function checkQuery(query: string): Promise<void> {
  const { default: jmespath } = await import("jmespath");
  try {
    jmespath.compile(query);
  } catch (error) {
    throw new UsageError(
      `--query: ${(error as Error).message}. (https://jmespath.org says how to write it.)`,
      { cause: error },
    );
  }
}

/**
 * One line for each entry, with tabs between values; a list within an entry becomes its length, as
 * in az.
 */
export function tsv(data: unknown): string {
  const rows = Array.isArray(data) ? data : [data];
  return rows
    .map((row: unknown) => {
      const cells: unknown[] = Array.isArray(row)
        ? row
        : isObject(row)
          ? Object.values(row)
          : [row];
      return `${cells.map(tsvCell).join("\t")}\n`;
    })
    .join("");
}

function tsvCell(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (Array.isArray(value)) return String(value.length);
  if (isObject(value)) return "";
  return oneLine(typeof value === "string" ? value : JSON.stringify(value));
}

/** If less width than this is left, the last column is not wrapped: the terminal does it. */
const LEAST_WIDTH = 24;

/**
 * A table. Without given columns it shows each member with a single value under its name, as az
 * does. The last column wraps within `width`.
 */
function table(
  rows: readonly unknown[],
  columns: readonly Column[] | undefined,
  style: Style,
  width = Infinity,
): readonly Part[] {
  if (rows.length === 0) return [];
  const shown = columns ?? columnsOf(rows);
  const cells = rows.map((row) =>
    shown.map(({ of }) => cell((of as (row: unknown) => unknown)(row))),
  );
  const widths = shown.map(({ title }, i) =>
    Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + 2, 0);
  const room = width - before;
  const widest = widths.at(-1) ?? 0;
  const last = room < LEAST_WIDTH ? widest : Math.min(widest, room);
  widths.splice(-1, 1, last);
  const line = (parts: readonly string[]): string => {
    const [first = "", ...rest] = wrap(parts.at(-1) ?? "", last);
    return [
      [...parts.slice(0, -1), first]
        .map((part, i) => part.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
      ...rest.map((each) => `${" ".repeat(before)}${each}`),
    ].join("\n");
  };
  return [
    ...style("bold", line(shown.map(({ title }) => title))),
    "\n",
    `${line(widths.map((each) => "-".repeat(each)))}\n`,
    ...cells.map((row) => `${line(row)}\n`),
  ];
}

function columnsOf(rows: readonly unknown[]): Column[] {
  if (rows.every((row) => Array.isArray(row))) {
    const width = Math.max(...rows.map((row) => (row as unknown[]).length));
    return Array.from({ length: width }, (_, i) => ({
      title: `Column${i + 1}`,
      of: (row: unknown[]) => row[i],
    }));
  }
  if (!rows.every(isObject)) return [{ title: "Result", of: (row: unknown) => row }];
  const names = new Set(
    rows.flatMap((row) =>
      Object.entries(row)
        .filter(([, value]) => typeof value !== "object" || value === null)
        .map(([name]) => name),
    ),
  );
  return [...names].map((name) => ({
    title: cell(`${name.charAt(0).toUpperCase()}${name.slice(1)}`),
    of: (row: Record<string, unknown>) => row[name],
  }));
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.map(cell).join(", ");
  if (isObject(value)) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return oneLine(text.replaceAll(/\s+/gu, " "));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

/** Only quoted text in YAML can hold an escape. */
async function yaml(value: unknown, environment: Environment): Promise<string> {
  const { stringify } = await import("yaml");
  const text = stringify(value);
  return harmless(text, buildOf(environment)) === text
    ? text
    : stringify(value, {
        defaultStringType: "QUOTE_DOUBLE",
        doubleQuotedMinMultiLineLength: Infinity,
        lineWidth: 0,
      });
}

function colouredJson(value: unknown, style: Style): readonly Part[] {
  return json(value)
    .split(/("(?:[^"\\]|\\.)*":?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/u)
    .flatMap((text, i) => {
      if (i % 2 === 0) return [text];
      if (!text.startsWith('"')) return style("cyan", text);
      return text.endsWith(":") ? [...style("blue", text.slice(0, -1)), ":"] : style("green", text);
    });
}
