/** Of latest, and of protection, what was said last by hand holds, whatever bodies repeat and whichever operation ends later. */
import { describe, expect, test } from "vitest";
import { planImageVersion } from "../../../../src/image-version/commands/plan.js";
import type { PutAnswer } from "../../../../src/image-version/commands/put.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  cancel,
  ended,
  etagOf,
  isExcluded,
  made,
  operationIn,
  outside,
  pass,
  patch,
  patchThrough,
  plain,
  put,
  putThrough,
  regionIn,
  regionNames,
  seen,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 1_200_000, spread: 0.5 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const HOUR_MS = 3_600_000;
const TWO = [{ name: "westus" }, { name: "eastus2" }];
const THREE = [...TWO, { name: "eastus" }];
const OUT = { excludeFromLatest: true };
const IN = { excludeFromLatest: false };
const profile = (publishingProfile: object) => ({
  properties: { publishingProfile },
});
const each = (regions: readonly object[], flag: object) =>
  regions.map((one) => ({ ...one, regionalReplicaCount: 1, ...flag }));
const editInAzure = async (publishingProfile: object) => {
  await world.simulator.control.editVersion({
    versionId: id,
    properties: { publishingProfile },
  });
  await pass(world, HOUR_MS);
};
const codes = (answer: PutAnswer): readonly string[] =>
  (answer.kind === "accepted"
    ? (answer.operation.warnings ?? [])
    : answer.version.warnings
  ).map(({ code }) => code);
const done = async (answer: PutAnswer): Promise<PutAnswer> => {
  if (answer.kind === "accepted") await ended(world, [answer.operation]);
  return answer;
};
const latestIn = async () => (await seen(world, id)).sigil.latestIn;
const promoted = async () => {
  await ended(world, [await byHand.promote(world, id)]);
  await pass(world, HOUR_MS);
};
const demoted = async () => {
  await ended(world, [await byHand.demote(world, id)]);
  await pass(world, HOUR_MS);
};

describe("a rule and true in one body", () => {
  test.each([
    ["allRegionsReady", {}],
    ["allRegionsReady", { tags: { b: "2" } }],
    ["manual", {}],
    ["manual", { tags: { b: "2" } }],
  ] as const)(
    "repeated once %s has promoted the version, it stays in latest, which is told (%j)",
    async (when, more) => {
      const sigil = { promotion: { when } } as const;
      const body = plain(TWO, { sigil, publishing: OUT });
      await made(world, id, body);
      if (when === "manual") await promoted();
      const answer = await done(await put(world, id, { ...body, ...more }));
      expect(codes(answer)).toEqual(["StaysIncluded"]);
      expect(await isExcluded(world, id)).toBe(false);
    },
  );

  test("read, and changed to true, it is held back", async () => {
    const sigil = { promotion: { when: "allRegionsReady" } } as const;
    await made(world, id, plain(TWO, { sigil }));
    const read = structuredClone(
      (await seen(world, id)) as unknown as ImageVersionRequest,
    );
    read.properties.publishingProfile = {
      ...read.properties.publishingProfile,
      ...OUT,
    };
    await done(await put(world, id, read, { pasted: true }));
    expect(await isExcluded(world, id)).toBe(true);
  });
});

