// Makes of each stand-in that runs by itself one file, dist/stand-ins/{name}.mjs, or in another folder that is named. Node.js 20
// runs it from any folder. Beside them, under which terms the packages in there are.
import { writeFile } from "node:fs/promises";
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
  // For the packages that are CommonJS, of which an ES module knows no `require`.
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
