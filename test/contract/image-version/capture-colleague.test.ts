/** A colleague deletes, retags, starts and removes between any two calls of a capture; nothing of his is touched. */
import { expect, test } from "vitest";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { idOf, request } from "../../support/dependencies.js";
import {
  CAPTURE_GROUP,
  capturedVersionId,
  capturingRequest,
  capturingWorld,
  MACHINE,
  machineResources,
  startCaptures,
  type Captures,
} from "../../support/captures.js";

const SEEDS = Number(process.env["SIGIL_CAPTURE_SEEDS"] ?? 100);
const HOUR_MS = 3_600_000;
const ID = capturedVersionId("1.0.0");
const MINE = `${CAPTURE_GROUP}/providers/Microsoft.Compute/snapshots/mine`;
const OPERATION = "sigil-operation";

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Acts before a call of Azure, now and then; what he has made his own is in `his`. */
function colleague({ simulator: { control } }: Captures, random: () => number) {
  const his = new Set<string>();
  const snapshots = () =>
    control.resources().filter(({ id }) => id.startsWith(`${CAPTURE_GROUP}/providers`));
  const machine = (properties = {}) =>
    machineResources(1, properties).at(-1) ?? expect.fail("no machine");
  const acts = [
    async () => {
      const [one] = snapshots();
      if (one === undefined) return;
      his.delete(one.id);
      await control.removeResource(one.id);
    },
    async () => {
      const one = snapshots().at(-1);
      if (one === undefined) return;
      his.add(one.id);
      await control.putResource({ ...one, tags: random() < 0.5 ? {} : { [OPERATION]: "another" } });
    },
    async () => {
      his.add(MINE);
      const [disk] = machineResources(1);
      await control.putResource({
        ...(disk ?? machine()),
        id: MINE,
        name: "mine",
        type: "Microsoft.Compute/snapshots",
      });
    },
    () => control.putResource(machine({ instanceView: {} })),
    () => control.putResource(machine()),
    () => control.removeResource(MACHINE),
  ];
  const act = async (): Promise<void> => {
    if (random() < 0.06) await acts[Math.floor(random() * acts.length)]?.();
  };
  return { his, act, snapshots };
}

/** The same ports, with `before` before each call. */
function interrupted<Port extends object>(
  port: Port,
  before: (name: string) => Promise<void>,
): Port {
  return Object.fromEntries(
    Object.entries(port).map(([name, call]: [string, unknown]) => [
      name,
      typeof call !== "function"
        ? call
        : async (...args: readonly unknown[]): Promise<unknown> => {
            await before(name);
            return await (call as (...all: readonly unknown[]) => unknown)(...args);
          },
    ]),
  ) as Port;
}

async function play(seed: number): Promise<"Succeeded" | "Failed" | "refused"> {
  const random = randomOf(seed);
  const world = await startCaptures({ replicationMs: 60_000, spread: 0 }, capturingWorld(1));
  try {
    await world.simulator.control.setSnapshots({ readyMs: Math.floor(random() * 40_000) });
    const { his, act, snapshots } = colleague(world, random);
    /** Whether each snapshot was complete when this step saw it, and when it read the machine last. */
    const seen = new Map<string, boolean>();
    let isProven = false;
    let isSent = false;
    const captures = world.deps.snapshots ?? expect.fail("no captures");
    const deps: Dependencies = {
      ...world.deps,
      resources: interrupted(world.deps.resources, act),
      snapshots: {
        ...interrupted(captures, act),
        async get(id) {
          await act();
          const found = await captures.get(id);
          const { provisioningState, tags } = found ?? {};
          const isOurs = tags?.[OPERATION] !== undefined && tags[OPERATION] !== "another";
          seen.set(id, provisioningState === "Succeeded" && isOurs);
          return found;
        },
        async getMachine(id) {
          await act();
          const found = await captures.getMachine(id);
          isProven = found?.powerState !== "running" && [...seen.values()].every((one) => one);
          return found;
        },
      },
      resourceManager: interrupted(world.deps.resourceManager, async (name) => {
        if (name === "putImageVersion" && !isSent) {
          expect(isProven, `seed ${seed}: the machine was not read after the last snapshot`).toBe(
            true,
          );
          isSent = true;
        }
        await act();
      }),
    };
    const accepted = await request(deps, ID, capturingRequest(1, 1)).catch(() => undefined);
    if (accepted === undefined) return "refused";
    for (let steps = 0; steps < 200; steps += 1) {
      for (const message of await world.takeDue()) await world.handle(message, deps);
      const { record, operation } = await world.read(ID);
      if (operation.endTime !== undefined) break;
      world.clock.advance(Math.max(1_000, Date.parse(record.dueTime) - world.clock.now()));
    }
    const { operation } = await world.read(ID);
    expect(operation.endTime, `seed ${seed}: it does not end`).toBeDefined();
    world.clock.advance(100 * HOUR_MS);
    await world.sweep();
    await world.sweep();
    const left = snapshots().map(({ id }) => id);
    expect(
      [...his].filter((id) => !left.includes(id)),
      `seed ${seed}: his are gone`,
    ).toEqual([]);
    expect(
      left.filter((id) => !his.has(id)),
      `seed ${seed}: ours are left`,
    ).toEqual([]);
    const shown = await world.deps.resourceManager.getImageVersion(idOf(ID));
    const source = shown?.resource.properties.storageProfile.osDiskImage?.source?.id;
    if (shown !== undefined) expect(source, `seed ${seed}`).toContain(`${CAPTURE_GROUP}/`);
    return operation.status === "Succeeded" ? "Succeeded" : "Failed";
  } finally {
    await world.close();
  }
}

test(
  "whatever a colleague does between two calls, the operation ends, his stays, and ours goes",
  async () => {
    const ends: Record<string, number> = {};
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const end = await play(seed);
      ends[end] = (ends[end] ?? 0) + 1;
    }
    expect(ends["Succeeded"]).toBeGreaterThan(SEEDS / 20);
    expect(ends["Failed"]).toBeGreaterThan(SEEDS / 20);
  },
  Math.max(60_000, SEEDS * 300),
);
