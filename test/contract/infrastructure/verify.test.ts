/** infra/verify.mjs against the app in its host and the simulator; az is one that makes there what the templates would. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { json } from "node:stream/consumers";
import { strToU8, zipSync } from "fflate";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { withDefaults } from "@sigil-local/arm-simulator/parts/answers";
import { resourcesIn, withKeys } from "@sigil-local/arm-simulator/world";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { startGraph, type Graph } from "../../support/graph.js";
import { Stack } from "../../support/stack.js";

const PERSON = "66666666-6666-6666-6666-666666666666";
const ROLE = "Sigil galleries (sigilverify-x, s)";
/** Somebody's own, which nobody may touch. */
const OTHERS = {
  group: "images",
  role: "Sigil galleries (sigil-x, s)",
  application: "sigil-verify-not",
};

let stack: Stack;
let host: HostProcess;
let graph: Graph;
let azure: Server;
let folder: string;

/** What az was asked, and what there is because of it. */
const asked: string[] = [];
const groups = new Map<string, string>();
const roles = new Map<string, string>();
const assignments = new Set<string>();
/** Called when az has done something. */
let done: (words: string) => unknown = () => {};

/** A run starts az forty times. */
const LONG = { timeout: 180_000 };

beforeAll(async () => {
  stack = await Stack.start({ simulator: { replication: { durationMs: 300 } } });
  const lines: string[] = [];
  host = await stack.startHost((line) => lines.push(line));
  const functions = lines.flatMap((line) => /^ {2}([a-z\d-]+) {2}/u.exec(line)?.[1] ?? []);
  graph = await startGraph();
  azure = createServer((request, response) => {
    void (async () => {
      if (request.url?.startsWith("/bus/")) return answerAsBus(request, response);
      const words = (await json(request)) as string[];
      asked.push(words.join(" "));
      const answer = await az(words, functions);
      await done(words.join(" "));
      response.end(answer === undefined ? "" : JSON.stringify(answer));
    })().catch((error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  }).listen(0, "127.0.0.1");
  await once(azure, "listening");
  folder = await mkdtemp(path.join(tmpdir(), "sigil-az-"));
  await writeFile(
    path.join(folder, "az"),
    `#!/usr/bin/env node
fetch(process.env.AZURE, { method: "POST", body: JSON.stringify(process.argv.slice(2)) }).then(async (response) => {
  const text = await response.text();
  if (response.ok) console.log(/tsv/u.test(process.argv.at(-1)) ? JSON.parse(text) : text);
  else { console.error(text); process.exitCode = 1; }
});`,
  );
  await chmod(path.join(folder, "az"), 0o755);
  // Nobody publishes it: the smoke test reads from it which functions there are.
  const listed = strToU8(JSON.stringify(functions));
  await writeFile(path.join(folder, "sigil.zip"), zipSync({ "functions.json": listed }));
  groups.set(OTHERS.group, "");
  roles.set("others", OTHERS.role);
  graph.applications.push({ id: "others", appId: "others", displayName: OTHERS.application });
});
afterEach(() => {
  asked.splice(0);
  done = () => {};
});
afterAll(async () => {
  azure.close();
  await graph.close();
  // The script asks for more than Sigil may: whoever runs it owns the subscription.
  stack.simulator.clearRequests();
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

/** As much of Azure as the script asks az for. */
async function az(words: readonly string[], functions: readonly string[]): Promise<unknown> {
  const option = (name: string): string => words[words.indexOf(name) + 1] ?? "";
  const issuer = stack.services.tokenIssuer;
  switch (words.slice(0, 2).join(" ")) {
    case "cloud show":
      return {
        endpoints: {
          resourceManager: `${stack.services.resourceManager?.endpoint}/`,
          microsoftGraphResourceId: `${graph.origin}/`,
        },
      };
    case "account show":
      return { user: { type: "user" } };
    case "feature show":
      return { properties: { state: "Registered" } };
    case "account get-access-token":
      return {
        accessToken: await issuer?.issueToken(
          option("--scope").startsWith("api://")
            ? { roles: ["ImageVersions.Admin"] }
            : { audience: "https://management.azure.com" },
        ),
      };
    case "ad signed-in-user":
      return { id: PERSON };
    case "ad app":
      if (words[2] === "list")
        return graph.applications.filter(({ displayName }) =>
          displayName.startsWith(option("--display-name")),
        );
      remove(graph.applications, ({ appId }) => appId === option("--id"));
      return remove(graph.principals, ({ appId }) => appId === option("--id"));
    case "rest --method": {
      const response = await fetch(option("--url"), {
        method: option("--method"),
        ...(words.includes("--body") && { body: option("--body") }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(text);
      return text === "" ? undefined : (JSON.parse(text) as unknown);
    }
    case "group create":
      groups.set(option("--name"), option("--tags"));
      await stack.simulator.putResource(inGroup(option("--name")).group(option("--location")));
      return {};
    case "group list":
      return [...groups]
        .filter(([, tags]) => tags.startsWith(`${option("--tag")}=`))
        .map(([name]) => ({
          name,
          id: `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/${name}`,
        }));
    case "group delete":
      return deleteGroup(option("--name"));
    case "group exists":
      return groups.has(option("--name"));
    case "deployment group":
      if (words[2] === "what-if") return {};
      if (words[2] === "create") return { properties: { outputs: await deploy(words) } };
      return option("--query").includes("apiUrl") ? `${host.origin}/api` : "app";
    case "role definition":
      if (words[2] === "list") return [...roles].map(([name, roleName]) => ({ name, roleName }));
      if (assignments.size > 0) throw new Error("RoleDefinitionHasAssignments");
      return void roles.delete(option("--name"));
    case "role assignment":
      if (words[2] === "list") return [...assignments].map((id) => ({ id }));
      return void assignments.delete(option("--ids"));
    case "functionapp deployment":
      return {};
    case "functionapp keys":
      return { masterKey: "none" };
    case "disk create":
    case "vm create":
      return make(words[0] === "vm", option);
    case "functionapp function":
      return functions.map((name) => ({ name: `app/${name}` }));
    case "keyvault key": {
      const key = stack.simulator
        .resources()
        .find(({ properties }) => properties?.["keyUriWithVersion"] === option("--id"));
      if (key === undefined) throw new Error("there is no such key");
      await stack.simulator.putResource({
        ...key,
        properties: { ...key.properties, attributes: { enabled: option("--enabled") === "true" } },
      });
      return {};
    }
    default:
      throw new Error(`not known here: ${words.join(" ")}`);
  }
}

function inGroup(name: string): ReturnType<typeof resourcesIn> {
  return resourcesIn(LOCAL_SUBSCRIPTION_ID, name);
}

/** A machine, or a disk of a public image, by the request that az sends. */
async function make(isMachine: boolean, option: (name: string) => string): Promise<unknown> {
  const location = option("--location");
  const { id } = inGroup(option("--resource-group"));
  const set = option(isMachine ? "--os-disk-encryption-set" : "--disk-encryption-set");
  const diskEncryptionSet = set.startsWith("/") ? { diskEncryptionSet: { id: set } } : {};
  const properties = isMachine
    ? {
        hardwareProfile: { vmSize: option("--size") },
        storageProfile: {
          imageReference: { id: option("--image") },
          osDisk: { createOption: "FromImage", managedDisk: diskEncryptionSet },
        },
      }
    : {
        osType: "Linux",
        hyperVGeneration: "V2",
        creationData: { createOption: "FromImage" },
        securityProfile: { securityType: option("--security-type") },
        encryption: { type: option("--encryption-type"), diskEncryptionSetId: set },
      };
  const path = id(`${isMachine ? "virtualMachines" : "disks"}/${option("--name")}`);
  const token = await stack.services.tokenIssuer?.issueToken({
    audience: "https://management.azure.com",
  });
  const response = await fetch(
    `${stack.services.resourceManager?.endpoint}${path}?api-version=2025-03-01`,
    {
      method: "PUT",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ location, properties }),
    },
  );
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

/** A topic that drops what it has had, as Service Bus says of it; `/verify/messages` and one subscription. */
const bus = { received: [] as string[], had: new Set<string>() };

interface Sent {
  readonly BrokerProperties: { readonly MessageId: string };
}

/** Stalls the copy until a request after the first, so that the first finds it under way. */
async function stallUntil(stall: {
  readonly versionId: string;
  readonly region: string;
  readonly method: string;
  readonly requests: number;
}): Promise<void> {
  const { simulator } = stack;
  const { versionId, region, method, requests } = stall;
  await simulator.stallRegion({ versionId, region });
  void vi
    .waitUntil(() => simulator.countRequests({ method, path: `${versionId}(\\?|$)` }) >= requests, {
      timeout: 60_000,
    })
    .then(() => simulator.resumeRegion({ versionId, region }));
}

/** A machine is made of the version, and its regions are read, before the copy is done. */
const copyUntilSeen = (versionId: string): Promise<void> =>
  stallUntil({ versionId, region: "northeurope", method: "GET", requests: 2 });

async function answerAsBus(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "DELETE") {
    const id = bus.received.shift();
    if (id !== undefined) response.setHeader("brokerproperties", JSON.stringify({ MessageId: id }));
    response.writeHead(id === undefined ? 204 : 200).end();
    return;
  }
  const sent: unknown = await json(request);
  const { brokerproperties } = request.headers;
  const ids = Array.isArray(sent)
    ? (sent as readonly Sent[]).map(({ BrokerProperties }) => BrokerProperties.MessageId)
    : [(JSON.parse(String(brokerproperties)) as { MessageId: string }).MessageId];
  for (const id of ids) {
    if (!bus.had.has(id)) bus.received.push(id);
    bus.had.add(id);
  }
  response.writeHead(201).end();
}

/** What infra/verify.bicep would make; its outputs. */
async function deploy(words: readonly string[]): Promise<unknown> {
  const values = new Map(words.map((word) => word.split("=", 2) as [string, string]));
  const { id, ...make } = inGroup(words[words.indexOf("--resource-group") + 1] ?? "");
  const sets = ["first", "second", "dead"].map((name, index) =>
    make.diskEncryptionSet(name, index === 0 ? "westeurope" : (values.get("second") ?? "")),
  );
  const gallery = make.gallery("verify", "westeurope");
  const definition = make.imageDefinition("verify", "verify", "westeurope");
  for (const resource of [
    {
      ...gallery,
      properties: {
        ...gallery.properties,
        softDeletePolicy: { isSoftDeleteEnabled: values.get("softDelete") === "true" },
      },
    },
    { ...definition, properties: { ...definition.properties, osState: "Specialized" } },
    make.disk("snapshots", "verify", "westeurope", { os: true }),
    ...withKeys(sets),
  ])
    await stack.simulator.putResource(resource);
  roles.set("role", ROLE);
  assignments.add("assignment");
  const [, , dead] = sets;
  const outputs = {
    apiUrl: `${host.origin}/api`,
    functionAppName: "app",
    imageId: id("galleries/verify/images/verify"),
    sourceId: id("snapshots/verify"),
    sets: sets.map((set) => set.id),
    deadKey: (dead?.properties?.["activeKey"] as { keyUrl: string }).keyUrl,
    deadVault: (dead?.properties?.["activeKey"] as { sourceVault: { id: string } }).sourceVault.id,
    busUrl: `http://127.0.0.1:${(azure.address() as AddressInfo).port}/bus/`,
  };
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, { value }]));
}

/** As Azure does it: what is nested in a gallery holds it. */
async function deleteGroup(name: string): Promise<void> {
  const { id } = inGroup(name);
  const token = await stack.services.tokenIssuer?.issueToken({
    audience: "https://management.azure.com",
  });
  for (const versions of [
    "images/verify/versions",
    "softDeletedArtifactTypes/Images/artifacts/verify/versions",
  ]) {
    const response = await fetch(
      `${stack.services.resourceManager?.endpoint}${id(`galleries/verify/${versions}`)}?api-version=2025-03-03`,
      { headers: { Authorization: `Bearer ${token}` } },
    );
    const { value = [] } = (await response.json()) as { value?: unknown[] };
    if (value.length > 0) throw new Error("CannotDeleteResource");
  }
  for (const resource of stack.simulator.resources())
    if (resource.id.includes(`/resourceGroups/${name}`))
      await stack.simulator.removeResource(resource.id);
  groups.delete(name);
}

function remove<T>(from: T[], which: (one: T) => boolean): void {
  const index = from.findIndex(which);
  if (index !== -1) from.splice(index, 1);
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `started` may kill it. */
async function run(
  [command = "", ...args]: readonly string[],
  started: (kill: (signal?: NodeJS.Signals) => void) => void = () => {},
): Promise<Outcome> {
  const { port } = azure.address() as AddressInfo;
  const child = spawn(command, args, {
    env: {
      ...process.env,
      PATH: `${folder}:${path.dirname(process.execPath)}:${process.env["PATH"]}`,
      AZURE: `http://127.0.0.1:${port}`,
    },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  started((signal = "SIGKILL") => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return { code, stdout, stderr };
}

const verify = (
  args: readonly string[],
  started?: (kill: (signal?: NodeJS.Signals) => void) => void,
): Promise<Outcome> =>
  run(
    [
      process.execPath,
      "infra/verify.mjs",
      `--package=${folder}/sigil.zip`,
      `--report=${folder}/report.json`,
      "--wait-seconds=0.03",
      ...args,
    ],
    started,
  );
const REGIONS = ["--location=westeurope", "--second=northeurope"];

interface Report {
  readonly answers: Readonly<Record<string, { readonly answer: unknown }>>;
  readonly choices: Readonly<Record<string, unknown>>;
  readonly removed?: string;
}

const reported = async (): Promise<Report> =>
  JSON.parse(await readFile(path.join(folder, "report.json"), "utf8")) as Report;

/** What is there of the script's, and that nobody else's is gone. */
function left(): readonly string[] {
  const names = [
    ...groups.keys(),
    ...roles.values(),
    ...graph.applications.map(({ displayName }) => displayName),
  ];
  expect(names).toEqual(expect.arrayContaining(Object.values(OTHERS)));
  return names.filter((name) => !Object.values(OTHERS).includes(name));
}

test("says what it costs, and that nobody has run it, and does nothing without a yes", async () => {
  const { code, stdout, stderr } = await verify(REGIONS);
  expect(stdout).toContain("About two dollars");
  expect(stdout).toContain("By hand, portal.flag: ");
  expect(stdout).toContain("Nobody has run this in Azure");
  expect(stderr).toContain("Nothing was done");
  expect(code).toBe(2);
  expect(asked).toEqual([]);
});

test("what is asked may be limited, and each question says what it costs", async () => {
  const { stdout } = await verify([...REGIONS, "--only=reads"]);
  expect(stdout).toContain("reads reads.equal: are two GETs with nothing between them equal?");
  expect(stdout).toContain("; 3 copies, of 4 GB,");
  expect(stdout).not.toContain("version.failedWhen");
  const { code, stderr } = await verify([...REGIONS, "--only=reads,raeds"]);
  expect(stderr).toContain('--only "raeds" is no group. There are: admin, publish, reads, ');
  expect(code).toBe(2);
  expect(asked).toEqual([]);
});

test(
  "deploys, publishes, asks, removes, and writes what it was told, without ids, addresses and tokens",
  LONG,
  async () => {
    const { simulator } = stack;
    await simulator.setLag({ ms: 300 });
    let group = "";
    const version = (image: string, number: string): string =>
      inGroup(group).id(`galleries/verify/images/${image}/versions/${number}`);
    done = async (words) => {
      if (!words.startsWith("deployment group create")) return;
      [group = ""] = /sigil-verify-\w+/u.exec(words) ?? [];
      await copyUntilSeen(version("ready", "1.0.1"));
      // The key is disabled while its region copies.
      for (const number of ["0.0.12", "0.0.13"])
        await simulator.failRegion({ versionId: version("verify", number), region: "northeurope" });
      // The first of two PUTs runs until the second was answered.
      const written = { versionId: version("verify", "0.0.3"), region: "westeurope" };
      await stallUntil({ ...written, method: "PUT", requests: 2 });
    };
    const { code, stderr } = await verify([...REGIONS, "--soft-delete", "--yes"]);
    await simulator.setLag({ ms: 0 });
    expect(stderr).toBe("");
    const { answers, choices, removed } = await reported();
    const answerTo = (id: string): unknown => answers[id]?.answer;
    expect(answerTo("deploy")).toEqual({ instances: "2" });
    expect(answerTo("publish.time")).toMatchObject([
      { status: "Succeeded", regions: { provisioningState: "Succeeded" } },
      { status: "Succeeded", regions: { provisioningState: "Succeeded" } },
    ]);
    // The simulator was told to be late; how late is what was measured.
    const { times, mostMs } = answerTo("reads.age") as {
      times: { get: number; list: number };
      mostMs: number;
    };
    expect(times.get).toBeGreaterThan(0);
    expect(times.list).toBeGreaterThan(0);
    expect(answerTo("write.deleteWhilePut")).toMatchObject({
      answer: { status: 202 },
      shown: expect.stringMatching(/^(?:Deleting|ResourceNotFound)$/u) as unknown,
      gone: { shownAgain: 0 },
    });
    expect(answerTo("write.putWhilePut")).toMatchObject({
      answer: { status: 409, code: "Conflict" },
    });
    expect(answerTo("key.when")).toMatchObject({ when: "before", status: 400 });
    expect(answerTo("version.failedWhen")).toMatchObject({
      status: 201,
      regions: { provisioningState: "Failed", failed: [expect.stringMatching(/north/iu)] },
      end: { status: 200 },
    });
    expect(answerTo("region.failed")).toMatchObject({
      removed: { status: 200 },
      added: 200,
      provisioningState: "Succeeded",
      failed: [],
    });
    expect(answerTo("latest.regionOverVersion")).toMatchObject({ latest: "1.0.0" });
    expect(answerTo("latest.notReady")).toMatchObject({ latest: "1.0.0" });
    expect(answerTo("latest.whileUpdating")).toMatchObject({ latest: "1.0.1" });
    expect(answerTo("bus.duplicates")).toEqual({ minute: 1, hour: null, scheduled: 1, batch: 1 });
    expect(answerTo("softDelete.date")).toEqual({
      date: "kept",
      deleted: expect.objectContaining({ shownAgain: 0 }) as unknown,
      before: expect.stringMatching(/^\d{4}-/u) as unknown,
      after: expect.stringMatching(/^\d{4}-/u) as unknown,
    });
    expect(answerTo("softDelete.purge")).toMatchObject({ purged: true });
    expect(answerTo("softDelete.failed")).toMatchObject({ plainly: { code: "Conflict" } });
    for (const refusal of Object.values(answerTo("refusals.words") as object))
      expect(refusal).toMatchObject({
        status: expect.toSatisfy((status: number) => status >= 400) as unknown,
        message: expect.stringMatching(/./u) as unknown,
      });
    expect(answerTo("flags.kept")).toEqual({ repeated: [true] });
    expect(answerTo("flags.omitted")).toEqual({ version: false, regions: [null], tags: [] });
    // A new world of the simulator begins with what was answered: all eight.
    expect(choices).toEqual({
      ...withDefaults({}),
      readLagMs: mostMs,
      failsWhen: choices["failsWhen"],
    });
    expect(withDefaults(choices)).toEqual(choices);
    expect(
      Object.values(answers).filter((one) => JSON.stringify(one).includes("unanswered")),
    ).toEqual([]);
    const compared = await verify([`--compare=${folder}/report.json`]);
    // The local host has no master key, and lets its administrator in; regions may be done before a second PUT comes.
    const differing = [...compared.stdout.matchAll(/^(\S+?\.\S+?)\.\S* /gmu)].map(([, id]) => id);
    expect(differing.filter((id) => id !== "write.flagsWhilePut")).toEqual([
      "admin.isolation",
      "admin.isolation",
    ]);
    expect(removed).toMatch(/^\d{4}-/u);
    const text = JSON.stringify(await reported());
    for (const secret of [LOCAL_SUBSCRIPTION_ID, PERSON, "localhost", "eyJ"])
      expect(text).not.toContain(secret);
    expect(left()).toEqual([]);
    expect(code).toBe(0);
  },
);

test("--compare ends with 1 where something differs, and asks nobody", async () => {
  const file = path.join(folder, "otherwise.json");
  await writeFile(
    file,
    JSON.stringify({ answers: { "reads.equal": { answer: { equal: false } } } }),
  );
  const { code, stdout } = await verify([`--compare=${file}`]);
  expect(code).toBe(1);
  expect(stdout).toContain("reads.equal.equal is false, not true.");
  expect(stdout).toContain("1 of what Sigil relies on differ.");
  expect(asked).toEqual([]);
});

const killedAt = (args: readonly string[], words: RegExp): Promise<Outcome> =>
  verify(args, (kill) => {
    done = (said) => {
      if (words.test(said)) kill();
    };
  });

test.each([
  ["its group is there", /^group create/u],
  ["its application is registered", /^rest .*appRoleAssignedTo/u],
  ["all is deployed", /^deployment group create/u],
  ["it asks, and again when it removes,", /^vm create/u],
])("killed when %s and started again, it leaves nothing", LONG, async (_, words) => {
  const { code } = await killedAt([...REGIONS, "--yes"], words);
  expect(code).toBeNull();
  expect(left()).not.toEqual([]);
  await killedAt(["--remove"], /^role definition delete/u);
  done = () => {};
  expect(await verify(["--remove"])).toMatchObject({ code: 0, stderr: "" });
  expect(left()).toEqual([]);
});

test("stopped while it asks, it removes what it has made", LONG, async () => {
  const { code, stderr } = await verify([...REGIONS, "--yes"], (kill) => {
    done = (said) => {
      if (!said.startsWith("vm create")) return;
      done = () => {}; // the second signal would kill it
      kill("SIGINT");
    };
  });
  expect(stderr).toContain("It is stopped, and removes what it has made.");
  expect(JSON.stringify((await reported()).answers)).toContain("It was stopped.");
  expect(left()).toEqual([]);
  expect(code).toBe(1);
});

test("a question without an answer says why, and all is removed", LONG, async () => {
  done = (words) => {
    if (words.startsWith("deployment group create")) throw new Error("InvalidMaximumInstanceCount");
  };
  const { code } = await verify([...REGIONS, "--yes"]);
  done = () => {};
  const { answers } = await reported();
  expect(Object.keys(answers)).toEqual(["deploy"]);
  expect(JSON.stringify(answers)).toContain("InvalidMaximumInstanceCount");
  expect(left()).toEqual([]);
  expect(code).toBe(1);
});

test(
  "where no set may use its key, what is asked about keys is unanswered, all else is answered, and all is removed",
  LONG,
  async () => {
    done = async (words) => {
      if (!words.startsWith("deployment group create")) return;
      const [group = ""] = /sigil-verify-\w+/u.exec(words) ?? [];
      await copyUntilSeen(inGroup(group).id("galleries/verify/images/ready/versions/1.0.1"));
      for (const key of stack.simulator.resources())
        if (/\/keys\//u.test(key.id))
          await stack.simulator.putResource({
            ...key,
            properties: { ...key.properties, attributes: { enabled: false } },
          });
    };
    const { code } = await verify([...REGIONS, "--yes"]);
    const { answers } = await reported();
    const unanswered = Object.entries(answers)
      .filter(([, answer]) => JSON.stringify(answer).includes("unanswered"))
      .map(([question]) => question);
    expect(unanswered.sort()).toEqual([
      "capture.otherRegion",
      "capture.sources",
      "key.when",
      "machine.image",
      "publish.time",
      "region.failed",
      "softDelete.date",
      "softDelete.failed",
      "softDelete.number",
      "softDelete.purge",
      "softDelete.restore",
      "version.failedWhen",
    ]);
    expect(left()).toEqual([]);
    expect(code).toBe(1);
  },
);
