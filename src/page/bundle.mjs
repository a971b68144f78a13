// Makes of the sources what the function app serves at /api/ui/: index.html, and under assets/ files that are named by their
// content. Without source maps: nobody but who is signed in has a use for them, and this repository has the sources.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const ROOT = path.resolve(FOLDER, "../..");
/** Where the function app serves them: the prefix of its routes, and the page's own. */
const ADDRESS = "/api/ui/assets/";

/** Writes the page into `target`, and answers esbuild's metafile. */
export async function buildPage(target) {
  const assets = path.join(target, "assets");
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: {
      page: path.join(FOLDER, "src/main.tsx"),
      icon: path.join(FOLDER, "icon.svg"),
    },
    outdir: assets,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: ["chrome120", "firefox121", "safari17"],
    conditions: ["sigil-source"],
    tsconfig: path.join(FOLDER, "tsconfig.json"),
    loader: { ".svg": "copy" },
    minify: true,
    metafile: true,
    logLevel: "warning",
  });
  const names = Object.keys(metafile.outputs).map((file) => path.basename(file));
  const template = await readFile(path.join(FOLDER, "index.html"), "utf8");
  const index = template.replace(/\{(\w+)\.(\w+)\}/gu, (_, name, extension) => {
    const hashed = names.find(
      (each) => each.startsWith(`${name}-`) && each.endsWith(`.${extension}`),
    );
    return ADDRESS + hashed;
  });
  await mkdir(assets, { recursive: true });
  for (const file of await readdir(assets))
    if (!names.includes(file)) await rm(path.join(assets, file));
  await writeFile(path.join(target, "index.html"), index);
  return metafile;
}
