/**
 * Sigil and others change a version at random, while the timer looks at any time and looks lag behind writes. Told is what others
 * have done, each once, and nothing of what Sigil has.
 */
import { expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld, nextVersionId } from "../../../support/one-world.js";
import type { CloudEvent } from "../../../../src/events/cloud-event.js";
import { cancelOperation } from "../../../../src/operation/canceling.js";
import {
  BY,
  ended,
  isAtRest,
  made,
  operationIn,
  pass,
  patch,
  plain,
  put,
  until,
} from "../truth/support.js";
import { eventsOf, look, MINUTE_MS, standingStill } from "./support.js";

const SEEDS = 30;
const STEPS = 14;

let world: InProcess;
inOneWorld({ spread: 0.5 }, (given) => {
  world = given;
});

/** The same numbers for the same seed. */
function numbers(seed: number): (most: number) => number {
  let state = seed * 2_654_435_761;
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % most;
  };
}

interface Change {
  readonly pointer: string;
  readonly after?: unknown;
}

const changesIn = (events: readonly CloudEvent[]): readonly Change[] =>
  events.flatMap(({ type, data }) =>
    type.endsWith("ChangedOutside")
      ? (data as { changes: readonly Change[] }).changes
      : [],
  );

test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
  "seed %i",
  async (seed) => {
    const random = numbers(seed);
    const id = nextVersionId();
    const { control } = world.simulator;
    await made(world, id, plain(undefined, { tags: { mine: "0" } }));
    const theirs: string[] = [];
    const lost: string[] = [];
    let hasNorth = false;
    let step = 0;
    const settle = async (): Promise<void> => {
      await until(world, () => isAtRest(world, id));
    };
    const steps: readonly (() => Promise<void>)[] = [
      async () => void (await look(world)),
      async () => void (await look(world)),
      () => pass(world, (1 + random(40)) * MINUTE_MS),
      () => pass(world, random(90) * 1_000),
      async () => {
        await control.setLag({ versionId: id, ms: random(8) * MINUTE_MS });
      },
      // Every replica of ARM falls behind a write that has been seen, for some minutes after it.
      async () => {
        await settle();
        await pass(world, 15 * MINUTE_MS);
        await look(world);
        // By no more than ten minutes, with all that it takes.
        await control.setLag({ versionId: id, ms: 0 });
        const before = await standingStill(world, id);
        const answer = await patch(world, id, {
          tags: { mine: `behind ${step}` },
        });
        await ended(world, [operationIn(answer)]);
        await look(world, before);
        await pass(world, random(6) * MINUTE_MS);
        await look(world, before);
      },
      // Others, of what nobody else changes; long enough after the last that no look can be of between.
      async () => {
        await settle();
        await pass(world, 15 * MINUTE_MS);
        await look(world); // What nobody has looked at is told by nobody.
        theirs.push(`${seed}-${theirs.length}`);
        await control.editVersion({
          versionId: id,
          tags: { theirs: theirs.at(-1) ?? "" },
        });
      },
      async () => {
        await settle();
        if (!hasNorth) return;
        await pass(world, 15 * MINUTE_MS);
        hasNorth = false;
        lost.push("northeurope");
        await control.dropRegion({ versionId: id, region: "northeurope" });
        // Before somebody adds it again
        await pass(world, 15 * MINUTE_MS);
        await look(world);
      },
      async () => {
        const answer = await patch(world, id, {
          tags: { mine: String(random(5)) },
        }).catch(() => undefined); // It may contradict the one before.
        if (answer?.kind === "accepted" && random(4) === 0) {
          await pass(world, random(30) * 1_000);
          await cancelOperation(
            world.deps,
            answer.operation.id,
            BY.requestedBy,
          ).catch(() => undefined);
        }
      },
      async () => {
        await settle();
        if (hasNorth) return;
        const body = plain(
          [{ name: "westus" }, { name: "eastus2" }, { name: "northeurope" }],
          { tags: { mine: "n" } },
        );
        await ended(world, [operationIn(await put(world, id, body))]);
        hasNorth = true;
      },
    ];
    const events: CloudEvent[] = [];
    for (; step < STEPS; step += 1) {
      await steps[random(steps.length)]?.();
      events.push(...(await eventsOf(world, id)));
    }
    await settle();
    await control.setLag({ versionId: id, ms: 0 });
    for (let looks = 0; looks < 3; looks += 1) {
      await pass(world, 15 * MINUTE_MS);
      await look(world);
    }
    events.push(...(await eventsOf(world, id)));
    const changes = changesIn(events);
    expect(
      changes
        .filter(({ pointer }) => pointer === "/tags/theirs")
        .map(({ after }) => after),
      "theirs, each once",
    ).toEqual(theirs);
    expect(
      changes.filter(({ pointer }) => pointer === "/tags/mine"),
      "nothing of Sigil's",
    ).toEqual([]);
    expect(
      events
        .filter(({ type }) => type.endsWith("RegionLost"))
        .map(({ data }) => (data as { region: string }).region),
    ).toEqual(lost);
    expect(
      events.filter(({ type }) => type.endsWith("DeletedOutside")),
    ).toEqual([]);
  },
);
