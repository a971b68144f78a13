import { readdirSync } from "node:fs";
import { readAsyncApi, readOpenApi } from "../../support/contracts.js";

const RELEASED = "openapi/released";

/** A version of three numbers, as one that compares. */
export function numbers(version: string): number[] {
  return version.split(".").map(Number);
}

/** Negative where `a` is the earlier version. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  const at = left.findIndex((part, i) => part !== right[i]);
  return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

/** The last version that was released, and its documents. */
export const latest = readdirSync(RELEASED).sort(compareVersions).at(-1) ?? "";
export const released = readOpenApi(`${RELEASED}/${latest}`);
export const releasedEvents = readAsyncApi(`${RELEASED}/${latest}`, released);

export type Change = (parent: Record<string, unknown>, name: string) => void;

/** A copy of `document`, changed at the place that `path` names; its last name is "+" where something is added. */
export function changed<T extends object>(document: T, path: readonly string[], change: Change): T {
  const copy = structuredClone(document);
  let parent: unknown = copy;
  for (const name of path.slice(0, -1)) parent = (parent as Record<string, unknown>)[name];
  const name = path.at(-1) ?? "";
  const at = parent as Record<string, unknown>;
  if (!(name in at) && name !== "+") throw new TypeError(`no ${path.join("/")}`);
  change(at, name);
  return copy;
}

export const remove: Change = (parent, name) => {
  delete parent[name];
};
export const set =
  (value: unknown): Change =>
  (parent, name) => {
    parent[name] = value;
  };
export const add =
  (name: string, value: unknown): Change =>
  (parent) => {
    parent[name] = value;
  };

/** Where a schema is in either document. */
export const schema = (...path: string[]): string[] => ["components", "schemas", ...path];
