/** A PUT or PATCH that changes the rule by which a version is held back, or its next wave. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/by-hand.js";
import {
  patchImageVersion,
  putImageVersion,
} from "../../../src/image-version/commands/put.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { commandOf, idOf } from "../../support/dependencies.js";
import { managedImageRequest } from "../../support/requests.js";
import { refusal } from "../../support/refusal.js";
import {
  BOOT,
  HELD,
  OPERATOR,
  TESTED,
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

const FIRST = { regions: ["westus"], ...BOOT };
const SECOND = { regions: ["eastus2"], ...BOOT };
const WAVES = { when: "waves", waves: [FIRST, SECOND] };
const BOTH = ["westus", "eastus2"];
const bodyOf = (rule: object | undefined) =>
  rule === undefined ? managedImageRequest() : ruled(rule);
const put = (rule: object | undefined) =>
  putImageVersion(rollouts.world.deps, commandOf(HELD, bodyOf(rule)));
const patch = (merge: object) =>
  patchImageVersion(rollouts.world.deps, {
    ...OPERATOR,
    validate: () => [],
    patch: merge,
  });
const patchRule = (promotion: object) => patch({ sigil: { promotion } });
/** The codes of its warnings; it is carried out, and the timer runs. */
const change = async (rule: object | undefined): Promise<unknown> => {
  const answer = await put(rule);
  expect(answer.kind).toBe("accepted");
  await rollouts.world.finish(HELD);
  await rollouts.pass(5);
  return answer.kind === "accepted"
    ? (answer.operation.warnings ?? []).map(({ code, message }) => [
        code,
        message,
      ])
    : undefined;
};
const passAll = async (): Promise<void> => {
  for (const region of BOTH) await rollouts.report({ region });
  await rollouts.pass(10);
};

describe("while a wave has the version", () => {
  beforeEach(async () => {
    await rollouts.publish(WAVES);
    await rollouts.report({});
    await rollouts.pass(3);
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  });

  const OTHERS = [
    ["another order", { ...WAVES, waves: [SECOND, FIRST] }],
    ["fewer waves", { ...WAVES, waves: [{ ...FIRST, regions: BOTH }] }],
    [
      "more waves",
      {
        ...WAVES,
        waves: [FIRST, SECOND, { regions: ["eastus"], after: "manual" }],
      },
    ],
    [
      "another gate",
      { ...WAVES, waves: [FIRST, { ...SECOND, after: "manual" }] },
    ],
    ["another end after a failure", { ...WAVES, onFailure: "rollBack" }],
  ] as const;

  test.each(OTHERS)(
    "waves in %s are refused by a PUT and by a PATCH, and those that there are go on",
    async (_, rule) => {
      for (const send of [put, patchRule]) {
        const { code, findings } = await refusal(send(rule));
        expect(code).toBe("InvalidRequest");
        expect(findings.at(-1)).toMatchObject({
          code: "InvalidPromotion",
          remediation:
            "Keep the rule that it has, demote the version first (POST …/demote), or publish another one.",
        });
      }
      await rollouts.report({ region: "eastus2" });
      await rollouts.pass(5);
      expect(await rollouts.latestIn()).toEqual(BOTH);
    },
  );

  test("the default of onFailure in words is no other rule", async () => {
    const rule = { ...WAVES, onFailure: "halt" };
    await put(rule);
    await patchRule(rule);
    await rollouts.world.finish(HELD);
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(BOTH);
    await rollouts.exclude({}, true);
    await rollouts.pass(15);
    await put(rule);
    await rollouts.pass(15);
    expect(await rollouts.latestIn()).toEqual([]);
  });

  test("other waves end none where the version is the latest nowhere", async () => {
    await rollouts.exclude({ westus: true });
    await rollouts.pass(15);
    expect(await change({ ...WAVES, waves: [SECOND, FIRST] })).toEqual([]);
    await passAll();
    expect(await rollouts.latestIn()).toEqual(BOTH);
  });

  test("who ends them with a body that adds a lost region again is told that it is the latest there", async () => {
    await rollouts.simulator.control.dropRegion({
      versionId: HELD,
      region: "eastus2",
    });
    await rollouts.pass(15);
    expect(await change(undefined)).toEqual([
      [
        "WavesEnd",
        "The request ends the waves, and adds eastus2: the version is the latest there as soon as it is there, whether its turn had come or not.",
      ],
    ]);
    expect(await rollouts.latestIn()).toEqual(BOTH);
  });

  test("other waves are taken once the version is demoted, and begin with their first", async () => {
    await demoteImageVersion(rollouts.world.deps, OPERATOR);
    await rollouts.world.finish(HELD);
    await change({ ...WAVES, waves: [SECOND, FIRST] });
    expect(await rollouts.view()).toMatchObject({ wave: 1 });
    expect(await rollouts.latestIn()).toEqual([]);
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(BOTH);
  });

  test.each([
    ["none", undefined],
    ["tested", TESTED],
    ["allRegionsReady", { when: "allRegionsReady" }],
    ["manual", { when: "manual" }],
  ])(
    "the rule %s instead ends the waves, with a warning that says where it stays excluded",
    async (_, rule) => {
      const { findings } = await planImageVersion(rollouts.world.deps, {
        id: idOf(HELD),
        body: bodyOf(rule),
      });
      expect(findings.map(({ code }) => code)).toContain("WavesEnd");
      expect(await change(rule)).toEqual([
        [
          "WavesEnd",
          "The request ends the waves by which the version was to become the latest in eastus2: it stays excluded from latest there.",
        ],
      ]);
      await passAll();
      expect(await rollouts.latestIn()).toEqual(["westus"]);
      expect(await rollouts.view()).toBeUndefined();
      expect(await rollouts.isLookedAfter()).toBe(false);
    },
  );

  test("what the warning says includes it in the rest", async () => {
    await change(undefined);
    const { targetRegions = [] } =
      managedImageRequest().properties.publishingProfile ?? {};
    const answer = await patch({
      properties: {
        publishingProfile: {
          targetRegions: targetRegions.map((region) => ({
            ...region,
            excludeFromLatest: false,
          })),
        },
      },
    });
    expect(answer.kind).toBe("accepted");
    await rollouts.world.finish(HELD);
    expect(await rollouts.latestIn()).toEqual(BOTH);
  });
});

