/**
 * Batches whose processes are killed at random calls, whose messages are lost, come twice or come late, a third of them
 * canceled on the way. SIGIL_BATCH_KILLS: how many kills.
 */
import { expect, test } from "vitest";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { isOpen } from "../../../src/operation/children.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import { recordKeyOf, type OperationRecord } from "../../../src/operation/records.js";
import type { DueMessage, InProcess } from "../../support/dependencies.js";
import type { MemoryStore } from "../../support/fakes/state-store.js";
import { failingDependencies, Killed } from "../../support/failing-dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { made, newDefinition, plain, tagsIn } from "../image-version/truth/support.js";
import { itemsOf, OPERATOR, post, recordOf, statesIn } from "./support.js";

const KILLS = Number(process.env["SIGIL_BATCH_KILLS"] ?? 60);
const DEFINITIONS = 6;
const VERSIONS = ["1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4"];
const TICK_MS = 5_000;
const MOST_TICKS = 4_000;

let world: InProcess;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given) => {
  world = given;
});

let state = 1;
/** The same in each run of the test. */
function random(below: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return (state >>> 8) % below;
}

const operations = (): readonly OperationRecord[] =>
  (world.deps.store as unknown as MemoryStore).operations();

interface Run {
  readonly batch: OperationRecord;
  readonly handled: DueMessage[];
  kills: number;
  /** The children that were open when it was canceled. */
  toCancel?: readonly string[];
}

const childrenOf = ({ batch }: Run): readonly OperationRecord[] =>
  operations().filter(({ parent }) => parent === batch.id);

/** One delivery, in a process that may be killed; killed, the message comes again or is lost. */
async function deliver(run: Run, message: DueMessage): Promise<void> {
  run.handled.push(message);
  for (let deliveries = 0; deliveries < 8; deliveries += 1) {
    const isKilled = random(6) === 0;
    const { deps } = failingDependencies(
      world.deps,
      "batch",
      isKilled
        ? { at: 1 + random(40), kind: "killed", when: random(2) === 0 ? "before" : "after" }
        : undefined,
    );
    try {
      return await world.handle(message, deps);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      run.kills += 1;
      if (random(3) === 0) return; // lost
    }
  }
}

async function drive(run: Run, cancelAt: number | undefined): Promise<void> {
  const { deps } = failingDependencies(world.deps, "batch", undefined);
  for (let ticks = 0; ticks < MOST_TICKS; ticks += 1) {
    for (let due = await world.takeDue(); due.length > 0; due = await world.takeDue())
      for (const message of due) await deliver(run, message);
    const late = run.handled[random(Math.max(1, run.handled.length))];
    if (late && random(3) === 0) await world.handle(late, deps);
    const stored = await deps.store.read(recordKeyOf(run.batch.id) ?? "");
    if (stored?.operation.endTime !== undefined) return;
    if (ticks === cancelAt) {
      run.toCancel = childrenOf(run)
        .filter(isOpen)
        .map(({ id }) => id);
      await cancelOperation(deps, run.batch.id, OPERATOR);
    }
    if (ticks % 12 === 0) await reconcile(deps);
    world.clock.advance(TICK_MS);
  }
  expect.fail(`${run.batch.id} does not end`);
}

let canceledChildren = 0;

/** Nothing is lost, nothing is done twice, and nothing runs on. */
async function check(run: Run): Promise<void> {
  const { batch, toCancel = [] } = run;
  const { items } = await recordOf(world, batch);
  const children = childrenOf(run);
  // One that ended by itself before the batch's step needs no cancel.
  for (const { id, status, canceledBy } of children)
    if (toCancel.includes(id) && status !== "Succeeded") expect(canceledBy, id).toBeDefined();
  canceledChildren += children.filter(({ canceledBy }) => canceledBy !== undefined).length;
  expect(children.filter(isOpen), batch.id).toEqual([]);
  expect(new Set(children.map(({ resourceId }) => resourceId)).size).toBe(children.length);
  for (const { id, state: itemState, operationId } of items) {
    const child = children.find(({ resourceId }) => resourceId === id);
    expect([id, itemState, child?.id], statesIn({ items })).toEqual([
      id,
      child?.status ?? expect.stringMatching(/^(?:Skipped|Unchanged|Refused)$/u),
      operationId,
    ]);
  }
}

const COMMANDS = [
  (count: number): object => ({ command: "patchImageVersion", body: { tags: { n: `${count}` } } }),
  () => ({ command: "demoteImageVersion", query: { allowNoLatest: true } }),
  () => ({ command: "promoteImageVersion" }),
];

test(
  `${KILLS} kills lose nothing, do nothing twice, and leave nothing running`,
  async () => {
    const ids: string[] = [];
    for (let count = 0; count < DEFINITIONS; count += 1) {
      const image = await newDefinition(world);
      for (const version of VERSIONS) {
        ids.push(`${image}/versions/${version}`);
        await made(world, ids.at(-1) ?? "", plain());
      }
    }
    let kills = 0;
    let canceled = 0;
    for (let count = 0; kills < KILLS; count += 1) {
      const command = COMMANDS[count % COMMANDS.length]?.(count);
      const batch = await post(world, {
        ...command,
        items: itemsOf(ids),
        atOnce: 1 + random(10),
        onFailure: "continue",
      });
      const run: Run = { batch, handled: [], kills: 0 };
      const cancelAt = count % 3 === 2 ? 1 + random(30) : undefined;
      await drive(run, cancelAt);
      await check(run);
      const { items, state: end } = await recordOf(world, batch);
      if (end === "Canceled") canceled += 1;
      if (cancelAt === undefined) {
        expect(end, statesIn({ items })).toBe("Succeeded");
        if (count % COMMANDS.length === 0)
          for (const id of ids) expect(await tagsIn(world, id)).toEqual({ n: `${count}` });
      }
      kills += run.kills;
    }
    expect(canceledChildren).toBeGreaterThan(0);
    process.stderr.write(`${kills} kills, ${canceled} canceled\n`);
  },
  Math.max(120_000, KILLS * 2_000),
);
