/** What is asked once more after others have undone it, and bodies that tools send again and again. */
import { describe, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { rollBackImage } from "../../../../src/image-version/rollback/roll-back.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  BY,
  byHand,
  ended,
  etagOf,
  faultOn,
  isExcluded,
  made,
  newDefinition,
  operationIn,
  pass,
  patch,
  plain,
  put,
  putThrough,
  seen,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 1_200_000, spread: 0.5 }, (given, versionId) => {
  world = given;
  id = versionId;
});
const MINUTE_MS = 60_000;
const TWO = [{ name: "westus" }, { name: "eastus2" }];
const READY = { promotion: { when: "allRegionsReady" } } as const;
const OUT = { excludeFromLatest: true };
const IN = { excludeFromLatest: false };
const HOLD = { properties: { publishingProfile: OUT } };
const fail = (times: number) =>
  world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
    atProgress: 50,
    times,
  });
const exclude = (v: string, excludeFromLatest: boolean) =>
  world.simulator.control.editVersion({
    versionId: v,
    properties: { publishingProfile: { excludeFromLatest } },
  });
const roll = (image: string, to: string) => {
  const { versionName: _, ...names } = idOf(`${image}/versions/${to}`);
  return rollBackImage(world.deps, { image: names, to, ...BY });
};

describe("what is asked again, after others have undone it within ten minutes, is done, or not said to have Succeeded", () => {
  test.each(["demote", "promote"] as const)("POST %s", async (what) => {
    await made(
      world,
      id,
      plain(TWO, { publishing: what === "promote" ? OUT : {} }),
    );
    await ended(world, [await byHand[what](world, id)]);
    await pass(world, MINUTE_MS);
    await exclude(id, what === "promote");
    await pass(world, MINUTE_MS);
    const [end] = await ended(world, [await byHand[what](world, id)]);
    expect(end?.status).toBe("Succeeded");
    expect(await isExcluded(world, id)).toBe(what === "demote");
  });
  test("a rollback", async () => {
    const image = await newDefinition(world);
    const v = (n: string) => `${image}/versions/${n}`;
    for (const n of ["1.0.0", "1.0.1"]) await made(world, v(n), plain(TWO));
    await ended(world, [await roll(image, "1.0.0")]);
    await pass(world, MINUTE_MS);
    await exclude(v("1.0.1"), false);
    await pass(world, MINUTE_MS);
    const [end] = await ended(world, [await roll(image, "1.0.0")]);
    expect(end?.status).toBe("Succeeded");
    expect(await isExcluded(world, v("1.0.1"))).toBe(true);
  });
  test.each([
    [
      "excludeFromLatest: true",
      HOLD,
      async () => exclude(id, false),
      async () => isExcluded(world, id),
    ],
    [
      "a tag",
      { tags: { a: "1" } },
      async () =>
        world.simulator.control.editVersion({
          versionId: id,
          tags: { a: null },
        }),
      async () => (await shownIn(world, id)).tags?.["a"] === "1",
    ],
    [
      "a tag's removal",
      { tags: { b: null } },
      async () =>
        world.simulator.control.editVersion({
          versionId: id,
          tags: { b: "1" },
        }),
      async () => (await shownIn(world, id)).tags?.["b"] === undefined,
    ],
  ] as const)("PATCH %s", async (_, merge, undo, isSo) => {
    await made(world, id, plain(TWO, { tags: { b: "1" } }));
    await ended(world, [operationIn(await patch(world, id, merge))]);
    await pass(world, MINUTE_MS);
    await undo();
    await pass(world, MINUTE_MS);
    const answer = await patch(world, id, merge);
    if (answer.kind === "accepted") await ended(world, [answer.operation]);
    expect(await isSo()).toBe(true);
  });
});

test("who sends back what GET gave, with its ETag and a new tag, does not undo a hold-back by hand", async () => {
  await made(world, id, plain(TWO, { publishing: OUT }));
  await ended(world, [await byHand.promote(world, id)]);
  await pass(world, MINUTE_MS);
  await exclude(id, true); // In the portal: the image is bad.
  await pass(world, MINUTE_MS);
  const view = await seen(world, id);
  const ifMatch = await etagOf(world, id);
  await putThrough(
    world,
    id,
    { ...(view as never as ReturnType<typeof plain>), tags: { n: "1" } },
    { ifMatch, pasted: true },
  );
  expect(await isExcluded(world, id)).toBe(true);
});

describe("where the answer says that the rule stays, the version is not promoted before the rule holds", () => {
  test.each([
    ["silent on latest", {}],
    ["that repeats false, as az does", IN],
  ] as const)("the creation's body is %s", async (_, first) => {
    await world.simulator.control.setSucceededWhen("homeRegion");
    try {
      await put(world, id, plain(TWO, { sigil: READY, publishing: first }));
      await pass(world, MINUTE_MS);
      await world.simulator.control.stallRegion({
        versionId: id,
        region: "eastus2",
      });
      const own = operationIn(
        await put(
          world,
          id,
          plain(TWO, { tags: { own: "1" }, publishing: IN }),
        ),
      );
      expect(own.warnings).toContainEqual(
        expect.objectContaining({ code: "GivesWay", pointer: "" }),
      );
      await pass(world, 60 * MINUTE_MS);
      expect(
        (await shownIn(world, id)).properties.replicationStatus?.summary.map(
          ({ state }) => state,
        ),
      ).not.toEqual(["Completed", "Completed"]);
      expect(await isExcluded(world, id)).toBe(true);
    } finally {
      await world.simulator.control.setSucceededWhen("everyRegion");
    }
  });
});

