/**
 * Chooses disk encryption sets for the disks and regions that a request gives none, by the request's own rule: by name, or by
 * tag. What is chosen is written into the request, which is stored so: a set that is made later changes nothing.
 */
import { ServiceError } from "../../errors.js";
import {
  canonicalRegion,
  formatImageVersionId,
  keyOf,
  type ImageVersionId,
} from "../../resource-id.js";
import type {
  EncryptionRule,
  ImageVersionRequest,
  TargetRegion,
} from "../contract.js";
import type { Dependencies } from "../ports.js";
import { KEYED_TYPE, setOf } from "../properties/disk-encryption-references.js";
import { sourceReferences } from "../properties/source-references.js";
import {
  canonicalForm,
  targetRegionsOf,
} from "../properties/canonical-form.js";
import type { DiskEncryptionSet } from "../resources.js";
import type { RuleFinding } from "../rules/rule.js";
import { setInBicep } from "../rules/set-in-bicep.js";
import { withSetIds } from "./set-names.js";

/** Where the rule stands in a request. */
const POINTER = "/sigil/encryption";

/** A canonical request with the sets that its rule has chosen, and why it could not choose others. */
interface Chosen {
  readonly request: ImageVersionRequest;
  readonly findings: readonly RuleFinding[];
}

type OsDiskImage = NonNullable<
  NonNullable<TargetRegion["encryption"]>["osDiskImage"]
>;
type DataDiskImage = NonNullable<
  NonNullable<TargetRegion["encryption"]>["dataDiskImages"]
>[number];
type Place = "os" | number;
type Choose = (region: string, place: Place, confidential: boolean) => string;

/**
 * Applies `rule` to a canonical request; without one, answers the request. A set that the request gives stays, and a
 * confidential disk that takes no customer's key gets none. `shown` is the version as Azure has it, `before` the same request as it
 * is being done already: that is the answer. Reads the source where only that knows the LUNs, and the list of the subscription's
 * sets for a tag. Throws what a read throws; what it may not see of the source is a finding.
 */
export async function chooseSets(
  deps: Dependencies,
  id: ImageVersionId,
  given: ImageVersionRequest,
  rule: EncryptionRule | undefined,
  {
    shown,
    before,
  }: {
    readonly shown?: ImageVersionRequest | undefined;
    readonly before?: ImageVersionRequest | undefined;
  } = {},
): Promise<Chosen> {
  if (rule === undefined) return { request: given, findings: [] };
  if (before !== undefined) return { request: before, findings: [] };
  const { osDisk, dataDisks, tag } = rule;
  const luns =
    dataDisks === undefined && tag === undefined
      ? []
      : await lunsOf(deps, id, given);
  if (luns === undefined)
    return { request: given, findings: [lunsUnknown(rule)] };
  const present = shown ? targetRegionsOf(canonicalForm(shown)) : [];
  const tagged = tag === undefined ? [] : await taggedSets(deps, id, tag);
  const findings = new Map<string, RuleFinding>();
  const byTag: Choose = (region, _, confidential) => {
    const fitting = tagged.filter(
      (set) =>
        set.region === canonicalRegion(region) &&
        (set.encryptionType === CONFIDENTIAL) === confidential,
    );
    const [set] = fitting;
    if (set !== undefined && fitting.length === 1) return set.id;
    const finding = unfit(tag ?? "", region, confidential, fitting);
    findings.set(finding.message, finding);
    return "";
  };
  const byName =
    (pattern: string | undefined): Choose =>
    (region, place, confidential) =>
      pattern === undefined
        ? tag === undefined
          ? ""
          : byTag(region, place, confidential)
        : named(pattern, id, region, place);
  const chosen = targetRegionsOf(given).map((region) => {
    const had = present.find(({ name }) => name === region.name);
    return withSets(
      withPresentSets(region, had?.encryption, rule),
      luns,
      byName(osDisk),
      byName(dataDisks),
    );
  });
  return {
    request: canonicalForm(withSetIds(withRegions(given, chosen), id)),
    findings: [...findings.values()],
  };
}

/**
 * In a region that the version has, a disk whose set is chosen by tag keeps the one that it has there: the tag may have moved.
 * A name is a statement.
 */
function withPresentSets(
  region: TargetRegion,
  had: TargetRegion["encryption"],
  { osDisk, dataDisks }: EncryptionRule,
): TargetRegion {
  if (had === undefined) return region;
  const { osDiskImage, dataDiskImages = [] } = region.encryption ?? {};
  const given = dataDiskImages.map(({ lun }) => lun);
  const kept = dataDisks === undefined ? (had.dataDiskImages ?? []) : [];
  const os =
    osDisk === undefined
      ? withPresent(had.osDiskImage, osDiskImage)
      : osDiskImage;
  return {
    ...region,
    encryption: {
      ...(os && { osDiskImage: os }),
      dataDiskImages: [
        ...dataDiskImages,
        ...kept.filter(({ lun }) => !given.includes(lun)),
      ],
    },
  };
}

/** The set of a confidential disk is named in its security profile. */
function withPresent(
  had: OsDiskImage | undefined,
  given: OsDiskImage | undefined,
): OsDiskImage {
  const securityProfile = {
    ...had?.securityProfile,
    ...given?.securityProfile,
  };
  return {
    ...had,
    ...given,
    ...(Object.keys(securityProfile).length > 0 && { securityProfile }),
  };
}

const CONFIDENTIAL = "ConfidentialVmEncryptedWithCustomerKey";

