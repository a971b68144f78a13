import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  createCertificateAuthority,
  type LocalCertificates,
} from "@sigil-local/token-issuer/certificates";
import { LOCAL_PUBLIC_CLIENT, startTokenIssuer, type TokenIssuer } from "@sigil-local/token-issuer";
import {
  startResourceManagerSimulator,
  type ResourceManagerSimulator,
  type ResourceManagerSimulatorOptions,
} from "@sigil-local/arm-simulator";
import type { EmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import {
  startServiceBusEmulator,
  type ServiceBusEmulator,
  type ServiceBusEmulatorOptions,
} from "@sigil-local/service-bus-emulator";
import {
  startMemoryTables,
  type MemoryTablesOptions,
  type TableStorage,
} from "./memory-tables/server.js";

/** The audience of tokens for the API from the local issuer. */
const LOCAL_AUDIENCE = "api://sigil";

export interface LocalServicesOptions {
  /** A service that is named here already is used as it is; its local stand-in is left out. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Entities of Service Bus. */
  readonly serviceBusConfiguration: EmulatorConfiguration;
  /** Keeps state beyond the process; absent: a temporary folder, removed at the end. */
  readonly dataDirectory?: string;
  /** The folder of certificates, if not the data directory. */
  readonly certificatesDirectory?: string;
  readonly ports?: Partial<
    Record<"serviceBus" | "resourceManager" | "tokenIssuer" | "managedIdentity" | "tables", number>
  >;
  /** A table service that is running, instead of our own; it is closed with the others. */
  readonly tables?: TableStorage;
  readonly simulator?: Pick<ResourceManagerSimulatorOptions, "world" | "replication">;
  readonly log?: (line: string) => void;
  /** Told each right that a client uses of Service Bus. */
  readonly onServiceBusUse?: ServiceBusEmulatorOptions["onUse"];
  /** Told each request to Table Storage. */
  readonly onTableRequest?: MemoryTablesOptions["onRequest"];
}

/** The local stand-ins that are running, and the settings that make Sigil use them. */
export interface LocalServices {
  /** Azure's own names of settings, which a host process needs in addition to its environment. */
  readonly settings: Readonly<Record<string, string>>;
  readonly tokenIssuer: TokenIssuer | undefined;
  readonly serviceBus: ServiceBusEmulator | undefined;
  readonly resourceManager: ResourceManagerSimulator | undefined;
  readonly tables: TableStorage | undefined;
  /**
   * For the HTTPS services; `caFile` makes a client trust them, by `--cacert` or
   * `NODE_EXTRA_CA_CERTS`.
   */
  readonly certificates: LocalCertificates;
  close(): Promise<void>;
}

/** Starts each service that `environment` does not name; all or none. Rejects with one line, such as a taken port. */
export async function startLocalServices(options: LocalServicesOptions): Promise<LocalServices> {
  const { environment, ports = {}, log } = options;
  const named = (...names: readonly string[]): boolean => names.some((name) => environment[name]);
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  const running = <T extends { close(): Promise<void> }>(service: T): T => {
    closers.push(() => service.close());
    return service;
  };
  try {
    const directory = options.dataDirectory ?? (await mkdtemp(path.join(tmpdir(), "sigil-")));
    if (options.dataDirectory === undefined)
      closers.push(() => rm(directory, { recursive: true, force: true }));
    const keep = async (name: string): Promise<string> => {
      const folder = path.join(directory, name);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return folder;
    };
    const tls = await createCertificateAuthority(
      options.certificatesDirectory ?? (await keep("certificates")),
    );
    // Empty counts as absent; it keeps local.settings.json from naming another account or namespace
    // next to a stand-in.
    const without = (...names: readonly string[]): void => {
      for (const name of names) settings[name] = "";
    };
    const settings: Record<string, string> = {
      NODE_EXTRA_CA_CERTS: await beside(
        environment["NODE_EXTRA_CA_CERTS"],
        tls.caFile,
        path.join(directory, "trusted.pem"),
      ),
    };

    // First, as it refuses a directory that another process has.
    let serviceBus: ServiceBusEmulator | undefined;
    if (!named("ServiceBusConnection", "ServiceBusConnection__fullyQualifiedNamespace")) {
      serviceBus = running(
        await startServiceBusEmulator({
          configuration: options.serviceBusConfiguration,
          port: ports.serviceBus ?? 0,
          ...(options.dataDirectory !== undefined && {
            dataDirectory: await keep("service-bus"),
          }),
          ...(log && { log }),
          ...(options.onServiceBusUse && { onUse: options.onServiceBusUse }),
        }),
      );
      settings["ServiceBusConnection"] = serviceBus.connectionString;
      without("ServiceBusConnection__fullyQualifiedNamespace");
    }

    let tables: TableStorage | undefined;
    if (
      !named(
        "AzureWebJobsStorage",
        "AzureWebJobsStorage__accountName",
        "AzureWebJobsStorage__tableServiceUri",
      )
    ) {
      tables = running(
        options.tables ??
          (await startMemoryTables({
            port: ports.tables ?? 0,
            ...(options.onTableRequest && {
              onRequest: options.onTableRequest,
            }),
            ...(options.dataDirectory !== undefined && {
              dataDirectory: await keep("tables"),
            }),
          })),
      );
      settings["AzureWebJobsStorage"] = tables.connectionString;
      without("AzureWebJobsStorage__accountName", "AzureWebJobsStorage__tableServiceUri");
    }

    const simulates = !named("SIGIL_RESOURCE_MANAGER_ENDPOINT");
    let tokenIssuer: TokenIssuer | undefined;
    if (simulates || !named("SIGIL_TOKEN_ISSUER")) {
      tokenIssuer = running(
        await startTokenIssuer({
          port: ports.tokenIssuer ?? 0,
          managedIdentityPort: ports.managedIdentity ?? 0,
          tls,
          audience: environment["SIGIL_TOKEN_AUDIENCE"] ?? LOCAL_AUDIENCE,
          dataDirectory: await keep("identity"),
        }),
      );
      if (!named("SIGIL_TOKEN_ISSUER")) {
        settings["SIGIL_TOKEN_ISSUER"] = tokenIssuer.issuer;
        settings["SIGIL_TOKEN_AUDIENCE"] = tokenIssuer.audience;
        settings["SIGIL_UI_CLIENT_ID"] = LOCAL_PUBLIC_CLIENT.clientId;
        settings["SIGIL_UI_AUTHORITY"] = tokenIssuer.browserAuthority;
      }
    }

    let resourceManager: ResourceManagerSimulator | undefined;
    if (simulates && tokenIssuer !== undefined) {
      resourceManager = running(
        await startResourceManagerSimulator({
          port: ports.resourceManager ?? 0,
          tls,
          issuer: tokenIssuer,
          ...options.simulator,
          ...(options.dataDirectory !== undefined && {
            dataFile: path.join(await keep("resource-manager"), "state.json"),
          }),
        }),
      );
      settings["SIGIL_RESOURCE_MANAGER_ENDPOINT"] = resourceManager.endpoint;
      // As App Service gives a managed identity; the simulator believes its tokens.
      settings["IDENTITY_ENDPOINT"] = tokenIssuer.managedIdentity.endpoint;
      settings["IDENTITY_HEADER"] = tokenIssuer.managedIdentity.header;
    }
    return {
      settings,
      tokenIssuer,
      serviceBus,
      resourceManager,
      tables,
      certificates: tls,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A file with the authorities that the environment trusts already, a company's own say, and ours: Node reads one file. */
async function beside(
  trusted: string | undefined,
  caFile: string,
  bundle: string,
): Promise<string> {
  if (!trusted || path.resolve(trusted) === path.resolve(caFile)) return caFile;
  const files = await Promise.all([trusted, caFile].map((file) => readFile(file, "utf8")));
  await writeFile(bundle, files.join("\n"));
  return bundle;
}
