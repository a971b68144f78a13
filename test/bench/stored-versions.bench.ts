/**
 * What is stored of an image definition with 10,000 versions, each with its operation, the most that Azure has: what lists it, and what
 * looks after it, on tables in memory. Each must take ten times what it takes of 1,000 versions, and little more; and what is alive of the heap
 * beside the tables stays under 400 MB: that is looked at in a second turn, which is not timed.
 *
 * SIGIL_BENCH_STORED: how many versions instead of 10,000.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { TableClient } from "@azure/data-tables";
import { afterAll, test } from "vitest";
import { startMemoryTables } from "@sigil-local/stack/memory-tables";
import { createIndex } from "../../src/azure/tables/index-table.js";
import { createStateStore } from "../../src/azure/tables/state-store.js";
import { runDrift } from "../../src/drift/run-drift.js";
import {
  createLooks,
  createSummaries,
  getImageVersion,
  listImageVersions,
  type Dependencies,
} from "../../src/image-version/index.js";
import { digestOf } from "../../src/image-version/digest.js";
import { imageRow, versionScope } from "../../src/listings.js";
import type { ListedImageVersion } from "../../src/image-version/resources.js";
import type { ImageVersionPair, ImageVersionRecord } from "../../src/image-version/state/record.js";
import { KINDS } from "../../src/kinds.js";
import { indexed, OPEN_SCOPE, openRow } from "../../src/operation/catalog.js";
import { listOperations, type Page } from "../../src/operation/queries.js";
import type { IndexRow } from "../../src/operation/records.js";
import { reconcile } from "../../src/operation/reconcile.js";
import { imageIdOf, keyOf } from "../../src/resource-id.js";
import { evaluateRetention } from "../../src/retention/evaluate-retention.js";
import { idOf } from "../support/dependencies.js";
import { applied, at, KEY, succeeded, told, VERSION_ID } from "../support/transitions.js";
import { createWorld } from "../support/world.js";
import { report, type Figure } from "./figures.js";

const MANY = Number(process.env["SIGIL_BENCH_STORED"] ?? 10_000);
const FEW = MANY / 10;
/** Ten times, what sorting adds, and what a turn differs from the other; each version looked at for each would be a hundred. */
const MOST_TIMES = 20;
const MOST_HEAP_MB = 400;
const AT_ONCE = 16;

const IMAGE_ID = imageIdOf(idOf(VERSION_ID));
const idAt = (i: number): string => `${IMAGE_ID}/versions/1.${i >> 10}.${i & 1_023}`;

/** A pair as it is stored of another version. */
function ofVersion(pair: ImageVersionPair, i: number): ImageVersionPair {
  const text = JSON.stringify(told(pair))
    .replaceAll(KEY, keyOf(idAt(i)))
    .replaceAll(VERSION_ID, idAt(i));
  return JSON.parse(text) as ImageVersionPair;
}

