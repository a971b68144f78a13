/**
 * Words of other tools, and of earlier versions of Sigil, with Sigil's word for each, to answer a
 * caller who uses them.
 */

/** The tool that uses the word. */
export type Tool = "PowerShell" | "az" | "Azure Resource Manager" | "Sigil 0.1.0";

export interface ForeignWord {
  readonly tool: Tool;
  /** The object that has the word: its schema's name in the OpenAPI document, or `query`. */
  readonly schema: string;
  readonly word: string;
  /**
   * The property's path from that object, `[]` for each item of a list; undefined: it is in the
   * URL.
   */
  readonly path: string | undefined;
}

type Words = Readonly<Record<string, Readonly<Record<string, string | undefined>>>>;

const IN_URL = undefined;
const PUBLISHING = "properties.publishingProfile";
const STORAGE = "properties.storageProfile";
const SAFETY = "properties.safetyProfile";

/**
 * Parameters of New-AzGalleryImageVersion and Update-AzGalleryImageVersion, and the hashtables they
 * take.
 */
const POWERSHELL: Words = {
  GalleryImageVersion: {
    ResourceGroupName: IN_URL,
    GalleryName: IN_URL,
    GalleryImageDefinitionName: IN_URL,
    GalleryImageVersionName: IN_URL,
    Name: IN_URL,
    Location: "location",
    Tag: "tags",
    SourceImageId: `${STORAGE}.source.id`,
    SourceImageVMId: `${STORAGE}.source.virtualMachineId`,
    OSDiskImage: `${STORAGE}.osDiskImage`,
    DataDiskImage: `${STORAGE}.dataDiskImages`,
    TargetRegion: `${PUBLISHING}.targetRegions`,
    TargetExtendedLocation: `${PUBLISHING}.targetExtendedLocations`,
    ReplicaCount: `${PUBLISHING}.replicaCount`,
    ReplicationMode: `${PUBLISHING}.replicationMode`,
    StorageAccountType: `${PUBLISHING}.storageAccountType`,
    PublishingProfileEndOfLifeDate: `${PUBLISHING}.endOfLifeDate`,
    PublishingProfileExcludeFromLatest: `${PUBLISHING}.excludeFromLatest`,
    AllowDeletionOfReplicatedLocation: `${SAFETY}.allowDeletionOfReplicatedLocations`,
    BlockDeletionBeforeEndOfLife: `${SAFETY}.blockDeletionBeforeEndOfLife`,
  },
  TargetRegion: {
    Name: "name",
    ReplicaCount: "regionalReplicaCount",
    StorageAccountType: "storageAccountType",
    Encryption: "encryption",
    ExcludeFromLatest: "excludeFromLatest",
  },
  GalleryTargetExtendedLocation: {
    Location: "name",
    ExtendedLocation: "extendedLocation",
    ReplicaCount: "extendedLocationReplicaCount",
    StorageAccountType: "storageAccountType",
    Encryption: "encryption",
  },
  EncryptionImages: {
    OSDiskImage: "osDiskImage",
    DataDiskImages: "dataDiskImages",
  },
  OSDiskImageEncryption: {
    DiskEncryptionSetId: "diskEncryptionSetId",
    CVMEncryptionType: "securityProfile.confidentialVMEncryptionType",
    CVMDiskEncryptionSetID: "securityProfile.secureVMDiskEncryptionSetId",
  },
  DataDiskImageEncryption: {
    DiskEncryptionSetId: "diskEncryptionSetId",
    Lun: "lun",
  },
};

/** The options of az sig image-version create and update. */
const AZ: Words = {
  GalleryImageVersion: {
    "resource-group": IN_URL,
    "gallery-name": IN_URL,
    "gallery-image-definition": IN_URL,
    "gallery-image-version": IN_URL,
    "managed-image": `${STORAGE}.source.id`,
    "image-version": `${STORAGE}.source.id`,
    "virtual-machine": `${STORAGE}.source.virtualMachineId`,
    "os-snapshot": `${STORAGE}.osDiskImage.source.id`,
    "os-vhd-uri": `${STORAGE}.osDiskImage.source.uri`,
    "os-vhd-storage-account": `${STORAGE}.osDiskImage.source.storageAccountId`,
    "data-snapshots": `${STORAGE}.dataDiskImages[].source.id`,
    "data-snapshot-luns": `${STORAGE}.dataDiskImages[].lun`,
    "data-vhds-uris": `${STORAGE}.dataDiskImages[].source.uri`,
    "data-vhds-luns": `${STORAGE}.dataDiskImages[].lun`,
    "data-vhds-storage-accounts": `${STORAGE}.dataDiskImages[].source.storageAccountId`,
    "target-regions": `${PUBLISHING}.targetRegions`,
    "target-region-encryption": `${PUBLISHING}.targetRegions[].encryption`,
    "target-region-cvm-encryption": `${PUBLISHING}.targetRegions[].encryption.osDiskImage.securityProfile`,
    "target-edge-zones": `${PUBLISHING}.targetExtendedLocations`,
    "target-edge-zone-encryption": `${PUBLISHING}.targetExtendedLocations[].encryption`,
    "replica-count": `${PUBLISHING}.replicaCount`,
    "replication-mode": `${PUBLISHING}.replicationMode`,
    "storage-account-type": `${PUBLISHING}.storageAccountType`,
    "end-of-life-date": `${PUBLISHING}.endOfLifeDate`,
    "exclude-from-latest": `${PUBLISHING}.excludeFromLatest`,
    "allow-replicated-location-deletion": `${SAFETY}.allowDeletionOfReplicatedLocations`,
    "block-deletion-before-end-of-life": `${SAFETY}.blockDeletionBeforeEndOfLife`,
  },
};

/** Words of other resources of Azure Resource Manager for the same thing. */
const RESOURCE_MANAGER: Words = {
  OSDiskImageEncryption: {
    diskEncryptionSet: "diskEncryptionSetId",
    secureVMDiskEncryptionSet: "securityProfile.secureVMDiskEncryptionSetId",
  },
  DataDiskImageEncryption: { diskEncryptionSet: "diskEncryptionSetId" },
};

/** Words that a new version of Sigil changed. */
const EARLIER: Words = { query: { allowRegionRemoval: "removeRegions" } };

/** Every word, in lookup order. */
export const FOREIGN_WORDS: readonly ForeignWord[] = [
  ...wordsOf("PowerShell", POWERSHELL),
  ...wordsOf("az", AZ),
  ...wordsOf("Azure Resource Manager", RESOURCE_MANAGER),
  ...wordsOf("Sigil 0.1.0", EARLIER),
];

const BY_SPELLING = new Map(FOREIGN_WORDS.map((word) => [`${word.schema} ${word.word}`, word]));
const BY_LETTERS = new Map(
  FOREIGN_WORDS.toReversed().map((word) => [`${word.schema} ${lettersOf(word.word)}`, word]),
);

/**
 * The word for a property of that schema, as spelled, or in another case, with or without `-` and
 * `_`.
 */
export function foreignWord(schema: string | undefined, name: string): ForeignWord | undefined {
  return BY_SPELLING.get(`${schema} ${name}`) ?? BY_LETTERS.get(`${schema} ${lettersOf(name)}`);
}

/** The letters of a name, without another tool's spelling. */
export function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[-_]/gu, "");
}

function wordsOf(tool: Tool, words: Words): ForeignWord[] {
  return Object.entries(words).flatMap(([schema, paths]) =>
    Object.entries(paths).map(([word, path]) => ({ tool, schema, word, path })),
  );
}