describe("before the first wave", () => {
  beforeEach(async () => {
    await rollouts.publish(WAVES);
    await rollouts.pass(3);
  });

  test("waves in another order begin with their first", async () => {
    expect(await change({ ...WAVES, waves: [SECOND, FIRST] })).toEqual([]);
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["eastus2"]);
  });

  test("one wave instead of two has all regions at once", async () => {
    expect(
      await change({ ...WAVES, waves: [{ regions: BOTH, ...BOOT }] }),
    ).toEqual([]);
    await rollouts.report({});
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual([]);
    await rollouts.report({ region: "eastus2" });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(BOTH);
  });

  test("the rule tested instead includes it everywhere once its tests have passed", async () => {
    expect(await change(TESTED)).toEqual([]);
    await passAll();
    expect(await rollouts.latestIn()).toEqual(BOTH);
  });

  test("the rule allRegionsReady instead includes it everywhere, as its plan says", async () => {
    const { armRequest } = await planImageVersion(rollouts.world.deps, {
      id: idOf(HELD),
      body: ruled({ when: "allRegionsReady" }),
    });
    const { properties } = armRequest?.body as ImageVersionRequest;
    expect(properties.publishingProfile?.excludeFromLatest).toBe(false);
    expect(
      (properties.publishingProfile?.targetRegions ?? []).map(
        ({ excludeFromLatest = false }) => excludeFromLatest,
      ),
    ).toEqual([false, false]);
    expect(await change({ when: "allRegionsReady" })).toEqual([]);
    expect(await rollouts.latestIn()).toEqual(BOTH);
  });

  test("no rule instead leaves it excluded, with a warning, until somebody promotes it everywhere", async () => {
    expect(await change(undefined)).toEqual([
      [
        "WavesEnd",
        "The request ends the waves by which the version was to become the latest in westus, eastus2: it stays excluded from latest there.",
      ],
    ]);
    await passAll();
    expect(await rollouts.latestIn()).toEqual([]);
    await promoteImageVersion(rollouts.world.deps, OPERATOR);
    await rollouts.world.finish(HELD);
    expect(await rollouts.latestIn()).toEqual(BOTH);
  });
});

