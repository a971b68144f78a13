import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  candidatesOf,
  isPromoted,
  isUnsettled,
  latestBetween,
  latestOf,
  lostOf,
  usableRegions,
  type Candidate,
} from "../../../../src/image-version/latest/latest-after.js";

interface Listed {
  readonly state?: string;
  readonly excluded?: boolean;
  readonly excludedIn?: readonly string[];
  readonly ready?: readonly string[];
}

/** A version in West US and East US 2, as Azure lists it. */
function candidate(
  name: string,
  { state = "Succeeded", excluded, excludedIn = [], ready }: Listed = {},
): Candidate {
  return {
    name,
    provisioningState: state,
    resource: {
      location: "westus",
      properties: {
        storageProfile: {},
        publishingProfile: {
          ...(excluded !== undefined && { excludeFromLatest: excluded }),
          targetRegions: ["West US", "East US 2"].map((region) => ({
            name: region,
            ...(excludedIn.includes(region) && { excludeFromLatest: true }),
          })),
        },
      },
    },
    ...(ready !== undefined && { readyRegions: ready }),
  };
}

describe("a version may be used without its number", () => {
  const BOTH = ["westus", "eastus2"];

  test.each<[string, Listed, string[]]>([
    ["in each of its regions", {}, BOTH],
    ["in none where it is excluded from latest", { excluded: true }, []],
    ["in each where it says in so many words that it is not", { excluded: false }, BOTH],
    ["not in a region that is excluded", { excludedIn: ["West US"] }, ["eastus2"]],
    ["in none while it is deleted", { state: "Deleting", ready: BOTH }, []],
    ["in none while ARM works on it and no region is known to be ready", { state: "Updating" }, []],
    [
      "where it is ready already, while its others replicate",
      { state: "Creating", ready: ["westus"] },
      ["westus"],
    ],
    [
      "where it is ready, though the whole has failed",
      { state: "Failed", ready: ["eastus2"] },
      ["eastus2"],
    ],
    ["not in a region that it is not in", { ready: ["westus", "japaneast"] }, ["westus"]],
  ])("%s", (_, listed, regions) => {
    expect(usableRegions(candidate("1.0.0", listed))).toEqual(regions);
  });
});

test.each([
  ["Creating", true],
  ["Updating", true],
  ["Failed", true],
  ["Succeeded", false],
  ["Deleting", false],
])(
  "whether a region of a version in %s is ready is only known by its replication: %s",
  (state, is) => {
    expect(isUnsettled({ provisioningState: state })).toBe(is);
  },
);

describe("the latest", () => {
  const asListed = (one: Candidate): Promise<readonly string[]> =>
    Promise.resolve(usableRegions(one));
  const latest = async (...candidates: Candidate[]) => {
    const { version, inRegion } = await latestOf(candidates, asListed);
    return { version, ...Object.fromEntries(inRegion) };
  };

  test("is the highest number, not the last that was made", async () => {
    expect(await latest(candidate("1.10.0"), candidate("1.9.0"), candidate("1.2.30"))).toEqual({
      version: "1.10.0",
      westus: "1.10.0",
      eastus2: "1.10.0",
    });
  });

  test("is the highest that is not excluded", async () => {
    expect(await latest(candidate("99.0.0", { excluded: true }), candidate("1.0.0"))).toMatchObject(
      { version: "1.0.0" },
    );
  });

  test("is in a region the highest that is ready there", async () => {
    expect(
      await latest(
        candidate("1.0.0"),
        candidate("1.0.1", { state: "Updating", ready: ["eastus2"] }),
        candidate("1.0.2", { state: "Creating" }),
      ),
    ).toEqual({ version: "1.0.1", westus: "1.0.0", eastus2: "1.0.1" });
  });

  test("is none where nothing is ready and not excluded", async () => {
    expect(await latest(candidate("1.0.0", { state: "Creating" }))).toEqual({
      version: undefined,
    });
    expect(await latestOf([], asListed)).toEqual({ inRegion: new Map() });
  });

  test("is found by as few looks as can be: none at what is excluded, or has a higher one in each of its regions", async () => {
    const looked: string[] = [];
    const { inRegion } = await latestOf(
      [
        candidate("1.0.0"),
        candidate("1.0.1"),
        candidate("1.0.2"),
        candidate("1.0.3", { excluded: true }),
        candidate("1.0.4", { state: "Deleting" }),
      ],
      (one) => {
        looked.push(one.name);
        return Promise.resolve(one.name === "1.0.2" ? ["westus"] : ["eastus2"]);
      },
    );
    expect(Object.fromEntries(inRegion)).toEqual({
      westus: "1.0.2",
      eastus2: "1.0.1",
    });
    expect(looked).toEqual(["1.0.2", "1.0.1"]);
  });
});

test("a region loses its latest where it had one and then has none", () => {
  const latest = (...inRegion: [string, string][]) => ({
    inRegion: new Map(inRegion),
  });
  const changes = latestBetween(
    latest(["westus", "2.0.0"], ["eastus2", "2.0.0"]),
    latest(["uksouth", "1.0.0"], ["westus", "1.0.0"]),
  );
  expect(changes).toEqual([
    { region: "eastus2", from: "2.0.0" },
    { region: "uksouth", to: "1.0.0" },
    { region: "westus", from: "2.0.0", to: "1.0.0" },
  ]);
  expect(lostOf(changes)).toEqual([{ region: "eastus2", from: "2.0.0" }]);
});

describe("the candidates for the latest", () => {
  const versionAt = fc
    .record({
      state: fc.constantFrom("Succeeded", "Creating", "Updating", "Deleting"),
      excluded: fc.boolean(),
      excludedIn: fc.subarray(["West US", "East US 2"]),
      ready: fc.subarray(["westus", "eastus2"]),
    })
    .map((listed) => (name: string) => candidate(name, listed));
  const versions = fc
    .array(versionAt, { maxLength: 12 })
    .map((all) => all.map((make, i) => make(`1.0.${i}`)));
  const usable = (item: Candidate): Promise<readonly string[]> =>
    Promise.resolve(
      usableRegions({
        ...item,
        readyRegions: isUnsettled(item) ? (item.readyRegions ?? []) : undefined,
      }),
    );

  test("have the latest of the whole list, also where one of it is otherwise than listed", () =>
    fc.assert(
      fc.asyncProperty(versions, fc.nat(), versionAt, async (listed, at, otherwise) => {
        const candidates = candidatesOf(listed);
        expect(await latestOf(candidates, usable)).toEqual(await latestOf(listed, usable));
        const { name = "" } = listed[at % Math.max(1, listed.length)] ?? {};
        if (name === "") return;
        const own = otherwise(name);
        const others = (all: readonly Candidate[]) => all.filter((item) => item.name !== name);
        expect(await latestOf([...others(candidates), own], usable)).toEqual(
          await latestOf([...others(listed), own], usable),
        );
      }),
      { numRuns: 500 },
    ));

  test("are few, however many are listed", () => {
    const listed = Array.from({ length: 1_000 }, (_, i) => candidate(`1.0.${i}`));
    expect(candidatesOf(listed).map(({ name }) => name)).toEqual(["1.0.999", "1.0.998"]);
  });
});

test.each([
  [{}, true],
  [{ excludedIn: ["West US"] }, true],
  [{ excludedIn: ["West US", "East US 2"] }, false],
  [{ excluded: true, ready: ["westus"] }, false],
])("a version of which is said %o is in latest somewhere: %s", (listed, is) => {
  expect(isPromoted(candidate("1.0.0", listed))).toBe(is);
});
