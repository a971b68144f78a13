// Makes dist/release/ of what `npm run package` has made: the deployment, the command line, the client, the GitHub Action with its
// dist, the documentation site, the stand-ins for Service Bus and ARM, their checksums, and the release notes. All are of one version. The same build gives the same files.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const FOLDER = "dist/release";
const { version } = JSON.parse(readFileSync("package.json", "utf8"));

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
copyFileSync("dist/sigil.zip", `${FOLDER}/sigil-${version}.zip`);
for (const workspace of ["src/cli", "src/client"])
  npm("pack", "--silent", "-w", workspace, "--pack-destination", FOLDER);
writeFileSync(
  `${FOLDER}/sigil-action-${version}.zip`,
  zipOf("integrations/github", [
    "action.yml",
    "README.md",
    "dist/index.cjs",
    "dist/THIRD-PARTY-NOTICES.txt",
  ]),
);
writeFileSync(`${FOLDER}/sigil-docs-${version}.zip`, zipOf("dist/site", filesIn("dist/site")));
writeFileSync(
  `${FOLDER}/sigil-stand-ins-${version}.zip`,
  zipOf("dist/stand-ins", filesIn("dist/stand-ins")),
);
writeFileSync(`${FOLDER}/RELEASE-NOTES.md`, notes());
const names = readdirSync(FOLDER).sort();
writeFileSync(
  `${FOLDER}/SHA256SUMS`,
  names
    .map((name) => {
      const content = readFileSync(`${FOLDER}/${name}`);
      return `${createHash("sha256").update(content).digest("hex")}  ${name}\n`;
    })
    .join(""),
);
console.log([...names, "SHA256SUMS"].map((name) => `${FOLDER}/${name}`).join("\n"));

function npm(...args) {
  const { npm_execpath: script } = process.env;
  if (script) execFileSync(process.execPath, [script, ...args]);
  else execFileSync("npm", args, { shell: process.platform === "win32" });
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) =>
      path.relative(folder, path.join(parentPath, name)).replaceAll("\\", "/"),
    )
    .sort();
}

function zipOf(folder, files) {
  const contents = Object.fromEntries(
    files.map((name) => [name, readFileSync(path.join(folder, name))]),
  );
  // A zip has the time of day of wherever it was made, from 1980 on.
  return zipSync(contents, { level: 9, mtime: new Date(1980, 0, 1) });
}

/** What CHANGELOG.md says of this version. */
function notes() {
  const [, newest = ""] = readFileSync("CHANGELOG.md", "utf8").split(/^## /mu);
  if (!newest.startsWith(version)) throw new Error(`CHANGELOG.md does not begin with ${version}.`);
  return `# Sigil ${newest.trimEnd()}\n`;
}
