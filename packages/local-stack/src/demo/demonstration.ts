import { setTimeout } from "node:timers/promises";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { ServiceBusClient } from "@azure/service-bus";
import type { Teardown } from "../teardown.js";
import { Api, type Finding, type Operation } from "./api.js";
import { REQUESTS_QUEUE, sendAsBuildSystem } from "./build-system.js";
import { eventLine } from "./event-line.js";
import type { ExpectedEvents, ExpectedVersion } from "./expected-events.js";
import type { Progress } from "./progress.js";
import {
  MANAGED_IMAGE_REQUEST,
  snapshotsRequest,
  TEST_GROUP,
  TESTED_REQUEST,
  testNetwork,
  testProfile,
} from "./requests.js";
import { startDemoStack, type DemoStack } from "./stack.js";
import { wrap, type Style } from "./style.js";
import { subscribe, type ReceivedEvent } from "./subscriber.js";
import { summary, type Outcome } from "./summary.js";
import { differences } from "./verification.js";

const SUCCEEDING_REGIONS = ["westus", "eastus2"];
const [BY_HTTP, BY_MESSAGE, REFUSED, TESTED] = ["1.0.0", "1.0.1", "1.0.2", "1.0.3"] as const;

/** How every resource id of the demo begins: left out where people read. */
const COMPUTE_ID = /\/subscriptions\/[^ ]+\/providers\/Microsoft.Compute\//gu;

/** The four requests, and what each has to lead to. */
export const EXPECTED_VERSIONS = [
  {
    version: BY_HTTP,
    outcome: "succeeds",
    regions: SUCCEEDING_REGIONS,
    request: MANAGED_IMAGE_REQUEST,
  },
  {
    version: BY_MESSAGE,
    outcome: "succeeds",
    regions: SUCCEEDING_REGIONS,
    request: snapshotsRequest("eastus2"),
  },
  {
    version: REFUSED,
    outcome: "is refused",
    regions: ["westus", "eastus"],
    request: snapshotsRequest("eastus"),
  },
  {
    version: TESTED,
    outcome: "is promoted once tested",
    regions: SUCCEEDING_REGIONS,
    request: TESTED_REQUEST,
  },
] as const satisfies readonly (ExpectedVersion & { request: object })[];

export interface DemonstrationParts {
  readonly teardown: Teardown;
  readonly expectedEvents: ExpectedEvents;
  readonly progress: Progress;
  readonly style: Style;
  /** Whether event lines draw a region's progress, because nothing else does. */
  readonly barsInLines: boolean;
  /** Width of a line of text. */
  readonly columns: number;
  /** Takes an event's JSON instead of its line being shown. */
  readonly onJson: ((event: unknown) => void) | undefined;
  /** Prints a warning of the services or the functions host. */
  readonly onWarning: (line: string) => void;
}

