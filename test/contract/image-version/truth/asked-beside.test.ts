/** What is asked beside, or right after, what others ask: no request is answered by a state that is about to change. */
import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  byHand,
  cancel,
  ended,
  etagOf,
  faultOn,
  inAzure,
  isExcluded,
  made,
  operation,
  operationIn,
  pass,
  patch,
  patchThrough,
  plain,
  put,
  putThrough,
  regionIn,
  regionNames,
  seen,
  showAs,
  shownIn,
  tagsIn,
  toldOfChanges,
  until,
  type Shown,
} from "./support.js";

const MINUTE_MS = 60_000;
const CONFLICT = { code: "ImageVersionConflict" };
const REFUSED = {
  method: "PUT",
  status: 400,
  body: { error: { code: "InvalidParameter", message: "No." } },
};
const TAGGED = plain(undefined, { tags: { a: "1" } });
const OUT = { publishing: { excludeFromLatest: true } };
const READY = { promotion: { when: "allRegionsReady" } } as const;

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const listing = (regionalReplicaCount: number, ...more: string[]): unknown => ({
  properties: {
    publishingProfile: {
      targetRegions: [
        { name: "westus", regionalReplicaCount },
        ...more.map((name) => ({ name })),
      ],
    },
  },
});

describe("a request that says what Azure shows now, and another is about to change, is refused", () => {
  test("as a patch of a list", async () => {
    await made(world, id, plain());
    const first = operationIn(await patch(world, id, listing(2, "eastus2")));
    expect(
      await refusal(patch(world, id, listing(1, "eastus2"))),
    ).toMatchObject(CONFLICT);
    const same = operationIn(await patch(world, id, listing(2, "eastus2")));
    await ended(world, [first, same]);
    expect(regionIn(await shownIn(world, id), "westus")).toMatchObject({
      regionalReplicaCount: 2,
    });
  });

  test("as a patch that lists a region which is being removed", async () => {
    await made(world, id, plain());
    const first = operationIn(
      await patch(world, id, {}, { removeRegions: ["eastus2"] }),
    );
    expect(
      await refusal(patch(world, id, listing(1, "eastus2"))),
    ).toMatchObject(CONFLICT);
    await ended(world, [first]);
    expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
  });

  test("as the body of one who has not said which version that was", async () => {
    await made(world, id, TAGGED);
    const first = operationIn(await patch(world, id, { tags: { a: "2" } }));
    expect(
      await refusal(put(world, id, TAGGED, { ifMatch: "*" })),
    ).toMatchObject(CONFLICT);
    await ended(world, [first]);
    expect(await tagsIn(world, id)).toEqual({ a: "2" });
  });
});

describe("a request that meets a replica which is behind an update that has Succeeded", () => {
  let before: Shown | undefined;
  async function changedTo(merge: unknown): Promise<void> {
    before = await inAzure(world, id);
    await patchThrough(world, id, merge);
    showAs(world, id, before);
  }

  test("with the ETag of before that is 412", async () => {
    await made(world, id, TAGGED);
    const ifMatch = await etagOf(world, id);
    await changedTo({ tags: { a: "2" } });
    const third = plain(undefined, { tags: { a: "3" } });
    expect(await refusal(put(world, id, third, { ifMatch }))).toMatchObject({
      code: "PreconditionFailed",
    });
  });

  test("and pastes what was read before that, is carried out", async () => {
    await made(world, id, TAGGED);
    const read = await seen(world, id);
    await changedTo({ tags: { a: "2" } });
    await putThrough(world, id, read as ImageVersionRequest, { pasted: true });
    expect(await tagsIn(world, id)).toEqual({ a: "1" });
  });

  test("and patches a list back, is carried out", async () => {
    await made(world, id, plain());
    await changedTo(listing(2, "eastus2"));
    await patchThrough(world, id, listing(1, "eastus2"));
    world.simulator.control.clearFaults();
    expect(regionIn(await shownIn(world, id), "westus")).toMatchObject({
      regionalReplicaCount: 1,
    });
  });

  test("and replaces whatever is there, is carried out", async () => {
    await made(world, id, TAGGED);
    await changedTo({ tags: { a: "2" } });
    await putThrough(world, id, TAGGED, { ifMatch: "*" });
    expect(await tagsIn(world, id)).toEqual({ a: "1" });
  });
});

