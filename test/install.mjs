// Installs what a folder needs and nobody else does: `npm ci` at the root leaves it out. A folder that has what its
// package-lock.json says is left alone. node test/install.mjs test/clients …
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";

const timeOf = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

for (const folder of process.argv.slice(2)) {
  const installed = timeOf(`${folder}/node_modules/.package-lock.json`);
  if (installed >= timeOf(`${folder}/package-lock.json`)) continue;
  console.log(`npm ci in ${folder}: what the root leaves out`);
  const args = ["ci", "--no-audit", "--no-fund", "--prefix", "."];
  const { status } = spawnSync("npm", args, {
    cwd: folder,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) process.exit(1);
}
