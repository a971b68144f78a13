import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

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

function packagesIn(lock: string): Readonly<Record<string, LockedPackage>> {
  const { packages } = JSON.parse(readFileSync(lock, "utf8")) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  return packages;
}

/** By the folder that npm puts it into, such as `node_modules/debug`; the product itself is "". */
export const locked = packagesIn("package-lock.json");

/**
 * Folders of the packages that a deployment has, sorted: what the commands of docs/deploy.md leave of node_modules. npm
 * runs for real, in a copy that has of each package what npm looks at: its package.json.
 */
export function deployedFolders(): string[] {
  const copy = mkdtempSync(path.join(tmpdir(), "sigil-deployment-"));
  const npm = (...args: readonly string[]): void =>
    void execFileSync("npm", args, {
      cwd: copy,
      stdio: ["ignore", "ignore", "inherit"],
      shell: process.platform === "win32",
    });
  try {
    for (const file of ["package.json", "package-lock.json", ".npmrc"])
      copyFileSync(file, path.join(copy, file));
    const installed = "node_modules/.package-lock.json";
    for (const [folder, { resolved, link }] of Object.entries(
      packagesIn(installed),
    )) {
      const place = path.join(copy, folder);
      mkdirSync(path.dirname(place), { recursive: true });
      if (link) {
        symlinkSync(path.join(copy, resolved ?? ""), place, "junction");
      } else {
        mkdirSync(place, { recursive: true });
        copyFileSync(`${folder}/package.json`, `${place}/package.json`);
      }
    }
    copyFileSync(installed, path.join(copy, installed));
    npm("pkg", "delete", "workspaces");
    npm("prune", "--omit=dev", "--offline", "--no-audit", "--silent");
    return Object.keys(packagesIn(path.join(copy, installed)))
      .filter((folder) => folder.startsWith("node_modules/"))
      .sort();
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
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
