/** What others undo of Sigil's last write, or of their own, while no look tells that from one that is behind. */
import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  ended,
  etagOf,
  made,
  operation,
  operationIn,
  pass,
  patch,
  patchThrough,
  plain,
  put,
  puts,
  putThrough,
  seen,
  showAs,
  shownIn,
  tagsIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 3_600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const MINUTE_MS = 60_000;
const TWO = [{ name: "westus" }, { name: "eastus2" }];
const edit = (tags: Record<string, string | null>) =>
  world.simulator.control.editVersion({ versionId: id, tags });
/** GET's answer, as a body. */
const read = async (): Promise<ImageVersionRequest> =>
  structuredClone((await seen(world, id)) as unknown as ImageVersionRequest);

/** Sigil has set t to 2, and GET shows that: whatever Azure has. */
async function written(): Promise<void> {
  await made(world, id, plain(TWO, { tags: { t: "1", u: "1" } }));
  await pass(world, 30 * MINUTE_MS);
  await patchThrough(world, id, { tags: { t: "2" } });
  await pass(world, 2 * MINUTE_MS);
  world.simulator.control.clearRequests();
}

describe("others undo within ten minutes what Sigil has set, and GET goes on showing it", () => {
  test.each([
    ["the same", { t: "2", u: "1" }, false],
    ["the same, pasted", { t: "2", u: "1" }, true],
    ["another tag", { t: "2", u: "2" }, false],
    ["another tag, pasted", { t: "2", u: "2" }, true],
  ] as const)(
    "a PUT with its ETag that repeats it does not succeed: %s",
    async (_, tags, pasted) => {
      await written();
      await edit({ t: "1" });
      await pass(world, MINUTE_MS);
      const ifMatch = await etagOf(world, id);
      const body = await read();
      expect(body.tags).toEqual({ t: "2", u: "1" });
      const given = pasted ? { ...body, tags } : plain(TWO, { tags });
      expect(
        await putThrough(world, id, given, { ifMatch, pasted }),
      ).toMatchObject({
        status: "Failed",
        error: {
          code: "ChangedOutside",
          errors: [{ code: "ChangedOutside", pointer: "/tags/t" }],
        },
      });
      expect(puts(world)).toBe(0);
      expect(await tagsIn(world, id)).toEqual({ t: "1", u: "1" });
      expect((await seen(world, id)).tags).toEqual({ t: "1", u: "1" });
    },
  );

  test.each(["*", "no ETag"])("one with %s writes it again", async (which) => {
    await written();
    await edit({ t: "1" });
    await pass(world, MINUTE_MS);
    await putThrough(world, id, plain(TWO, { tags: { t: "2", u: "1" } }), {
      ...(which === "*" && { ifMatch: which }),
    });
    expect(await tagsIn(world, id)).toEqual({ t: "2", u: "1" });
  });

  test("where it was a replica that is behind, the PUT with its ETag succeeds, without a write for what it repeats", async () => {
    await made(world, id, plain(TWO, { tags: { t: "1", u: "1" } }));
    await pass(world, 30 * MINUTE_MS);
    const before = await shownIn(world, id);
    await patchThrough(world, id, { tags: { t: "2" } });
    await pass(world, 2 * MINUTE_MS);
    world.simulator.control.clearRequests();
    const ifMatch = await etagOf(world, id);
    showAs(world, id, before, { times: 1 });
    const body = plain(TWO, { tags: { t: "2", u: "1" } });
    expect(await putThrough(world, id, body, { ifMatch })).toMatchObject({
      status: "Succeeded",
    });
    expect(puts(world)).toBe(0);
  });

  test("what another request changes of it meanwhile is no reason to refuse it", async () => {
    await written();
    const ifMatch = await etagOf(world, id);
    const before = await shownIn(world, id);
    const first = operationIn(await patch(world, id, { tags: { v: "1" } }));
    expect(await etagOf(world, id)).not.toBe(ifMatch);
    const now = await etagOf(world, id);
    showAs(world, id, { ...before, tags: { t: "1", u: "1" } }, { times: 1 });
    const second = operationIn(
      await put(world, id, plain(TWO, { tags: { t: "2", u: "2" } }), {
        ifMatch: now,
      }),
    );
    const third = operationIn(await patch(world, id, { tags: { t: "3" } }));
    expect(await ended(world, [first, second, third])).toMatchObject([
      { status: "Succeeded" },
      { status: "Succeeded" },
      { status: "Succeeded" },
    ]);
    expect(await tagsIn(world, id)).toMatchObject({ t: "3", u: "2" });
  });
});

test("others' change that one look takes back: a PUT with the ETag of that look succeeds only if it is so", async () => {
  await made(
    world,
    id,
    plain([{ name: "westus" }], { tags: { t: "1", u: "1" } }),
  );
  await pass(world, 90 * MINUTE_MS);
  await world.simulator.control.setSucceededWhen("homeRegion");
  const adding = operationIn(
    await put(world, id, plain(TWO, { tags: { t: "1", u: "1" } })),
  );
  await pass(world, 15 * MINUTE_MS);
  const before = await shownIn(world, id);
  await edit({ t: "9" });
  // A look of the operation sees it.
  await pass(world, 3 * MINUTE_MS);
  showAs(world, id, before, { times: 9 });
  await pass(world, 40_000);
  const ifMatch = await etagOf(world, id);
  const body = await read();
  expect(body.tags).toEqual({ t: "1", u: "1" });
  const again = operationIn(
    await put(world, id, body, { ifMatch, pasted: true }),
  );
  world.simulator.control.clearFaults();
  const [, end] = await ended(world, [adding, again]);
  expect(end).toMatchObject({
    status: "Failed",
    error: { code: "ChangedOutside" },
  });
  expect(await tagsIn(world, id)).toEqual({ t: "9", u: "1" });
  await world.simulator.control.setSucceededWhen("everyRegion");
});

test("a tag that is asked to be taken off again, since others have put it back, is taken off again while the first still replicates", async () => {
  await made(world, id, plain([{ name: "westus" }], { tags: { t: "1" } }));
  await pass(world, 30 * MINUTE_MS);
  await world.simulator.control.setSucceededWhen("homeRegion");
  const off = {
    tags: { t: null },
    properties: { publishingProfile: { targetRegions: TWO } },
  };
  const first = operationIn(await patch(world, id, off));
  await pass(world, 3 * MINUTE_MS);
  expect((await shownIn(world, id)).tags).toEqual({});
  await edit({ t: "1" });
  const second = operationIn(await patch(world, id, off));
  expect(second.id).not.toBe(first.id);
  expect(await operation(world, first)).toMatchObject({ status: "Running" });
  expect(await ended(world, [first, second])).toMatchObject([
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  expect(await tagsIn(world, id)).toEqual({});
  await world.simulator.control.setSucceededWhen("everyRegion");
});
