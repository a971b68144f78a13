import type { Finding } from "../errors.js";
import { targetRegionsOf } from "./canonical-form.js";
import type { ImageVersionRequest, TargetRegion } from "./contract.js";
import { canonicalRegion, sameResourceId } from "./resource-id.js";
import { diskEncryptionReferences } from "./rules/disk-encryption-references.js";
import { TARGET_REGIONS } from "./rules/rule.js";

/**
 * What ARM's version lacks of what was asked for: a region, a replica count, a storage type, or, what nobody may lose
 * in silence, a disk's encryption set. What ARM has beyond the request is not a finding.
 */
export function readBack(
  asked: ImageVersionRequest,
  actual: ImageVersionRequest,
): readonly Finding[] {
  const shown = new Map(
    targetRegionsOf(actual).map(
      (region) => [canonicalRegion(region.name), region] as const,
    ),
  );
  const findings = targetRegionsOf(asked).flatMap((region, i) =>
    compareRegion(`${TARGET_REGIONS}/${i}`, region, shown.get(region.name)),
  );
  const keys = new Map(
    diskEncryptionReferences({
      ...actual,
      properties: {
        ...actual.properties,
        publishingProfile: {
          targetRegions: [...shown].map(([name, region]) => ({
            ...region,
            name,
          })),
        },
      },
    }).map((reference) => [
      `${reference.region} ${reference.disk}`,
      reference.diskEncryptionSetId,
    ]),
  );
  for (const reference of diskEncryptionReferences(asked)) {
    const key = keys.get(`${reference.region} ${reference.disk}`);
    if (
      key === undefined ||
      !sameResourceId(key, reference.diskEncryptionSetId)
    ) {
      findings.push(
        mismatch(
          reference.pointer,
          `disk encryption set of ${reference.disk} in ${reference.region}`,
          key,
          reference.diskEncryptionSetId,
        ),
      );
    }
  }
  return findings;
}

function compareRegion(
  pointer: string,
  asked: TargetRegion,
  actual: TargetRegion | undefined,
): Finding[] {
  if (actual === undefined)
    return [mismatch(pointer, "target region", undefined, asked.name)];
  const findings: Finding[] = [];
  if (actual.regionalReplicaCount !== asked.regionalReplicaCount) {
    findings.push(
      mismatch(
        `${pointer}/regionalReplicaCount`,
        `replica count of ${asked.name}`,
        actual.regionalReplicaCount,
        asked.regionalReplicaCount,
      ),
    );
  }
  if (
    asked.storageAccountType !== undefined &&
    actual.storageAccountType?.toLowerCase() !==
      asked.storageAccountType.toLowerCase()
  ) {
    findings.push(
      mismatch(
        `${pointer}/storageAccountType`,
        `storage account type of ${asked.name}`,
        actual.storageAccountType,
        asked.storageAccountType,
      ),
    );
  }
  return findings;
}

function mismatch(
  pointer: string,
  what: string,
  actual: unknown,
  asked: unknown,
): Finding {
  return {
    code: "ReadBackMismatch",
    pointer,
    message: `The ${what} in Azure is ${actual === undefined ? "absent" : JSON.stringify(actual)}; the request asks for ${JSON.stringify(asked)}.`,
  };
}
