/** `--file`: reads the body of a request from a file, and finds the line of each of its parts. */
import { readFile } from "node:fs/promises";
import type { Io } from "./io.js";
import { UsageError } from "./exit-codes.js";

export interface Place {
  readonly file: string;
  readonly line: number;
}

/** Where the value of a JSON Pointer into a request, or its nearest ancestor, is written; undefined: in no file. */
export type Places = (pointer: string) => Promise<Place | undefined>;

export interface BodyFile {
  /** `-` for standard input. */
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly placeOf: Places;
}

type Path = readonly (string | number)[];

/**
 * Reads a JSON file that holds the body itself, an ARM template with one image version, or
 * deployment parameters, one of which is the body. Throws UsageError.
 */
export async function readBodyFile(name: string, io: Io): Promise<BodyFile> {
  if (/\.bicep(?:param)?$/iu.test(name))
    throw new UsageError(
      `${name} is Bicep. Make JSON of it first: az bicep ${name.endsWith("param") ? "build-params" : "build"} --file ${name}`,
    );
  const text = await readText(name, io);
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/u, ""));
  } catch (error) {
    throw new UsageError(`${name} is no JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const path = pathOfBody(json, name);
  const body = at(json, path);
  if (!isObject(body)) throw new UsageError(`${name} has no JSON object.`);
  // Drop the members that only a template has.
  const { apiVersion: _apiVersion, dependsOn: _dependsOn, ...rest } = body;
  return {
    name,
    body: path.length === 0 ? body : rest,
    placeOf: async (pointer) =>
      name === "-"
        ? undefined
        : { file: name, line: await lineAt(text, [...path, ...stepsOf(pointer)]) },
  };
}

/** The steps of a JSON Pointer (RFC 6901). */
export function stepsOf(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function pathOfBody(json: unknown, name: string): Path {
  if (!isObject(json)) return [];
  if (Array.isArray(json["resources"])) {
    const found = json["resources"].flatMap((resource: unknown, i) =>
      isObject(resource) &&
      String(resource["type"]).toLowerCase() === "microsoft.compute/galleries/images/versions"
        ? [i]
        : [],
    );
    if (found.length !== 1)
      throw new UsageError(
        `${name} is a template with ${found.length} image versions. Give one with a single one.`,
      );
    const path = ["resources", found[0] ?? 0];
    if (/"\[(?!\[)/u.test(JSON.stringify(at(json, path))))
      throw new UsageError(
        `${name} is a template with expressions ("[…]"), which only Azure evaluates. Give the values.`,
      );
    return path;
  }
  if (isObject(json["parameters"]) && json["properties"] === undefined) {
    const { parameters } = json;
    const found = Object.keys(parameters).filter((each) => {
      const value = at(parameters, [each, "value"]);
      return isObject(value) && isObject(value["properties"]);
    });
    if (found.length !== 1)
      throw new UsageError(
        `${name} is a file of parameters, and ${found.length === 0 ? "none" : "more than one"} of them has a value with "properties", as an image version has.`,
      );
    return ["parameters", found[0] ?? "", "value"];
  }
  return [];
}

/** JSON is YAML, and the YAML parser knows the position of each part. */
async function lineAt(text: string, path: Path): Promise<number> {
  const { isCollection, isPair, LineCounter, parseDocument } = await import("yaml");
  const lineCounter = new LineCounter();
  let node: unknown = parseDocument(text, { lineCounter }).contents;
  let line = 1;
  for (const step of path) {
    if (!isCollection(node)) break;
    const item: unknown = node.items.find((each, i) =>
      isPair(each) ? String(each.key) === String(step) : String(i) === String(step),
    );
    if (item === undefined) break;
    const shown = (isPair(item) ? item.key : item) as { range?: number[] };
    line = lineCounter.linePos(shown.range?.[0] ?? 0).line;
    node = isPair(item) ? item.value : item;
  }
  return line;
}

async function textOf(name: string): Promise<string> {
  try {
    return await readFile(name, "utf8");
  } catch (error) {
    throw new UsageError(`${name} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** `-` is standard input. Throws UsageError. */
export async function readText(name: string, { stdin }: Io): Promise<string> {
  return name === "-" ? allOf(stdin) : textOf(name);
}

async function allOf(stdin: Io["stdin"]): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stdin) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString("utf8");
}

function at(json: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === "object" && value !== null
        ? (value as Record<string, unknown>)[step]
        : undefined,
    json,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
