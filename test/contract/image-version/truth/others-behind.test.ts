/** A replica that is behind the changes of others. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  ended,
  inAzure,
  isExcluded,
  made,
  operation,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  put,
  etagOf,
  seen,
  showAs,
  shownIn,
  tagsIn,
  toldOfChanges,
} from "./support.js";

const MINUTE_MS = 60_000;

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 3_600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const hold = (): Promise<unknown> =>
  world.simulator.control.editVersion({
    versionId: id,
    properties: { publishingProfile: { excludeFromLatest: true } },
  });

/** An update that replicates for an hour, of a version with tag a; what Azure shows then. */
async function running() {
  await made(world, id, plain([{ name: "westus" }], { tags: { a: "1" } }));
  const update = operationIn(
    await put(world, id, plain(undefined, { tags: { a: "1" } })),
  );
  await pass(world, 15 * MINUTE_MS);
  expect(await operation(world, update)).toMatchObject({ status: "Running" });
  await world.takeEvents();
  return shownIn(world, id);
}

describe("others change a version that is followed, and one look is from before that", () => {
  test.each([
    ["a hold-back in the portal", hold, ["Demoted", "ChangedOutside"]],
    [
      "a tag",
      () =>
        world.simulator.control.editVersion({
          versionId: id,
          tags: { p: "1" },
        }),
      ["ChangedOutside"],
    ],
  ] as const)("%s is told once", async (_, change, told) => {
    const before = await running();
    await change();
    await pass(world, 5 * MINUTE_MS);
    showAs(world, id, before);
    await pass(world, 10 * MINUTE_MS);
    expect(await toldOfChanges(world, id)).toEqual(
      told.map((type) => `Sigil.ImageVersion.${type}`),
    );
  });

  test("a hold-back that was seen is not undone by a request whose look is behind", async () => {
    await running();
    const isRunning = async (): Promise<boolean> =>
      (await shownIn(world, id)).properties.provisioningState !== "Succeeded";
    while (await isRunning()) await pass(world, MINUTE_MS);
    const before = await shownIn(world, id);
    await hold();
    // The last look of the update sees it.
    await pass(world, 3 * MINUTE_MS);
    expect(await toldOfChanges(world, id)).toContain(
      "Sigil.ImageVersion.Demoted",
    );
    const update = operationIn(await patch(world, id, { tags: { z: "1" } }));
    showAs(world, id, before);
    await ended(world, [update]);
    expect(await tagsIn(world, id)).toMatchObject({ z: "1" });
    expect(await isExcluded(world, id)).toBe(true);
  });
});

describe("others have deleted a version a moment ago, of which Sigil knows nothing", () => {
  test.each([
    ["the same body", { a: "1" }],
    ["another body", { a: "2" }],
  ])(
    "it is made by the first PUT of %s, though the step's look shows theirs",
    async (_, tags) => {
      await outside(world, "PUT", id, plain(undefined, { tags: { a: "1" } }));
      await pass(world, 61 * MINUTE_MS);
      const before = await shownIn(world, id);
      await outside(world, "DELETE", id);
      expect(await inAzure(world, id)).toBeUndefined();
      const first = operationIn(
        await put(world, id, plain(undefined, { tags })),
      );
      showAs(world, id, before);
      const [end] = await ended(world, [first]);
      world.simulator.control.clearFaults();
      expect(end).toMatchObject({ status: "Succeeded" });
      expect(await tagsIn(world, id)).toEqual(tags);
    },
  );
});

describe("others take back what Sigil has written a moment ago", () => {
  test("GET shows what requests are judged by, with a warning, and its ETag holds", async () => {
    await made(world, id, plain(undefined, { tags: { a: "1" } }));
    await pass(world, 61 * MINUTE_MS);
    await ended(world, [
      operationIn(await patch(world, id, { tags: { a: "2" } })),
    ]);
    await pass(world, MINUTE_MS);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { a: "1" },
    });
    await pass(world, MINUTE_MS);
    const { tags, sigil } = await seen(world, id);
    expect(tags).toEqual({ a: "2" });
    expect(sigil.warnings).toMatchObject([{ code: "ShownBeforeLastWrite" }]);
    const etag = await etagOf(world, id);
    const body = plain(undefined, { tags: { a: "5" } });
    expect((await put(world, id, body, { ifMatch: etag })).kind).toBe(
      "accepted",
    );
    await pass(world, 10 * MINUTE_MS);
    expect(await tagsIn(world, id)).toEqual({ a: "5" });
    expect((await seen(world, id)).sigil.warnings ?? []).toEqual([]);
  });
});
