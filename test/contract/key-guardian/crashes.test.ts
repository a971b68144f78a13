/**
 * A run, or whoever else has seen a key, that dies, or is not answered, at each of its writes: the next run tells what there is to
 * tell, under the same ids.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { noteKeys, type GuardianDependencies } from "../../../src/key-guardian/note.js";
import { OS, startGuarded, type Guarded } from "./support.js";

let world: Guarded;
let image: string;
let enabled = true;
beforeAll(async () => {
  world = await startGuarded();
  for (let i = 0; i < 2; i += 1) {
    image = await world.define();
    await world.publish(`${image}/versions/1.0.0`);
  }
  await world.run();
  await world.takeTold();
});
afterAll(() => world.close());

class Killed extends Error {}

/** A process of which one write fails, counted from 1; after it is killed, all do. */
function failing(
  at: number,
  when: "before" | "after",
  kind: "killed" | "unavailable",
): { readonly deps: GuardianDependencies; readonly writes: () => number } {
  let writes = 0;
  let dead = false;
  const write = async <T>(run: () => Promise<T>): Promise<T> => {
    if (dead) throw new Killed();
    writes += 1;
    if (writes !== at) return run();
    if (when === "after") await run();
    dead = kind === "killed";
    throw dead
      ? new Killed()
      : new ServiceError("DependencyUnavailable", "no", { retryAfterMs: 1 });
  };
  const { keyStates, events, index } = world.guardian;
  return {
    writes: () => writes,
    deps: {
      ...world.guardian,
      keyStates: {
        read: (id) => keyStates.read(id),
        put: (...args) => write(() => keyStates.put(...args)),
      },
      events: {
        publish: (published) => write(() => events.publish(published)),
      },
      index: {
        ...index,
        put: (rows) => write(() => index.put(rows)),
        remove: (rows) => write(() => index.remove(rows)),
      },
    },
  };
}

const WHO = {
  "a run": (deps: GuardianDependencies) => world.run(deps),
  "a reader": (deps: GuardianDependencies) => noteKeys(deps, image, [OS.toLowerCase()]),
};

test.each(
  (["a run", "a reader"] as const).flatMap((who) =>
    (["before", "after"] as const).flatMap((when) =>
      (["killed", "unavailable"] as const).map((kind) => [who, when, kind] as const),
    ),
  ),
)("%s, %s its effect, %s", async (who, when, kind) => {
  for (let at = 1; ; at += 1) {
    enabled = !enabled;
    await world.setKey({ enabled });
    world.clock.advance(30_000); // What was seen is seen anew.
    const { deps, writes } = failing(at, when, kind);
    await WHO[who](deps).catch((error: unknown) => {
      expect(error).toBeInstanceOf(kind === "killed" ? Killed : ServiceError);
    });
    expect(await world.run()).toMatchObject({ errors: [], unfinished: false });
    const told = new Map(
      (await world.takeTold()).map((event): [string, CloudEvent] => [event.id, event]),
    );
    expect(
      [...told.values()].map(({ type }) => type),
      `write ${at}`,
    ).toEqual(
      Array.from({ length: 2 }, () => `Sigil.ImageVersion.Key${enabled ? "Safe" : "AtRisk"}`),
    );
    if (writes() < at) break;
  }
});
