/** What was sent for a request that is canceled, and that no look has shown yet. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  cancel,
  ended,
  etagOf,
  faultOn,
  made,
  operation,
  operationIn,
  pass,
  patch,
  plain,
  put,
  puts,
  regionIn,
  seen,
  showAs,
  shownIn,
  tagsIn,
  type Shown,
} from "./support.js";

const MINUTE_MS = 60_000;
const TAGGED = plain(undefined, { tags: { a: "1" } });

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

/** A patch that ARM has taken, canceled before a look has shown it; looks show the version of before. */
async function canceledUnseen(merge: unknown): Promise<Shown> {
  const before = await shownIn(world, id);
  const update = operationIn(await patch(world, id, merge));
  await world.runDue();
  expect(puts(world)).toBe(1);
  showAs(world, id, before, { times: null });
  await cancel(world, update);
  expect(await operation(world, update)).toMatchObject({ status: "Canceled" });
  await pass(world, MINUTE_MS);
  return before;
}

describe("J10-7: a canceled update that ARM has taken, and looks do not show yet", () => {
  test("is taken back by the body of before with the present ETag (If-Match)", async () => {
    await made(world, id, TAGGED);
    await canceledUnseen({ tags: { a: "2" } });
    const back = await put(world, id, TAGGED, {
      ifMatch: await etagOf(world, id),
    });
    world.simulator.control.clearFaults();
    expect(back.kind).toBe("accepted");
    const [last] = await ended(world, [operationIn(back)]);
    expect({ said: last?.status, tags: await tagsIn(world, id) }).toEqual({
      said: "Succeeded",
      tags: { a: "1" },
    });
  });

  test("the same with If-Match: *", async () => {
    await made(world, id, TAGGED);
    await canceledUnseen({ tags: { a: "2" } });
    const back = operationIn(await put(world, id, TAGGED, { ifMatch: "*" }));
    world.simulator.control.clearFaults();
    const [last] = await ended(world, [back]);
    expect({ said: last?.status, tags: await tagsIn(world, id) }).toEqual({
      said: "Succeeded",
      tags: { a: "1" },
    });
  });

  test("is taken back by GET's own answer, pasted with its ETag and edited elsewhere", async () => {
    await made(world, id, TAGGED);
    await canceledUnseen({ tags: { a: "2" } });
    const view = await seen(world, id);
    const back = operationIn(
      await put(
        world,
        id,
        { ...view, tags: { ...view.tags, b: "1" } } as never,
        { ifMatch: await etagOf(world, id), pasted: true },
      ),
    );
    world.simulator.control.clearFaults();
    const [last] = await ended(world, [back]);
    expect({ said: last?.status, tags: await tagsIn(world, id) }).toEqual({
      said: "Succeeded",
      tags: { a: "1", b: "1" },
    });
  });

  test("is taken back by a patch that lists the regions", async () => {
    await made(world, id, plain());
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
    await canceledUnseen(list(3));
    const back = operationIn(await patch(world, id, list(1)));
    world.simulator.control.clearFaults();
    const [last] = await ended(world, [back]);
    expect({
      said: last?.status,
      count: regionIn(await shownIn(world, id), "eastus2").regionalReplicaCount,
    }).toEqual({ said: "Succeeded", count: 1 });
  });
});

describe("J10-8: others' change that takes back what Sigil has written", () => {
  test("is not hidden from If-Match with the ETag of GET", async () => {
    await made(world, id, TAGGED);
    await ended(world, [
      operationIn(await patch(world, id, { tags: { a: "2" } })),
    ]);
    await pass(world, MINUTE_MS);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { a: "1" },
    });
    await pass(world, MINUTE_MS);
    const etag = await etagOf(world, id);
    expect((await seen(world, id)).tags).toEqual({ a: "1" });
    expect(
      (
        await put(world, id, plain(undefined, { tags: { a: "5" } }), {
          ifMatch: etag,
        })
      ).kind,
    ).toBe("accepted");
  });
});

describe("J10-9: a canceled update that had no answer, and a look from before it after three minutes", () => {
  async function canceledUnanswered(): Promise<void> {
    const before = await shownIn(world, id);
    faultOn(world, id, { method: "PUT", action: "reset-after-processing" });
    const update = operationIn(await patch(world, id, { tags: { a: "2" } }));
    await world.runDue();
    await cancel(world, update);
    await pass(world, 4 * MINUTE_MS);
    showAs(world, id, before, { times: 2 });
  }

  test.each(["pasted", "If-Match: *"])(
    "the version of before (%s) is not said to be unchanged where Azure has another",
    async (how) => {
      await made(world, id, TAGGED);
      await canceledUnanswered();
      const answer =
        how === "pasted"
          ? await put(world, id, { ...(await seen(world, id)) } as never, {
              pasted: true,
            })
          : await put(world, id, TAGGED, { ifMatch: "*" });
      world.simulator.control.clearFaults();
      if (answer.kind === "accepted") await ended(world, [answer.operation]);
      expect({ said: answer.kind, tags: await tagsIn(world, id) }).toEqual({
        said: "accepted",
        tags: { a: "1" },
      });
    },
  );

  test("is not latched where a promotion of Sigil's own is due and refused for now", async () => {
    const ruled = plain(undefined, {
      sigil: { promotion: { when: "allRegionsReady" } },
      tags: { a: "1" },
    });
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      times: 4,
    });
    await ended(world, [operationIn(await put(world, id, ruled))]);
    await pass(world, 15 * MINUTE_MS);
    await world.simulator.control.setRegionState({
      versionId: id,
      region: "eastus2",
      state: "Completed",
    });
    await canceledUnanswered();
    const back = operationIn(await patch(world, id, { tags: { a: "1" } }));
    faultOn(world, id, { method: "PUT", status: 409 });
    await world.runDue();
    const [last] = await ended(world, [back]);
    await pass(world, 15 * MINUTE_MS);
    expect({ said: last?.status, tags: await tagsIn(world, id) }).toEqual({
      said: "Succeeded",
      tags: { a: "1" },
    });
  });
});

describe("J10-12: a tag whose name is written in another case", () => {
  test("and taken back within ten minutes is not waited for until they are over", async () => {
    await made(world, id, plain(undefined, { tags: { Build: "1" } }));
    const puttingMs = async (tags: Record<string, string>): Promise<number> => {
      const startedMs = world.clock.now();
      const update = operationIn(
        await put(world, id, plain(undefined, { tags })),
      );
      await ended(world, [update]);
      return world.clock.now() - startedMs;
    };
    const firstMs = await puttingMs({ Build: "2" });
    await pass(world, MINUTE_MS);
    expect(await puttingMs({ build: "1" })).toBeLessThan(
      firstMs + 2 * MINUTE_MS,
    );
  });
});
