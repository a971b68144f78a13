/** What a version was built from is read level by level, each version once. */
import { expect, test } from "vitest";
import type { ImageVersionRecord } from "../../../src/image-version/index.js";
import { ancestorsOf } from "../../../src/lineage/ancestors.js";
import { keyOf } from "../../../src/resource-id.js";

const IMAGE =
  "/subscriptions/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/resourceGroups/r/providers/Microsoft.Compute/galleries/g/images/base";
const id = (number: number) => `${IMAGE}/versions/1.0.${number}`;
const builtFrom = (...ids: readonly string[]) =>
  ({
    state: "Succeeded",
    requests: {},
    parentage: { ids, time: "2026-06-01T00:00:00Z" },
  }) as unknown as ImageVersionRecord;

/** The numbers that are found of `of`, and how many records were read. */
async function found(of: ImageVersionRecord, stored: Readonly<Record<number, readonly string[]>>) {
  const records = new Map(
    Object.entries(stored).map(([n, ids]) => [keyOf(id(Number(n))), builtFrom(...ids)]),
  );
  let reads = 0;
  const store = {
    readRecord(key: string) {
      reads += 1;
      return Promise.resolve(records.get(key));
    },
  } as unknown as Parameters<typeof ancestorsOf>[0]["store"];
  const ids = (await ancestorsOf({ store }, of)).map((one) => Number(one.id.split(".").at(-1)));
  return { ids, reads };
}

test("a circle ends, in whatever case it is written", async () => {
  const stored = { 1: [id(2)], 2: [id(1).toUpperCase().replace("/VERSIONS", "/versions")] };
  expect(await found(builtFrom(id(1)), stored)).toEqual({ ids: [1, 2], reads: 2 });
});

test("a diamond is read once", async () => {
  const stored = { 1: [id(3)], 2: [id(3)], 3: [id(4)] };
  expect(await found(builtFrom(id(1), id(2)), stored)).toEqual({ ids: [1, 2, 3, 4], reads: 4 });
});

test("ten levels, and fifty versions, are read and no more", async () => {
  const chain = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [n + 1, [id(n + 2)]]));
  const { ids, reads } = await found(builtFrom(id(1)), chain);
  expect([ids.at(-1), reads]).toEqual([10, 10]);
  const many = Array.from({ length: 60 }, (_, n) => id(n + 1));
  expect((await found(builtFrom(...many), {})).reads).toBe(50);
});