describe("a PATCH of latest", () => {
  test("leaves to the list of regions what that says", async () => {
    await made(world, id, plain(each(TWO, OUT) as never, { publishing: OUT }));
    await patchThrough(
      world,
      id,
      profile({
        ...IN,
        targetRegions: [
          ...each([{ name: "westus" }], OUT),
          ...each([{ name: "eastus2" }], IN),
        ],
      }),
    );
    expect(regionIn(await shownIn(world, id), "westus")).toMatchObject(OUT);
  });

  test.each([
    ["true, where others have included regions by themselves", OUT],
    ["false, of what is held back in each region", IN],
  ])("keeps no region that goes with it: %s", async (_, flag) => {
    await made(world, id, plain(THREE));
    await editInAzure(
      flag === OUT
        ? { ...IN, targetRegions: each(THREE, IN) }
        : { ...OUT, targetRegions: each(THREE, OUT) },
    );
    await done(
      await patch(world, id, profile(flag), { removeRegions: ["eastus2"] }),
    );
    expect(regionNames(await shownIn(world, id))).toEqual(["westus", "eastus"]);
    expect(await latestIn()).toEqual(flag === OUT ? [] : ["eastus", "westus"]);
  });

  test("is taken beside the removal of a region by another", async () => {
    await made(world, id, plain(THREE));
    await editInAzure({ ...IN, targetRegions: each(THREE, IN) });
    const removal = operationIn(
      await patch(world, id, {}, { removeRegions: ["eastus2"] }),
    );
    const hold = operationIn(await patch(world, id, profile(OUT)));
    await ended(world, [removal, hold]);
    expect(regionNames(await shownIn(world, id))).toEqual(["westus", "eastus"]);
    expect(await latestIn()).toEqual([]);
  });

  test("with a rule that waits includes no region before it is met", async () => {
    await made(world, id, plain(each(TWO, OUT) as never, { publishing: OUT }));
    await done(
      await patch(world, id, {
        sigil: { promotion: { when: "tested", results: ["boot"] } },
        ...profile(IN),
      }),
    );
    expect(await latestIn()).toEqual([]);
  });

  test.each(["the ETag of GET, edited", "the ETag", "*", "nothing"])(
    "by a PUT that repeats the rule in force, with %s, promotes nothing before its tests, as its plan says",
    async (condition) => {
      const sigil: ImageVersionRequest["sigil"] = {
        promotion: { when: "tested", results: ["boot"] },
      };
      await made(world, id, plain(TWO, { sigil }));
      const pasted = condition === "the ETag of GET, edited";
      const { properties, ...others } = pasted
        ? structuredClone(
            (await seen(world, id)) as unknown as ImageVersionRequest,
          )
        : plain(TWO, { sigil });
      const body = {
        ...others,
        properties: {
          ...properties,
          publishingProfile: { ...properties.publishingProfile, ...IN },
        },
      };
      const ifMatch = condition === "*" ? "*" : await etagOf(world, id);
      const more = condition === "nothing" ? { pasted } : { ifMatch, pasted };
      const plan = await planImageVersion(world.deps, {
        id: idOf(id),
        body: structuredClone(body),
        ...more,
      });
      const answer = await put(world, id, body, more);
      const told = condition.startsWith("the ETag") ? ["StaysExcluded"] : [];
      expect(plan.changes).toEqual([]);
      expect(plan.findings.map(({ code }) => code)).toEqual(told);
      expect(answer).toMatchObject({
        kind: "unchanged",
        version: { warnings: told.map((code) => ({ code })) },
      });
      await pass(world, HOUR_MS);
      expect(await latestIn()).toEqual([]);
      await ended(world, [await byHand.promote(world, id)]);
      expect(await latestIn()).toEqual(["eastus2", "westus"]);
    },
  );

  test("includes the first wave, as a promotion by hand does", async () => {
    const waves = [
      { regions: ["westus"], after: "manual" as const },
      { regions: ["eastus2"], after: "manual" as const },
    ];
    await made(
      world,
      id,
      plain(TWO, { sigil: { promotion: { when: "waves", waves } } }),
    );
    await patchThrough(world, id, profile(IN));
    expect(await latestIn()).toEqual(["westus"]);
  });
});

describe("a version of others, each of whose regions says that it is included, is demoted", () => {
  const demotes = async () => {
    await outside(world, "PUT", id, plain(each(TWO, IN) as never));
    await pass(world, HOUR_MS);
    return byHand.demote(world, id);
  };

  test("and promoted right after, before that is done, it is the latest in each", async () => {
    const demotion = await demotes();
    const promotion = await byHand.promote(world, id);
    expect(promotion.warnings ?? []).toEqual([]);
    await ended(world, [demotion, promotion]);
    expect(await latestIn()).toEqual(["eastus2", "westus"]);
  });

  test("and promoted after a region was added, it is told which regions stay excluded", async () => {
    await ended(world, [await demotes()]);
    await patchThrough(
      world,
      id,
      profile({ targetRegions: [...each(TWO, OUT), { name: "eastus" }] }),
    );
    const promotion = await byHand.promote(world, id);
    const { warnings } = promotion;
    expect(warnings).toMatchObject(
      ["westus", "eastus2"].map((region, i) => ({
        code: "StaysExcluded",
        pointer: `/properties/publishingProfile/targetRegions/${i}/excludeFromLatest`,
        message: expect.stringContaining(`"${region}"`) as string,
      })),
    );
    await ended(world, [promotion]);
    expect(await latestIn()).toEqual(["eastus"]);
    const { warnings: _, ...again } = await byHand.promote(world, id);
    expect(again.id).toBe(promotion.id);
    await patchThrough(world, id, profile({ targetRegions: each(THREE, IN) }));
    expect(await latestIn()).toEqual(["eastus", "eastus2", "westus"]);
  });
});

test("a region that a PATCH has held back is not included by bodies that repeat its false", async () => {
  const body = (build: string) =>
    plain(each(TWO, IN) as never, { publishing: IN, tags: { build } });
  await made(world, id, body("1"));
  await patchThrough(
    world,
    id,
    profile({
      targetRegions: [{ name: "westus", ...OUT }, { name: "eastus2" }],
    }),
  );
  await pass(world, HOUR_MS);
  await putThrough(world, id, body("2"));
  expect(await latestIn()).toEqual(["eastus2"]);
});

