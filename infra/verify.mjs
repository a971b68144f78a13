// Asks Azure itself what documents leave open, in a subscription for tests, and writes its answers down. NOBODY HAS RUN THIS IN
// AZURE: its test knows this repository's stand-ins alone, which answer as their authors expect.
//
//   node infra/verify.mjs --location westeurope --second northeurope --yes   (without --yes it says what it costs)
//   node infra/verify.mjs --remove                                           removes what an ended run has left
//
// It takes `npm run package`, and az signed in as an owner of the subscription who may register applications. What it makes has the tag
// sigil-verify, or that name (an application, Sigil's roles). A run begins and ends by removing all of it.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import prices from "./prices.json" with { type: "json" };

const TAG = "sigil-verify";
const { values: options } = parseArgs({
  options: {
    location: { type: "string" },
    second: { type: "string" },
    instances: { type: "string", default: "2" }, // 40 where Azure takes no 2
    package: { type: "string", default: "dist/sigil.zip" },
    report: { type: "string", default: "sigil-verify.json" },
    "soft-delete": { type: "boolean", default: false }, // with SIGSoftDelete registered
    yes: { type: "boolean", default: false },
    remove: { type: "boolean", default: false },
    "wait-seconds": { type: "string", default: "10" },
  },
});
const { location: home, second: away } = options;
const waitMs = 1_000 * Number(options["wait-seconds"]);
const pause = (waits = 1) => setTimeout(waits * waitMs);
const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8" }).trim();
/** A list of words: a region may have the name "West Europe". */
const az = (words) => JSON.parse(run("az", ...words, "--output", "json") || "null");
const tokens = {};

if (!options.remove) {
  const { hour } = prices.serviceBus;
  console.log(`About one dollar: Service Bus ${hour} an hour (infra/prices.json); ten copies of 4 GB, a function app and logs, whose prices nobody
looked up. What an ended run leaves costs ${(hour * 24).toFixed(2)} and some cents a day, until --remove. Three key vaults stay deleted for seven
days, as Azure wants it, for nothing. Nobody has run this in Azure: time and money are estimates.`);
  if (!home || !away || !options.yes) {
    console.error("Nothing was done: it takes --location, --second and --yes.");
    process.exit(2);
  }
}
const cloud = az(["cloud", "show"]);
const arm = cloud.endpoints.resourceManager.replace(/\/$/u, "");
const before = await removeAll();
if (options.remove || before.length > 0) process.exit(before.length && 1);

const group = `${TAG}-${Date.now().toString(36)}`;
const report = { began: new Date(), regions: [home, away], answers: {} };
const made = {};
try {
  await ask({ "does it deploy": deploy });
  if (made.audience) await ask(questions(made));
} finally {
  report.left = await removeAll();
  if (report.left.length > 0) process.exitCode = 1;
  else report.removed = new Date();
  save();
}
console.log(`Read ${options.report}, then send it back.`);

/** Sigil, and what it publishes, by the commands of docs/reference/deployment.md. */
async function deploy() {
  const place = ["--location", home, "--tags", `${TAG}=1`];
  az(["group", "create", "--name", group, ...place]);
  const { id: principalId } = az(["ad", "signed-in-user", "show"]);
  const assign = `--assign=ImageVersions.Admin=${principalId}`;
  const register = ["infra/register-app.mjs", "--name", TAG, assign];
  const registered = run(process.execPath, ...register);
  const [, audience] = /AUDIENCE=(.+)/u.exec(registered);
  const { outputs } = az([
    ...["deployment", "group", "create", "--resource-group", group],
    ...["--name", "sigil", "--template-file", "infra/verify.bicep"],
    ...["--parameters", `second=${away}`, `principalId=${principalId}`],
    ...[`tokenAudience=${audience}`, `softDelete=${options["soft-delete"]}`],
    `maximumInstanceCount=${options.instances}`,
  ]).properties;
  for (const [name, { value }] of Object.entries(outputs)) made[name] = value;
  run(".ci/publish", group, options.package);
  run(".ci/smoke-test", group, audience, made.imageId, options.package);
  made.audience = audience;
  return { instances: options.instances };
}