describe("what was written is Sigil's to take away, though what follows it is refused", () => {
  test.each<[string, unknown, object]>([
    ["a promotion", { tags: { b: "1" }, sigil: READY }, {}],
    [
      "the permission's end",
      { tags: { b: "1" } },
      { removeRegions: ["eastus2"] },
    ],
  ])("for good: %s", async (_, merge, more) => {
    await made(world, id, plain(undefined, OUT));
    faultOn(world, id, { ...REFUSED, afterMatches: 1 });
    await patchThrough(world, id, merge, more);
    await pass(world, 15 * MINUTE_MS);
    await putThrough(
      world,
      id,
      plain([{ name: "westus" }], { ...OUT, tags: { q: "1" } }),
    );
    expect(await tagsIn(world, id)).toEqual({ q: "1" });
  });

  test("for now, and it is canceled then", async () => {
    await made(world, id, plain(undefined, OUT));
    faultOn(world, id, {
      method: "PUT",
      status: 429,
      afterMatches: 1,
      headers: { "Retry-After": "100" },
    });
    const ruled = operationIn(
      await patch(world, id, { tags: { b: "1" }, sigil: READY }),
    );
    const { control } = world.simulator;
    await until(world, () =>
      Promise.resolve(control.countRequests({ status: 429 }) > 0),
    );
    const { history } = await cancel(world, ruled);
    expect(history.at(-1)?.message).not.toContain("Azure has refused");
    await pass(world, 15 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(true);
    await putThrough(world, id, plain(undefined, { tags: { q: "1" } }));
    expect(await tagsIn(world, id)).toEqual({ q: "1" });
  });
});

describe("a rule", () => {
  test.each(["Canceled", "Failed"])(
    "that is %s before it holds sets no other in force that was overruled by hand",
    async (status) => {
      await made(world, id, plain(undefined, { sigil: READY }));
      await ended(world, [await byHand.demote(world, id)]);
      if (status === "Failed") faultOn(world, id, REFUSED);
      const other = operationIn(
        await patch(world, id, {
          tags: { r: "1" },
          sigil: { promotion: { when: "regions", regions: ["eastus2"] } },
        }),
      );
      if (status === "Canceled") await cancel(world, other);
      expect(await ended(world, [other])).toMatchObject([{ status }]);
      await world.takeEvents();
      await patchThrough(world, id, { tags: { z: "1" } });
      await pass(world, 20 * MINUTE_MS);
      expect(await isExcluded(world, id)).toBe(true);
      expect(await toldOfChanges(world, id)).toEqual([]);
    },
  );

  test("that Azure refuses to carry out ends with the operation that asks for it", async () => {
    await made(world, id, plain(undefined, OUT));
    faultOn(world, id, REFUSED);
    expect(await patchThrough(world, id, { sigil: READY })).toMatchObject({
      status: "Failed",
    });
    await patchThrough(world, id, { tags: { z: "1" } });
    await pass(world, 20 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("that two have asked for ends with the second, whichever is canceled first", async () => {
    const { control } = world.simulator;
    await control.setSucceededWhen("homeRegion");
    const region = "eastus2";
    await control.stallRegion({ versionId: id, region, atProgress: 50 });
    const ruled = (a: string): ImageVersionRequest =>
      plain(undefined, { tags: { a }, sigil: READY });
    const first = operationIn(await put(world, id, ruled("1")));
    await until(
      world,
      async () => (await world.read(id)).record.lastApplied !== undefined,
    );
    const second = operationIn(await put(world, id, ruled("2")));
    await cancel(world, first);
    await pass(world, 2 * MINUTE_MS);
    await cancel(world, second);
    await ended(world, [first, second]);
    await control.resumeRegion({ versionId: id, region });
    await pass(world, 15 * MINUTE_MS);
    await patchThrough(world, id, { tags: { z: "1" } });
    await pass(world, 15 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("that waits for a region in vain includes the version once that is repaired, as it says", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      times: 8,
    });
    await ended(world, [
      operationIn(await put(world, id, plain(undefined, OUT))),
    ]);
    const { error } = await patchThrough(world, id, {
      sigil: { promotion: { when: "regions", regions: ["eastus2"] } },
    });
    expect(error?.message).toContain("or retry eastus2");
    expect(await isExcluded(world, id)).toBe(true);
    await ended(world, [await byHand.retry(world, id)]);
    expect(await isExcluded(world, id)).toBe(false);
  });
});

test.each([false, true])(
  "a demotion after a promotion holds against the body that was sent before (a canceled creation: %s)",
  async (isCanceled) => {
    const saying = (a: string): ImageVersionRequest =>
      plain(undefined, {
        tags: { a },
        publishing: { excludeFromLatest: false },
      });
    const creation = operationIn(await put(world, id, saying("1")));
    await world.runDue();
    world.clock.advance(20_000);
    await world.runDue();
    if (isCanceled) await cancel(world, creation);
    await ended(world, [creation]);
    expect(await isExcluded(world, id)).toBe(isCanceled);
    await ended(world, [await byHand.promote(world, id)]);
    await ended(world, [await byHand.demote(world, id)]);
    await putThrough(world, id, saying("2"));
    expect(await isExcluded(world, id)).toBe(true);
  },
);

test("one of a batch that was parted is not called unsent when it is canceled", async () => {
  await made(world, id, plain(undefined, { tags: { a: "0" } }));
  await world.simulator.control.setPolicy({ addTags: { a: "p" } });
  const one = operationIn(await patch(world, id, { tags: { a: "1" } }));
  const other = operationIn(await patch(world, id, { tags: { b: "1" } }));
  let isParted = false;
  for (let ticks = 0; !isParted && ticks < 1_000; ticks += 1) {
    const due = await world.takeDue();
    for (const message of due) await world.handle(message);
    if (due.length === 0) world.clock.advance(5_000);
    isParted = (await operation(world, other)).history.some(({ message }) =>
      message.includes("sent alone"),
    );
  }
  const { history } = await cancel(world, other);
  expect(history.at(-1)?.message).not.toContain("nothing will be sent");
  await ended(world, [one, other]);
});
