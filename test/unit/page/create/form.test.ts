import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resolve } from "../../../../src/http/contract/openapi-document.js";
import { bodyOf } from "../../../../src/page/src/create/model/body.js";
import {
  disksOf,
  EMPTY_FORM,
  NO_RULE,
  ruleOf,
  setting,
  withEncryption,
  withRegions,
  withRule,
  type Form,
} from "../../../../src/page/src/create/model/form.js";
import { formOf, writable } from "../../../../src/page/src/create/model/read.js";
import { findInForm } from "../../../../src/page/src/create/model/fields.js";
import {
  managedImageRequest,
  seedResource,
  seedVersionId,
  snapshotsRequest,
} from "../../../support/requests.js";
import { content, validator } from "../../http/contract/document.js";

const SECRETS = "/properties/securityProfile/secretsProvisioningSettings";
const SET = (name: string): string => seedResource(`diskEncryptionSets/${name}`);

/** Row S10, as somebody fills it in. */
const S10: Form = {
  ...EMPTY_FORM,
  version: "1.0.0",
  source: {
    ...EMPTY_FORM.source,
    id: seedResource("images/myImage"),
    luns: [0],
  },
  regions: [
    {
      id: "1",
      present: false,
      name: "westus",
      replicas: "2",
      storage: "Standard_LRS",
      exclude: false,
      sets: {
        os: SET("WestUSDiskEncryptionSet1"),
        0: SET("WestUSDiskEncryptionSet2"),
      },
      fixed: [],
      given: {},
    },
    {
      id: "2",
      present: false,
      name: "eastus2",
      replicas: "",
      storage: "",
      exclude: false,
      sets: {
        os: SET("EastUS2DiskEncryptionSet1"),
        0: SET("EastUS2DiskEncryptionSet2"),
      },
      fixed: [],
      given: {},
    },
  ],
};

function s10Body() {
  const body = structuredClone(managedImageRequest());
  const [first] = body.properties.publishingProfile?.targetRegions ?? [];
  if (first !== undefined) first.storageAccountType = "Standard_LRS";
  return body;
}