/** Each has versions of its own: they are asked at one time. */
function questions({ imageId, sourceId, sets, deadKey, apiUrl, audience }) {
  const at = (number) => `${imageId}/versions/${number}`;
  const region = (name, set, regionalReplicaCount = 1) => ({
    ...{ name, regionalReplicaCount, storageAccountType: "Standard_LRS" },
    ...(set && { encryption: { osDiskImage: { diskEncryptionSetId: set } } }),
  });
  const body = (targetRegions, id = sourceId) => ({
    location: home,
    properties: {
      storageProfile: { osDiskImage: { source: { id } } },
      publishingProfile: { targetRegions },
    },
  });
  const plain = body([region(home)]);
  const put = (number, content) => call("PUT", at(number), content);
  const make = async (number, content = plain, again) => {
    const asked = await put(number, content);
    if (asked.status < 300) return asked;
    if (asked.status === again) return undefined;
    throw new Error(JSON.stringify(said(asked)));
  };
  const read = async (number) => (await call("GET", at(number))).body;
  const publish = async (number) => {
    const api = (method, path, content) =>
      call(method, apiUrl + path, content, `api://${audience}`);
    const path = at(number).replace("/providers/Microsoft.Compute", "");
    const both = body([region(home, sets[0]), region(away, sets[1])]);
    const asked = await api("PUT", path, both);
    if (asked.status !== 202) return said(asked);
    const regions = await settled(at(number));
    const { status, error } = await until(async () => {
      const { body } = await api("GET", `/operations/${asked.body.id}`);
      return body.status !== "Running" && body;
    });
    return { regions, status, error };
  };
  // A role on a vault takes minutes to count. Until one version has come with each set, an answer about keys would be about roles.
  let trials = 0;
  const keysCount = until(async () => {
    trials += 1;
    const tried = [
      [`0.2.${trials}`, [region(home, sets[0]), region(away, sets[1])]],
      [`0.3.${trials}`, [region(home, sets[2])]],
    ].map(async ([number, regions]) => {
      if ((await put(number, body(regions))).status >= 300) return false;
      const { provisioningState } = await settled(at(number));
      return provisioningState === "Succeeded";
    });
    return !(await Promise.all(tried)).includes(false);
  }, 30);
  keysCount.catch(() => {}); // The questions about keys say it.
  return {
    "how long do two versions take": async () => {
      await keysCount;
      return await Promise.all([publish("1.0.0"), publish("1.0.1")]);
    },
    "how long after a write is a GET by id, or a LIST, older": async () => {
      await make("0.0.1");
      const older = { get: [], list: [] };
      for (let round = 1; round <= 10; round += 1) {
        await settled(at("0.0.1"));
        const tags = { round: String(round) };
        const changed = { ...plain, tags };
        const { atMs } = await until(() => make("0.0.1", changed, 409));
        for (let look = 1; look <= 20; look += 1, await pause(0.1)) {
          const page = call("GET", `${imageId}/versions`);
          const same = (one) => one.tags?.round === tags.round;
          if (!same(await read("0.0.1"))) older.get.push(Date.now() - atMs);
          const { value = [] } = (await page).body;
          if (!value.some(same)) older.list.push(Date.now() - atMs);
        }
      }
      return { looks: 200, millisecondsAfterTheAnswer: older };
    },
    "what does a DELETE do while a PUT runs": async () => {
      await make("0.0.2");
      const answer = said(await call("DELETE", at("0.0.2")));
      const { properties, error } = await read("0.0.2");
      const shown = properties?.provisioningState ?? error?.code;
      return { answer, shown, gone: await gone(at("0.0.2")) };
    },
    "what does a PUT do while another runs": async () => {
      await make("0.0.3");
      const answer = said(await put("0.0.3", { ...plain, tags: { a: "b" } }));
      await settled(at("0.0.3"));
      return { answer, inTheEnd: (await read("0.0.3")).tags };
    },
    "what becomes of a creation whose key is dead": async () => {
      await keysCount;
      const disabled = ["--id", deadKey, "--enabled", "false"];
      az(["keyvault", "key", "set-attributes", ...disabled]);
      const asked = await put("0.0.4", body([region(home, sets[2])]));
      const operation = asked.told.get("azure-asyncoperation");
      if (operation === null) return said(asked);
      const regions = await settled(at("0.0.4"));
      return { regions, end: said(await call("GET", operation)) };
    },
    "is publishedDate another one after a restore": async () => {
      if (!options["soft-delete"]) return "asked with --soft-delete alone";
      const date = async () => {
        await settled(at("0.0.5"));
        const { publishingProfile } = (await read("0.0.5")).properties;
        return publishingProfile.publishedDate;
      };
      await make("0.0.5");
      const before = await date();
      await call("DELETE", at("0.0.5"));
      const deleted = await gone(at("0.0.5"));
      await make("0.0.5", { location: home, properties: { restore: true } });
      return { deleted, before, after: await date() };
    },
    "what are the words of the commonest refusals": async () => {
      const cases = {
        0.1: plain,
        "0.1.1": body([region(home)], `${sourceId}-none`),
        "0.1.2": body([region(home), region("atlantis")]),
        "0.1.3": body([region(away)]),
        "0.1.4": body([region(home, undefined, 101)]),
        "0.1.5": body([region(home, sets[1])]),
        "0.1.6": body([region(home, sets[0]), region(away)]),
      };
      const answers = {};
      for (const [number, content] of Object.entries(cases))
        answers[number] = said(await put(number, content));
      return answers;
    },
  };
}

