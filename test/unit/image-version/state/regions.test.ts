import { describe, expect, test } from "vitest";
import { observeRegions } from "../../../../src/image-version/state/regions.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { RegionRecord } from "../../../../src/operation/records.js";
import { at, lookOf, succeeded, time, withRecord } from "../../../support/transitions.js";

const EAST = regionField("eastus2");
const base: RegionRecord = {
  name: "eastus2",
  state: "Replicating",
  progress: 40,
  attempts: 1,
  lastProgressTime: time(0),
};
const completed: RegionRecord = {
  ...base,
  state: "Completed",
  progress: 100,
  completedTime: time(0),
};
const failed: RegionRecord = { ...base, state: "Failed", details: "No room." };

type Shown = Parameters<typeof lookOf>;

interface Given {
  /** What an open request asks. */
  readonly asks?: Patch;
  readonly sent?: true;
  readonly repairs?: ImageVersionRecord["repairs"];
  readonly failure?: { readonly message: string };
  readonly isFact?: boolean;
  readonly seconds?: number;
}

function recordOf(
  region: RegionRecord,
  { asks, sent, repairs = {} }: Given = {},
): ImageVersionRecord {
  return withRecord(succeeded(), {
    state: "Replicating",
    regions: [region],
    repairs,
    requests: asks ? { "1": { patch: asks, ...(sent && { sent }) } } : {},
    ...(repairs["eastus2"]?.removed && {
      status: lookOf("Succeeded", {}, { changes: { [EAST]: null } }),
    }),
  }).record;
}

/** What becomes of the region in eastus2 at a look, a minute later unless `seconds` says otherwise. */
function seen(
  before: RegionRecord,
  provisioningState: string,
  eastus2: NonNullable<Shown[1]>[string] | undefined,
  given: Given = {},
  more: Shown[2] = {},
) {
  const { failure, isFact = true, seconds = 60 } = given;
  const [change] = observeRegions(
    recordOf(before, given),
    lookOf(provisioningState, eastus2 ? { eastus2 } : {}, more),
    failure,
    isFact,
    at(seconds),
  );
  return change ?? expect.fail("there is no region");
}

/** The second of two looks that show the same, four minutes apart. */
function twice(...args: Parameters<typeof seen>): ReturnType<typeof seen> {
  const [before, state, shown, given = {}, more] = args;
  const { region } = seen(before, state, shown, { ...given, seconds: 60 }, more);
  return seen(region, state, shown, { ...given, seconds: 300 }, more);
}

describe("invariant 1: a step forward counts from any look", () => {
  test.each([
    ["Unknown", "Replicating", 3, "regionReplicating"],
    ["Unknown", "Completed", 100, "regionCompleted"],
    ["Replicating", "Replicating", 60, "regionReplicating"],
    ["Replicating", "Completed", 90, "regionCompleted"],
    ["Failed", "Replicating", 5, "regionReplicating"],
    ["Failed", "Completed", 100, "regionCompleted"],
  ] as const)("%s to %s of %d: %s", (from, to, progress, happened) => {
    const before = {
      ...base,
      state: from,
      progress: from === "Unknown" ? 0 : 40,
    };
    const change = seen(before, "Updating", [to, progress]);
    expect(change).toMatchObject({
      happened,
      region: {
        state: to,
        progress: to === "Completed" ? 100 : progress,
        attempts: from === "Failed" ? 2 : 1,
        lastProgressTime: time(60),
        ...(to === "Completed" && { completedTime: time(60) }),
      },
    });
    expect(change.region).not.toHaveProperty("unconfirmed");
  });

  test("Completed is told once", () => {
    const change = seen(completed, "Succeeded", ["Completed", 100]);
    expect(change.happened).toBe("nothing");
    expect(change.region.completedTime).toBe(time(0));
  });

  test("what Azure shows was begun at least once, by whomever", () => {
    const change = seen({ ...base, attempts: 0 }, "Updating", ["Replicating", 41]);
    expect(change.region.attempts).toBe(1);
  });
});

