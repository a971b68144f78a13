/**
 * Waves against a model: results in any order, whoever looks after them dies at any call, Azure shows
 * what it had minutes ago, others hold the version or a region back,
 * update it, or demote it by hand. Invariants, in both readings of Azure's flags:
 *  1. In no region is the version the latest before its tests have passed there, and before those of the waves before it have;
 *     and it becomes the latest nowhere while one has failed.
 *  2. A version that was demoted by hand stays so, and a region that others have held back, too.
 *  3. Left alone, it comes to the end that its results mean: every region, or where a test has failed no further one; none where
 *     the rule rolls back.
 *  4. An event is told once, of what is so.
 * SIGIL_MODEL_SEED and SIGIL_MODEL_RUNS are those of the model test.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { demoteImageVersion } from "../../../src/image-version/commands/by-hand.js";
import { testedRow } from "../../../src/image-version/listings.js";
import { keyOf } from "../../../src/resource-id.js";
import { isFinal } from "../../../src/image-version/state/states.js";
import { isPromotionByRollout } from "../../../src/rollout/requested-by.js";
import { runRollouts } from "../../../src/rollout/roll-out.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import { idOf, request, TRACEPARENT } from "../../support/dependencies.js";
import { failingDependencies } from "../../support/failing-dependencies.js";
import { seedVersionId } from "../../support/requests.js";
import { ruled, startRollouts, type Rollouts } from "./support.js";

/** A run costs five times what one of the model test does. */
const RUNS = Math.ceil(Number(process.env["SIGIL_MODEL_RUNS"] ?? 150) / 5);
const SEED = process.env["SIGIL_MODEL_SEED"] ?? "1";
const REGIONS = ["westus", "eastus2"];

