import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { writeCoreToolsSettings } from "../src/start/core-tools-settings.js";

it("writes the settings as func start reads them, for their owner alone", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "sigil-test-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = await writeCoreToolsSettings(directory, {
    SIGIL_TOKEN_AUDIENCE: "api://sigil",
    ServiceBusConnection__fullyQualifiedNamespace: "",
  });
  expect(file).toBe(path.join(directory, "local.settings.json"));
  expect(JSON.parse(await readFile(file, "utf8"))).toEqual({
    IsEncrypted: false,
    Values: {
      FUNCTIONS_WORKER_RUNTIME: "node",
      SIGIL_TOKEN_AUDIENCE: "api://sigil",
    },
  });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});
