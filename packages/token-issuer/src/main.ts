#!/usr/bin/env node
import { runCommand, stopSignal } from "@sigil-local/command-line";
import { createCertificateAuthority } from "./certificates.js";
import { readOptions, USAGE, type IssuerOptions } from "./options.js";
import { LOCAL_APPLICATIONS, startTokenIssuer, type TokenIssuer } from "./token-issuer.js";

async function run(options: IssuerOptions): Promise<number> {
  const stopped = stopSignal();
  const tls = await createCertificateAuthority(options.data);
  const issuer = await startTokenIssuer({
    tls,
    audience: options.audience,
    port: options.port,
    managedIdentityPort: options.identityPort,
    dataDirectory: options.data,
  });
  console.log(welcome(issuer, tls.caFile));
  await stopped;
  await issuer.close();
  return 0;
}

function welcome(issuer: TokenIssuer, caFile: string): string {
  const { clientId, clientSecret } = LOCAL_APPLICATIONS.writer;
  const { endpoint, header } = issuer.managedIdentity;
  return `Issuer:    ${issuer.issuer}
Audience:  ${issuer.audience}
Trust it:  export NODE_EXTRA_CA_CERTS=${caFile}
Managed identity, as App Service gives it:
  export IDENTITY_ENDPOINT=${endpoint} IDENTITY_HEADER=${header}
A token:
  curl -s --cacert ${caFile} -d grant_type=client_credentials -d client_id=${clientId} -d client_secret=${clientSecret} -d scope=${issuer.audience}/.default https://localhost:${issuer.port}/${issuer.tenantId}/oauth2/v2.0/token`;
}

process.exitCode = await runCommand({ usage: USAGE, readOptions, run });
