import path from "node:path";
import { parseOptions, portOf } from "@sigil-local/command-line";

export const USAGE = `Usage: token-issuer [options]

Gives access tokens as Entra ID gives them to applications and App Service to a managed identity, only on this machine.
It gives a token to whoever knows the secrets that it prints: never let anything but a test trust it.

  --audience URI       aud of the tokens that do not ask for another (default api://sigil)
  --port N             HTTPS port of the OpenID endpoints on localhost; 0 takes any free one (default 8444)
  --identity-port N    HTTP port of the managed identity endpoint on 127.0.0.1; 0 takes any free one (default 8445)
  --data DIR           where certificates and the signing key are kept: tokens stay valid over a restart (default .token-issuer)
  --help               this text

Prints the issuer, the certificate that makes a client trust it, and a curl line that gets a token. Ctrl-C stops it.

Example: a token for another API, on a free port
  token-issuer --audience api://orders --port 0

Exit codes: 0 stopped by a signal, 1 could not start or failed, 2 bad option.`;

export interface IssuerOptions {
  readonly help: boolean;
  readonly audience: string;
  readonly port: number;
  readonly identityPort: number;
  /** Absolute. */
  readonly data: string;
}

/** Reads the command line; throws UsageError. */
export function readOptions(args: readonly string[]): IssuerOptions {
  const values = parseOptions(args, {
    audience: { type: "string", default: "api://sigil" },
    port: { type: "string", default: "8444" },
    "identity-port": { type: "string", default: "8445" },
    data: { type: "string", default: ".token-issuer" },
    help: { type: "boolean", default: false },
  });
  return {
    help: values.help,
    audience: values.audience,
    port: portOf("port", values.port),
    identityPort: portOf("identity-port", values["identity-port"]),
    data: path.resolve(values.data),
  };
}
