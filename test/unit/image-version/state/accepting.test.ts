import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import {
  accept,
  started,
  withRequest,
  unseen,
} from "../../../../src/image-version/state/accepting.js";
import type {
  ImageVersionRecord,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import {
  acceptingOf,
  at,
  changeOf,
  KEY,
  replicating,
  succeeded,
  VERSION_ID,
} from "../../../support/transitions.js";

const EAST = regionField("eastus2");
const UK = regionField("uksouth");
const { record } = succeeded();
const uksouth = {
  [`${UK}/name`]: "uksouth",
  [`${UK}/regionalReplicaCount`]: 1,
};

const namesAfter = (
  request: VersionRequest,
  regions: readonly string[],
  before: ImageVersionRecord = record,
): readonly string[] =>
  withRequest(before, "id", request, regions, at(50)).regions.map(
    ({ name }) => name,
  );

describe("the regions that are followed", () => {
  test("are those there were, as they were, and those that a request adds", () => {
    const after = withRequest(
      record,
      "id",
      changeOf(uksouth),
      ["westus", "uksouth"],
      at(50),
    );
    expect(after.regions).toEqual([...record.regions, unseen("uksouth")]);
  });

  test("are not those that a request removes; what it merely clears of one is no removal", () => {
    expect(namesAfter(changeOf({ [EAST]: null }), [])).toEqual(["westus"]);
    expect(
      namesAfter(changeOf({ [`${EAST}/excludeFromLatest`]: null }), []),
    ).toEqual(["westus", "eastus2"]);
    expect(namesAfter(changeOf({ "/tags/a": null }), [])).toEqual([
      "westus",
      "eastus2",
    ]);
  });

  test("are not those that a request only repeats, and another removes", () => {
    const removing = withRequest(
      record,
      "other",
      changeOf({ [EAST]: null }),
      [],
      at(40),
    );
    const repeats = { [`${EAST}/name`]: "eastus2" };
    expect(
      namesAfter({ changes: {}, repeats }, ["westus", "eastus2"], removing),
    ).toEqual(["westus"]);
  });

  test("are those that Azure shows, though others have added them; not one that nobody has", () => {
    const { lastApplied: _, ...unknown } = record;
    const before = { ...unknown, regions: [] };
    expect(namesAfter(changeOf({}), ["eastus2", "uksouth"], before)).toEqual([
      "eastus2",
    ]);
    const { observed: __, ...unseenBefore } = before;
    expect(namesAfter(changeOf({}), ["eastus2"], unseenBefore)).toEqual([]);
  });
});

describe("as another operation begins", () => {
  test("what was asked for and never sent is followed no more, where the version exists", () => {
    const before = {
      ...record,
      regions: [...record.regions, unseen("uksouth")],
    };
    expect(started(KEY, VERSION_ID, before, at(50)).regions).toEqual(
      record.regions,
    );
  });

  test("nothing is followed of a version that does not exist", () => {
    const before = { ...replicating().record, exists: false };
    expect(started(KEY, VERSION_ID, before, at(50))).toMatchObject({
      regions: [],
      encryptionTypes: {},
      dataDiskLuns: [],
    });
  });

  test("it shows the regions as they are known, and says that it is stored", () => {
    const pair = accept(
      acceptingOf(changeOf(uksouth), { regions: ["westus", "uksouth"] }),
      record,
      at(50),
    );
    expect(pair.record.state).toBe("Accepted");
    expect(pair.operation.regions).toEqual([
      record.regions.find(({ name }) => name === "westus"),
      unseen("uksouth"),
    ]);
    expect(pair.operation.history).toMatchObject([
      {
        state: "Accepted",
        message: "The request is stored and its work is queued.",
      },
    ]);
  });
});
