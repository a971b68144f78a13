import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyOf } from "../../../src/resource-id.js";
import type { PreparationDependencies } from "../../../src/subscription/ports.js";
import { crashRun, drive, sendOrLeave, type CrashRun } from "../../support/crash-runs.js";
import { CRASHES, type Crash } from "../../support/crashes.js";
import { nthOf } from "../../support/operation-ids.js";
import {
  COMPUTE,
  FEATURE,
  factsOf,
  startPreparations,
  subscriptionId,
  type Preparations,
} from "./support.js";

const MOST_RUNS = 500;

/** One subscription, prepared by a process of its own. */
interface Run extends CrashRun<PreparationDependencies> {
  readonly id: string;
}

describe.each([{ name: "that takes half a minute", registrationMs: 30_000 }])(
  "a failure at any port call of a registration $name",
  ({ registrationMs }) => {
    let world: Preparations;
    let runs = 0;
    let calls: readonly string[];
    beforeAll(async () => {
      world = await startPreparations(MOST_RUNS, {
        compute: "NotRegistered",
        sigEncryption: "NotRegistered",
        registrationMs,
      });
      const run = startRun({ failure: undefined, redelivered: true });
      await prepare([run]);
      await expectPrepared([run]);
      ({ calls } = run.process);
    });
    afterAll(() => world.close());

    for (const { title, at } of CRASHES)
      test(title, async () => {
        const all = at(calls).map(startRun);
        await prepare(all);
        await expectPrepared(all);
        for (const run of all) expect(run.process.failed(), run.name).toBe(true);
      });

    function startRun(crash: Crash): Run {
      runs += 1;
      expect(runs).toBeLessThanOrEqual(MOST_RUNS);
      const id = subscriptionId(runs);
      const key = keyOf(`/subscriptions/${id}`);
      return { id, ...crashRun(world.deps, key, crash) };
    }

    /** Drives all runs at once until each preparation has ended. */
    async function prepare(all: readonly Run[]): Promise<void> {
      await Promise.all(
        all.map((run) => sendOrLeave(world, run, (deps) => world.prepare(run.id, deps))),
      );
      await drive(world, all);
    }

    /** What every run must have come to, whatever failed on the way. */
    async function expectPrepared(all: readonly Run[]): Promise<void> {
      const events = await world.takeEvents();
      const log = world.simulator.control.requests();
      for (const run of all) {
        const { record, operation } = await world.read(run.id);
        expect(operation, run.name).toMatchObject({
          id: nthOf(record, 1),
          status: "Succeeded",
          detail: [
            { name: COMPUTE, state: "Registered" },
            { name: FEATURE, state: "Registered" },
          ],
        });
        expect(record.unpropagated, run.name).toEqual([]);

        const asked = log.filter(
          ({ method, path }) => method === "POST" && path.startsWith(`/subscriptions/${run.id}/`),
        );
        const features = asked.filter(({ path }) => path.includes("/features/"));
        expect(features.length, run.name).toBeGreaterThanOrEqual(1);
        // The provider was registered after the feature had become Registered.
        const last = asked.at(-1);
        expect(last?.path, run.name).toMatch(/Microsoft\.Compute\/register$/u);
        expect(last?.time, run.name).toBeGreaterThanOrEqual(
          (features[0]?.time ?? Infinity) + registrationMs,
        );

        const facts = factsOf(events, run.id);
        expect([...new Set(facts)], run.name).toEqual(facts); // None twice.
        expect(
          facts.filter((fact) => !fact.includes("/registering/")),
          run.name,
        ).toEqual([
          "requested",
          ...[`${COMPUTE}/registered`, `${FEATURE}/registered`].sort(
            (a, b) => facts.indexOf(a) - facts.indexOf(b),
          ),
          "prepared",
        ]);
      }
    }
  },
);
