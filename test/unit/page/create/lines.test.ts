import { execFileSync } from "node:child_process";
import { shellWord } from "../../../../src/page/src/command-line.js";
import { describe, expect, it, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { bodyOf as bodyOfOptions } from "../../../../src/cli/src/az/image-version-body.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import { bodyOf } from "../../../../src/page/src/create/model/body.js";
import {
  setting,
  withEncryption,
  withRule,
  type Form,
} from "../../../../src/page/src/create/model/form.js";
import type { JsonObject } from "../../../../src/page/src/create/model/json.js";
import { formOf } from "../../../../src/page/src/create/model/read.js";
import {
  azLinesFor,
  bicepFor,
  commandLine,
  curlLine,
  missingSets,
} from "../../../../src/page/src/create/model/lines.js";
import { gapsOf } from "../../../../src/page/src/create/model/sets.js";
import { managedImageRequest, seedResource, snapshotsRequest } from "../../../support/requests.js";
import { optionsOf } from "../../cli/command-line.js";

const IMAGE = {
  subscriptionId: LOCAL_SUBSCRIPTION_ID,
  resourceGroupName: "MyResourceGroup",
  galleryName: "MyGallery",
  imageName: "MyImage",
};
const S10 = formOf(managedImageRequest(), { version: "1.0.0" });
const HOSTILE = `x'; $(touch /tmp/owned) \`id\` "\\ \n<script>`;

/** What a shell makes of a line: each argument, without running it. */
function words(line: string): string[] {
  const [, ...rest] = execFileSync("sh", [
    "-c",
    `printf '%s\\0' ${line.replaceAll('"Bearer', '"Bearer')}`,
  ])
    .toString()
    .split("\0");
  return rest.slice(0, -1);
}

describe("the line of az", () => {
  it("is the seed's, with ids for names (row S10)", () => {
    const { text, az } = commandLine(IMAGE, S10);
    expect(az).toBe(true);
    const set = (name: string): string => seedResource(`diskEncryptionSets/${name}`);
    expect(words(text)).toEqual([
      "sig",
      "image-version",
      "create",
      "--subscription",
      LOCAL_SUBSCRIPTION_ID,
      "--resource-group",
      "MyResourceGroup",
      "--gallery-name",
      "MyGallery",
      "--gallery-image-definition",
      "MyImage",
      "--gallery-image-version",
      "1.0.0",
      "--location",
      "westus",
      "--target-regions",
      "westus=2=standard_lrs",
      "eastus2",
      "--target-region-encryption",
      `${set("WestUSDiskEncryptionSet1")},0,${set("WestUSDiskEncryptionSet2")}`,
      `${set("EastUS2DiskEncryptionSet1")},0,${set("EastUS2DiskEncryptionSet2")}`,
      "--managed-image",
      seedResource("images/myImage"),
    ]);
  });

  it("names snapshots by LUN (row S11)", () => {
    const form = formOf(snapshotsRequest("eastus2"), { version: "1.0.0" });
    const all = words(commandLine(IMAGE, form).text);
    expect(all.slice(all.indexOf("--os-snapshot"))).toEqual([
      "--os-snapshot",
      seedResource("snapshots/myOSSnapshot"),
      "--data-snapshot-luns",
      "0",
      "--data-snapshots",
      seedResource("snapshots/myDDSnapshot"),
    ]);
  });

  it("is sigil's where az has no such option", () => {
    const next = commandLine(IMAGE, { ...S10, version: "" });
    expect(next).toMatchObject({ az: false });
    expect(next.text).toContain("sigil image-version create");
    expect(next.text).toContain("--increment patch");
    const machine = commandLine(IMAGE, {
      ...S10,
      source: { ...S10.source, kind: "virtualMachine" },
    });
    expect(machine).toMatchObject({ az: false, file: true });
    const ruled = commandLine(IMAGE, {
      ...S10,
      ...setting("/sigil/promotion/when", "manual")(S10),
    });
    expect(ruled.text).toContain("--promote-when manual");
    const rule = { osDisk: "{region}-os", dataDisks: "", tag: "a=b" };
    const byRule = {
      ...withRule(S10, rule),
      regions: S10.regions.map((region) => ({ ...region, sets: {} })),
    };
    expect(commandLine(IMAGE, byRule)).toMatchObject({
      az: false,
      file: false,
      text: expect.stringMatching(
        /--os-disk-set-rule '\{region\}-os'[\s\S]*--disk-set-tag a=b/u,
      ) as string,
    });
    // Where some are chosen by hand, options do not say it all.
    expect(commandLine(IMAGE, withRule(S10, rule))).toMatchObject({ file: true });
  });

  it("names a file where options do not say it all", () => {
    const change = formOf(managedImageRequest(), {
      version: "1.0.0",
      exists: true,
    });
    const { text, az } = commandLine(IMAGE, change);
    expect(az).toBe(false);
    expect(words(text).slice(-2)).toEqual(["--file", "version.json"]);
  });

  it("says how a confidential OS disk is encrypted", () => {
    const form: Form = { ...S10, encryption: "confidential" };
    const all = words(commandLine(IMAGE, form).text);
    expect(all[all.indexOf("--target-region-cvm-encryption") + 1]).toBe(
      `EncryptedWithCmk,${seedResource("diskEncryptionSets/WestUSDiskEncryptionSet1")}`,
    );
    expect(all[all.indexOf("--target-region-encryption") + 1]).toMatch(/^null,0,/u);
  });
});

/** Each is what somebody may fill in; the line must mean what the form means. */
const FORMS: Readonly<Record<string, Form>> = {
  S10,
  S11: formOf(snapshotsRequest("eastus2"), { version: "1.0.0" }),
  "platform keys": { ...S10, encryption: "platform" },
  confidential: withEncryption(S10, { encryption: "confidential" }),
  "confidential with a platform key": {
    ...withEncryption(S10, { encryption: "confidential" }),
    confidentialType: "EncryptedWithPmk",
    source: { ...S10.source, luns: [] },
  },
  VHDs: {
    ...S10,
    source: {
      ...S10.source,
      kind: "vhd",
      account: "/subscriptions/x/resourceGroups/y/providers/Microsoft.Storage/storageAccounts/z",
      osDisk: "https://z.blob.core.windows.net/vhds/os.vhd",
      dataDisks: [
        {
          id: "1",
          lun: "0",
          source: "https://z.blob.core.windows.net/vhds/data.vhd",
        },
      ],
    },
  },
  "all else": formOf(
    {
      ...managedImageRequest(),
      tags: { build: "4711" },
      properties: {
        ...managedImageRequest().properties,
        publishingProfile: {
          ...managedImageRequest().properties.publishingProfile,
          endOfLifeDate: "2030-12-01",
          excludeFromLatest: true,
        },
        safetyProfile: { blockDeletionBeforeEndOfLife: true },
      },
    },
    { version: "1.0.0" },
  ),
};

test("options that would lose what a disk was given leave it to a file", () => {
  const cached = (storage: JsonObject) => {
    const form = formOf(managedImageRequest(), { version: "1.0.0" });
    return { ...form, ...setting("/properties/storageProfile", storage)(form) };
  };
  expect(commandLine(IMAGE, cached({})).file).toBe(false);
  expect(commandLine(IMAGE, cached({ osDiskImage: { hostCaching: "None" } })).file).toBe(true);
});

test.each(Object.entries(FORMS))(
  "the line of %s means what the form means, to the command line of Sigil",
  (_, form) => {
    const line = commandLine(IMAGE, form);
    expect(line.az).toBe(true);
    const [, , , ...options] = words(line.text);
    const body = bodyOfOptions(optionsOf("image-version create", options.join(" ")), IMAGE);
    const canonical = (request: unknown): unknown => canonicalForm(request as ImageVersionRequest);
    expect(canonical(body)).toEqual(canonical(bodyOf(form)));
  },
);

describe("nothing that somebody typed is run", () => {
  it("by a shell", () => {
    expect(words(`x ${shellWord(HOSTILE)}`)).toEqual([HOSTILE]);
    const form: Form = {
      ...S10,
      body: { ...S10.body, tags: { [HOSTILE]: HOSTILE } },
      source: { ...S10.source, id: HOSTILE },
    };
    const all = words(commandLine({ ...IMAGE, imageName: HOSTILE }, form).text);
    expect(all).toContain(HOSTILE);
    expect(all).toContain(`${HOSTILE}=${HOSTILE}`);
    const curl = curlLine("https://sigil.example", {
      method: "PUT",
      address: "/api/x",
      headers: { "If-Match": '"a"' },
      body: bodyOf(form),
    });
    expect(words(curl)).toEqual([
      "--request",
      "PUT",
      "https://sigil.example/api/x",
      "--header",
      "Authorization: Bearer ",
      "--header",
      "Content-Type: application/json",
      "--header",
      'If-Match: "a"',
      "--data",
      JSON.stringify(bodyOf(form)),
    ]);
  });

  it("by Bicep", () => {
    const text = bicepFor({
      name: "a'${evil()}\\\nb",
      location: "westus",
      encryptionType: "EncryptionAtRestWithCustomerKey",
      subscriptionId: LOCAL_SUBSCRIPTION_ID,
      resourceGroupName: "g",
    });
    expect(text).toContain("name: 'a\\'\\${evil()}\\\\\\nb'\n");
  });
});

describe("a set that is missing", () => {
  it("is named as those of the other regions, once for each type", () => {
    const [first] = S10.regions;
    const form: Form = {
      ...S10,
      regions: [
        first ?? expect.fail(),
        { ...(first ?? expect.fail()), id: "2", name: "East US", sets: {} },
      ],
    };
    const gaps = gapsOf(form, IMAGE, ({ name }) => (name === first?.name ? [{} as never] : []));
    const missing = missingSets(gaps, form, IMAGE);
    expect(missing.map(({ name, location }) => [name, location])).toEqual([
      ["eastusDiskEncryptionSet1", "eastus"],
      ["eastusDiskEncryptionSet2", "eastus"],
    ]);
    const [set] = missing;
    expect(azLinesFor(set ?? expect.fail())).toContain(
      "--name eastusDiskEncryptionSet1 \\\n  --location eastus --encryption-type EncryptionAtRestWithCustomerKey",
    );
    const without: Form = {
      ...form,
      regions: form.regions.map((region) => ({ ...region, sets: {} })),
    };
    expect(
      missingSets(
        gapsOf(without, IMAGE, () => []),
        without,
        IMAGE,
      ).map(({ name }) => name),
    ).toEqual(["westus-images", "eastus-images"]);
  });
});
