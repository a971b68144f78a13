import { describe, expect, it } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import {
  EMPTY_FORM,
  NO_RULE,
  withRegions,
  withRule,
  type Form,
} from "../../../../src/page/src/create/model/form.js";
import {
  fittingIn,
  gapsOf,
  namedByRule,
  patternOf,
  patternsIn,
  sameId,
  setName,
  type DiskEncryptionSet,
} from "../../../../src/page/src/create/model/sets.js";
import { keyText } from "../../../../src/page/src/key-text.js";
import { seedResource } from "../../../support/requests.js";

function set(
  name: string,
  region: string,
  encryptionType: DiskEncryptionSet["encryptionType"] = "EncryptionAtRestWithCustomerKey",
): DiskEncryptionSet {
  return {
    id: seedResource(`diskEncryptionSets/${name}`),
    region,
    encryptionType,
    provisioningState: "Succeeded",
    rotationToLatestKeyVersionEnabled: true,
  };
}

const SETS = [
  set("WestUS-Data-0", "westus"),
  set("WestUS-OS", "westus"),
  set("WestUS-Double", "westus", "EncryptionAtRestWithPlatformAndCustomerKeys"),
  set("WestUS-Cvm", "westus", "ConfidentialVmEncryptedWithCustomerKey"),
  set("eastus2-os", "East US 2"),
  set("eastus2-data-0", "eastus2"),
  {
    ...set("alien", "westus"),
    id: "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/alien",
  },
];
/** Names of the sets that fit. */
const fits = (
  encryption: Form["encryption"],
  { region = "West US", disk = "os", confidentialData = false } = {},
): readonly string[] =>
  fittingIn(
    { encryption, confidentialData },
    SETS,
    LOCAL_SUBSCRIPTION_ID.toUpperCase(),
  )({ name: region }, disk).map(({ id }) => setName(id));

/** Two regions, an OS disk and a data disk, nothing chosen. */
const FORM: Form = withRegions({ ...EMPTY_FORM, source: { ...EMPTY_FORM.source, luns: [0] } }, [
  "westus",
  "East US 2",
]);
const IMAGE = {
  subscriptionId: LOCAL_SUBSCRIPTION_ID,
  resourceGroupName: "myresourcegroup",
  galleryName: "MyGallery",
  imageName: "OS",
};
const fittingFor = (form: Form, sets = SETS) => fittingIn(form, sets, LOCAL_SUBSCRIPTION_ID);

describe("a set fits", () => {
  it("in its region and subscription, with its type", () => {
    expect(fits("customer")).toEqual(["WestUS-Data-0", "WestUS-OS"]);
    expect(fits("customer", { region: "eastus2" })).toEqual(["eastus2-data-0", "eastus2-os"]);
    expect(fits("customer", { region: "eastus" })).toEqual([]);
    expect(fits("double")).toEqual(["WestUS-Double"]);
    expect(fits("platform")).toEqual([]);
  });

  it("a confidential OS disk with its own type, and data disks with those at rest", () => {
    expect(fits("confidential")).toEqual(["WestUS-Cvm"]);
    expect(fits("confidential", { disk: "0" })).toEqual([
      "WestUS-Data-0",
      "WestUS-Double",
      "WestUS-OS",
    ]);
    expect(fits("confidential", { disk: "0", confidentialData: true })).toEqual(["WestUS-Cvm"]);
  });
});

describe("the rule", () => {
  const rule = {
    osDisk: "{region}-{image}",
    dataDisks: "{region}-data-{lun}",
    tag: "",
  };
  const named = (form: Form): unknown[] =>
    form.regions.flatMap((region) =>
      ["os", "0"].map((disk) => {
        const found = namedByRule(form, IMAGE, fittingFor(form), region, disk);
        return found && [found.name, setName(found.set?.id ?? "none")];
      }),
    );

  it("names the set of each disk in each region, in whatever case the sets are named", () => {
    expect(named(withRule(FORM, rule))).toEqual([
      ["westus-OS", "WestUS-OS"],
      ["westus-data-0", "WestUS-Data-0"],
      ["eastus2-OS", "eastus2-os"],
      ["eastus2-data-0", "eastus2-data-0"],
    ]);
  });

  it("names those of a group, and whole ids; one of another group, or that does not fit, is not it", () => {
    const os = (osDisk: string, form = FORM): unknown =>
      named(withRule(form, { ...rule, osDisk }))[0];
    expect(os("MyResourceGroup/{region}-os")).toEqual(["MyResourceGroup/westus-os", "WestUS-OS"]);
    expect(os("Other/{region}-os")).toEqual(["Other/westus-os", "none"]);
    expect(os(SETS[1]?.id ?? "")).toMatchObject({ 1: "WestUS-OS" });
    expect(os("{region}-double")).toMatchObject({ 1: "none" });
    expect(os("")).toBeUndefined();
    expect(os("{region}-os", { ...FORM, encryption: "platform" })).toBeUndefined();
  });

  it("could be what the names of sets follow, that of most regions first", () => {
    expect(patternsIn(SETS)).toEqual([
      "{region}-data-0",
      "{region}-os",
      "{region}-Cvm",
      "{region}-Double",
    ]);
  });

  it("lacks a set where none of its name fits, but not where one is chosen or fixed", () => {
    const lacks = withRule(withRegions(FORM, ["eastus"]), { ...rule, dataDisks: "" });
    const gaps = (form: Form) =>
      gapsOf(form, IMAGE, fittingFor(form)).map(({ region, disk, name }) => [
        region.name,
        disk,
        name,
      ]);
    expect(gaps(lacks)).toEqual([
      ["eastus", "os", "eastus-OS"],
      ["eastus", "0", undefined],
    ]);
    const [first, second, third] = lacks.regions;
    expect(
      gaps({
        ...lacks,
        regions: [
          first ?? expect.fail(),
          second ?? expect.fail(),
          { ...(third ?? expect.fail()), sets: { os: "/x" }, fixed: ["0"] },
        ],
      }),
    ).toEqual([]);
    // By a tag the service chooses, and says what it does not find.
    expect(gaps(withRule(lacks, { ...rule, tag: "a=b" }))).toEqual([
      ["eastus", "os", "eastus-OS"],
      ["eastus", "0", "eastus-data-0"],
    ]);
    expect(gaps(withRule(lacks, { ...NO_RULE, tag: "a=b" }))).toEqual([]);
  });
});

it("a name's rule is what is left where its region was", () => {
  const id = seedResource("diskEncryptionSets/WestUSDiskEncryptionSet1");
  expect(patternOf(id, "West US")).toBe("{region}DiskEncryptionSet1");
  expect(patternOf(id, "eastus")).toBeUndefined();
  expect(patternOf(id, "")).toBeUndefined();
});

it("ids are the same in any case, with or without a slash", () => {
  expect(sameId("/Subscriptions/A/", "subscriptions/a")).toBe(true);
  expect(sameId("/subscriptions/a", "/subscriptions/b")).toBe(false);
});

it("a key is shown by vault, name and version", () => {
  const key = (keyUrl?: string): string =>
    keyText({ ...set("s", "westus"), ...(keyUrl !== undefined && { keyUrl }) });
  expect(key("https://v.vault.azure.net/keys/k/8e1f3c5b7a9d4e2f8b6c1a3d5e7f9b0c")).toBe(
    "v/k/8e1f3c5b…",
  );
  expect(key("https://v.vault.azure.net/keys/k")).toBe("v/k");
  expect(key("odd")).toBe("odd");
  expect(key()).toBe("no key");
});
