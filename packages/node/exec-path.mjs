// Makes `process.execPath`, and `node` on PATH, a Node.js that Azure runs Sigil on: this one, if it is, or else one that npm
// installs first. All processes that are started from here on run on it.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";

const folder = import.meta.dirname;
const root = path.join(folder, "../..");
const { engines } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const [major] = process.versions.node.split(".");
const first = process.execPath === process.argv[0]; // Vitest reads its configuration several times
if (first && !engines.node.split(" || ").includes(major)) {
  const install = ["test/install.mjs", "packages/node"];
  spawnSync(process.execPath, install, { cwd: root, stdio: "inherit" });
  process.env.PATH = `${path.join(folder, "node_modules/.bin")}${path.delimiter}${process.env.PATH}`;
  const { stdout } = spawnSync("node", ["-p", "process.execPath"], {
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (stdout.trim() === process.execPath) {
    // What is optional npm takes for installed where it could not be fetched, too.
    rmSync(path.join(folder, "node_modules"), { recursive: true, force: true });
    console.error(
      `Sigil runs on Node.js ${engines.node}, this is ${process.version}, and npm has brought none that runs here. Install one, or try again.`,
    );
    process.exit(1);
  }
  process.execPath = stdout.trim();
}
