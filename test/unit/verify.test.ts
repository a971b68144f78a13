/** What infra/verify.mjs asks of az and Azure Resource Manager as it begins and ends; both are stand-ins of a few lines. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { naming } from "../support/naming.js";

const GROUP = "/subscriptions/s/resourceGroups/sigil-verify-x";
const GALLERY = `${GROUP}/providers/Microsoft.Compute/galleries/verify`;
const VERSIONS = `${GALLERY}/images/verify/versions`;
const DELETED = `${GALLERY}/softDeletedArtifactTypes/Images/artifacts/verify/versions`;

/** It has one group of a run that was killed, while the file `group` is there. */
const AZ = `#!/usr/bin/env bash
(IFS=$'\\t'; echo "$*") >>"$FOLDER/asked"
case "$1 $2" in
"cloud show") echo '{"endpoints":{"resourceManager":"'"$ARM"'/"}}' ;;
"account get-access-token") echo '{"accessToken":"token"}' ;;
"group list") [ ! -e "$FOLDER/group" ] && echo '[]' || echo '[{"id":"${GROUP}","name":"sigil-verify-x"}]' ;;
"group exists") [ -e "$FOLDER/group" ] && echo true || echo false ;;
"group delete") [ -e "$FOLDER/locked" ] || rm "$FOLDER/group" ;;
"role definition" | "ad app") echo '[]' ;;
*) echo "$1 $2 is refused" >&2; exit 1 ;;
esac`;

/** A version that is never gone, and one that is soft-deleted and stays: ARM does not know that path. */
const asked: string[] = [];
const azure = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? "", "http://azure");
  let body = "";
  request.on("data", (part) => (body += String(part)));
  request.on("end", () => {
    asked.push(`${request.method} ${pathname}${body && ` ${body}`}`);
    if (request.method === "DELETE") response.statusCode = 404;
    const number = pathname === VERSIONS ? "0.0.1" : "0.0.2";
    response.end(JSON.stringify({ value: [{ name: number }] }));
  });
});
let folder: string;

beforeAll(async () => {
  await once(azure.listen(0, "127.0.0.1"), "listening");
  folder = mkdtempSync(path.join(tmpdir(), "sigil-verify-"));
  writeFileSync(path.join(folder, "az"), AZ);
  chmodSync(path.join(folder, "az"), 0o755);
});
beforeEach(() => {
  asked.splice(0);
  for (const file of ["asked", "group", "locked"]) rmSync(path.join(folder, file), { force: true });
});
afterAll(() => {
  azure.close();
  rmSync(folder, { recursive: true });
});

async function verify(
  ...args: readonly string[]
): Promise<{ code: unknown; stderr: string; az: readonly string[][] }> {
  const child = spawn(
    process.execPath,
    ["infra/verify.mjs", `--report=${folder}/report.json`, "--wait-seconds=0.0001", ...args],
    {
      env: {
        PATH: `${folder}:${process.env["PATH"]}`,
        FOLDER: folder,
        ARM: `http://127.0.0.1:${(azure.address() as AddressInfo).port}`,
      },
    },
  );
  let stderr = "";
  child.stdout.resume();
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const [code] = (await once(child, "close")) as [unknown];
  const lines = readFileSync(path.join(folder, "asked"), "utf8").split("\n");
  return { code, stderr, az: lines.map((line) => line.split("\t")) };
}

/** What az was asked in these two words. */
const words = (az: readonly string[][], first: string, second: string) =>
  az.filter((line) => line[0] === first && line[1] === second);

test("a value with a space, as Azure's name of a region, is one word to az", async () => {
  const { code, az } = await verify("--location=West Europe", "--second=North Europe", "--yes");
  expect(words(az, "group", "create")).toEqual([
    expect.arrayContaining(["--location", "West Europe"]) as unknown,
  ]);
  expect(code).toBe(1);
});

test("the group is deleted, whatever became of the versions that keep it", async () => {
  writeFileSync(path.join(folder, "group"), "");
  const { code, az } = await verify("--remove");
  expect(asked.slice(0, 5)).toEqual([
    `PATCH ${GALLERY} {"properties":{"softDeletePolicy":{"isSoftDeleteEnabled":false}}}`,
    `GET ${VERSIONS}`,
    `GET ${DELETED}`,
    `DELETE ${VERSIONS}/0.0.1`,
    `DELETE ${DELETED}/0.0.2`,
  ]);
  expect(words(az, "group", "delete")).toEqual([
    expect.arrayContaining(["sigil-verify-x", "--yes", "--no-wait"]) as unknown,
  ]);
  expect(existsSync(path.join(folder, "group"))).toBe(false);
  expect(code).toBe(0);
});

test("a group that Azure keeps is named with the command that removes it, and all else goes", async () => {
  writeFileSync(path.join(folder, "group"), "");
  writeFileSync(path.join(folder, "locked"), "");
  const { code, stderr, az } = await verify("--remove");
  expect(stderr).toEqual(naming(["sigil-verify-x"]));
  expect(stderr).toEqual(naming("node infra/verify.mjs --remove"));
  expect(words(az, "role", "definition")).toHaveLength(1);
  expect(words(az, "ad", "app")).toHaveLength(1);
  expect(code).toBe(1);
});
