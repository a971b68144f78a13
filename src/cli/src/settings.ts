/**
 * Finds values in the command line, the environment, `sigil configure` and az's own profile, in
 * this order.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import type { Environment } from "./io.js";
import { UsageError } from "./exit-codes.js";

/** The settings that `sigil configure` saves. */
export interface Settings {
  readonly endpoint?: string;
  readonly scope?: string;
  readonly serviceBus?: string;
  readonly subscription?: string;
  readonly group?: string;
  readonly gallery?: string;
  readonly image?: string;
  readonly location?: string;
}

export const DEFAULTS = ["subscription", "group", "gallery", "image", "location"] as const;

export function settingsFile(environment: Environment): string {
  const folder =
    environment["SIGIL_CONFIG_DIR"] ??
    path.join(environment["XDG_CONFIG_HOME"] ?? path.join(homedir(), ".config"), "sigil");
  return path.join(folder, "config.json");
}

/** Throws UsageError if the file holds anything else. */
export function readSettings(environment: Environment): Settings {
  const file = settingsFile(environment);
  const text = textOf(file);
  if (text === undefined) return {};
  let settings: unknown;
  try {
    settings = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} is not valid JSON. Fix or delete it.`, {
      cause: error,
    });
  }
  if (
    typeof settings !== "object" ||
    settings === null ||
    Array.isArray(settings) ||
    Object.values(settings).some((each) => typeof each !== "string")
  )
    throw new UsageError(`${file} must contain only names with text values. Fix or delete it.`);
  return settings;
}

export function writeSettings(settings: Settings, environment: Environment): void {
  const file = settingsFile(environment);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(settings, null, 2)}\n`, {
    mode: 0o600,
  });
  chmodSync(file, 0o600); // Writing an existing file keeps its mode.
}

/**
 * The defaults of options that are not given. az, too, has `AZURE_DEFAULTS_GROUP` and
 * `AZURE_DEFAULTS_LOCATION`.
 */
export function defaultValues(
  settings: Settings,
  environment: Environment,
): Readonly<Record<string, string | undefined>> {
  const of = (name: string): string | undefined =>
    variable(environment, `SIGIL_${name}`) ?? variable(environment, `AZURE_DEFAULTS_${name}`);
  return {
    "--resource-group": of("GROUP") ?? settings.group,
    "--gallery-name": of("GALLERY") ?? settings.gallery,
    "--gallery-image-definition": of("IMAGE") ?? settings.image,
    "--gallery": of("GALLERY") ?? settings.gallery,
    "--image": of("IMAGE") ?? settings.image,
    "--location": of("LOCATION") ?? settings.location,
  };
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;

/** `given` is an id, or a name that az knows. Throws UsageError. */
export function subscriptionOf(
  given: string | undefined,
  settings: Settings,
  environment: Environment,
): string {
  const wanted =
    given ??
    variable(environment, "SIGIL_SUBSCRIPTION") ??
    variable(environment, "AZURE_SUBSCRIPTION_ID") ??
    settings.subscription;
  if (wanted !== undefined && ID.test(wanted)) return wanted;
  const known = azSubscriptions(environment);
  const found =
    wanted === undefined
      ? known.find(({ isDefault }) => isDefault)
      : known.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  if (found !== undefined) return found.id;
  throw new UsageError(
    wanted === undefined
      ? "Which subscription? Give --subscription, or set SIGIL_SUBSCRIPTION, or: sigil configure --defaults subscription=ID"
      : `"${wanted}" is no subscription's id, and az knows none of that name.`,
  );
}

interface AzSubscription {
  readonly id: string;
  readonly name: string;
  readonly isDefault: boolean;
}

function azSubscriptions(environment: Environment): readonly AzSubscription[] {
  const folder = environment["AZURE_CONFIG_DIR"] ?? path.join(homedir(), ".azure");
  const text = textOf(path.join(folder, "azureProfile.json"));
  try {
    // az writes a byte order mark.
    const profile = JSON.parse(text?.replace(/^\uFEFF/u, "") ?? "{}") as {
      readonly subscriptions?: readonly AzSubscription[];
    };
    return profile.subscriptions ?? [];
  } catch {
    return []; // A broken profile is az's problem.
  }
}

/** Reads a variable; an empty one counts as not set. */
export function variable(environment: Environment, name: string): string | undefined {
  return environment[name] || undefined;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * The address of Sigil, without `/api`. A token is sent in clear text only to this machine. Throws
 * UsageError.
 */
export function endpointOf(
  given: string | undefined,
  settings: Settings,
  environment: Environment,
): string {
  const endpoint = given ?? variable(environment, "SIGIL_ENDPOINT") ?? settings.endpoint;
  if (endpoint === undefined)
    throw new UsageError(
      "Where is Sigil? Set SIGIL_ENDPOINT, or: sigil configure --endpoint https://….azurewebsites.net (of npm start: source .sigil/env)",
    );
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/u.test(url.protocol))
    throw new UsageError(`The endpoint "${endpoint}" is no https address.`);
  if (url.protocol === "http:" && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/u.test(url.hostname))
    throw new UsageError(`The endpoint "${endpoint}" is not https: a token is not sent there.`);
  if (url.username || url.password || url.search || url.hash)
    throw new UsageError("The endpoint must be a URL without a user name, a query or a fragment.");
  return endpoint.replace(/\/+$/u, "").replace(/\/api$/u, "");
}
