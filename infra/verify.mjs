// Asks Azure itself what documents leave open, in a subscription for tests, and writes its answers down. NOBODY HAS RUN THIS IN
// AZURE: its test knows this repository's stand-ins alone, which answer as their authors expect.
//
//   node infra/verify.mjs --location westeurope --second northeurope --yes   (without --yes it says what it costs)
//   node infra/verify.mjs --only reads,writes --location …                   asks these groups alone (infra/expectations.json has them)
//   node infra/verify.mjs --remove                                           removes what an ended run has left
//   node infra/verify.mjs --compare sigil-verify.json                        prints what Sigil relies on that is otherwise
//
// It takes `npm run package`, and az signed in as an owner of the subscription who may register applications. What it makes has the tag
// sigil-verify, or that name (an application, Sigil's roles). A run begins and ends by removing all of it.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import expectations from "./expectations.json" with { type: "json" };
import prices from "./prices.json" with { type: "json" };
import { az, connect, run } from "./verify-azure.mjs";
import { compare } from "./verify-compare.mjs";
import { questions } from "./verify-questions.mjs";

const TAG = "sigil-verify";
/** One version for each two sets first: a role on a vault takes minutes to count. */
const COPIES_FOR_KEYS = 4;
const QUESTIONS = Object.entries(expectations).filter(([, { byHand }]) => byHand === undefined);
const BY_HAND = Object.entries(expectations).filter(([, { byHand }]) => byHand !== undefined);
const GROUPS = new Set(QUESTIONS.map(([, { group }]) => group));
const { values: options } = parseArgs({
  options: {
    location: { type: "string" },
    second: { type: "string" },
    instances: { type: "string", default: "2" }, // 40 where Azure takes no 2
    package: { type: "string", default: "dist/sigil.zip" },
    report: { type: "string", default: "sigil-verify.json" },
    "soft-delete": { type: "boolean", default: false }, // with SIGSoftDelete registered
    long: { type: "boolean", default: false }, // an hour more, for Service Bus
    yes: { type: "boolean", default: false },
    remove: { type: "boolean", default: false },
    only: { type: "string" },
    compare: { type: "string" },
    "wait-seconds": { type: "string", default: "10" },
  },
});
const { location: home, second: away } = options;

if (options.compare !== undefined) {
  const { answers } = JSON.parse(readFileSync(options.compare, "utf8"));
  const { lines, differing } = compare(expectations, answers);
  console.log(lines.join("\n"));
  process.exit(differing === 0 ? 0 : 1);
}
const groups = options.only?.split(",") ?? [...GROUPS];
for (const group of groups) if (!GROUPS.has(group)) stop(2, notThere(group));
const chosen = QUESTIONS.filter(([, { group }]) => groups.includes(group));
const asksKeys = chosen.some(([id]) =>
  /^(?:publish|keys?|version|region|machine|capture)\./u.test(id),
);
if (!options.remove) {
  say();
  if (!home || !away || !options.yes)
    stop(2, "Nothing was done: it takes --location, --second and --yes.");
  const { user } = await az(["account", "show"]);
  if (user.type !== "user") stop(2, "Sign in as a person: az login");
  if (options["soft-delete"]) {
    const feature = ["--namespace", "Microsoft.Compute", "--name", "SIGSoftDelete"];
    const { properties } = await az(["feature", "show", ...feature]);
    if (properties.state !== "Registered")
      stop(2, `SIGSoftDelete is ${properties.state}: az feature register ${feature.join(" ")}`);
  }
}
const cloud = await az(["cloud", "show"]);
const arm = cloud.endpoints.resourceManager.replace(/\/$/u, "");
let isStopped = false;
const waitMs = 1_000 * Number(options["wait-seconds"]);
/** The questions end when it is stopped; what is removed then is asked by `remover`. */
const asker = connect({ arm, waitMs, stopped: () => isStopped });
const remover = connect({ arm, waitMs, stopped: () => false });
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => {
    isStopped = true;
    console.error("It is stopped, and removes what it has made. Once more, and it is left.");
  });
