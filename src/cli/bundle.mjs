// Makes dist/sigil.cjs of the sources and of the packages that they need: one file that Node.js alone runs. Likewise the GitHub
// Action. What is loaded when it
// is needed (signing in, YAML, JMESPath) is in the same file, and not evaluated before. Beside it, under which terms the packages are.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { noticesOf, packageFolders, packagesIn } from "../../infra/notices.mjs";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const ROOT = path.resolve(FOLDER, "../..");
const { version } = JSON.parse(await readFile(path.join(FOLDER, "package.json"), "utf8"));

const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: {
    "src/cli/dist/sigil": path.join(FOLDER, "src/sigil.ts"),
    "integrations/github/dist/index": path.join(FOLDER, "src/github-action.ts"),
  },
  outdir: ROOT,
  outExtension: { ".js": ".cjs" },
  bundle: true,
  // What a package wants of Node.js itself is then required when the package is, and not when the file is read.
  format: "cjs",
  platform: "node",
  conditions: ["sigil-source"],
  // CommonJS where a package has both: esbuild evaluates that when it is required, not before.
  mainFields: ["main", "module"],
  target: "node20",
  define: { SIGIL_CLI_VERSION: JSON.stringify(version) },
  minify: true,
  keepNames: true,
  metafile: true,
  logLevel: "warning",
});

const notices = noticesOf(await packagesIn(ROOT, packageFolders(metafile)));
for (const folder of [FOLDER, path.join(ROOT, "integrations/github")])
  await writeFile(path.join(folder, "dist/THIRD-PARTY-NOTICES.txt"), notices);
