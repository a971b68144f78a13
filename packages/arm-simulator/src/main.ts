#!/usr/bin/env node
import path from "node:path";
import { runCommand, stopSignal } from "@sigil-local/command-line";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import { LOCAL_APPLICATIONS, startTokenIssuer, type TokenIssuer } from "@sigil-local/token-issuer";
import { readOptions, USAGE, type SimulatorOptions } from "./options.js";
import { startResourceManagerSimulator } from "./server.js";

/** The audience of the Resource Manager simulator's own tokens. */
const AUDIENCE = "https://management.azure.com";

async function run(options: SimulatorOptions): Promise<number> {
  const stopped = stopSignal();
  const { port, tokenPort, identityPort, speed, world, tokenIssuer } = options;
  const data = path.resolve(options.data);

  const certificates = await createCertificateAuthority(path.join(data, "certificates"));
  const ownIssuer =
    tokenIssuer === undefined
      ? await startTokenIssuer({
          port: tokenPort,
          managedIdentityPort: identityPort,
          host: options.host,
          tls: certificates,
          audience: AUDIENCE,
          dataDirectory: data,
        })
      : undefined;
  const simulator = await startResourceManagerSimulator({
    port,
    host: options.host,
    tls: certificates,
    issuer: ownIssuer ?? tokenIssuer ?? "",
    dataFile: path.join(data, "resource-manager.json"),
    world,
    answers: options.answers,
    enforceRateLimits: options.enforceLimits,
    ...(options.quiet ? {} : { log: (line: string) => console.log(line) }),
  });
  await simulator.control.setReplicationSpeed(speed);

  console.log(`Azure Resource Manager simulator: ${simulator.endpoint}
State:      ${data}
Trust it:   export NODE_EXTRA_CA_CERTS=${certificates.caFile}
Speed:      ${speed} times Azure's`);
  if (ownIssuer !== undefined)
    console.log(describeTokens(ownIssuer, simulator.endpoint, certificates.caFile, data));

  await stopped;
  await Promise.all([simulator.close(), ownIssuer?.close()]);
  return 0;
}

function describeTokens(
  issuer: TokenIssuer,
  endpoint: string,
  caFile: string,
  data: string,
): string {
  const { clientId, clientSecret } = LOCAL_APPLICATIONS.writer;
  return `Managed identity, as App Service gives it:
  export IDENTITY_ENDPOINT=${issuer.managedIdentity.endpoint} IDENTITY_HEADER=${issuer.managedIdentity.header}
A token and a call:
  TOKEN=$(curl -s --cacert ${caFile} -d grant_type=client_credentials -d client_id=${clientId} -d client_secret=${clientSecret} -d scope=${AUDIENCE}/.default https://localhost:${issuer.port}/${issuer.tenantId}/oauth2/v2.0/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -s --cacert ${caFile} -H "Authorization: Bearer $TOKEN" "${endpoint}/subscriptions?api-version=2022-12-01"
The Azure CLI, with a profile of its own:
  export AZURE_CONFIG_DIR=${path.join(data, "azure-cli")} REQUESTS_CA_BUNDLE=${caFile}
  az cloud register --name Simulator --endpoint-resource-manager ${endpoint} && az cloud set --name Simulator
  az login --service-principal --username ${clientId} --password ${clientSecret} --tenant ${issuer.tenantId}`;
}

process.exit(await runCommand({ usage: USAGE, readOptions, run }));
