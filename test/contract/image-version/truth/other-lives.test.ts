/** A number that others use again while Sigil works on it: an operation is about one life of the version, and no other. */
import { beforeEach, describe, expect, test } from "vitest";
import { planImageVersion } from "../../../../src/image-version/commands/plan.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  ended,
  etagOf,
  facts,
  faultOn,
  inAzure,
  made,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  put,
  putThrough,
  puts,
  seen,
  shownIn,
  until,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const BODY = plain();
const THEIRS = plain(undefined, { tags: { life: "2" } });

async function madeAgain(): Promise<void> {
  await outside(world, "DELETE", id);
  await outside(world, "PUT", id, THEIRS);
}

const deletes = (): number =>
  world.simulator.control.countRequests({ method: "DELETE" });

describe("a version that is made again by others", () => {
  const cases: readonly (readonly [string, () => Promise<OperationRecord>])[] =
    [
      ["a demotion", () => byHand.demote(world, id)],
      [
        "a patch",
        async () => operationIn(await patch(world, id, { tags: { old: "1" } })),
      ],
      [
        "a PUT with If-Match",
        async () =>
          operationIn(
            await put(
              world,
              id,
              plain(undefined, {
                tags: { old: "1" },
                publishing: { excludeFromLatest: true },
              }),
              { ifMatch: await etagOf(world, id) },
            ),
          ),
      ],
    ];

  test.each(cases)(
    "is not changed by %s that was accepted before",
    async (_, ask) => {
      await made(world, id, BODY);
      const accepted = await ask();
      await madeAgain();
      expect(await ended(world, [accepted])).toMatchObject([
        { status: "Failed", error: { code: "ChangedOutside" } },
      ]);
      expect(puts(world)).toBe(1); // Theirs.
      const shown = await shownIn(world, id);
      expect(shown.tags).toEqual({ life: "2" });
      expect(shown.properties.publishingProfile.excludeFromLatest).not.toBe(
        true,
      );
      expect((await seen(world, id)).sigil.managedBy).toBe("Others");
    },
  );

  test("keeps what a body leaves out that was of the version before", async () => {
    const publishing = { endOfLifeDate: "2090-01-01T00:00:00Z" };
    await made(world, id, plain(undefined, { publishing }));
    await pass(world, 600_000);
    const before = operationIn(await put(world, id, BODY));
    await outside(world, "DELETE", id);
    await outside(world, "PUT", id, plain(undefined, { publishing }));
    const tagged = operationIn(await patch(world, id, { tags: { a: "1" } }));
    faultOn(world, id, { method: "GET", status: 429, times: 1 });
    const more = [{ name: "westus" }, { name: "northeurope" }];
    const unseen = operationIn(await put(world, id, plain(more)));
    expect(await ended(world, [before, tagged, unseen])).toMatchObject([
      { status: "Succeeded" },
      { status: "Succeeded" },
      { status: "Succeeded" },
    ]);
    const { endOfLifeDate } = (await shownIn(world, id)).properties
      .publishingProfile;
    expect(endOfLifeDate).toContain("2090");
  });

  test("is not changed by what was queued before either", async () => {
    await made(world, id, BODY);
    const all = [
      operationIn(await patch(world, id, { tags: { old: "1" } })),
      operationIn(await patch(world, id, { tags: { old: "1", more: "1" } })),
      await byHand.promote(world, id),
    ];
    await madeAgain();
    for (const end of await ended(world, all))
      expect(end).toMatchObject({
        status: "Failed",
        error: { code: "ChangedOutside" },
      });
    expect((await shownIn(world, id)).tags).toEqual({ life: "2" });
  });

  test("ends what followed the regions of the version before", async () => {
    await made(world, id, BODY);
    await world.simulator.control.setSucceededWhen("homeRegion");
    await world.simulator.control.stallRegion({
      versionId: id,
      region: "eastus",
      atProgress: 20,
    });
    const watching = operationIn(
      await put(
        world,
        id,
        plain([{ name: "westus" }, { name: "eastus2" }, { name: "eastus" }]),
      ),
    );
    await pass(world, 600_000);
    await madeAgain();
    await world.simulator.control.setSucceededWhen("everyRegion");
    expect(await ended(world, [watching])).toMatchObject([
      { status: "Failed", error: { code: "ChangedOutside" } },
    ]);
  });

  test("is changed by what is asked of it", async () => {
    await made(world, id, BODY);
    const before = await byHand.demote(world, id);
    await madeAgain();
    const of = operationIn(await patch(world, id, { tags: { life: "3" } }));
    expect(await ended(world, [before, of])).toMatchObject([
      { status: "Failed", error: { code: "ChangedOutside" } },
      { status: "Succeeded" },
    ]);
    expect((await shownIn(world, id)).tags).toEqual({ life: "3" });
  });

  test("before Sigil's DELETE is sent gets none: the one that was to be deleted is gone", async () => {
    await made(world, id, BODY);
    const deletion = await byHand.remove(world, id);
    await madeAgain();
    world.simulator.control.clearRequests();
    const [end] = await ended(world, [deletion]);
    expect(end).toMatchObject({ status: "Succeeded" });
    expect(end?.history.at(-1)?.message).toMatch(/another version/u);
    expect(facts(await world.takeEvents(), deletion)).toEqual([
      "accepted",
      "deleted",
    ]);
    await pass(world, 300_000);
    expect(deletes()).toBe(0);
    expect((await inAzure(world, id))?.tags).toEqual({ life: "2" });
  });

  test.each([0, 1, 2])(
    "after Sigil's DELETE and %i looks at which it was gone gets no other",
    async (looks) => {
      await made(world, id, BODY);
      const deletion = await byHand.remove(world, id);
      await until(
        world,
        async () =>
          (await inAzure(world, id)) === undefined &&
          (await world.read(id)).record.consecutiveNotFound === looks,
        1_000,
      );
      expect((await world.read(id)).record.consecutiveNotFound).toBe(looks);
      await world.deps.resourceManager.putImageVersion(idOf(id), THEIRS);
      expect(await ended(world, [deletion])).toMatchObject([
        { status: "Succeeded" },
      ]);
      await pass(world, 900_000);
      expect(deletes()).toBe(1);
      expect((await inAzure(world, id))?.tags).toEqual({ life: "2" });
    },
  );

  test("while one deletion runs is deleted by another, not by that", async () => {
    await made(world, id, BODY);
    const first = await byHand.remove(world, id);
    await madeAgain();
    const second = await byHand.remove(world, id);
    expect(second.id).not.toBe(first.id);
    expect(await ended(world, [first, second])).toMatchObject([
      { status: "Succeeded" },
      { status: "Succeeded" },
    ]);
    expect(await inAzure(world, id)).toBeUndefined();
  });
});

