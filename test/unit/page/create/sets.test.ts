import { describe, expect, it } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import {
  EMPTY_FORM,
  formOf,
  withRegion,
  type Form,
} from "../../../../src/page/src/create/model/form.js";
import {
  fillByName,
  fillColumn,
  fillRow,
  fittingIn,
  fittingSets,
  gapsOf,
  keyText,
  patternOf,
  sameId,
  setName,
  type DiskEncryptionSet,
} from "../../../../src/page/src/create/model/sets.js";
import {
  managedImageRequest,
  seedResource,
} from "../../../support/requests.js";

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
const names = (sets: readonly DiskEncryptionSet[]): string[] =>
  sets.map(({ id }) => setName(id));
const place = {
  subscriptionId: LOCAL_SUBSCRIPTION_ID.toUpperCase(),
  region: "West US",
  disk: "os",
  encryption: "customer",
  confidentialData: false,
} as const;

/** Two regions, an OS disk and a data disk, nothing chosen. */
const FORM: Form = withRegion(
  withRegion(
    { ...EMPTY_FORM, source: { ...EMPTY_FORM.source, luns: [0] } },
    "westus",
  ),
  "East US 2",
);
const fittingFor = (form: Form, sets = SETS) =>
  fittingIn(form, sets, LOCAL_SUBSCRIPTION_ID);
const chosen = ({ regions }: Form): Record<string, string>[] =>
  regions.map(({ sets }) =>
    Object.fromEntries(
      Object.entries(sets).map(([disk, id]) => [disk, setName(id)]),
    ),
  );

describe("a set fits", () => {
  it("in its region and subscription, with its type", () => {
    expect(names(fittingSets(SETS, place))).toEqual([
      "WestUS-Data-0",
      "WestUS-OS",
    ]);
    expect(names(fittingSets(SETS, { ...place, region: "eastus2" }))).toEqual([
      "eastus2-data-0",
      "eastus2-os",
    ]);
    expect(names(fittingSets(SETS, { ...place, region: "eastus" }))).toEqual(
      [],
    );
    expect(
      names(fittingSets(SETS, { ...place, encryption: "double" })),
    ).toEqual(["WestUS-Double"]);
    expect(
      names(fittingSets(SETS, { ...place, encryption: "platform" })),
    ).toEqual([]);
  });

  it("a confidential OS disk with its own type, and data disks with those at rest", () => {
    const confidential = { ...place, encryption: "confidential" } as const;
    expect(names(fittingSets(SETS, confidential))).toEqual(["WestUS-Cvm"]);
    expect(names(fittingSets(SETS, { ...confidential, disk: "0" }))).toEqual([
      "WestUS-Data-0",
      "WestUS-Double",
      "WestUS-OS",
    ]);
    expect(
      names(
        fittingSets(SETS, {
          ...confidential,
          confidentialData: true,
          disk: "0",
        }),
      ),
    ).toEqual(["WestUS-Cvm"]);
  });
});

describe("filling", () => {
  const rule = {
    image: "OS",
    osDisk: "{region}-{image}",
    dataDisk: "{region}-data-{lun}",
  };

  it("by name, in whatever case the sets are named", () => {
    const { form, gaps } = fillByName(FORM, fittingFor(FORM), rule);
    expect(chosen(form)).toEqual([
      { os: "WestUS-OS", 0: "WestUS-Data-0" },
      { os: "eastus2-os", 0: "eastus2-data-0" },
    ]);
    expect(gaps).toEqual([]);
  });

  it("by name says which are missing, and leaves what was chosen", () => {
    const before = {
      ...FORM,
      regions: FORM.regions.map((region) => ({
        ...region,
        sets: { 0: SETS[0]?.id ?? "" },
      })),
    };
    const { form, gaps } = fillByName(before, fittingFor(before), {
      ...rule,
      dataDisk: "{region}-disk-{lun}",
    });
    expect(
      gaps.map(({ region, disk, name }) => [region.id, disk, name]),
    ).toEqual([
      ["1", "0", "westus-disk-0"],
      ["2", "0", "eastus2-disk-0"],
    ]);
    expect(chosen(form)[0]).toEqual({ os: "WestUS-OS", 0: "WestUS-Data-0" });
  });

  it("a row: as the set of another region is named, or the only one", () => {
    const begun: Form = {
      ...FORM,
      regions: FORM.regions.map((region, i) =>
        i === 0 ? { ...region, sets: { os: SETS[1]?.id ?? "" } } : region,
      ),
    };
    expect(chosen(fillRow(begun, fittingFor(begun), "os").form)).toEqual([
      { os: "WestUS-OS" },
      { os: "eastus2-os" },
    ]);
    const double: Form = { ...FORM, encryption: "double" };
    const { form, gaps } = fillRow(double, fittingFor(double), "0");
    expect(chosen(form)).toEqual([{ 0: "WestUS-Double" }, {}]);
    expect(gaps.map(({ region }) => region.name)).toEqual(["East US 2"]);
  });

  it("a column: the set that another disk has there", () => {
    const begun: Form = {
      ...FORM,
      regions: FORM.regions.map((region, i) =>
        i === 1 ? { ...region, sets: { os: SETS[4]?.id ?? "" } } : region,
      ),
    };
    expect(chosen(fillColumn(begun, fittingFor(begun), "2").form)).toEqual([
      {},
      { os: "eastus2-os", 0: "eastus2-os" },
    ]);
  });

  it("never touches a key that Azure has", () => {
    const form = formOf(managedImageRequest(), { exists: true });
    const filled = fillByName(form, fittingFor(form), rule);
    expect(filled).toEqual({ form, gaps: [] });
  });
});

it("places without any set that fits are known", () => {
  const form = { ...withRegion(FORM, "eastus"), encryption: "double" } as const;
  expect(
    gapsOf(form, fittingFor(form)).map(({ region, disk }) => [
      region.name,
      disk,
    ]),
  ).toEqual([
    ["East US 2", "os"],
    ["East US 2", "0"],
    ["eastus", "os"],
    ["eastus", "0"],
  ]);
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
  expect(
    key("https://v.vault.azure.net/keys/k/8e1f3c5b7a9d4e2f8b6c1a3d5e7f9b0c"),
  ).toBe("v/k/8e1f3c5b…");
  expect(key("https://v.vault.azure.net/keys/k")).toBe("v/k");
  expect(key("odd")).toBe("odd");
  expect(key()).toBe("no key");
});
