import { expect, test } from "vitest";
import type { components } from "../../../src/generated/openapi.js";
import { latestChanges } from "../../../src/page/src/latest.js";

type Summary = components["schemas"]["ImageVersionSummary"];
type Region = components["schemas"]["RegionSummary"];

function version(
  name: string,
  regions: Readonly<Record<string, Partial<Region>>>,
  rest: Partial<Summary> = {},
): Summary {
  return {
    name,
    managedBy: "Sigil",
    provisioningState: "Succeeded",
    latest: false,
    excludeFromLatest: false,
    regions: Object.entries(regions).map(([region, state]) => ({
      name: region,
      state: "Completed",
      progress: 100,
      latest: false,
      excludeFromLatest: rest.excludeFromLatest ?? false,
      encryptionType: "EncryptionAtRestWithPlatformKey",
      diskEncryptionSets: [],
      ...state,
    })),
    ...rest,
  };
}

const VERSIONS = [
  version(
    "3.0.0",
    { westus: {}, eastus: { state: "Replicating" } },
    { excludeFromLatest: true },
  ),
  version("2.0.0", { westus: { latest: true } }),
  version("1.0.0", { westus: {}, eastus: { latest: true } }),
];

test("a version that is included is the latest where it is ready, and where none is higher", () => {
  expect(latestChanges(VERSIONS, "3.0.0", "included")).toEqual([
    { region: "westus", from: "2.0.0", to: "3.0.0" },
  ]);
});

test("one that is excluded or deleted leaves each region to the next that is ready there, or to none", () => {
  expect(latestChanges(VERSIONS, "2.0.0", "excluded")).toEqual([
    { region: "westus", from: "2.0.0", to: "1.0.0" },
  ]);
  expect(latestChanges(VERSIONS, "1.0.0", "deleted")).toEqual([
    { region: "eastus", from: "1.0.0", to: undefined },
  ]);
});

test("nothing changes where it was not the latest, or is excluded in the region alone", () => {
  expect(latestChanges(VERSIONS, "3.0.0", "deleted")).toEqual([]);
  const [first = version("0.0.0", {}), ...others] = VERSIONS;
  const held = {
    ...first,
    excludeFromLatest: false,
    regions: first.regions.map((region) => ({
      ...region,
      excludeFromLatest: true,
    })),
  };
  expect(latestChanges([held, ...others], "3.0.0", "included")).toEqual([]);
});

test("one that is the latest in a region is ready there, also where others work on it and its regions are not known", () => {
  const others = version(
    "4.0.0",
    {
      westus: { state: "Unknown", latest: true },
      eastus: { state: "Unknown" },
    },
    { managedBy: "Others", provisioningState: "Updating" },
  );
  const versions = [
    others,
    version("3.0.0", { westus: {}, eastus: { latest: true } }),
    version("2.0.0", { westus: {}, eastus: {} }),
  ];
  expect(latestChanges(versions, "2.0.0", "deleted")).toEqual([]);
  expect(latestChanges(versions, "4.0.0", "excluded")).toEqual([
    { region: "westus", from: "4.0.0", to: "3.0.0" },
  ]);
});
