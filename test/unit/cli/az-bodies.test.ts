import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { bodyOf } from "../../../src/cli/src/az/image-version-body.js";
import { UsageError } from "../../../src/cli/src/exit-codes.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import { AT, optionsOf, SUBSCRIPTION } from "./command-line.js";
import { naming } from "../../support/naming.js";

const PLACE = {
  subscriptionId: SUBSCRIPTION,
  resourceGroupName: "MyResourceGroup",
};
const body = (line: string): ReturnType<typeof bodyOf> =>
  bodyOf(optionsOf("image-version create", line), PLACE);
const CREATE = `${AT} -e 1.0.0 -l westus --managed-image myImage`;

/** What az 2.45.0 sent to the simulator for each line, taken from its `--debug`. */
const recordings = JSON.parse(
  readFileSync("test/unit/cli/az-2.45-bodies.json", "utf8"),
) as readonly {
  readonly name: string;
  readonly line: string;
  readonly body: ImageVersionRequest;
}[];

/** From 2.72 on az names the account of a VHD by `storageAccountId`, not by `id`. */
function asAz272(recorded: ImageVersionRequest): unknown {
  return JSON.parse(JSON.stringify(recorded), (_key, value: unknown) => {
    const { id, ...rest } = { ...(value as Record<string, unknown>) };
    if (typeof value === "object" && value !== null && "uri" in value)
      return { ...rest, storageAccountId: id };
    return typeof id === "string" && id.includes("/virtualMachines/")
      ? { ...rest, virtualMachineId: id }
      : value;
  });
}

test.each(recordings)("$name is the body that az sends", ({ line, body: az }) => {
  const { tags = {}, ...ours } = body(line);
  expect(canonicalForm({ ...ours, tags } as ImageVersionRequest)).toEqual(
    canonicalForm(asAz272(az) as ImageVersionRequest),
  );
});

describe("what az loses or refuses without saying why", () => {
  it.each([
    [
      "a list that is shorter than the regions",
      `${CREATE} --target-regions westus eastus2 --target-region-encryption Set1,0,Set2`,
      ["--target-region-encryption", 1, 2, "null"],
    ],
    [
      "a list that is longer",
      `${CREATE} --target-regions westus --target-region-cvm-encryption EncryptedWithCmk,A EncryptedWithCmk,B`,
      "(no region)  EncryptedWithCmk,B",
    ],
    [
      "keys without regions, which az ignores",
      `${CREATE} --target-region-encryption Set1`,
      "--target-regions is missing",
    ],
    [
      "a LUN without a set",
      `${CREATE} --target-regions westus --target-region-encryption Set1,0`,
      ["Set1,0"],
    ],
    [
      "LUNs that are too few",
      `${AT} -e 1.0.0 -l westus --os-snapshot os --data-snapshots a b --data-snapshot-luns 0`,
      "--data-snapshot-luns has 1 (0) for 2 of --data-snapshots (a b)",
    ],
    [
      "LUNs without snapshots",
      `${CREATE} --data-snapshot-luns 0`,
      "--data-snapshot-luns goes with --data-snapshots",
    ],
    [
      "a VHD without its account",
      `${AT} -e 1.0.0 -l westus --os-vhd-uri https://a/b`,
      "--os-vhd-uri and --os-vhd-storage-account go together",
    ],
    [
      "two sources",
      `${CREATE} --virtual-machine vm`,
      "--managed-image and --virtual-machine are different sources",
    ],
    ["no source", `${AT} -e 1.0.0 -l westus`, "A source is missing"],
    [
      "no region at all",
      `${AT} -e 1.0.0 --managed-image myImage`,
      "Where? Give --target-regions, --location, or both",
    ],
    [
      "a word that is neither a count nor a storage account type",
      `${CREATE} --target-regions westus=two`,
      ["two", "westus=two", "Standard_LRS"],
    ],
    [
      "the keys of another edge zone",
      `${CREATE} --target-edge-zones westus=la --target-edge-zone-encryption sf,Set1`,
      "--target-edge-zone-encryption has sf where --target-edge-zones has la",
    ],
    [
      "a confidential type that is none",
      `${CREATE} --target-regions westus --target-region-cvm-encryption Encrypted,Set1`,
      '"Encrypted,Set1" is not <type>,<disk encryption set>',
    ],
    [
      "a confidential data disk's LUN without a set",
      `${CREATE} --target-regions westus --target-region-cvm-encryption EncryptedWithPmk,,0`,
      '"EncryptedWithPmk,,0" is not <type>,<disk encryption set>, with ,<LUN>,<disk encryption set>',
    ],
  ])("%s", (_name, line, message) => {
    expect(() => body(line)).toThrow(UsageError);
    expect(() => body(line)).toThrow(expect.objectContaining({ message: naming(message) }));
  });
});

it("takes the sets of confidential data disks, which az has no option for", () => {
  const [region] =
    body(
      `${CREATE} --target-regions westus --target-region-cvm-encryption EncryptedWithPmk,,0,Set1`,
    ).properties.publishingProfile?.targetRegions ?? [];
  expect(region?.encryption).toMatchObject({
    osDiskImage: {
      securityProfile: { confidentialVMEncryptionType: "EncryptedWithPmk" },
    },
    dataDiskImages: [
      {
        lun: 0,
        securityProfile: {
          confidentialVMEncryptionType: "DataDiskEncryptedWithCmk",
          secureVMDiskEncryptionSetId: expect.stringMatching(
            /\/diskEncryptionSets\/Set1$/u,
          ) as string,
        },
      },
    ],
  });
});

it("takes the first region for the location, and replicas and storage in either order", () => {
  expect(
    body(`${AT} -e 1.0.0 --managed-image i --target-regions westus=Standard_LRS=3 eastus2`),
  ).toMatchObject({
    location: "westus",
    properties: {
      publishingProfile: {
        targetRegions: [
          {
            name: "westus",
            regionalReplicaCount: 3,
            storageAccountType: "Standard_LRS",
          },
          { name: "eastus2" },
        ],
      },
    },
  });
});

it("has the deletion guard of az 2.71", () => {
  expect(body(`${CREATE} --block-deletion-before-end-of-life --tags ''`)).toMatchObject({
    tags: {},
    properties: { safetyProfile: { blockDeletionBeforeEndOfLife: true } },
  });
});

it("takes a managed disk by its id where a snapshot has a name", () => {
  const disk = `/subscriptions/${SUBSCRIPTION}/resourceGroups/build/providers/Microsoft.Compute/disks/os`;
  expect(
    body(`${AT} -e 1.0.0 -l westus --os-snapshot ${disk} --data-snapshots data`),
  ).toMatchObject({
    properties: {
      storageProfile: {
        osDiskImage: { source: { id: disk } },
        dataDiskImages: [
          {
            source: { id: expect.stringMatching(/MyResourceGroup.*\/snapshots\/data$/u) as string },
          },
        ],
      },
    },
  });
});
