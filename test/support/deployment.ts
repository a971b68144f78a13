import { readFileSync } from "node:fs";

/** A package as package-lock.json has it. */
export interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly resolved?: string;
  /** A folder of this repository, which `resolved` names. */
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** By the folder that npm puts it into, such as `node_modules/debug`; the product itself is "". */
export const locked = (
  JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  }
).packages;

/** Folders of the packages of which something is deployed, sorted: what the build has taken of node_modules. */
export function bundledFolders(): string[] {
  const packages = JSON.parse(readFileSync("dist/bundled-packages.json", "utf8")) as readonly {
    readonly folder: string;
  }[];
  return packages.map(({ folder }) => folder);
}

/** Folders of these packages and of all that they need, as Node.js finds each from where it is asked for; sorted. */
export function neededBy(names: readonly string[], from = "", found = new Set<string>()): string[] {
  for (const name of names) {
    const folder = folderOf(name, from);
    if (folder === undefined || found.has(folder)) continue;
    found.add(folder);
    const { resolved, ...manifest } = locked[folder] ?? {};
    // A workspace is a link in node_modules; what it needs stands where it is.
    const needs = resolved === undefined ? manifest : (locked[resolved] ?? {});
    neededBy(
      Object.keys({
        ...needs.dependencies,
        ...needs.optionalDependencies,
        ...needs.peerDependencies,
      }),
      resolved ?? folder,
      found,
    );
  }
  return [...found].sort();
}

function folderOf(name: string, from: string): string | undefined {
  const folder = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
  if (locked[folder] !== undefined) return folder;
  if (from === "") return undefined;
  const parent = from.lastIndexOf("/node_modules/");
  return folderOf(name, parent < 0 ? "" : from.slice(0, parent));
}
