/** Repairs that come to nothing. */
import { describe, expect, test } from "vitest";
import type { Finding } from "../../../../src/errors.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import {
  lossOf,
  notAddedBack,
  sentence,
  whyNotRepaired,
  withoutRepairs,
} from "../../../../src/image-version/state/repairs.js";
import {
  applied,
  at,
  COMPLETED,
  eventsOf,
  lookOf,
  time,
  withRecord,
} from "../../../support/transitions.js";

const EAST = regionField("eastus2");
const REMOVED = { [`${EAST}/name`]: "eastus2" };
const finding = (message: string, remediation?: string): Finding => ({
  code: "X",
  pointer: "",
  message,
  ...(remediation !== undefined && { remediation }),
});
const repairing = (
  repairs: ImageVersionRecord["repairs"],
  more: Partial<ImageVersionRecord> = {},
) => withRecord(applied(), { repairs, ...more });

describe("a region that is not taken away", () => {
  test("has no repair before it, and says what was found", () => {
    const refused = [finding("It is gone.")];
    const { record } = withoutRepairs(
      repairing({
        eastus2: { attempts: 2, dueTime: time(5) },
        westus: { attempts: 1 },
      }),
      { eastus2: refused, northeurope: refused },
    );
    expect(record.repairs).toEqual({
      eastus2: { attempts: 2, refused },
      westus: { attempts: 1 },
      northeurope: { attempts: 0, refused },
    });
  });

  test("is told with the first that was found, and how many there are", () => {
    expect(
      whyNotRepaired("eastus2", [finding("It is gone.", "Make it.")]),
    ).toBe("eastus2 is not removed and added back: It is gone. Make it.");
    expect(
      whyNotRepaired("eastus2", [finding("It is gone."), finding("So is it.")]),
    ).toBe(
      "eastus2 is not removed and added back: It is gone. 1 more: see the errors of the operation.",
    );
  });
});

test("a sentence ends as one", () => {
  expect(["No", "No.", "No!", "No?"].map(sentence)).toEqual([
    "No.",
    "No.",
    "No!",
    "No?",
  ]);
});

describe("a region that was taken away and is not added back", () => {
  const failure = { code: "X", message: "It is gone.", errors: [] };
  const away = { eastus2: { attempts: 1, removed: REMOVED } };
  const without = lookOf("Succeeded", COMPLETED, { changes: { [EAST]: null } });

  test("is told to be removed, is Failed, and what it was is kept", () => {
    const { record, lost } = notAddedBack(
      repairing({ ...away, westus: { attempts: 1 } }, { observed: without }),
      failure,
      at(20),
    );
    expect(lost).toEqual(["eastus2"]);
    expect(record.repairs).toEqual({
      eastus2: { attempts: 1, lost: REMOVED },
      westus: { attempts: 1 },
    });
    expect(record.regions).toMatchObject([
      { name: "westus" },
      {
        name: "eastus2",
        state: "Failed",
        details:
          "It was removed for its repair, and could not be added back: It is gone.",
      },
    ]);
    expect(record.regions[0]?.details).toBeUndefined();
    expect(eventsOf({ ...applied(), record })).toMatchObject([
      { type: "Sigil.ImageVersion.RegionRemoved", data: { region: "eastus2" } },
    ]);
  });

  test("is not lost where Azure shows it, or the whole version is gone", () => {
    for (const given of [
      notAddedBack(
        repairing(away, { observed: lookOf("Succeeded", COMPLETED, {}) }),
        failure,
        at(20),
      ),
      notAddedBack(
        repairing(away, { observed: without }),
        { ...failure, code: "ImageVersionGone" },
        at(20),
      ),
    ]) {
      expect(given.lost).toEqual([]);
      expect(given.record.repairs).toEqual({});
      expect(eventsOf(given)).toEqual([]);
    }
    const { observed: _, ...unseen } = repairing(away).record;
    expect(
      notAddedBack({ ...repairing(away), record: unseen }, failure, at(20))
        .lost,
    ).toEqual(["eastus2"]);
  });

  test("is named at the end, with what to do", () => {
    expect(lossOf({})).toBe("");
    expect(lossOf({ lost: ["eastus2"] })).toBe(
      " eastus2 was removed for its repair, and could not be added back. Once the cause is mended, retry it (POST …/retry): it is added back as it was.",
    );
    expect(lossOf({ lost: ["eastus2", "westus"] })).toBe(
      " eastus2, westus were removed for their repair, and could not be added back. Once the cause is mended, retry them (POST …/retry): they are added back as they were.",
    );
  });
});
