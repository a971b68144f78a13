// Bundles the Service Bus emulator and the ARM simulator into one file each, in dist/stand-ins or the folder given as argument,
// beside what makes containers of them.
// Node.js 20 or later runs them from any folder. THIRD-PARTY-NOTICES.txt has the licenses of the bundled packages.
import { copyFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { noticesOf, packageFolders, packagesIn } from "../infra/notices.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = path.resolve(process.argv[2] ?? path.join(ROOT, "dist/stand-ins"));

const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ["service-bus-emulator", "arm-simulator"].map((name) => ({
    in: `packages/${name}/src/main.ts`,
    out: name,
  })),
  outdir: FOLDER,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  conditions: ["sigil-source"],
  mainFields: ["module", "main"],
  target: "node20",
  external: ["supports-color"], // `debug` does without it
  // CommonJS packages call `require`, which an ES module does not have.
  banner: {
    js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
  },
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
  logLevel: "warning",
});

const notices = noticesOf(await packagesIn(ROOT, packageFolders(metafile)));
await writeFile(path.join(FOLDER, "THIRD-PARTY-NOTICES.txt"), notices);
for (const name of ["Dockerfile", "compose.yaml", "entities.json"])
  await copyFile(path.join(ROOT, "packages", name), path.join(FOLDER, name));
