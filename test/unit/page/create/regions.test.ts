import { describe, expect, it } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { EMPTY_FORM } from "../../../../src/page/src/create/model/form.js";
import { formOf } from "../../../../src/page/src/create/model/read.js";
import {
  copied,
  regionsIn,
} from "../../../../src/page/src/create/model/regions.js";
import {
  waveWith,
  withRegionsIn,
} from "../../../../src/page/src/create/model/waves.js";
import {
  managedImageRequest,
  seedResource,
} from "../../../support/requests.js";

const KNOWN = ["eastus", "northeurope", "uksouth", "westus"];
const IMAGE = {
  subscriptionId: LOCAL_SUBSCRIPTION_ID,
  resourceGroupName: "MyResourceGroup",
  galleryName: "MyGallery",
  imageName: "MyImage",
};

it.each([
  ["westus", "westus"],
  [" West US , EASTUS;mars\nwestus", "westus eastus mars"],
  ["westus eastus", "westus eastus"],
  ["West US 3", "westus3"],
  ["europe", "northeurope uksouth"],
  ["Asia Pacific", "asiapacific"],
  [" , ", ""],
])("%j are the regions %s", (text, regions) => {
  expect(regionsIn(text, KNOWN).join(" ")).toBe(regions);
});

it("a region is in one wave, and moves to another with those that are moved with it", () => {
  const wave = { after: "manual", minutes: "", results: "", rest: {} } as const;
  const waves = [
    { ...wave, regions: ["westus", "East US"] },
    { ...wave, regions: ["uksouth"] },
  ];
  expect(waveWith(waves, "eastus")).toBe(0);
  expect(waveWith(waves, "mars")).toBeUndefined();
  const moved = withRegionsIn(waves, ["eastus", "mars"], 1);
  expect(moved.map(({ regions }) => regions)).toEqual([
    ["westus"],
    ["uksouth", "eastus", "mars"],
  ]);
  expect(
    withRegionsIn(waves, ["uksouth"], undefined).map(({ regions }) => regions),
  ).toEqual([["westus", "East US"], []]);
});

describe("another version's regions, keys and promotion", () => {
  const from = formOf(
    {
      ...managedImageRequest(),
      tags: { build: "1" },
      sigil: { promotion: { when: "manual" } },
    },
    { version: "1.0.0", exists: true },
  );

  it("are copied, and nothing else; keys that are named alike become the rule", () => {
    const form = {
      ...EMPTY_FORM,
      version: "2.0.0",
      source: { ...EMPTY_FORM.source, id: "mine" },
    };
    const copy = copied(form, from, IMAGE);
    expect(copy).toMatchObject({
      exists: false,
      version: "2.0.0",
      tags: [],
      source: { id: "mine" },
      encryption: "customer",
      promoteWhen: "manual",
      rule: {
        osDisk: "{region}DiskEncryptionSet1",
        dataDisks: "{region}DiskEncryptionSet2",
        tag: "",
      },
    });
    expect(
      copy.regions.map(({ name, present, fixed, sets }) => [
        name,
        present,
        fixed,
        sets,
      ]),
    ).toEqual([
      ["westus", false, [], {}],
      ["eastus2", false, [], {}],
    ]);
  });

  it("whose names follow no one rule are copied one by one; a group of their own is in the rule, and a number is the disk's", () => {
    const renamed = (os: string, data: string) =>
      copied(
        EMPTY_FORM,
        {
          ...from,
          regions: from.regions.map((region, index) => ({
            ...region,
            sets: {
              os: seedResource(
                `diskEncryptionSets/${index === 0 ? os : "eastus2-os"}`,
              ),
              0: seedResource(
                `diskEncryptionSets/${region.name}-${data}`,
              ).replace("MyResourceGroup", "Keys"),
            },
          })),
        },
        IMAGE,
      );
    const odd = renamed("special", "data-0");
    expect(odd.rule).toMatchObject({
      osDisk: "",
      dataDisks: "Keys/{region}-data-{lun}",
    });
    expect(odd.regions.map(({ sets }) => Object.keys(sets))).toEqual([
      ["os"],
      ["os"],
    ]);
    expect(renamed("westus-os", "data-1").rule).toMatchObject({
      osDisk: "{region}-os",
      dataDisks: "Keys/{region}-data-1",
    });
  });
});
