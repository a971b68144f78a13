import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { unzipSync } from "fflate";
import { expect, test } from "vitest";

const run = promisify(execFile);
const FOLDER = "dist/release";

test("a release is the deployment, the command line, the client, the Action, the documents and the stand-ins, of one version, with checksums and notes", async () => {
  const { version } = JSON.parse(await readFile("package.json", "utf8")) as {
    readonly version: string;
  };
  await run(process.execPath, ["infra/package.mjs"]);
  await run(process.execPath, ["packages/bundle.mjs"]);
  await run(process.execPath, ["infra/release.mjs"], {
    env: { ...process.env, npm_execpath: "" },
  });
  const sums = (await readFile(`${FOLDER}/SHA256SUMS`, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => line.split("  "));
  expect(sums.map(([, name]) => name)).toEqual([
    "RELEASE-NOTES.md",
    `sigil-${version}.zip`,
    `sigil-action-${version}.zip`,
    `sigil-cli-${version}.tgz`,
    `sigil-client-${version}.tgz`,
    `sigil-docs-${version}.zip`,
    `sigil-stand-ins-${version}.zip`,
  ]);
  for (const [sum, name = ""] of sums) {
    const content = await readFile(`${FOLDER}/${name}`);
    expect(createHash("sha256").update(content).digest("hex"), name).toBe(sum);
  }
  const action = unzipSync(await readFile(`${FOLDER}/sigil-action-${version}.zip`));
  expect(Object.keys(action)).toContain("dist/index.cjs");
  const site = unzipSync(await readFile(`${FOLDER}/sigil-docs-${version}.zip`));
  expect(Object.keys(site)).toEqual(
    expect.arrayContaining(["docs/tutorial.html", "index.html", "search.js"]),
  );
  const standIns = unzipSync(await readFile(`${FOLDER}/sigil-stand-ins-${version}.zip`));
  expect(Object.keys(standIns)).toEqual([
    "Dockerfile",
    "THIRD-PARTY-NOTICES.txt",
    "arm-simulator.mjs",
    "compose.yaml",
    "entities.json",
    "service-bus-emulator.mjs",
  ]);
  expect(await readFile(`${FOLDER}/RELEASE-NOTES.md`, "utf8")).toMatch(
    new RegExp(`^# Sigil ${version.replaceAll(".", String.raw`\.`)}\\n`, "u"),
  );
});
