// Makes dist/sigil.zip, or another file that is named, of what `npm run build` has made: all that is deployed, whole. Nothing is
// installed where it runs. The same build gives the same bytes. dist/sigil/ has the same files, for azd, which zips a folder.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = ["chunks", "docs", "functions", "openapi", "page", "site"];

const { name, version, license, type, main, engines } = JSON.parse(
  await readFile(`${ROOT}package.json`, "utf8"),
);
// The schema of stored records, for infra/may-go-back.mjs.
const records = await readFile(`${ROOT}src/operation/records.ts`, "utf8");
const [, schema] = /^export const SCHEMA = (\d+);$/mu.exec(records);
const manifest = { name, version, license, type, main, engines, schema: Number(schema) };
const files = {
  "package.json": Buffer.from(JSON.stringify(manifest, null, 2)),
  "host.json": await readFile(`${ROOT}host.json`),
  // For the smoke test: a package that cannot be loaded has none of them, and says nothing.
  "functions.json": await readFile(`${ROOT}dist/functions.json`),
  LICENSE: await readFile(`${ROOT}LICENSE`),
  "THIRD-PARTY-NOTICES.txt": await readFile(`${ROOT}dist/THIRD-PARTY-NOTICES.txt`),
};
for (const folder of FOLDERS)
  for (const file of await filesIn(folder))
    files[`dist/${folder}/${file}`] = await readFile(`${ROOT}dist/${folder}/${file}`);

async function filesIn(folder) {
  const root = `${ROOT}dist/${folder}`;
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) =>
      path.relative(root, path.join(parentPath, name)).replaceAll("\\", "/"),
    )
    .sort();
}

// A zip has the time of day of wherever it was made, from 1980 on.
const zip = zipSync(files, { level: 9, mtime: new Date(1980, 0, 1) });
const { 2: named } = process.argv;
const file = named ?? `${ROOT}dist/sigil.zip`;
await writeFile(file, zip);
if (named === undefined) {
  const folder = `${ROOT}dist/sigil`;
  await rm(folder, { recursive: true, force: true });
  for (const [name, content] of Object.entries(files)) {
    const target = path.join(folder, name);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}
console.log(`${file}: ${Object.keys(files).length} files, ${(zip.length / 1e6).toFixed(2)} MB`);
