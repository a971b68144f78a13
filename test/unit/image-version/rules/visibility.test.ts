import { expect, test } from "vitest";
import { ALL_RULES } from "../../../../src/image-version/rules/rules.js";
import {
  COMPUTE,
  DEFINITION,
  denied,
  disk,
  finding,
  findings,
  GALLERY,
  IMAGE,
  MACHINE,
  REGIONS,
  region,
  setId,
  source,
  STORAGE,
  subject,
  SUBSCRIPTION,
  VERSION,
  type Changes,
  platformKeys,
} from "./subject.js";

const BASE = `${GALLERY}/images/base`;
const BASE_VERSION = `${BASE}/versions/1.0.0`;
const DISK = `${COMPUTE}/disks/os`;
const SUBSCRIPTION_ID = `/subscriptions/${SUBSCRIPTION}`;

const CASES: readonly [string, string, string, string, Changes][] = [
  [
    "a gallery",
    GALLERY,
    "",
    "Microsoft.Compute/galleries/read",
    {
      gathered: { gallery: denied(GALLERY, "Microsoft.Compute/galleries/read") },
    },
  ],
  [
    "an image definition",
    DEFINITION,
    "",
    "Microsoft.Compute/galleries/images/read",
    {
      gathered: {
        imageDefinition: denied(DEFINITION, "Microsoft.Compute/galleries/images/read"),
      },
    },
  ],
  [
    "the version itself",
    VERSION,
    "",
    "Microsoft.Compute/galleries/images/versions/read",
    {
      gathered: {
        imageVersion: denied(VERSION, "Microsoft.Compute/galleries/images/versions/read"),
      },
    },
  ],
  [
    "a disk encryption set",
    setId("eastus2-0"),
    `${REGIONS}/1/encryption/dataDiskImages/0/diskEncryptionSetId`,
    "Microsoft.Compute/diskEncryptionSets/read",
    {
      sets: {
        "eastus2-0": denied(setId("eastus2-0"), "Microsoft.Compute/diskEncryptionSets/read"),
      },
    },
  ],
  [
    "a source",
    IMAGE,
    `${STORAGE}/source/id`,
    "Microsoft.Compute/images/read",
    { sources: { [IMAGE]: denied(IMAGE, "Microsoft.Compute/images/read") } },
  ],
  [
    "a disk of a virtual machine",
    DISK,
    `${STORAGE}/source/virtualMachineId`,
    "Microsoft.Compute/disks/read",
    {
      storage: { source: { virtualMachineId: MACHINE } },
      sources: {
        [MACHINE]: source(MACHINE, { osDisk: { id: DISK } }),
        [DISK]: denied(DISK, "Microsoft.Compute/disks/read"),
      },
    },
  ],
  [
    "the definition of an image version that is a source",
    BASE,
    `${STORAGE}/source/id`,
    "Microsoft.Compute/galleries/images/read",
    {
      regions: [platformKeys("westus")],
      storage: { source: { id: BASE_VERSION } },
      sources: {
        [BASE_VERSION]: disk(BASE_VERSION, { dataDisks: [{ lun: 0 }] }),
      },
      gathered: {
        sourceDefinitions: new Map([
          [BASE.toLowerCase(), denied(BASE, "Microsoft.Compute/galleries/images/read")],
        ]),
      },
    },
  ],
  [
    "the regions of a subscription",
    SUBSCRIPTION_ID,
    "",
    "Microsoft.Resources/subscriptions/locations/read",
    {
      gathered: {
        regions: denied(SUBSCRIPTION_ID, "Microsoft.Resources/subscriptions/locations/read"),
      },
    },
  ],
  [
    "a registration",
    SUBSCRIPTION_ID,
    "",
    "Microsoft.Features/providers/features/read",
    {
      gathered: {
        registrations: new Map([
          [
            "Microsoft.Compute/SIGEncryption",
            denied(SUBSCRIPTION_ID, "Microsoft.Features/providers/features/read"),
          ],
        ]),
      },
    },
  ],
];

test.each(CASES)(
  "%s that may not be seen is told with the role that is missing, and nothing else is",
  (_, scope, pointer, action, changes) => {
    expect(findings(changes)).toEqual([
      finding(
        "InsufficientPermission",
        pointer,
        [action, scope],
        [scope, "az role assignment create --assignee {Sigil's identity} --role Reader --scope"],
      ),
    ]);
  },
);

test("a resource that is named in several places is told once, where it is named first", () => {
  const id = setId("westus-os");
  expect(
    findings({
      regions: [
        region("westus", [0], {
          encryption: {
            osDiskImage: { diskEncryptionSetId: id },
            dataDiskImages: [{ lun: 0, diskEncryptionSetId: id.toUpperCase() }],
          },
        }),
      ],
      sets: { "westus-os": denied(id) },
    }).map(({ code, pointer }) => `${code} ${pointer}`),
  ).toEqual([`InsufficientPermission ${REGIONS}/0/encryption/osDiskImage/diskEncryptionSetId`]);
});

test("a refusal that names neither action nor scope is told with the resource", () => {
  expect(findings({ sources: { [IMAGE]: denied("undefined", "undefined") } })).toEqual([
    finding("InsufficientPermission", `${STORAGE}/source/id`, [IMAGE], [IMAGE]),
  ]);
});

test("where nothing may be seen, no rule over Azure says anything but that", () => {
  const it = subject({
    sets: Object.fromEntries(
      ["westus-os", "westus-0", "eastus2-os", "eastus2-0"].map((name) => [
        name,
        denied(setId(name)),
      ]),
    ),
    sources: { [IMAGE]: denied(IMAGE) },
    gathered: {
      gallery: denied(GALLERY),
      imageDefinition: denied(DEFINITION),
      imageVersion: denied(VERSION),
      regions: denied(SUBSCRIPTION_ID),
      registrations: new Map([["Microsoft.Compute", denied(SUBSCRIPTION_ID)]]),
    },
  });
  const loud = ALL_RULES.filter((rule) => rule.check(it).length > 0);
  expect(loud.map((rule) => rule.name)).toEqual(["read-permission"]);
  expect(loud[0]?.check(it)).toHaveLength(9);
});
