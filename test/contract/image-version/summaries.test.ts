import { afterAll, beforeAll, expect, test } from "vitest";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import { createLooks } from "../../../src/image-version/queries/looks.js";
import { createSummaries } from "../../../src/image-version/queries/summaries.js";
import { versionRow } from "../../../src/listings.js";
import type { IndexRow } from "../../../src/operation/records.js";
import { omit } from "../../../src/objects.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { idOf, request, startInProcess, type InProcess } from "../../support/dependencies.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { BY } from "./truth/support.js";

const IMAGE = imageIdOf(idOf(seedVersionId("1.0.0")));
let world: InProcess;
let recordReads = 0;
let indexReads = 0;

beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000 });
});
afterAll(() => world.close());

/**
 * Those of a new instance, which has read nothing yet; `others`: rows of further versions. Without
 * digests it reads every record.
 */
function instance(others: readonly IndexRow[] = [], withDigests = true) {
  const { deps } = world;
  return createSummaries({
    ...deps,
    looks: createLooks(deps.resourceManager, deps.resources, deps.now),
    store: {
      ...deps.store,
      readRecord: (key) => {
        recordReads += 1;
        return deps.store.readRecord(key);
      },
    },
    index: {
      ...deps.index,
      page: async (...page) => {
        indexReads += 1;
        const { rows, ...next } = await deps.index.page(...page);
        const own = rows.map((row) => (withDigests ? row : omit(row, "digest")));
        return { ...next, rows: [...own, ...others.map((row) => ({ ...row, writtenTime: "" }))] };
      },
    },
  });
}

/** After as long as nothing that was read is shown again. */
const later = (): void => world.clock.advance(30_000);

test("shows versions of Sigil's and of others', each region with its keys and what makes it the latest", async () => {
  await request(world.deps, seedVersionId("1.0.0"), managedImageRequest());
  await world.finish(seedVersionId("1.0.0"));
  await world.deps.resourceManager.putImageVersion(
    idOf(seedVersionId("2.0.0")),
    canonicalForm(managedImageRequest()),
  );
  world.clock.advance(10 * 60_000);
  const { view } = await instance()(IMAGE);
  expect(view).toMatchObject({ complete: true });
  expect(view.diskEncryptionSets).toHaveLength(4);
  expect(view.versions.map(({ name, managedBy, latest }) => [name, managedBy, latest])).toEqual([
    ["2.0.0", "Others", true],
    ["1.0.0", "Sigil", false],
  ]);
  expect(view.versions[1]).toMatchObject({
    state: "Succeeded",
    provisioningState: "Succeeded",
    excludeFromLatest: false,
    regions: [
      {
        name: "westus",
        state: "Completed",
        progress: 100,
        latest: false,
        encryptionType: "EncryptionAtRestWithCustomerKey",
        diskEncryptionSets: [0, 1],
        regionalReplicaCount: 2,
        storageAccountType: "Standard_LRS",
      },
      { name: "eastus2", diskEncryptionSets: [2, 3] },
    ],
  });
});

test("a new instance reads no record of a version whose row says all, and shows it as by its record", async () => {
  const byRecord = await instance([], false)(IMAGE);
  recordReads = 0;
  const summarize = instance();
  expect((await summarize(IMAGE)).etag).toBe(byRecord.etag);
  // The latest is of others, and asked for by number.
  expect(recordReads).toBe(0);
  const { resourceManager } = world.deps;
  const id = idOf(seedVersionId("1.0.0"));
  const { resource } = (await resourceManager.getImageVersion(id)) ?? {};
  if (resource === undefined) throw new TypeError("Azure does not have it");
  await resourceManager.putImageVersion(id, { ...resource, tags: { team: "linux" } });
  later();
  const ofOthers = await summarize(IMAGE);
  expect(recordReads).toBe(1);
  later();
  expect((await summarize(IMAGE)).etag).toBe(ofOthers.etag);
  expect(recordReads).toBe(1);
  await resourceManager.putImageVersion(id, resource);
  world.clock.advance(10 * 60_000);
});