describe("invariant 2: a step back counts at a second look, four minutes later or more", () => {
  const gone = { changes: { [EAST]: null } };

  test.each<
    [
      string,
      RegionRecord,
      Parameters<typeof seen>[1],
      Parameters<typeof seen>[2],
      object | undefined,
      object,
    ]
  >([
    [
      "Failed",
      base,
      "Updating",
      ["Failed", 40, "No room."],
      undefined,
      { state: "Failed", progress: 40, attempts: 1, details: "No room." },
    ],
    [
      "Failed after Completed",
      completed,
      "Succeeded",
      ["Failed", 100],
      undefined,
      { state: "Failed" },
    ],
    [
      "no longer Completed",
      completed,
      "Updating",
      ["Replicating", 3],
      undefined,
      { state: "Replicating", progress: 0, attempts: 2 },
    ],
    [
      "gone",
      base,
      "Succeeded",
      undefined,
      gone,
      {
        state: "Failed",
        details: expect.any(String) as string,
      },
    ],
  ])("%s", (_, before, state, shown, more, after) => {
    const first = seen(before, state, shown, {}, more);
    expect(first.happened).toBe("nothing");
    const { unconfirmed, ...kept } = first.region;
    expect(kept).toEqual(before);
    expect(unconfirmed).toMatchObject({ since: time(60) });
    const early = seen(first.region, state, shown, { seconds: 299 }, more);
    expect(early).toEqual(first);
    const second = seen(first.region, state, shown, { seconds: 300 }, more);
    expect(second.happened).not.toBe("nothing");
    expect(second.region).toMatchObject(after);
    expect(second.region).not.toHaveProperty("unconfirmed");
    expect(second.region).not.toHaveProperty("completedTime");
  });

  test("a look between that shows it well takes the setback back", () => {
    const first = seen(completed, "Succeeded", ["Failed", 100]);
    const between = seen(first.region, "Succeeded", ["Completed", 100], {
      seconds: 120,
    });
    expect(between.region).toEqual(completed);
    const third = seen(between.region, "Succeeded", ["Failed", 100], {
      seconds: 200,
    });
    expect(third.happened).toBe("nothing");
    expect(third.region.unconfirmed?.since).toBe(time(200));
  });

  test("a look between that shows another step back begins to confirm it anew", () => {
    const first = seen(completed, "Succeeded", ["Failed", 100]);
    const between = seen(first.region, "Updating", ["Replicating", 3], {
      seconds: 190,
    });
    expect(between.happened).toBe("nothing");
    expect(between.region.unconfirmed).toEqual({
      state: "Replicating",
      since: time(190),
    });
  });

  test("a region is not gone before it was sent, nor while ARM works", () => {
    for (const [before, state] of [
      [{ ...base, attempts: 0 }, "Succeeded"],
      [base, "Updating"],
    ] as const)
      expect(twice(before, state, undefined, {}, gone)).toEqual({
        region: before,
        happened: "nothing",
        resumed: false,
      });
  });

  test("a region that ARM has and says nothing of yet is not gone", () => {
    expect(twice(base, "Updating", undefined).region.state).toBe("Replicating");
  });
});

describe("invariant 3: progress never goes back", () => {
  test("a region that replicates, shown Unknown for a look, replicates still: nothing is told of it twice", () => {
    const change = seen(base, "Updating", ["Unknown", 0]);
    expect(change).toMatchObject({
      happened: "nothing",
      region: { state: "Replicating", progress: 40 },
    });
    expect(seen(change.region, "Updating", ["Replicating", 12]).happened).toBe("nothing");
  });

  test("by a look that shows less", () => {
    const change = seen(base, "Updating", ["Replicating", 10]);
    expect(change.region.progress).toBe(40);
    expect(change.happened).toBe("nothing");
  });

  test("unless the region is begun anew", () => {
    expect(seen(failed, "Updating", ["Replicating", 10]).region.progress).toBe(10);
    expect(twice(completed, "Updating", ["Replicating", 10]).region.progress).toBe(0);
  });
});

describe("invariant 4: progress is told by steps", () => {
  const shown = (
    before: RegionRecord,
    progress: number,
    seconds: number,
  ): ReturnType<typeof seen> => seen(before, "Updating", ["Replicating", progress], { seconds });
  const unknown: RegionRecord = { ...base, state: "Unknown", progress: 0 };

  test("as it begins, then at each quarter", () => {
    const told: number[] = [];
    let region = unknown;
    for (let progress = 3; progress < 80; progress += 3) {
      const change = shown(region, progress, progress);
      region = change.region;
      expect(region.progress).toBe(progress);
      if (change.happened === "regionReplicating") told.push(progress);
    }
    expect(told).toEqual([3, 27, 51, 75]);
    expect(region.published).toEqual({ progress: 75, time: time(75) });
  });

  test("and less than a step once it was not told for ten minutes", () => {
    const { region } = shown(unknown, 1, 0);
    expect(shown(region, 2, 599).happened).toBe("nothing");
    expect(shown(region, 2, 600).happened).toBe("regionReplicating");
    expect(shown(region, 1, 600).happened).toBe("nothing");
  });

  test("anew once it has failed and goes on", () => {
    const { region } = shown(unknown, 15, 0);
    expect(shown({ ...region, state: "Failed" }, 16, 60).happened).toBe("regionReplicating");
  });
});

