#!/usr/bin/env node
import type { FunctionDescription } from "./functions.js";
import { type FunctionsHost, startFunctionsHost } from "./host.js";
import { writeLines } from "./logging.js";
import { DEFAULT_PORT, readOptions, USAGE, UsageError } from "./options.js";
import { readLocalSettings } from "./settings.js";
import { StartupError, describeError } from "./startup-error.js";

function target(each: FunctionDescription): string {
  if (each.route !== undefined)
    return `[${each.methods?.join(",") ?? ""}] ${each.route}`;
  return each.entity ?? each.schedule ?? "";
}

function announce({ port, functions }: FunctionsHost): void {
  const width = Math.max(...functions.map(({ name }) => name.length));
  const lines = functions.map(
    (each) =>
      `  ${each.name.padEnd(width)}  ${each.trigger.padEnd(10)}  ${target(each)}${each.disabled ? "  (disabled)" : ""}`,
  );
  process.stdout.write(
    `listening on http://127.0.0.1:${port}\n${lines.join("\n")}\n`,
  );
  process.send?.({ type: "ready", port, functions });
}

function stopWhenTold(host: FunctionsHost): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    host.drain().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`error: ${describeError(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  // A parent that started this with an IPC channel and is gone cannot stop it any more.
  if (process.send !== undefined) process.once("disconnect", stop);
}

async function main(): Promise<void> {
  const { help, format, stateDirectory, ...options } = readOptions(
    process.argv.slice(2),
  );
  if (help) {
    console.log(USAGE);
    return;
  }
  const local = readLocalSettings(options.scriptRoot);
  for (const [name, value] of Object.entries(local.values))
    process.env[name] ??= value;
  // As Core Tools sets it; libraries ask for it.
  process.env["AZURE_FUNCTIONS_ENVIRONMENT"] ??= "Development";
  const host = await startFunctionsHost({
    scriptRoot: options.scriptRoot,
    port: options.port ?? local.localHttpPort ?? DEFAULT_PORT,
    drainTimeoutMs: options.drainTimeoutMs,
    log: writeLines(format),
    ...stateDirectory,
  });
  stopWhenTold(host);
  announce(host);
}

try {
  await main();
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.message} (--help tells more)\n`);
    process.exit(2);
  }
  process.stderr.write(
    error instanceof StartupError
      ? `error: ${describeError(error)}\n`
      : `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
}
