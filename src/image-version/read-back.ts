import { escapePointer, type Finding } from "../errors.js";
import { targetRegionsOf } from "./canonical-form.js";
import type { ImageVersionRequest, TargetRegion } from "./contract.js";
import { canonicalRegion, sameResourceId } from "../resource-id.js";
import { diskEncryptionReferences } from "./disk-encryption-references.js";
import { STORAGE_PROFILE, TARGET_REGIONS } from "./rules/rule.js";

/**
 * Where ARM's version is not what was asked for: its source, a region, a replica count, a storage type, or, what
 * nobody may lose in silence, a disk's encryption set. What ARM has beyond the request is not a finding.
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
  findings.push(...compareSources(asked, actual));
  const keys = keysOf(actual);
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

/** Regions that both have, and ARM's version with other replicas or keys than were asked for. */
export function regionsOtherwise(
  asked: ImageVersionRequest,
  actual: ImageVersionRequest,
): ReadonlySet<string> {
  const shown = targetRegionsOf(actual).map(({ name }) =>
    canonicalRegion(name),
  );
  const regions = targetRegionsOf(asked).map(({ name }) => name);
  return new Set(
    readBack(asked, actual).flatMap(({ pointer }) => {
      const index = pointer.slice(TARGET_REGIONS.length + 1).split("/")[0];
      const name = pointer.startsWith(`${TARGET_REGIONS}/`)
        ? regions[Number(index)]
        : undefined;
      return name !== undefined && shown.includes(name) ? [name] : [];
    }),
  );
}

/**
 * Where a version that Sigil did not make is not what was asked for: as any that is read back; and in what it has
 * beyond the request, or has otherwise though it could be changed later.
 */
export function differsFrom(
  asked: ImageVersionRequest,
  actual: ImageVersionRequest,
): readonly Finding[] {
  const findings = [...readBack(asked, actual)];
  const expectSame = (
    pointer: string,
    what: string,
    is: unknown,
    wanted: unknown,
  ): void => {
    if (is !== wanted) findings.push(mismatch(pointer, what, is, wanted));
  };
  const regions = targetRegionsOf(asked).map((region) => region.name);
  for (const { name } of targetRegionsOf(actual)) {
    if (!regions.includes(canonicalRegion(name)))
      findings.push(beyond(TARGET_REGIONS, `target region ${name}`));
  }
  const keys = keysOf(asked);
  for (const place of keysOf(actual).keys()) {
    const region = regions.indexOf(place.split(" ")[0] ?? "");
    if (region !== -1 && !keys.has(place)) {
      findings.push(
        beyond(
          `${TARGET_REGIONS}/${region}/encryption`,
          `disk encryption set of ${place}`,
        ),
      );
    }
  }
  const wanted = asked.properties.publishingProfile;
  const shown = actual.properties.publishingProfile;
  expectSame(
    "/properties/publishingProfile/excludeFromLatest",
    "exclusion from latest",
    shown?.excludeFromLatest ?? false,
    wanted?.excludeFromLatest ?? false,
  );
  expectSame(
    "/properties/publishingProfile/replicationMode",
    "replication mode",
    shown?.replicationMode ?? "Full",
    wanted?.replicationMode ?? "Full",
  );
  expectSame(
    "/properties/publishingProfile/endOfLifeDate",
    "end-of-life date",
    timeOf(shown?.endOfLifeDate),
    timeOf(wanted?.endOfLifeDate),
  );
  const shownRegions = new Map(
    targetRegionsOf(actual).map((region) => [
      canonicalRegion(region.name),
      region,
    ]),
  );
  targetRegionsOf(asked).forEach((region, i) => {
    const other = shownRegions.get(region.name);
    if (other !== undefined)
      expectSame(
        `${TARGET_REGIONS}/${i}/excludeFromLatest`,
        `exclusion of ${region.name} from latest`,
        other.excludeFromLatest ?? false,
        region.excludeFromLatest ?? false,
      );
  });
  for (const [name, what] of [
    ["allowDeletionOfReplicatedLocations", "permission to remove regions"],
    ["blockDeletionBeforeEndOfLife", "block of deletion before end of life"],
  ] as const)
    expectSame(
      `/properties/safetyProfile/${name}`,
      what,
      actual.properties.safetyProfile?.[name] ?? false,
      asked.properties.safetyProfile?.[name] ?? false,
    );
  // Azure Policy adds tags of its own: those beyond the request are no difference.
  for (const [name, value] of Object.entries(asked.tags ?? {})) {
    expectSame(
      `/tags/${escapePointer(name)}`,
      `tag ${name}`,
      actual.tags?.[name],
      value,
    );
  }
  return findings;
}