test("twenty who ask at once cost what one costs, and a version that has ended is read once", async () => {
  const summarize = instance();
  recordReads = 0;
  indexReads = 0;
  world.simulator.control.clearRequests();
  const answers = await Promise.all(Array.from({ length: 20 }, () => summarize(IMAGE)));
  expect(new Set(answers.map(({ etag }) => etag)).size).toBe(1);
  expect(indexReads).toBe(1);
  const first = recordReads;
  expect(first).toBeLessThanOrEqual(3);
  const asked = world.simulator.control.requests().length;
  world.clock.advance(2_000);
  expect((await summarize(IMAGE)).etag).toBe(answers[0]?.etag);
  expect(indexReads).toBe(2);
  expect(recordReads).toBe(first);
  expect(world.simulator.control.requests().length).toBe(asked);
});

test("changes its ETag with the progress of a region, and forgets what was deleted", async () => {
  const summarize = instance();
  const { etag, readAgain } = await summarize(IMAGE);
  await request(world.deps, seedVersionId("3.0.0"), managedImageRequest());
  world.clock.advance(2_000);
  const begun = await summarize(IMAGE);
  expect(begun.etag).not.toBe(etag);
  expect([readAgain, begun.readAgain]).toEqual([60, 15]);
  // Azure has not shown it yet: it is shown as it was asked for.
  expect(begun.view.versions[0]).toMatchObject({
    name: "3.0.0",
    state: "Accepted",
    provisioningState: "Creating",
  });
  await world.finish(seedVersionId("3.0.0"));
  later();
  const ended = await summarize(IMAGE);
  expect(ended.etag).not.toBe(begun.etag);
  expect(ended.view.versions[0]).toMatchObject({ state: "Succeeded" });

  await deleteImageVersion(world.deps, {
    id: idOf(seedVersionId("3.0.0")),
    ...BY,
  });
  await world.finish(seedVersionId("3.0.0"));
  later();
  const { view } = await summarize(IMAGE);
  expect(view.versions.map(({ name }) => name)).toEqual(["2.0.0", "1.0.0"]);
  // Its row stays, and is the highest.
  recordReads = 0;
  await instance([versionRow(IMAGE, "9.0.0", "0-1")])(IMAGE);
  expect(recordReads).toBe(1);
});

test("shows how far Azure is with the versions that others make, of five at most", async () => {
  const numbers = ["3.0.1", "3.0.2", "3.0.3", "3.0.4", "3.0.5", "3.0.6"];
  for (const number of numbers)
    await world.deps.resourceManager.putImageVersion(
      idOf(seedVersionId(number)),
      canonicalForm(managedImageRequest()),
    );
  world.clock.advance(30_000);
  const { view } = await instance()(IMAGE);
  const statesOf = (number: string) =>
    view.versions.find(({ name }) => name === number)?.regions.map(({ state }) => state);
  for (const number of numbers.slice(1)) expect(statesOf(number)).toContain("Replicating");
  expect(statesOf("3.0.1")).toEqual(["Unknown", "Unknown"]);
});

test("is refused where there is no such image definition", async () => {
  expect(await refusal(instance()(`${IMAGE}Unknown`))).toMatchObject({
    code: "NotFound",
  });
});

test("knows every version that Sigil was asked for, however many pages list them", async () => {
  for (const number of ["1.9.0", "1.10.0", "1.11.0"])
    await request(world.deps, seedVersionId(number), managedImageRequest());
  later();
  const { view } = await instance()(IMAGE);
  expect(
    view.versions.filter(({ managedBy }) => managedBy === "Sigil").map(({ name }) => name),
  ).toEqual(expect.arrayContaining(["1.11.0", "1.10.0", "1.9.0", "1.0.0"]));
});

test("of more than five hundred records to read, the next summary reads on after five seconds", async () => {
  later();
  const others = (count: number) =>
    Array.from({ length: count }, (_, i) => versionRow(IMAGE, `2.0.${i}`, "0-1"));
  expect(await instance(others(3))(IMAGE)).toMatchObject({
    view: { complete: true },
  });
  expect(await instance(others(600))(IMAGE)).toMatchObject({
    view: { complete: false },
    readAgain: 5,
  });
});