test.each(["unsent", "put off by a 429"])(
  "a rollback tells that a creation which was accepted before it will be the latest (%s)",
  async (how) => {
    const image = await newDefinition(world);
    const v = (n: string) => `${image}/versions/${n}`;
    for (const n of ["1.0.0", "1.0.1"]) await made(world, v(n), plain(TWO));
    if (how !== "unsent")
      faultOn(world, v("1.0.2"), {
        method: "PUT",
        status: 429,
        headers: { "Retry-After": "3600" },
        times: 1,
      });
    const creation = operationIn(await put(world, v("1.0.2"), plain(TWO)));
    if (how !== "unsent") await world.runDue();
    // Once it is sent, it is refused: VersionBusy.
    const rollback = await roll(image, "1.0.0").catch(() => undefined);
    if (rollback === undefined) return;
    const [end] = await ended(world, [rollback]);
    await ended(world, [creation]);
    expect(await isExcluded(world, v("1.0.2"))).toBe(false); // It is the latest.
    expect(end?.warnings ?? []).not.toEqual([]);
  },
);

describe("the same body under a rule of encryption by tag, after the tag has moved to another set", () => {
  const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
  const tagSet = (name: string, region: string, tags = {}) =>
    world.simulator.control.putResource({
      ...of.diskEncryptionSet(name, region),
      tags,
    });
  test.each(["moved", "taken away"])("%s", async (how) => {
    const body = (more: object = {}) =>
      ({
        ...plain(TWO, more),
        sigil: { encryption: { tag: "golden=yes" } },
      }) as never;
    await tagSet("WA", "westus", { golden: "yes" });
    await tagSet("EA", "eastus2", { golden: "yes" });
    await made(world, id, body());
    await tagSet("WA", "westus");
    if (how === "moved") await tagSet("WB", "westus", { golden: "yes" });
    try {
      const again = await put(world, id, body()).catch(
        (e: { code: string }) => e.code,
      );
      const tag = await put(world, id, body({ tags: { a: "1" } })).catch(
        (e: { code: string }) => e.code,
      );
      // A PATCH with the same rule is accepted: it regards what the version has.
      expect([again, tag].filter((one) => typeof one === "string")).toEqual([]);
    } finally {
      for (const [n, r] of [
        ["WA", "westus"],
        ["WB", "westus"],
        ["EA", "eastus2"],
      ] as const)
        await tagSet(n, r);
    }
  });
});

test("a retry that is refused because another operation runs is not told that this repairs the region, which it does not", async () => {
  await fail(9);
  await ended(world, [operationIn(await put(world, id, plain(TWO)))]);
  await patch(world, id, {
    properties: {
      publishingProfile: { targetRegions: [...TWO, { name: "eastus" }] },
    },
  });
  await pass(world, MINUTE_MS);
  expect((await refusal(byHand.retry(world, id))).message).not.toContain(
    "it repairs regions by itself",
  );
});

test("a region that a rule of before waits for is left alone beside another request; retried, it is promoted", async () => {
  await fail(4);
  await ended(world, [
    operationIn(await put(world, id, plain(TWO, { sigil: READY }))),
  ]);
  const targetRegions = [...TWO, { name: "eastus" }];
  const add = await patch(world, id, {
    properties: { publishingProfile: { targetRegions } },
  });
  expect(await ended(world, [operationIn(add)])).toMatchObject([
    { status: "Succeeded" },
  ]);
  await pass(world, 60 * MINUTE_MS);
  expect(await isExcluded(world, id)).toBe(true);
  await ended(world, [await byHand.retry(world, id)]);
  expect(await isExcluded(world, id)).toBe(false);
});

test("what others have changed is told once, and that it was taken back beside another change", async () => {
  await world.simulator.control.setSucceededWhen("homeRegion");
  const tags = { a: "3", b: "3" };
  const creation = operationIn(await put(world, id, plain(TWO, { tags })));
  await pass(world, MINUTE_MS);
  const told: unknown[] = [];
  const hear = async (): Promise<void> => {
    for (const { subject, type, data } of await world.takeEvents())
      if (subject === id && type.endsWith("ChangedOutside"))
        told.push(
          ...(data as { changes: { pointer: string; after: string }[] }).changes
            .filter(({ pointer }) => pointer.startsWith("/tags/"))
            .map(({ pointer, after }) => `${pointer} ${after}`),
        );
  };
  const edit = async (changed: object): Promise<void> => {
    await world.simulator.control.editVersion({
      versionId: id,
      tags: changed as Record<string, string>,
    });
    await pass(world, 30 * MINUTE_MS);
    await hear();
  };
  await world.simulator.control.stallRegion({
    versionId: id,
    region: "eastus2",
  });
  await pass(world, 30 * MINUTE_MS);
  await edit({ a: "9" });
  await edit({ b: "9" });
  await edit({ a: "3" });
  await world.simulator.control.setSucceededWhen("everyRegion");
  expect(told).toEqual(["/tags/a 9", "/tags/b 9", "/tags/a 3"]);
  expect(creation.status).toBe("NotStarted");
});
