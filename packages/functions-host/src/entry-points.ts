import { readdirSync } from "node:fs";
import { join } from "node:path";

function segmentPattern(segment: string): RegExp {
  const source = segment
    .replaceAll(/[.+^$(){}|[\]\\]/gu, String.raw`\$&`)
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  return new RegExp(`^${source}$`, "u");
}

/** `{a,b}` written out: `x/{a,b}.js` is `x/a.js` and `x/b.js`. */
function alternatives(pattern: string): string[] {
  const match = /^(.*?)\{([^{}]*)\}(.*)$/u.exec(pattern);
  if (match === null) return [pattern];
  const [, before = "", choices = "", after = ""] = match;
  return choices.split(",").flatMap((choice) => alternatives(before + choice + after));
}

function walk(root: string, path: string, segments: readonly string[]): string[] {
  const [segment, ...rest] = segments;
  if (segment === undefined) return [];
  const entries = readdirSync(join(root, path), {
    withFileTypes: true,
  }).filter((entry) => entry.name !== "node_modules");
  const below = (name: string): string => (path === "" ? name : `${path}/${name}`);
  if (segment === "**")
    return [
      ...walk(root, path, rest),
      ...entries
        .filter((entry) => entry.isDirectory())
        .flatMap((entry) => walk(root, below(entry.name), segments)),
    ];
  const pattern = segmentPattern(segment);
  const hidden = segment.startsWith(".");
  return entries
    .filter(({ name }) => pattern.test(name) && (hidden || !name.startsWith(".")))
    .flatMap((entry) => {
      if (rest.length > 0) return entry.isDirectory() ? walk(root, below(entry.name), rest) : [];
      return entry.isFile() ? [below(entry.name)] : [];
    });
}

/** The files under `root` that a package.json `main` names (`*`, `**`, `?`, `{a,b}`), sorted, relative to `root`. */
export function findEntryPoints(root: string, main: string): string[] {
  const found = alternatives(main).flatMap((pattern) =>
    walk(
      root,
      "",
      pattern.split("/").filter((part) => part !== "" && part !== "."),
    ),
  );
  return [...new Set(found)].sort();
}
