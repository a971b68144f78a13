/** Microsoft's own examples of the newest api-version: each passes as it is, or is refused by name; corrected, Azure makes it or refuses it as the plan does. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import { fieldsOf } from "../../../src/image-version/properties/fields.js";
import { known } from "../../../src/image-version/queries/get.js";
import { viewImageVersion } from "../../../src/image-version/queries/views.js";
import { idOf, startInProcess, type InProcess } from "../../support/dependencies.js";
import { GET_EXAMPLES, PATCH_EXAMPLES, PUT_EXAMPLES } from "../../support/examples.js";
import { refusal } from "../../support/refusal.js";
import { seedResource } from "../../support/requests.js";
import { Trial } from "../../support/trial.js";
import { responseMistakes, validator } from "../../unit/http/contract/document.js";
import { patch, patchThrough, putThrough, seen } from "./truth/support.js";

const AN_HOUR_MS = 3_600_000;
const GALLERY = "galleries/MyGallery/images";

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000 });
  const { control } = world.simulator;
  const { of } = new Trial(control, 0, () => Promise.resolve());
  const set = (name: string, region: string) => of.diskEncryptionSet(name, region);
  for (const resource of [
    set("myWestUSDiskEncryptionSet", "westus"),
    set("myOtherWestUSDiskEncryptionSet", "westus"),
    set("myEastUSDiskEncryptionSet", "eastus"),
    set("myOtherEastUSDiskEncryptionSet", "eastus"),
    of.diskEncryptionSet("myConfidentialSet", "eastus", "ConfidentialVmEncryptedWithCustomerKey"),
    set("myDiskEncryptionSet", "westus"),
    set("myOtherDiskEncryptionSet", "westus"),
    of.managedImage("imageName", "westus", [0, 1]),
    of.disk("snapshots", "osSnapshotName", "westus", { os: true }),
    of.disk("disks", "dataDiskName", "westus", { os: false }),
    of.disk("disks", "vmDisk", "westus", { os: true }),
    of.disk("disks", "vmData1", "westus", { os: false }),
    of.virtualMachine("vmName", "westus", "vmDisk", [
      { lun: 0, name: "dataDiskName" },
      { lun: 1, name: "vmData1" },
    ]),
    of.imageDefinition("MyGallery", "confidential", "eastus", {
      features: [{ name: "SecurityType", value: "ConfidentialVM" }],
    }),
    of.disk(
      "disks",
      "cvmDisk",
      "eastus",
      { os: true },
      {
        securityProfile: {
          securityType: "ConfidentialVM_DiskEncryptedWithPlatformKey",
        },
      },
    ),
    of.disk("disks", "cvmData", "eastus", { os: false }),
    of.virtualMachine("cvm", "eastus", "cvmDisk", [{ lun: 0, name: "cvmData" }], {
      securityProfile: { securityType: "ConfidentialVM" },
    }),
  ])
    await control.putResource(resource);
  await control.setRegistrationState({
    subscriptionId: idOf(versionOf("Create")).subscriptionId,
    namespace: "Microsoft.Compute",
    feature: "ConfidentialVMDataDiskEncryptionPreview",
    state: "Registered",
  });
});
afterAll(() => world.close());

const NAMES = Object.keys(PUT_EXAMPLES);

/** Each has a number of its own. */
function versionOf(name: string): string {
  const image = name.includes("CVM") ? "confidential" : "MyImage";
  return seedResource(`${GALLERY}/${image}/versions/1.0.${NAMES.indexOf(name)}`);
}

const exampleOf = (name: string): ImageVersionRequest => PUT_EXAMPLES[name] ?? expect.fail();

/** With the type of its sets as Azure has it. */
function corrected(body: ImageVersionRequest): ImageVersionRequest {
  return JSON.parse(
    JSON.stringify(body).replaceAll("/diskEncryptionSet/", "/diskEncryptionSets/"),
  ) as ImageVersionRequest;
}

const validate = (body: unknown) => validator.validateBody("putImageVersion", body).findings;

const VHD = {
  plan: ["DiskEncryptionSetMissing", "DuplicateSource", "EncryptionNotSupportedForSource"],
  azure: "DuplicateSource",
};

test("all that the specification has are here", () => {
  expect(NAMES).toHaveLength(13);
  expect(Object.keys(PATCH_EXAMPLES)).toHaveLength(3);
  expect(Object.keys(GET_EXAMPLES)).toHaveLength(7);
});