const before = await removeAll();
if (options.remove || before.length > 0) process.exit(before.length && 1);

const group = `${TAG}-${Date.now().toString(36)}`;
const report = { began: new Date(), regions: [home, away], answers: {}, choices: {}, byHand: {} };
for (const [id, { byHand }] of BY_HAND) report.byHand[id] = byHand;
const made = {};
try {
  await ask({ deploy });
  if (made.audience) {
    const { choices } = report;
    const softly = options["soft-delete"];
    const about = { home, away, group, softly, long: options.long, asksKeys, choices };
    const all = questions(made, asker, about);
    await ask(Object.fromEntries(chosen.map(([id]) => [id, all[id]])));
  }
} finally {
  report.left = await removeAll();
  if (report.left.length > 0 || isStopped) process.exitCode = 1;
  if (report.left.length === 0) report.removed = new Date();
  save();
}
console.log(`Read ${options.report}, then send it back.`);

function stop(code, message) {
  console.error(message);
  process.exit(code);
}

function notThere(group) {
  return `--only "${group}" is no group. There are: ${[...GROUPS].join(", ")}.`;
}

/** What is asked, and what that costs. */
function say() {
  const sum = (of) => chosen.reduce((all, [, one]) => all + one[of], 0);
  for (const [id, { group, copies, machines, minutes, asks }] of chosen)
    console.log(
      `${group} ${id}: ${asks}? Copies: ${copies}. Machines: ${machines}. Minutes, about: ${minutes}.`,
    );
  for (const [id, { byHand }] of BY_HAND) console.log(`By hand, ${id}: ${byHand}`);
  const copies = sum("copies") + (asksKeys ? COPIES_FOR_KEYS : 0);
  const minutes = Math.max(...chosen.map(([, one]) => one.minutes));
  const { hour } = prices.serviceBus;
  console.log(`All at once, after the deployment: about ${minutes} minutes.
About two dollars: two namespaces of Service Bus, ${hour} an hour each (infra/prices.json); ${copies} copies, of 4 GB, those of capture of 30;
${sum("machines")} small machines; a function app and logs, whose prices nobody looked up. What an ended run leaves costs
${(2 * hour * 24).toFixed(2)} and the machines a day, until --remove. Three key vaults stay deleted for seven days, as Azure wants it, for
nothing. Nobody has run this in Azure: time and money are estimates.`);
}

/** Sigil, and what it publishes, by the commands of docs/reference/deployment.md. */
async function deploy() {
  const place = ["--location", home, "--tags", `${TAG}=1`];
  await az(["group", "create", "--name", group, ...place]);
  const { id: principalId } = await az(["ad", "signed-in-user", "show"]);
  const deployment = (what, audience) => [
    ...["deployment", "group", what, "--resource-group", group],
    ...["--name", "sigil", "--template-file", "infra/verify.bicep"],
    ...["--parameters", `second=${away}`, `principalId=${principalId}`],
    ...[`tokenAudience=${audience}`, `softDelete=${options["soft-delete"]}`],
    `maximumInstanceCount=${options.instances}`,
  ];
  // Before anything is registered: a policy of the subscription may forbid it.
  await az([...deployment("what-if", TAG), "--no-pretty-print"]);
  const assign = `--assign=ImageVersions.Admin=${principalId}`;
  const registered = await run(process.execPath, "infra/register-app.mjs", "--name", TAG, assign);
  const [, audience] = /AUDIENCE=(.+)/u.exec(registered);
  const { outputs } = (await az(deployment("create", audience))).properties;
  for (const [name, { value }] of Object.entries(outputs)) made[name] = value;
  made.appName = made.functionAppName;
  await run(".ci/publish", group, options.package);
  const patience = ["--attempts", "30", "--wait-seconds", options["wait-seconds"]];
  await run(".ci/smoke-test", group, audience, made.imageId, options.package, ...patience);
  made.audience = audience;
  return { instances: options.instances };
}

