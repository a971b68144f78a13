import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { ComputeManagementClient } from "@azure/arm-compute";
import { ServiceBusClient } from "@azure/service-bus";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { needs } from "@sigil-local/testing/tools";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { environmentOfAz } from "../support/azure-cli.js";

interface Compose {
  readonly services: Readonly<
    Record<string, { readonly command: readonly string[]; readonly volumes: readonly string[] }>
  >;
}

/** What the simulator says last. */
const SERVES = /^ {2}az login .*/u;
const FREE_PORTS = ["--port", "0", "--token-port", "0", "--identity-port", "0"];

/** The two programs as somebody gets them who has one file and Node.js: each alone in a folder, with no packages above it. */
let folder: string;
const running: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "sigil-stand-ins-"));
  await promisify(execFile)(process.execPath, ["packages/bundle.mjs", path.join(folder, "made")]);
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}

afterAll(async () => {
  for (const child of running.splice(0)) await kill(child);
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string): string => path.join(folder, name);

/** The folder of a program, with nothing else in it. */
async function aloneIn(name: string): Promise<string> {
  const alone = path.join(folder, name);
  await mkdir(alone, { recursive: true });
  await copyFile(path.join(folder, "made", `${name}.mjs`), path.join(alone, `${name}.mjs`));
  return alone;
}

/** Starts a program; resolves with it and what it said, once a line says that it serves. */
async function start(
  cwd: string,
  serves: RegExp,
  ...args: readonly string[]
): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  running.push(child);
  let wrong = "";
  child.stderr.on("data", (chunk: Buffer) => (wrong += chunk.toString()));
  let said = "";
  for await (const line of createInterface({ input: child.stdout })) {
    said += `${line}\n`;
    if (!serves.test(line)) continue;
    child.stdout.resume(); // a full pipe would stop it
    return { child, said };
  }
  throw new Error(`${args.join(" ")} ended without ${serves}:\n${wrong}`);
}

/** Starts what compose.yaml runs as that service, with the folders of this machine in place of the container's. */
async function startService(name: string, serves: RegExp, ...more: readonly string[]) {
  const { services } = parse(await readFile(at("made/compose.yaml"), "utf8")) as Compose;
  const { command, volumes } = services[name] ?? { command: [], volumes: [] };
  const mounts = [...volumes, "./:/stand-ins"].map((mount) => mount.split(":"));
  const args = command.map((word) => {
    for (const [from = "", to = ""] of mounts)
      if (RegExp(`(^|=)${to}(/|$)`, "u").test(word))
        return word.replace(to, at(from.startsWith(".") ? `made/${from}` : `volumes/${from}`));
    return word;
  });
  return start(folder, serves, ...args, ...more);
}

async function bash(script: string, env?: NodeJS.ProcessEnv) {
  return promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { env });
}

function endpointIn(said: string): string {
  return /^Azure Resource Manager simulator: (\S+)/mu.exec(said)?.[1] ?? "";
}

function connectionIn(said: string): string {
  return /^Endpoint=.*$/mu.exec(said)?.[0] ?? "";
}

test("the emulator is one file, and keeps its messages when it is killed", async () => {
  const cwd = await aloneIn("service-bus-emulator");
  await writeFile(
    path.join(cwd, "entities.json"),
    JSON.stringify({
      UserConfig: {
        Namespaces: [{ Name: "local", Queues: [{ Name: "orders" }], Topics: [] }],
        Logging: { Type: "Console" },
      },
    }),
  );
  const args = ["service-bus-emulator.mjs", "--config", "entities.json", "--data", "kept"];
  const first = await start(cwd, /^Endpoint=.*/u, ...args, "--port", "0");
  const sending = new ServiceBusClient(connectionIn(first.said));
  await sending.createSender("orders").sendMessages({ body: "pears" });
  await sending.close();
  await kill(first.child);

  const second = await start(cwd, /^Endpoint=.*/u, ...args, "--port", "0");
  const receiving = new ServiceBusClient(connectionIn(second.said));
  const receiver = receiving.createReceiver("orders");
  const [message] = await receiver.receiveMessages(1);
  expect(message?.body).toBe("pears");
  await receiving.close();
});

