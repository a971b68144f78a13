// Asks a deployment what only a working one answers: it is ready, lets nobody in without a token, answers one who has a token,
// plans with its own identity, and has all its functions.
//
//   node infra/smoke-test.mjs --api https://HOST/api --audience APP_ID --image IMAGE_DEFINITION_ID [--plan BODY.json]
//     [--resource-group GROUP --app NAME --package sigil.zip] [--attempts 20] [--wait-seconds 15]
//
// The token is az's, of whoever is signed in, or SIGIL_TOKEN. `--plan` is a body that the gallery policy lets the caller plan,
// where it names sources. The package is the one that was published: it says which functions it has.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { fileIn } from "./zip.mjs";

const { values: options } = parseArgs({
  options: {
    api: { type: "string" },
    audience: { type: "string" },
    image: { type: "string" },
    plan: { type: "string" },
    "resource-group": { type: "string" },
    app: { type: "string" },
    package: { type: "string" },
    attempts: { type: "string", default: "20" },
    "wait-seconds": { type: "string", default: "15" },
  },
});
for (const name of ["api", "audience", "image"]) if (!options[name]) fail(`--${name} is missing.`);
if (options.app && !options.package)
  fail("--package is missing: it says which functions --app is to have.");

const { checks } = JSON.parse(await until(ready));
ok(`ready: ${checks.map(({ name }) => name).join(", ")}`);

const stranger = await ask("GET", "/operations");
if (stranger.status !== 401) fail(`without a token the answer is ${stranger.status}, not 401`);
ok("nobody is let in without a token");

const token =
  process.env["SIGIL_TOKEN"] ??
  az(...["account", "get-access-token"], ...["--scope", `api://${options.audience}/.default`])
    .accessToken;
const listed = await ask("GET", "/operations?top=1", { token });
if (listed.status !== 200) fail(`the token is refused: ${listed.status} ${listed.text}`);
ok("the token is accepted");

const findings = await until(planned);
ok(`a plan is answered, with ${findings.map(({ code }) => code).join(", ") || "no finding"}`);

if (options.app !== undefined) ok(`${await until(complete)} functions are there`);

/** Throws the reason where the answer is another one. */
async function ready() {
  const { status, text } = await ask("GET", "/health/ready").catch((error) => ({
    status: "no answer",
    text: String(error.cause ?? error),
  }));
  if (status !== 200) throw new Error(`not ready: ${status} ${text}`);
  return text;
}

/** The findings of a plan; throws where it is refused, or Sigil's identity may not look. */
async function planned() {
  const path = `${options.image.replace("/providers/Microsoft.Compute", "")}/versions/0.0.1/plan`;
  const { status, text } = await ask("POST", path, { token, body: planBody() });
  if (status !== 200) throw new Error(`the plan is refused: ${status} ${text}`);
  const { findings } = JSON.parse(text);
  const denied = findings.filter(({ code }) => code === "InsufficientPermission");
  if (denied.length > 0)
    throw new Error(
      `Sigil's identity lacks a role:\n${denied.map(({ message }) => message).join("\n")}`,
    );
  return findings;
}

/** How many functions the app has; throws where one of the package's is missing. */
async function complete() {
  const found = az(
    ...["functionapp", "function", "list"],
    ...["--resource-group", options["resource-group"], "--name", options.app],
  ).map(({ name }) => name.split("/").at(-1));
  const listed = fileIn(readFileSync(options.package), "functions.json");
  if (listed === undefined)
    fail(`${options.package} has no functions.json: it is of an earlier release.`);
  const names = JSON.parse(listed);
  const missing = names.filter((name) => !found.includes(name));
  if (missing.length > 0)
    throw new Error(`${found.length} functions are there. Missing: ${missing.join(", ")}`);
  return found.length;
}

/** Asks again for a while: a package that was just published, and a role that was just given, take minutes. */
async function until(check) {
  for (let left = Number(options.attempts); ; left -= 1)
    try {
      return await check();
    } catch (error) {
      if (left <= 1) return fail(error.message);
      await setTimeout(Number(options["wait-seconds"]) * 1_000);
    }
}

/** What a plan finds wrong, it has looked at. The source is in the gallery: there Sigil may look, whatever else it may not. */
function planBody() {
  if (options.plan !== undefined) return readFileSync(options.plan, "utf8");
  return JSON.stringify({
    location: "westeurope",
    properties: {
      storageProfile: { source: { id: `${options.image}/versions/0.0.0` } },
      publishingProfile: { targetRegions: [{ name: "westeurope" }] },
    },
  });
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
