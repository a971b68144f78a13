import { describe, expect, it } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { bodyOf } from "../../../../src/page/src/create/model/body.js";
import {
  EMPTY_FORM,
  END_OF_LIFE,
  EXCLUDE,
  isExcluded,
  NO_RULE,
  PROMOTION,
  ruleOf,
  setting,
  withRegions,
  withRule,
  type Form,
} from "../../../../src/page/src/create/model/form.js";
import { formOf } from "../../../../src/page/src/create/model/read.js";
import {
  copied,
  usualStart,
  regionsIn,
  suggestedRule,
  withProposedSets,
} from "../../../../src/page/src/create/model/regions.js";
import type { DiskEncryptionSet } from "../../../../src/page/src/create/model/sets.js";
import type { VersionSummary } from "../../../../src/page/src/summaries.js";
import { waveWith, withRegionsIn } from "../../../../src/page/src/create/model/waves.js";
import { managedImageRequest, seedResource } from "../../../support/requests.js";

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
  const wave = { after: "manual" };
  const waves = [
    { ...wave, regions: ["westus", "East US"] },
    { ...wave, regions: ["uksouth"] },
  ];
  expect(waveWith(waves, "eastus")).toBe(0);
  expect(waveWith(waves, "mars")).toBeUndefined();
  const moved = withRegionsIn(waves, ["eastus", "mars"], 1);
  expect(moved).toEqual([
    { ...wave, regions: ["westus"] },
    { ...wave, regions: ["uksouth", "eastus", "mars"] },
  ]);
  expect(withRegionsIn(waves, ["uksouth"], undefined)).toMatchObject([
    { regions: ["westus", "East US"] },
    { regions: [] },
  ]);
});

describe("a new version with what another has", () => {
  const from = formOf(
    {
      ...managedImageRequest(),
      tags: { build: "1" },
      sigil: {
        promotion: { when: "manual" },
        protected: true,
        builtFrom: ["/base"],
        revocation: { reason: "bad" },
        heldBack: true,
      },
    },
    { version: "1.0.0", exists: true },
  );

  it.each([
    ["the highest", "2.0.0", {}],
    ["not one that is still replicated", "1.0.0", { state: "Replicating" }],
    ["not one that others change", "1.0.0", { provisioningState: "Updating" }],
    ["not one that is revoked", "1.0.0", { conditions: [{ type: "Revoked" }] }],
  ])("begins by itself with %s", (_, begins, more) => {
    const version = (name: string, rest: object = {}) =>
      ({ name, provisioningState: "Succeeded", state: "Succeeded", ...rest }) as VersionSummary;
    expect(usualStart([version("2.0.0", more), version("1.0.0")])).toBe(begins);
    expect(usualStart([])).toBeUndefined();
  });

  it("has its tags, regions and promotion, and no source; keys that are named alike become the rule", () => {
    const dated = { ...from, ...setting(END_OF_LIFE, "2030-01-01")(from) };
    const copy = copied(dated, IMAGE);
    expect(copy).toMatchObject({
      exists: false,
      version: "",
      source: { kind: "managedImage", id: "" },
      encryption: "customer",
    });
    expect(bodyOf(copy).tags).toEqual({ build: "1" });
    expect(bodyOf(copy).properties.publishingProfile).not.toHaveProperty("endOfLifeDate");
    expect(bodyOf(copy).sigil).toEqual({
      promotion: { when: "manual" },
      encryption: {
        osDisk: "{region}DiskEncryptionSet1",
        dataDisks: "{region}DiskEncryptionSet2",
      },
    });
    expect(
      copy.regions.map(({ name, present, fixed, sets }) => [name, present, fixed, sets]),
    ).toEqual([
      ["westus", false, [], {}],
      ["eastus2", false, [], {}],
    ]);
  });

  it.each([
    ["is excluded from latest as the other one is", "", true],
    ["with a promotion rule is excluded by its own rule alone", "waves", false],
  ] as const)("%s", (_, when, excluded) => {
    const flagged = { ...from, ...setting(EXCLUDE, true)(from) };
    const copy = copied(
      {
        ...flagged,
        ...setting(PROMOTION, when === "" ? undefined : { when })(flagged),
        regions: from.regions.map((region) => ({ ...region, exclude: true })),
      },
      IMAGE,
    );
    expect([isExcluded(copy), ...copy.regions.map((region) => region.exclude)]).toEqual([
      excluded,
      excluded,
      excluded,
    ]);
  });

  it("whose names follow no one rule are copied one by one; a group of their own is in the rule, and a number is the disk's", () => {
    const renamed = (os: string, data: string) =>
      copied(
        {
          ...from,
          regions: from.regions.map((region, index) => ({
            ...region,
            sets: {
              os: seedResource(`diskEncryptionSets/${index === 0 ? os : "eastus2-os"}`),
              0: seedResource(`diskEncryptionSets/${region.name}-${data}`).replace(
                "MyResourceGroup",
                "Keys",
              ),
            },
          })),
        },
        IMAGE,
      );
    const odd = renamed("special", "data-0");
    expect(ruleOf(odd)).toMatchObject({
      osDisk: "",
      dataDisks: "Keys/{region}-data-{lun}",
    });
    expect(odd.regions.map(({ sets }) => Object.keys(sets))).toEqual([["os"], ["os"]]);
    expect(ruleOf(renamed("westus-os", "data-1"))).toMatchObject({
      osDisk: "{region}-os",
      dataDisks: "Keys/{region}-data-1",
    });
  });
});

