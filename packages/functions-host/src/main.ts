#!/usr/bin/env node
import { runCommand } from "@sigil-local/command-line";
import type { FunctionDescription } from "./functions.js";
import { type FunctionsHost, startFunctionsHost } from "./host.js";
import { writeLines } from "./logging.js";
import { DEFAULT_PORT, readOptions, USAGE, type HostOptions } from "./options.js";
import { readLocalSettings } from "./settings.js";
import { StartupError, describeError } from "./startup-error.js";

function target(each: FunctionDescription): string {
  if (each.route !== undefined) return `[${each.methods?.join(",") ?? ""}] ${each.route}`;
  return each.entity ?? each.schedule ?? "";
}

function announce({ port, functions }: FunctionsHost): void {
  const width = Math.max(...functions.map(({ name }) => name.length));
  const lines = functions.map(
    (each) =>
      `  ${each.name.padEnd(width)}  ${each.trigger.padEnd(10)}  ${target(each)}${each.disabled ? "  (disabled)" : ""}`,
  );
  process.stdout.write(`listening on http://127.0.0.1:${port}\n${lines.join("\n")}\n`);
  process.send?.({ type: "ready", port, functions });
}

/** Gives 0 once running invocations have ended; a second signal does not wait for them. */
function stopWhenTold(host: FunctionsHost): Promise<number> {
  return new Promise((resolve, reject) => {
    let stopping = false;
    const stop = (): void => {
      if (stopping) process.exit(1);
      stopping = true;
      host.drain().then(() => resolve(0), reject);
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
    // A parent that started this with an IPC channel and is gone cannot stop it any more.
    if (process.send !== undefined) process.once("disconnect", stop);
  });
}

async function host(options: HostOptions): Promise<number> {
  const local = readLocalSettings(options.scriptRoot);
  for (const [name, value] of Object.entries(local.values)) process.env[name] ??= value;
  // As Core Tools sets it; libraries ask for it.
  process.env["AZURE_FUNCTIONS_ENVIRONMENT"] ??= "Development";
  const started = await startFunctionsHost({
    scriptRoot: options.scriptRoot,
    port: options.port ?? local.localHttpPort ?? DEFAULT_PORT,
    drainTimeoutMs: options.drainTimeoutMs,
    log: writeLines(options.logFormat),
    ...(options.stateDirectory !== undefined && {
      stateDirectory: options.stateDirectory,
    }),
  });
  const stopped = stopWhenTold(started);
  announce(started);
  return stopped;
}

/** What is no StartupError is a mistake of the host's own: its stack is told as well. */
const run = (options: HostOptions): Promise<number> =>
  host(options).catch((error: unknown) => {
    const told =
      error instanceof Error && !(error instanceof StartupError)
        ? (error.stack ?? error.message)
        : describeError(error);
    console.error(`error: ${told}`);
    return 1;
  });

process.exit(await runCommand({ usage: USAGE, readOptions, run }));
