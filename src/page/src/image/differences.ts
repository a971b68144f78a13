import type { Schemas } from "@sigil/client";
import { namesText } from "../geography.js";
import { canonical } from "../version/region-state.js";
import { ENCRYPTION_NAMES, nameIn } from "../summaries.js";

type Version = Schemas["ImageVersion"];

interface Difference {
  readonly what: string;
  readonly left: string;
  readonly right: string;
}

/** What one would ask of two versions, in words; that alone in which they differ. */
export function differencesOf(
  left: Version,
  right: Version,
): readonly Difference[] {
  const [one, other] = [factsOf(left), factsOf(right)];
  return [...new Set([...one.keys(), ...other.keys()])]
    .map((what) => ({
      what,
      left: one.get(what) ?? "none",
      right: other.get(what) ?? "none",
    }))
    .filter((each) => each.left !== each.right);
}

function factsOf(version: Version): ReadonlyMap<string, string> {
  const { properties, sigil, tags = {} } = version;
  const profile = properties.publishingProfile;
  return new Map([
    ["Source", sourceOf(version)],
    ["Regions", `${sigil.regions.length}`],
    ["End of life", profile.endOfLifeDate?.slice(0, 10) ?? "none"],
    ["Latest in", namesText(sigil.latestIn, 8) || "no region"],
    ...sigil.regions.flatMap((region) => regionFacts(version, region)),
    ...Object.entries(tags).map(
      ([name, value]) => [`Tag ${name}`, value] as const,
    ),
  ]);
}

function sourceOf({ properties: { storageProfile } }: Version): string {
  const { source, osDiskImage } = storageProfile;
  const ids = [
    source?.id,
    source?.virtualMachineId,
    osDiskImage?.source?.id,
    osDiskImage?.source?.uri,
  ];
  return ids.find((id) => id !== undefined) ?? "none";
}

function regionFacts(
  { properties: { publishingProfile: profile } }: Version,
  { name, encryption }: Version["sigil"]["regions"][number],
): readonly (readonly [what: string, value: string])[] {
  const target = profile.targetRegions?.find(
    (each) => canonical(each.name) === name,
  );
  const replicas = target?.regionalReplicaCount ?? profile.replicaCount ?? 1;
  const storage = target?.storageAccountType ?? profile.storageAccountType;
  const disks = [
    { disk: "OS disk", ...encryption.osDiskImage },
    ...encryption.dataDiskImages.map(({ lun, ...rest }) => ({
      disk: `data disk ${lun}`,
      ...rest,
    })),
  ];
  return [
    [`${name}: replicas`, `${replicas} × ${storage ?? "Standard_LRS"}`],
    ...disks.map(
      ({ disk, type, diskEncryptionSetId: set }) =>
        [
          `${name}: ${disk}`,
          set === undefined ? (ENCRYPTION_NAMES[type] ?? type) : nameIn(set),
        ] as const,
    ),
  ];
}