describe("the body of a form", () => {
  it("is the seed's request, row S10", () => {
    expect(bodyOf(S10)).toEqual(s10Body());
    expect(formOf(s10Body(), { version: "1.0.0" })).toEqual({
      ...S10,
      body: expect.anything() as Form["body"],
      regions: S10.regions.map((region) => ({
        ...region,
        given: expect.anything() as Form["body"],
      })),
    });
  });

  it("is the seed's other request, row S11", () => {
    const form = formOf(snapshotsRequest("eastus2"));
    expect(form.source).toMatchObject({
      kind: "disks",
      osDisk: seedResource("snapshots/myOSSnapshot"),
      dataDisks: [{ lun: "0", source: seedResource("snapshots/myDDSnapshot") }],
    });
    expect(bodyOf(form)).toMatchObject({
      properties: {
        storageProfile: snapshotsRequest("eastus2").properties.storageProfile,
      },
    });
  });

  it("leaves out what is not filled in, and names every disk that is to get a key", () => {
    expect(bodyOf(EMPTY_FORM)).toEqual({});
    const form = withRegions({ ...EMPTY_FORM, source: { ...EMPTY_FORM.source, luns: [0, 3] } }, [
      "westus",
    ]);
    expect(bodyOf(form).properties.publishingProfile?.targetRegions).toMatchObject([
      { encryption: { dataDiskImages: [{ lun: 0 }, { lun: 3 }] } },
    ]);
    expect(
      bodyOf({ ...form, encryption: "platform" }).properties.publishingProfile?.targetRegions,
    ).toEqual([{ name: "westus", regionalReplicaCount: 1 }]);
  });

  it("sends a number that is none as it is: the service says what is wrong with it", () => {
    const [region, ...others] = S10.regions;
    const form = {
      ...S10,
      regions: [{ ...(region ?? expect.fail()), replicas: "two" }, ...others],
    };
    expect(
      validator
        .validateBody("putImageVersion", bodyOf(form))
        .findings.map(({ pointer }) => pointer),
    ).toEqual(["/properties/publishingProfile/targetRegions/0/regionalReplicaCount"]);
  });

  it("says of secrets provisioning what it was filled with, and keeps what else the security profile has", () => {
    const securityProfile = {
      uefiSettings: { signatureTemplateNames: ["NoSignatureTemplate"] },
      secretsProvisioningSettings: {
        isSupported: false,
        components: [{ name: "OS", version: "3.0" }],
      },
    };
    const { location, properties } = s10Body();
    const given = { location, properties: { ...properties, securityProfile } };
    const form = formOf(given);
    expect(bodyOf(form)).toEqual(given);
    expect(bodyOf({ ...form, ...setting(SECRETS, undefined)(form) }).properties).toHaveProperty(
      "securityProfile",
      {
        uefiSettings: securityProfile.uefiSettings,
      },
    );
  });

  it("names a virtual machine and another version where Azure wants them", () => {
    const source = (kind: Form["source"]["kind"], id: string): unknown =>
      bodyOf({ ...S10, source: { ...S10.source, kind, id } }).properties.storageProfile;
    const machine = seedResource("virtualMachines/myVM");
    expect(source("virtualMachine", machine)).toEqual({
      source: { virtualMachineId: machine },
    });
    expect(source("imageVersion", seedVersionId("0.9.0"))).toEqual({
      source: { id: seedVersionId("0.9.0") },
    });
  });

  it("of a confidential version has the OS disk's set as Azure wants it", () => {
    const form: Form = { ...S10, encryption: "confidential" };
    expect(bodyOf(form).properties.publishingProfile?.targetRegions?.[0]?.encryption).toEqual({
      osDiskImage: {
        securityProfile: {
          confidentialVMEncryptionType: "EncryptedWithCmk",
          secureVMDiskEncryptionSetId: SET("WestUSDiskEncryptionSet1"),
        },
      },
      dataDiskImages: [{ lun: 0, diskEncryptionSetId: SET("WestUSDiskEncryptionSet2") }],
    });
    const read = formOf(bodyOf(form));
    expect(read).toMatchObject({
      encryption: "confidential",
      confidentialType: "EncryptedWithCmk",
    });
    expect(read.regions[0]?.sets).toEqual(S10.regions[0]?.sets);
    expect(
      bodyOf({ ...form, confidentialType: "NonPersistedTPM" }).properties.publishingProfile
        ?.targetRegions?.[0]?.encryption?.osDiskImage,
    ).toEqual({
      securityProfile: { confidentialVMEncryptionType: "NonPersistedTPM" },
    });
  });

  it("of a confidential version has the data disks' sets as Azure wants them, and keeps them as they were read", () => {
    const form: Form = {
      ...S10,
      encryption: "confidential",
      confidentialType: "EncryptedWithPmk",
      confidentialData: true,
    };
    const body = bodyOf(form);
    const ofDisk = (confidentialVMEncryptionType: string) => ({
      lun: 0,
      securityProfile: {
        confidentialVMEncryptionType,
        secureVMDiskEncryptionSetId: SET("WestUSDiskEncryptionSet2"),
      },
    });
    const encryption = (of: ReturnType<typeof bodyOf>) =>
      of.properties.publishingProfile?.targetRegions?.[0]?.encryption;
    expect(encryption(body)?.dataDiskImages).toEqual([ofDisk("DataDiskEncryptedWithCmk")]);
    expect(formOf(body)).toMatchObject({
      confidentialData: true,
      confidentialType: "EncryptedWithPmk",
    });
    expect(encryption(bodyOf(formOf(body)))).toEqual(encryption(body));
    // Of another kind, which the form does not offer.
    const other = JSON.parse(
      JSON.stringify(body).replaceAll("DataDiskEncryptedWithCmk", "EncryptedWithCmk"),
    ) as unknown;
    expect(formOf(other).confidentialData).toBe(false);
    expect(encryption(bodyOf(formOf(other)))?.dataDiskImages).toEqual([ofDisk("EncryptedWithCmk")]);
  });

  it("has what is set of it, and not what is taken away or left empty", () => {
    const set = (pointer: string, to: Parameters<typeof setting>[1], form: Form): Form => ({
      ...form,
      ...setting(pointer, to)(form),
    });
    const promotion = { when: "regions", regions: ["westus", "East US 2"] };
    const form = set("/tags", { build: "4711" }, set("/sigil/promotion", promotion, S10));
    const dated = set("/properties/publishingProfile/endOfLifeDate", "2030-12-01", form);
    const body = bodyOf(dated);
    expect(body).toMatchObject({
      tags: { build: "4711" },
      sigil: { promotion },
      properties: { publishingProfile: { endOfLifeDate: "2030-12-01" } },
    });
    expect(validator.validateBody("putImageVersion", body).findings).toEqual([]);
    expect(bodyOf(formOf(body))).toEqual(body);
    const emptied = set("/properties/publishingProfile/endOfLifeDate", "", dated);
    expect(bodyOf(set("/sigil/promotion", undefined, set("/tags", {}, emptied)))).toEqual(
      bodyOf(S10),
    );
  });

  it("has each wave of a rule as it came", () => {
    const promotion = {
      when: "waves",
      waves: [
        { regions: ["westus", "ukwest"], after: "tested", results: ["boot"] },
        { regions: ["eastus2"], after: { minutes: 90 } },
        { regions: ["uksouth"], after: "manual" },
      ],
      onFailure: "rollBack",
    };
    const body = { ...bodyOf(S10), sigil: { promotion } };
    expect(bodyOf(formOf(body))).toEqual(body);
    // Said as by default: a rule that is changed is refused.
    const halting = {
      ...body,
      sigil: { promotion: { ...promotion, onFailure: "halt" } },
    };
    expect(bodyOf(formOf(halting))).toEqual(halting);
    const unknown = {
      ...bodyOf(S10),
      sigil: {
        promotion: {
          when: "waves",
          waves: [{ regions: ["westus"], after: "dawn" }],
        },
      },
    };
    expect(bodyOf(formOf(unknown))).toEqual(unknown);
  });

  it("keeps the tests that a rule waits for", () => {
    const promotion = { when: "tested", regions: ["westus"], results: ["boot"] };
    const body = { ...bodyOf(S10), sigil: { promotion } };
    expect(bodyOf(formOf(body))).toEqual(body);
  });

  it("has no rule of keys with platform keys, and one without spaces around it", () => {
    const ruled = withRule(S10, { ...NO_RULE, osDisk: " {region}-os " });
    expect(bodyOf(ruled).sigil).toEqual({ encryption: { osDisk: "{region}-os" } });
    expect(bodyOf({ ...ruled, encryption: "platform" })).not.toHaveProperty("sigil");
    expect(ruleOf(ruled).osDisk).toBe(" {region}-os ");
  });
});

