/**
 * A hundred thousand stored versions, a thousand of each of a hundred image definitions, on virtual time: a row page takes 10 ms, a page of
 * Azure's list 200. How long a run of a timer is, and what it reads, where nothing has changed.
 *
 * SIGIL_BENCH_IMAGES: how many image definitions instead of 100.
 */
import { afterAll, test } from "vitest";
import { runDrift } from "../../src/drift/run-drift.js";
import { createSummaries } from "../../src/image-version/index.js";
import { runRetention } from "../../src/retention/run-retention.js";
import { TRACEPARENT } from "../support/dependencies.js";
import { imageAt, storedImages } from "../support/stored-images.js";
import { report, type Figure } from "./figures.js";

const IMAGES = Number(process.env["SIGIL_BENCH_IMAGES"] ?? 100);
const VERSIONS = 1_000;
/** Versions of an image definition, the most that Azure has. */
const MOST = 10_000;

const figures: Figure[] = [];
afterAll(() =>
  report(`${IMAGES * VERSIONS} versions of ${IMAGES} image definitions, stored`, figures),
);

type World = Awaited<ReturnType<typeof storedImages>>;

/** Notes how long it takes of virtual time, and what it reads. */
async function note(
  name: string,
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
  await note("retention, a policy each", world, 60, async () => {
    const { policies: images } = await runRetention(world.retention, TRACEPARENT);
    return { images };
  });
});

test("the summary of the most that Azure has of an image definition, on a new instance", async () => {
  const world = await storedImages(1, MOST);
  const { view } = await world.play(() => createSummaries(world.deps)(imageAt(0)));
  const { records, rowPages } = world.takeCounts();
  figures.push(
    {
      name: `summary of ${view.versions.length}: row pages`,
      value: rowPages,
      digits: 0,
      atMost: 12,
    },
    { name: "  records read", value: records, digits: 0 },
    { name: "  complete", value: Number(view.complete), digits: 0, atLeast: 1 },
  );
});
