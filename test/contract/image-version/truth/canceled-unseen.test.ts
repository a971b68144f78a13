/** What was sent for a request that is canceled, and that no look has shown yet: a request that says otherwise takes it back. */
import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  cancel,
  ended,
  etagOf,
  faultOn,
  made,
  operationIn,
  pass,
  patch,
  plain,
  put,
  putThrough,
  puts,
  regionIn,
  seen,
  showAs,
  shownIn,
  tagsIn,
} from "./support.js";

const MINUTE_MS = 60_000;
const TAGGED = plain(undefined, { tags: { a: "1" } });
const SUCCEEDED = [{ status: "Succeeded" }];

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const read = async (): Promise<ImageVersionRequest> =>
  (await seen(world, id)) as unknown as ImageVersionRequest;

const endOf = (one: OperationRecord): Promise<readonly OperationRecord[]> => {
  world.simulator.control.clearFaults();
  return ended(world, [one]);
};

describe("a canceled patch that ARM has taken", () => {
  /** Looks go on showing the version of before. */
  async function canceled(merge: unknown): Promise<void> {
    const before = await shownIn(world, id);
    const update = operationIn(await patch(world, id, merge));
    await world.runDue();
    expect(puts(world)).toBe(1);
    showAs(world, id, before, { times: null });
    expect(await cancel(world, update)).toMatchObject({ status: "Canceled" });
    await pass(world, MINUTE_MS);
  }

  test.each([
    ["its ETag", () => etagOf(world, id)],
    ["If-Match: *", () => Promise.resolve("*")],
  ])("is taken back by the body of before with %s", async (_, condition) => {
    await made(world, id, TAGGED);
    await canceled({ tags: { a: "2", b: "2" } });
    const ifMatch = await condition();
    const back = operationIn(await put(world, id, TAGGED, { ifMatch }));
    expect(await endOf(back)).toMatchObject(SUCCEEDED);
    expect(await tagsIn(world, id)).toEqual({ a: "1" });
  });

  test("is taken back by GET's answer, edited elsewhere", async () => {
    await made(world, id, TAGGED);
    await canceled({ tags: { a: "2" } });
    const edited = { ...(await read()), tags: { a: "1", b: "1" } };
    const ifMatch = await etagOf(world, id);
    const back = operationIn(
      await put(world, id, edited, { ifMatch, pasted: true }),
    );
    expect(await endOf(back)).toMatchObject(SUCCEEDED);
    expect(await tagsIn(world, id)).toEqual({ a: "1", b: "1" });
  });

  test("is taken back by a patch that lists the regions, as far as that says", async () => {
    const list = (regionalReplicaCount: number) => ({
      properties: {
        publishingProfile: {
          targetRegions: [
            { name: "westus", regionalReplicaCount: 1 },
            { name: "eastus2", regionalReplicaCount },
          ],
        },
      },
    });
    await made(world, id, TAGGED);
    await canceled({ tags: { a: "2" }, ...list(3) });
    const back = operationIn(await patch(world, id, list(1)));
    expect(await endOf(back)).toMatchObject(SUCCEEDED);
    const shown = await shownIn(world, id);
    expect(regionIn(shown, "eastus2").regionalReplicaCount).toBe(1);
    expect(shown.tags).toEqual({ a: "2" });
  });
});

describe("a canceled patch that had no answer, and was carried out", () => {
  /** Four minutes later looks are still from before it. */
  async function canceled(): Promise<void> {
    const before = await shownIn(world, id);
    faultOn(world, id, { method: "PUT", action: "reset-after-processing" });
    const update = operationIn(await patch(world, id, { tags: { a: "2" } }));
    await world.runDue();
    await cancel(world, update);
    await pass(world, 4 * MINUTE_MS);
    showAs(world, id, before, { times: 2 });
  }

  test.each<[string, () => ReturnType<typeof put>]>([
    ["pasted", async () => put(world, id, await read(), { pasted: true })],
    ["with If-Match: *", () => put(world, id, TAGGED, { ifMatch: "*" })],
  ])("is taken back by the version of before, %s", async (_, again) => {
    await made(world, id, TAGGED);
    await canceled();
    expect(await endOf(operationIn(await again()))).toMatchObject(SUCCEEDED);
    expect(await tagsIn(world, id)).toEqual({ a: "1" });
  });

  test("is taken back, though a promotion that is due is refused meanwhile", async () => {
    const { control } = world.simulator;
    const region = "eastus2";
    const sigil = { promotion: { when: "allRegionsReady" } } as const;
    await control.failRegion({ versionId: id, region, times: 4 });
    await putThrough(world, id, plain(undefined, { sigil, tags: { a: "1" } }));
    await pass(world, 15 * MINUTE_MS);
    await control.setRegionState({ versionId: id, region, state: "Completed" });
    await canceled();
    const back = operationIn(await patch(world, id, { tags: { a: "1" } }));
    faultOn(world, id, { method: "PUT", status: 409 });
    await world.runDue();
    expect(await ended(world, [back])).toMatchObject(SUCCEEDED);
    await pass(world, 15 * MINUTE_MS);
    expect(await tagsIn(world, id)).toEqual({ a: "1" });
  });
});
