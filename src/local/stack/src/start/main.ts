#!/usr/bin/env node
import { runCommand } from "@sigil-local/command-line";
import path from "node:path";
import { APPLICATION_ROOT } from "../application-root.js";
import {
  startHostProcess,
  type HostProcess,
} from "@sigil-local/functions-host/process";
import { nextInterruption } from "../interruption.js";
import { startLocalServices } from "../services.js";
import { readOptions, USAGE, type StartOptions } from "./options.js";
import { writeCoreToolsSettings } from "./core-tools-settings.js";
import { explainTakenPort } from "./ports.js";
import { welcome } from "./welcome.js";
import { Teardown } from "../teardown.js";

const TOKEN_HOURS = 12;
const PACE = {
  SIGIL_POLL_INITIAL_SECONDS: "2",
  SIGIL_POLL_MAX_SECONDS: "10",
  SIGIL_CONFIRM_SECONDS: "10",
};
/** Regions then take visibly different times: the simulator derives them from this and the version's id. */
const REPLICATION_SEED = "coast to coast";

/** Runs the local stack until it is told to stop, and returns its exit code. */
async function run(options: StartOptions): Promise<number> {
  const interruption = nextInterruption();
  const teardown = new Teardown();
  try {
    const host = await Promise.race([interruption, start(options, teardown)]);
    if ("exited" in host) {
      const end = await Promise.race([interruption, host.exited]);
      if (end === null || typeof end === "number")
        throw new Error(
          `The functions host has ended by itself (${end === null ? "killed" : `exit code ${end}`}): its last lines above say why.`,
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

async function start(
  options: StartOptions,
  teardown: Teardown,
): Promise<HostProcess> {
  const { dataDirectory, ports, replicationMinutes } = options;
  const environment = { ...PACE, ...process.env };
  const services = await teardown.add(
    () =>
      startLocalServices({
        environment,
        serviceBusConfigurationFile: path.join(
          APPLICATION_ROOT,
          "infra/service-bus-emulator.json",
        ),
        ports,
        ...(dataDirectory !== undefined && { dataDirectory }),
        simulator: {
          replication: {
            durationMs: replicationMinutes * 60_000,
            spread: 0.7,
            seed: REPLICATION_SEED,
          },
        },
        log: (line) => console.log(`Service Bus: ${line}`),
      }),
    (started) => started.close(),
  );
  const coreToolsSettings =
    dataDirectory === undefined
      ? undefined
      : await writeCoreToolsSettings(dataDirectory, services.settings);
  // Why a start fails is told in one line, not by what the host prints before.
  let print = (line: string): void => void early.push(line);
  const early: string[] = [];
  const host = await teardown.add(
    () =>
      startHostProcess({
        scriptRoot: APPLICATION_ROOT,
        port: ports.api,
        environment: { ...environment, ...services.settings },
        ...(dataDirectory !== undefined && {
          stateDirectory: path.join(dataDirectory, "functions-host"),
        }),
        onLine: (line) => print(line),
      }),
    (started) => started.stop(),
  );
  print = (line) => console.log(line);
  early.forEach(print);
  const token =
    services.settings["SIGIL_TOKEN_ISSUER"] === undefined
      ? undefined
      : await services.tokenIssuer?.issueToken({
          roles: ["ImageVersions.Read", "ImageVersions.Write"],
          expiresInSeconds: TOKEN_HOURS * 3600,
        });
  console.log(
    `\n${welcome({
      origin: host.origin,
      services,
      environment,
      dataDirectory,
      coreToolsSettings,
      replicationMinutes,
      token,
      tokenHours: TOKEN_HOURS,
    })}\n`,
  );
  return host;
}

process.exit(await runCommand({ usage: USAGE, readOptions, run }));
