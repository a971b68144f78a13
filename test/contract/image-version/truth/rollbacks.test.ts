/**
 * Rollbacks of random image definitions: what is planned is what is done, and what Azure shows then. `SIGIL_TRUTH_RUNS` and
 * `SIGIL_TRUTH_SEED` make another or a longer run.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ServiceError } from "../../../../src/errors.js";
import { planRollback, rollBackImage } from "../../../../src/image-version/rollback/roll-back.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import { BY, canonicalName, ended, inAzure, newDefinition, plain, puts } from "./support.js";
import { rollbackOf, viewRollback } from "../../../../src/image-version/rollback/kind.js";

const { SIGIL_TRUTH_RUNS = "50", SIGIL_TRUTH_SEED = "20260101" } = process.env;

let world: InProcess;
inOwnWorld(
  {
    replicationMs: 60_000,
    spread: 0,
    // A region that is repaired becomes ready where none was planned to be.
    pace: { repairAttempts: 0 },
  },
  (given) => {
    world = given;
  },
);

const seldom = fc.nat(5).map((n) => n === 0);
const mayFail = (region: string) => seldom.map((fails) => (fails ? region : undefined));
const version = fc.record({
  excluded: seldom,
  /** Other regions than West US, and whether the version is excluded there. */
  regions: fc.dictionary(fc.constantFrom("eastus2", "eastus"), seldom, {
    maxKeys: 2,
  }),
  excludedAtHome: seldom,
  fails: fc.oneof(mayFail("eastus2"), mayFail("westus")),
  /** Not in the list, but at a look alone: the version stays Succeeded. */
  failsLater: mayFail("eastus"),
  replicates: fc.nat(15).map((n) => n === 0),
});
type Version = typeof version extends fc.Arbitrary<infer T> ? T : never;

async function make(id: string, one: Version): Promise<void> {
  const { control } = world.simulator;
  const { regions, fails, failsLater } = one;
  if (fails === "westus" || (fails !== undefined && fails in regions))
    await control.failRegion({ versionId: id, region: fails });
  await world.deps.resourceManager.putImageVersion(
    idOf(id),
    plain(
      Object.entries({ westus: one.excludedAtHome, ...regions }).map(
        ([name, excludeFromLatest]) => ({ name, excludeFromLatest }),
      ),
      { publishing: { excludeFromLatest: one.excluded } },
    ),
  );
  if (one.replicates) return;
  world.clock.advance(10 * 60_000);
  if (failsLater !== undefined && failsLater in regions)
    await control.setRegionState({
      versionId: id,
      region: failsLater,
      state: "Failed",
    });
}

/** What a machine without a version number gets in each region, by Azure's own rule. */
async function latestIn(
  image: string,
  numbers: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const latest: Record<string, string> = {};
  for (const number of [...numbers].reverse()) {
    const shown = await inAzure(world, `${image}/versions/${number}`);
    const { publishingProfile, replicationStatus } = shown?.properties ?? {};
    for (const region of publishingProfile?.targetRegions ?? []) {
      const name = canonicalName(region.name);
      const isReady = replicationStatus?.summary.some(
        (status) => canonicalName(status.region) === name && status.state === "Completed",
      );
      const isExcluded = region.excludeFromLatest ?? publishingProfile?.excludeFromLatest;
      if (isReady === true && isExcluded !== true) latest[name] ??= number;
    }
  }
  return latest;
}

type Planned = Awaited<ReturnType<typeof planRollback>>;
const latestOf = (
  { regions }: Pick<Planned, "regions">,
  when: "from" | "to",
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    regions.flatMap((region) => {
      const latest = region[when];
      return latest === undefined ? [] : [[region.name, latest]];
    }),
  );

const orRefusal = <T>(answer: Promise<T>): Promise<T | ServiceError> =>
  answer.catch((error: unknown) => {
    if (error instanceof ServiceError) return error;
    throw error;
  });

test("a plan says what is done: refused alike, or the latest of every region is as planned", async () => {
  const seen = { refused: 0, done: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(version, { minLength: 2, maxLength: 4 }),
      fc.option(fc.nat(3), { nil: undefined }),
      async (versions, index) => {
        const image = await newDefinition(world);
        const numbers = versions.map((_, i) => `1.0.${i}`);
        for (const [i, one] of versions.entries())
          await make(`${image}/versions/${numbers[i]}`, one);
        const to = index === undefined ? index : numbers[index % numbers.length];
        const target = {
          image: idOf(`${image}/versions/1.0.0`),
          allowNoLatest: true,
          ...(to !== undefined && { to }),
        };
        const plan = () => orRefusal(planRollback(world.deps, target));
        const ask = () => orRefusal(rollBackImage(world.deps, { ...BY, ...target }));

        const writes = puts(world);
        const before = await latestIn(image, numbers);
        const planned = await plan();
        const asked = await ask();
        expect(puts(world)).toBe(writes);
        if (planned instanceof ServiceError || asked instanceof ServiceError) {
          expect(asked).toEqual(planned);
          seen.refused += 1;
          return;
        }
        expect(asked.detail).toEqual(planned);
        expect(latestOf(planned, "from")).toEqual(before);

        const [end] = await ended(world, [asked]);
        const after = await latestIn(image, numbers);
        expect(latestOf(end === undefined ? planned : viewRollback(rollbackOf(end)), "to")).toEqual(
          after,
        );
        // What still replicates may be ready before the end.
        if (versions.every(({ replicates }) => !replicates)) {
          expect(end).toMatchObject({ status: "Succeeded" });
          expect(after).toEqual(latestOf(planned, "to"));
        }
        if (end?.status !== "Succeeded") return;
        seen.done += 1;
        for (const { name, to: promised } of planned.regions)
          if (promised === planned.to) expect(after[name]).toBe(promised);

        // Done already: the plan and the command say the same.
        const again = await ask();
        expect(again).toEqual(end);
        expect(await plan()).toEqual({
          ...rollbackOf(end),
          warnings: [expect.objectContaining({ code: "AlreadyRequested" })],
        });
      },
    ),
    {
      numRuns: Number(SIGIL_TRUTH_RUNS),
      seed: Number(SIGIL_TRUTH_SEED),
      endOnFailure: true,
    },
  );
  expect(seen.refused, JSON.stringify(seen)).toBeGreaterThan(0);
  expect(seen.done, JSON.stringify(seen)).toBeGreaterThan(0);
}, 240_000);
