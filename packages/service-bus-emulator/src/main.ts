#!/usr/bin/env node
import { runCommand, stopSignal } from "@sigil-local/command-line";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import { readEmulatorConfiguration } from "./configuration.js";
import { startServiceBusEmulator } from "./emulator.js";
import { readOptions, USAGE, type EmulatorOptions } from "./options.js";

async function run(options: EmulatorOptions): Promise<number> {
  const { config, port, host, data, fsync } = options;
  const tls = options.tls === undefined ? undefined : await createCertificateAuthority(options.tls);
  const stopped = stopSignal();
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const emulator = await startServiceBusEmulator({
    configuration: await readEmulatorConfiguration(config),
    port,
    host,
    tls,
    ...(data !== undefined && { dataDirectory: data }),
    fsync,
    log: (line) => console.error(line),
    onFailure: (error) => fail(error),
  });
  console.log(`Service Bus emulator listening on ${host}:${emulator.port}
Messages are kept ${data === undefined ? "in memory only" : `in ${data}`}
${emulator.connectionString}`);
  if (tls !== undefined)
    console.log(`TLS:
${emulator.tlsConnectionString}
Trust it: export NODE_EXTRA_CA_CERTS=${tls.caFile}`);
  await Promise.race([stopped, failed]);
  await emulator.close();
  return 0;
}

process.exitCode = await runCommand({ usage: USAGE, readOptions, run });
