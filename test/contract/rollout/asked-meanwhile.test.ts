/** What is asked of a version while its promotion waits for waves or tests. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  patchImageVersion,
  putImageVersion,
} from "../../../src/image-version/commands/put.js";
import { commandOf } from "../../support/dependencies.js";
import { plain } from "../image-version/truth/support.js";
import {
  BOOT,
  HELD,
  OPERATOR,
  startRollouts,
  targetsOf,
  withTargets,
  type Rollouts,
} from "./support.js";

let rollouts: Rollouts;
beforeEach(async () => {
  rollouts = await startRollouts();
});
afterEach(() => rollouts.close());

const TWO = [{ name: "westus" }, { name: "eastus2" }];
const THREE = [...TWO, { name: "eastus" }];
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
    ...OPERATOR,
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

describe("somebody says in words that a region is excluded whose wave has the version", () => {
  const flags = (westus: boolean) => [
    { name: "westus", excludeFromLatest: westus },
    { name: "eastus2", excludeFromLatest: true },
  ];
  test.each([
    ["a PUT", () => put(plain(flags(true), { sigil: WAVES }))],
    [
      "a PATCH",
      () =>
        patch({
          properties: { publishingProfile: { targetRegions: flags(true) } },
        }),
    ],
  ])("by %s: the waves wait until it is put back", async (_, exclude) => {
    await put(plain(TWO, { sigil: WAVES }));
    await rollouts.pass(5);
    await rollouts.report({});
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    await exclude();
    await rollouts.pass(5);
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual([]);
    await patch({
      properties: { publishingProfile: { targetRegions: flags(false) } },
    });
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  });
});

const TESTED = { promotion: { when: "tested", results: ["boot"] } } as never;
const MANUAL = { promotion: { when: "manual" } } as never;
const IN = { excludeFromLatest: false };

describe("a creation under a rule whose body says excludeFromLatest: false, as az and Terraform do, is held back until the rule holds, or refused", () => {
  test.each([
    ["tested", TESTED],
    ["manual", MANUAL],
    ["waves", WAVES],
  ])("%s", async (_, sigil) => {
    const answer = await put(plain(TWO, { sigil, publishing: IN })).catch(
      () => undefined,
    );
    if (answer === undefined) return;
    await rollouts.pass(30);
    expect(await rollouts.isLatest()).toBe(false);
    if (_ === "waves")
      expect(await rollouts.view()).toMatchObject({ state: "Waiting" });
  });
});

test("a body that repeats false, as az does, and does not know of the rule, is not a promotion before the tests without a word", async () => {
  await put(plain(TWO, { sigil: TESTED }));
  await rollouts.pass(15);
  const answer = await put(plain(TWO, { tags: { n: "1" }, publishing: IN }));
  await rollouts.pass(20);
  const warnings =
    answer.kind === "accepted" ? (answer.operation.warnings ?? []) : [];
  expect((await rollouts.isLatest()) === false || warnings.length > 0).toBe(
    true,
  );
});

test("who includes a version in words before its first wave, of which others have taken a region's flag off, includes that wave", async () => {
  await put(plain(TWO, { sigil: WAVES }));
  await rollouts.pass(15);
  const { resourceManager } = rollouts.world.deps;
  const look = await resourceManager.getImageVersion(OPERATOR.id);
  if (look === undefined) throw new TypeError("It is there.");
  const [first = { name: "" }, second = { name: "" }] = targetsOf(
    look.resource,
  );
  const { excludeFromLatest: _, ...rest } = second;
  await resourceManager.putImageVersion(
    OPERATOR.id,
    withTargets(look.resource, [first, rest]),
  );
  await rollouts.pass(40);
  await patch({
    properties: { publishingProfile: { excludeFromLatest: false } },
  });
  await rollouts.pass(15);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
});