function withSets(
  region: TargetRegion,
  luns: readonly number[],
  forOs: Choose,
  forData: Choose,
): TargetRegion {
  const { osDiskImage = {}, dataDiskImages: given = [] } =
    region.encryption ?? {};
  const others = luns.filter((lun) => !given.some((one) => one.lun === lun));
  return {
    ...region,
    encryption: {
      osDiskImage: withSet(
        osDiskImage,
        KEYED_TYPE.osDiskImage,
        (confidential) => forOs(region.name, "os", confidential),
      ),
      dataDiskImages: [...given, ...others.map((lun) => ({ lun }))]
        .map((image: DataDiskImage) =>
          withSet(image, KEYED_TYPE.dataDiskImages, (confidential) =>
            forData(region.name, image.lun, confidential),
          ),
        )
        // A disk without a set is not named: the rules say that it has none.
        .filter(
          (image) =>
            setOf(image) !== undefined || image.securityProfile !== undefined,
        ),
    },
  };
}

/** The disk with the set that is chosen for it, where it has none and takes one. */
function withSet<Image extends OsDiskImage | DataDiskImage>(
  image: Image,
  keyed: string,
  choose: (confidential: boolean) => string,
): Image {
  const { securityProfile } = image;
  const type = securityProfile?.confidentialVMEncryptionType;
  if (setOf(image) !== undefined || (type !== undefined && type !== keyed))
    return image;
  const set = choose(type !== undefined);
  if (set === "") return image;
  return type === undefined
    ? { ...image, diskEncryptionSetId: set }
    : {
        ...image,
        securityProfile: {
          ...securityProfile,
          secureVMDiskEncryptionSetId: set,
        },
      };
}

function withRegions(
  request: ImageVersionRequest,
  targetRegions: TargetRegion[],
): ImageVersionRequest {
  return {
    ...request,
    properties: {
      ...request.properties,
      publishingProfile: {
        ...request.properties.publishingProfile,
        targetRegions,
      },
    },
  };
}

function named(
  pattern: string,
  id: ImageVersionId,
  region: string,
  place: Place,
): string {
  const values: Readonly<Record<string, string>> = {
    region: canonicalRegion(region),
    image: id.imageName,
    lun: String(place),
  };
  return pattern.replace(
    /\{(\w+)\}/gu,
    (whole, name: string) => values[name] ?? whole,
  );
}

/** LUNs of the version's data disks; undefined where the source is there and may not be looked into. */
async function lunsOf(
  { store, resources }: Dependencies,
  id: ImageVersionId,
  request: ImageVersionRequest,
): Promise<readonly number[] | undefined> {
  const { source, osDiskImage, dataDiskImages } =
    request.properties.storageProfile;
  if (osDiskImage !== undefined || dataDiskImages !== undefined)
    return (dataDiskImages ?? []).map(({ lun }) => lun);
  if (source === undefined) {
    const record = await store.readRecord(keyOf(formatImageVersionId(id)));
    return record?.dataDiskLuns ?? [];
  }
  const [named] = sourceReferences(request);
  if (named === undefined) return [];
  try {
    const found = await resources.getSource(named.id);
    // What is not there is another rule's finding.
    return (found?.dataDisks ?? []).map(({ lun }) => lun);
  } catch (error) {
    if (
      error instanceof ServiceError &&
      error.code === "ResourceManagerForbidden"
    )
      return undefined;
    throw error;
  }
}

async function taggedSets(
  { resources }: Dependencies,
  { subscriptionId }: ImageVersionId,
  tag: string,
): Promise<readonly DiskEncryptionSet[]> {
  const [name = "", value = ""] = splitTag(tag);
  const sets: DiskEncryptionSet[] = [];
  let token: string | undefined;
  do {
    const page = await resources.listDiskEncryptionSets(subscriptionId, token);
    sets.push(...(page?.value ?? []));
    token = page?.continuationToken;
  } while (token !== undefined);
  return sets.filter(({ tags = {} }) =>
    Object.entries(tags).some(
      ([key, held]) =>
        // Azure tells names of tags not apart by case, and values it does.
        key.toLowerCase() === name.toLowerCase() && held === value,
    ),
  );
}

/** At the first `=`: a value may have others. */
function splitTag(tag: string): readonly string[] {
  const at = tag.indexOf("=");
  return [tag.slice(0, at), tag.slice(at + 1)];
}

function lunsUnknown({ dataDisks }: EncryptionRule): RuleFinding {
  return {
    rule: "encryption-rule",
    code: "DataDisksUnknown",
    severity: "error",
    pointer: `${POINTER}/${dataDisks === undefined ? "tag" : "dataDisks"}`,
    message:
      "The rule gives each data disk a disk encryption set, and Sigil may not look into the source to see which data disks there are.",
    remediation:
      "Let Sigil's identity read the source, or give each region its sets in encryption.dataDiskImages.",
  };
}

function unfit(
  tag: string,
  region: string,
  confidential: boolean,
  fitting: readonly DiskEncryptionSet[],
): RuleFinding {
  const kind = confidential
    ? `disk encryption set of type ${CONFIDENTIAL}`
    : "disk encryption set";
  const [name = "", value = ""] = splitTag(tag);
  return {
    rule: "encryption-rule",
    severity: "error",
    pointer: `${POINTER}/tag`,
    ...(fitting.length === 0
      ? {
          code: "NoDiskEncryptionSetFits",
          message: `No ${kind} in ${region} has the tag ${tag}.`,
          remediation: `Give the region its sets, or make one. In Bicep: ${setInBicep({ name: "{name}", region, confidential, tags: { [name]: value } })}`,
        }
      : {
          code: "SeveralDiskEncryptionSetsFit",
          message: `${fitting.length} disk encryption sets in ${region} have the tag ${tag}: ${fitting.map(({ id }) => id).join(", ")}.`,
          remediation: `Give the region its sets, or leave the tag on one of them.`,
        }),
  };
}
