#!/usr/bin/env node
import { runCommand, stopSignal } from "@sigil-local/command-line";
import { readEmulatorConfiguration } from "./configuration.js";
import { startServiceBusEmulator } from "./emulator.js";
import { readOptions, USAGE, type EmulatorOptions } from "./options.js";

async function run(options: EmulatorOptions): Promise<number> {
  const { config, port, data, fsync } = options;
  const stopped = stopSignal();
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const emulator = await startServiceBusEmulator({
    configuration: await readEmulatorConfiguration(config),
    port,
    ...(data !== undefined && { dataDirectory: data }),
    fsync,
    log: (line) => console.error(line),
    onFailure: (error) => fail(error),
  });
  console.log(`Service Bus emulator listening on 127.0.0.1:${emulator.port}
Messages are kept ${data === undefined ? "in memory only" : `in ${data}`}
${emulator.connectionString}`);
  await Promise.race([stopped, failed]);
  await emulator.close();
  return 0;
}

process.exitCode = await runCommand({ usage: USAGE, readOptions, run });
