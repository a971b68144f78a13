import { describe, expect, it } from "vitest";
import {
  fieldAt,
  findInForm,
  isLeft,
  merged,
  place,
} from "../../../../src/page/src/create/model/fields.js";
import {
  EMPTY_FORM,
  NO_RULE,
  withRegions,
  withRule,
  type Form,
} from "../../../../src/page/src/create/model/form.js";
import { formOf } from "../../../../src/page/src/create/model/read.js";
import { managedImageRequest, snapshotsRequest } from "../../../support/requests.js";

const REGIONS = "/properties/publishingProfile/targetRegions";
const STORAGE = "/properties/storageProfile";
const S10 = formOf(managedImageRequest());
const S11 = formOf(snapshotsRequest("eastus"));

describe("a pointer leads to the field", () => {
  it.each([
    ["/path/versionName", "version"],
    ["/query/increment", "version"],
    ["/location", "location"],
    ["/tags/build", "tags"],
    ["/sigil/promotion/regions/0", "promotion"],
    ["/sigil/promotion/waves/1/regions", "wave-1"],
    ["/sigil/capture", "source-capture"],
    ["/sigil/encryption", "encryption"],
    ["/sigil/encryption/dataDisks", "rule-dataDisks"],
    ["/properties/safetyProfile/blockDeletionBeforeEndOfLife", "safety"],
    ["/properties/publishingProfile/endOfLifeDate", "end-of-life"],
    ["/properties/publishingProfile/excludeFromLatest", "promotion"],
    [REGIONS, "regions"],
    [`${REGIONS}/9`, "regions"],
    [`${REGIONS}/1`, "region-2-name"],
    [`${REGIONS}/1/name`, "region-2-name"],
    [`${REGIONS}/1/regionalReplicaCount`, "region-2-replicas"],
    [`${REGIONS}/0/storageAccountType`, "region-1-storage"],
    [`${REGIONS}/0/excludeFromLatest`, "region-1-exclude"],
    [`${REGIONS}/0/encryption/osDiskImage/diskEncryptionSetId`, "set-1-os"],
    [`${REGIONS}/1/encryption/dataDiskImages/0/lun`, "set-2-0"],
    [`${REGIONS}/1/encryption/dataDiskImages`, "encryption"],
    [STORAGE, "source"],
    [`${STORAGE}/source/id`, "source-id"],
    ["", undefined],
    ["/headers/If-Match", undefined],
    ["/properties/publishingProfile/targetExtendedLocations/0", undefined],
    ["/properties/securityProfile", undefined],
    [
      "/properties/securityProfile/secretsProvisioningSettings/components/0/version",
      "source-secrets",
    ],
    ["/properties", undefined],
    ["/a~1b~0c", undefined],
  ])("%s: %s", (pointer, field) => {
    expect(fieldAt(pointer, S10)).toBe(field);
  });

  it.each([
    [`${STORAGE}/osDiskImage/source/id`, "source-os"],
    [`${STORAGE}/dataDiskImages/0/source/id`, "source-disk-1"],
    [`${STORAGE}/dataDiskImages/7`, "source"],
    [`${STORAGE}/source/id`, "source"],
  ])("of disks, %s: %s", (pointer, field) => {
    expect(fieldAt(pointer, S11)).toBe(field);
  });

  it("of VHDs, the storage account's too", () => {
    const vhds = {
      ...S11,
      source: { ...S11.source, kind: "vhd" as const },
    };
    expect(
      ["osDiskImage", "dataDiskImages/0"].map((disk) =>
        fieldAt(`${STORAGE}/${disk}/source/storageAccountId`, vhds),
      ),
    ).toEqual(["source-account", "source-account"]);
    expect(fieldAt(`${STORAGE}/dataDiskImages/0/source/uri`, vhds)).toBe("source-disk-1");
  });

  it("of the row that has it, whatever stood before it", () => {
    const [, second] = S10.regions;
    const form = { ...S10, regions: [second ?? expect.fail()] };
    expect(fieldAt(`${REGIONS}/0/regionalReplicaCount`, form)).toBe("region-2-replicas");
  });

  it("of data disks by LUN, not by place", () => {
    const form: Form = {
      ...withRegions(EMPTY_FORM, ["westus"]),
      source: { ...EMPTY_FORM.source, luns: [5, 2] },
    };
    const pointer = (j: number): string =>
      `${REGIONS}/0/encryption/dataDiskImages/${j}/diskEncryptionSetId`;
    expect([fieldAt(pointer(0), form), fieldAt(pointer(1), form)]).toEqual(["set-1-2", "set-1-5"]);
  });
});

describe("what the form finds itself", () => {
  it("is nothing where each disk has a set in each region", () => {
    expect(findInForm(S10)).toEqual([]);
    expect(findInForm({ ...S10, encryption: "platform" })).toEqual([]);
  });

  it("is each place without a set: else platform keys were used in silence", () => {
    const [first, second] = S10.regions;
    const form = {
      ...S10,
      regions: [first ?? expect.fail(), { ...(second ?? expect.fail()), sets: {} }],
    };
    expect(findInForm(form).map(({ field }) => field)).toEqual(["set-2-os", "set-2-0"]);
    expect(
      findInForm({
        ...form,
        encryption: "confidential",
        confidentialType: "EncryptedWithPmk",
      }),
    ).toEqual([]);
  });

  it("is that there is no region", () => {
    expect(findInForm(EMPTY_FORM).map(({ field }) => field)).toEqual(["regions"]);
  });

  it("is not told twice where the service says what is wrong", () => {
    const found = {
      pointer: `${REGIONS}/1/encryption/osDiskImage/diskEncryptionSetId`,
      code: "OsDiskEncryptionSetMissing",
      message: "m",
    };
    const [first, second] = S10.regions;
    const form = {
      ...S10,
      regions: [first ?? expect.fail(), { ...(second ?? expect.fail()), sets: {} }],
    };
    const all = merged(place([found], form), findInForm(form));
    expect(all.map(({ field, code }) => [field, code])).toEqual([
      ["set-2-os", "OsDiskEncryptionSetMissing"],
      ["set-2-0", "NoSetChosen"],
    ]);
    const info = place([{ ...found, severity: "info" }], form);
    expect(merged(info, findInForm(form))).toHaveLength(3);
  });
});

describe("what is found of a field is shown", () => {
  it("once somebody has left it, or all is asked for", () => {
    expect(isLeft(S10, new Set(), "source-id")).toBe(false);
    expect(isLeft(S10, new Set(["source-id"]), "source-id")).toBe(true);
    expect(isLeft(S10, "all", "source-id")).toBe(true);
  });

  it("of a region that was added, and of a set that the rule names, at once: they are nowhere left", () => {
    expect(isLeft(S10, new Set(), "region-1-replicas")).toBe(true);
    const focused = "region-1-replicas";
    expect(isLeft(S10, new Set(), "region-1-replicas", focused)).toBe(false);
    expect(isLeft(S10, new Set(), "region-2-replicas", focused)).toBe(true);
    expect(isLeft(S10, new Set(), "set-1-os")).toBe(false);
    const byRule = withRule(S10, { ...NO_RULE, osDisk: "{region}-os" });
    expect(isLeft(byRule, new Set(), "set-1-os")).toBe(true);
    expect(isLeft(byRule, new Set(), "set-1-0")).toBe(false);
  });
});
