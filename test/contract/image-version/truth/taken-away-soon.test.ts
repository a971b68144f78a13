/** What others take away within minutes of a write, when a poll that shows that may as well be older than the write. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  ended,
  etagOf,
  isExcluded,
  made,
  pass,
  plain,
  putThrough,
  regionNames,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const MINUTE_MS = 60_000;
const TWO = [{ name: "westus" }, { name: "eastus2" }];

describe("a PUT with If-Match has Succeeded only if Azure has what it names, though others took that away within ten minutes", () => {
  const FULL = plain(TWO, { tags: { a: "1" } });
  const again = plain(TWO, { tags: { a: "1", n: "1" } });
  async function written(): Promise<void> {
    await made(world, id, plain([{ name: "westus" }]));
    await putThrough(world, id, FULL);
    await pass(world, MINUTE_MS);
  }
  test.each([
    ["*", "Succeeded", { a: "1", n: "1" }],
    // What its caller has merely read is not asked.
    ["the ETag of GET", "Failed", {}],
  ])("a tag (%s)", async (which, status, tags) => {
    await written();
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { a: null },
    });
    await pass(world, MINUTE_MS);
    const ifMatch = which === "*" ? which : await etagOf(world, id);
    expect(await putThrough(world, id, again, { ifMatch })).toMatchObject({
      status,
    });
    expect((await shownIn(world, id)).tags ?? {}).toEqual(tags);
  });
  test.each(["*", "the ETag of GET"])("a region (%s)", async (which) => {
    await written();
    await world.simulator.control.dropRegion({
      versionId: id,
      region: "eastus2",
    });
    await pass(world, MINUTE_MS);
    const ifMatch = which === "*" ? which : await etagOf(world, id);
    expect(await putThrough(world, id, again, { ifMatch })).toMatchObject({
      status: "Succeeded",
    });
    expect(regionNames(await shownIn(world, id))).toEqual([
      "westus",
      "eastus2",
    ]);
  });
});

test.each(["promote", "demote"] as const)(
  "a %s that others have undone is done again when it is asked again",
  async (what) => {
    const excludeFromLatest = what === "promote";
    await made(world, id, plain(TWO, { publishing: { excludeFromLatest } }));
    await ended(world, [await byHand[what](world, id)]);
    await pass(world, MINUTE_MS);
    await world.simulator.control.editVersion({
      versionId: id,
      properties: { publishingProfile: { excludeFromLatest } },
    });
    await pass(world, MINUTE_MS);
    await ended(world, [await byHand[what](world, id)]);
    expect(await isExcluded(world, id)).toBe(!excludeFromLatest);
  },
);
