/** Who was built from a version is computed from what each version has written down. */
import { beforeEach, expect, test } from "vitest";
import { childRow } from "../../../src/listings.js";
import { descendantsOf } from "../../../src/lineage/descendants.js";
import { planRevocation } from "../../../src/revocation/revoke.js";
import { idOf, revocationOf, type InProcess } from "../../support/dependencies.js";
import { naming } from "../../support/naming.js";
import { inOwnWorld } from "../../support/own-world.js";
import { define } from "../image-version/rollbacks.js";
import {
  byHand,
  ended,
  made,
  operationIn,
  patch,
  plain,
  put,
} from "../image-version/truth/support.js";
import { build, ofSnapshot, snapshotOf } from "./support.js";

let world: InProcess;
let base: string;
let app: string;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given) => {
  world = given;
});
beforeEach(async () => {
  base = `${await define(world)}/versions/1.1.0`;
  app = await define(world);
  await made(world, base, plain());
});

const id = (number: string) => `${app}/versions/${number}`;
const found = async (of: string) => {
  const { found: all, complete } = await descendantsOf(world.deps, of);
  expect(complete).toBe(true);
  return all.map((one) => `${one.depth} ${one.id.split("/").at(-1)} ${one.how}`);
};
const declare = async (child: string, parent: string) =>
  ended(world, [operationIn(await patch(world, child, { sigil: { builtFrom: [parent] } }))]);

test("depth first, each once, over diamonds, circles and versions that are gone", async () => {
  await build(world, id("1.0.0"), base);
  await build(world, id("1.0.1"), id("1.0.0"));
  await build(world, id("1.0.2"), id("1.0.1"), { builtFrom: [base] });
  await build(world, id("1.0.3"), base);
  await declare(id("1.0.0"), id("1.0.1"));
  await declare(base, id("1.0.3"));
  expect((await found(base)).sort()).toEqual(
    ["1 1.0.0 Seen", "2 1.0.1 Seen", "1 1.0.2 Declared", "1 1.0.3 Seen"].sort(),
  );
  // What is gone is not named, and what was built from it still is.
  await ended(world, [await byHand.remove(world, id("1.0.0"))]);
  expect((await found(base)).sort()).toEqual(
    ["2 1.0.1 Seen", "1 1.0.2 Declared", "1 1.0.3 Seen"].sort(),
  );
});

test("a number that is made anew of something else has left only a row behind", async () => {
  await build(world, id("1.0.0"), base);
  await ended(world, [await byHand.remove(world, id("1.0.0"))]);
  await snapshotOf(world, "other", {
    galleryImageReference: { id: base.replace("1.1.0", "9.0.0") },
  });
  await ended(world, [
    operationIn(await put(world, id("1.0.0"), ofSnapshot("other"), { ifNoneMatch: "*" })),
  ]);
  expect(await found(base)).toEqual([]);
  expect(await found(base.replace("1.1.0", "9.0.0"))).toEqual(["1 1.0.0 Seen"]);
});

test("a base that Azure has deleted answers as before; a row without a record is none", async () => {
  await build(world, id("1.0.0"), base);
  await world.deps.index.put([childRow(base, id("7.7.7"))]);
  await ended(world, [await byHand.remove(world, base)]);
  expect(await found(base)).toEqual(["1 1.0.0 Seen"]);
});

test("at most ten deep: it says that there are more", async () => {
  let parent = base;
  for (let n = 1; n <= 11; n += 1) {
    await build(world, id(`1.0.${n}`), parent);
    parent = id(`1.0.${n}`);
  }
  const { found: all, complete } = await descendantsOf(world.deps, base);
  expect(all.map(({ depth }) => depth)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(complete).toBe(false);
});

test("the dry run of a revocation names ten of ten children that their bodies do not name", async () => {
  for (let n = 0; n < 10; n += 1) await build(world, id(`1.0.${n}`), base);
  const { descendants, findings } = await planRevocation(revocationOf(world.deps), {
    id: idOf(base),
    reason: "CVE-2026-1234: openssl",
    requestedBy: { appId: "responder" },
  });
  expect(descendants).toMatchObject({ count: 10, inLatest: 1, complete: true });
  expect(descendants.first).toHaveLength(10);
  expect(descendants.first[0]).toMatchObject({
    id: id("1.0.9"),
    parent: base,
    latestIn: ["westus"],
    revoked: false,
  });
  expect(findings).toContainEqual(
    expect.objectContaining({
      code: "DescendantsInLatest",
      severity: "warning",
      message: naming([10, 1, "1.0.9"]),
    }),
  );
});
