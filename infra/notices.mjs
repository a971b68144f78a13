import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

/** Folders of the npm packages whose code is in a bundle, from esbuild's metafile. `extra`: other folders that count as packages. */
export function packageFolders(metafile, extra = "") {
  const pattern = new RegExp(`^(?:(?:.*/)?node_modules/(?:@[^/]+/)?${extra})[^/]+`, "u");
  return new Set(
    Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([file, { bytesInOutput }]) =>
        bytesInOutput > 0 ? (pattern.exec(file)?.[0] ?? []) : [],
      ),
    ),
  );
}

/** Name, version and license text of each package. */
export async function packagesIn(root, folders) {
  const packages = [];
  for (const folder of [...folders].sort()) {
    const at = path.join(root, folder);
    const { name, version, license } = JSON.parse(
      await readFile(path.join(at, "package.json"), "utf8"),
    );
    const texts = (await readdir(at))
      .filter((file) => /^(?:licen[cs]e|notice|copying)/iu.test(file))
      .map((file) => readFile(path.join(at, file), "utf8"));
    const terms = (await Promise.all(texts)).join("\n\n");
    packages.push({ folder, name, version, license, terms });
  }
  return packages;
}

/** The text of THIRD-PARTY-NOTICES.txt. */
export function noticesOf(packages) {
  return packages
    .map(
      ({ name, version, license, terms }) =>
        `${"=".repeat(80)}\n${name} ${version}: ${license}\n\n${terms}`,
    )
    .join("\n\n");
}
