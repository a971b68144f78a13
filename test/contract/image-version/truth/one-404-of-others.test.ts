/** One answer of Azure that it has no version that others have made, while it lists it: nothing is gone by that. */
import { expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  byHand,
  ended,
  inAzure,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  showAs,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const hidden = {
  times: 1,
  status: 404,
  body: { error: { code: "ResourceNotFound", message: "x" } },
};
const theirs = async (more?: Parameters<typeof plain>[1]): Promise<void> => {
  await outside(world, "PUT", id, plain(undefined, more));
  await pass(world, 86_400_000);
};

test("one 404 ends no deletion", async () => {
  await theirs();
  const deletion = await byHand.remove(world, id);
  showAs(world, id, undefined, hidden);
  await ended(world, [deletion]);
  expect(await inAzure(world, id)).toBeUndefined();
});

test("one 404 fails no PATCH, and no promotion", async () => {
  await theirs({ publishing: { excludeFromLatest: true } });
  const update = operationIn(await patch(world, id, { tags: { a: "1" } }));
  showAs(world, id, undefined, hidden);
  expect(await ended(world, [update])).toMatchObject([{ status: "Succeeded" }]);
  await pass(world, 86_400_000);
  const promotion = await byHand.promote(world, id);
  showAs(world, id, undefined, hidden);
  expect(await ended(world, [promotion])).toMatchObject([
    { status: "Succeeded" },
  ]);
});
