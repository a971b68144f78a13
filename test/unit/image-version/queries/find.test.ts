import { expect, test } from "vitest";
import {
  find,
  foundIn,
  isNamed,
  readShown,
  shownText,
  withSeen,
  type Found,
  type VersionFilters,
} from "../../../../src/image-version/queries/find.js";
import { replicating, succeeded } from "../../../support/transitions.js";

const NOW = new Date("2026-06-01T00:00:00Z");
type State = Found["regions"][number]["state"];

function version(states: Readonly<Record<string, State>>, more: Partial<Found> = {}): Found {
  return {
    managedBy: "Sigil",
    provisioningState: "Succeeded",
    regions: Object.entries(states).map(([name, state]) => ({
      name,
      state,
      excludeFromLatest: false,
    })),
    ...more,
  };
}

/** The numbers of those that match, each with where it is the latest. */
const found = (versions: Readonly<Record<string, Found>>, filters: VersionFilters = {}) =>
  find("/images/I", new Map(Object.entries(versions)), filters, NOW).map(
    ({ id, latestIn }) => `${id.split("/").at(-1)} ${latestIn.join(",")}`,
  );

test("the latest of a region is the highest that is ready there; none is known above what was not seen", () => {
  const versions = {
    "1.9.0": version({ westus: "Completed", eastus2: "Completed", northeurope: "Completed" }),
    "1.10.0": version({ westus: "Completed", eastus2: "Replicating", northeurope: "Unknown" }),
  };
  expect(found(versions)).toEqual(["1.10.0 westus", "1.9.0 eastus2"]);
  expect(found(versions, { latest: true })).toEqual(["1.10.0 westus", "1.9.0 eastus2"]);
  expect(found(versions, { latestIn: "East US 2" })).toEqual(["1.9.0 eastus2"]);
  expect(found(versions, { latest: false })).toEqual([]);
  expect(found(versions, { latestIn: "northeurope" })).toEqual([]);
});

test("what is held back or being deleted is the latest nowhere", () => {
  const regions = [{ name: "westus", state: "Completed" as const, excludeFromLatest: true }];
  const versions = {
    "3.0.0": version({ westus: "Completed" }, { provisioningState: "Deleting" }),
    "2.0.0": version({}, { regions }),
    "1.0.0": version({ westus: "Completed" }),
  };
  expect(found(versions)).toEqual(["3.0.0 ", "2.0.0 ", "1.0.0 westus"]);
});

test.each<[VersionFilters, boolean]>([
  [{ version: "1.*" }, true],
  [{ version: "2.*" }, false],
  [{ in: "West US" }, true],
  [{ in: "eastus2" }, false],
  [{ notIn: "eastus2" }, true],
  [{ notIn: "West US" }, false],
  [{ olderThan: "P30D" }, true],
  [{ olderThan: "P60D" }, false],
  [{ endOfLifeBefore: "2027-03-02T00:00:00Z" }, true],
  [{ endOfLifeBefore: "2027-03-01T00:00:00Z" }, false],
  [{ tag: "Team=a=b" }, true],
  [{ tag: "team=A=b" }, false],
  [{ in: "westus", notIn: "westus" }, false],
])("%j", (filters, matches) => {
  const one = version(
    { westus: "Replicating" },
    {
      publishedDate: "2026-04-15T00:00:00Z",
      endOfLifeDate: "2027-03-01T00:00:00Z",
      tags: { team: "a=b" },
    },
  );
  expect(found({ "1.0.0": one }, filters)).toHaveLength(matches ? 1 : 0);
});

test("without a date or tags a version is neither old nor tagged", () => {
  const one = { "1.0.0": version({ westus: "Completed" }) };
  expect(found(one, { olderThan: "P0D" })).toEqual([]);
  expect(found(one, { endOfLifeBefore: "2099-01-01T00:00:00Z" })).toEqual([]);
  expect(found(one, { tag: "team=" })).toEqual([]);
});

test.each([
  ["golden-rhel9", "golden-*", true],
  ["Golden-rhel9", "*RHEL*", true],
  ["golden", "golden*", true],
  ["golden", "golden", true],
  ["golden2", "golden", false],
  ["ab", "ab*b", false],
  ["abb", "ab*b", true],
  ["axbxc", "a*b*c", true],
  ["axcxb", "a*b*c", false],
])("%s, %s: %s", (name, pattern, matches) => {
  expect(isNamed(name, pattern)).toBe(matches);
});

test("a copy says what its record says; there is none while an operation is open, or with long tags", () => {
  const { record } = succeeded();
  const one = foundIn(record);
  expect(one?.regions.map(({ state }) => state)).toContain("Completed");
  expect(one?.seenTime).toBeDefined();
  expect(readShown(shownText(record))?.found).toEqual(one);
  expect(shownText(replicating().record)).toBeUndefined();
  expect(readShown('{"form":0}')).toBeUndefined();
  const { status } = record;
  const tags = { long: "x".repeat(512) };
  expect(
    status &&
      shownText({ ...record, status: { ...status, resource: { ...status.resource, tags } } }),
  ).toBeUndefined();
});

test("regions that nobody looked at are Unknown, without a time", () => {
  const { record } = succeeded();
  const { status } = record;
  const one = status && foundIn({ ...record, status: { ...status, regions: [] } });
  expect(one?.seenTime).toBeUndefined();
  expect(one?.regions.every(({ state }) => state === "Unknown")).toBe(true);
});

test("a newer look at the same version wins, an older one and one at another life do not", () => {
  const publishedDate = "2026-04-15T00:00:00Z";
  const one = version({ westus: "Completed" }, { publishedDate, seenTime: "2026-05-01T00:00:00Z" });
  const seen = (time: string, published = publishedDate) =>
    withSeen(one, {
      time,
      publishedDate: published,
      regions: [{ name: "westus", state: "Failed", progress: 0 }],
    }).regions[0]?.state;
  expect(seen("2026-05-02T00:00:00Z")).toBe("Failed");
  expect(seen("2026-04-30T00:00:00Z")).toBe("Completed");
  expect(seen("2026-05-02T00:00:00Z", "2026-05-01T12:00:00Z")).toBe("Completed");
});
