import { describe, expect, test } from "vitest";
import type {
  RegionRecord,
  RegionState,
} from "../../../src/operation/records.js";
import { observeRegions } from "../../../src/image-version/regions.js";
import { PACE } from "../../support/dependencies.js";
import { accepted, observed } from "../../support/transitions.js";

const TIME = "2026-01-01T00:00:00.000Z";
const LATER = "2026-01-01T00:01:00.000Z";

function region(
  state: RegionState,
  progress: number,
  more: Partial<RegionRecord> = {},
): RegionRecord {
  return { name: "westus", state, progress, attempts: 1, ...more };
}

function look(
  before: RegionRecord,
  seen: readonly [RegionState, number, string?] | undefined,
  provisioningState = "Creating",
  failure?: { message: string },
) {
  const [change] = observeRegions(
    {
      regions: [before],
      changing: [],
      request: accepted().record.request,
    },
    observed(provisioningState, seen === undefined ? {} : { westus: seen }),
    failure,
    { now: new Date(LATER), pace: PACE },
  );
  if (change === undefined) throw new Error("no region");
  return change;
}

describe("a region", () => {
  test.each<[RegionRecord, readonly [RegionState, number], string]>([
    [region("Unknown", 0), ["Unknown", 0], "nothing"],
    [region("Unknown", 0), ["Replicating", 0], "progressed"],
    [region("Replicating", 10), ["Replicating", 10], "nothing"],
    [region("Replicating", 10), ["Replicating", 11], "progressed"],
    [region("Replicating", 99), ["Completed", 100], "completed"],
    [region("Unknown", 0), ["Completed", 100], "completed"],
    [
      region("Completed", 100, { completedTime: TIME }),
      ["Completed", 100],
      "nothing",
    ],
    [region("Replicating", 10), ["Failed", 10], "failed"],
    [region("Unknown", 0), ["Failed", 0], "failed"],
    [region("Failed", 10), ["Failed", 11], "nothing"],
    [region("Replicating", 10), ["Unknown", 0], "nothing"],
    // It fell back and came again: that it completed is a fact told once.
    [
      region("Replicating", 50, { completedTime: TIME }),
      ["Completed", 100],
      "nothing",
    ],
  ])("%o seen as %o: %s", (before, seen, happened) => {
    expect(look(before, seen).happened).toBe(happened);
  });

  test("that is Completed has all of its progress, whatever ARM says", () => {
    expect(look(region("Replicating", 40), ["Completed", 97]).region).toEqual(
      region("Completed", 100, {
        completedTime: LATER,
        lastProgressTime: LATER,
      }),
    );
  });

  test("keeps what is known of it while ARM does not show it", () => {
    const before = region("Replicating", 40, { lastProgressTime: TIME });
    expect(look(before, undefined)).toEqual({
      region: before,
      happened: "nothing",
      resumed: false,
    });
  });

  test("keeps the time of its last progress while it stands still", () => {
    const before = region("Replicating", 40, { lastProgressTime: TIME });
    expect(look(before, ["Replicating", 40]).region.lastProgressTime).toBe(
      TIME,
    );
  });

  test("has the details that ARM gives now, not those of before", () => {
    const before = region("Replicating", 40, { details: "Throttled." });
    expect(look(before, ["Replicating", 50]).region.details).toBeUndefined();
    expect(look(before, ["Replicating", 50, "Slow."]).region.details).toBe(
      "Slow.",
    );
  });
});

describe("a version that ARM has given up", () => {
  const failure = { message: "The generations differ." };

  test("has failed in each region that is not Completed, for the reason given", () => {
    expect(
      look(region("Replicating", 40), ["Replicating", 60], "Failed", failure),
    ).toEqual({
      region: region("Failed", 60, {
        details: failure.message,
        lastProgressTime: LATER,
      }),
      happened: "failed",
      resumed: false,
    });
    expect(look(region("Unknown", 0), undefined, "Failed").region.state).toBe(
      "Failed",
    );
  });

  test("has not failed where its copy is Completed", () => {
    expect(
      look(region("Replicating", 40), ["Completed", 100], "Failed", failure)
        .region,
    ).toMatchObject({ state: "Completed" });
  });

  test("keeps a region's own reason", () => {
    expect(
      look(
        region("Replicating", 40),
        ["Failed", 60, "Out of capacity."],
        "Failed",
        failure,
      ).region.details,
    ).toBe("Out of capacity.");
  });
});
