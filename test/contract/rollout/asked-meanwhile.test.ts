/** What is asked of a version while its promotion waits for waves or tests. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  patchImageVersion,
  putImageVersion,
} from "../../../src/image-version/commands/put.js";
import { commandOf, idOf, TRACEPARENT } from "../../support/dependencies.js";
import { plain } from "../image-version/truth/support.js";
import { HELD, startRollouts, type Rollouts } from "./support.js";

let rollouts: Rollouts;
beforeEach(async () => {
  rollouts = await startRollouts();
});
afterEach(() => rollouts.close());

const TWO = [{ name: "westus" }, { name: "eastus2" }];
const THREE = [...TWO, { name: "eastus" }];
const BOOT = { after: "tested", results: ["boot"] } as const;
const WAVES = {
  promotion: {
    when: "waves",
    waves: [
      { regions: ["westus"], ...BOOT },
      { regions: ["eastus2"], ...BOOT },
    ],
  },
} as never;

const patch = (merge: object) =>
  patchImageVersion(rollouts.world.deps, {
    id: idOf(HELD),
    requestedBy: { appId: "operator" },
    traceparent: TRACEPARENT,
    validate: () => [],
    patch: merge,
  });
const put = (body: ReturnType<typeof plain>) =>
  putImageVersion(rollouts.world.deps, commandOf(HELD, body));

describe("a region that is added while the waves run", () => {
  const ways = [
    [
      "a PATCH",
      () =>
        patch({ properties: { publishingProfile: { targetRegions: THREE } } }),
    ],
    ["a PUT that gives way in the rule", () => put(plain(THREE))],
  ] as const;

  test.each(ways)(
    "by %s is refused, or is excluded by its own flag until its turn",
    async (_, add) => {
      await put(plain(TWO, { sigil: WAVES }));
      await rollouts.pass(1);
      if ((await add().catch(() => undefined)) === undefined) return;
      await rollouts.pass(15);
      expect(await rollouts.latestIn()).toEqual([]);
    },
  );

  test.each(ways)(
    "by %s is refused, or has the version once the last wave has it",
    async (_, add) => {
      await put(plain(TWO, { sigil: WAVES }));
      await rollouts.pass(1);
      if ((await add().catch(() => undefined)) === undefined) return;
      await rollouts.pass(15);
      for (const region of ["westus", "eastus2"]) {
        await rollouts.report({ region });
        await rollouts.pass(12);
      }
      expect(await rollouts.view()).toBeUndefined();
      expect(await rollouts.latestIn()).toContain("eastus");
    },
  );
});

describe("somebody says in words that a version whose rule waits is excluded", () => {
  test.each([
    ["tested", { promotion: { when: "tested", results: ["boot"] } } as never],
    ["waves", WAVES],
  ])("by a PATCH, at rest, under the rule %s", async (_, sigil) => {
    await put(plain(TWO, { sigil }));
    await rollouts.pass(15);
    await patch({
      properties: { publishingProfile: { excludeFromLatest: true } },
    });
    for (const region of ["westus", "eastus2"])
      await rollouts.report({ region });
    await rollouts.pass(20);
    expect(await rollouts.isLatest()).toBe(false);
  });
});