const region = fc.constantFrom(...REGIONS);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant("report" as const),
      region,
      result: fc.constantFrom("passed", "passed", "failed", "inconclusive"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant("pass" as const),
      minutes: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant("crash" as const),
      at: fc.integer({ min: 1, max: 20 }),
      when: fc.constantFrom("before" as const, "after" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant("lag" as const),
      minutes: fc.constantFrom(0, 2, 5),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ does: "update" as const }) },
  { weight: 1, arbitrary: fc.constant({ does: "demote" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant("holdBack" as const), region }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

let rollouts: Rollouts;
beforeAll(async () => {
  rollouts = await startRollouts();
});
afterAll(() => rollouts.close());

let versions = 0;

class Run {
  readonly versionId: string;
  /** The result that counts in each region. */
  readonly results = new Map<string, string>();
  /** Regions whose gate has been open while those before it had the version, or were to have it. */
  readonly opened = new Set<string>();
  readonly onFailure: "halt" | "rollBack";
  /** Where it was the latest when that was judged last. */
  included: readonly string[] = [];
  /** Where others have excluded it that was the latest there. */
  readonly heldBack = new Set<string>();
  isDemoted = false;
  isHeldByOthers = false;
  updates = 0;
  lagMs = 0;

  constructor(onFailure: "halt" | "rollBack") {
    this.onFailure = onFailure;
    versions += 1;
    this.versionId = seedVersionId(`4.0.${versions}`);
  }

  get rule() {
    return {
      when: "waves",
      waves: REGIONS.map((name) => ({
        regions: [name],
        after: "tested",
        results: ["boot"],
      })),
      onFailure: this.onFailure,
    };
  }

  async take(one: Step): Promise<void> {
    const { world, clock, simulator } = rollouts;
    switch (one.does) {
      case "report":
        clock.advance(1_000);
        await rollouts.report(
          { region: one.region, result: one.result },
          this.versionId,
        );
        if (one.result !== "inconclusive" || !this.results.has(one.region))
          this.results.set(one.region, one.result);
        break;
      case "pass":
        await rollouts.pass(one.minutes);
        break;
      case "crash": {
        const { deps } = failingDependencies(
          world.deps,
          keyOf(this.versionId),
          { at: one.at, kind: "killed", when: one.when },
        );
        await runRollouts(
          { ...rollouts.rollout, imageVersions: deps },
          TRACEPARENT,
        ).catch(() => undefined);
        // What it has left another finds.
        await reconcile(
          failingDependencies(world.deps, keyOf(this.versionId), undefined)
            .deps,
        );
        break;
      }
      case "lag":
        this.lagMs = one.minutes * 60_000;
        await simulator.control.setLag({ ms: this.lagMs });
        break;
      case "update":
        this.updates += 1;
        await request(world.deps, this.versionId, {
          ...ruled(this.rule),
          tags: { update: String(this.updates) },
        }).catch((error: unknown) => {
          // One that is not done yet says otherwise.
          expect(error).toMatchObject({ code: "ImageVersionConflict" });
        });
        break;
      case "demote":
        await demoteImageVersion(world.deps, {
          id: idOf(this.versionId),
          requestedBy: { appId: "operator" },
          traceparent: TRACEPARENT,
        });
        await world.finish(this.versionId);
        this.isDemoted = true;
        break;
      case "holdBack": {
        const shown = await this.truth(() =>
          world.deps.resourceManager.getImageVersion(idOf(this.versionId)),
        );
        const profile = shown?.resource.properties.publishingProfile;
        this.isHeldByOthers = true;
        // An update by an older look, and what had no answer and is not shown, may take it back.
        const { record, operation } = await world.read(this.versionId);
        const isCertain =
          isFinal(record.state) ||
          (isPromotionByRollout(operation) &&
            this.lagMs === 0 &&
            one.region === REGIONS[0]);
        if (isCertain && this.included.includes(one.region))
          this.heldBack.add(one.region);
        await simulator.control.editVersion({
          versionId: this.versionId,
          properties: {
            publishingProfile: {
              targetRegions: (profile?.targetRegions ?? []).map((target) =>
                target.name.replaceAll(" ", "").toLowerCase() === one.region
                  ? { ...target, excludeFromLatest: true }
                  : target,
              ),
            },
          },
        });
        break;
      }
    }
    await this.judge(one);
  }

  async judge(one?: Step): Promise<void> {
    for (const [i, name] of REGIONS.entries())
      if (
        this.results.get(name) === "passed" &&
        (i === 0 || this.opened.has(REGIONS[i - 1] ?? ""))
      )
        this.opened.add(name);
    const included = await this.truth(() => rollouts.latestIn(this.versionId));
    const what = JSON.stringify(one);
    for (const name of included)
      expect([...this.opened], `${name} after ${what}`).toContain(name);
    if ([...this.results.values()].includes("failed"))
      expect(this.included, `failed, ${what}`).toEqual(
        expect.arrayContaining(included),
      );
    this.included = included;
    for (const name of this.heldBack)
      expect(included, `held back, ${what}`).not.toContain(name);
    if (this.isDemoted) expect(included, `demoted, ${what}`).toEqual([]);
    const { operation } = await rollouts.world.read(this.versionId);
    // What others have taken back a rule does not send again.
    if (!this.isHeldByOthers) expect(operation.error, what).toBeUndefined();
  }

  /** What Azure has, whatever it shows. */
  async truth<T>(read: () => Promise<T>): Promise<T> {
    const { control } = rollouts.simulator;
    await control.setLag({ ms: 0 });
    const found = await read();
    await control.setLag({ ms: this.lagMs });
    return found;
  }

  async end(): Promise<void> {
    this.lagMs = 0;
    await rollouts.simulator.control.setLag({ ms: 0 });
    await rollouts.pass(40);
    await this.judge();
    const included = await rollouts.latestIn(this.versionId);
    // The next run need not look at it.
    await rollouts.world.deps.index.remove([testedRow(this.versionId)]);
    const own = (await rollouts.takeEvents()).filter(
      ({ subject }) => subject === this.versionId,
    );
    const facts = new Map(own.map(({ id, data }) => [id, data]));
    const told = (what: string): unknown[] =>
      [...facts]
        .filter(([id]) => id.startsWith(`${what}/`))
        .map(([, data]) => data);
    // Invariant 4.
    const waves = told("wave-promoted") as { regions: string[] }[];
    expect(new Set(waves.map((data) => JSON.stringify(data))).size).toBe(
      waves.length,
    );
    for (const name of included)
      expect(waves.flatMap(({ regions }) => regions)).toContain(name);
    if (this.isDemoted || this.isHeldByOthers) return;
    // Invariant 3.
    const results = REGIONS.map((name) => this.results.get(name));
    const hasFailed = results.includes("failed");
    if (told("rolled-back").length > 0) {
      expect(this.onFailure).toBe("rollBack");
      expect(included).toEqual([]);
    } else if (results.every((result) => result === "passed"))
      expect(included).toEqual(REGIONS);
    else if (hasFailed && included.length < REGIONS.length) {
      expect(told("rollout-halted")).not.toEqual([]);
      if (this.onFailure === "rollBack") expect(included).toEqual([]);
    }
  }
}

test("in no region is a version the latest that has not passed its tests there, whatever happens", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("halt" as const, "rollBack" as const),
      fc.array(step, { maxLength: 14 }),
      async (onFailure, steps) => {
        const run = new Run(onFailure);
        await rollouts.publish(run.rule, run.versionId);
        for (const one of steps) await run.take(one);
        await run.end();
      },
    ),
    {
      numRuns: RUNS,
      ...(SEED !== "random" && { seed: Number(SEED) }),
    },
  );
}, 600_000);
