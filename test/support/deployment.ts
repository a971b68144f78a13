import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A package as package-lock.json has it. */
export interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly resolved?: string;
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

/** Folders of what `npm ci --omit=dev --workspaces=false` installs, as npm says, sorted. docs/deploy.md deploys these. */
export function deployedFolders(): string[] {
  const list = "ls --all --package-lock-only --parseable";
  const flags = "--omit=dev --workspaces=false";
  const printed = execFileSync("npm", `${list} ${flags}`.split(" "), {
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  const [root = "", ...folders] = printed.trim().split(/\r?\n/u);
  return folders
    .map((folder) => folder.slice(root.length + 1).replaceAll("\\", "/"))
    .sort();
}

/** Folders of these packages and of all that they need, as Node.js finds each from where it is asked for; sorted. */
export function neededBy(
  names: readonly string[],
  from = "",
  found = new Set<string>(),
): string[] {
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
