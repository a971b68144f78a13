/** Whoever looks may die at any call: with the next runs all is told, once. */
import { expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import {
  failingDependencies,
  hasEffect,
  type Failure,
} from "../../../support/failing-dependencies.js";
import { expectListed } from "../../../support/listed.js";
import { inOwnWorld, nextVersionId } from "../../../support/own-world.js";
import { reconcile } from "../../../../src/operation/reconcile.js";
import { runDrift } from "../../../../src/drift/run-drift.js";
import { keyOf } from "../../../../src/resource-id.js";
import { made, outside, plain } from "../truth/support.js";
import { look, MINUTE_MS, told } from "./support.js";

let world: InProcess;
inOwnWorld({ spread: 0 }, (given) => {
  world = given;
});

/** One run that fails there, and what comes after it; answers the calls of the first. */
async function runs(
  id: string,
  failure: Failure | undefined,
  isFoundByReconciler: boolean,
): Promise<readonly string[]> {
  const process = failingDependencies(world.deps, keyOf(id), failure);
  await runDrift(process.deps).catch(() => undefined);
  const calls = [...process.calls];
  process.restart();
  if (isFoundByReconciler) await reconcile(process.deps);
  world.clock.advance(30 * MINUTE_MS);
  await look(world, process.deps);
  await reconcile(process.deps);
  await look(world, process.deps);
  await world.finish(id);
  await reconcile(process.deps);
  const { rows } = await process.deps.index.page("open", 10);
  expect(rows, JSON.stringify(failure)).toEqual([]);
  await expectListed(world.deps, [id], JSON.stringify(failure));
  expect((await world.read(id)).record.outbox, JSON.stringify(failure)).toEqual([]);
  return calls;
}

const SCENARIOS: readonly {
  readonly title: string;
  readonly happens: (id: string) => Promise<void>;
  readonly expected: readonly string[];
}[] = [
  {
    title: "a change and a lost region",
    happens: async (id) => {
      await world.simulator.control.editVersion({
        versionId: id,
        tags: { theirs: "1" },
      });
      await world.simulator.control.dropRegion({
        versionId: id,
        region: "eastus2",
      });
    },
    expected: ["ChangedOutside", "RegionLost"],
  },
  {
    title: "a deletion",
    happens: async (id) => {
      await outside(world, "DELETE", id);
      await look(world);
      world.clock.advance(30 * MINUTE_MS);
    },
    expected: ["DeletedOutside"],
  },
];

test.each(SCENARIOS)(
  "$title is told once, wherever a process dies",
  async ({ happens, expected }) => {
    const prepared = async (): Promise<string> => {
      const id = nextVersionId();
      await made(world, id, plain(undefined, { tags: { a: "1" } }));
      world.clock.advance(60 * MINUTE_MS);
      await happens(id);
      return id;
    };
    const clean = await prepared();
    const calls = await runs(clean, undefined, false);
    expect(await told(world, clean)).toEqual(expected);
    for (const [i, call] of calls.entries())
      for (const kind of ["killed", "unavailable", "answer lost"] as const)
        for (const when of ["before", "after"] as const) {
          if (
            (kind === "killed" && !hasEffect(call)) ||
            (kind === "unavailable" && (i % 2 === 0) === (when === "after")) ||
            (kind === "answer lost" && call !== "store.commit")
          )
            continue;
          const id = await prepared();
          const failure = { at: i + 1, kind, when };
          await runs(id, failure, i % 2 === 0);
          expect(await told(world, id), JSON.stringify(failure)).toEqual(expected);
        }
  },
  180_000,
);
