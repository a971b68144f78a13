/** Whoever promotes, tests or halts may die at any call: the timer's next run comes to the same. */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  failingDependencies,
  hasEffect,
  type Failure,
} from "../../support/failing-dependencies.js";
import { idOf, TRACEPARENT } from "../../support/dependencies.js";
import { keyOf } from "../../../src/resource-id.js";
import { seedVersionId } from "../../support/requests.js";
import { nthOf } from "../../support/operation-ids.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import { runRollouts } from "../../../src/rollout/roll-out.js";
import type { RolloutDependencies } from "../../../src/rollout/ports.js";
import { reportTestResult } from "../../../src/test-results/report.js";
import { startRollouts, type Rollouts } from "./support.js";

let rollouts: Rollouts;
beforeAll(async () => {
  rollouts = await startRollouts();
});
afterAll(() => rollouts.close());

let versions = 0;

type Results = readonly ("passed" | "failed")[];

/** A version that has these results, and that nobody has looked at since; `late`: one more, found once it was looked at. */
async function held(results: Results, late?: "failed"): Promise<string> {
  await rollouts.run(); // Nothing of an earlier one is left.
  versions += 1;
  const versionId = seedVersionId(`3.0.${versions}`);
  const name = results.length === 0 ? {} : { results: ["boot"] };
  await rollouts.publish({ when: "tested", ...name }, versionId);
  const { resourceManager, events, eventSource, now } = rollouts.world.deps;
  const store = async (region: string, result: "passed" | "failed"): Promise<void> => {
    await reportTestResult(
      {
        results: rollouts.deps.results,
        resourceManager,
        events,
        eventSource,
        now,
      },
      {
        id: idOf(versionId),
        report: { name: "boot", region, result },
        reportedBy: { appId: "tester" },
        traceparent: TRACEPARENT,
      },
    );
  };
  for (const [i, result] of results.entries()) await store(i === 0 ? "westus" : "eastus2", result);
  if (late !== undefined) {
    await rollouts.run();
    rollouts.clock.advance(1_000);
    await store("westus", late);
  }
  return versionId;
}

/** One run that fails there, and the next ones; answers the calls of the first. */
async function runs(versionId: string, failure: Failure | undefined): Promise<readonly string[]> {
  const process = failingDependencies(rollouts.world.deps, keyOf(versionId), failure);
  const { index, idempotencyKeys, events, work, store } = process.deps;
  const deps: RolloutDependencies = {
    imageVersions: process.deps,
    machineTests: {
      ...rollouts.deps,
      index,
      idempotencyKeys,
      events,
      work,
      store: store as unknown as RolloutDependencies["machineTests"]["store"],
    },
    results: rollouts.deps.results,
  };
  await runRollouts(deps, TRACEPARENT).catch(() => undefined);
  const calls = [...process.calls];
  process.restart();
  // Where the first made fewer calls than that, a later one dies.
  for (let again = 0; again < 3; again += 1)
    await runRollouts(deps, TRACEPARENT).catch(process.restart);
  // What was accepted and not sent goes out as any operation's does.
  await reconcile(process.deps);
  return calls;
}

const typesOf = async (versionId: string): Promise<string[]> => {
  const all = await rollouts.takeEvents();
  const own = all.filter(({ subject }) => subject === versionId);
  return [...new Map(own.map(({ id, type }) => [id, type])).values()].map((type) =>
    type.replace("Sigil.ImageVersion.", ""),
  );
};

const SCENARIOS = [
  {
    title: "a promotion",
    results: ["passed", "passed"] as const,
    expectDone: async (versionId: string) => {
      await rollouts.world.finish(versionId);
      const { record, operation } = await rollouts.world.read(versionId);
      expect(operation).toMatchObject({
        id: nthOf(record, 2),
        kind: "PromoteImageVersion",
        status: "Succeeded",
      });
      expect(record.lastSequence).toBe(record.sequence);
      expect(await rollouts.isLatest(versionId)).toBe(true);
      await rollouts.run();
      expect(await rollouts.isLookedAfter(versionId)).toBe(false);
      expect((await typesOf(versionId)).filter((type) => type === "Promoted")).toHaveLength(1);
    },
  },
  {
    title: "a promotion that a failure overtakes",
    results: ["passed", "passed"] as const,
    late: "failed" as const,
    expectDone: async (versionId: string) => {
      expect(await rollouts.world.finish(versionId)).toMatchObject({
        kind: "PromoteImageVersion",
        status: "Canceled",
        canceledBy: { name: "rollout", policy: "rollout" },
      });
      await rollouts.run();
      expect(await rollouts.isLatest(versionId)).toBe(false);
      expect(await rollouts.isLookedAfter(versionId)).toBe(false);
      expect(
        (await typesOf(versionId)).filter((type) => ["Promoted", "RolloutHalted"].includes(type)),
      ).toEqual(["RolloutHalted"]);
    },
  },
  {
    title: "a test by machines",
    results: [] as const,
    expectDone: async (versionId: string) => {
      const { operation, record } = await rollouts.read(versionId);
      expect(operation.id).toBe(nthOf(record, 1));
      expect(operation.requestedBy).toEqual({
        name: "rollout",
        policy: "rollout",
      });
      expect(await rollouts.isLookedAfter(versionId)).toBe(true);
      await rollouts.finish(undefined, versionId);
      await rollouts.run();
      await rollouts.world.finish(versionId);
    },
  },
  {
    title: "a halt",
    results: ["passed", "failed"] as const,
    expectDone: async (versionId: string) => {
      expect(await rollouts.isLookedAfter(versionId)).toBe(false);
      expect(await rollouts.isLatest(versionId)).toBe(false);
      expect((await typesOf(versionId)).filter((type) => type === "RolloutHalted")).toHaveLength(1);
    },
  },
];

test.each(SCENARIOS)(
  "$title comes to its end, once, wherever a process dies",
  async ({ results, late, expectDone }) => {
    const clean = await held(results, late);
    const calls = await runs(clean, undefined);
    await expectDone(clean);
    for (const [i, call] of calls.entries())
      for (const when of ["before", "after"] as const) {
        if (!hasEffect(call)) continue;
        const versionId = await held(results, late);
        await runs(versionId, { at: i + 1, kind: "killed", when });
        await expectDone(versionId);
      }
  },
);
