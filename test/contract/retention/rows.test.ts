/** What is judged by the rows of the listing, and what by records: where both are as they should be, and where a row is not. */
import { beforeEach, describe, expect, test } from "vitest";
import { deleteImageVersion } from "../../../src/image-version/index.js";
import { patchImageVersion } from "../../../src/image-version/commands/put.js";
import { versionNameIn, versionScope } from "../../../src/listings.js";
import { pagesOf } from "../../../src/operation/pages.js";
import type { IndexRow } from "../../../src/operation/records.js";
import { keptNow } from "../../../src/retention/kept-now.js";
import type { RetentionDependencies } from "../../../src/retention/ports.js";
import { idOf, type InProcess } from "../../support/dependencies.js";
import { BY } from "../image-version/truth/support.js";
import { inRetention, KEEP_1 } from "./support.js";

let world: InProcess;
let deps: RetentionDependencies;
let image: string;
const { versionId, make, put, enforce, run, dryRun } = inRetention((given) => {
  ({ world, deps, image } = given);
});

const JUDGED = { "1.0.0": "-BeyondNewestPromoted", "2.0.0": "Latest" };

beforeEach(async () => {
  await make(["1.0.0", "2.0.0"]);
  await put(KEEP_1);
});

/** The same, and how often it reads a version's record. */
function counted() {
  const { store } = deps.imageVersions;
  let reads = 0;
  const read: typeof store.read = (key) => {
    reads += 1;
    return store.read(key);
  };
  const given = { ...deps, imageVersions: { ...deps.imageVersions, store: { ...store, read } } };
  return { given, reads: () => reads };
}

async function rowOf(number: string): Promise<IndexRow> {
  for await (const rows of pagesOf(world.deps.index, versionScope(image)))
    for (const row of rows) if (versionNameIn(row) === number) return row;
  throw new TypeError(`${number} is not listed`);
}

/** Puts another digest, or none, into the row of 1.0.0. */
async function withDigest(change: (digest: object) => object | undefined): Promise<void> {
  const { digest: text = "{}", ...row } = await rowOf("1.0.0");
  const digest = change(JSON.parse(text) as object);
  await world.deps.index.put([{ ...row, ...(digest && { digest: JSON.stringify(digest) }) }]);
}

test("no record is read where Azure lists what the rows say", async () => {
  const { given, reads } = counted();
  expect(await dryRun(given)).toEqual(JUDGED);
  expect(reads()).toBe(0);
});

test.each([
  ["there is no digest: tables were lost, or something was under way", () => undefined],
  ["the digest has another form", (digest: object) => ({ ...digest, form: 0 })],
  ["the digest does not say that it is Succeeded", () => ({ form: 1 })],
  ["Azure lists it otherwise", (digest: object) => ({ ...digest, shows: "other" })],
])("its record is read, and no other, where %s", async (_, change) => {
  await withDigest(change);
  const { given, reads } = counted();
  expect(await dryRun(given)).toEqual(JUDGED);
  expect(reads()).toBe(1);
});

describe("where the row is older than its record", () => {
  beforeEach(() => enforce(KEEP_1));

  test("a version that has been protected since is not deleted", async () => {
    const before = await rowOf("1.0.0");
    await patchImageVersion(world.deps, {
      id: idOf(versionId("1.0.0")),
      patch: { sigil: { protected: true } },
      validate: () => [],
      ...BY,
    });
    await world.finish(versionId("1.0.0"));
    await world.deps.index.put([before]);
    expect(await run()).toMatchObject({ deletions: [], errors: [] });
  });

  test("a version is kept whose newer one is being deleted: records alone are asked before a DELETE", async () => {
    const before = await rowOf("2.0.0");
    await deleteImageVersion(world.deps, { id: idOf(versionId("2.0.0")), ...BY });
    await world.deps.index.put([before]);
    expect(await dryRun()).toEqual(JUDGED);
    const judged = await keptNow(deps, idOf(versionId("1.0.0")));
    expect(judged).toContain("virtual machines created without a version number get it");
  });
});

test("right before a DELETE the records of the version and of what its deletion rests on are read, and no other", async () => {
  await make(["0.1.0", "0.2.0", "0.3.0"]);
  await enforce(KEEP_1);
  const { given, reads } = counted();
  expect(await keptNow(given, idOf(versionId("0.1.0")))).toBeUndefined();
  // 2.0.0 by its number, 0.3.0 by its publication
  expect(reads()).toBe(3);
});