test.each(Object.entries(GET_EXAMPLES))("%s is shown as the document has it", (_, resource) => {
  const look = {
    resource: corrected(resource as unknown as ImageVersionRequest),
    provisioningState: "Succeeded",
    publishedDate: resource.properties.publishingProfile.publishedDate,
    regions: [],
    time: resource.properties.publishingProfile.publishedDate,
  };
  const version = known(idOf(versionOf("Create")), look, undefined, { inRegion: new Map() }, []);
  expect(
    responseMistakes(
      "getImageVersion",
      200,
      "application/json",
      viewImageVersion(version, new Date(world.clock.now())),
    ),
  ).toEqual([]);
});

/** Of one that the plan stops: every code that it tells, and the one that Azure meets first. */
const STOPPED: Readonly<
  Record<string, { readonly plan: readonly string[]; readonly azure: string }>
> = {
  // "only supports encryption for VMs, disks, snapshots and managed images"; the specification names no source that is there.
  Create_WithCommunityImageVersionAsSource: {
    plan: ["EncryptionNotSupportedForSource"],
    azure: "SourceNotFound",
  },
  Create_WithImageVersionAsSource: {
    plan: ["EncryptionNotSupportedForSource", "SourceNotFound"],
    azure: "SourceNotFound",
  },
  // One VHD for two disks, and a region without sets.
  Create_WithVHD: VHD,
  Create_WithVHD_UefiSettings: VHD,
};

describe.each(NAMES)("PUT %s", (name) => {
  test("is taken as it is written, or each set's type is told with what was meant", () => {
    const body = exampleOf(name);
    const text = JSON.stringify(body);
    const wrong = text.match(/\/diskEncryptionSet\/\w+/gu) ?? [];
    const findings = validate(body);
    expect(findings.map(({ code }) => code)).toEqual(wrong.map(() => "InvalidFormat"));
    expect(findings.map(({ message }) => message)).toEqual(
      wrong.map(
        (end) =>
          expect.stringContaining(
            `Did you mean ${seedResource("x").replace("/x", end.replace("Set/", "Sets/"))}?`,
          ) as string,
      ),
    );
    expect(validate(corrected(body))).toEqual([]);
  });

  test("is stopped by the plan exactly where Azure refuses it, and is kept whole", async () => {
    const body = corrected(exampleOf(name));
    const id = idOf(versionOf(name));
    const { findings } = await planImageVersion(world.deps, { id, body });
    const errors = findings.filter(({ severity }) => severity === "error").map(({ code }) => code);
    const stopped = STOPPED[name];
    expect([...new Set(errors)].sort(), JSON.stringify(findings)).toEqual(
      [...(stopped?.plan ?? [])].sort(),
    );
    const { resourceManager } = world.deps;
    const send = resourceManager.putImageVersion(id, canonicalForm(body));
    if (stopped !== undefined) {
      expect((await refusal(send)).findings[0]?.code).toBe(stopped.azure);
      return;
    }
    await send;
    world.clock.advance(AN_HOUR_MS);
    const made = await resourceManager.getImageVersion(id);
    expect(made?.provisioningState).toBe("Succeeded");
    const shown = made?.resource ?? expect.fail();
    expect(fieldsOf(canonicalForm(shown))).toMatchObject(fieldsOf(canonicalForm(body)));
  });
});

describe("PATCH", () => {
  test.each(["Update", "Update_WithoutSourceId"])(
    "%s changes a version without keys, and is refused by name where it would take keys away",
    async (name) => {
      const withKeys = seedResource(`${GALLERY}/MyImage/versions/2.0.${name.length}`);
      const without = seedResource(`${GALLERY}/MyImage/versions/2.1.${name.length}`);
      const body = corrected(exampleOf("Create"));
      await putThrough(world, withKeys, body);
      await putThrough(world, without, {
        ...body,
        properties: {
          ...body.properties,
          publishingProfile: {
            targetRegions: [
              { name: "westus" },
              { name: "eastus", storageAccountType: "Standard_ZRS" },
            ],
          },
        },
      });
      expect(await refusal(patch(world, withKeys, PATCH_EXAMPLES[name]))).toMatchObject({
        code: "ImageVersionConflict",
        findings: expect.arrayContaining([
          expect.objectContaining({ code: "CustomerKeysChanged" }),
        ]) as unknown,
      });
      expect(await patchThrough(world, without, PATCH_EXAMPLES[name])).toMatchObject({
        status: "Succeeded",
      });
      expect((await seen(world, without)).properties.publishingProfile.targetRegions).toMatchObject(
        [
          { name: "westus", regionalReplicaCount: 1 },
          { name: "eastus", regionalReplicaCount: 2 },
        ],
      );
    },
  );
});
