// Makes of the sources what is deployed and what `npm start` runs: dist/functions/, the entries that package.json names;
// dist/chunks/, what they share and what is loaded late; dist/page/, the page for people. Beside it, dist/bundled-packages.json says which packages are in
// there, and dist/THIRD-PARTY-NOTICES.txt under which terms.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { noticesOf, packageFolders, packagesIn } from "./notices.mjs";
import { buildPage } from "../src/page/bundle.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Packages that other parts of the build take: openapi/generate.mjs for /api/docs, docs/site.mjs for the search of the site. */
const COPIED = ["node_modules/minisearch", "node_modules/swagger-ui-dist"];

/**
 * Node.js reads a source map when it loads a module, and decodes it at the first error: the packages' positions would be four
 * fifths of that. So a map tells of a package its file, and of Sigil the very position.
 */
const packagesByFile = {
  name: "packages-by-file",
  setup: ({ onLoad }) =>
    // eslint-disable-next-line require-unicode-regexp -- Go reads it, which has no flags.
    onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async (file) => {
      const map = JSON.stringify({
        version: 3,
        sources: [path.basename(file.path)],
        mappings: "AAAA",
      });
      const code = await readFile(file.path, "utf8");
      const url = `data:application/json;base64,${Buffer.from(map).toString("base64")}`;
      return { contents: `${code}\n//# sourceMappingURL=${url}`, loader: "js" };
    }),
};

const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ["functions/*.ts"],
  outdir: "dist",
  outbase: ".",
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  // ES modules where a package has both: what is not used of them is left out, and nothing is there twice.
  mainFields: ["module", "main"],
  target: "node22",
  // The Functions worker answers `require("@azure/functions-core")` itself; it is on no registry. `debug` does without
  // supports-color, which is here for what develops Sigil.
  external: ["@azure/functions-core", "supports-color"],
  // For the packages that are CommonJS, of which an ES module knows no `require`.
  banner: {
    js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
  },
  // Half of a start is reading code. Names stay: stack traces and errors show them.
  minifySyntax: true,
  minifyWhitespace: true,
  plugins: [packagesByFile],
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  logLevel: "warning",
});

// The runtime registers every file that lies there: none stays whose source is gone.
const written = new Set(Object.keys(metafile.outputs));
for (const folder of ["dist/functions", "dist/chunks"])
  for (const file of await readdir(path.join(ROOT, folder)))
    if (!written.has(`${folder}/${file}`))
      await rm(path.join(ROOT, folder, file), { recursive: true });

const page = await buildPage(path.join(ROOT, "dist/page"));
// A stand-in would be one as well.
const folders = [metafile, page].flatMap((one) => [...packageFolders(one, "|packages/")]);
const packages = await packagesIn(ROOT, new Set([...COPIED, ...folders]));
await write(
  "bundled-packages.json",
  JSON.stringify(
    packages.map(({ terms: _, ...one }) => one),
    null,
    2,
  ),
);
await write("THIRD-PARTY-NOTICES.txt", noticesOf(packages));
await write("functions.json", JSON.stringify(await functionNames(), null, 2));

/** One an operation of the API, those that src/http/routes.ts names, and one a file for queues and timers. */
async function functionNames() {
  const { paths } = JSON.parse(
    await readFile(path.join(ROOT, "dist/openapi/openapi.json"), "utf8"),
  );
  const operations = Object.values(paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ operationId }) => operationId ?? []),
  );
  const routes = await readFile(path.join(ROOT, "src/http/routes.ts"), "utf8");
  return [
    ...operations.map((name) =>
      name
        .replace(/(?<=Open|Async)Api/u, "api")
        .replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`),
    ),
    ...[...routes.matchAll(/name: "([a-z-]+)"/gu)].map(([, name]) => name),
    ...(await readdir(path.join(ROOT, "functions")))
      .map((file) => file.replace(/\.ts$/u, ""))
      .filter((name) => !["http", "telemetry"].includes(name)),
  ].sort();
}

async function write(name, text) {
  await mkdir(path.join(ROOT, "dist"), { recursive: true });
  await writeFile(path.join(ROOT, "dist", name), text);
}