/** Every example of a PUT's body in the document. */
const { GalleryImageVersion } = content.components?.requestBodies ?? {};
const EXAMPLES = Object.entries(
  resolve(content, GalleryImageVersion ?? expect.fail()).content["application/json"]?.examples ??
    {},
).map(([name, example]) => [name, resolve(content, example).value as unknown] as const);

describe("a form that is read", () => {
  it.each(EXAMPLES)("from the example %s means the same", (_, value) => {
    const text = JSON.stringify(value).replace("standard_lrs", "Standard_LRS");
    expect(bodyOf(formOf(value))).toEqual(writable(JSON.parse(text)));
  });

  it("keeps what it does not show: edge zones, caching, replica sets, signatures", () => {
    const body = {
      location: "westus",
      properties: {
        publishingProfile: {
          replicationMode: "Full",
          targetRegions: [
            {
              name: "westus",
              additionalReplicaSets: [
                { storageAccountType: "Premium_LRS", regionalReplicaCount: 1 },
              ],
            },
          ],
          targetExtendedLocations: [
            {
              name: "westus",
              extendedLocation: { name: "losangeles", type: "EdgeZone" },
            },
          ],
        },
        storageProfile: {
          source: { id: seedResource("images/myImage") },
          osDiskImage: { hostCaching: "ReadOnly" },
          dataDiskImages: [{ lun: 0, hostCaching: "None" }],
        },
        securityProfile: {
          uefiSettings: { signatureTemplateNames: ["NoSignatureTemplate"] },
        },
        safetyProfile: { allowDeletionOfReplicatedLocations: true },
      },
    };
    expect(bodyOf(formOf(body))).toEqual(body);
    const byDisk = formOf(snapshotsRequest("eastus2"));
    expect(
      bodyOf({
        ...byDisk,
        source: { ...byDisk.source, kind: "managedImage", id: "/x" },
      }).properties.storageProfile,
    ).toEqual({ source: { id: "/x" } });
  });

  it("keeps a data disk of which a region gives its number alone, and nothing of another kind of encryption", () => {
    const encryption = {
      osDiskImage: { diskEncryptionSetId: SET("a") },
      dataDiskImages: [
        { lun: 1 },
        { lun: 2, securityProfile: { confidentialVMEncryptionType: "EncryptedWithCmk" } },
      ],
    };
    const targetRegions = [{ name: "westus", encryption }];
    const body = { location: "westus", properties: { publishingProfile: { targetRegions } } };
    const form = formOf(body);
    expect(bodyOf(form)).toEqual(body);
    // Of another kind: nothing of the one before stays.
    const encrypted = (as: Parameters<typeof withEncryption>[1]) =>
      bodyOf(withEncryption(form, as)).properties.publishingProfile?.targetRegions?.[0]?.encryption;
    expect(encrypted({ encryption: "double" })).toEqual({
      ...encryption,
      dataDiskImages: [{ lun: 1 }, { lun: 2 }],
    });
    expect(encrypted({ encryption: "confidential" })).toEqual({
      osDiskImage: {
        securityProfile: {
          confidentialVMEncryptionType: "EncryptedWithCmk",
          secureVMDiskEncryptionSetId: SET("a"),
        },
      },
      dataDiskImages: [{ lun: 1 }, { lun: 2 }],
    });
  });

  it("keeps a rule that chooses sets, and asks for none where it chooses", () => {
    const body = {
      location: "westus",
      properties: {
        publishingProfile: {
          targetRegions: [{ name: "westus", encryption: { dataDiskImages: [{ lun: 0 }] } }],
        },
        storageProfile: { source: { id: seedResource("images/myImage") } },
      },
      sigil: { encryption: { osDisk: "{region}-os" } },
    };
    const form = {
      ...formOf(body),
      source: { ...formOf(body).source, luns: [0] },
    };
    expect(form.encryption).toBe("customer");
    expect(bodyOf(form)).toEqual(body);
    expect(findInForm(form).map(({ field }) => field)).toEqual(["set-1-0"]);
    const removed = withRule(form, NO_RULE);
    expect(bodyOf(removed)).not.toHaveProperty("sigil");
    expect(findInForm(removed)).toHaveLength(2);
  });

  it("has VHDs of one storage account as its source", () => {
    const vhd = (name: string, account = "a") => ({
      storageAccountId: `/subscriptions/x/${account}`,
      uri: `https://x.blob.core.windows.net/vhds/${name}.vhd`,
    });
    const of = (data: object): Form =>
      formOf({
        location: "westus",
        properties: {
          storageProfile: {
            osDiskImage: { source: vhd("os"), hostCaching: "None" },
            dataDiskImages: [{ lun: 2, source: data }],
          },
        },
      });
    const form = of(vhd("data"));
    expect(form.source).toMatchObject({
      kind: "vhd",
      account: "/subscriptions/x/a",
      osDisk: vhd("os").uri,
      dataDisks: [{ lun: "2", source: vhd("data").uri }],
    });
    expect(disksOf(form)).toEqual(["os", "2"]);
    expect(bodyOf(form).properties.storageProfile).toEqual({
      osDiskImage: { source: vhd("os"), hostCaching: "None" },
      dataDiskImages: [{ lun: 2, source: vhd("data") }],
    });
    // Of several accounts, or of disks as well, the form has no fields.
    for (const data of [vhd("data", "b"), { id: "/subscriptions/x/disk" }]) {
      const other = of(data);
      expect(other.source.kind).toBe("other");
      expect(bodyOf(other).properties.storageProfile?.dataDiskImages).toEqual([
        { lun: 2, source: data },
      ]);
    }
  });

  it("keeps a source that it has no fields for", () => {
    const storageProfile = {
      source: { communityGalleryImageId: "/CommunityGalleries/x/Images/y" },
    };
    const form = formOf({ location: "westus", properties: { storageProfile } });
    expect(form.source.kind).toBe("other");
    expect(bodyOf(form).properties.storageProfile).toEqual(storageProfile);
  });

  it("from an answer has no member that only an answer has, fixes its keys, and leaves the source alone", () => {
    const answer = {
      ...(s10Body() as object),
      id: seedVersionId("1.0.0"),
      name: "1.0.0",
      type: "Microsoft.Compute/galleries/images/versions",
      sigil: { managedBy: "Sigil", latest: true, latestIn: [], regions: [] },
    };
    const form = formOf(answer, { version: "1.0.0", exists: true });
    const { storageProfile: _, ...properties } = managedImageRequest().properties;
    const body = bodyOf(form);
    expect(Object.keys(body).sort()).toEqual(["location", "properties"]);
    expect(Object.keys(body.properties)).toEqual(Object.keys(properties));
    expect(form.regions.map(({ fixed }) => [...fixed].sort())).toEqual([
      ["0", "os"],
      ["0", "os"],
    ]);
    expect(disksOf(form)).toEqual(["os", "0"]);
  });

  it("is double encryption where a set is of that type", () => {
    const typeOf = (id: string) =>
      id.endsWith("2")
        ? "EncryptionAtRestWithPlatformAndCustomerKeys"
        : "EncryptionAtRestWithCustomerKey";
    expect(formOf(s10Body(), { typeOf }).encryption).toBe("double");
    expect(formOf(s10Body()).encryption).toBe("customer");
    expect(formOf({ location: "westus" }).encryption).toBe("platform");
  });

  it("bears whatever is pasted", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const body of [
          value,
          { properties: value },
          { properties: { publishingProfile: value, storageProfile: value } },
          { properties: { publishingProfile: { targetRegions: [value] } } },
        ])
          expect(() => bodyOf(formOf(body))).not.toThrow();
      }),
      { numRuns: 200 },
    );
  });
});
