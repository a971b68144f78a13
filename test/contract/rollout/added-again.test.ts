/** A region that was lost, or removed, and that Sigil adds again: what its wave has says whether it is the latest there. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import {
  demoteImageVersion,
  promoteImageVersion,
  retryImageVersion,
} from "../../../src/image-version/commands/by-hand.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import {
  patchImageVersion,
  putImageVersion,
} from "../../../src/image-version/commands/put.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { canonicalRegion } from "../../../src/resource-id.js";
import { commandOf, idOf, request } from "../../support/dependencies.js";
import {
  BOOT,
  HELD,
  OPERATOR,
  WAVES,
  isIn,
  ruled,
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

const THREE = {
  when: "waves",
  waves: [...WAVES.waves, { regions: ["eastus"], ...BOOT }],
};

const EAST_FIRST = { when: "waves", waves: [...WAVES.waves].reverse() };

/** Without keys: the region of the third wave has no sets. */
function bodyOf(rule: object): ImageVersionRequest {
  const regions = ["westus", "eastus2", ...(rule === THREE ? ["eastus"] : [])];
  return withTargets(
    ruled(rule),
    regions.map((name) => ({ name })),
  );
}

const send = async (body: ImageVersionRequest): Promise<void> => {
  await request(rollouts.world.deps, HELD, body);
  await rollouts.world.finish(HELD);
};
const lose = async (): Promise<void> => {
  await rollouts.simulator.control.dropRegion({
    versionId: HELD,
    region: "eastus2",
  });
  await rollouts.pass(60);
};
/** Until Sigil's next update of the version has been taken. */
const untilPut = async (): Promise<void> => {
  const { control } = rollouts.simulator;
  const puts = (): number =>
    control.countRequests({ method: "PUT", path: HELD });
  const before = puts();
  for (let i = 0; puts() === before && i < 1_000; i += 1)
    await rollouts.step(1);
};
const remove = async (rule: object): Promise<void> => {
  const body = bodyOf(rule);
  const rest = targetsOf(body).filter((one) => !isIn("eastus2")(one));
  await patchImageVersion(rollouts.world.deps, {
    ...OPERATOR,
    validate: () => [],
    removeRegions: ["eastus2"],
    patch: {
      properties: { publishingProfile: { targetRegions: rest } },
    },
  });
  await rollouts.world.finish(HELD);
  await rollouts.pass(15);
};
const patch = (
  rule: object,
  says: { readonly excludeFromLatest?: boolean },
) => {
  const targetRegions = targetsOf(bodyOf(rule)).map((one) => ({
    ...one,
    ...(isIn("eastus2")(one) && says),
  }));
  return patchImageVersion(rollouts.world.deps, {
    ...OPERATOR,
    validate: () => [],
    patch: { properties: { publishingProfile: { targetRegions } } },
  });
};
const addByPatch = async (
  rule: object,
  says: { readonly excludeFromLatest?: boolean } = {},
): Promise<void> => {
  await patch(rule, says);
  await rollouts.world.finish(HELD);
};
/** As tools do that say it of each region. */
const addWithFlags = async (rule: object): Promise<void> => {
  const body = bodyOf(rule);
  await send(
    withTargets(
      body,
      targetsOf(body).map((one) => ({ ...one, excludeFromLatest: false })),
    ),
  );
};
const flags = async (): Promise<Record<string, boolean>> => {
  const { resourceManager } = rollouts.world.deps;
  const look = await resourceManager.getImageVersion(idOf(HELD));
  return Object.fromEntries(
    (look === undefined ? [] : targetsOf(look.resource)).map(
      ({ name, excludeFromLatest = false }) => [
        canonicalRegion(name),
        excludeFromLatest,
      ],
    ),
  );
};