describe("a word that was so already when it was said, and was decided otherwise by hand since", () => {
  test.each(["the ETag", "*", "nothing"])(
    "false, said with %s",
    async (condition) => {
      await made(world, id, plain(TWO, { publishing: OUT }));
      await promoted();
      await done(
        await put(
          world,
          id,
          plain(TWO, { publishing: IN }),
          await given(condition),
        ),
      );
      await demoted();
      const body = plain(TWO, { publishing: IN, tags: { b: "2" } });
      expect(codes(await done(await put(world, id, body)))).toEqual([
        "StaysExcluded",
      ]);
      expect(await isExcluded(world, id)).toBe(true);
    },
  );

  test.each(["the ETag", "*", "nothing"])(
    "true, said with %s",
    async (condition) => {
      await made(world, id, plain(TWO));
      await demoted();
      await done(
        await put(
          world,
          id,
          plain(TWO, { publishing: OUT }),
          await given(condition),
        ),
      );
      await promoted();
      const body = plain(TWO, { publishing: OUT, tags: { b: "2" } });
      expect(codes(await done(await put(world, id, body)))).toEqual([
        "StaysIncluded",
      ]);
      expect(await isExcluded(world, id)).toBe(false);
    },
  );

  const given = async (condition: string) =>
    condition === "nothing"
      ? {}
      : { ifMatch: condition === "*" ? "*" : await etagOf(world, id) };
});

test.each([
  [OUT, IN, "StaysIncluded"],
  [IN, OUT, "StaysExcluded"],
])(
  "the very same body, of %j, after the portal has said otherwise, changes nothing and says so",
  async (flag, theirs, code) => {
    const body = plain(TWO, { publishing: flag });
    await made(world, id, body);
    await editInAzure(theirs);
    const answer = await put(world, id, body);
    expect(answer.kind).toBe("unchanged");
    expect(codes(answer)).toContain(code);
  },
);

describe("no warning says what stays so", () => {
  test("while a demotion is under way", async () => {
    await made(world, id, plain(TWO, { publishing: OUT }));
    await promoted();
    const demotion = await byHand.demote(world, id);
    const body = plain(TWO, { publishing: OUT, tags: { b: "2" } });
    const answer = await put(world, id, body);
    expect(codes(answer)).not.toContain("StaysIncluded");
    await ended(world, [demotion, operationIn(answer)]);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("while a promotion is under way", async () => {
    await made(world, id, plain(TWO));
    await demoted();
    const promotion = await byHand.promote(world, id);
    const body = plain(TWO, { publishing: IN, tags: { b: "2" } });
    const answer = await put(world, id, body);
    expect(codes(answer)).not.toContain("StaysExcluded");
    await ended(world, [promotion, operationIn(answer)]);
    expect(await isExcluded(world, id)).toBe(false);
  });

  test("of a version that is held back in each region by its own flag", async () => {
    await made(world, id, plain(TWO, { publishing: OUT }));
    await promoted();
    await editInAzure({ ...IN, targetRegions: each(TWO, OUT) });
    const body = plain(TWO, { publishing: OUT, tags: { b: "2" } });
    const answer = await done(await put(world, id, body));
    expect(codes(answer)).not.toContain("StaysIncluded");
    expect(await latestIn()).toEqual([]);
  });
});

describe("protection", () => {
  const ON = { sigil: { protected: true } };
  const OFF = { sigil: { protected: false } };
  const isProtected = async () =>
    (await seen(world, id)).sigil.protected === true;

  test.each(["goes on", "is canceled"])(
    "that an Admin has taken off stays off, where the operation that has set it %s",
    async (how) => {
      await made(world, id, plain([{ name: "westus" }]));
      await world.simulator.control.setSucceededWhen("homeRegion");
      const setter = operationIn(
        await patch(world, id, { ...ON, ...profile({ targetRegions: TWO }) }),
      );
      await pass(world, 120_000);
      const off = await patch(world, id, OFF, { mayUnprotect: true });
      await done(off);
      if (how === "is canceled") await cancel(world, setter);
      const deletion = await byHand.remove(world, id);
      await cancel(world, deletion);
      await ended(world, [setter]);
      expect(await isProtected()).toBe(false);
    },
  );

  test("that GET has shown outlives the cancel of the creation that has set it", async () => {
    const creation = operationIn(await put(world, id, plain(TWO, ON)));
    await pass(world, 20_000);
    expect(await isProtected()).toBe(true);
    await cancel(world, creation);
    await ended(world, [creation]);
    expect(await isProtected()).toBe(true);
  });

  test("and that of a request that removes a region, too, or has waited for its turn", async () => {
    await made(world, id, plain(THREE));
    const removal = operationIn(
      await patch(world, id, {}, { removeRegions: ["eastus"] }),
    );
    const on = operationIn(await patch(world, id, { ...ON, tags: { a: "1" } }));
    await cancel(world, on);
    await ended(world, [removal, on]);
    expect(await isProtected()).toBe(true);
  });
});
