/** A version writes down what it is made of, with the write that creates it. */
import { beforeEach, describe, expect, test } from "vitest";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { idOf, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
import { enableSoftDelete } from "../../support/soft-delete.js";
import { define } from "../image-version/rollbacks.js";
import {
  BY,
  byHand,
  ended,
  faultOn,
  foreign,
  made,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  put,
  puts,
  seen,
} from "../image-version/truth/support.js";
import { build, childrenOf, of, ofSnapshot, recordOf, snapshotOf } from "./support.js";

let world: InProcess;
let id: string;
let base: string;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});
beforeEach(async () => {
  base = `${await define(world)}/versions/1.1.0`;
});

const UBUNTU =
  "/Subscriptions/x/Providers/Microsoft.Compute/Locations/westus/Publishers/Canonical/ArtifactTypes/VMImage/Offers/ubuntu-24_04-lts/Skus/server/Versions/24.04.202611110";
const URN = "Canonical:ubuntu-24_04-lts:server:24.04.202611110";

const parentsIn = async (one: string) => {
  const { parents, parentsUnknown } = (await seen(world, one)).sigil;
  return { parents, parentsUnknown };
};

describe("what Azure says of the sources", () => {
  test.each([
    ["imageReference", () => ({ imageReference: { id: base } }), () => base],
    [
      "galleryImageReference, in other case",
      () => ({ galleryImageReference: { id: base.replace("/images/", "/IMAGES/") } }),
      () => base,
    ],
    ["an image of the Marketplace", () => ({ imageReference: { id: UBUNTU } }), () => URN],
  ])("is shown, and the version is listed under it: %s", async (_, reference, parent) => {
    await snapshotOf(world, "s1", reference());
    await ended(world, [operationIn(await put(world, id, ofSnapshot("s1")))]);
    expect(await parentsIn(id)).toEqual({ parents: [{ id: parent(), how: "Seen" }] });
    expect(await childrenOf(world, parent())).toEqual([idOf(id).versionName]);
  });

  test("ends at a disk that is gone: unknown, no warning, no refusal", async () => {
    await snapshotOf(world, "s2", { galleryImageReference: { id: base } }, true);
    const [end] = await ended(world, [operationIn(await put(world, id, ofSnapshot("s2")))]);
    expect(end).toMatchObject({ status: "Succeeded" });
    expect(end?.warnings).toBeUndefined();
    expect(await parentsIn(id)).toEqual({ parentsUnknown: [of.id("disks/s2")] });
  });

  test("is in the plan of a creation, and listed before Azure is asked to create", async () => {
    await snapshotOf(world, "s3", { galleryImageReference: { id: base } });
    const body = ofSnapshot("s3");
    const plan = await planImageVersion(world.deps, { id: idOf(id), body, ...BY });
    expect(plan.parents).toEqual([{ id: base, how: "Seen" }]);
    const { resourceManager } = world.deps;
    let listed: readonly string[] = [];
    const counting: InProcess["deps"]["resourceManager"] = {
      ...resourceManager,
      putImageVersion: async (...request) => {
        listed = await childrenOf(world, base);
        return resourceManager.putImageVersion(...request);
      },
    };
    Object.assign(world.deps, { resourceManager: counting });
    await ended(world, [operationIn(await put(world, id, body))]);
    Object.assign(world.deps, { resourceManager });
    expect(listed).toEqual([idOf(id).versionName]);
  });

  test("stays what the first proof read, where the source's disk is gone at a later one", async () => {
    await snapshotOf(world, "s4", { galleryImageReference: { id: base } });
    faultOn(world, id, { method: "PUT", status: 429, times: 1 });
    const operation = operationIn(await put(world, id, ofSnapshot("s4")));
    await pass(world, 1_000);
    expect(puts(world)).toBe(1);
    await world.simulator.control.removeResource(of.id("disks/s4"));
    await ended(world, [operation]);
    expect((await recordOf(world, id))?.parentage).toMatchObject({
      ids: [base],
      endsAt: [of.id("disks/s4")],
    });
    expect(await childrenOf(world, base)).toHaveLength(1);
  });
});