describe("while a promotion of the first wave is under way", () => {
  const include = () =>
    patch({ properties: { publishingProfile: { excludeFromLatest: false } } });
  const promote = () => promoteImageVersion(rollouts.world.deps, OPERATOR);
  const take = async (): Promise<void> => {
    await rollouts.report({});
    await promote();
  };
  const send = async (): Promise<void> => {
    await rollouts.simulator.control.setLag({ ms: 120_000 });
    await rollouts.report({});
    await rollouts.step(0);
  };

  describe.each([
    ["that a person has asked for", promote],
    ["that a person has asked for by a PATCH", include],
    ["that a person has taken over", take],
    ["that the rule has begun, and that is sent", send],
  ])("%s", (_, begin) => {
    beforeEach(async () => {
      await rollouts.publish(WAVES);
      await begin();
    });

    test("other waves are refused, and those that there are go on", async () => {
      const { code, findings } = await refusal(
        put({ ...WAVES, waves: [SECOND, FIRST] }),
      );
      expect(code).toBe("InvalidRequest");
      expect(findings.map(({ message }) => message)).toEqual([
        "A rule of waves is for a new version: this one is about to be included in latest.",
      ]);
      await rollouts.simulator.control.setLag({ ms: 0 });
      await rollouts.pass(10);
      expect(await rollouts.latestIn()).toEqual(["westus"]);
      await rollouts.report({ region: "eastus2" });
      await rollouts.pass(5);
      expect(await rollouts.latestIn()).toEqual(BOTH);
    });

    test.each([
      ["none", undefined],
      ["tested", TESTED],
    ])(
      "the rule %s instead ends the waves, with a warning that says where it stays excluded",
      async (_, rule) => {
        const answer = await put(rule);
        await rollouts.simulator.control.setLag({ ms: 0 });
        expect(answer).toMatchObject({
          operation: {
            warnings: [
              {
                code: "WavesEnd",
                message:
                  "The request ends the waves by which the version was to become the latest in eastus2: it stays excluded from latest there.",
              },
            ],
          },
        });
        await rollouts.pass(10);
        expect(await rollouts.latestIn()).toEqual(["westus"]);
      },
    );
  });

  test("who includes the version by a PATCH after other waves were accepted includes their first", async () => {
    await rollouts.publish(WAVES);
    await put({ ...WAVES, waves: [SECOND, FIRST] });
    await include();
    await rollouts.pass(10);
    expect(await rollouts.latestIn()).toEqual(["eastus2"]);
    await rollouts.report({});
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(BOTH);
  });
});

describe("before the first wave, where others have changed one region,", () => {
  /** What somebody does in the portal: without its own flag. */
  const take = async (): Promise<ImageVersionRequest> => {
    const look = await rollouts.world.deps.resourceManager.getImageVersion(
      idOf(HELD),
    );
    if (look === undefined) throw new TypeError("It is there.");
    return withTargets(
      look.resource,
      targetsOf(look.resource).map((one) => {
        const { excludeFromLatest: _, ...rest } = one;
        return isIn("eastus2")(one) ? rest : one;
      }),
    );
  };
  const send = (body: ImageVersionRequest) =>
    rollouts.world.deps.resourceManager.putImageVersion(idOf(HELD), body);
  const edit = async (): Promise<void> => {
    await send(await take());
  };
  const addAgain = async (): Promise<void> => {
    const body = await take();
    await rollouts.simulator.control.dropRegion({
      versionId: HELD,
      region: "eastus2",
    });
    await send(body);
  };

  describe.each([
    ["its flag", edit],
    ["its copy", addAgain],
  ])("%s,", (_, others) => {
    beforeEach(async () => {
      await rollouts.publish(WAVES);
      await others();
      await rollouts.pass(40);
    });

    test("the rule tested instead includes it everywhere once its tests have passed", async () => {
      expect(await change(TESTED)).toEqual([]);
      await passAll();
      expect(await rollouts.latestIn()).toEqual(BOTH);
      expect(await rollouts.view()).toBeUndefined();
    });

    test("no rule instead leaves it excluded until somebody promotes it everywhere, as the warning says", async () => {
      const answer = await put(undefined);
      expect(answer).toMatchObject({
        operation: {
          warnings: [
            {
              code: "WavesEnd",
              remediation:
                "Keep the rule; or promote it by hand (POST …/promote), which includes it in every region.",
            },
          ],
        },
      });
      await rollouts.world.finish(HELD);
      await rollouts.pass(5);
      expect(await rollouts.latestIn()).toEqual([]);
      await promoteImageVersion(rollouts.world.deps, OPERATOR);
      await rollouts.world.finish(HELD);
      expect(await rollouts.latestIn()).toEqual(BOTH);
    });
  });

  const saysTrue = (body: ImageVersionRequest): ImageVersionRequest =>
    withTargets(
      body,
      targetsOf(body).map((one) =>
        isIn("westus")(one) ? { ...one, excludeFromLatest: true } : one,
      ),
    );

  test.each([
    ["", []],
    [", and an earlier one has, too", [ruled(WAVES)]],
  ])(
    "one of which the request says true keeps it%s, and the warning says so",
    async (_, before) => {
      await rollouts.publish(WAVES);
      for (const body of before) {
        await putImageVersion(
          rollouts.world.deps,
          commandOf(HELD, saysTrue(body)),
        );
        await rollouts.world.finish(HELD);
      }
      await edit();
      await rollouts.pass(40);
      const answer = await putImageVersion(
        rollouts.world.deps,
        commandOf(HELD, saysTrue(bodyOf(undefined))),
      );
      expect(answer).toMatchObject({
        operation: {
          warnings: [
            {
              code: "WavesEnd",
              remediation:
                "Keep the rule; or promote it by hand (POST …/promote), which includes it in every region but westus, of which the request says true.",
            },
          ],
        },
      });
      await rollouts.world.finish(HELD);
      await promoteImageVersion(rollouts.world.deps, OPERATOR);
      await rollouts.world.finish(HELD);
      expect(await rollouts.latestIn()).toEqual(["eastus2"]);
    },
  );

  test("none is included by that which its version's flag does not exclude", async () => {
    await rollouts.publish(WAVES);
    await rollouts.exclude({}, false);
    await rollouts.pass(40);
    expect(await change(undefined)).toEqual([
      [
        "WavesEnd",
        "The request ends the waves by which the version was to become the latest in westus, eastus2: it stays excluded from latest there.",
      ],
    ]);
    expect(await rollouts.latestIn()).toEqual([]);
  });
});

