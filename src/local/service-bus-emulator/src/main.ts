#!/usr/bin/env node
import { readEmulatorConfiguration } from "./configuration.js";
import { startServiceBusEmulator } from "./emulator.js";
import {
  readOptions,
  USAGE,
  UsageError,
  type EmulatorOptions,
} from "./options.js";

/** Runs the emulator as a program and returns its exit code. */
async function main(args: readonly string[]): Promise<number> {
  let options: EmulatorOptions;
  try {
    options = readOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n--help tells more.`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const { config, port, data, fsync } = options;
  let fail: (error: Error) => void;
  const stopped = new Promise<void>((resolve, reject) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
    fail = reject;
  });
  try {
    const emulator = await startServiceBusEmulator({
      configuration: await readEmulatorConfiguration(config),
      port,
      ...(data !== undefined && { dataDirectory: data }),
      fsync,
      log: (line) => void process.stderr.write(`${line}\n`),
      onFailure: (error) => fail(error),
    });
    process.stdout.write(
      `Service Bus emulator listening on 127.0.0.1:${emulator.port}\n` +
        `Messages are kept ${data === undefined ? "in memory only" : `in ${data}`}\n` +
        `${emulator.connectionString}\n`,
    );
    await stopped;
    await emulator.close();
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
