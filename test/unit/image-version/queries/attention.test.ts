/** Two hundred image definitions are read by one request, with few lists from Azure; of more it says that it has not read them all. */
import { expect, test } from "vitest";
import { createAttention } from "../../../../src/image-version/queries/attention.js";
import { imageRow } from "../../../../src/listings.js";
import { openRow } from "../../../../src/operation/catalog.js";
import { imageIdOf } from "../../../../src/resource-id.js";
import { idOf } from "../../../support/dependencies.js";
import { seedVersionId } from "../../../support/requests.js";
import { applied } from "../../../support/transitions.js";
import { createWorld } from "../../../support/world.js";

const IMAGE = imageIdOf(idOf(seedVersionId("1.0.0")));
const TIME = "2026-06-01T00:00:00Z";

test.each([
  [30, true, 90_000],
  [200, true, 600_000],
  [201, false, 600_000],
])(
  "of %i image definitions: all read %s, each list up to %i ms old",
  async (count, complete, age) => {
    const { imageVersions: deps } = createWorld().deps;
    await deps.index.put(Array.from({ length: count }, (_, i) => imageRow(`${IMAGE}${i}`)));
    const ages: (number | undefined)[] = [];
    const attention = createAttention({ ...deps, versions: deps.store }, (_, maxListMs) => {
      ages.push(maxListMs);
      const view = {
        time: TIME,
        complete: true,
        seen: { never: 0 },
        diskEncryptionSets: [],
        versions: [],
      };
      return Promise.resolve({ etag: "", view, readAgain: 60 - ages.length });
    });
    expect(await attention({})).toMatchObject({
      value: [],
      complete,
      readAgain: 60 - ages.length,
    });
    expect(ages).toEqual(Array.from({ length: Math.min(count, 200) }, () => age));
  },
);

test("an open operation whose version's own location has failed names another version", async () => {
  const { imageVersions: deps } = createWorld().deps;
  const { record, operation } = applied();
  const failed = operation.regions.map((region) => ({ ...region, state: "Failed" as const }));
  const store = {
    ...deps.store,
    readOperation: () => Promise.resolve({ operation: { ...operation, regions: failed } }),
    readRecord: () => Promise.resolve(record),
  };
  await deps.index.put([openRow(operation.id)]);
  const attention = createAttention({ ...deps, store, versions: store }, () =>
    Promise.reject(new TypeError("there is no image definition")),
  );
  expect((await attention({})).value).toMatchObject([
    { code: "RegionFailed", whatToDo: { verb: "New version" } },
  ]);
});