async function inTurn<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const work = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await run(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** What has so many versions, each of which has succeeded; or is followed, and its next poll is not due. */
async function start(count: number, pair: ImageVersionPair) {
  const beforeMb = aliveMb();
  const tables = await startMemoryTables();
  const { connectionString } = tables;
  const storage = { kind: "connectionString", connectionString } as const;
  const store = createStateStore<ImageVersionRecord>(storage, KINDS);
  const index = createIndex(storage);
  const numbers = Array.from({ length: count }, (_, i) => i);
  const isOpen = pair.operation.endTime === undefined;
  const byScope = new Map<string, IndexRow[]>();
  const note = (row: IndexRow): void => {
    byScope.set(row.scope, [...(byScope.get(row.scope) ?? []), row]);
  };
  note(imageRow(IMAGE_ID));
  await inTurn(numbers, async (i) => {
    const { record, operation } = ofVersion(pair, i);
    await store.commit(record, operation, undefined);
    const digest = digestOf(record);
    for (const row of indexed(operation, { kinds: KINDS }).put)
      if (row.scope !== OPEN_SCOPE && row.scope !== "images")
        note(
          row.scope === versionScope(IMAGE_ID) && digest !== undefined
            ? { ...row, digest: JSON.stringify(digest) }
            : row,
        );
    if (isOpen) note(openRow(operation.id));
  });
  await index.put([imageRow(IMAGE_ID)]);
  const client = TableClient.fromConnectionString(connectionString, "SigilIndex", {
    allowInsecureConnection: true,
  });
  for (const [scope, rows] of byScope)
    for (let from = 0; from < rows.length; from += 100)
      await client.submitTransaction(
        rows
          .slice(from, from + 100)
          .map(({ row, target, digest }) => [
            "upsert",
            { partitionKey: scope, rowKey: row, target, ...(digest !== undefined && { digest }) },
            "Replace",
          ]),
      );
  byScope.clear();
  tablesMb = aliveMb() - beforeMb;
  const { status } = pair.record;
  if (status === undefined) throw new TypeError("Azure shows nothing");
  const listed = numbers.map((i): ListedImageVersion => {
    const { regions: _, time: __, ...shown } = structuredClone(status);
    return { ...shown, name: idAt(i).split("/").at(-1) ?? "" };
  });
  const { imageVersions } = createWorld().deps;
  const now = (): Date => at(isOpen ? 60 : 900).now;
  const resourceManager: Dependencies["resourceManager"] = {
    ...imageVersions.resourceManager,
    getImageVersion: () => Promise.resolve(status),
    listImageVersions: () => Promise.resolve(listed),
  };
  const deps: Dependencies = {
    ...imageVersions,
    store,
    rollbacks: store as unknown as Dependencies["rollbacks"],
    index,
    resourceManager,
    looks: createLooks(resourceManager, imageVersions.resources, now),
    now,
  };
  return { deps, close: () => tables.close() };
}

async function pages<T>(read: (token: string | undefined) => Promise<Page<T>>): Promise<number> {
  let read_ = 0;
  let token: string | undefined;
  do {
    const page = await read(token);
    read_ += page.value.length;
    token = page.continuationToken;
  } while (token !== undefined);
  return read_;
}

/** Each answers how many versions or operations it has had, of which there are `count`. */
const PARTS: Readonly<Record<string, (deps: Dependencies, count: number) => Promise<number>>> = {
  "list, all pages of 100": (deps) =>
    pages((token) => listImageVersions(deps, IMAGE_ID, 100, token)),
  "operations, all pages of 100": (deps) => pages((token) => listOperations(deps, {}, 100, token)),
  "a hundred GETs": async (deps, count) => {
    for (let i = 0; i < 100; i += 1)
      await getImageVersion(deps, idOf(idAt(Math.floor((i * count) / 100))));
    return count;
  },
  retention: async (deps) =>
    (
      await evaluateRetention(
        {
          imageVersions: deps,
          revocations: { readRecord: () => Promise.resolve(undefined) },
        },
        IMAGE_ID,
        { keepNewestPromoted: 3 },
      )
    ).decisions.length,
  "drift, runs until all are looked at": async (deps) => {
    let versions = 0;
    for (;;) {
      const run = await runDrift(deps);
      versions += run.versions;
      if (run.errors.length > 0) throw run.errors[0]?.error;
      if (!run.unfinished) return versions;
    }
  },
};

/** The page's summary, after as many as it takes to have read each version once: 500 at a time. */
async function completeSummary(deps: Dependencies) {
  // Each summary is kept for two seconds.
  let nowMs = deps.now().getTime();
  const now = (): Date => new Date((nowMs += 3_000));
  const summarize = createSummaries({ ...deps, now });
  for (;;) if ((await summarize(IMAGE_ID)).view.complete) return summarize;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
/** How often what is alive is looked at. */
const HEAP_EACH_MS = 500;
let mostHeapMb = 0;

/** What is stored takes in the tables, which are in this process. */
let tablesMb = 0;

function aliveMb(): number {
  collect();
  return process.memoryUsage().heapUsed / 1e6;
}

/** Of processor time, the tables' with it, which does not depend on who else uses the processor. */
async function secondsOf(count: number, run: () => Promise<number>): Promise<number> {
  const begun = process.cpuUsage();
  const had = await run();
  if (had !== count) throw new Error(`${had} of ${count}`);
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1_000_000;
}

async function noteHeapIn(run: () => Promise<unknown>): Promise<void> {
  const noteHeap = (): void => {
    mostHeapMb = Math.max(mostHeapMb, aliveMb() - tablesMb);
  };
  noteHeap();
  const timer = setInterval(noteHeap, HEAP_EACH_MS);
  await run();
  clearInterval(timer);
}

const seconds = new Map<string, number[]>();
const note = (name: string, value: number): void =>
  void seconds.set(name, [...(seconds.get(name) ?? []), value]);

async function measure(count: number): Promise<void> {
  const versions = await start(count, succeeded());
  for (const [name, part] of Object.entries(PARTS)) {
    note(name, await secondsOf(count, () => part(versions.deps, count)));
    if (count === MANY) await noteHeapIn(() => part(versions.deps, count));
  }
  const summarize = await completeSummary(versions.deps);
  note(
    "summary of the page, once each version was read",
    await secondsOf(count, async () => (await summarize(IMAGE_ID)).view.versions.length),
  );
  if (count === MANY) await noteHeapIn(() => summarize(IMAGE_ID));
  await versions.close();
  const open = await start(count, applied());
  note(
    "reconciler, all operations open",
    await secondsOf(count, async () => (await reconcile(open.deps)).open),
  );
  if (count === MANY) await noteHeapIn(() => reconcile(open.deps));
  await open.close();
}

afterAll(() => {
  report(
    `${MANY} versions of an image definition, stored`,
    [...seconds]
      .flatMap(([name, [few = NaN, many = NaN]]): Figure[] => [
        { name, value: many, unit: "s", digits: 1 },
        {
          name: `  as a multiple of ${FEW}`,
          value: many / few,
          digits: 1,
          atMost: MOST_TIMES,
        },
      ])
      .concat({
        name: "most of the heap that is alive beside the tables",
        value: mostHeapMb,
        unit: "MB",
        digits: 0,
        atMost: MOST_HEAP_MB,
      }),
  );
});

test("stored versions", async () => {
  await measure(FEW / 10); // Compiled by Node.js before it is measured
  seconds.clear();
  await measure(FEW);
  await measure(MANY);
});
