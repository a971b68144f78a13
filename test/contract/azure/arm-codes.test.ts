import {
  afterAll,
  beforeAll,
  describe,
  expect,
  onTestFinished,
  test,
} from "vitest";
import { knownRefusal } from "../../../src/azure/arm-codes.js";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { LOCAL_SUBSCRIPTION_ID } from "../../../src/local/resource-manager/server.js";
import { seedWorld } from "../../../src/local/resource-manager/world.js";
import {
  idOf,
  startInProcess,
  type InProcess,
} from "../../support/dependencies.js";
import { refusal } from "../../support/refusal.js";
import {
  managedImageRequest,
  seedRegion,
  seedResource,
  seedVersionId,
  snapshotsRequest,
} from "../../support/requests.js";

const SET = "/subscriptions/s/diskEncryptionSets/d";

/** Azure's words, from "Troubleshoot images in an Azure Compute Gallery" and from recorded answers. */
const SAID: readonly [code: string, message: string, expected: string][] = [
  [
    "SubscriptionNotRegisteredForFeature",
    "Subscription s is not registered for feature Microsoft.Compute/SIGEncryption.",
    "FeatureNotRegistered",
  ],
  [
    "InvalidParameter",
    "Cannot specify westus in target regions because the subscription is missing required feature F.",
    "FeatureNotRegistered",
  ],
  [
    "NoRegisteredProviderFound",
    "No registered resource provider found for location 'x'.",
    "RegionNotOffered",
  ],
  ["AuthorizationFailed", "No.", "InsufficientPermission"],
  ["LinkedAuthorizationFailed", "No.", "InsufficientPermission"],
  [
    "RequestDisallowedByPolicy",
    "Resource 'r' was disallowed by policy.",
    "RequestDisallowedByPolicy",
  ],
  ["QuotaExceeded", "No more.", "QuotaExceeded"],
  [
    "OperationNotAllowed",
    "Operation could not be completed as it results in exceeding approved quota.",
    "QuotaExceeded",
  ],
  ["OperationNotAllowed", "The disk is attached.", "OperationNotAllowed"],
  [
    "ScopeLocked",
    "The scope cannot perform write operation because following scope(s) are locked.",
    "ScopeLocked",
  ],
  [
    "ParentResourceNotFound",
    "Can not perform requested operation on nested resource. Parent resource 'g/i' not found.",
    "ImageDefinitionNotFound",
  ],
  [
    "ParentResourceNotFound",
    "Failed to perform 'write' on resource(s) of type 'galleries/images', because the parent resource '/subscriptions/s/galleries/g' could not be found.",
    "GalleryNotFound",
  ],
  [
    "ResourceNotFound",
    "The Resource 'Microsoft.Compute/galleries/g' under resource group 'r' was not found.",
    "GalleryNotFound",
  ],
  [
    "ResourceNotFound",
    "The Resource 'Microsoft.Compute/galleries/g/images/i' under resource group 'r' was not found.",
    "ImageDefinitionNotFound",
  ],
  [
    "ResourceNotFound",
    "The Resource 'Microsoft.Compute/images/i' under resource group 'r' was not found.",
    "SourceNotFound",
  ],
  [
    "PropertyChangeNotAllowed",
    "Changing property 'x' is not allowed.",
    "ImmutableProperty",
  ],
  [
    "InvalidParameter",
    "Cannot specify new data disk image encryption lun [1] with a disk encryption set in region [westus] for update gallery image version request.",
    "ImmutableProperty",
  ],
  [
    "InvalidParameter",
    "Adding new Data Disks or changing the LUN of a Data Disk in an existing Image is not allowed.",
    "ImmutableProperty",
  ],
  [
    "InvalidParameter",
    "The image version name is invalid. The image version name should follow Major(int).Minor(int).Patch(int) format, for e.g: 1.0.0, 2018.12.1 etc.",
    "InvalidVersionName",
  ],
  [
    "InvalidParameter",
    "Duplicate regions are not allowed in target publishing regions.",
    "DuplicateRegion",
  ],
  [
    "InvalidParameter",
    "Gallery image version publishing profile regions eastus must contain the location of image version westus",
    "LocationNotInTargetRegions",
  ],
  [
    "InvalidParameter",
    "The value 101 of parameter targetRegions.regionalReplicaCount is out of range. The value must be between 1 and 100, inclusive.",
    "TooManyReplicas",
  ],
  [
    "InvalidParameter",
    "Encrypted source: '/a' is in a different subscription ID than the current gallery image version subscription 's'.",
    "EncryptedSourceInOtherSubscription",
  ],
  [
    "InvalidParameter",
    `The disk encryption set '${SET}' must be in the same subscription 's' as the gallery resource.`,
    "DiskEncryptionSetInOtherSubscription",
  ],
  [
    "BadRequest",
    `The disk encryption set ${SET} was not found.`,
    "DiskEncryptionSetNotFound",
  ],
  [
    "InvalidParameter",
    `The disk encryption set '${SET}' has no active key.`,
    "DiskEncryptionSetWithoutKey",
  ],
  [
    "InvalidParameter",
    `The disk encryption set '${SET}' is in provisioning state 'Failed'.`,
    "DiskEncryptionSetNotReady",
  ],
  [
    "InvalidParameter",
    `A disk encryption set is required for disk 'LUN 0' in target region 'a' since disk encryption set '${SET}' is used for the corresponding disk in region 'b'`,
    "DiskEncryptionSetMissing",
  ],
  [
    "LinkedInvalidPropertyId",
    "Property id 'x' at path 'properties.storageProfile.source.id' is invalid. Expect fully qualified resource Id.",
    "InvalidResourceId",
  ],
  [
    "InvalidParameter",
    "The value of parameter galleryArtifactVersion.properties.publishingProfile.targetRegions.encryption.osDiskImage.diskEncryptionSetId is invalid.",
    "InvalidResourceId",
  ],
  [
    "InvalidParameter",
    "The source id: /x must either be a managed image, virtual machine or another gallery image version",
    "WrongResourceType",
  ],
  [
    "InvalidParameter",
    "The source id: /x must be a managed disk or snapshot.",
    "WrongResourceType",
  ],
  [
    "InvalidParameter",
    "Cannot create Gallery Image Version from: /x since the OS State in the parent gallery image ('Specialized') is not 'Generalized'.",
    "OsStateMismatch",
  ],
  [
    "Conflict",
    "The resource with id '/x' has a different OS type ['Linux'] than the parent gallery image OS type generation ['Windows']",
    "OsTypeMismatch",
  ],
  [
    "Conflict",
    "The resource with id '/x' has a different Hypervisor generation ['V2'] than the parent gallery image Hypervisor generation ['V1'].",
    "HyperVGenerationMismatch",
  ],
  [
    "Conflict",
    "The resource with id '/x' has a different architecture ['Arm64'] than the parent gallery image architecture ['x64'].",
    "ArchitectureMismatch",
  ],
  [
    "InvalidParameter",
    "The security type 'TrustedLaunchSupported' is not supported for the source id '/x'.",
    "SecurityTypeMismatch",
  ],
  [
    "InvalidParameter",
    "The source '/x' is in provisioning state 'Creating'.",
    "SourceNotReady",
  ],
  [
    "InvalidParameter",
    "Source /x is not found. Please check source exists, and is in the same region as gallery image version being created.",
    "SourceNotFound",
  ],
  [
    "InvalidParameter",
    "Source was not found: /x. Please make sure the source exists.",
    "SourceNotFound",
  ],
  [
    "InvalidParameter",
    "The gallery artifact version source can only be specified either directly under storageProfile or within individual OS or data disks. One and only one source type (user image, snapshot, disk, virtual machine) can be provided.",
    "MissingSource",
  ],
  [
    "InvalidParameter",
    "An invalid lun [4] was specified in encryption.dataDiskImages. The lun must be one of the following values ['0,9'].",
    "LunNotInSource",
  ],
  [
    "InvalidParameter",
    "Duplicate luns '0' were specified in target region 'westus' encryption.dataDiskImages.",
    "DuplicateLun",
  ],
  [
    "InvalidParameter",
    "Duplicated lun numbers have been detected in the input data disks. Lun number must be unique for each data disk.",
    "DuplicateLun",
  ],
];