describe("invariant 5: a region is Failed", () => {
  test("when ARM says so of it, though it goes on with the whole", () => {
    expect(twice(base, "Updating", ["Failed", 40]).happened).toBe("regionFailed");
  });

  test.each([["Replicating"], ["Unknown"]] as const)(
    "when ARM has given the version up and it stands still in %s",
    (state) => {
      const failure = { message: "The key is disabled." };
      const change = twice(base, "Failed", [state, 40], { failure });
      expect(change.happened).toBe("regionFailed");
      expect(change.region.details).toBe("The key is disabled.");
    },
  );

  test("and not when another has failed and it goes on", () => {
    const first = seen(base, "Failed", ["Replicating", 50]);
    expect(first.happened).toBe("regionReplicating");
    const second = seen(first.region, "Failed", ["Replicating", 75], {
      seconds: 300,
    });
    expect(second.happened).toBe("regionReplicating");
  });

  test("and is not told Failed again", () => {
    for (const shown of [
      ["Failed", 40],
      ["Replicating", 40],
    ] as const)
      expect(twice(failed, "Failed", shown).happened).toBe("nothing");
  });

  test("and Completed where it has its copy, though the whole has failed", () => {
    expect(seen(base, "Failed", ["Completed", 100]).happened).toBe("regionCompleted");
  });
});

describe("a region of which ARM says nothing", () => {
  const shallow = {
    changes: { "/properties/publishingProfile/replicationMode": "Shallow" },
  };

  test("has what the whole has", () => {
    expect(seen(base, "Succeeded", undefined).happened).toBe("regionCompleted");
    expect(seen(base, "Updating", undefined).happened).toBe("nothing");
  });

  test("has what the whole has in a shallow version, too, beside others that are shown", () => {
    const [change] = observeRegions(
      recordOf(base),
      lookOf("Succeeded", { westus: ["Completed", 100] }, shallow),
      undefined,
      true,
      at(60),
    );
    expect(change?.happened).toBe("regionCompleted");
  });

  test("waits where others are shown", () => {
    const [change] = observeRegions(
      recordOf(base),
      lookOf("Succeeded", { westus: ["Completed", 100] }),
      undefined,
      true,
      at(60),
    );
    expect(change?.happened).toBe("nothing");
  });
});

describe("invariant 6: a region whose copy the last write changes", () => {
  const { completedTime: _, ...anew } = completed;
  const recopied: RegionRecord = {
    ...anew,
    state: "Unknown",
    recopying: "sent",
  };
  const three = { [`${EAST}/regionalReplicaCount`]: 3 };
  const shown = ["Completed", 100] as const;

  test("is not Completed by what it had before", () => {
    const asks = { asks: three };
    expect(seen(recopied, "Succeeded", shown, asks).happened).toBe("nothing");
  });

  test("is not Completed while ARM works on it", () => {
    const { region, happened } = seen(
      recopied,
      "Updating",
      shown,
      { asks: three },
      { changes: three },
    );
    expect(happened).toBe("nothing");
    expect(region.recopying).toBe("begun");
  });

  test("is Completed once ARM was seen at work on it and is idle again", () => {
    const { happened } = seen(
      { ...recopied, recopying: "begun" },
      "Succeeded",
      shown,
      {},
      { changes: three },
    );
    expect(happened).toBe("regionCompleted");
  });

  test("else at the second look", () => {
    const { region, happened } = seen(recopied, "Succeeded", shown, {}, { changes: three });
    expect(happened).toBe("nothing");
    expect(seen(region, "Succeeded", shown, { seconds: 299 }, { changes: three }).happened).toBe(
      "nothing",
    );
    expect(seen(region, "Succeeded", shown, { seconds: 300 }, { changes: three }).happened).toBe(
      "regionCompleted",
    );
  });
});

describe("a look that is no fact", () => {
  const unsure = { isFact: false };

  test("counts for a step forward", () => {
    expect(seen(base, "Succeeded", ["Completed", 100], unsure).happened).toBe("regionCompleted");
  });

  test("counts for no step back, however often it comes", () => {
    expect(twice(completed, "Failed", ["Failed", 10], unsure)).toMatchObject({
      happened: "nothing",
      region: completed,
    });
  });

  test("of another life says nothing of the region", () => {
    expect(
      seen(base, "Succeeded", ["Completed", 100], unsure, {
        publishedDate: time(9_000),
      }).happened,
    ).toBe("nothing");
  });
});

test("a region that is taken away for repair is not judged", () => {
  const repairs = { eastus2: { attempts: 0, removed: {} } };
  expect(
    twice(
      failed,
      "Succeeded",
      undefined,
      { repairs },
      {
        changes: { [EAST]: null },
      },
    ).happened,
  ).toBe("nothing");
});

