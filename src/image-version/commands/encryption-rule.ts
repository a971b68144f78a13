/**
 * Chooses disk encryption sets for the disks and regions without one, by the request's own rule: by
 * name, or by tag. The chosen sets are stored in the request, so a set that is created later
 * changes nothing.
 */
import { ServiceError } from "../../errors.js";
import {
  canonicalRegion,
  formatImageVersionId,
  keyOf,
  type ImageVersionId,
} from "../../resource-id.js";
import type { EncryptionRule, ImageVersionRequest, TargetRegion } from "../contract.js";
import type { Dependencies } from "../ports.js";
import { patched } from "../properties/body.js";
import {
  KEYED_TYPE,
  setOf,
  type DiskImageEncryption,
} from "../properties/disk-encryption-references.js";
import { fieldsOf, regionField, regionsIn } from "../properties/fields.js";
import { sourceReferences } from "../properties/source-references.js";
import { canonicalForm, targetRegionsOf } from "../properties/canonical-form.js";
import type { DiskEncryptionSet } from "../../keys/ports.js";
import type { RuleFinding } from "../rules/rule.js";
import { setInBicep } from "../rules/set-in-bicep.js";
import { withSetIds } from "./set-names.js";

/** The rule's place in a request. */
const POINTER = "/sigil/encryption";

/** A canonical request with the sets that its rule chose, and why it could not choose others. */
interface Chosen {
  readonly request: ImageVersionRequest;
  readonly findings: readonly RuleFinding[];
}

/**
 * Applies `rule` to a canonical request; without one, returns the request. A set in the request
 * stays, and a confidential disk that takes no customer key gets none. `shown` is the version as
 * Azure has it. Reads the source if only that has the LUNs, and the subscription's list of sets for
 * a tag. Throws what a read throws; a source that Sigil may not read is a finding.
 */
export async function chooseSets(
  deps: Dependencies,
  id: ImageVersionId,
  given: ImageVersionRequest,
  rule: EncryptionRule | undefined,
  shown?: ImageVersionRequest,
): Promise<Chosen> {
  if (rule === undefined) return { request: given, findings: [] };
  const { osDisk, dataDisks, tag } = rule;
  const luns = dataDisks === undefined && tag === undefined ? [] : await lunsOf(deps, id, given);
  if (luns === undefined) return { request: given, findings: [lunsUnknown(rule)] };
  const tagged = tag === undefined ? [] : await taggedSets(deps, id, tag);
  const request = withPresentSets(given, shown, rule);
  const chosen: Record<string, string> = {};
  const findings = new Map<string, RuleFinding>();
  for (const region of targetRegionsOf(request))
    for (const { place, field, confidential } of disksToKey(region, luns)) {
      const pattern = place === "os" ? osDisk : dataDisks;
      if (pattern !== undefined) chosen[field] = named(pattern, id, region.name, place);
      if (pattern !== undefined || tag === undefined) continue;
      const fitting = tagged.filter(
        (set) =>
          set.region === canonicalRegion(region.name) &&
          (set.encryptionType === CONFIDENTIAL) === confidential,
      );
      const [set] = fitting;
      if (set !== undefined && fitting.length === 1) chosen[field] = set.id;
      else {
        const finding = unfit(tag, region.name, confidential, fitting);
        findings.set(finding.message, finding);
      }
    }
  return {
    request: canonicalForm(withSetIds(patched(request, chosen), id)),
    findings: [...findings.values()],
  };
}

/**
 * In a region that the version has, a disk whose set is chosen by tag keeps its present set,
 * because the tag may have moved since. A set chosen by name is explicit.
 */
function withPresentSets(
  given: ImageVersionRequest,
  shown: ImageVersionRequest | undefined,
  { osDisk, dataDisks }: EncryptionRule,
): ImageVersionRequest {
  if (shown === undefined) return given;
  const fields = fieldsOf(given);
  const byTag = [
    ...(osDisk === undefined ? ["osDiskImage"] : []),
    ...(dataDisks === undefined ? ["dataDiskImages"] : []),
  ];
  const places = regionsIn(fields).flatMap((name) =>
    byTag.map((disk) => `${regionField(name)}/encryption/${disk}/`),
  );
  const present = Object.entries(fieldsOf(shown)).filter(
    ([field]) => !(field in fields) && places.some((place) => field.startsWith(place)),
  );
  return patched(given, Object.fromEntries(present));
}

