/** Regions that are taken away for repair, and ARM's permission to remove regions. */
import { describe, expect, test } from "vitest";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import { ALLOW_DELETION } from "../../../../src/image-version/properties/table.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import {
  changeOf,
  COMPLETED,
  succeeded,
  time,
} from "../../../support/transitions.js";
import {
  EAST,
  REPLICAS,
  ID,
  recordWith,
  asking,
  decided,
  putOf,
} from "./decided.js";

describe("invariant 4: a region is taken away for repair", () => {
  const failed = { ...COMPLETED, eastus2: ["Failed", 20] } as const;
  const due = recordWith({
    regions: succeeded().record.regions.map((region) =>
      region.name === "eastus2" ? { ...region, state: "Failed" } : region,
    ),
    repairs: { eastus2: { attempts: 0, dueTime: time(1_000) } },
  });

  test("once it is due, if this look shows it Failed, with all that it has", () => {
    const put = putOf(decided(due, "Failed", {}, 1_000, failed));
    expect(put.changes).toEqual({ [EAST]: null, [ALLOW_DELETION]: true });
    expect(put.removesRegions).toBe(true);
    expect(put.takesAway["eastus2"]).toMatchObject({
      [`${EAST}/name`]: "eastus2",
      [`${EAST}/encryption/osDiskImage/diskEncryptionSetId`]: expect.any(
        String,
      ) as string,
    });
    expect(put.body.properties).toMatchObject({
      safetyProfile: { allowDeletionOfReplicatedLocations: true },
      publishingProfile: { targetRegions: [{ name: "westus" }] },
    });
  });

  test("also where ARM has given the version up and says nothing of the region", () => {
    const stands = { ...COMPLETED, eastus2: ["Replicating", 20] } as const;
    expect(
      putOf(decided(due, "Failed", {}, 1_000, stands)).takesAway,
    ).toHaveProperty("eastus2");
  });

  test.each<
    [string, ImageVersionRecord, typeof COMPLETED | typeof failed, number]
  >([
    ["before it is due", due, failed, 999],
    ["where it is healthy now", due, COMPLETED, 1_000],
    [
      "where it has never failed",
      recordWith({ repairs: due.repairs }),
      failed,
      1_000,
    ],
    [
      "where the end of the operation is decided",
      {
        ...due,
        requests: {
          [ID]: changeOf({}, { decided: { kind: "canceled", by: {} } }),
        },
      },
      failed,
      1_000,
    ],
  ])("not %s", (_, record, shown, seconds) => {
    const state = shown === COMPLETED ? "Succeeded" : "Failed";
    expect(decided(record, state, {}, seconds, shown)).toEqual({
      kind: "applied",
    });
  });

  test("never in the version's own location", () => {
    const home = recordWith({
      regions: due.regions.map((region) => ({ ...region, state: "Failed" })),
      repairs: { westus: { attempts: 0, dueTime: time(0) } },
    });
    const shown = { ...COMPLETED, westus: ["Failed", 1] } as const;
    expect(decided(home, "Failed", {}, 1_000, shown).kind).toBe("applied");
  });

  describe("and added back", () => {
    const removed = { [`${EAST}/name`]: "eastus2", [REPLICAS]: 2 };
    const away = recordWith({
      repairs: { eastus2: { attempts: 0, removed } },
      opened: true,
    });
    const gone = { [EAST]: null, [ALLOW_DELETION]: true };

    test("as it was, before another is taken away, and the permission is taken back", () => {
      const both = {
        ...away,
        repairs: {
          ...away.repairs,
          westeurope: { attempts: 0, dueTime: time(0) },
        },
      };
      const put = putOf(decided(both, "Succeeded", gone));
      expect(put).toMatchObject({
        changes: { ...removed, [ALLOW_DELETION]: false },
        addsBack: ["eastus2"],
        takesAway: {},
        removesRegions: false,
      });
      expect(put.body.properties).toMatchObject({
        safetyProfile: { allowDeletionOfReplicatedLocations: false },
        publishingProfile: {
          targetRegions: [
            { name: "westus" },
            { name: "eastus2", regionalReplicaCount: 2 },
          ],
        },
      });
    });

    test("together with what is asked", () => {
      const record = {
        ...away,
        requests: { [ID]: changeOf({ "/tags/a": "1" }) },
      };
      expect(putOf(decided(record, "Succeeded", gone))).toMatchObject({
        changes: { ...removed, "/tags/a": "1" },
        addsBack: ["eastus2"],
      });
    });

    test("unless somebody has added it already", () => {
      expect(decided(away, "Succeeded", {}).kind).toBe("applied");
    });
  });
});

describe("invariant 5: the permission to remove regions", () => {
  const shown = { [ALLOW_DELETION]: true };

  test("is taken back before an operation ends", () => {
    const put = putOf(
      decided(recordWith({ opened: true }), "Succeeded", shown),
    );
    expect(put.changes).toEqual({ [ALLOW_DELETION]: false });
    expect(put.body.properties).toMatchObject({
      safetyProfile: { allowDeletionOfReplicatedLocations: false },
    });
    expect(put.removesRegions).toBe(false);
  });

  test("that others had shut, and Sigil has opened, is taken back as well", () => {
    const opened = recordWith({ opened: true, lastApplied: shown });
    expect(putOf(decided(opened, "Succeeded", shown)).changes).toEqual({
      [ALLOW_DELETION]: false,
    });
  });

  test("that others have shut is not given again by another change, and one that they gave is taken back", () => {
    const asks = asking({ "/tags/a": "1" }, { lastApplied: shown });
    const tag = { "/tags/a": "1" };
    expect(putOf(decided(asks)).changes).toEqual(tag);
    expect(putOf(decided(asking(tag), "Succeeded", shown)).changes).toEqual({
      ...tag,
      [ALLOW_DELETION]: false,
    });
  });

  test.each<[string, Partial<ImageVersionRecord>, Patch]>([
    [
      "that a caller has asked for stays",
      { opened: false, lastApplied: shown },
      shown,
    ],
    [
      "that a caller asks for stays",
      { opened: true, requests: { a: changeOf(shown) } },
      shown,
    ],
    ["that others have given stays", { opened: false }, shown],
    ["that is closed already is not closed again", { opened: true }, {}],
  ])("%s", (_, more, changes) => {
    expect(decided(recordWith(more), "Succeeded", changes)).toEqual({
      kind: "applied",
    });
  });

  test("is in the body of a removal, and is Sigil's to take back unless a caller wants it", () => {
    const removal = { [EAST]: null };
    const put = putOf(decided(asking(removal)));
    expect(put.removesRegions).toBe(true);
    const wished = putOf(
      decided(asking(removal, { lastApplied: shown }), "Succeeded", shown),
    );
    expect(wished.removesRegions).toBe(false);
    for (const { body } of [put, wished])
      expect(body.properties).toMatchObject({
        safetyProfile: { allowDeletionOfReplicatedLocations: true },
      });
  });
});
