/** Image versions that files declare, for `sigil apply`. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { imageVersionPath } from "@sigil/client";
import { readBodyFile, stepsOf, type BodyFile, type Places } from "./body-file.js";
import { MOST_ITEMS } from "./commands/batch.js";
import { UsageError } from "./exit-codes.js";
import type { Io } from "./io.js";

type Json = Readonly<Record<string, unknown>>;

/** An image version as a file says it should be. */
export interface Declared {
  readonly id: string;
  readonly stage?: number;
  readonly body: object;
  readonly file: BodyFile;
  /** The JSON Pointer of its target in the file; empty: the file has only this one. */
  readonly target: string;
}

/** What every file declares; `number` is that of ids without one. Throws UsageError. */
export async function declaredIn(
  names: readonly string[],
  number: string | undefined,
  io: Io,
): Promise<readonly Declared[]> {
  const declared: Declared[] = [];
  for (const name of await filesOf(names)) {
    const file = await readBodyFile(name, io);
    for (const one of targetsOf(file)) {
      const id = await idOf(one, number);
      const other = declared.find((each) => isSameId(each.id, id));
      if (other !== undefined)
        throw new UsageError(
          `${await whereOf(one)} declares ${id}, as ${await whereOf(other)} does. Keep one of them.`,
        );
      declared.push({ ...one, id });
    }
  }
  if (declared.length > MOST_ITEMS)
    throw new UsageError(
      `The files declare ${declared.length} image versions, and a batch takes ${MOST_ITEMS}. Apply fewer files at a time.`,
    );
  return declared;
}

async function filesOf(names: readonly string[]): Promise<readonly string[]> {
  const files = await Promise.all(
    names.map(async (name) => {
      const isDirectory = name !== "-" && (await stat(name).catch(() => undefined))?.isDirectory();
      if (!isDirectory) return [name];
      const found = (await readdir(name)).filter((each) => each.endsWith(".json")).sort();
      if (found.length === 0) throw new UsageError(`${name} has no .json file.`);
      return found.map((each) => path.join(name, each));
    }),
  );
  return files.flat();
}

/** The file itself, or each of its targets merged over the rest. */
function targetsOf(file: BodyFile): readonly Declared[] {
  const { targets, ...common } = file.body;
  if (targets === undefined) return [declaredBy(common, file, "")];
  if (common["id"] !== undefined)
    throw new UsageError(`${file.name} has "id" and "targets". Move "id" into a target.`);
  if (!Array.isArray(targets) || targets.length === 0)
    throw new UsageError(`"targets" of ${file.name} must be a list with at least one target.`);
  return targets.map((target: unknown, index) =>
    declaredBy(merged(common, target), file, `/targets/${index}`),
  );
}

function declaredBy(body: unknown, file: BodyFile, target: string): Declared {
  const { id, stage, ...rest } = (isObject(body) ? body : {}) as Json;
  return {
    id: typeof id === "string" ? id : "",
    ...(stage !== undefined && { stage: stage as number }),
    ...{ body: rest, file, target },
  };
}

/** RFC 7396. */
function merged(onto: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const next: Record<string, unknown> = isObject(onto) ? { ...onto } : {};
  for (const [name, value] of Object.entries(patch))
    if (value === null) delete next[name];
    else next[name] = merged(next[name], value);
  return next;
}

/** Of the version: an id without a number takes `number`. Throws UsageError. */
async function idOf(declared: Declared, number: string | undefined): Promise<string> {
  const { id } = declared;
  if (imageVersionPath(id) !== undefined) return id;
  const where = await whereOf(declared);
  if (imageVersionPath(`${id}/versions/0.0.0`) === undefined)
    throw new UsageError(
      id === ""
        ? `${where} needs "id", the ID of an image version or image definition, or "targets".`
        : `${where} has an "id" that is no ID of an image version or image definition: ${id}`,
    );
  if (number === undefined)
    throw new UsageError(
      `${where} has the "id" of an image definition: give the number by --gallery-image-version.`,
    );
  return `${id}/versions/${number}`;
}

async function whereOf({ file, target }: Declared): Promise<string> {
  const place = await file.placeOf(target === "" ? "/id" : target);
  return place === undefined ? "Standard input" : `${place.file}:${place.line}`;
}

/** Where the parts of the batch's request are written: in a target, or else in the rest of its file. */
export function placesOf(declared: readonly Declared[]): Places {
  return async (pointer) => {
    const [, index, rest = ""] = /^\/items\/(\d+)(?:\/body)?(\/.*)?$/u.exec(pointer) ?? [];
    const one = declared[Number(index)];
    if (one === undefined) return undefined;
    const { file, target } = one;
    const isOfTarget =
      target !== "" && depthOf(file.body, `${target}${rest}`) - 2 >= depthOf(file.body, rest);
    return file.placeOf(isOfTarget || rest === "" ? `${target}${rest}` : rest);
  };
}

/** How many steps of the pointer lead to something. */
function depthOf(json: unknown, pointer: string): number {
  let depth = 0;
  let value = json;
  for (const step of stepsOf(pointer)) {
    value = typeof value === "object" && value !== null ? (value as Json)[step] : undefined;
    if (value === undefined) break;
    depth += 1;
  }
  return depth;
}

export function isSameId(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