describe("it is of one life", () => {
  test("others' version of the number has none of it", async () => {
    await build(world, id, base);
    await outside(world, "DELETE", id);
    await pass(world, 15 * 60_000);
    await outside(world, "PUT", id, foreign(plain()));
    expect(await parentsIn(id)).toEqual({});
    await ended(world, [operationIn(await patch(world, id, { tags: { adopted: "yes" } }))]);
    expect(await parentsIn(id)).toEqual({});
  });

  test("deleted and made anew it is of its new source alone", async () => {
    await build(world, id, base);
    await ended(world, [await byHand.remove(world, id)]);
    const other = base.replace("1.1.0", "2.0.0");
    await snapshotOf(world, "s5", { galleryImageReference: { id: other } });
    await ended(world, [operationIn(await put(world, id, ofSnapshot("s5"), { ifNoneMatch: "*" }))]);
    expect((await parentsIn(id)).parents).toEqual([{ id: other, how: "Seen" }]);
  });

  test("deleted and restored it keeps it", async () => {
    await enableSoftDelete(world);
    await build(world, id, base, { builtFrom: [URN] });
    await ended(world, [await byHand.remove(world, id)]);
    await ended(world, [operationIn(await put(world, id, restoring()))]);
    expect((await parentsIn(id)).parents).toContainEqual({ id: base, how: "Seen" });
  });
});

const restoring = () => ({ location: "westus", properties: { restore: true } }) as never;

describe("what a request declares", () => {
  test("is beside what Azure says, and listed from its acceptance on", async () => {
    await snapshotOf(world, "s6", {}, true);
    const written = base.replace("/galleries/", "/GALLERIES/");
    const accepted = operationIn(
      await put(world, id, ofSnapshot("s6", { builtFrom: [written, URN] })),
    );
    await world.runDue();
    for (const parent of [base, URN]) expect(await childrenOf(world, parent)).toHaveLength(1);
    await ended(world, [accepted]);
    const { parents, parentsUnknown } = await parentsIn(id);
    expect(parents?.map(({ how }) => how)).toEqual(["Declared", "Declared"]);
    expect(parentsUnknown).toHaveLength(1);
  });

  test("grows: a PATCH adds; a PUT without it, or with another one, removes none", async () => {
    await made(world, id, plain());
    const declared = async () => (await parentsIn(id)).parents?.map((one) => one.id).sort() ?? [];
    await ended(world, [operationIn(await patch(world, id, { sigil: { builtFrom: [base] } }))]);
    const time = (await recordOf(world, id))?.declaredTimes;
    expect(Object.values(time ?? {})).toHaveLength(1);
    await ended(world, [
      operationIn(await put(world, id, plain(undefined, { sigil: { builtFrom: [URN] } }))),
    ]);
    await put(world, id, plain());
    expect(await declared()).toEqual([base, URN].sort());
    const times = (await recordOf(world, id))?.declaredTimes ?? {};
    expect(Object.keys(times)).toHaveLength(2);
    expect(times).toMatchObject(time ?? {});
    expect(puts(world)).toBe(0);
  });

  test("is taken away by an Admin alone, by a list that lacks it", async () => {
    await made(world, id, plain());
    await ended(world, [
      operationIn(await patch(world, id, { sigil: { builtFrom: [base, URN] } })),
    ]);
    for (const merge of [{ builtFrom: [URN] }, { builtFrom: null }])
      expect(await refusal(patch(world, id, { sigil: merge }))).toMatchObject({
        code: "ImageVersionConflict",
        findings: expect.arrayContaining([
          expect.objectContaining({ code: "ImmutableProperty", pointer: "/sigil/builtFrom" }),
        ]) as unknown,
      });
    await ended(world, [
      operationIn(await patch(world, id, { sigil: { builtFrom: [URN] } }, { mayUnprotect: true })),
    ]);
    expect((await parentsIn(id)).parents).toEqual([{ id: URN, how: "Declared" }]);
    expect(Object.keys((await recordOf(world, id))?.declaredTimes ?? {})).toHaveLength(1);
  });
});