describe("a region that makes no progress", () => {
  const AFTER = 7_200;

  test("is told to be stalled once, and to go on once", () => {
    const still = seen(base, "Updating", ["Replicating", 40], {
      seconds: AFTER - 1,
    });
    expect(still.happened).toBe("nothing");
    const stalled = seen(base, "Updating", ["Replicating", 40], {
      seconds: AFTER,
    });
    expect(stalled.happened).toBe("regionStalled");
    expect(stalled.region.stalledTime).toBe(time(AFTER));
    const again = seen(stalled.region, "Updating", ["Replicating", 40], {
      seconds: AFTER * 2,
    });
    expect(again).toMatchObject({ happened: "nothing", resumed: false });
    expect(again.region.stalledTime).toBe(time(AFTER));
    const resumed = seen(again.region, "Updating", ["Replicating", 41], {
      seconds: AFTER * 2 + 1,
    });
    expect(resumed).toMatchObject({ happened: "regionReplicating", resumed: true });
    expect(resumed.region).not.toHaveProperty("stalledTime");
  });

  const known = (ends: number, p90Seconds: number): RegionRecord => ({
    ...base,
    begunTime: time(0),
    usual: { p50Seconds: p90Seconds / 2, p90Seconds, ends },
  });
  test.each([
    ["earlier, where copies usually take less", 5, 1_200, 1_201, "regionStalled"],
    ["not before nine of ten copies were done", 5, 1_200, 1_199, "nothing"],
    ["not before ten minutes without progress", 5, 60, 599, "nothing"],
    ["later, where copies usually take more", 20, 18_000, AFTER, "nothing"],
    ["as is set, where too few copies are known", 4, 60, AFTER, "regionStalled"],
    ["and not before", 4, 60, AFTER - 1, "nothing"],
  ] as const)(
    "is stalled by that region's own past: %s",
    (_, ends, p90Seconds, seconds, happened) => {
      expect(
        seen(known(ends, p90Seconds), "Updating", ["Replicating", 40], {
          seconds,
        }).happened,
      ).toBe(happened);
    },
  );

  test("and then fails is not told to go on", () => {
    const stalled = { ...base, stalledTime: time(0) };
    expect(twice(stalled, "Updating", ["Failed", 40])).toMatchObject({
      happened: "regionFailed",
      resumed: false,
    });
  });

  test("is not stalled once it has its copy", () => {
    expect(seen(completed, "Updating", ["Completed", 100], { seconds: AFTER }).happened).toBe(
      "nothing",
    );
  });
});

test("a region that has no copy yet stalls, too", () => {
  const before = { ...base, state: "Unknown", progress: 0 } as const;
  const { happened } = seen(before, "Creating", ["Unknown", 0], {
    seconds: 7_200,
  });
  expect(happened).toBe("regionStalled");
});

test("a region that ARM begins to copy has moved, though no part is there", () => {
  const before = { ...base, state: "Unknown", progress: 0 } as const;
  const { happened, region } = seen(before, "Creating", ["Replicating", 0]);
  expect(happened).toBe("regionReplicating");
  expect(region.lastProgressTime).toBe(time(60));
});

test("a region that ARM takes up again without a copy has made no progress", () => {
  const { happened, region } = seen(failed, "Updating", ["Unknown", 0]);
  expect(happened).toBe("nothing");
  expect(region).toMatchObject({ state: "Unknown", attempts: 2 });
});

test("what comes next for a region is said as long as it has failed", () => {
  const next = { nextAttemptTime: time(400), waitReason: "It has failed." };
  const before = { ...failed, ...next };
  const still = seen(before, "Failed", ["Failed", 40]).region;
  expect(still).toMatchObject(next);
  const recovered = seen(before, "Updating", ["Replicating", 1]).region;
  expect(recovered).not.toHaveProperty("nextAttemptTime");
  expect(recovered).not.toHaveProperty("waitReason");
  const alone = seen(failed, "Failed", ["Failed", 40]).region;
  expect(Object.keys(alone)).toEqual(expect.not.arrayContaining(Object.keys(next)));
});

test("a region that has failed and is gone is not told again", () => {
  const gone = { changes: { [EAST]: null } };
  expect(twice(failed, "Succeeded", undefined, {}, gone)).toEqual({
    region: failed,
    happened: "nothing",
    resumed: false,
  });
});

test("what ARM says of a region is kept as long as it says so", () => {
  const change = seen(base, "Updating", ["Replicating", 40, "Waiting."]);
  expect(change.region.details).toBe("Waiting.");
  expect(seen(change.region, "Updating", ["Replicating", 41]).region).not.toHaveProperty("details");
});

test("what is asked of a region hides what Azure shows of it from when it is sent until that is shown", () => {
  const asks = { [`${EAST}/regionalReplicaCount`]: 3 };
  const happened = (given: Given) => seen(base, "Succeeded", ["Completed", 100], given).happened;
  expect(happened({ asks })).toBe("regionCompleted");
  expect(happened({ asks, sent: true })).toBe("nothing");
});
