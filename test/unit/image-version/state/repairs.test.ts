import { describe, expect, it } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { ImageVersionPair, Repair } from "../../../../src/image-version/state/record.js";
import { lostRegions, planRepairs, sentence } from "../../../../src/image-version/state/repairs.js";
import {
  applied,
  at,
  COMPLETED,
  eventsOf,
  lookOf,
  succeeded,
  time,
  withRecord,
} from "../../../support/transitions.js";
import { lossOf } from "../../../../src/image-version/telling/endings.js";
import { notAddedBack, withoutRepairs } from "../../../support/decisions.js";
import { naming } from "../../../support/naming.js";

const EAST = regionField("eastus2");
const pace = { repairAttempts: 3 };
const REMOVED = { [`${EAST}/name`]: "eastus2" };
const AWAY = lookOf("Succeeded", { westus: ["Completed", 100] }, { changes: { [EAST]: null } });

/** A region of an open operation has failed. */
function failing(name: string, repair?: Repair, base = applied()): ImageVersionPair {
  const { record } = base;
  return withRecord(base, {
    regions: record.regions.map((region) =>
      region.name === name ? { ...region, state: "Failed" } : region,
    ),
    ...(repair && { repairs: { [name]: repair } }),
  });
}
const planned = (pair: ImageVersionPair, seconds = 100) =>
  planRepairs(pair.record, at(seconds, pace));
const regionIn = ({ regions }: ImageVersionPair["record"], name = "eastus2") =>
  regions.find((one) => one.name === name);

describe("a region that has failed", () => {
  it("is taken away five minutes later, and added back", () => {
    const record = planned(failing("eastus2"));
    expect(record.repairs["eastus2"]).toEqual({
      attempts: 0,
      dueTime: time(400),
    });
    expect(regionIn(record)).toMatchObject({
      attemptsAllowed: 4,
      nextAttemptTime: time(400),
    });
  });

  it("is taken away also where all others have failed", () => {
    const all = failing("westus", undefined, failing("eastus2"));
    expect(planned(all).repairs["eastus2"]?.dueTime).toBe(time(400));
  });

  it("waits twice as long each time", () => {
    expect(planned(failing("eastus2", { attempts: 2 })).repairs["eastus2"]?.dueTime).toBe(
      time(1_300),
    );
  });

  it("is planned once: a second look moves nothing", () => {
    const first = failing("eastus2");
    const once = planned(first);
    expect(planned({ ...first, record: once }, 200).repairs).toEqual(once.repairs);
  });

  it("is not repaired once that was tried often enough", () => {
    expect(regionIn(planned(failing("eastus2", { attempts: 3 })))?.nextAttemptTime).toBeUndefined();
  });

  it("is not repaired where it is the version's own location", () => {
    const record = planned(failing("westus"));
    expect(regionIn(record, "westus")).toMatchObject({ attemptsAllowed: 1 });
    expect(record.repairs["westus"]?.dueTime).toBeUndefined();
  });

  it("is not repaired where no open operation is about it (1)", () => {
    expect(
      planned(failing("eastus2", undefined, succeeded())).repairs["eastus2"]?.dueTime,
    ).toBeUndefined();
    const tried = failing("eastus2", { attempts: 2 }, succeeded());
    expect(planned(tried).repairs["eastus2"]).toEqual({ attempts: 2 });
  });

  it("stays as it is where it must not be taken away, and says why", () => {
    const refused = [{ code: "InUse", pointer: "", message: "A scale set needs it." }];
    const failed = failing("eastus2");
    const regions = failed.record.regions.map((one) => ({
      ...one,
      attempts: 2,
    }));
    const pair = withoutRepairs(withRecord(failed, { regions }), {
      eastus2: refused,
    });
    const region = regionIn(planned(pair));
    expect(region?.nextAttemptTime).toBeUndefined();
    expect(region).toMatchObject({
      attempts: 2,
      attemptsAllowed: 2,
      details: naming(["eastus2"]),
    });
  });
});

describe("what is taken away (2)", () => {
  const away = failing("eastus2", { attempts: 0, removed: REMOVED });

  it("stays known until a fact shows it again", () => {
    expect(planned(withRecord(away, { status: AWAY })).repairs["eastus2"]?.removed).toEqual(
      REMOVED,
    );
    expect(
      planned(withRecord(away, { status: lookOf("Succeeded", COMPLETED) })).repairs["eastus2"]
        ?.removed,
    ).toBeUndefined();
  });

  it("and that Azure does not take back is told, and kept for a retry", () => {
    const { record } = notAddedBack(
      withRecord(away, { status: AWAY }),
      { code: "x", message: "No capacity.", errors: [] },
      at(100),
    );
    expect(record.repairs["eastus2"]).toEqual({
      attempts: 0,
      removed: REMOVED,
      lost: true,
    });
    expect(regionIn(record)).toMatchObject({
      state: "Failed",
      details: expect.any(String) as string,
    });
    expect(eventsOf({ ...away, record }).map(({ type }) => type)).toEqual([
      "Sigil.ImageVersion.RegionRemoved",
    ]);
    expect(lossOf(lostRegions(record))).toContain("POST …/retry");
  });

  it("and an end names those that could not be added back", () => {
    const lost = { attempts: 0, removed: REMOVED, lost: true } as const;
    const { record } = withRecord(away, {
      repairs: { eastus2: lost, westus: lost, uksouth: { attempts: 1 } },
    });
    expect(lossOf(lostRegions(record))).toContain(" eastus2, westus were removed");
  });

  it("nothing is lost where nothing is away", () => {
    expect(lossOf(lostRegions(succeeded().record))).toBe("");
  });
});

it("a sentence ends with a full stop, or as it does", () => {
  expect(["No room", "Azure.com is away", "No room.", "Why?"].map(sentence)).toEqual([
    "No room.",
    "Azure.com is away.",
    "No room.",
    "Why?",
  ]);
});