describe.each([
  ["waves that go on", THREE],
  ["the last wave", WAVES],
])("before its turn, of %s,", (_, rule) => {
  beforeEach(async () => {
    await send(bodyOf(rule));
    await rollouts.report({});
    await rollouts.pass(20);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });

  test.each([
    ["by the same body once it was lost", lose, () => send(bodyOf(rule))],
    [
      "by a body that says false of each region",
      lose,
      () => addWithFlags(rule),
    ],
    ["by a PATCH once it was lost", lose, () => addByPatch(rule)],
    [
      "by a PATCH that says false of it",
      lose,
      () => addByPatch(rule, { excludeFromLatest: false }),
    ],
    [
      "by the same body once it was removed",
      () => remove(rule),
      () => send(bodyOf(rule)),
    ],
  ])(
    "a region that is added again %s is excluded until its turn comes",
    async (__, take, add) => {
      await take();
      await add();
      await rollouts.pass(60);
      expect(await rollouts.latestIn()).toEqual(["westus"]);
      expect(await flags()).toMatchObject({ westus: false, eastus2: true });
      expect(await rollouts.view()).toMatchObject({
        state: "Waiting",
        wave: 2,
        missing: [{ region: "eastus2", name: "boot" }],
      });
      await rollouts.report({ region: "eastus2" });
      await rollouts.pass(10);
      expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
    },
  );

  test("its plan says so", async () => {
    await lose();
    const { armRequest } = await planImageVersion(rollouts.world.deps, {
      id: idOf(HELD),
      body: bodyOf(rule),
    });
    expect(
      targetsOf(armRequest?.body as ImageVersionRequest).find(isIn("eastus2")),
    ).toMatchObject({ excludeFromLatest: true });
  });
});

