import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isFinal } from "../../../src/operation/states.js";
import { OPEN_SCOPE } from "../../../src/operation/catalog.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import { keyOf } from "../../../src/resource-id.js";
import type { PreparationDependencies } from "../../../src/subscription/ports.js";
import { takePreparationStep } from "../../../src/subscription/preparation.js";
import {
  failingDependencies,
  hasEffect,
  type FailingDependencies,
  type Failure,
} from "../../support/failing-dependencies.js";
import {
  COMPUTE,
  FEATURE,
  factsOf,
  startPreparations,
  subscriptionId,
  type DueMessage,
  type Preparations,
} from "./support.js";

const RECONCILE_MS = 60_000;
const TICK_MS = 15_000;
const MOST_TICKS = 1_000;
const MOST_RUNS = 500;

/** One subscription, prepared by a process of its own that fails once. */
interface Run {
  readonly name: string;
  readonly id: string;
  readonly process: FailingDependencies<PreparationDependencies>;
  /** Whether a message whose handler failed comes again, as Service Bus does, or is lost. */
  readonly redelivered: boolean;
}

const keyOfRun = ({ id }: Run): string => keyOf(`/subscriptions/${id}`);

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
      const run = startRun(undefined, true);
      await drive([run]);
      await expectPrepared([run]);
      ({ calls } = run.process);
    });
    afterAll(() => world.close());

    test.each([
      { when: "before", redelivered: true },
      { when: "after", redelivered: true },
      { when: "after", redelivered: false },
    ] as const)(
      "a process killed $when the call took effect, messages redelivered: $redelivered",
      async ({ when, redelivered }) => {
        await expectSameOutcome(
          calls.flatMap((call, i) =>
            hasEffect(call)
              ? [startRun({ at: i + 1, kind: "killed", when }, redelivered)]
              : [],
          ),
        );
      },
    );

    test("a service that does not answer, whether or not the call took effect", async () => {
      await expectSameOutcome(
        calls.map((_, i) =>
          startRun(
            {
              at: i + 1,
              kind: "unavailable",
              when: i % 2 === 0 ? "before" : "after",
            },
            i % 4 < 2,
          ),
        ),
      );
    });

    test.each([true, false])(
      "a commit that is stored though its writer was told of a conflict, messages redelivered: %s",
      async (redelivered) => {
        await expectSameOutcome(
          calls.flatMap((call, i) =>
            call === "store.commit"
              ? [
                  startRun(
                    { at: i + 1, kind: "answer lost", when: "after" },
                    redelivered,
                  ),
                ]
              : [],
          ),
        );
      },
    );

    test("processes killed again and again, at random", async () => {
      await expectSameOutcome(
        Array.from({ length: 12 }, (_, seed) =>
          startRun({ seed: seed + 1, every: 8 }, seed % 2 === 0),
        ),
      );
    });

    function startRun(failure: Failure | undefined, redelivered: boolean): Run {
      runs += 1;
      expect(runs).toBeLessThanOrEqual(MOST_RUNS);
      const id = subscriptionId(runs);
      return {
        name: `${JSON.stringify(failure)}, messages ${redelivered ? "redelivered" : "lost"}`,
        id,
        process: failingDependencies(
          world.deps,
          keyOf(`/subscriptions/${id}`),
          failure,
        ),
        redelivered,
      };
    }

    /** A caller sends a POST until it has an answer; one who gives up leaves it to what is stored. */
    async function send(run: Run): Promise<void> {
      for (let tries = 0; tries < 20; tries += 1) {
        try {
          await world.prepare(run.id, run.process.deps);
          return;
        } catch {
          run.process.restart();
          const stored = await world.deps.store.read(keyOfRun(run));
          if (!run.redelivered && stored !== undefined) return;
        }
      }
      throw new Error(`${run.name}: the request is not accepted`);
    }

    async function handle(run: Run, message: DueMessage): Promise<void> {
      for (let delivery = 1; delivery <= 10; delivery += 1) {
        try {
          await takePreparationStep(run.process.deps, message);
          return;
        } catch {
          run.process.restart();
          if (!run.redelivered) return;
        }
      }
      throw new Error(`${run.name}: a message can never be processed`);
    }

    /** Drives all runs at once by one clock: messages as they are due, and each run's reconciler every minute. */
    async function drive(all: readonly Run[]): Promise<void> {
      const byKey = new Map(all.map((run) => [keyOfRun(run), run]));
      await Promise.all(all.map(send));
      let open = [...all];
      for (let ticks = 0; open.length > 0; ticks += 1) {
        expect(ticks, open[0]?.name).toBeLessThan(MOST_TICKS);
        for (;;) {
          const due = await world.takeDue();
          if (due.length === 0) break;
          await Promise.all(
            due.map(async (message) => {
              const run = byKey.get(message.operationId.split("-")[0] ?? "");
              if (run !== undefined) await handle(run, message);
            }),
          );
        }
        if ((ticks * TICK_MS) % RECONCILE_MS === 0) {
          await Promise.all(
            open.map(async (run) => {
              await reconcile(run.process.deps).catch(() => undefined);
              run.process.restart();
            }),
          );
          const ended = await Promise.all(open.map(hasEnded));
          open = open.filter((_, i) => ended[i] === false);
        }
        world.clock.advance(TICK_MS);
      }
    }

    /** Final, all told, and out of the reconciler's sight. */
    async function hasEnded(run: Run): Promise<boolean> {
      const { record } = await world.read(run.id);
      if (!isFinal(record.state) || record.outbox.length > 0) return false;
      const scope = `${OPEN_SCOPE}-${keyOfRun(run)}`;
      return (await world.deps.index.page(scope, 1)).rows.length === 0;
    }

    async function expectSameOutcome(all: readonly Run[]): Promise<void> {
      await drive(all);
      await expectPrepared(all);
      for (const run of all) expect(run.process.failed(), run.name).toBe(true);
    }

    /** What every run must have come to, whatever failed on the way. */
    async function expectPrepared(all: readonly Run[]): Promise<void> {
      const events = await world.takeEvents();
      const log = world.simulator.control.requests();
      for (const run of all) {
        const { record, operation } = await world.read(run.id);
        expect(operation, run.name).toMatchObject({
          id: `${keyOfRun(run)}-1`,
          status: "Succeeded",
          registrations: [
            { name: COMPUTE, state: "Registered" },
            { name: FEATURE, state: "Registered" },
          ],
        });
        expect(record.unpropagated, run.name).toEqual([]);

        const asked = log.filter(
          ({ method, path }) =>
            method === "POST" && path.startsWith(`/subscriptions/${run.id}/`),
        );
        const features = asked.filter(({ path }) =>
          path.includes("/features/"),
        );
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
