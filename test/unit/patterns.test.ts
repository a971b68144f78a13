/** No pattern that a caller's text meets takes more than so many steps for each character: 8 KB of it must not hold up an instance. */
import { readdirSync, readFileSync } from "node:fs";
import * as ts from "typescript";
import { expect, test } from "vitest";
import { createAjv } from "../../src/http/contract/validation.js";
import { content } from "./http/contract/document.js";

const LENGTH = 8_192;
/** What is linear takes less than ten times as long as the simplest pattern; what is quadratic, a thousand times. */
const MOST_TIMES = 100;

/** Of these rooms alone the texts are the deployment's, Azure's or the command line's. */
const NOT_CALLERS = /^(?:azure|cli|client|config|generated|local|page)\//u;

interface Pattern {
  readonly name: string;
  readonly source: string;
  readonly run: (text: string) => unknown;
}

function patternsIn(file: string): Pattern[] {
  const found: Pattern[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf("/");
      const source = node.text.slice(1, end);
      const pattern = new RegExp(source, node.text.slice(end + 1));
      found.push({
        name: `${file} ${node.text}`,
        source,
        run: (text) => text.replace(pattern, ""),
      });
    }
    ts.forEachChild(node, look);
  };
  const text = readFileSync(`src/${file}`, "utf8");
  look(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return found;
}

/** Of the schemas, as they are compiled. */
function documented(): Pattern[] {
  const sources = [...JSON.stringify(content).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/gu)].map(
    ([, source = ""]) => JSON.parse(source) as string,
  );
  return [...new Set(sources)].map((source) => {
    const pattern = new RegExp(source, "u");
    return { name: source, source, run: (text) => pattern.test(text) };
  });
}

function formats(): Pattern[] {
  return Object.entries(createAjv().formats).flatMap(([name, format]) => {
    const validate = typeof format === "object" && "validate" in format ? format.validate : format;
    const run =
      validate instanceof RegExp
        ? (text: string) => validate.test(text)
        : (validate as ((text: string) => unknown) | undefined);
    return typeof run === "function" ? [{ name, source: "", run }] : [];
  });
}

const SINGLE = [..."aA0/ .-_=:;,+%~@#?&{[(<\"'\\\n\t"];

/** Texts that begin as the pattern does, go on with a part of it again and again, and end as it does not. */
function* hostileTo(source: string): Generator<string> {
  const words = (source.replaceAll("\\/", "/").match(/[\w/=:; {"]+/gu) ?? [])
    .flatMap((word) => [word, word.replace(/^[bdsuwDSW]/u, "")])
    .filter((word) => word.length > 1 && word.length < 40);
  const begins = ["", ...words.slice(0, 1), "a"];
  for (const begin of begins)
    for (const part of [...words, ...SINGLE, "a.", "a/", "a-", "0."])
      for (const end of ["", "!", "\n"]) {
        const times = Math.floor(LENGTH / part.length);
        yield begin + part.repeat(times) + end;
      }
}

function cpuMicroseconds(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** The least of several: what else the process does is in none of them for ever. */
function leastOf(run: () => unknown, times: number): number {
  return Math.min(...Array.from({ length: times }, () => cpuMicroseconds(run)));
}

const SIMPLEST = /^(?:a|b)*$/u;
const text = "ab".repeat(LENGTH / 2);
/** A clock that is coarse would show nothing of so short a run. */
const unit = Math.max(
  leastOf(() => SIMPLEST.test(text), 20),
  20,
);

function worst({ source, run }: Pattern): string | undefined {
  for (const hostile of hostileTo(source)) {
    const isSlow = (times: number): boolean =>
      leastOf(() => run(hostile), times) > unit * MOST_TIMES;
    if (isSlow(1) && isSlow(5)) return hostile.slice(0, 20);
  }
  return undefined;
}

test("is linear", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => /\.ts$/u.test(file) && !NOT_CALLERS.test(file));
  const patterns = [...files.flatMap(patternsIn), ...documented(), ...formats()];
  expect(patterns.length).toBeGreaterThan(100);
  expect(
    patterns.flatMap((pattern) => {
      const begin = worst(pattern);
      return begin === undefined ? [] : [`${pattern.name}: ${begin}…`];
    }),
  ).toEqual([]);
});

test("what is quadratic is found", () => {
  for (const source of ["eyJ[\\w-]+\\.[\\w-]+", "/+$", "/source/.*id$"]) {
    const pattern = new RegExp(source, "u");
    const run = (text: string) => pattern.test(text);
    expect(worst({ name: source, source, run })).toBeDefined();
  }
});
