/**
 * Many versions at once, and for long: the whole of Sigil in its host, on tables in memory, Azure without its limits, each
 * version replicated to ten regions with a key for each. Processor time must grow as the number of versions does, and memory must
 * not. That time is of the host and of the stand-ins, which does not depend on who else uses the processor.
 *
 * SIGIL_BENCH_VERSIONS: how many at once, 1,000 if not said, 10,000 each night. SIGIL_BENCH_SOAK_MINUTES: how long versions keep
 * coming after that, none if not said; 15 each night.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, bench } from "vitest";
import { startMemoryTables } from "@sigil-local/stack/memory-tables";
import { createIndex } from "../../src/azure/tables/index-table.js";
import { OPEN_SCOPE } from "../../src/operation/catalog.js";
import { pathOf } from "../support/api-client.js";
import { largeWorld } from "../support/requests.js";
import { Stack } from "../support/stack.js";
import { median, report, type Figure } from "./figures.js";

const VERSIONS = Number(process.env["SIGIL_BENCH_VERSIONS"] ?? 1_000);
const SOAK_MINUTES = Number(process.env["SIGIL_BENCH_SOAK_MINUTES"] ?? 0);
/** How many are made first, to compare with. */
const FEW = Math.max(1, Math.round(VERSIONS / 10));
const CALLERS = 16;
const SOAK_AT_ONCE = 20;

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

/** MiB that the host's process has in memory. */
const memory: number[] = [];
async function noteMemory(): Promise<void> {
  const status = await readFile(`/proc/${host.pid}/status`, "utf8");
  memory.push(Number(/^VmRSS:\s+(\d+) kB/mu.exec(status)?.[1]) / 1_024);
}

/** Ticks of Linux's USER_HZ in a second. */
const TICKS = 100;

/** Seconds of processor time that the host and the stand-ins have taken. */
async function processorSeconds(): Promise<number> {
  const stat = await readFile(`/proc/${host.pid}/stat`, "utf8");
  // After the name, which is in parentheses, the fields of proc(5) from the third on.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const { user, system } = process.cpuUsage();
  return (
    (Number(fields[11]) + Number(fields[12])) / TICKS +
    (user + system) / 1_000_000
  );
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
  while ((await index.page(OPEN_SCOPE, 1)).rows.length > 0) {
    await noteMemory();
    await sleep(1_000);
  }
}

/** Until so many versions are in every region. */
interface Taken {
  readonly seconds: number;
  /** Of processor time, each. */
  readonly each: number;
}

async function make(count: number): Promise<Taken> {
  const begunMs = performance.now();
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
  return {
    seconds: (performance.now() - begunMs) / 1_000,
    each: ((await processorSeconds()) - begun) / count,
  };
}

/** The medians of memory in the third and the last quarter of a time in which versions keep coming. */
async function soak(minutes: number): Promise<readonly [number, number]> {
  const endMs = performance.now() + minutes * 60_000;
  memory.length = 0;
  while (performance.now() < endMs) await make(SOAK_AT_ONCE);
  const quarter = memory.length >> 2;
  return [
    median(memory.slice(2 * quarter, 3 * quarter)),
    median(memory.slice(3 * quarter)),
  ];
}

const figures: Figure[] = [];
afterAll(async () => {
  try {
    report("many versions, in ten regions each", figures);
  } finally {
    await stack.close();
  }
});

bench(
  "many versions",
  async () => {
    await make(FEW); // Compiled by Node.js before it is measured
    const few = await make(FEW);
    const many = await make(VERSIONS);
    figures.push(
      { name: `${FEW} versions`, value: few.seconds, unit: "s", digits: 0 },
      {
        name: `${VERSIONS} versions`,
        value: many.seconds,
        unit: "s",
        digits: 0,
      },
      {
        name: "processor time of a version among few",
        value: few.each * 1_000,
        unit: "ms",
        digits: 1,
      },
      {
        name: "the same among many / among few",
        value: many.each / few.each,
        atMost: 1.3,
      },
      {
        name: "most memory of the host",
        value: Math.max(...memory),
        unit: "MiB",
        digits: 0,
        atMost: 600,
      },
    );
    if (SOAK_MINUTES === 0) return;
    const before = versions;
    const [third, last] = await soak(SOAK_MINUTES);
    figures.push(
      {
        name: `versions in ${SOAK_MINUTES} minutes of soak`,
        value: versions - before,
        digits: 0,
      },
      {
        name: "memory in the third quarter of the soak",
        value: third,
        unit: "MiB",
        digits: 0,
      },
      {
        name: "in the last quarter / third quarter",
        value: last / third,
        atMost: 1.05,
      },
    );
  },
  { iterations: 1, time: 0, warmupIterations: 0, warmupTime: 0 },
);
