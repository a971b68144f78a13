/** Image definitions are walked some at once: one that Azure throttles cuts off its neighbours, and none for ever. */
import { expect, test } from "vitest";
import { runDrift } from "../../../src/drift/run-drift.js";
import { ServiceError, type ErrorCode } from "../../../src/errors.js";
import type { ResourceManager } from "../../../src/image-version/ports.js";
import type { ImageVersionPair } from "../../../src/image-version/state/record.js";
import { imageRow, IMAGES_SCOPE, versionRow } from "../../../src/listings.js";
import { imageIdOf, keyOf } from "../../../src/resource-id.js";
import { idOf } from "../../support/dependencies.js";
import { COMPLETED, creating, lookOf, succeeded, VERSION_ID } from "../../support/transitions.js";
import { createWorld } from "../../support/world.js";

const IMAGES = Array.from({ length: 6 }, (_, i) => `${imageIdOf(idOf(VERSION_ID))}${i}`).sort(
  (a, b) => (keyOf(a) < keyOf(b) ? -1 : 1),
);

/** A version of each, of which nobody knows anything, so that its record is read. `walk` answers what was read in one run. */
async function start() {
  const { imageVersions: deps } = createWorld().deps;
  for (const image of IMAGES)
    await deps.index.put([imageRow(image), versionRow(image, "1.0.0", "operation")]);
  return {
    /** `fails`: as Azure's list of `busy` does, or else the read of its version. */
    async walk(busy?: string, code: ErrorCode = "ResourceManagerThrottled", fails = "list") {
      const read: string[] = [];
      const run = await runDrift({
        ...deps,
        store: {
          ...deps.store,
          readRecord(key) {
            const of = IMAGES.find((image) => key === keyOf(`${image}/versions/1.0.0`)) ?? key;
            if (fails === "read" && of === busy) throw new ServiceError(code, "It fails.");
            read.push(of);
            return Promise.resolve(undefined);
          },
        },
        resourceManager: {
          ...deps.resourceManager,
          // It answers before the others do.
          listImageVersions: async (imageId) => {
            if (fails === "list" && imageId === busy) throw new ServiceError(code, "It fails.");
            await new Promise(setImmediate);
            return [];
          },
        },
      });
      return { ...run, read };
    },
  };
}

test("whichever is throttled at every run, each other is looked at", async () => {
  for (const busy of IMAGES) {
    const world = await start();
    const read: string[] = [];
    for (let runs = 0; runs < IMAGES.length; runs += 1) read.push(...(await world.walk(busy)).read);
    expect([...new Set(read)].sort(), busy).toEqual(IMAGES.filter((one) => one !== busy).sort());
  }
});

test("one that its neighbour has cut off is not done: the next run begins with it", async () => {
  for (const busy of IMAGES) {
    const world = await start();
    const { read, unfinished } = await world.walk(busy);
    const next = unfinished ? await world.walk() : { read: [] };
    const all = [...read, ...next.read].filter((one) => one !== busy);
    expect(all.sort(), busy).toEqual(IMAGES.filter((one) => one !== busy).sort());
  }
});

test.each([
  ["ResourceManagerForbidden", "list", "", false],
  ["ResourceManagerForbidden", "read", "/versions/1.0.0", false],
  ["ResourceManagerThrottled", "list", "", true],
  ["ResourceManagerThrottled", "read", "/versions/1.0.0", true],
] as const)(
  "%s of a %s is told, and only throttling ends the run",
  async (code, fails, of, ends) => {
    const [first = "", ...others] = IMAGES;
    const { errors, read, unfinished } = await (await start()).walk(first, code, fails);
    expect(errors).toMatchObject([{ resourceId: `${first}${of}`, error: { code } }]);
    expect([read, unfinished]).toEqual([ends ? [] : others, ends]);
  },
);

/** What Azure answers of one image definition and its version, and what is stored and listed once drift has run. */
async function walked(
  before: ImageVersionPair | undefined,
  list: Awaited<ReturnType<ResourceManager["listImageVersions"]>>,
  look?: ImageVersionPair["record"]["status"],
  meanwhile?: ImageVersionPair,
) {
  const { imageVersions: deps } = createWorld().deps;
  const { index, store } = deps;
  const id = idOf(VERSION_ID);
  const accept = async ({ record, operation }: ImageVersionPair) => {
    await index.put([versionRow(imageIdOf(id), id.versionName, "operation")]);
    await store.commit(record, operation, undefined);
  };
  await index.put([imageRow(imageIdOf(id))]);
  if (before) await accept(before);
  await runDrift({
    ...deps,
    index: {
      ...index,
      async remove(rows) {
        await index.remove(rows);
        if (meanwhile) await accept(meanwhile);
      },
    },
    resourceManager: {
      ...deps.resourceManager,
      listImageVersions: () => Promise.resolve(list),
      getImageVersion: () => Promise.resolve(look),
    },
  });
  const { rows } = await index.page(IMAGES_SCOPE, 1);
  return { record: await store.readRecord(keyOf(VERSION_ID)), isListed: rows.length > 0 };
}

const CHANGED = lookOf("Succeeded", COMPLETED, { changes: { "/tags/theirs": "1" } });

test.each([
  ["a list that has it", "does not show it", [{ name: "1.0.0", ...CHANGED }], undefined],
  ["an image definition that is gone", "shows it", undefined, CHANGED],
])("a version keeps its state after %s and a look that %s", async (_, _look, list, look) => {
  const before = succeeded();
  expect((await walked(before, list, look)).record).toEqual(before.record);
});

test.each([
  ["is forgotten", undefined, false],
  ["stays listed while an operation is accepted", creating(), true],
])("an image definition that is gone %s", async (_, meanwhile, isListed) => {
  expect((await walked(undefined, undefined, undefined, meanwhile)).isListed).toBe(isListed);
});
