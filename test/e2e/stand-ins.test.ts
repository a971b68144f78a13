import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { ServiceBusClient } from "@azure/service-bus";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

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

afterEach(async () => {
  for (const child of running.splice(0)) await kill(child);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

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
  const ports = ["--port", "0", "--token-port", "0", "--identity-port", "0", "--data", "kept"];
  const { said } = await start(cwd, /^ {2}az login .*/u, "arm-simulator.mjs", ...ports);
  const [, endpoint = ""] = /^Azure Resource Manager simulator: (\S+)/mu.exec(said) ?? [];
  const [, caFile = ""] = /NODE_EXTRA_CA_CERTS=(\S+)/u.exec(said) ?? [];
  const asked = get(`${endpoint}/subscriptions?api-version=2022-12-01`, {
    ca: await readFile(path.resolve(cwd, caFile)),
  });
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  expect(answer.resume().statusCode).toBe(401);
});
