/**
 * Access tokens from @azure/identity, which is loaded with the first one. The environment decides
 * how to sign in. Ways that take seconds to fail are tried only if nothing else is left.
 */
import type { AccessToken, TokenCredential } from "@azure/identity";
import type { Environment, Io } from "./io.js";
import { Ended, UsageError } from "./exit-codes.js";
import { variable, type Settings } from "./settings.js";

const SIGN_INS = [
  "environment",
  "workload-identity",
  "github",
  "azure-pipelines",
  "managed-identity",
  "az",
  "device-code",
] as const;
type SignIn = (typeof SIGN_INS)[number];

/**
 * How long before its expiry a token is replaced: a request takes a minute at most, and clocks
 * differ.
 */
const RENEWAL_MS = 5 * 60_000;

interface SignInDependencies {
  /** The source of tokens, created on first use. */
  readonly credential: () => Promise<Pick<TokenCredential, "getToken">>;
  readonly now: () => number;
}

/** Returns the token for the next request to Sigil. */
export function tokens(
  io: Io,
  settings: Settings,
  dependencies?: SignInDependencies,
): () => Promise<string> {
  const { environment } = io;
  let token: (() => Promise<string>) | undefined;
  return async () => {
    // A file on Windows ends in a line break, which a shell keeps.
    const given = environment["SIGIL_ACCESS_TOKEN"]?.trim();
    if (given) {
      // The error of fetch would show the token.
      if (!/^[\x21-\x7e]+$/u.test(given))
        throw new UsageError(
          "SIGIL_ACCESS_TOKEN is not a token: it contains a space, a line break or another invalid character.",
        );
      return given;
    }
    const scope = variable(environment, "SIGIL_SCOPE") ?? settings.scope;
    if (scope === undefined)
      throw new UsageError(
        "Which application is Sigil? Set SIGIL_SCOPE, or: sigil configure --scope api://{application id}/.default",
      );
    token ??= tokensFor(scope, io, dependencies);
    return token();
  };
}

/**
 * Returns the token of a scope for the next request: the last one until shortly before it expires.
 */
export function tokensFor(
  scope: string,
  io: Io,
  { credential: make, now }: SignInDependencies = {
    credential: () => credentialOf(io),
    now: () => Date.now(),
  },
): () => Promise<string> {
  let credential: ReturnType<typeof make> | undefined;
  let last: AccessToken | undefined;
  return async () => {
    // az starts a process for each token and caches none for us.
    if (last !== undefined && last.expiresOnTimestamp - now() > RENEWAL_MS) return last.token;
    credential ??= make();
    try {
      const token = await (await credential).getToken(scope, { abortSignal: io.interrupted });
      if (token !== null) {
        last = token;
        return token.token;
      }
    } catch (error) {
      io.interrupted.throwIfAborted();
      throw new Ended("notAllowed", [
        `Not signed in: ${(error as Error).message.split("\n")[0]}`,
        'Sign in with az login, or see "sigil --help" for the other ways.',
      ]);
    }
    throw new Ended("notAllowed", "Not signed in.");
  };
}

/** The sign-in that the environment requests; undefined if it requests none. */
export function signInOf(environment: Environment): SignIn | undefined {
  const asked = variable(environment, "SIGIL_SIGN_IN");
  if (asked !== undefined) {
    if ((SIGN_INS as readonly string[]).includes(asked)) return asked as SignIn;
    throw new UsageError(`SIGIL_SIGN_IN is one of ${SIGN_INS.join(", ")}, not "${asked}".`);
  }
  const has = (name: string): boolean => Boolean(environment[name]);
  const isApplication = has("AZURE_CLIENT_ID") && has("AZURE_TENANT_ID");
  if (isApplication) {
    if (has("AZURE_CLIENT_SECRET") || has("AZURE_CLIENT_CERTIFICATE_PATH")) return "environment";
    if (has("AZURE_FEDERATED_TOKEN_FILE")) return "workload-identity";
    if (has("ACTIONS_ID_TOKEN_REQUEST_URL")) return "github";
    if (has("SYSTEM_OIDCREQUESTURI") && has("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"))
      return "azure-pipelines";
  }
  if (has("IDENTITY_ENDPOINT") || has("MSI_ENDPOINT")) return "managed-identity";
  return undefined;
}

async function credentialOf(io: Io): Promise<TokenCredential> {
  const { environment } = io;
  const identity = await import("@azure/identity");
  const tenantId = environment["AZURE_TENANT_ID"] ?? "";
  const clientId = environment["AZURE_CLIENT_ID"] ?? "";
  const managed = (): TokenCredential =>
    new identity.ManagedIdentityCredential(clientId ? { clientId } : {});
  const device = (): TokenCredential =>
    new identity.DeviceCodeCredential({
      ...(tenantId && { tenantId }),
      ...(clientId && { clientId }),
      userPromptCallback: ({ message }) => void io.stderr.write(`${message}\n`),
    });
  switch (signInOf(environment)) {
    case "environment":
      return new identity.EnvironmentCredential();
    case "workload-identity":
      return new identity.WorkloadIdentityCredential();
    case "github":
      // GitHub's token lives for minutes and a version takes hours, so get a new one for each
      // renewal.
      return new identity.ClientAssertionCredential(tenantId, clientId, () => gitHubToken(io));
    case "azure-pipelines":
      return new identity.AzurePipelinesCredential(
        tenantId,
        clientId,
        environment["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"] ?? "",
        environment["SYSTEM_ACCESSTOKEN"] ?? "",
      );
    case "managed-identity":
      return managed();
    case "az":
      return new identity.AzureCliCredential();
    case "device-code":
      return device();
    case undefined:
      return new identity.ChainedTokenCredential(
        new identity.AzureCliCredential(),
        managed(),
        ...(io.stderr.isTTY ? [device()] : []),
      );
  }
}

/** A token from GitHub that identifies the workflow, for Entra ID (federated credentials). */
export async function gitHubToken({ environment, fetch }: Io): Promise<string> {
  const url = new URL(environment["ACTIONS_ID_TOKEN_REQUEST_URL"] ?? "");
  url.searchParams.set("audience", "api://AzureADTokenExchange");
  const response = await fetch(url, {
    headers: {
      Authorization: `Bearer ${environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]}`,
    },
  });
  if (!response.ok)
    throw new Error(
      `GitHub gives no OIDC token (${response.status}): the job needs "permissions: id-token: write".`,
    );
  const { value } = (await response.json()) as { readonly value: string };
  return value;
}