test("the simulator is one file, and asks who is calling", async () => {
  const cwd = await aloneIn("arm-simulator");
  const { said } = await start(cwd, SERVES, "arm-simulator.mjs", ...FREE_PORTS, "--data", "kept");
  const asked = get(`${endpointIn(said)}/subscriptions?api-version=2022-12-01`, {
    ca: await readFile(path.join(cwd, "kept/certificates/ca.pem")),
  });
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  expect(answer.resume().statusCode).toBe(401);
});

describe("what the containers run", () => {
  const VERSIONS = ["MyResourceGroup", "MyGallery", "MyImage"] as const;
  const source = `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/MyResourceGroup/providers/Microsoft.Compute/images/myImage`;
  let simulator: string;
  let emulator: string;

  beforeAll(async () => {
    await cp(
      process.env["SIGIL_TEST_CERTIFICATES"] ?? "",
      at("volumes/arm-simulator/certificates"),
      {
        recursive: true,
      },
    );
    const speed = ["--speed", "1000000"];
    simulator = (await startService("arm-simulator", SERVES, ...FREE_PORTS, ...speed)).said;
    emulator = (await startService("service-bus-emulator", /^Trust it/u, "--port", "0")).said;
  });

  test("is in the image, which copies nothing that is not there", async () => {
    const copied = /^COPY (.+) \/stand-ins\/$/mu.exec(
      await readFile(at("made/Dockerfile"), "utf8"),
    );
    const made = await readdir(at("made"));
    for (const pattern of copied?.[1]?.split(" ") ?? ["nothing"])
      expect(
        made.filter((name) => path.matchesGlob(name, pattern)),
        pattern,
      ).not.toEqual([]);
  });

  test("Azure's SDK publishes a version, and Service Bus's sends by TLS, both trusting one authority", async () => {
    const [curl = ""] = /^ {2}TOKEN=.*$/mu.exec(simulator) ?? [];
    const { stdout } = await bash(`${curl}\nprintf %s "$TOKEN"`);
    const client = new ComputeManagementClient(
      {
        getToken: () =>
          Promise.resolve({ token: stdout, expiresOnTimestamp: Date.now() + 3_600_000 }),
      },
      LOCAL_SUBSCRIPTION_ID,
      { endpoint: endpointIn(simulator) },
    );
    const version = { location: "westus", storageProfile: { source: { id: source } } };
    const made = client.galleryImageVersions.createOrUpdate(...VERSIONS, "1.0.0", version);
    expect(await made).toMatchObject({ name: "1.0.0", provisioningState: "Succeeded" });

    const byTls = /^TLS:\n(.*)$/mu.exec(emulator)?.[1] ?? "";
    const sending = new ServiceBusClient(byTls);
    await sending.createSender("events").sendMessages({ body: "pears" });
    const [message] = await sending.createReceiver("events", "all").receiveMessages(1);
    expect(message?.body).toBe("pears");
    await sending.close();
  });

  test("az publishes a version", { ...needs("az"), timeout: 120_000 }, async () => {
    const caFile = at("volumes/arm-simulator/certificates/ca.pem");
    const lines = simulator.split("The Azure CLI, with a profile of its own:\n")[1] ?? "";
    const [group, gallery, image] = VERSIONS;
    const create = `az sig image-version create -g ${group} -r ${gallery} -i ${image} -e 1.0.1 -l westus --managed-image ${source} --query provisioningState -o tsv`;
    const { stdout } = await bash(`{ ${lines}\n} >&2\n${create}`, environmentOfAz(folder, caFile));
    expect(stdout).toBe("Succeeded\n");
  });
});
