import { APPLICATION_ROOT } from "../application-root.js";
import { readEntities } from "../entities.js";
import { startHostProcess } from "@sigil-local/functions-host/process";
import type { ResourceManagerSimulator } from "@sigil-local/arm-simulator";
import { startLocalServices } from "../services.js";
import type { Teardown } from "../teardown.js";

/** The services that the demo calls. */
export interface DemoStack {
  readonly origin: string;
  readonly token: string;
  readonly serviceBusConnectionString: string;
  readonly resourceManager: ResourceManagerSimulator;
  /** Resolves when the functions host has ended, with words for it. */
  readonly ended: Promise<string>;
}

/** So that every region ends at a time of its own; the simulator derives the times from the seed and the version's id. */
const REPLICATION = { durationMs: 12_000, spread: 0.7, seed: "coast to coast" };
const PACE = {
  SIGIL_POLL_INITIAL_SECONDS: "1",
  SIGIL_POLL_MAX_SECONDS: "2",
  SIGIL_CONFIRM_SECONDS: "2",
  SIGIL_STALE_LOOK_SECONDS: "5",
  // Looks at versions that wait for their test.
  SIGIL_RECONCILE_SCHEDULE: "*/2 * * * * *",
  SIGIL_TEST_MACHINES: "true",
};
/** Settings that would lead the host to services outside, or change what it does. */
const OTHER_SETTINGS =
  /^(?:AzureWebJobs|AzureFunctions|ServiceBusConnection|SIGIL_|AZURE_|IDENTITY_|MSI_)/iu;

/** Starts every service and the functions, on free ports and with nothing kept. */
export async function startDemoStack(
  teardown: Teardown,
  onWarning: (line: string) => void,
): Promise<DemoStack> {
  const services = await teardown.add(
    () =>
      startLocalServices({
        environment: {},
        serviceBusConfiguration: readEntities(),
        simulator: { replication: REPLICATION },
        log: onWarning,
      }),
    (started) => started.close(),
  );
  const { tokenIssuer, serviceBus, resourceManager } = services;
  if (!tokenIssuer || !serviceBus || !resourceManager)
    throw new TypeError("a stand-in was left out, although nothing was named");
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !OTHER_SETTINGS.test(name)),
  );
  const host = await teardown.add(
    () =>
      startHostProcess({
        scriptRoot: APPLICATION_ROOT,
        environment: { ...environment, ...PACE, ...services.settings },
        onLine: (line) => {
          if (/^\[[^\]]+\] (?:warning|error|critical) /u.test(line)) onWarning(line);
        },
      }),
    // Nothing is kept, so nothing has to finish.
    (started) => started.kill(),
  );
  return {
    origin: host.origin,
    token: await tokenIssuer.issueToken({
      roles: ["ImageVersions.Admin"],
    }),
    serviceBusConnectionString: serviceBus.connectionString,
    resourceManager,
    ended: host.exited.then(
      (code) =>
        `The functions host has ended by itself (${code === null ? "killed" : `exit code ${code}`}).`,
    ),
  };
}
