import { ServiceBusClient, type ServiceBusMessage } from "@azure/service-bus";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import { startHostProcess, type HostProcess } from "@sigil-local/functions-host/process";
import {
  parseEmulatorConfiguration,
  type EmulatorConfiguration,
} from "@sigil-local/service-bus-emulator/configuration";
import {
  startLocalServices,
  type LocalServices,
  type LocalServicesOptions,
} from "@sigil-local/stack/services";
import { createApiClient, type ApiClient } from "./api-client.js";
import { EventCollector } from "./event-collector.js";
import { TEST_USER_AGENT, Uses } from "./uses.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface StackOptions {
  readonly simulator?: LocalServicesOptions["simulator"];
  /** A table service instead of the stack's own; it is closed with the stack. */
  readonly tables?: LocalServicesOptions["tables"];
  /** Settings of Sigil beside the fast ones below. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Properties that replace those of every queue in the entities file. */
  readonly queueProperties?: Readonly<Record<string, unknown>>;
  /** Folder of the app; this repository's, if not said. */
  readonly scriptRoot?: string;
}

/** Short waits, so that a test is over in seconds; nothing asserts on them. */
const FAST: Readonly<Record<string, string>> = {
  SIGIL_POLL_INITIAL_SECONDS: "0.1",
  SIGIL_POLL_MAX_SECONDS: "0.4",
  SIGIL_CONFIRM_SECONDS: "0.2",
  SIGIL_STALE_LOOK_SECONDS: "5",
  SIGIL_CREATE_TIMEOUT_SECONDS: "2",
  SIGIL_OVERDUE_SECONDS: "2",
  SIGIL_RECONCILE_SCHEDULE: "* * * * * *",
  SIGIL_REPAIR_ATTEMPTS: "0",
};

/** Microsoft does not document the action of a purge, and a role with an action that Azure does not know cannot be deployed. */
const GRANTED_BY_HAND =
  "Microsoft.Compute/galleries/softDeletedArtifactTypes/artifacts/versions/delete ";

/** The whole of Sigil on this machine: stand-ins in this process, the unmodified compiled app in processes of its own. */
export class Stack {
  readonly services: LocalServices;
  readonly events: EventCollector;
  readonly serviceBus: ServiceBusClient;
  /** What was asked of Azure: `close` throws where infra/ does not grant it. */
  readonly uses: Uses;
  readonly #hosts = new Set<HostProcess>();
  readonly #settings: Readonly<Record<string, string>>;
  readonly #directory: string;
  readonly #scriptRoot: string;

  private constructor(
    services: LocalServices,
    settings: Readonly<Record<string, string>>,
    directory: string,
    scriptRoot: string,
    uses: Uses,
  ) {
    this.services = services;
    this.uses = uses;
    this.#settings = settings;
    this.#directory = directory;
    this.#scriptRoot = scriptRoot;
    this.serviceBus = new ServiceBusClient(services.settings["ServiceBusConnection"] ?? "", {
      userAgentOptions: { userAgentPrefix: TEST_USER_AGENT },
    });
    this.events = new EventCollector(this.serviceBus);
  }

  static async start(options: StackOptions = {}): Promise<Stack> {
    const directory = await mkdtemp(path.join(tmpdir(), "sigil-test-"));
    const uses = new Uses();
    const services = await startLocalServices({
      environment: {},
      onServiceBusUse: (use) => uses.serviceBus(use),
      onTableRequest: ({ method, url }) => uses.table(method, url),
      serviceBusConfiguration: await entities(options.queueProperties),
      certificatesDirectory: process.env["SIGIL_TEST_CERTIFICATES"] ?? directory,
      simulator: { replication: { durationMs: 1_000 }, ...options.simulator },
      ...(options.tables && { tables: options.tables }),
    });
    return new Stack(
      services,
      { ...FAST, ...options.settings },
      directory,
      options.scriptRoot ?? ROOT,
      uses,
    );
  }

  get simulator(): NonNullable<LocalServices["resourceManager"]>["control"] {
    if (this.services.resourceManager === undefined)
      throw new TypeError("the simulator is not running");
    return this.services.resourceManager.control;
  }

  async startHost(
    onLine?: (line: string) => void,
    settings: Readonly<Record<string, string>> = {},
    scriptRoot = this.#scriptRoot,
    port?: number,
  ): Promise<HostProcess> {
    const host = await startHostProcess({
      scriptRoot,
      ...(port !== undefined && { port }),
      environment: {
        ...process.env,
        ...this.services.settings,
        ...this.#settings,
        ...settings,
      },
      ...(onLine && { onLine }),
    });
    this.#hosts.add(host);
    void host.exited.then(() => this.#hosts.delete(host));
    return host;
  }

  /** A client of one host with a token of these roles; every answer it sees is checked against the document. */
  async client(
    host: HostProcess,
    roles: readonly string[] = ["ImageVersions.Write"],
  ): Promise<ApiClient> {
    const token = await this.services.tokenIssuer?.issueToken({
      roles: [...roles],
    });
    return createApiClient(host.origin, token);
  }

  async send(queue: string, ...messages: readonly ServiceBusMessage[]): Promise<void> {
    const sender = this.serviceBus.createSender(queue);
    await sender.sendMessages([...messages]);
    await sender.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hosts].map((host) => host.kill()));
    try {
      await this.events.close();
    } finally {
      await this.serviceBus.close();
      this.uses.resourceManager(this.simulator.requests());
      await this.services.close();
      await rm(this.#directory, { recursive: true, force: true });
    }
    const notGranted = this.uses.notGranted.filter((use) => !use.startsWith(GRANTED_BY_HAND));
    if (notGranted.length > 0)
      throw new Error(`infra/ does not grant what was used: ${notGranted.join(", ")}`);
  }
}

/** Names of the events that tell of one operation or subject, sorted: progress left out, since it depends on speed. */
export function milestones(events: readonly CloudEvent[], subject: string): string[] {
  return events
    .filter(
      (event) => event.subject === subject && event.type !== "Sigil.ImageVersion.RegionReplicating",
    )
    .map((event) => event.id.replace(/^[^/]*\//u, ""))
    .sort();
}

async function entities(
  queueProperties: Readonly<Record<string, unknown>> = {},
): Promise<EmulatorConfiguration> {
  const text = await readFile(path.join(ROOT, "infra/service-bus-emulator.json"), "utf8");
  const json = JSON.parse(text) as {
    UserConfig: { Namespaces: { Queues: { Properties: object }[] }[] };
  };
  for (const queue of json.UserConfig.Namespaces.flatMap((namespace) => namespace.Queues)) {
    Object.assign(queue.Properties, queueProperties);
  }
  return parseEmulatorConfiguration(json);
}