/** Writes down each answer as it comes: a kill loses those that are not there yet. */
async function ask(list) {
  const asked = Object.entries(list).map(async ([question, find]) => {
    const began = Date.now();
    const answer = await find().catch(({ message }) => {
      process.exitCode = 1;
      return { unanswered: message };
    });
    const seconds = Math.round((Date.now() - began) / 1_000);
    report.answers[question] = { seconds, answer };
    save();
    console.log(`${question}? ${seconds} s`);
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

function said({ status, body }) {
  const { code, message } = body.error ?? body;
  return { status, code, message };
}

/** When each region had ended, as Azure showed it. */
async function settled(id) {
  const began = Date.now();
  const seconds = {};
  return await until(async () => {
    const { body } = await call("GET", `${id}?$expand=ReplicationStatus`);
    const { provisioningState, replicationStatus } = body.properties ?? {};
    for (const { region, state } of replicationStatus?.summary ?? [])
      if (/Completed|Failed/u.test(state))
        seconds[`${region} ${state}`] ??= (Date.now() - began) / 1_000;
    if (/Succeeded|Failed/u.test(provisioningState)) return { provisioningState, seconds };
  });
}

/** How soon it was not there, and how often it was again within fifty looks. */
async function gone(id) {
  const began = Date.now();
  const missing = async () => (await call("GET", id)).status === 404;
  await until(missing);
  const gone = { seconds: (Date.now() - began) / 1_000, shownAgain: 0 };
  for (let look = 0; look < 50; look += 1, await pause(0.1))
    if (!(await missing())) gone.shownAgain += 1;
  return gone;
}

/** What is found within so many minutes, of six waits each. */
async function until(find, minutes = 120) {
  const end = Date.now() + minutes * 6 * waitMs;
  do {
    const found = await find();
    if (found) return found;
    await pause();
  } while (Date.now() < end);
  throw new Error(`It was not so after ${minutes} minutes.`);
}

async function call(method, address, content, audience = arm) {
  const url = new URL(address, arm);
  if (audience === arm) url.searchParams.set("api-version", "2025-03-03");
  // A token is good for an hour, and one of five minutes ago for long enough.
  const key = `${audience} ${Math.floor(Date.now() / 300_000)}`;
  const asked = ["account", "get-access-token", "--scope"];
  tokens[key] ??= az([...asked, `${audience}/.default`]).accessToken;
  const headers = { Authorization: `Bearer ${tokens[key]}` };
  headers["Content-Type"] = "application/json";
  const sent = content && JSON.stringify(content);
  const response = await fetch(url, { method, headers, body: sent });
  const body = JSON.parse((await response.text()) || "{}");
  const { status, headers: told } = response;
  return { status, told, body, atMs: Date.now() };
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
  for (const { id, name } of az(["group", "list", "--tag", TAG]))
    await attempt(`the resource group ${name}`, () => removeGroup(id, name));
  const roles = az(["role", "definition", "list", "--custom-role-only"]);
  for (const { name, roleName } of roles)
    if (/^Sigil \w+ \(sigilverify-/u.test(roleName))
      await attempt(`the role ${roleName}`, () => removeRole(name));
  for (const app of az(["ad", "app", "list", "--display-name", TAG]))
    if (app.displayName === TAG)
      await attempt(`the application ${TAG}`, () => az(["ad", "app", "delete", "--id", app.appId]));
  for (const one of left) console.error(`${one}\nIt is left: node infra/verify.mjs --remove`);
  return left;
}

/** What keeps the group is taken out of it first. The group is deleted whatever became of that. */
async function removeGroup(id, name) {
  const gallery = `${id}/providers/Microsoft.Compute/galleries/verify`;
  const kept = await emptyGallery(gallery).catch(({ message }) => message);
  az(["group", "delete", "--name", name, "--yes", "--no-wait"]);
  const isGone = () => !az(["group", "exists", "--name", name]);
  await until(isGone, 60).catch(({ message }) => {
    throw new Error(`${message} Its image versions: ${kept ?? "none"}.`);
  });
}

/** Azure deletes no gallery that has versions, those that it would restore among them, and softly no version that is Failed. */
async function emptyGallery(gallery) {
  const properties = { softDeletePolicy: { isSoftDeleteEnabled: false } };
  await call("PATCH", gallery, { properties });
  const lists = [
    `${gallery}/images/verify/versions`,
    `${gallery}/softDeletedArtifactTypes/Images/artifacts/verify/versions`,
  ];
  await until(async () => {
    const left = [];
    for (const list of lists) {
      const { value = [] } = (await call("GET", list)).body;
      left.push(...value.map(({ name: number }) => `${list}/${number}`));
    }
    for (const version of left) await call("DELETE", version);
    return left.length === 0;
  }, 10);
}

function removeRole(name) {
  const given = az(["role", "assignment", "list", "--all", "--role", name]);
  for (const { id } of given) az(["role", "assignment", "delete", "--ids", id]);
  az(["role", "definition", "delete", "--name", name]);
}
