import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startFunctionsHost } from "../src/host.js";
import { Settings, parseTimeSpan } from "../src/settings.js";

const repository = join(import.meta.dirname, "../../..");

const hostJson = JSON.stringify({ version: "2.0" });
const packageJson = JSON.stringify({ type: "module", main: "dist/*.js" });
const HELLO = `import { app } from "@azure/functions";
app.get("hello", () => ({ body: "hello " + process.env.WHO }));`;

/** Writes an app into a folder of its own, from which the packages of this repository are found. */
function writeApp(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "functions-app-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  symlinkSync(join(repository, "node_modules"), join(root, "node_modules"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

async function refusal(files: Readonly<Record<string, string>>, environment = {}): Promise<string> {
  const scriptRoot = writeApp(files);
  return startFunctionsHost({
    scriptRoot,
    environment,
    log: () => undefined,
  }).then(
    async (host) => {
      await host.drain();
      return "started";
    },
    (error: Error) => `${error.name}: ${error.message.replaceAll(scriptRoot, "ROOT")}`,
  );
}

const registering = (code: string) => ({
  "host.json": hostJson,
  "package.json": packageJson,
  "dist/functions.js": `import { app, output, input } from "@azure/functions";\n${code}`,
});

describe("a host does not start", () => {
  it.each<[string, Record<string, string>, string]>([
    ["without host.json", { "package.json": packageJson }, "there is no host.json in ROOT"],
    [
      "with a host.json of another version",
      { "host.json": `{"version":"1.0"}` },
      `host.json: version is "1.0"; expected "2.0"`,
    ],
    ["without package.json", { "host.json": hostJson }, "there is no package.json in ROOT"],
    [
      "without main",
      { "host.json": hostJson, "package.json": "{}" },
      `ROOT/package.json has no "main", so there are no functions to load`,
    ],
    [
      "where main matches no file",
      { "host.json": hostJson, "package.json": packageJson },
      `no file matches "dist/*.js" (package.json main) in ROOT; has the app been built?`,
    ],
    [
      "where an entry point throws",
      registering("throw new Error('not\\n  today')"),
      "cannot load the entry point dist/functions.js: not today",
    ],
    [
      "where nothing is registered",
      registering(""),
      "no function was registered by dist/functions.js",
    ],
    [
      "where two functions share a name",
      registering("app.get('a', () => ({})); app.get('a', () => ({}));"),
      `two functions are named "a"`,
    ],
    [
      "where a name is none",
      registering("app.get('1 a', () => ({}));"),
      `"1 a" is not a valid function name (letters, digits, - and _, a letter first)`,
    ],
    [
      "where a function wants a key",
      registering("app.http('a', { authLevel: 'function', handler: () => ({}) });"),
      `function "a": authLevel "function" needs function keys, which the local host does not have; use "anonymous" and authenticate in the app`,
    ],
    [
      "where a route takes the host's own",
      {
        ...registering("app.get('a', { route: 'admin/x', handler: () => ({}) });"),
        "host.json": JSON.stringify({
          version: "2.0",
          extensions: { http: { routePrefix: "" } },
        }),
      },
      `function "a": the route "admin/x" conflicts with the host's own`,
    ],
    [
      "where a route has an unknown constraint",
      registering("app.get('a', { route: 'x/{y:prime}', handler: () => ({}) });"),
      `the route "api/x/{y:prime}" has a constraint that is not known: prime`,
    ],
    [
      "where a setting in a binding is missing",
      registering("app.timer('a', { schedule: '%Often%', handler: () => {} });"),
      `function "a": the setting "Often" (%Often%) is missing`,
    ],
    [
      "where a queue's setting is missing",
      registering(
        "app.serviceBusQueue('a', { connection: 'Bus', queueName: '%Queue%', handler: () => {} });",
      ),
      `function "a": the setting "Queue" (%Queue%) is missing`,
    ],
    [
      "where a connection is missing",
      registering(
        "app.serviceBusQueue('a', { connection: 'Bus', queueName: 'q', handler: () => {} });",
      ),
      `function "a": the connection setting "Bus" is missing: set Bus to a connection string, or Bus__fullyQualifiedNamespace to a namespace`,
    ],
    [
      "where an appStart hook fails",
      registering(
        "app.hook.appStart(() => { throw new Error('not ready'); }); app.get('a', () => ({}));",
      ),
      "an appStart hook failed: not ready",
    ],
    [
      "where a trigger is not one of the three",
      registering("app.storageBlob('a', { connection: 'S', path: 'c/b', handler: () => {} });"),
      `function "a": the trigger "blobtrigger" is not supported by the local host (HTTP, Service Bus and timer are)`,
    ],
    [
      "where a binding is not supported",
      registering(
        "app.get('a', { extraInputs: [input.storageBlob({ connection: 'S', path: 'c/b' })], handler: () => ({}) });",
      ),
      `function "a": the binding "blob" is not supported by the local host`,
    ],
    [
      "where messages come in batches",
      registering(
        "app.serviceBusQueue('a', { connection: 'Bus', queueName: 'q', cardinality: 'many', handler: () => {} });",
      ),
      `function "a": batches (cardinality "many") and sessions are not supported by the local host`,
    ],
  ])("%s", async (_case, files, message) => {
    expect(await refusal(files)).toBe(`StartupError: ${message}`);
  });

  it.each([
    [
      "functionTimeout",
      "soon",
      `host.json: functionTimeout is "soon"; expected a time span hh:mm:ss`,
    ],
    [
      "extensions__serviceBus__maxConcurrentCalls",
      "0",
      "host.json: extensions.serviceBus.maxConcurrentCalls is 0; expected an integer of 1 or more",
    ],
    [
      "logging__logLevel__default",
      "Loud",
      `host.json: logging.logLevel.default is "Loud"; expected Trace, Debug, Information, Warning, Error, Critical or None`,
    ],
  ])("where host.json's %s is %s", async (path, value, message) => {
    expect(
      await refusal(registering(HELLO.split("\n")[1] ?? ""), {
        [`AzureFunctionsJobHost__${path}`]: value,
      }),
    ).toBe(`StartupError: ${message}`);
  });
});

it("does not start where a connection string is none", async () => {
  const app = registering(
    "app.serviceBusQueue('a', { connection: 'Bus', queueName: 'q', handler: () => {} });",
  );
  expect(await refusal(app, { Bus: "nonsense" })).toMatch(
    /^StartupError: function "a": its connection cannot be used: /u,
  );
});

describe("an app", () => {
  it("may be of CommonJS, and is loaded again by a second host in the process", async () => {
    const scriptRoot = writeApp({
      "host.json": hostJson,
      "package.json": JSON.stringify({ main: "dist/{a,b}*.js" }),
      "dist/a.js": `const { app } = require("@azure/functions"); app.get("a", () => ({ body: "a" }));`,
      "dist/b.js": `const { app } = require("@azure/functions"); app.get("b", () => ({ body: "b" }));`,
      "dist/c.js": `throw new Error("not an entry point");`,
    });
    for (let time = 0; time < 2; time += 1) {
      const host = await startFunctionsHost({
        scriptRoot,
        environment: {},
        log: () => undefined,
      });
      onTestFinished(() => host.drain());
      expect(host.functions.map(({ name }) => name)).toEqual(["a", "b"]);
      const response = await fetch(`http://127.0.0.1:${host.port}/api/b`);
      expect(await response.text()).toBe("b");
    }
  });
});

describe("settings", () => {
  it("resolve a connection in the order of WebJobs", () => {
    const connection = (environment: Record<string, string>) =>
      new Settings(environment).serviceBusConnection("Bus", "f");
    expect(connection({ Bus: "plain", AzureWebJobsBus: "prefixed" })).toEqual({
      kind: "connectionString",
      connectionString: "prefixed",
    });
    expect(connection({ BUS: "plain" })).toEqual({
      kind: "connectionString",
      connectionString: "plain",
    });
    expect(
      connection({
        Bus__fullyQualifiedNamespace: "n.servicebus.windows.net",
        Bus__credential: "managedidentity",
        Bus__clientId: "c",
      }),
    ).toEqual({
      kind: "identity",
      fullyQualifiedNamespace: "n.servicebus.windows.net",
      clientId: "c",
      managedIdentity: true,
    });
  });

  it.each([
    ["00:05:00", 300_000],
    ["00:00:00.8", 800],
    ["1.02:03:04", 93_784_000],
    ["25:00:00", 25 * 86_400_000],
    ["5", undefined],
    ["00:60:00", undefined],
  ])("read the time span %s as %s ms", (text, ms) => {
    expect(parseTimeSpan(text)).toBe(ms);
  });
});

interface Ready {
  readonly type: string;
  readonly port: number;
  readonly functions: unknown;
}

/** Runs main.ts as built, which is what a parent process starts. */
function run(args: readonly string[], environment: Record<string, string> = {}) {
  const child = fork(join(import.meta.dirname, "../dist/main.js"), args, {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
  const exited = once(child, "close").then(([code]) => code as number | null);
  /** Rejects with what it wrote when the process ends before it says that it is ready. */
  const ready = Promise.race([
    once(child, "message").then(([message]) => message as Ready),
    exited.then((code) => {
      throw new Error(`exited with ${code}: ${output.stderr}`);
    }),
  ]);
  ready.catch(() => undefined);
  return { child, output, exited, ready };
}

describe("the process", () => {
  it("says where it listens and what it runs, serves, and drains on SIGTERM with exit code 0", async () => {
    const root = writeApp({
      "host.json": hostJson,
      "package.json": packageJson,
      "dist/functions.js": HELLO,
      "local.settings.json": JSON.stringify({
        IsEncrypted: false,
        Values: { WHO: "local settings", OTHER: "x" },
      }),
    });
    const { child, output, exited, ready: announced } = run(["--script-root", root, "--port", "0"]);
    const ready = await announced;
    expect(ready).toEqual({
      type: "ready",
      port: ready.port,
      functions: [
        {
          name: "hello",
          trigger: "http",
          disabled: false,
          route: "/api/hello",
          methods: ["GET"],
        },
      ],
    });
    const response = await fetch(`http://127.0.0.1:${ready.port}/api/hello`);
    expect(await response.text()).toBe("hello local settings");
    child.kill("SIGTERM");
    expect(await exited).toBe(0);
    expect(output.stdout).toContain(
      `listening on http://127.0.0.1:${ready.port}\n  hello  http        [GET] /api/hello\n`,
    );
    expect(output.stderr).toBe("");
  });

  it("prefers the environment to local.settings.json, and ends when its parent is gone", async () => {
    const root = writeApp({
      "host.json": hostJson,
      "package.json": packageJson,
      "dist/functions.js": HELLO,
      "local.settings.json": JSON.stringify({
        Values: { WHO: "local settings" },
      }),
    });
    const { child, ready: announced } = run(
      ["--script-root", root, "--port", "0", "--log-format", "json"],
      { WHO: "environment" },
    );
    const { port } = await announced;
    const response = await fetch(`http://127.0.0.1:${port}/api/hello`);
    expect(await response.text()).toBe("hello environment");
    // Node reports no "close" of a child whose channel was disconnected by hand.
    const exit = once(child, "exit");
    child.disconnect();
    expect(await exit).toEqual([0, null]);
  });

  it("exits 1 with one line where the app cannot be loaded", async () => {
    const root = writeApp({
      "host.json": hostJson,
      "package.json": packageJson,
    });
    const { output, exited } = run(["--script-root", root, "--port", "0"]);
    expect(await exited).toBe(1);
    expect(output.stderr).toBe(
      `error: no file matches "dist/*.js" (package.json main) in ${root}; has the app been built?\n`,
    );
  });

  it("exits 1 with one line where the port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const root = writeApp({
      "host.json": hostJson,
      "package.json": packageJson,
      "dist/functions.js": HELLO,
    });
    const { output, exited } = run(["--script-root", root, "--port", String(port)]);
    expect(await exited).toBe(1);
    expect(output.stderr).toBe(`error: port ${port} is taken; choose another with --port\n`);
  });

  it.each([
    [["--prot", "1"], "Unknown option '--prot'"],
    [["--port", "seventy"], `--port must be a number from 0 to 65535, not "seventy"`],
    [["--log-format", "xml"], `--log-format must be text or json, not "xml"`],
  ])("exits 2 for %j", async (args, message) => {
    const { output, exited } = run(args);
    expect(await exited).toBe(2);
    expect(output.stderr).toContain(message);
    expect(output.stderr.split("\n")).toHaveLength(2);
  });

  it("explains itself with --help", async () => {
    const { output, exited } = run(["--help"]);
    expect(await exited).toBe(0);
    expect(output.stdout).toContain("--script-root DIR");
  });
});
