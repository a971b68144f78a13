#!/usr/bin/env node
import { runCommand } from "@sigil-local/command-line";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { APPLICATION_ROOT } from "../application-root.js";
import { startHostProcess, type HostProcess } from "@sigil-local/functions-host/process";
import { nextInterruption } from "../interruption.js";
import { startLocalServices } from "../services.js";
import { readOptions, USAGE, type StartOptions } from "./options.js";
import { writeCoreToolsSettings } from "./core-tools-settings.js";
import { explainTakenPort } from "./ports.js";
import { startTlsFront } from "./tls-front.js";
import { writeEnvironmentFile } from "./environment-file.js";
import { welcome } from "./welcome.js";
import { Teardown } from "../teardown.js";
import { EVENTS_TOPIC } from "../entities.js";

/** Prints this many of the host's last lines if it ends by itself. */
const LAST_LINES = 20;
const PACE = {
  SIGIL_POLL_INITIAL_SECONDS: "2",
  SIGIL_POLL_MAX_SECONDS: "10",
  SIGIL_CONFIRM_SECONDS: "10",
  SIGIL_STALE_LOOK_SECONDS: "30",
  SIGIL_DRIFT_SCHEDULE: "*/30 * * * * *",
};
/** Regions then take visibly different times: the simulator derives them from this and the version's id. */
const REPLICATION_SEED = "coast to coast";

/** Runs the local stack until it is stopped, and returns its exit code. */
async function run(options: StartOptions): Promise<number> {
  const interruption = nextInterruption();
  const teardown = new Teardown();
  console.log("Starting the stand-ins for Azure, then Sigil.");
  try {
    const host = await Promise.race([interruption, start(options, teardown)]);
    if ("exited" in host) {
      const end = await Promise.race([interruption, host.exited]);
      if (end === null || typeof end === "number")
        throw new Error(
          `The functions host has ended by itself (${end === null ? "killed" : `exit code ${end}`}). Its last lines:\n${host.lastLines.join("\n")}`,
        );
    }
    console.log("Stopping.");
    await teardown.run();
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(explainTakenPort(error, options.ports) ?? message);
    return 1;
  } finally {
    await teardown.run().catch(() => undefined);
  }
}

interface RunningHost extends HostProcess {
  readonly lastLines: readonly string[];
}

async function start(options: StartOptions, teardown: Teardown): Promise<RunningHost> {
  const { dataDirectory, ports, replicationMinutes, entities } = options;
  const environment = { ...PACE, ...process.env };
  const filesDirectory = await teardown.add(
    () => filesDirectoryOf(dataDirectory),
    async (directory) => {
      if (dataDirectory === undefined) await rm(directory, { recursive: true, force: true });
    },
  );
  const logFile = await teardown.add(
    () =>
      Promise.resolve(
        createWriteStream(path.join(filesDirectory, "host.log"), {
          mode: 0o600,
        }),
      ),
    (file) => new Promise<void>((resolve) => file.end(resolve)),
  );
  const lastLines: string[] = [];
  const log = (line: string): void => {
    logFile.write(`${line}\n`);
    lastLines.push(line);
    if (lastLines.length > LAST_LINES) lastLines.shift();
    if (options.verbose) print(line);
  };
  // A failing start is explained in one line, without the host's earlier output.
  let print = (line: string): void => void early.push(line);
  const early: string[] = [];

  const services = await teardown.add(
    () =>
      startLocalServices({
        environment,
        serviceBusConfiguration: entities,
        ports,
        ...(dataDirectory !== undefined && { dataDirectory }),
        simulator: {
          replication: {
            durationMs: replicationMinutes * 60_000,
            spread: 0.7,
            seed: REPLICATION_SEED,
          },
        },
        log: (line) => log(`Service Bus: ${line}`),
      }),
    (started) => started.close(),
  );
  if (dataDirectory !== undefined) await writeCoreToolsSettings(dataDirectory, services.settings);
  const host = await teardown.add(
    () =>
      startHostProcess({
        scriptRoot: APPLICATION_ROOT,
        port: ports.api,
        environment: { ...environment, ...services.settings },
        ...(dataDirectory !== undefined && {
          stateDirectory: path.join(dataDirectory, "functions-host"),
        }),
        onLine: log,
      }),
    (started) => started.stop(),
  );
  const front = options.https
    ? await teardown.add(
        () => startTlsFront(host.origin, services.certificates, ports.https),
        (started) => started.close(),
      )
    : undefined;
  const origins = { origin: host.origin, httpsOrigin: front?.origin };
  await writeEnvironmentFile(filesDirectory, origins, services);
  print = (line) => console.log(line);
  early.forEach(print);
  console.log(
    welcome({
      ...origins,
      services,
      environment,
      filesDirectory,
      isKept: dataDirectory !== undefined,
      replicationMinutes,
      subscriptions:
        entities.topics
          .find(({ name }) => name === EVENTS_TOPIC)
          ?.subscriptions.map(({ name }) => name) ?? [],
    }),
  );
  return { ...host, lastLines };
}

/** The folder for files for the user: with the state, or in a temporary folder. */
async function filesDirectoryOf(dataDirectory: string | undefined): Promise<string> {
  if (dataDirectory === undefined) return mkdtemp(path.join(tmpdir(), "sigil-start-"));
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  return dataDirectory;
}

process.exit(await runCommand({ usage: USAGE, readOptions, run }));
