import { readFileSync } from "node:fs";
import { parseOptions, portOf, UsageError } from "@sigil-local/command-line";
import { answersAsText, answersIn } from "./answers.js";
import { controlsAsText } from "./control-table.js";
import { LOCAL_SUBSCRIPTION_ID } from "./server.js";
import type { Answers } from "./state.js";
import { worldFrom } from "./world-file.js";
import { seedWorld, worldWithRegions, type SimulatorWorld } from "./world.js";

export const USAGE = `Usage: arm-simulator [options]

Simulates Azure Resource Manager, as far as Azure Compute Gallery image versions need it, over HTTPS on localhost.
Every call needs a bearer token, as in Azure; without --token-issuer it starts an issuer of its own and says how to get one.

Options:
  --port N             Port; 0 takes any free one (default 8443)
  --host ADDRESS       Where it listens, and its token issuer (default 127.0.0.1; 0.0.0.0 in a container)
  --data DIR           Where state, certificates and the signing key are kept (default .arm-simulator)
  --speed N            Replication runs N times as fast as in Azure, where the slowest region takes 40 minutes (default 60)
  --subscription ID    Subscription of a new world (default ${LOCAL_SUBSCRIPTION_ID})
  --world seed|RxD|FILE  A new world: the documentation's sample, R regions and D data disks, as 30x2, or the JSON that
                       GET /simulator/world gives (default seed)
  --answers FILE       What a new world answers where documents leave it open: JSON, or a report of infra/verify.mjs; see below
  --token-port N       Port of the own token issuer (default 8444)
  --identity-port N    Port of its managed identity endpoint (default 8445)
  --token-issuer URL   Accept tokens of this issuer (its iss, such as https://localhost:9443/TENANT/v2.0)
  --enforce-limits     Count calls, and answer 429 when a rate limit is reached; otherwise headers show the limits as at the first call
  --quiet              Do not print requests
  --help               Print this

Exit codes: 0 stopped, 1 could not start or failed, 2 wrong usage.

Controls, while it runs (GET /simulator lists them too):
  curl --cacert DIR/certificates/ca.pem -d '{"ms":5000}' https://localhost:8443/simulator/setLag

${controlsAsText()}

Answers, which a new world begins with:

${answersAsText()}`;

export interface SimulatorOptions {
  readonly help: boolean;
  readonly port: number;
  readonly host: string;
  readonly tokenPort: number;
  readonly identityPort: number;
  /** How many times as fast as in Azure replication runs. */
  readonly speed: number;
  readonly world: SimulatorWorld;
  readonly answers: Answers;
  /** Directory of state, certificates and signing key. */
  readonly data: string;
  /** `iss` of the tokens that are accepted; undefined: an issuer of its own is started. */
  readonly tokenIssuer: string | undefined;
  readonly enforceLimits: boolean;
  readonly quiet: boolean;
}

/** Reads the command line; throws UsageError. */
export function readOptions(args: readonly string[]): SimulatorOptions {
  const values = parseOptions(args, {
    port: { type: "string", default: "8443" },
    host: { type: "string", default: "127.0.0.1" },
    data: { type: "string", default: ".arm-simulator" },
    speed: { type: "string", default: "60" },
    subscription: { type: "string", default: LOCAL_SUBSCRIPTION_ID },
    world: { type: "string", default: "seed" },
    answers: { type: "string" },
    "token-port": { type: "string", default: "8444" },
    "identity-port": { type: "string", default: "8445" },
    "token-issuer": { type: "string" },
    "enforce-limits": { type: "boolean", default: false },
    quiet: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
  return {
    help: values.help,
    port: portOf("port", values.port),
    host: values.host,
    tokenPort: portOf("token-port", values["token-port"]),
    identityPort: portOf("identity-port", values["identity-port"]),
    speed: readNumber("speed", values.speed, 1_000_000),
    world: readWorld(values.world, values.subscription),
    answers: fromFile("answers", values.answers, answersIn),
    data: values.data,
    tokenIssuer: values["token-issuer"],
    enforceLimits: values["enforce-limits"],
    quiet: values.quiet,
  };
}

function readNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= most))
    throw new UsageError(`--${name} must be a number from 0 to ${most}, not "${text}".`);
  return value;
}

/** The result of `read` for a JSON file; for `{}` if no file is named. */
function fromFile<T>(option: string, file: string | undefined, read: (content: unknown) => T): T {
  try {
    return read(file === undefined ? {} : (JSON.parse(readFileSync(file, "utf8")) as unknown));
  } catch (error) {
    throw new UsageError(`--${option} ${file}: ${(error as Error).message}`);
  }
}

function readWorld(name: string, subscriptionId: string): SimulatorWorld {
  if (name === "seed") return seedWorld(subscriptionId);
  const match = /^(\d+)x(\d+)$/u.exec(name);
  if (match === null) return fromFile("world", name, worldFrom);
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