describe("the sets of a region that is added", () => {
  const there = formOf(managedImageRequest(), { exists: true });
  const set = (name: string, region: string) => ({
    id: seedResource(`diskEncryptionSets/${name}`),
    region,
    encryptionType: "EncryptionAtRestWithCustomerKey" as const,
    provisioningState: "Succeeded",
    rotationToLatestKeyVersionEnabled: true,
  });
  const NAMED = ["eastusdiskencryptionset1", "EastUSDiskEncryptionSet2"];
  const ODD = ["special", "other"];
  const sets = [...NAMED, ...ODD].map((name) => set(name, "eastus"));
  const earlier = {
    ...there,
    regions: there.regions.slice(0, 1).map((region) => ({
      ...region,
      name: "East US",
      sets: {
        os: seedResource("diskEncryptionSets/special"),
        0: seedResource("diskEncryptionSets/other"),
      },
    })),
  };
  const proposed = (form: Form, found: readonly DiskEncryptionSet[], others: readonly Form[]) => {
    const to = withProposedSets(withRegions(form, ["eastus"]), ["eastus"], {
      image: IMAGE,
      sets: found,
      earlier: others,
    });
    const { osDisk, dataDisks } = ruleOf(to);
    return [osDisk, dataDisks, to.regions.at(-1)?.sets];
  };

  it("are those of the rule that the version's other sets follow", () => {
    expect(proposed(there, sets, [earlier])).toEqual([
      "{region}DiskEncryptionSet1",
      "{region}DiskEncryptionSet2",
      {},
    ]);
  });

  it("are those of an earlier version, where no set has the rule's name", () => {
    expect(proposed(there, sets.slice(2), [earlier])).toEqual(["", "", earlier.regions[0]?.sets]);
    expect(proposed(there, sets.slice(1), [earlier])).toEqual([
      "",
      "{region}DiskEncryptionSet2",
      { os: seedResource("diskEncryptionSets/special") },
    ]);
  });

  it("of a form that has none yet are by the rule of an earlier version", () => {
    expect(proposed(EMPTY_FORM, sets, [there])).toEqual([
      "{region}DiskEncryptionSet1",
      "{region}DiskEncryptionSet2",
      {},
    ]);
  });

  it.each([
    ["a set that is not there", there, [], [earlier]],
    ["a set where nothing is known", EMPTY_FORM, sets, []],
    ["a set where there is none to have", { ...there, encryption: "platform" }, sets, [earlier]],
  ] as const)("are never %s", (_, form, found, others) => {
    expect(proposed(form, found, others)).toEqual(["", "", {}]);
  });

  it("stay with a tag that chooses them", () => {
    const tagged = withRule(there, { ...NO_RULE, tag: "image=golden" });
    expect(proposed(tagged, sets, [earlier])).toEqual(["", "", {}]);
  });
});

describe("an empty rule suggests", () => {
  const newest = (os: string, data: string): Pick<Form, "regions"> => ({
    regions: withRegions(EMPTY_FORM, ["westus", "eastus2"]).regions.map((region) => ({
      ...region,
      sets: {
        os: seedResource(`diskEncryptionSets/${region.name}-${os}`),
        0: seedResource(`diskEncryptionSets/${region.name}-${data}`),
      },
    })),
  });
  const example = {
    osDisk: "{region}-os",
    dataDisks: "{region}-data-{lun}",
    tag: "image=golden",
  };

  it("for each kind of disk the name that its sets follow in the newest version", () => {
    expect(suggestedRule(newest("os", "data-0"), IMAGE)).toEqual(example);
    expect(suggestedRule(newest("boot", "disk"), IMAGE)).toEqual({
      ...example,
      osDisk: "{region}-boot",
      dataDisks: "{region}-disk",
    });
  });

  it("an example, where there is no version yet, or its sets follow no name", () => {
    expect(suggestedRule(undefined, IMAGE)).toEqual(example);
    expect(suggestedRule({ regions: [] }, IMAGE)).toEqual(example);
  });
});