/** Shows everything, and answers where the service is; rejects, in one line, when something is not as it has to be. */
export async function demonstrate(parts: DemonstrationParts): Promise<string> {
  const { teardown, expectedEvents, progress, style } = parts;
  const title = (text: string): void => progress.line(`\n${style("bold", text)}`);

  progress.line("Starting Azure's stand-ins and the functions on this machine…");
  const stack = await startDemoStack(teardown, parts.onWarning);
  const api = new Api(stack);
  const client = await teardown.add(
    () => Promise.resolve(new ServiceBusClient(stack.serviceBusConnectionString)),
    (started) => started.close(),
  );
  const wrongEvent = new Promise<never>((_resolve, reject) => {
    const onEvent = (event: ReceivedEvent): void => {
      show(parts, event);
      const mistake = expectedEvents.receive(event);
      if (mistake !== undefined) reject(new Error(mistake));
    };
    teardown
      .add(
        () => Promise.resolve(subscribe(client, onEvent, reject)),
        (started) => started.close(),
      )
      .catch(reject);
  });

  const script = async (): Promise<void> => {
    title(`${BY_HTTP}  managed image to westus ×2 and eastus2, four keys; by HTTP`);
    await put(parts, api, BY_HTTP);
    await expectedEvents.received(BY_HTTP, "Accepted");
    follow(progress, BY_HTTP);

    title(`${BY_MESSAGE}  snapshots to the same regions; as a build system's message`);
    sending(parts, `CloudEvent to queue ${REQUESTS_QUEUE}`);
    await sendAsBuildSystem(client, BY_MESSAGE, requestOf(BY_MESSAGE));
    await expectedEvents.received(BY_MESSAGE, "Accepted");
    follow(progress, BY_MESSAGE);

    title(`${REFUSED}  the same, but eastus is given the keys of eastus2; by HTTP`);
    const { id } = await put(parts, api, REFUSED);
    await expectedEvents.receivedAll(REFUSED);
    const { error } = await api.getOperation(id);
    progress.line(refusal(error?.errors ?? [], parts));

    title(
      `${TESTED}  the first again, kept out of latest until a machine has started in each region`,
    );
    await makeTestable(api, stack);
    await put(parts, api, TESTED);
    follow(progress, TESTED);

    title("What a subscriber of the events receives about the regions");
    await expectedEvents.receivedAll(BY_HTTP);
    await expectedEvents.receivedAll(BY_MESSAGE);
    await expectedEvents.receivedAll(TESTED);
    const published = EXPECTED_VERSIONS.filter(({ version }) => version !== TESTED);
    const outcomes = await Promise.all(published.map(({ version }) => outcomeOf(api, version)));
    const wrong = differences(published, outcomes, stack.resourceManager.control);
    if (wrong.length > 0) throw new Error(wrong.join("\n"));
    const { latestIn = [] } = (await api.getVersion(TESTED))?.sigil ?? {};
    if (latestIn.length < SUCCEEDING_REGIONS.length)
      throw new Error(`${TESTED} is the latest in ${latestIn.join(", ") || "no region"}.`);
    progress.stop();
    progress.line(`\n${summary(outcomes, style)}\n`);
    progress.line(
      `  ${TESTED}  has passed its test in both regions, and is the latest in ${latestIn.join(" and ")}\n`,
    );
  };
  const hostEnded = stack.ended.then((reason) => {
    throw new Error(reason);
  });
  const told = script().catch(async (error: unknown) => {
    // If a call fails because its host is ending, the host's end is the reason to report.
    await Promise.race([hostEnded, setTimeout(1_000)]);
    throw error;
  });
  await Promise.race([hostEnded, wrongEvent, told]);
  return stack.origin;
}

/** Networks for test machines, and the profile that names them; a machine starts at once. */
async function makeTestable(api: Api, { resourceManager: { control } }: DemoStack): Promise<void> {
  await control.putResource(resourcesIn(LOCAL_SUBSCRIPTION_ID, TEST_GROUP).group("westus"));
  for (const region of SUCCEEDING_REGIONS) await control.putResource(testNetwork(region));
  await control.setMachineTimes({ startMs: 2_000, deleteMs: 500 });
  await api.putTestProfile(testProfile(SUCCEEDING_REGIONS));
}

function put(parts: DemonstrationParts, api: Api, version: string): Promise<Operation> {
  sending(parts, `PUT …/galleries/MyGallery/images/MyImage/versions/${version}`);
  return api.putVersion(version, requestOf(version));
}

function sending({ progress, style }: DemonstrationParts, what: string): void {
  progress.line(`  ${style("dim", what)}`);
}

function requestOf(version: string): object | undefined {
  return EXPECTED_VERSIONS.find((each) => each.version === version)?.request;
}

function follow(progress: Progress, version: string): void {
  for (const region of SUCCEEDING_REGIONS) progress.follow(version, region);
}

function show(parts: DemonstrationParts, event: ReceivedEvent): void {
  const { progress, style, barsInLines, onJson } = parts;
  const { kind, version, data } = event;
  if (onJson === undefined) progress.line(eventLine(event, style, barsInLines));
  else onJson(event.json);
  if (data.region === undefined) return;
  if (kind === "RegionReplicating")
    progress.update(version, data.region, data.progress ?? 0, "replicating");
  if (kind === "RegionCompleted")
    progress.update(version, data.region, 100, style("green", "usable"));
  if (kind === "RegionFailed") progress.update(version, data.region, 0, style("red", "failed"));
}

function refusal(findings: readonly Finding[], { style, columns }: DemonstrationParts): string {
  return findings
    .map(({ code, pointer, message, remediation = "" }) =>
      [
        `  ${style("red", code)}`,
        `    ${pointer}`,
        wrap(`${message} ${remediation}`.replaceAll(COMPUTE_ID, "…/"), columns, "    "),
      ].join("\n"),
    )
    .join("\n");
}

async function outcomeOf(api: Api, version: string): Promise<Outcome> {
  const operation = await api.findOperation(version);
  if (operation === undefined) throw new Error(`no operation of ${version}`);
  return { version, image: await api.getVersion(version), operation };
}
