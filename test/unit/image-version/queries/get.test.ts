import { describe, expect, test } from "vitest";
import { ServiceError } from "../../../../src/errors.js";
import { createKeyMemory } from "../../../../src/keys/memory.js";
import {
  getImageVersion,
  type KnownImageVersion,
} from "../../../../src/image-version/queries/get.js";
import type { Look } from "../../../../src/image-version/resources.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import { idOf } from "../../../support/dependencies.js";
import {
  applied,
  at,
  COMPLETED,
  lookOf,
  REPLICATING,
  replicating,
  step,
  told,
  VERSION_ID,
} from "../../../support/transitions.js";

const { record } = told(
  step(replicating(), lookOf("Succeeded", COMPLETED, { seconds: 60 }), at(60)).pair,
);

const shown = (
  stored: ImageVersionRecord,
  version: (anew?: boolean) => Promise<Look>,
  { seconds = 75, refresh }: { seconds?: number; refresh?: boolean } = {},
): Promise<KnownImageVersion> =>
  getImageVersion(
    {
      store: { readRecord: () => Promise.resolve(stored) } as never,
      looks: {
        version: (_, asked) => version(asked?.anew),
        versions: () =>
          Promise.resolve({
            items: [],
            candidates: [],
            time: at(seconds).now.toISOString(),
          }),
        galleries: () => Promise.reject(new Error("nobody asks")),
        images: () => Promise.resolve(undefined),
        has: () => false,
        seen: () => undefined,
        see: () => undefined,
        noteReplicating: () => undefined,
        replicatingIn: () => 0,
        forget: () => undefined,
        keys: createKeyMemory(() => at(seconds).now),
        once: (_, read) => read(),
      },
      ...at(seconds),
      now: () => at(seconds).now,
    },
    idOf(VERSION_ID),
    refresh,
  );

const shownOver = async (shared: Look): Promise<Look | undefined> =>
  (await shown(record, () => Promise.resolve(shared))).look;

// Others may have asked while the version was not polled yet, and their look is kept for half a minute.
test("what ended an operation is shown, not a shared look from before it", async () => {
  expect(record.state).toBe("Succeeded");
  const before = lookOf("Creating", REPLICATING, { seconds: 50 });
  expect(await shownOver(before)).toEqual(record.status);
});

test("a shared look from after it is shown", async () => {
  const after = lookOf("Updating", COMPLETED, { seconds: 70 });
  expect(await shownOver(after)).toBe(after);
});

describe("a version that is followed", () => {
  const followed = applied().record;
  const fresh = lookOf("Creating", COMPLETED, { seconds: 3_000 });

  test("shows its last look, however old, and Azure is not asked", async () => {
    const asked: unknown[] = [];
    const { look, warnings } = await shown(
      followed,
      (anew) => {
        asked.push(anew);
        return Promise.resolve(fresh);
      },
      { seconds: 3_000 },
    );
    expect(look).toEqual(followed.status);
    expect(look).toBeDefined();
    expect(warnings).toEqual([]);
    expect(asked).toEqual([]);
  });

  test("shows a new one to whoever refreshes it, or the last one with the reason", async () => {
    const refresh = { seconds: 3_000, refresh: true };
    const { look, warnings } = await shown(followed, () => Promise.resolve(fresh), refresh);
    expect(look).toBe(fresh);
    expect(warnings).toEqual([]);
    const notSent = new ServiceError("ResourceManagerThrottled", "no turn", {
      retryAfterMs: 1_200,
    });
    const unsent = await shown(followed, () => Promise.reject(notSent), refresh);
    expect(unsent.look).toEqual(followed.status);
    expect(unsent.warnings).toMatchObject([
      { code: "ResourceManagerThrottled", severity: "warning" },
    ]);
    // What stands in for a read that was not sent is told by its time, too.
    const old = { ...fresh, time: at(2_990).now.toISOString() };
    expect((await shown(followed, () => Promise.resolve(old), refresh)).warnings).toMatchObject([
      { code: "ResourceManagerThrottled" },
    ]);
  });
});