/** ARM writes a date with more digits than people do. */
function timeOf(date: string | undefined): number | undefined {
  return date === undefined ? undefined : Date.parse(date);
}

function beyond(pointer: string, what: string): Finding {
  return {
    code: "ReadBackMismatch",
    pointer,
    message: `The version in Azure has a ${what}; the request has none.`,
  };
}

/** The disk encryption set of each disk in each region, by canonical region and disk. */
function keysOf(request: ImageVersionRequest): ReadonlyMap<string, string> {
  return new Map(
    diskEncryptionReferences({
      ...request,
      properties: {
        ...request.properties,
        publishingProfile: {
          targetRegions: targetRegionsOf(request).map((region) => ({
            ...region,
            name: canonicalRegion(region.name),
          })),
        },
      },
    }).map((reference) => [
      `${reference.region} ${reference.disk}`,
      reference.diskEncryptionSetId,
    ]),
  );
}

type StorageProfile = ImageVersionRequest["properties"]["storageProfile"];

/**
 * Another source is another image. What ARM does not show is no finding; an id that it shows as a virtual machine's or
 * as any resource's, and data disks in another order, are the same.
 */
function compareSources(
  asked: ImageVersionRequest,
  actual: ImageVersionRequest,
): Finding[] {
  const wanted = sourcesOf(asked.properties.storageProfile);
  const shown = sourcesOf(actual.properties.storageProfile);
  const findings = [...wanted].flatMap(([place, { pointer, id }]) => {
    const other = shown.get(place)?.id;
    return other === undefined || sameResourceId(other, id)
      ? []
      : [mismatch(pointer, "source", other, id)];
  });
  const [kind, otherKind] = wanted.has("image")
    ? (["image", "OS disk"] as const)
    : (["OS disk", "image"] as const);
  const other = shown.get(otherKind)?.id;
  const { pointer, id } = wanted.get(kind) ?? {};
  if (pointer !== undefined && other !== undefined && !shown.has(kind))
    findings.push(mismatch(pointer, "source", other, id));
  return findings;
}

function sourcesOf(
  profile: StorageProfile | undefined, // ARM's answer may lack anything.
): ReadonlyMap<string, { readonly pointer: string; readonly id: string }> {
  const { source, osDiskImage, dataDiskImages } = profile ?? {};
  const places: [string, string, string | undefined][] = [
    [
      "image",
      "source",
      source?.id ?? source?.virtualMachineId ?? source?.communityGalleryImageId,
    ],
    [
      "OS disk",
      "osDiskImage/source",
      osDiskImage?.source?.id ?? osDiskImage?.source?.uri,
    ],
    ...(dataDiskImages ?? []).map((image, i): (typeof places)[number] => [
      `LUN ${image.lun}`,
      `dataDiskImages/${i}/source`,
      image.source?.id ?? image.source?.uri,
    ]),
  ];
  return new Map(
    places.flatMap(([place, path, id]) =>
      id === undefined
        ? []
        : [[place, { pointer: `${STORAGE_PROFILE}/${path}`, id }] as const],
    ),
  );
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
