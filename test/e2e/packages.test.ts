import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { locked } from "../support/deployment.js";

/**
 * The emulator and the simulator as somebody gets them who has nothing of this repository: packed, installed by npm into
 * an empty folder beside the real SDKs, run by npx, and used as their READMEs say. What else they need has the versions
 * of this repository's lock: npm finds it in its cache, as `npm ci` has left it there, and only else asks the registry.
 */
const PACKAGES = ["clock", "command-line", "token-issuer", "service-bus-emulator", "arm-simulator"];
const SDKS = ["@azure/arm-compute", "@azure/identity", "@azure/service-bus"];

let folder: string;
let program: ChildProcess | undefined;

async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("npm", args, {
    cwd,
    shell: process.platform === "win32",
  });
  return stdout;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "sigil-packages-"));
  const packed = await npm(
    process.cwd(),
    "pack",
    "--json",
    `--pack-destination=${folder}`,
    ...PACKAGES.map((name) => `--workspace=packages/${name}`),
  );
  const tarballs = JSON.parse(packed) as readonly {
    readonly name: string;
    readonly filename: string;
  }[];
  const dependencies: Record<string, string | undefined> = {};
  for (const { name, filename } of tarballs) dependencies[name] = `file:${filename}`;
  for (const name of SDKS) dependencies[name] = locked[`node_modules/${name}`]?.version;
  const packages = Object.fromEntries(
    Object.entries(locked).filter(
      ([place, { link }]) => place.startsWith("node_modules/") && !link,
    ),
  );
  const write = (file: string, content: object): Promise<void> =>
    writeFile(path.join(folder, file), JSON.stringify(content));
  await write("package.json", { type: "module", dependencies });
  await write("package-lock.json", { lockfileVersion: 3, packages });
  await npm(folder, "install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund");
}, 300_000);

afterEach(async () => {
  const { pid } = program ?? {};
  // npx, and what it runs.
  if (pid !== undefined && program?.exitCode === null) {
    process.kill(-pid, "SIGKILL");
    await once(program, "close");
  }
  program = undefined;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a program of an installed package; resolves with what it has printed once a line matches. */
async function npx(last: RegExp, ...args: readonly string[]): Promise<string> {
  const child = spawn("npx", ["--no-install", ...args], {
    cwd: folder,
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  program = child;
  let printed = "";
  for await (const line of createInterface({ input: child.stdout })) {
    printed += `${line}\n`;
    if (last.test(line)) {
      child.stdout.resume(); // a full pipe would stop it
      return printed;
    }
  }
  throw new Error(`${args.join(" ")} ended without ${last}:\n${printed}`);
}

/** The first block of code in a package's README in a language. */
async function example(name: string, language: string): Promise<string> {
  const readme = await readFile(
    path.join(folder, "node_modules/@sigil-local", name, "README.md"),
    "utf8",
  );
  const block = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, "u");
  return block.exec(readme)?.[1] ?? "";
}

/** Runs a script in the folder; gives what it printed. */
async function runScript(
  code: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const file = path.join(folder, "script.js");
  await writeFile(file, code);
  const { stdout } = await promisify(execFile)(process.execPath, [file], {
    cwd: folder,
    env: { ...process.env, ...environment },
  });
  return stdout;
}

test("a package holds what its README says, and no sources", async () => {
  for (const name of PACKAGES) {
    const installed = path.join(folder, "node_modules/@sigil-local", name);
    const files = (await npm(installed, "pack", "--dry-run", "--json")).trim();
    const [{ files: listed = [] } = {}] = JSON.parse(files) as readonly {
      files?: readonly { path: string }[];
    }[];
    const paths = listed.map((each) => each.path);
    expect(paths).toEqual(expect.arrayContaining(["CHANGELOG.md", "LICENSE", "README.md"]));
    expect(paths.filter((each) => !/^dist\/.*\.(js|d\.ts)$/u.test(each)).sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "package.json",
    ]);
  }
});

test.each([
  ["clock", "a minute later\n"],
  ["token-issuer", "true [ 'Orders.Read' ]\n"],
  ["service-bus-emulator", "a hundred apples 0\n"],
])("the code in the README of %s does what it says", async (name, prints) => {
  await writeFile(
    path.join(folder, "entities.json"),
    await example("service-bus-emulator", "json"),
  );
  expect(await runScript(await example(name, "js"))).toBe(prints);
});

test("the emulator runs by npx, and the real client sends and receives", async () => {
  await writeFile(
    path.join(folder, "entities.json"),
    await example("service-bus-emulator", "json"),
  );
  const printed = await npx(
    /^Endpoint=/u,
    ...["service-bus-emulator", "--config", "entities.json", "--port", "0"],
  );
  const [connectionString = ""] = /^Endpoint=.*$/mu.exec(printed) ?? [];
  const script = `import { ServiceBusClient } from "@azure/service-bus";
    const client = new ServiceBusClient(process.env.CONNECTION_STRING);
    await client.createSender("orders").sendMessages({ body: "pears" });
    const receiver = client.createReceiver("orders");
    const [message] = await receiver.receiveMessages(1);
    await receiver.completeMessage(message);
    console.log(message.body, (await receiver.peekMessages(1)).length);
    await client.close();`;
  expect(await runScript(script, { CONNECTION_STRING: connectionString })).toBe("pears 0\n");
});

test("the simulator runs by npx, and the real SDK creates an image version as its README says", async () => {
  const printed = await npx(
    /az login/u,
    ...["arm-simulator", "--speed", "100000", "--data", ".arm"],
    ...["--port", "0", "--token-port", "0", "--identity-port", "0"],
  );
  const [, endpoint = ""] = /simulator: (\S+)$/mu.exec(printed) ?? [];
  const exported = [...printed.matchAll(/export ([^\n]+)/gu)]
    .flatMap(([, line = ""]) => line.split(" "))
    .map((each) => each.split(/=(.*)/u, 2) as [string, string]);
  const script = await example("arm-simulator", "js");
  expect(
    await runScript(script, {
      ...Object.fromEntries(exported),
      ARM_ENDPOINT: endpoint,
    }),
  ).toBe("1.0.0 Succeeded\n");
});