test.each(SAID)("%s: %s is %s", (code, message, expected) => {
  const known = knownRefusal({ code, message });
  expect(known.code).toBe(expected);
  if (known.code !== code) expect(known.remediation).toMatch(/\w.*\.$/u);
});

test.each([
  ["InvalidParameter", "The value is invalid."],
  ["Conflict", "The request failed due to conflict with a concurrent request."],
  [
    "Conflict",
    "The gallery image version '/v' is in provisioning state 'Updating'. Another operation on it is in progress; retry after it has completed.",
  ],
  [
    "CrpPirReplicationJobsNotCompleted",
    "Replication job not completed at region: eastus2",
  ],
  [
    "InternalOperationError",
    "Replication failed in this region due to 'Contract.Assert failed: Data model DiskEncryptionSetId '' does not match'",
  ],
  // Names that say what the words of a refusal would.
  ["InvalidParameter", "The value '/galleries/architecture' is invalid."],
])("%s: %s keeps Azure's code", (code, message) => {
  expect(knownRefusal({ code, message })).toEqual({ code });
});

describe("against the simulator", () => {
  let world: InProcess;
  beforeAll(async () => {
    world = await startInProcess();
    for (const [path, location, properties] of RESOURCES)
      await world.simulator.control.putResource({
        id: seedResource(path),
        name: path.split("/").at(-1) ?? "",
        type: `Microsoft.Compute/${path
          .split("/")
          .filter((_, i) => i % 2 === 0)
          .join("/")}`,
        location,
        properties: { provisioningState: "Succeeded", ...properties },
      });
  });
  afterAll(() => world.close());

  const RESOURCES: readonly [string, string, Record<string, unknown>][] = [
    [
      "diskEncryptionSets/updating",
      "westus",
      {
        provisioningState: "Updating",
        encryptionType: "EncryptionAtRestWithCustomerKey",
      },
    ],
    ["images/elsewhere", "eastus", { storageProfile: { osDisk: {} } }],
    [
      "images/encrypted",
      "westus",
      {
        hyperVGeneration: "V2",
        storageProfile: {
          osDisk: {
            diskEncryptionSet: {
              id: seedResource("diskEncryptionSets/WestUSDiskEncryptionSet1"),
            },
          },
        },
      },
    ],
    [
      "images/windows",
      "westus",
      {
        hyperVGeneration: "V2",
        storageProfile: {
          osDisk: { osType: "Windows" },
          dataDisks: [{ lun: 0 }],
        },
      },
    ],
    [
      "images/specialized",
      "westus",
      {
        hyperVGeneration: "V2",
        storageProfile: {
          osDisk: { osState: "Specialized" },
          dataDisks: [{ lun: 0 }],
        },
      },
    ],
    [
      "diskEncryptionSets/keyless",
      "westus",
      { encryptionType: "EncryptionAtRestWithCustomerKey" },
    ],
    [
      "images/creating",
      "westus",
      { provisioningState: "Creating", storageProfile: { osDisk: {} } },
    ],
    [
      "disks/arm64",
      "westus",
      {
        osType: "Linux",
        hyperVGeneration: "V2",
        supportedCapabilities: { architecture: "Arm64" },
      },
    ],
    [
      "disks/trusted",
      "westus",
      {
        osType: "Linux",
        hyperVGeneration: "V2",
        securityProfile: { securityType: "TrustedLaunch" },
      },
    ],
    [
      "virtualMachines/diskless",
      "westus",
      {
        storageProfile: {
          osDisk: { managedDisk: { id: seedResource("disks/deleted") } },
        },
      },
    ],
    [
      "images/foreign",
      "westus",
      {
        hyperVGeneration: "V2",
        storageProfile: {
          osDisk: {
            diskEncryptionSet: {
              id: seedResource("diskEncryptionSets/d").replace(
                LOCAL_SUBSCRIPTION_ID,
                "00000000-0000-4000-8000-000000000000",
              ),
            },
          },
          dataDisks: [{ lun: 0 }],
        },
      },
    ],
  ];

  type Properties = ImageVersionRequest["properties"];
  type Profile = NonNullable<Properties["publishingProfile"]>;

  const source = (storageProfile: Properties["storageProfile"]) => {
    const base = managedImageRequest();
    return { ...base, properties: { ...base.properties, storageProfile } };
  };
  const profile = (publishingProfile: Profile) => {
    const base = managedImageRequest();
    return { ...base, properties: { ...base.properties, publishingProfile } };
  };
  const oneRegion = (
    encryption: NonNullable<Profile["targetRegions"]>[number]["encryption"],
  ) =>
    profile({
      targetRegions: [{ name: "westus", ...(encryption && { encryption }) }],
    });
  const osSet = (diskEncryptionSetId: string) =>
    oneRegion({ osDiskImage: { diskEncryptionSetId } });
  const set = (name: string) => seedResource(`diskEncryptionSets/${name}`);
  const west = seedRegion("westus", "WestUS");
  const east = seedRegion("eastus2", "EastUS2");
  const inGallery = (gallery: string, image = "MyImage") =>
    seedResource(`galleries/${gallery}/images/${image}/versions/1.0.0`);

  const REFUSED: readonly [
    expected: string,
    request: ImageVersionRequest,
    versionId?: string,
  ][] = [
    [
      "InvalidVersionName",
      managedImageRequest(),
      seedVersionId("1.0.3000000000"),
    ],
    ["RegionNotOffered", { ...managedImageRequest(), location: "atlantis" }],
    [
      "RegionNotOffered",
      profile({ targetRegions: [{ name: "westus" }, { name: "atlantis" }] }),
    ],
    [
      "DuplicateRegion",
      profile({ targetRegions: [west, { ...west, name: "West US" }] }),
    ],
    ["LocationNotInTargetRegions", profile({ targetRegions: [east] })],
    [
      "TooManyReplicas",
      profile({ targetRegions: [{ ...west, regionalReplicaCount: 101 }] }),
    ],
    [
      "TooManyReplicas",
      profile({
        targetRegions: [
          {
            ...west,
            regionalReplicaCount: 60,
            additionalReplicaSets: [{ regionalReplicaCount: 60 }],
          },
        ],
      }),
    ],
    [
      "StorageAccountStrategyConflict",
      profile({
        targetRegions: [west],
        storageAccountType: "Standard_LRS",
        storageAccountStrategy: "PreferStandard_ZRS",
      }),
    ],
    ["MissingSource", source({})],
    [
      "MissingSource",
      source({
        source: {
          id: seedResource("images/myImage"),
          virtualMachineId: seedResource("virtualMachines/myVM"),
        },
      }),
    ],
    ["InvalidResourceId", source({ source: { id: "nonsense" } })],
    [
      "WrongResourceType",
      source({ source: { id: set("WestUSDiskEncryptionSet1") } }),
    ],
    ["SourceNotFound", source({ source: { id: seedResource("images/none") } })],
    [
      "SourceNotFound",
      source({
        source: { communityGalleryImageId: "/CommunityGalleries/g/Images/i" },
      }),
    ],
    ["SourceNotFound", source({ source: { id: seedVersionId("99.0.0") } })],
    [
      "SourceInOtherRegion",
      source({ source: { id: seedResource("images/elsewhere") } }),
    ],
    [
      "OsTypeMismatch",
      source({ source: { id: seedResource("images/windows") } }),
    ],
    [
      "OsStateMismatch",
      source({ source: { id: seedResource("images/specialized") } }),
    ],
    [
      "EncryptedSourceInOtherSubscription",
      source({ source: { id: seedResource("images/foreign") } }),
    ],
    [
      "SourceNotReady",
      source({ source: { id: seedResource("images/creating") } }),
    ],
    [
      "SourceDiskNotFound",
      source({
        source: { virtualMachineId: seedResource("virtualMachines/diskless") },
      }),
    ],
    [
      "ArchitectureMismatch",
      source({ osDiskImage: { source: { id: seedResource("disks/arm64") } } }),
    ],
    [
      "SecurityTypeMismatch",
      source({
        osDiskImage: { source: { id: seedResource("disks/trusted") } },
      }),
    ],
    ["DiskEncryptionSetWithoutKey", osSet(set("keyless"))],
    [
      "OsDiskEncryptionSetMissing",
      oneRegion({
        dataDiskImages: [
          { lun: 0, diskEncryptionSetId: set("WestUSDiskEncryptionSet1") },
        ],
      }),
    ],
    [
      "PlatformKeysForEncryptedSource",
      {
        location: "westus",
        properties: {
          publishingProfile: { targetRegions: [{ name: "westus" }] },
          storageProfile: { source: { id: seedResource("images/encrypted") } },
        },
      },
    ],
    [
      "ImageDefinitionNotFound",
      managedImageRequest(),
      inGallery("MyGallery", "None"),
    ],
    ["ImageDefinitionNotFound", managedImageRequest(), inGallery("None")],
    [
      "GalleryNotFound",
      managedImageRequest(),
      inGallery("MyGallery").replace("MyResourceGroup", "NoGroup"),
    ],
    [
      "SharedGalleryWithCustomerKeys",
      managedImageRequest(),
      inGallery("MySharedGallery"),
    ],
    ["DiskEncryptionSetNotFound", osSet(set("none"))],
    [
      "DiskEncryptionSetInOtherSubscription",
      osSet(
        set("d").replace(
          LOCAL_SUBSCRIPTION_ID,
          "00000000-0000-4000-8000-000000000000",
        ),
      ),
    ],
    ["DiskEncryptionSetInOtherRegion", osSet(set("EastUS2DiskEncryptionSet1"))],
    ["DiskEncryptionSetNotReady", osSet(set("updating"))],
    [
      "DiskEncryptionSetOfWrongType",
      osSet(set("WestUSConfidentialEncryptionSet")),
    ],
    ["WrongResourceType", osSet(seedResource("images/myImage"))],
    [
      "DiskEncryptionSetMissing",
      profile({ targetRegions: [west, { name: "eastus2" }] }),
    ],
    [
      "ConfidentialVmSetMismatch",
      oneRegion({
        osDiskImage: {
          securityProfile: { confidentialVMEncryptionType: "EncryptedWithCmk" },
        },
      }),
    ],
    [
      "LunNotInSource",
      oneRegion({
        dataDiskImages: [
          { lun: 9, diskEncryptionSetId: set("WestUSDiskEncryptionSet1") },
        ],
      }),
    ],
    [
      "DuplicateLun",
      oneRegion({
        dataDiskImages: [
          { lun: 0, diskEncryptionSetId: set("WestUSDiskEncryptionSet1") },
          { lun: 0, diskEncryptionSetId: set("WestUSDiskEncryptionSet2") },
        ],
      }),
    ],
    [
      "DuplicateLun",
      source({
        ...snapshotsRequest("eastus2").properties.storageProfile,
        dataDiskImages: [0, 0].map((lun) => ({
          lun,
          source: { id: seedResource("snapshots/myDDSnapshot") },
        })),
      }),
    ],
  ];

  test.each(REFUSED)(
    "what the simulator refuses as %s (%#) is told by that name",
    async (expected, request, versionId = seedVersionId("1.0.0")) => {
      const { code, findings } = await refusal(
        world.deps.resourceManager.putImageVersion(idOf(versionId), request),
      );
      expect(code).toBe("ResourceManagerRefused");
      expect(findings).toEqual([
        {
          code: expected,
          pointer: expect.stringMatching(
            /^(?:\/(?:properties|location)|$)/u,
          ) as string,
          message: expect.stringMatching(/^Azure says \w+: \S/u) as string,
          severity: "error",
          remediation: expect.stringMatching(/\w.*\.$/u) as string,
        },
      ]);
    },
  );

  test("an encrypted version is no source, and a finished one does not change", async () => {
    const id = seedVersionId("7.0.0");
    const put = (versionId: string, request: ImageVersionRequest) =>
      world.deps.resourceManager.putImageVersion(
        idOf(versionId),
        canonicalForm(request),
      );
    await put(id, managedImageRequest());
    world.clock.advance(60 * 60_000);
    const codes = async (promise: Promise<unknown>) =>
      (await refusal(promise)).findings.map(({ code }) => code);
    expect(
      await codes(put(seedVersionId("7.0.1"), source({ source: { id } }))),
    ).toEqual(["CustomerKeySource"]);
    expect(
      await codes(
        put(id, source({ source: { id: seedResource("images/windows") } })),
      ),
    ).toEqual(["ImmutableProperty"]);
    expect(
      await codes(
        put(id, {
          location: "eastus2",
          properties: managedImageRequest().properties,
        }),
      ),
    ).toEqual(["ImageVersionConflict"]);
  });
});

test.each<[string, Parameters<typeof seedWorld>[1]]>([
  ["ProviderNotRegistered", { compute: "NotRegistered" }],
  [
    "FeatureNotRegistered",
    {
      sigEncryption: "NotRegistered",
      requiredFeatures: ["Microsoft.Compute/SIGEncryption"],
    },
  ],
])(
  "what the simulator refuses in a subscription that is not prepared is %s",
  async (expected, options) => {
    const world = await startInProcess({
      world: seedWorld(LOCAL_SUBSCRIPTION_ID, options),
    });
    onTestFinished(() => world.close());
    const { findings } = await refusal(
      world.deps.resourceManager.putImageVersion(
        idOf(seedVersionId("1.0.0")),
        canonicalForm(managedImageRequest()),
      ),
    );
    expect(findings.map(({ code }) => code)).toEqual([expected]);
    expect(findings[0]?.remediation).toContain(
      "POST /api/subscriptions/{id}/prepare",
    );
  },
);
