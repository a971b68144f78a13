import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { OPEN_SCOPE } from "../../../src/operation/catalog.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import { keyOf } from "../../../src/resource-id.js";
import { isFinal } from "../../../src/operation/states.js";
import {
  request,
  startInProcess,
  type DueMessage,
  type InProcess,
} from "../../support/dependencies.js";
import {
  failingDependencies,
  hasEffect,
  type FailingDependencies,
  type Failure,
} from "../../support/failing-dependencies.js";
import {
  managedImageRequest,
  seedRegion,
  seedVersionId,
} from "../../support/requests.js";

const REPLICATION_MS = 60_000;
/** A host's timer looks for lost work once a minute. */
const RECONCILE_MS = 60_000;
const TICK_MS = 15_000;
const MOST_TICKS = 1_000;

/** One version, made by a process of its own that fails once. */
interface Run {
  readonly name: string;
  readonly id: string;
  readonly process: FailingDependencies;
  /** Whether a message whose handler failed comes again, as Service Bus does, or is lost. */
  readonly redelivered: boolean;
  operation?: OperationRecord;
}

/** Three regions, a key for each disk. */
function threeRegions(): ImageVersionRequest {
  const body = managedImageRequest();
  return {
    ...body,
    properties: {
      ...body.properties,
      publishingProfile: {
        targetRegions: [
          seedRegion("westus", "WestUS"),
          seedRegion("eastus2", "EastUS2"),
          seedRegion("eastus", "EastUS"),
        ],
      },
    },
  };
}

let world: InProcess;
beforeAll(async () => {
  // Every run takes the same time: a call's number is then the same call in each.
  world = await startInProcess({ replicationMs: REPLICATION_MS, spread: 0 });
});
afterAll(() => world.close());

let versions = 0;
function startRun(failure: Failure | undefined, redelivered: boolean): Run {
  versions += 1;
  const id = seedVersionId(`1.0.${versions}`);
  return {
    name: `${JSON.stringify(failure)}, messages ${redelivered ? "redelivered" : "lost"}`,
    id,
    process: failingDependencies(world.deps, keyOf(id), failure),
    redelivered,
  };
}

/** A caller sends a PUT until it has an answer; one who gives up leaves it to what is stored. */
async function send(run: Run): Promise<void> {
  const { deps, restart } = run.process;
  for (let tries = 0; tries < 20; tries += 1) {
    try {
      await request(deps, run.id, threeRegions(), { idempotencyKey: run.id });
      return;
    } catch {
      restart();
      const stored = await world.deps.store.read(keyOf(run.id));
      if (!run.redelivered && stored !== undefined) return;
    }
  }
  throw new Error(`${run.name}: the request is not accepted`);
}

async function handle(run: Run, message: DueMessage): Promise<void> {
  for (let delivery = 1; delivery <= 10; delivery += 1) {
    try {
      await world.handle(message, run.process.deps);
      return;
    } catch {
      run.process.restart();
      if (!run.redelivered) return;
    }
  }
  throw new Error(`${run.name}: a message can never be processed`);
}

/** Drives all runs at once by one clock: messages as they are due, and each run's reconciler every minute. */
async function drive(runs: readonly Run[]): Promise<void> {
  const byKey = new Map(runs.map((run) => [keyOf(run.id), run]));
  await Promise.all(runs.map(send));
  let open = [...runs];
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
  const { record: version, operation } = await world.read(run.id);
  if (!isFinal(version.state) || version.outbox.length > 0) return false;
  const page = await world.deps.index.page(`${OPEN_SCOPE}-${keyOf(run.id)}`, 1);
  run.operation = operation;
  return page.rows.length === 0;
}

function factsOf(events: readonly CloudEvent[], run: Run): string[] {
  return events
    .filter((event) => event.subject === run.id)
    .map((event) => event.id.replace(`${keyOf(run.id)}-1/`, ""));
}

const FACTS = [
  "accepted",
  "creating",
  "westus/completed",
  "eastus2/completed",
  "eastus/completed",
  "completed",
];

/** What every run must have come to, whatever failed on the way. */
function expectOneVersion(run: Run, events: readonly CloudEvent[]): void {
  expect(run.operation, run.name).toMatchObject({
    id: `${keyOf(run.id)}-1`,
    status: "Succeeded",
  });
  expect(
    run.operation?.regions.map(({ name, state, attempts }) => ({
      name,
      state,
      attempts,
    })),
    run.name,
  ).toEqual(
    ["westus", "eastus2", "eastus"].map((name) => ({
      name,
      state: "Completed",
      attempts: 1,
    })),
  );
  expect(world.simulator.control.creates(run.id), run.name).toBe(1);
  expect(
    world.simulator.control.countRequests({
      method: "PUT",
      path: `${run.id.replaceAll(".", "\\.")}\\?`,
    }),
    run.name,
  ).toBe(1);
  const facts = factsOf(events, run);
  expect([...new Set(facts)], run.name).toEqual(facts); // None twice.
  expect(
    facts.filter((fact) => !fact.includes("/replicating/")).sort(),
    run.name,
  ).toEqual([...FACTS].sort());
}

describe("a failure at any port call", () => {
  let calls: readonly string[];
  beforeAll(async () => {
    const run = startRun(undefined, true);
    await drive([run]);
    expectOneVersion(run, await world.takeEvents());
    ({ calls } = run.process);
  });

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
      const runs = calls.flatMap((call, i) =>
        call === "store.commit"
          ? [
              startRun(
                { at: i + 1, kind: "answer lost", when: "after" },
                redelivered,
              ),
            ]
          : [],
      );
      await expectSameOutcome(runs);
    },
  );

  test("processes killed again and again, at random", async () => {
    const runs = Array.from({ length: 12 }, (_, seed) =>
      startRun({ seed: seed + 1, every: 8 }, seed % 2 === 0),
    );
    await expectSameOutcome(runs);
  });

  async function expectSameOutcome(runs: readonly Run[]): Promise<void> {
    await drive(runs);
    const events = await world.takeEvents();
    for (const run of runs) {
      expectOneVersion(run, events);
      expect(run.process.failed(), run.name).toBe(true);
    }
  }
});