describe("a number that Sigil has deleted and others have made again", () => {
  beforeEach(async () => {
    await made(world, id, BODY);
    await ended(world, [await byHand.remove(world, id)]);
    await outside(world, "PUT", id, BODY);
    world.clock.advance(60_000);
  });

  test("is theirs for GET", async () => {
    const { sigil } = await seen(world, id);
    expect(sigil.managedBy).toBe("Others");
    expect(sigil).not.toHaveProperty("state");
    expect(sigil).not.toHaveProperty("operationId");
  });

  test("is adopted by the same PUT, without a write", async () => {
    world.simulator.control.clearRequests();
    expect(await putThrough(world, id, BODY)).toMatchObject({
      status: "Succeeded",
      kind: "UpdateImageVersion",
    });
    expect(puts(world)).toBe(0);
    expect((await seen(world, id)).sigil.managedBy).toBe("Sigil");
  });

  test("is left as it is by a PUT that asks for another, and by If-None-Match", async () => {
    expect(await putThrough(world, id, THEIRS)).toMatchObject({
      status: "Failed",
      error: { code: "ImageVersionConflict" },
    });
    expect(
      await refusal(put(world, id, BODY, { ifNoneMatch: "*" })),
    ).toMatchObject({ code: "PreconditionFailed" });
    expect((await shownIn(world, id)).tags).toBeUndefined();
  });

  test("is changed by a PUT with If-Match, and by a PATCH", async () => {
    await putThrough(world, id, THEIRS, { ifMatch: await etagOf(world, id) });
    expect((await shownIn(world, id)).tags).toEqual({ life: "2" });
    await ended(world, [
      operationIn(await patch(world, id, { tags: { b: "1" } })),
    ]);
    expect((await shownIn(world, id)).tags).toEqual({ life: "2", b: "1" });
  });

  test("is answered where its own GET is pasted back", async () => {
    const view = await seen(world, id);
    expect(await put(world, id, view as never, { pasted: true })).toMatchObject(
      { kind: "unchanged" },
    );
  });
});