test("a rule tested that is taken away leaves the version excluded", async () => {
  await rollouts.publish(TESTED);
  await change(undefined);
  await passAll();
  expect(await rollouts.latestIn()).toEqual([]);
});

describe("waves that are asked of a version that is there", () => {
  const LATER = "smoke";
  const publish = async (rule?: object): Promise<void> => {
    await put(rule);
    await rollouts.world.finish(HELD);
  };
  const demote = async (): Promise<void> => {
    expect((await refusal(put(WAVES))).findings).toMatchObject([
      { code: "InvalidPromotion" },
    ]);
    await demoteImageVersion(rollouts.world.deps, OPERATOR);
    await rollouts.world.finish(HELD);
  };
  test.each([
    [
      "was in latest, and is demoted",
      async () => {
        await publish();
        await demote();
      },
    ],
    [
      "its tests have put in latest, and is demoted",
      async () => {
        await publish(TESTED);
        await passAll();
        await demote();
      },
    ],
    [
      "waves have left in one region, and is demoted",
      async () => {
        await publish(WAVES);
        await rollouts.report({});
        await rollouts.pass(5);
        await change(undefined);
        await demote();
      },
    ],
    [
      "waves have left excluded",
      async () => {
        await publish(WAVES);
        await change(undefined);
      },
    ],
    ["waits for its tests", () => publish(TESTED)],
  ])("and %s, exclude each region, and begin with the first", async (_, so) => {
    await so();
    const waves = [SECOND, FIRST].map((one) => ({ ...one, results: [LATER] }));
    expect(await change({ ...WAVES, waves })).toEqual([]);
    const { deps } = rollouts.world;
    const look = await deps.resourceManager.getImageVersion(idOf(HELD));
    expect(
      (look ? targetsOf(look.resource) : []).map(
        ({ excludeFromLatest }) => excludeFromLatest,
      ),
    ).toEqual([true, true]);
    await rollouts.report({ region: "eastus2", name: LATER });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(["eastus2"]);
    await rollouts.report({ name: LATER });
    await rollouts.pass(5);
    expect(await rollouts.latestIn()).toEqual(BOTH);
  });

  test("are planned as they are sent", async () => {
    await publish(TESTED);
    const { armRequest } = await planImageVersion(rollouts.world.deps, {
      id: idOf(HELD),
      body: ruled(WAVES),
    });
    expect(
      targetsOf(armRequest?.body as ImageVersionRequest).map(
        ({ excludeFromLatest }) => excludeFromLatest,
      ),
    ).toEqual([true, true]);
  });
});

test("a rule tested of a version that is in latest holds nothing back; demoted first, as the warning says, it does", async () => {
  await put(undefined);
  await rollouts.world.finish(HELD);
  const { findings } = await planImageVersion(rollouts.world.deps, {
    id: idOf(HELD),
    body: ruled(TESTED),
  });
  expect(findings.map(({ code }) => code)).toContain("NothingHeldBack");
  expect(await change(TESTED)).toEqual([
    [
      "NothingHeldBack",
      "The version's own flag does not exclude it from latest: the rule holds nothing back.",
    ],
  ]);
  expect(await rollouts.view()).toBeUndefined();
  expect(await rollouts.latestIn()).toEqual(BOTH);
  await change(undefined);
  await demoteImageVersion(rollouts.world.deps, OPERATOR);
  await rollouts.world.finish(HELD);
  expect(await change(TESTED)).toEqual([]);
  expect(await rollouts.latestIn()).toEqual([]);
  await passAll();
  expect(await rollouts.latestIn()).toEqual(BOTH);
});
