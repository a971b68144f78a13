/**
 * What the page costs the processor from the answer of the sign-in until the map of 200 versions in 30 regions is there: time of its
 * thread in Chromium, which does not depend on who else uses the processor.
 */
import { afterAll, test } from "vitest";
import { report } from "../../bench/figures.js";
import { REGIONS, SEED_IMAGE, signIn, summarized, versionIn, World } from "./page.js";

const RUNS = 5;

const world = new World();
await world.start();
const { page, context } = await world.open(SEED_IMAGE, undefined, {
  viewport: { width: 1_280, height: 800 },
});
await summarized(
  page,
  Array.from({ length: 200 }, (_, index) =>
    versionIn(REGIONS, `1.${199 - index}.0`, { latest: index === 0 }),
  ),
);
await signIn(page, "reader");
const debug = await context.newCDPSession(page);
await debug.send("Performance.enable", { timeDomain: "threadTicks" });

const NAMES = ["TaskDuration", "ScriptDuration", "LayoutDuration"] as const;

/** Seconds, by name. Chromium counts anew with each document. */
async function spent(): Promise<readonly number[]> {
  const { metrics } = await debug.send("Performance.getMetrics");
  return NAMES.map((name) => metrics.find((one) => one.name === name)?.value ?? NaN);
}

const runs: (readonly number[])[] = [];

test("the first data", { repeats: RUNS - 1 }, async () => {
  await page.goto(`${world.host.origin}/api/ui/${SEED_IMAGE}`);
  await page.getByRole("grid", { name: "200 versions in 30 regions" }).waitFor();
  runs.push(await spent());
});

afterAll(async () => {
  const [whole, script, layout] = NAMES.map(
    (_, place) => runs.map((run) => run[place] ?? NaN).sort((a, b) => a - b)[RUNS >> 1],
  );
  await world.close();
  report(`first data of the page, medians of ${RUNS}`, [
    {
      name: "processor time of the page until the map is there",
      value: whole ?? NaN,
      unit: "s",
      atMost: 1,
    },
    { name: "  of it scripts", value: script ?? NaN, unit: "s" },
    { name: "  of it layout", value: layout ?? NaN, unit: "s" },
  ]);
});