describe("the same PUT, of a version that others have made again", () => {
  test("follows the regions of the one that is there now", async () => {
    await made(world, id, BODY);
    await outside(world, "DELETE", id);
    await world.deps.resourceManager.putImageVersion(idOf(id), BODY);
    const again = operationIn(await put(world, id, BODY));
    expect(again.status).toBe("NotStarted");
    expect(again.regions).toMatchObject([
      { name: "westus", state: "Unknown" },
      { name: "eastus2", state: "Unknown" },
    ]);
    const [end] = await ended(world, [again]);
    expect(end).toMatchObject({ status: "Succeeded" });
    expect(facts(await world.takeEvents(), again)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^westus\/completed/u),
        expect.stringMatching(/^eastus2\/completed/u),
      ]) as string[],
    );
    const { replicationStatus } = (await shownIn(world, id)).properties;
    expect(
      replicationStatus?.summary.every(({ state }) => state === "Completed"),
    ).toBe(true);
  });

  test("is planned as that of a version of others", async () => {
    await made(world, id, BODY);
    await madeAgain();
    const codesOf = async (body: typeof BODY): Promise<readonly string[]> =>
      (await planImageVersion(world.deps, { id: idOf(id), body })).findings.map(
        ({ code }) => code,
      );
    expect(await codesOf(THEIRS)).toEqual(["ImageVersionExists"]);
    expect(await codesOf(plain(undefined, { tags: { life: "3" } }))).toEqual([
      "ImageVersionConflict",
    ]);
  });
});

test("a patch of a version that others made waits where a replica of ARM does not know it yet", async () => {
  await outside(world, "PUT", id, plain([{ name: "westus" }]));
  await pass(world, 3_600_000);
  const patched = operationIn(await patch(world, id, { tags: { a: "1" } }));
  world.simulator.control.addFault({
    method: "GET",
    path: `${id}\\?`,
    status: 404,
    times: 2,
  });
  expect(await ended(world, [patched])).toMatchObject([
    { status: "Succeeded" },
  ]);
  expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
});

test("a promotion by hand and a change end where others delete the version under them, though one of its regions has failed", async () => {
  const creation = operationIn(
    await put(world, id, plain([{ name: "westus" }, { name: "northeurope" }])),
  );
  await world.runDue();
  await world.simulator.control.failRegion({
    versionId: id,
    region: "northeurope",
  });
  await pass(world, 30_000);
  const promotion = await byHand.promote(world, id);
  const change = operationIn(
    await patch(world, id, {
      tags: { a: "1" },
      properties: { publishingProfile: { endOfLifeDate: "2090-01-01" } },
    }),
  );
  await until(world, () => Promise.resolve(puts(world) > 1));
  await outside(world, "DELETE", id);
  const gone = { status: "Failed", error: { code: "ImageVersionGone" } };
  expect(await ended(world, [promotion, change])).toMatchObject([gone, gone]);
  const [end] = await ended(world, [creation]);
  expect(end?.status).toBe("Failed");
});
