/** Names, times and lines as people read them. */
import { expect, it } from "vitest";
import { shellWord, versionWords } from "../../../src/page/src/command-line.js";
import { shortTime } from "../../../src/page/src/times.js";
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

it.each([
  [{ policy: "rollout", name: "x" }, "Rollout rule"],
  [{ policy: "retention" }, "Retention policy"],
  [{ name: "release manager", objectId: "1" }, "release manager"],
  [{ appId: "0f1e2d3c-0000" }, "application 0f1e2d3c"],
  [{ objectId: "0f1e2d3c-0000" }, "person 0f1e2d3c"],
  [undefined, "unknown"],
])("%j is %s", (requester, name) => {
  expect(whoText(requester)).toBe(name);
});

it("regions are shown by where they are", () => {
  const regions =
    "westus3 northcentralus canadaeast brazilsoutheast mexicocentral northeurope swedencentral uksouth uaenorth southafricanorth southindia eastasia australiaeast mars";
  expect(
    geographiesOf(regions.split(" ")).map(({ name, regions: those }) => [
      name,
      those.join(" "),
    ]),
  ).toEqual([
    [
      "Americas",
      "brazilsoutheast canadaeast mexicocentral northcentralus westus3",
    ],
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

it("two versions differ in what one would ask of them", () => {
  const version = (regions: number, set: string) =>
    ({
      properties: {
        publishingProfile: { targetRegions: [] },
        storageProfile: { source: { id: "/images/a" } },
      },
      sigil: {
        latestIn: [],
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
});