/** Writes down each answer as it comes: a kill loses those that are not there yet. */
async function ask(list) {
  const asked = Object.entries(list).map(async ([id, find]) => {
    const began = Date.now();
    const answer = await find().catch(({ message }) => {
      process.exitCode = 1;
      return { unanswered: message };
    });
    const seconds = Math.round((Date.now() - began) / 1_000);
    report.answers[id] = { seconds, answer };
    save();
    console.log(`${expectations[id]?.asks ?? "does it deploy"}? ${seconds} s`);
  });
  await Promise.all(asked);
}

/** No id, address, name of a person, or token. */
function save() {
  const text = JSON.stringify(report, null, 2)
    .replaceAll(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/giu, "{id}")
    .replaceAll(/https?:[^"\s']+|[\w.+-]+@[\w.-]+|eyJ[\w.-]+/gu, "{left out}");
  writeFileSync(options.report, `${text}\n`);
}

/** All that has the tag or the name, of any run, whatever fails on the way. What is left is said, and answered. */
async function removeAll() {
  const left = [];
  const attempt = async (what, remove) => {
    try {
      await remove();
    } catch ({ message }) {
      left.push(`${what}: ${message}`);
    }
  };
  // Groups first: a deployment that still runs ends with its group.
  for (const { id, name } of await az(["group", "list", "--tag", TAG]))
    await attempt(`the resource group ${name}`, () => removeGroup(id, name));
  const roles = await az(["role", "definition", "list", "--custom-role-only"]);
  for (const { name, roleName } of roles)
    if (/^Sigil \w+ \(sigilverify-/u.test(roleName))
      await attempt(`the role ${roleName}`, () => removeRole(name));
  for (const app of await az(["ad", "app", "list", "--display-name", TAG]))
    if (app.displayName === TAG)
      await attempt(`the application ${TAG}`, () => az(["ad", "app", "delete", "--id", app.appId]));
  for (const one of left) console.error(`${one}\nIt is left: node infra/verify.mjs --remove`);
  return left;
}

/** What keeps the group is taken out of it first. The group is deleted whatever became of that. */
async function removeGroup(id, name) {
  const gallery = `${id}/providers/Microsoft.Compute/galleries/verify`;
  const kept = await emptyGallery(gallery).catch(({ message }) => message);
  await az(["group", "delete", "--name", name, "--yes", "--no-wait"]);
  const isGone = async () => !(await az(["group", "exists", "--name", name]));
  await remover.until(isGone, 60).catch(({ message }) => {
    throw new Error(`${message} Its image versions: ${kept ?? "none"}.`);
  });
}

/** Azure deletes no gallery that has versions, those that it would restore among them, and softly no version that is Failed. */
async function emptyGallery(gallery) {
  const { call, until } = remover;
  const properties = { softDeletePolicy: { isSoftDeleteEnabled: false } };
  await call("PATCH", gallery, { properties });
  const listed = async (list) => (await call("GET", list)).body.value ?? [];
  await until(async () => {
    const left = [];
    for (const { name: image } of await listed(`${gallery}/images`))
      for (const list of [
        `${gallery}/images/${image}/versions`,
        `${gallery}/softDeletedArtifactTypes/Images/artifacts/${image}/versions`,
      ])
        left.push(...(await listed(list)).map(({ name: number }) => `${list}/${number}`));
    for (const version of left) await call("DELETE", version);
    return left.length === 0;
  }, 10);
}

async function removeRole(name) {
  const given = await az(["role", "assignment", "list", "--all", "--role", name]);
  for (const { id } of given) await az(["role", "assignment", "delete", "--ids", id]);
  await az(["role", "definition", "delete", "--name", name]);
}