test.each([
  ["while waves go on", THREE],
  ["after the last wave", WAVES],
])("a region whose wave has the version has it again, %s", async (_, rule) => {
  await send(bodyOf(rule));
  for (const region of ["westus", "eastus2"]) {
    await rollouts.report({ region });
    await rollouts.pass(20);
  }
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  await lose();
  await send(bodyOf(rule));
  await rollouts.pass(10);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test("before the first wave it is excluded by its own flag, as the others are", async () => {
  await send(bodyOf(WAVES));
  await rollouts.pass(5);
  await lose();
  await send(bodyOf(WAVES));
  expect(await flags()).toEqual({ westus: true, eastus2: true });
});

test("a PUT that is sent again while it is carried out is the same", async () => {
  await send(bodyOf(WAVES));
  await rollouts.report({});
  await rollouts.pass(20);
  await lose();
  const command = commandOf(HELD, bodyOf(WAVES));
  const first = await putImageVersion(rollouts.world.deps, command);
  const second = await putImageVersion(rollouts.world.deps, command);
  expect(second).toMatchObject({
    operation: { id: first.kind === "accepted" ? first.operation.id : "" },
  });
  await rollouts.world.finish(HELD);
  const third = await putImageVersion(rollouts.world.deps, command);
  expect(third).toMatchObject({
    operation: { id: first.kind === "accepted" ? first.operation.id : "" },
  });
});

test("a region that others add, of no wave, is theirs: it stops no wave", async () => {
  await send(bodyOf(WAVES));
  await rollouts.report({});
  await rollouts.pass(20);
  const { resourceManager } = rollouts.world.deps;
  const look = await resourceManager.getImageVersion(idOf(HELD));
  if (look === undefined) throw new TypeError("It is there.");
  await resourceManager.putImageVersion(
    idOf(HELD),
    withTargets(look.resource, [
      ...targetsOf(look.resource),
      { name: "eastus" },
    ]),
  );
  await rollouts.pass(60);
  expect(await rollouts.view()).toMatchObject({ state: "Waiting", wave: 2 });
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(10);
  expect(await flags()).toEqual({
    westus: false,
    eastus2: false,
    eastus: false,
  });
});

test.each([
  ["a person has asked for", false],
  ["a person has taken over", true],
])(
  "a region of a later wave that others add again before the first one's promotion is sent, which %s, waits for its turn",
  async (_, isTaken) => {
    await send(bodyOf(WAVES));
    await rollouts.simulator.control.dropRegion({
      versionId: HELD,
      region: "eastus2",
    });
    await rollouts.pass(15);
    if (isTaken) await rollouts.report({});
    await promoteImageVersion(rollouts.world.deps, OPERATOR);
    const { resourceManager } = rollouts.world.deps;
    const look = await resourceManager.getImageVersion(idOf(HELD));
    if (look === undefined) throw new TypeError("It is there.");
    await resourceManager.putImageVersion(
      idOf(HELD),
      withTargets(look.resource, [
        ...targetsOf(look.resource),
        { name: "eastus2" },
      ]),
    );
    await rollouts.pass(20);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  },
);

describe("where a person promotes a wave that has lost a region, what it gets back before that is sent has what the wave has:", () => {
  const FIRST = { regions: ["westus", "eastus2"], ...BOOT };
  const lost = async (...waves: readonly object[]) => {
    const body = withTargets(ruled({ when: "waves", waves }), [
      { name: "westus" },
      { name: "eastus2" },
      { name: "eastus" },
    ]);
    await send(body);
    if (waves[0] !== FIRST) {
      await rollouts.report({});
      await rollouts.pass(20);
      expect(await rollouts.latestIn()).toEqual(["westus"]);
    }
    await lose();
    return body;
  };

  test.each([
    ["the first", [FIRST, { regions: ["eastus"], ...BOOT }], true],
    [
      "a later",
      [
        { regions: ["westus"], ...BOOT },
        { regions: ["eastus2", "eastus"], ...BOOT },
      ],
      false,
    ],
  ])("%s one, by a PUT in the same update", async (_, waves, isFirst) => {
    const body = await lost(...waves);
    await promoteImageVersion(rollouts.world.deps, OPERATOR);
    await send(body);
    await rollouts.pass(20);
    expect(await flags()).toEqual({
      westus: false,
      eastus2: false,
      eastus: isFirst,
    });
    await rollouts.report({ region: "eastus" });
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(20);
    expect(new Set(Object.values(await flags()))).toEqual(new Set([false]));
  });

  test("the first one, from others", async () => {
    await lost(FIRST, { regions: ["eastus"], ...BOOT });
    await promoteImageVersion(rollouts.world.deps, OPERATOR);
    const { resourceManager } = rollouts.world.deps;
    const look = await resourceManager.getImageVersion(idOf(HELD));
    if (look === undefined) throw new TypeError("It is there.");
    await resourceManager.putImageVersion(
      idOf(HELD),
      withTargets(look.resource, [
        ...targetsOf(look.resource),
        { name: "eastus2" },
      ]),
    );
    await rollouts.pass(20);
    expect(await flags()).toEqual({
      westus: false,
      eastus2: false,
      eastus: true,
    });
  });
});

test("a region of the second wave that a retry adds back is excluded there, where the first wave alone has the version again", async () => {
  const manual = [["westus"], ["eastus2"]].map((regions) => ({
    regions,
    after: "manual",
  }));
  const ended = async ({ id }: { readonly id: string }) => {
    for (let minutes = 0; minutes < 200; minutes += 1) {
      await rollouts.pass(1);
      const found = await rollouts.world.deps.store.readOperation(id);
      if (found?.endTime !== undefined) return found.status;
    }
    throw new Error(`${id} does not end`);
  };
  const { deps } = rollouts.world;
  const { control } = rollouts.simulator;
  const withhold = (regions: readonly string[]) =>
    control.setUnavailableRegions({
      subscriptionId: LOCAL_SUBSCRIPTION_ID,
      regions,
    });
  await send(bodyOf({ when: "waves", waves: manual }));
  await ended(await promoteImageVersion(deps, OPERATOR));
  await ended(await promoteImageVersion(deps, OPERATOR));
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);

  await control.setRegionState({
    versionId: HELD,
    region: "eastus2",
    state: "Failed",
    details: "Lost.",
  });
  const repair = await retryImageVersion(deps, OPERATOR);
  for (let i = 0; "eastus2" in (await flags()); i += 1) {
    if (i === 1_000) throw new Error("eastus2 is not taken away");
    await rollouts.step(6);
  }
  await withhold(["eastus2"]);
  expect(await ended(repair)).toBe("Failed");
  await withhold([]);
  await ended(await demoteImageVersion(deps, OPERATOR));
  await ended(await promoteImageVersion(deps, OPERATOR));
  expect(await rollouts.latestIn()).toEqual(["westus"]);

  expect(await ended(await retryImageVersion(deps, OPERATOR))).toBe(
    "Succeeded",
  );
  expect(await flags()).toEqual({ westus: false, eastus2: true });
  await ended(await promoteImageVersion(deps, OPERATOR));
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});

test.each([
  [
    "fails",
    () =>
      rollouts.simulator.control.setRegionState({
        versionId: HELD,
        region: "eastus2",
        state: "Failed",
        details: "Lost.",
      }),
  ],
  [
    "is removed by others",
    () =>
      rollouts.simulator.control.dropRegion({
        versionId: HELD,
        region: "eastus2",
      }),
  ],
])(
  "the only region of the first wave, which %s while a PUT follows the promotion at once, has it again, and the waves go on",
  async (_, take) => {
    const body = bodyOf(EAST_FIRST);
    await send(body);
    await rollouts.report({ region: "eastus2" });
    await untilPut();
    await take();
    await request(rollouts.world.deps, HELD, { ...body, tags: { a: "1" } });
    await rollouts.pass(60);
    expect(await flags()).toEqual({ westus: true, eastus2: false });
    await rollouts.report({ region: "eastus2" });
    await rollouts.report({});
    await rollouts.pass(20);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
  },
);

test("the only region of the first wave, which others remove before a look has shown its promotion, has it again an hour later", async () => {
  const body = bodyOf(EAST_FIRST);
  await send(body);
  await rollouts.report({ region: "eastus2" });
  await untilPut();
  await rollouts.world.takeEvents();
  await lose();
  await rollouts.pass(60);
  expect(
    (await rollouts.world.takeEvents())
      .filter(({ type }) => type.endsWith(".RegionLost"))
      .map(({ data }) => data),
  ).toMatchObject([{ region: "eastus2" }]);
  await send({ ...body, tags: { a: "1" } });
  await rollouts.pass(20);
  expect(await flags()).toEqual({ westus: true, eastus2: false });
});

const SOUTH = { regions: ["southcentralus"], ...BOOT };

describe.each([
  ["the first wave", [...EAST_FIRST.waves, SOUTH], []],
  ["a later wave", [...WAVES.waves, SOUTH], ["westus"]],
  [
    "the last wave",
    [
      { regions: ["westus"], ...BOOT },
      SOUTH,
      { regions: ["eastus2"], ...BOOT },
    ],
    ["westus", "southcentralus"],
  ],
])(
  "the only region of %s, whose promotion no look has shown,",
  (_, waves, before) => {
    const body = withTargets(
      ruled({ when: "waves", waves }),
      ["westus", "eastus2", "southcentralus"].map((name) => ({ name })),
    );
    beforeEach(async () => {
      await send(body);
      for (const region of before) {
        await rollouts.report({ region });
        await rollouts.pass(20);
      }
      await rollouts.report({ region: "eastus2" });
      await untilPut();
    });

    test.each([1, 4, 11])(
      "and that others hold back there and remove %s minutes later, is not included as it is added again",
      async (minutes) => {
        await rollouts.step(3);
        await rollouts.exclude({ eastus2: true });
        for (let i = 0; i < minutes * 6; i += 1) await rollouts.step(10);
        await rollouts.simulator.control.dropRegion({
          versionId: HELD,
          region: "eastus2",
        });
        for (let i = 0; i < 12; i += 1) await rollouts.step(10);
        await send({ ...body, tags: { a: "1" } });
        await rollouts.pass(60);
        expect(await flags()).toMatchObject({ eastus2: true });
        expect(await rollouts.view()).toMatchObject({
          state: "NeedsAttention",
          message: `Its waves have stopped: wave ${before.length + 1} was promoted, and its regions were gone before Azure showed that. Promoted by hand it becomes the latest in eastus2.`,
        });
        expect(
          (await rollouts.takeEvents()).filter(({ type }) =>
            type.endsWith(".RolloutHalted"),
          ),
        ).toHaveLength(1);
        await promoteImageVersion(rollouts.world.deps, OPERATOR);
        await rollouts.pass(20);
        expect(await flags()).toMatchObject({ eastus2: false });
      },
    );
  },
);

test.each([
  ["one of the first wave's regions", { eastus2: true }],
  ["each of them", { eastus2: true, westus: true }],
])(
  "that others take %s back before a look has shown its promotion stops the waves: a person is told, and promotes it",
  async (_, held) => {
    await send(
      withTargets(
        ruled({
          when: "waves",
          waves: [{ regions: ["eastus2", "westus"], ...BOOT }, SOUTH],
        }),
        ["westus", "eastus2", "southcentralus"].map((name) => ({ name })),
      ),
    );
    await rollouts.report({});
    await rollouts.report({ region: "eastus2" });
    await untilPut();
    await rollouts.step(3);
    await rollouts.exclude(held);
    await rollouts.pass(60);
    expect(await rollouts.view()).toMatchObject({
      state: "NeedsAttention",
      wave: 1,
    });
    expect(
      (await rollouts.takeEvents()).filter(({ type }) =>
        type.endsWith(".RolloutHalted"),
      ),
    ).toHaveLength(1);
    await promoteImageVersion(rollouts.world.deps, OPERATOR);
    await rollouts.pass(20);
    expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
    expect(await rollouts.view()).toMatchObject({ state: "Waiting", wave: 2 });
  },
);

test("a region that a person has held back and put back, and that goes before a look has shown that, has it again", async () => {
  const body = bodyOf(EAST_FIRST);
  await send(body);
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(20);
  await patch(EAST_FIRST, { excludeFromLatest: true });
  await rollouts.world.finish(HELD);
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual([]);
  await patch(EAST_FIRST, { excludeFromLatest: false });
  await untilPut();
  await lose();
  await send({ ...body, tags: { a: "1" } });
  await rollouts.pass(20);
  expect(await flags()).toEqual({ westus: true, eastus2: false });
});

test.each([
  ["is carried out, and has no answer", "reset-after-processing"],
  ["is carried out", undefined],
] as const)(
  "a region whose promotion %s, and that goes before a look has shown it, has it again",
  async (_, action) => {
    const body = bodyOf(EAST_FIRST);
    await send(body);
    if (action !== undefined)
      rollouts.simulator.control.addFault({
        method: "PUT",
        path: HELD,
        times: 1,
        action,
      });
    await rollouts.report({ region: "eastus2" });
    await untilPut();
    await lose();
    await send({ ...body, tags: { a: "1" } });
    await rollouts.pass(20);
    expect(await flags()).toEqual({ westus: true, eastus2: false });
  },
);

test("a region that others have held back right behind a promotion that was canceled is not included as it is added again", async () => {
  const body = bodyOf(EAST_FIRST);
  await send(body);
  await promoteImageVersion(rollouts.world.deps, OPERATOR);
  await untilPut();
  const { operation } = await rollouts.world.read(HELD);
  await cancelOperation(rollouts.world.deps, operation.id, { appId: "op" });
  await rollouts.world.finish(HELD);
  await rollouts.exclude({ eastus2: true });
  await rollouts.pass(25);
  await lose();
  await send({ ...body, tags: { a: "1" } });
  await rollouts.pass(20);
  expect(await flags()).toMatchObject({ eastus2: true });
});

test("a region that others have held back, as an operation has told, is not included as it is added again", async () => {
  const body = bodyOf(EAST_FIRST);
  await send(body);
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["eastus2"]);
  await rollouts.exclude({ eastus2: true });
  await rollouts.step(20);
  const targets = targetsOf(body).filter((one) => !isIn("eastus2")(one));
  await putImageVersion(rollouts.world.deps, {
    ...OPERATOR,
    body: withTargets(body, targets),
    removeRegions: ["eastus2"],
  });
  await rollouts.world.finish(HELD);
  await rollouts.pass(60);
  await send(body);
  await rollouts.pass(20);
  expect(await flags()).toMatchObject({ eastus2: true });
});

test("a region that others remove before any wave waits for its turn, though they include the version itself", async () => {
  const body = bodyOf(EAST_FIRST);
  await send(body);
  await rollouts.pass(20);
  await rollouts.exclude({}, false);
  await rollouts.pass(1);
  await lose();
  await send({ ...body, tags: { a: "1" } });
  await rollouts.pass(20);
  expect(await flags()).toEqual({ westus: true, eastus2: true });
});
