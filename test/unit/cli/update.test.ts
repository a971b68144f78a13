import { describe, expect, it } from "vitest";
import { mergePatch, updateOf, type Update } from "../../../src/cli/src/az/update.js";
import { optionsOf, SUBSCRIPTION, VERSION } from "./command-line.js";

const PLACE = {
  subscriptionId: SUBSCRIPTION,
  resourceGroupName: "MyResourceGroup",
};
const update = (line: string, version: object = VERSION): Update =>
  updateOf(
    version as Parameters<typeof updateOf>[0],
    optionsOf("image-version update", line),
    PLACE,
  );
const { targetRegions } = VERSION.properties.publishingProfile;
const profile = (publishingProfile: object): object => ({
  properties: { publishingProfile },
});

describe("az's generic update, as a merge patch", () => {
  it.each([
    ["--set publishingProfile.excludeFromLatest=true", profile({ excludeFromLatest: true })],
    ["--set tags.build=2 tags.team=images", { tags: { build: "2", team: "images" } }],
    [
      "--set publishingProfile.targetRegions[name=eastus2].regionalReplicaCount=3",
      profile({
        targetRegions: [targetRegions[0], { ...targetRegions[1], regionalReplicaCount: 3 }],
      }),
    ],
    [
      "--add publishingProfile.targetRegions name=westcentralus regionalReplicaCount=3 excludeFromLatest=true",
      profile({
        targetRegions: [
          ...targetRegions,
          {
            name: "westcentralus",
            regionalReplicaCount: 3,
            excludeFromLatest: true,
          },
        ],
      }),
    ],
    ["--remove publishingProfile.endOfLifeDate", profile({ endOfLifeDate: null })],
    ["--remove tags.build", { tags: { build: null } }],
    ["--set sigil.protected=true", { sigil: { protected: true } }],
    ["--tags ''", { tags: { build: null } }],
    [
      "--allow-replicated-location-deletion --replica-count 2",
      {
        properties: {
          publishingProfile: { replicaCount: 2 },
          safetyProfile: { allowDeletionOfReplicatedLocations: true },
        },
      },
    ],
    ["--set publishingProfile.targetRegions[name=westus].regionalReplicaCount=2", {}],
  ])("%s", (line, patch) => {
    expect(update(line)).toEqual({ patch, removedRegions: [] });
  });

  it("replaces the regions, keeps the keys of one that stays, and says which it removes", () => {
    expect(update("--target-regions westus=3 westcentralus")).toEqual({
      patch: profile({
        targetRegions: [
          {
            name: "westus",
            regionalReplicaCount: 3,
            encryption: targetRegions[0].encryption,
          },
          { name: "westcentralus" },
        ],
      }),
      removedRegions: ["eastus2"],
    });
  });

  it.each([true, false])(
    "leaves a region that stays in latest or out of it: excludeFromLatest %s",
    (excludeFromLatest) => {
      const [west, east] = targetRegions;
      const heldBack = {
        ...VERSION,
        properties: {
          ...VERSION.properties,
          publishingProfile: {
            targetRegions: [west, { ...east, excludeFromLatest }],
          },
        },
      };
      expect(update("--target-regions westus=2 eastus2=3", heldBack)).toEqual({
        patch: profile({
          targetRegions: [
            { ...west, name: "westus" },
            {
              ...east,
              name: "eastus2",
              regionalReplicaCount: 3,
              excludeFromLatest,
            },
          ],
        }),
        removedRegions: [],
      });
    },
  );

  it.each(["--remove publishingProfile.targetRegions eastus2", "--remove-regions EastUS2"])(
    "%s removes the region by its name",
    (line) => {
      expect(update(line)).toEqual({
        patch: profile({ targetRegions: [targetRegions[0]] }),
        removedRegions: ["eastus2"],
      });
    },
  );

  it.each([
    [
      "--remove publishingProfile.targetRegions 1",
      "uses an index, which means another entry after a change",
    ],
    [
      "--set publishingProfile.targetRegions[1].regionalReplicaCount=3",
      "targetRegions[name=eastus2]",
    ],
    ["--remove publishingProfile.targetRegions", "would remove every region"],
    [
      "--remove publishingProfile.targetRegions uksouth",
      "there is no uksouth in publishingProfile.targetRegions. It has West US, East US 2.",
    ],
    ["--add publishingProfile.targetRegions name=westus", "the version has westus already"],
    [
      "--set properties.publishingProfile.excludeFromLatest=true",
      'paths are az\'s, without "properties"',
    ],
    ["--set excludeFromLatest", "--set takes path=value"],
    ["--set __proto__.polluted=1", 'there is no "__proto__"'],
    ["--set constructor.prototype.polluted=1", 'there is no "constructor"'],
  ])("%s is refused", (line, message) => {
    expect(() => update(line)).toThrow(message);
  });
});

it("a merge patch replaces lists, and removes with null", () => {
  expect(mergePatch({ a: [1], b: { c: 1, d: 2 }, e: 1 }, { a: [1, 2], b: { c: 1 }, e: 1 })).toEqual(
    { a: [1, 2], b: { d: null } },
  );
});