const CONFIDENTIAL = "ConfidentialVmEncryptedWithCustomerKey";

interface DiskToKey {
  readonly place: "os" | number;
  /** The member that names its set: for a confidential disk, in its security profile. */
  readonly field: string;
  readonly confidential: boolean;
}

/** The disks that have no set in the region and take one. */
function disksToKey(
  { name, encryption: { osDiskImage, dataDiskImages = [] } = {} }: TargetRegion,
  luns: readonly number[],
): readonly DiskToKey[] {
  const toKey = (
    place: DiskToKey["place"],
    path: string,
    image: DiskImageEncryption | undefined,
    keyed: string,
  ): readonly DiskToKey[] => {
    const type = image?.securityProfile?.confidentialVMEncryptionType;
    const confidential = type !== undefined;
    if (setOf(image) !== undefined || (confidential && type !== keyed)) return [];
    const member = confidential
      ? "securityProfile/secureVMDiskEncryptionSetId"
      : "diskEncryptionSetId";
    const field = `${regionField(name)}/encryption/${path}/${member}`;
    return [{ place, field, confidential }];
  };
  const all = new Set([...dataDiskImages.map(({ lun }) => lun), ...luns]);
  return [
    ...toKey("os", "osDiskImage", osDiskImage, KEYED_TYPE.osDiskImage),
    ...[...all].flatMap((lun) => {
      const image = dataDiskImages.find((one) => one.lun === lun);
      const path = `dataDiskImages/${lun}`;
      return toKey(lun, path, image, KEYED_TYPE.dataDiskImages);
    }),
  ];
}

function named(
  pattern: string,
  { imageName }: ImageVersionId,
  region: string,
  place: DiskToKey["place"],
): string {
  return pattern
    .replaceAll("{region}", canonicalRegion(region))
    .replaceAll("{image}", imageName)
    .replaceAll("{lun}", String(place));
}

/** LUNs of the version's data disks; undefined if the source exists and Sigil may not read it. */
async function lunsOf(
  { store, resources }: Dependencies,
  id: ImageVersionId,
  request: ImageVersionRequest,
): Promise<readonly number[] | undefined> {
  const { source, osDiskImage, dataDiskImages } = request.properties.storageProfile;
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
    // A source that does not exist is another rule's finding.
    return (found?.dataDisks ?? []).map(({ lun }) => lun);
  } catch (error) {
    if (error instanceof ServiceError && error.code === "ResourceManagerForbidden")
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
        // Azure compares names of tags without case, and values with it.
        key.toLowerCase() === name.toLowerCase() && held === value,
    ),
  );
}

/** Splits at the first `=`: the value may contain others. */
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
      "The rule gives each data disk a disk encryption set, but Sigil may not read the source to list its data disks.",
    remediation:
      "Grant Sigil's identity Reader on the source, or name each region's sets in encryption.dataDiskImages.",
  };
}

function unfit(
  tag: string,
  region: string,
  confidential: boolean,
  fitting: readonly DiskEncryptionSet[],
): RuleFinding {
  const kind = confidential ? `disk encryption set of type ${CONFIDENTIAL}` : "disk encryption set";
  const [name = "", value = ""] = splitTag(tag);
  return {
    rule: "encryption-rule",
    severity: "error",
    pointer: `${POINTER}/tag`,
    ...(fitting.length === 0
      ? {
          code: "NoDiskEncryptionSetFits",
          message: `No ${kind} in ${region} has the tag ${tag}.`,
          remediation: `Name the region's sets, or create one. In Bicep: ${setInBicep({ name: "{name}", region, confidential, tags: { [name]: value } })}`,
        }
      : {
          code: "SeveralDiskEncryptionSetsFit",
          message: `${fitting.length} disk encryption sets in ${region} have the tag ${tag}: ${fitting.map(({ id }) => id).join(", ")}.`,
          remediation: `Name the region's sets, or keep the tag on only one of them.`,
        }),
  };
}
