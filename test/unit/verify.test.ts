/** What infra/verify.mjs asks of az and Azure Resource Manager as it begins and ends, both stand-ins of a few lines; and how it compares. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { compare } from "../../infra/verify-compare.mjs";
import expectations from "../../infra/expectations.json" with { type: "json" };
import { SETTINGS } from "../../src/config/settings.js";
import { naming } from "../support/naming.js";

const QUESTIONS = readFileSync("infra/verify-questions.mjs", "utf8");
const GROUP = "/subscriptions/s/resourceGroups/sigil-verify-x";
const GALLERY = `${GROUP}/providers/Microsoft.Compute/galleries/verify`;
const IMAGES = `${GALLERY}/images`;
const VERSIONS = `${GALLERY}/images/verify/versions`;
const DELETED = `${GALLERY}/softDeletedArtifactTypes/Images/artifacts/verify/versions`;

/** It has one group of a run that was killed, while the file `group` is there. */
const AZ = `#!/usr/bin/env bash
(IFS=$'\\t'; echo "$*") >>"$FOLDER/asked"
case "$1 $2" in
"cloud show") echo '{"endpoints":{"resourceManager":"'"$ARM"'/"}}' ;;
"account show") echo '{"user":{"type":"'"\${USER_TYPE:-user}"'"}}' ;;
"ad signed-in-user") echo '{"id":"person"}' ;;
"group create") touch "$FOLDER/group"; echo '{}' ;;
"account get-access-token") echo '{"accessToken":"token"}' ;;
"group list") [ ! -e "$FOLDER/group" ] && echo '[]' || echo '[{"id":"${GROUP}","name":"sigil-verify-x"}]' ;;
"group exists") [ -e "$FOLDER/group" ] && echo true || echo false ;;
"group delete") [ -e "$FOLDER/locked" ] || rm "$FOLDER/group" ;;
"feature show") echo '{"properties":{"state":"NotRegistered"}}' ;;
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
    const names: Readonly<Record<string, string>> = { [IMAGES]: "verify", [VERSIONS]: "0.0.1" };
    response.end(JSON.stringify({ value: [{ name: names[pathname] ?? "0.0.2" }] }));
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
  environment = {};
  asked.splice(0);
  for (const file of ["asked", "group", "locked"]) rmSync(path.join(folder, file), { force: true });
});
afterAll(() => {
  azure.close();
  rmSync(folder, { recursive: true });
});

let environment: Readonly<Record<string, string>> = {};

async function verify(
  ...args: readonly string[]
): Promise<{ code: unknown; stderr: string; az: readonly string[][] }> {
  const child = spawn(
    process.execPath,
    ["infra/verify.mjs", `--report=${folder}/report.json`, "--wait-seconds=0.0001", ...args],
    {
      env: {
        PATH: `${folder}:${process.env["PATH"]}`,
        ...environment,
        FOLDER: folder,
        ARM: `http://127.0.0.1:${(azure.address() as AddressInfo).port}`,
      },
    },
  );
  let stderr = "";
  child.stdout.resume();
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const [code] = (await once(child, "close")) as [unknown];
  const lines = existsSync(path.join(folder, "asked"))
    ? readFileSync(path.join(folder, "asked"), "utf8").split("\n")
    : [];
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
  // What the subscription would make of it is refused here: nothing is registered, and nothing stays.
  expect(words(az, "deployment", "group").map((line) => line[2])).toEqual(["what-if"]);
  expect(words(az, "ad", "app")).toHaveLength(2);
  expect(existsSync(path.join(folder, "group"))).toBe(false);
  expect(code).toBe(1);
});

test("a service principal, and a subscription without soft delete, make nothing", async () => {
  const regions = ["--location=westeurope", "--second=northeurope", "--yes"];
  environment = { USER_TYPE: "servicePrincipal" };
  const program = await verify(...regions);
  expect(program.stderr).toEqual(naming("az login"));
  environment = {};
  const unregistered = await verify(...regions, "--soft-delete");
  expect(unregistered.stderr).toEqual(naming("az feature register --namespace Microsoft.Compute"));
  for (const { code, az } of [program, unregistered]) {
    expect(code).toBe(2);
    expect(words(az, "group", "create")).toEqual([]);
  }
});

test("the group is deleted, whatever became of the versions that keep it", async () => {
  writeFileSync(path.join(folder, "group"), "");
  const { code, az } = await verify("--remove");
  expect(asked.slice(0, 6)).toEqual([
    `PATCH ${GALLERY} {"properties":{"softDeletePolicy":{"isSoftDeleteEnabled":false}}}`,
    `GET ${IMAGES}`,
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

const expecting = (expects: unknown) => ({
  one: { expects, falls: "Something falls.", where: "src/x.ts y" },
});
const compared = (expects: unknown, answer: unknown) =>
  compare(expecting(expects), { one: { answer } });

test.each([
  [{ atMost: 5 }, 5, 6],
  [{ atMost: 5 }, 0, "soon"],
  [{ contains: ["a", "b"] }, ["b", "c", "a"], ["a"]],
  [{ contains: ["a"] }, ["a"], "banana"],
  [{ oneOf: [200, 201] }, 201, 202],
  [[true], [true], [null]],
  [[], [], ["westus"]],
  [null, null, false],
  [{ status: { oneOf: [409] } }, { status: 409, code: "Conflict" }, { code: "Conflict" }],
  [{ latest: "1.0.0" }, { latest: "1.0.0" }, "1.0.0"],
])("an answer is compared with %j: %j is so, %j is not", (expects, right, wrong) => {
  expect(compared(expects, right)).toEqual({ differing: 0, lines: ["Nothing differs."] });
  const { differing, lines } = compared(expects, wrong);
  expect(differing).toBe(1);
  expect(lines).toContain("  Then falls: Something falls. (src/x.ts y)");
});

test("what is not answered differs in nothing, and is named", () => {
  for (const answers of [{}, { one: { answer: { unanswered: "no" } } }])
    expect(compare(expecting([true]), answers)).toEqual({
      differing: 0,
      lines: ["one: not answered.", "Nothing differs."],
    });
});

test("each question is there to be asked and says what it costs, and each expectation which rule falls, and where that is", () => {
  for (const [id, one] of Object.entries(expectations)) {
    if ("byHand" in one) continue;
    expect(one, id).toMatchObject({
      group: expect.stringMatching(/^[a-z]+$/iu) as unknown,
      copies: expect.any(Number) as unknown,
      machines: expect.any(Number) as unknown,
      minutes: expect.any(Number) as unknown,
      asks: expect.stringMatching(/[^?]$/u) as unknown,
    });
    expect(QUESTIONS, id).toContain(`    "${id}": `);
    if (!("expects" in one)) continue;
    expect(one.falls, id).toMatch(/\.$/u);
    const [file = "", name = ""] = one.where.split(" ");
    expect(readFileSync(file, "utf8"), id).toMatch(
      file.endsWith(".ts") ? new RegExp(`^export .*\\b${name}\\b`, "mu") : new RegExp(name, "u"),
    );
  }
  // Each question that is asked is one of these.
  const asked = [...QUESTIONS.matchAll(/^ {4}"([a-zA-Z]+\.[a-zA-Z]+)": /gmu)].map(([, id]) => id);
  expect(Object.keys(expectations)).toEqual(expect.arrayContaining(asked));
});

test("what may not be exceeded is what the code counts on", () => {
  const seconds = (text: string) => Number(text) * 1_000;
  expect(expectations["reads.age"].expects.mostMs.atMost).toBe(
    seconds(SETTINGS.service.confirmMs.default),
  );
});
