/**
 * Many versions at once: the whole of Sigil in its host, on tables in memory, Azure without its limits, each version replicated to ten
 * regions with a key for each. Processor time must grow as the number of versions does, and memory must not. That time is of the host
 * and of the stand-ins, which does not depend on who else uses the processor.
 *
 * SIGIL_BENCH_VERSIONS: how many at once, 500 if not said.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, test } from "vitest";
import { startMemoryTables } from "@sigil-local/stack/memory-tables";
import { createIndex } from "../../src/azure/tables/index-table.js";
import { OPEN_SCOPE } from "../../src/operation/catalog.js";
import { pathOf } from "../support/api-client.js";
import { largeWorld } from "../support/requests.js";
import { Stack } from "../support/stack.js";
import { report } from "./figures.js";

const VERSIONS = Number(process.env["SIGIL_BENCH_VERSIONS"] ?? 500);
/** How many are made first, to compare with. */
const FEW = Math.max(1, Math.round(VERSIONS / 10));
const CALLERS = 16;

const large = largeWorld(10, 0);
const tables = await startMemoryTables();
const stack = await Stack.start({
  tables,
  simulator: { world: large.world, replication: { durationMs: 5_000 } },
  settings: {
    SIGIL_RATE_LIMIT_PER_MINUTE: "1000000",
    SIGIL_POLL_INITIAL_SECONDS: "2",
    SIGIL_POLL_MAX_SECONDS: "10",
    SIGIL_OVERDUE_SECONDS: "120",
    SIGIL_RECONCILE_SCHEDULE: "0 */5 * * * *",
    SIGIL_CREATE_TIMEOUT_SECONDS: "60",
  },
});
const host = await stack.startHost();
const index = createIndex({
  kind: "connectionString",
  connectionString: tables.connectionString,
});
const token = await stack.services.tokenIssuer?.issueToken({
  roles: ["ImageVersions.Write"],
});
const body = JSON.stringify(large.request);

/** MiB that the host's process had in memory at most. */
async function mostMemory(): Promise<number> {
  const status = await readFile(`/proc/${host.pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB/mu.exec(status)?.[1]) / 1_024;
}

/** Ticks of Linux's USER_HZ in a second. */
const TICKS = 100;

/** Seconds of processor time that the host and the stand-ins have taken. */
async function processorSeconds(): Promise<number> {
  const stat = await readFile(`/proc/${host.pid}/stat`, "utf8");
  // After the name, which is in parentheses, the fields of proc(5) from the third on.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const { user, system } = process.cpuUsage();
  return (Number(fields[11]) + Number(fields[12])) / TICKS + (user + system) / 1_000_000;
}

let versions = 0;
async function put(): Promise<void> {
  versions += 1;
  const id = large.versionId(`1.${versions >> 10}.${versions & 1_023}`);
  const response = await fetch(`${host.origin}/api${pathOf(id)}`, {
    method: "PUT",
    headers: {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
    },
    body,
  });
  const text = await response.text();
  if (response.status !== 202) throw new Error(text);
}

async function untilAllHaveEnded(): Promise<void> {
  while ((await index.page(OPEN_SCOPE, 1)).rows.length > 0) await sleep(1_000);
}

/** Seconds of processor time that each takes until so many versions are in every region. */
async function make(count: number): Promise<number> {
  const begun = await processorSeconds();
  let left = count;
  const call = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await put();
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, call));
  await untilAllHaveEnded();
  return ((await processorSeconds()) - begun) / count;
}

let few: number;
let many: number;
afterAll(async () => {
  const memory = await mostMemory();
  await stack.close();
  report(`${VERSIONS} versions, in ten regions each`, [
    {
      name: "processor time of a version among few",
      value: few * 1_000,
      unit: "ms",
      digits: 1,
    },
    { name: "the same among many / among few", value: many / few, atMost: 1.3 },
    {
      name: "most memory of the host",
      value: memory,
      unit: "MiB",
      digits: 0,
      atMost: 600,
    },
  ]);
});

test("many versions", async () => {
  await make(FEW); // Compiled by Node.js before it is measured
  few = await make(FEW);
  many = await make(VERSIONS);
});
