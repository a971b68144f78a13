import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { StartupError, describeError } from "./startup-error.js";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a Service Bus namespace is: a connection string, or a host name and an identity. */
export type ServiceBusConnection =
  | { readonly kind: "connectionString"; readonly connectionString: string }
  | {
      readonly kind: "identity";
      readonly fullyQualifiedNamespace: string;
      readonly clientId: string | undefined;
      readonly managedIdentity: boolean;
    };

/** Application settings as .NET configuration reads them: without regard to case, `:` written as `__`. */
export class Settings {
  readonly #values = new Map<string, string>();

  constructor(environment: Environment) {
    for (const [name, value] of Object.entries(environment)) {
      if (value === undefined || value === "") continue;
      const key = name.replaceAll("__", ":").toLowerCase();
      if (!this.#values.has(key)) this.#values.set(key, value);
    }
  }

  get(name: string): string | undefined {
    return this.#values.get(name.replaceAll("__", ":").toLowerCase());
  }

  /** Replaces each `%Setting%`; a missing one stops the host, naming the setting and who needs it. */
  expand(text: string, neededBy: string): string {
    return text.replaceAll(/%([^%]+)%/gu, (_match, name: string) => {
      const value = this.get(name);
      if (value === undefined)
        throw new StartupError(`${neededBy}: the setting "${name}" (%${name}%) is missing`);
      return value;
    });
  }

  /** `AzureWebJobs.<name>.Disabled`, or with underscores where a shell does not take dots. */
  isDisabled(functionName: string): boolean {
    const value =
      this.get(`AzureWebJobs.${functionName}.Disabled`) ??
      this.get(`AzureWebJobs_${functionName}_Disabled`);
    return value === "1" || value?.toLowerCase() === "true";
  }

  /**
   * Resolves a binding's `connection` in the WebJobs order: `AzureWebJobs<name>`, `<name>`, then the section
   * `<name>__fullyQualifiedNamespace`.
   */
  serviceBusConnection(connection: string, neededBy: string): ServiceBusConnection {
    for (const name of [`AzureWebJobs${connection}`, connection]) {
      const connectionString = this.get(name) ?? this.get(`ConnectionStrings:${name}`);
      if (connectionString !== undefined) return { kind: "connectionString", connectionString };
      const fullyQualifiedNamespace = this.get(`${name}:fullyQualifiedNamespace`);
      if (fullyQualifiedNamespace !== undefined)
        return {
          kind: "identity",
          fullyQualifiedNamespace,
          clientId: this.get(`${name}:clientId`),
          managedIdentity: this.get(`${name}:credential`)?.toLowerCase() === "managedidentity",
        };
    }
    throw new StartupError(
      `${neededBy}: the connection setting "${connection}" is missing: set ${connection} to a connection string, ` +
        `or ${connection}__fullyQualifiedNamespace to a namespace`,
    );
  }
}

/**
 * A .NET TimeSpan in milliseconds: `hh:mm[:ss[.fff]]`, `d.hh:mm:ss`, or days where the first of three numbers is 24 or
 * more ("24:00:00" is 24 days, as the timer trigger's documentation warns). Undefined when it is none.
 */
export function parseTimeSpan(text: string): number | undefined {
  const match = /^(?:(\d+)\.)?(\d{1,3}):(\d{1,2})(?::(\d{1,2})(\.\d{1,7})?)?$/u.exec(text.trim());
  if (match === null) return undefined;
  const [, dayText, ...rest] = match;
  const [first = 0, second = 0, third = 0] = rest.slice(0, 3).map((part) => Number(part ?? 0));
  const fraction = Math.round(Number(rest[3] ?? 0) * 1000);
  if (dayText === undefined && rest[2] !== undefined && first >= 24)
    return second > 23 || third > 59 ? undefined : ((first * 24 + second) * 60 + third) * 60_000;
  if (first > 23 || second > 59 || third > 59) return undefined;
  const hours = Number(dayText ?? 0) * 24 + first;
  return ((hours * 60 + second) * 60 + third) * 1000 + fraction;
}

export interface LocalSettings {
  readonly values: Readonly<Record<string, string>>;
  readonly localHttpPort: number | undefined;
}

/** `local.settings.json` of the script root: what Core Tools would put into the environment. Empty when absent. */
export function readLocalSettings(scriptRoot: string): LocalSettings {
  const path = join(scriptRoot, "local.settings.json");
  if (!existsSync(path)) return { values: {}, localHttpPort: undefined };
  let file: {
    IsEncrypted?: unknown;
    Values?: Record<string, unknown>;
    Host?: { LocalHttpPort?: unknown };
  };
  try {
    file = JSON.parse(readFileSync(path, "utf8")) as typeof file;
  } catch (error) {
    throw new StartupError(`cannot read ${path}: ${describeError(error)}`);
  }
  if (file.IsEncrypted === true)
    throw new StartupError(`${path} is encrypted; run "func settings decrypt" first`);
  const values = Object.entries(file.Values ?? {}).map(
    ([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)] as const,
  );
  const port = Number(file.Host?.LocalHttpPort);
  return {
    values: Object.fromEntries(values),
    localHttpPort: Number.isInteger(port) ? port : undefined,
  };
}
