/**
 * What it costs to accept a version by HTTP, as a share of the least that it can cost: an app that writes two rows, sends a
 * message and answers 202 (apps.ts). Both in the local functions host, with the same SDKs, on tables in memory. Steps are
 * not taken meanwhile, but for the last figure: the queues' functions are disabled.
 *
 * SIGIL_BENCH_REQUESTS: how many requests a turn has, 300 if not said.
 */
import { afterAll, bench } from "vitest";
import { startMemoryTables } from "@sigil-local/stack/memory-tables";
import { pathOf } from "../support/api-client.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";
import { FLOOR, writeApp } from "./apps.js";
import { median, report } from "./figures.js";

const REQUESTS = Number(process.env["SIGIL_BENCH_REQUESTS"] ?? 300);
const TURNS = 7;
const CALLERS = [1, 8, 32, 64] as const;
const DISABLED = Object.fromEntries(
  ["image-version-creations", "image-version-replications"].map((name) => [
    `AzureWebJobs.${name}.Disabled`,
    "true",
  ]),
);

const floorApp = await writeApp(FLOOR);
/** Each on tables and queues of its own: what one has stored does not slow the other down. */
async function start(scriptRoot?: string) {
  const stack = await Stack.start({
    tables: await startMemoryTables(),
    settings: {
      SIGIL_RATE_LIMIT_PER_MINUTE: "1000000",
      SIGIL_RECONCILE_SCHEDULE: "0 0 0 1 1 *",
    },
    simulator: { replication: { durationMs: 3_600_000 } },
    ...(scriptRoot !== undefined && { scriptRoot }),
  });
  const token = await stack.services.tokenIssuer?.issueToken({
    roles: ["ImageVersions.Write"],
  });
  const headers = {
    Authorization: `Bearer ${token}`,
    "Content-Type": "application/json",
  };
  return { stack, headers };
}
const sigil = await start();
const floor = await start(floorApp.folder);
const sigilHost = await sigil.stack.startHost(undefined, DISABLED);
const floorHost = await floor.stack.startHost();
const body = JSON.stringify(managedImageRequest());

let versions = 0;
const newVersion = (): string => {
  versions += 1;
  return `/api${pathOf(seedVersionId(`1.${versions >> 10}.${versions & 1_023}`))}`;
};

/** Requests that are accepted in a second by so many callers, each sending one after the other. */
async function rate(
  origin: string,
  headers: Record<string, string>,
  path: () => string,
  callers: number,
  requests = REQUESTS,
): Promise<number> {
  let left = requests;
  const call = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const init = { method: "PUT", headers, body };
      const response = await fetch(origin + path(), init);
      const text = await response.text();
      if (response.status !== 202) throw new Error(text);
    }
  };
  const begunMs = performance.now();
  await Promise.all(Array.from({ length: callers }, call));
  return (requests / (performance.now() - begunMs)) * 1_000;
}

const rateOfSigil = (callers: number, requests?: number) =>
  rate(sigilHost.origin, sigil.headers, newVersion, callers, requests);
const rateOfFloor = (callers: number, requests?: number) =>
  rate(floorHost.origin, floor.headers, () => "/api/floor", callers, requests);

const rates = new Map<string, number[]>();
function note(name: string, value: number): number {
  rates.set(name, [...(rates.get(name) ?? []), value]);
  return value;
}

// Both are compiled by Node.js before they are measured.
await rateOfFloor(32, 3_000);
await rateOfSigil(32, 3_000);

afterAll(async () => {
  try {
    report(
      `accepting a version, against a floor of two rows and a message (${REQUESTS} requests a turn, medians of ${TURNS} turns)`,
      CALLERS.flatMap((callers) => [
        ...["Sigil", "floor"].map((name) => ({
          name: `${name}, ${callers} callers`,
          value: median(rates.get(`${name} ${callers}`)),
          unit: "/s",
          digits: 0,
        })),
        {
          name: `Sigil / floor, ${callers} callers`,
          value: median(rates.get(`ratio ${callers}`)),
        },
      ]),
    );
  } finally {
    await sigil.stack.close();
    await floor.stack.close();
    await floorApp.remove();
  }
});

bench(
  "accepting, in turn with the floor",
  async () => {
    for (const callers of CALLERS) {
      const least = note(`floor ${callers}`, await rateOfFloor(callers));
      const ours = note(`Sigil ${callers}`, await rateOfSigil(callers));
      note(`ratio ${callers}`, ours / least);
    }
  },
  { iterations: TURNS, time: 0, warmupIterations: 0, warmupTime: 0 },
);
