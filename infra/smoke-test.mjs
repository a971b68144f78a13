// Asks a deployment what only a working one answers: it is ready, lets nobody in without a token, answers one who has a token,
// plans with its own identity, and has all its functions.
//
//   node infra/smoke-test.mjs --api https://HOST/api --audience APP_ID --image IMAGE_DEFINITION_ID [--plan BODY.json]
//     [--resource-group GROUP --app NAME] [--attempts 20] [--wait-seconds 15]
//
// The token is az's, of whoever is signed in, or SIGIL_TOKEN.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    api: { type: "string" },
    audience: { type: "string" },
    image: { type: "string" },
    plan: { type: "string" },
    "resource-group": { type: "string" },
    app: { type: "string" },
    attempts: { type: "string", default: "20" },
    "wait-seconds": { type: "string", default: "15" },
  },
});
for (const name of ["api", "audience", "image"])
  if (!options[name]) fail(`--${name} is missing.`);

const ready = await untilReady();
ok(`ready: ${ready.checks.map(({ name }) => name).join(", ")}`);

const stranger = await ask("GET", "/operations");
if (stranger.status !== 401)
  fail(`without a token the answer is ${stranger.status}, not 401`);
ok("nobody is let in without a token");

const token =
  process.env["SIGIL_TOKEN"] ??
  az(
    ...["account", "get-access-token"],
    ...["--scope", `api://${options.audience}/.default`],
  ).accessToken;
const listed = await ask("GET", "/operations?top=1", { token });
if (listed.status !== 200)
  fail(`the token is refused: ${listed.status} ${listed.text}`);
ok("the token is accepted");

const address = `${options.image.replace("/providers/Microsoft.Compute", "")}/versions/0.0.1/plan`;
const planned = await ask("POST", address, { token, body: planBody() });
if (planned.status !== 200)
  fail(`the plan is refused: ${planned.status} ${planned.text}`);
const { findings } = JSON.parse(planned.text);
const denied = findings.filter(({ code }) => code === "InsufficientPermission");
if (denied.length > 0)
  fail(
    `Sigil's identity lacks a role:\n${denied.map(({ message }) => message).join("\n")}`,
  );
ok(
  `a plan is answered, with ${findings.map(({ code }) => code).join(", ") || "no finding"}`,
);

if (options.app !== undefined) {
  const found = az(
    ...["functionapp", "function", "list"],
    ...["--resource-group", options["resource-group"], "--name", options.app],
  ).map(({ name }) => name.split("/").at(-1));
  const missing = (await expectedFunctions()).filter(
    (name) => !found.includes(name),
  );
  if (missing.length > 0)
    fail(`${found.length} functions are there. Missing: ${missing.join(", ")}`);
  ok(`${found.length} functions are there`);
}

/** A package that was just published takes a while; an app without one answers what it likes. */
async function untilReady() {
  const attempts = Number(options.attempts);
  let last;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    last = await ask("GET", "/health/ready").catch((error) => ({
      status: "no answer",
      text: String(error.cause ?? error),
    }));
    if (last.status === 200) return JSON.parse(last.text);
    if (attempt < attempts)
      await setTimeout(Number(options["wait-seconds"]) * 1_000);
  }
  return fail(`not ready: ${last.status} ${last.text}`);
}

/** Any source will do: what a plan finds wrong, it has looked at. */
function planBody() {
  if (options.plan !== undefined) return readFileSync(options.plan, "utf8");
  const group = options.image.replace(/\/galleries\/.*$/u, "");
  return JSON.stringify({
    location: "westeurope",
    properties: {
      storageProfile: { source: { id: `${group}/images/sigil-smoke-test` } },
      publishingProfile: { targetRegions: [{ name: "westeurope" }] },
    },
  });
}

/** One an operation of the API, those of the page and of every other path, and one a file for queues and timers. */
async function expectedFunctions() {
  const { text } = await ask("GET", "/openapi.json");
  const operations = Object.values(JSON.parse(text).paths).flatMap((path) =>
    Object.values(path).flatMap(({ operationId }) => operationId ?? []),
  );
  const files = readdirSync(new URL("../functions", import.meta.url))
    .map((file) => file.replace(/\.ts$/u, ""))
    .filter((name) => !["http", "telemetry"].includes(name));
  return [
    ...operations.map((name) =>
      name
        .replace(/(?<=Open|Async)Api/u, "api")
        .replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`),
    ),
    ...["get-docs-page", "get-docs-file", "unmatched-path"],
    ...files,
  ];
}

async function ask(method, path, { token, body } = {}) {
  const response = await fetch(options.api + path, {
    method,
    headers: {
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body && { "Content-Type": "application/json" }),
    },
    ...(body && { body }),
  });
  return { status: response.status, text: await response.text() };
}

function az(...args) {
  return JSON.parse(
    execFileSync("az", [...args, "--output", "json"], {
      encoding: "utf8",
    }),
  );
}

function ok(message) {
  console.log(`ok      ${message}`);
}

function fail(message) {
  console.error(`FAILED  ${message}`);
  process.exit(1);
}
