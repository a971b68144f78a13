import path from "node:path";
import { parseArgs } from "node:util";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import {
  LOCAL_APPLICATIONS,
  startTokenIssuer,
  type TokenIssuer,
} from "@sigil-local/token-issuer";
import { controlsAsText } from "./control-table.js";
import {
  LOCAL_SUBSCRIPTION_ID,
  startResourceManagerSimulator,
} from "./server.js";
import { seedWorld, worldWithRegions, type SimulatorWorld } from "./world.js";

/** What the Resource Manager simulator's own tokens are for. */
const AUDIENCE = "https://management.azure.com";

const USAGE = `Usage: npm run simulator:arm -- [options]

Simulates Azure Resource Manager, as far as Azure Compute Gallery image versions need it, over HTTPS on localhost.
Every call needs a bearer token, as in Azure; without --token-issuer it starts an issuer of its own and says how to get one.

Options:
  --port N             Port; 0 takes any free one (default 8443)
  --data DIR           Where state, certificates and the signing key are kept (default .sigil/resource-manager)
  --speed N            Replication runs N times as fast as in Azure, where the slowest region takes 40 minutes (default 60)
  --subscription ID    Subscription of a new world (default ${LOCAL_SUBSCRIPTION_ID})
  --world seed|RxD     A new world: the documentation's sample, or R regions and D data disks, as 30x2 (default seed)
  --token-port N       Port of the own token issuer (default 8444)
  --identity-port N    Port of its managed identity endpoint (default 8445)
  --token-issuer URL   Accept tokens of this issuer (its iss, such as https://localhost:9443/TENANT/v2.0)
  --enforce-limits     Answer 429 when a rate limit is reached; otherwise limits are only reported in headers
  --quiet              Do not print requests
  --help               Print this

Exit codes: 0 stopped, 1 could not start or failed, 2 wrong usage.

Controls, while it runs (GET /simulator tells the same):
  curl --cacert DIR/certificates/ca.pem -d '{"ms":5000}' https://localhost:8443/simulator/setLag

${controlsAsText()}`;

class UsageError extends Error {}

function readOptions() {
  try {
    return parseArgs({
      options: {
        port: { type: "string", default: "8443" },
        data: { type: "string", default: ".sigil/resource-manager" },
        speed: { type: "string", default: "60" },
        subscription: { type: "string", default: LOCAL_SUBSCRIPTION_ID },
        world: { type: "string", default: "seed" },
        "token-port": { type: "string", default: "8444" },
        "identity-port": { type: "string", default: "8445" },
        "token-issuer": { type: "string" },
        "enforce-limits": { type: "boolean", default: false },
        quiet: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function readNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= most))
    throw new UsageError(`--${name} must be a number from 0 to ${most}`);
  return value;
}

function readPort(name: string, text: string): number {
  const port = readNumber(name, text, 65_535);
  if (!Number.isInteger(port))
    throw new UsageError(`--${name} must be a whole number`);
  return port;
}

function readWorld(name: string, subscriptionId: string): SimulatorWorld {
  if (name === "seed") return seedWorld(subscriptionId);
  const match = /^(\d+)x(\d+)$/.exec(name);
  if (match === null)
    throw new UsageError("--world must be 'seed' or REGIONSxDATADISKS");
  try {
    return worldWithRegions({
      subscriptionId,
      regions: Number(match[1]),
      dataDisks: Number(match[2]),
    }).world;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const port = readPort("port", options.port);
  const tokenPort = readPort("token-port", options["token-port"]);
  const identityPort = readPort("identity-port", options["identity-port"]);
  const speed = readNumber("speed", options.speed, 1_000_000);
  const world = readWorld(options.world, options.subscription);
  const data = path.resolve(options.data);

  const certificates = await createCertificateAuthority(
    path.join(data, "certificates"),
  );
  const ownIssuer =
    options["token-issuer"] === undefined
      ? await startTokenIssuer({
          port: tokenPort,
          managedIdentityPort: identityPort,
          tls: certificates,
          audience: AUDIENCE,
          dataDirectory: data,
        })
      : undefined;
  const simulator = await startResourceManagerSimulator({
    port,
    tls: certificates,
    issuer: ownIssuer ?? options["token-issuer"] ?? "",
    dataFile: path.join(data, "resource-manager.json"),
    world,
    enforceRateLimits: options["enforce-limits"],
    ...(options.quiet ? {} : { log: (line: string) => console.log(line) }),
  });
  await simulator.control.setReplicationSpeed(speed);

  console.log(`Azure Resource Manager simulator: ${simulator.endpoint}
State:      ${data}
Trust it:   export NODE_EXTRA_CA_CERTS=${certificates.caFile}
Speed:      ${speed} times Azure's`);
  if (ownIssuer !== undefined)
    console.log(
      describeTokens(ownIssuer, simulator.endpoint, certificates.caFile, data),
    );

  const stop = (): void => {
    Promise.all([simulator.close(), ownIssuer?.close()]).then(
      () => process.exit(0),
      fail,
    );
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
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

function fail(error: unknown): void {
  if (error instanceof UsageError) {
    console.error(`${error.message}\nTry: npm run simulator:arm -- --help`);
    process.exit(2);
  }
  console.error((error as Error).message);
  process.exit(1);
}

main().catch(fail);
