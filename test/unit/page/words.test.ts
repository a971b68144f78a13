/** Names, times and lines as people read them. */
import { expect, it } from "vitest";
import { shellWord, versionWords } from "../../../src/page/src/command-line.js";
import { dueText, shortTime } from "../../../src/page/src/times.js";
import { changeTexts, turnedTexts } from "../../../src/page/src/change-text.js";
import { whoText } from "../../../src/page/src/who-text.js";
import { geographiesOf, namesText } from "../../../src/page/src/geography.js";
import { differencesOf } from "../../../src/page/src/image/differences.js";

const at = (text: string): number => new Date(text).getTime();
const NOW = at("2026-06-01T12:00:00");

it.each([
  ["2026-06-01T09:12:00", "09:12"],
  ["2026-05-31T09:12:00", "Yesterday 09:12"],
  ["2026-06-02T09:12:00", "Tomorrow 09:12"],
  ["2026-03-09T09:12:00", "9 Mar"],
  ["2027-11-30T09:12:00", "30 Nov 2027"],
])("%s is %s", (time, short) => {
  expect(shortTime(at(time), NOW)).toBe(short);
});

it("what is late is not said to have come", () => {
  expect(dueText("2026-06-01T12:04:00", NOW)).toBe("about 12:04");
  expect(dueText("2026-06-01T11:59:45", NOW)).toBe("overdue");
});

it.each([
  [{ policy: "rollout", name: "x" }, "Rollout rule"],
  [{ policy: "retention" }, "Retention policy"],
  [{ name: "release manager", objectId: "1" }, "release manager"],
  [{ appId: "00000000-0000-0000-0000-00000f1e2d3c" }, "application 0f1e2d3c"],
  [{ objectId: "00000000-0000-0000-0000-00000f1e2d3c" }, "person 0f1e2d3c"],
  [undefined, "unknown"],
])("%j is %s", (requester, name) => {
  expect(whoText(requester)).toBe(name);
});

it("regions are shown by where they are", () => {
  const regions =
    "westus3 northcentralus canadaeast brazilsoutheast mexicocentral northeurope swedencentral uksouth uaenorth southafricanorth southindia eastasia australiaeast mars";
  expect(
    geographiesOf(regions.split(" ")).map(({ name, regions: those }) => [name, those.join(" ")]),
  ).toEqual([
    ["Americas", "brazilsoutheast canadaeast mexicocentral northcentralus westus3"],
    ["Europe", "northeurope swedencentral uksouth"],
    ["Middle East, Africa", "southafricanorth uaenorth"],
    ["Asia Pacific", "australiaeast eastasia southindia"],
    ["Elsewhere", "mars"],
  ]);
});

it("many names are cut", () => {
  expect(namesText(["a", "b", "c"])).toBe("a, b, c");
  expect(namesText(["a", "b", "c", "d", "e"])).toBe("a, b, and 3 more");
});

it("a line is as a shell takes it", () => {
  expect(shellWord("it's")).toBe(`'it'\\''s'`);
  const image = {
    subscriptionId: "s",
    resourceGroupName: "my (group)",
    galleryName: "g",
    imageName: "i",
  };
  expect(versionWords(image, "1.0.0").map(shellWord).join(" ")).toBe(
    "--subscription s -g 'my (group)' -r g -i i -e 1.0.0",
  );
});

const REGIONS = "/properties/publishingProfile/targetRegions";

it("changes are sentences, and name regions as the request has them", () => {
  const added = {
    name: "eastus2",
    regionalReplicaCount: 2,
    encryption: {
      osDiskImage: {
        diskEncryptionSetId: "/subscriptions/s/diskEncryptionSets/east",
      },
    },
  };
  expect(
    changeTexts(
      [
        { pointer: `${REGIONS}/1/regionalReplicaCount`, before: 1, after: 3 },
        { pointer: `${REGIONS}/2`, after: added },
        { pointer: REGIONS, before: "uksouth" },
        { pointer: "/tags/b~1c", before: "2" },
        {
          pointer: "/properties/publishingProfile/endOfLifeDate",
          after: "2030-01-01",
        },
      ],
      ["westus", "westus3", "eastus2"],
    ),
  ).toEqual([
    "Replicas in westus3 was 1, becomes 3.",
    "eastus2 is added: replicas 2, disk encryption set east.",
    "uksouth is removed.",
    "Tag b/c is removed; it was 2.",
    "End of life becomes 2030-01-01.",
  ]);
});

it("what is pending names regions as they will be", () => {
  expect(
    changeTexts(
      [
        { pointer: REGIONS, before: "uksouth" },
        { pointer: `${REGIONS}/1/name`, after: "eastus2" },
        { pointer: `${REGIONS}/1/regionalReplicaCount`, after: 2 },
        { pointer: `${REGIONS}/0/regionalReplicaCount`, before: 1, after: 2 },
      ],
      ["uksouth", "westus"],
    ),
  ).toEqual([
    "uksouth is removed.",
    "eastus2 is added.",
    "Replicas in eastus2 becomes 2.",
    "Replicas in westus was 1, becomes 2.",
  ]);
});

it("what others have changed is said before and after", () => {
  const targetRegions = (count: number, name = "westus") => ({
    publishingProfile: {
      targetRegions: [{ name, regionalReplicaCount: count }],
    },
  });
  expect(
    turnedTexts(
      { tags: { cost: null, "a/b": "1" }, properties: targetRegions(1) },
      {
        tags: { cost: "42", "a/b": "1" },
        properties: targetRegions(2, "West US"),
      },
    ),
  ).toEqual(["Tag cost was absent, is 42.", "Replicas in westus was 1, is 2."]);
});

it("two versions differ in what one would ask of them", () => {
  const version = (regions: number, set: string, rule?: object) =>
    ({
      properties: {
        publishingProfile: {
          targetRegions: [],
          excludeFromLatest: rule !== undefined,
        },
        storageProfile: { source: { id: "/images/a" } },
      },
      sigil: {
        latestIn: [],
        promotion: rule,
        regions: Array.from({ length: regions }, (_, index) => ({
          name: `r${index}`,
          encryption: {
            osDiskImage: {
              type: "EncryptionAtRestWithCustomerKey",
              diskEncryptionSetId: `/sets/${set}`,
            },
            dataDiskImages: [],
          },
        })),
      },
    }) as unknown as Parameters<typeof differencesOf>[0];
  expect(differencesOf(version(1, "a"), version(1, "a"))).toEqual([]);
  expect(differencesOf(version(1, "a"), version(2, "b"))).toEqual([
    { what: "Regions", left: "1", right: "2" },
    { what: "r0: OS disk", left: "a", right: "b" },
    { what: "r1: replicas", left: "none", right: "1 × Standard_LRS" },
    { what: "r1: OS disk", left: "none", right: "b" },
  ]);
  const waves = [
    { regions: ["r0"], after: { minutes: 60 }, results: ["boot"] },
    { regions: ["r1"], after: "manual" },
  ];
  expect(differencesOf(version(1, "a"), version(1, "a", { when: "waves", waves }))).toEqual([
    {
      what: expect.any(String) as string,
      left: "no region",
      right: "every region",
    },
    {
      what: "Promotion rule",
      left: "none",
      right: "waves: r0, 60 min later, boot; then r1, manual",
    },
  ]);
});
