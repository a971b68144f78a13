/**
 * A hundred thousand stored versions, a thousand of each of a hundred image definitions, on virtual time: a row page takes 10 ms, a page of
 * Azure's list 200. How long a run of a timer is, and what it reads, where nothing has changed.
 *
 * SIGIL_BENCH_IMAGES: how many image definitions instead of 100.
 */
import { readFileSync } from "node:fs";
import { afterAll, test } from "vitest";
import { runDrift } from "../../src/drift/run-drift.js";
import { createSummaries } from "../../src/image-version/index.js";
import type { KeyState } from "../../src/keys/ports.js";
import { setsInUse } from "../../src/key-guardian/inventory.js";
import { keptNow } from "../../src/retention/kept-now.js";
import { runRetention } from "../../src/retention/run-retention.js";
import { idOf, TRACEPARENT } from "../support/dependencies.js";
import { managedImageRequest } from "../support/requests.js";
import { imageAt, storedImages } from "../support/stored-images.js";
import { report, type Figure } from "./figures.js";

const IMAGES = Number(process.env["SIGIL_BENCH_IMAGES"] ?? 100);
const VERSIONS = 1_000;
/** Versions of an image definition, the most that Azure has. */
const MOST = 10_000;
const HOUR_MS = 3_600_000;

const { assumed } = JSON.parse(readFileSync("infra/counts.json", "utf8")) as {
  readonly assumed: {
    readonly runsAMonth: Readonly<Record<"drift" | "retention" | "keyGuardian", number>>;
  };
};
let requestsAMonth = 0;

const figures: Figure[] = [];
afterAll(() =>
  report(`${IMAGES * VERSIONS} versions of ${IMAGES} image definitions, stored`, figures),
);

type World = Awaited<ReturnType<typeof storedImages>>;

/** Notes how long it takes of virtual time, and what it reads. */
async function note(
  name: "drift" | "retention",
  world: World,
  mostSeconds: number,
  run: () => Promise<{ readonly images: number }>,
): Promise<void> {
  world.takeCounts();
  const began = world.now().getTime();
  let runs = 0;
  let longestMs = 0;
  for (let images = 0; images < IMAGES; runs += 1) {
    const beganRun = world.now().getTime();
    images += (await world.play(run)).images;
    longestMs = Math.max(longestMs, world.now().getTime() - beganRun);
  }
  const { records, rowPages, listPages } = world.takeCounts();
  requestsAMonth += (assumed.runsAMonth[name] * (records + rowPages)) / runs;
  figures.push(
    { name: `${name}: runs`, value: runs, digits: 0, atMost: 2 },
    { name: "  the longest", value: longestMs / 1_000, unit: "s", digits: 1, atMost: mostSeconds },
    { name: "  together", value: (world.now().getTime() - began) / 1_000, unit: "s", digits: 1 },
    { name: "  records read", value: records, digits: 0, atMost: 0 },
    { name: "  row pages", value: rowPages, digits: 0 },
    { name: "  pages of Azure's list", value: listPages, digits: 0 },
  );
}

test("an estate", async () => {
  const world = await storedImages(IMAGES, VERSIONS);
  await note("drift", world, 65, () => runDrift(world.deps));
  for (let i = 0; i < IMAGES; i += 1)
    await world.enforce(imageAt(i), { keepNewestPromoted: VERSIONS });
  await note("retention", world, 60, async () => {
    const { policies: images } = await runRetention(world.retention, TRACEPARENT);
    return { images };
  });
});

test("what is read before a DELETE by retention", async () => {
  const world = await storedImages(1, VERSIONS);
  await world.enforce(imageAt(0), { keepNewestPromoted: 3 });
  const { deletions } = await world.play(() => runRetention(world.retention, TRACEPARENT));
  world.takeCounts();
  const id = idOf(`${imageAt(0)}/versions/1.0.0`);
  const why = await world.play(() => keptNow(world.retention, id));
  if (why !== undefined) throw new Error(why);
  const { records, rowPages } = world.takeCounts();
  figures.push(
    { name: "before each DELETE by retention: records read", value: records, digits: 0, atMost: 5 },
    { name: "  row pages", value: rowPages, digits: 0, atMost: 2 },
    { name: "  deletions of a run", value: deletions.length, digits: 0, atMost: 10 },
  );
});

test("what the key guardian reads of an image definition", async () => {
  const world = await storedImages(1, VERSIONS);
  const { resourceManager } = world.deps;
  const resource = managedImageRequest();
  const deps = {
    ...world.deps,
    resourceManager: {
      ...resourceManager,
      listImageVersions: async (id: string) =>
        (await resourceManager.listImageVersions(id))?.map((item) => ({ ...item, resource })),
    },
  };
  await world.play(() => world.takes(HOUR_MS));
  world.takeCounts();
  const sets = (await world.play(() => setsInUse(deps, imageAt(0)))) ?? [];
  const first = world.takeCounts();
  await world.play(() => world.takes(HOUR_MS));
  const known = sets.map(({ id, madeWith }): KeyState => {
    const lookedTime = world.now().toISOString();
    const state = { lookedTime, problems: [], notSeen: [], sequence: 0 };
    return { ...state, diskEncryptionSetId: id, madeWith };
  });
  await world.play(() => setsInUse(deps, imageAt(0), known));
  const { records, rowPages } = world.takeCounts();
  requestsAMonth += assumed.runsAMonth.keyGuardian * IMAGES * (records + rowPages);
  figures.push(
    {
      name: `key guardian: records of ${VERSIONS} versions, first run`,
      value: first.records,
      digits: 0,
    },
    { name: "  records, the next", value: records, digits: 0, atMost: 0 },
    {
      name: "a month of drift, retention and key guardian: requests",
      value: requestsAMonth / 1e6,
      unit: "M",
      atMost: 5,
    },
  );
});

test("the summary of the most that Azure has of an image definition, on a new instance", async () => {
  const world = await storedImages(1, MOST);
  const { view } = await world.play(() => createSummaries(world.deps)(imageAt(0)));
  const { records, rowPages } = world.takeCounts();
  figures.push(
    { name: `summary of ${MOST}: row pages`, value: rowPages, digits: 0, atMost: 12 },
    { name: "  records read", value: records, digits: 0, atMost: 500 },
    { name: "  complete", value: Number(view.complete), digits: 0, atLeast: 1 },
  );
});
