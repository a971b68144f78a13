import type { Schemas } from "@sigil/client";
import { canonicalRegion, namesText } from "../geography.js";
import { inWords } from "../operations.js";
import { ENCRYPTION_NAMES, nameIn } from "../summaries.js";
import { isInLatest } from "../region-state.js";
import { sourcesOf } from "../version/sources.js";

type Version = Schemas["ImageVersion"];

interface Difference {
  readonly what: string;
  readonly left: string;
  readonly right: string;
}

/** What one would ask of two versions, in words; that alone in which they differ. */
export function differencesOf(left: Version, right: Version): readonly Difference[] {
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
    ["Source", sourcesOf(version).join(", ") || "none"],
    ["Regions", `${sigil.regions.length}`],
    ["End of life", profile.endOfLifeDate?.slice(0, 10) ?? "none"],
    ["Latest in", namesText(sigil.latestIn, 8) || "no region"],
    ["Excluded from latest in", excludedText(version)],
    ["Promotion rule", ruleText(sigil.promotion)],
    ...sigil.regions.flatMap((region) => regionFacts(version, region)),
    ...Object.entries(tags).map(([name, value]) => [`Tag ${name}`, value] as const),
  ]);
}

function excludedText(version: Version): string {
  const names = version.sigil.regions.map(({ name }) => name);
  const excluded = names.filter((name) => !isInLatest(version, name));
  if (excluded.length === 0) return "no region";
  return excluded.length === names.length ? "every region" : namesText(excluded, 8);
}

/** `waves: westus, then eastus2`. */
function ruleText(rule: Version["sigil"]["promotion"]): string {
  if (rule === undefined) return "none";
  const { when, regions, results, waves, onFailure } = rule;
  return [
    inWords(when),
    ...[regions ?? [], results ?? []].map((names) => namesText(names, 8)),
    (waves ?? [])
      .map(({ regions: names, after, results: needed = [] }) =>
        [
          namesText(names, 8),
          typeof after === "string" ? after : `${after.minutes} min later`,
          ...needed,
        ].join(", "),
      )
      .join("; then "),
    onFailure ?? "",
  ]
    .filter((part) => part !== "")
    .join(": ");
}

function regionFacts(
  { properties: { publishingProfile: profile } }: Version,
  { name, encryption }: Version["sigil"]["regions"][number],
): readonly (readonly [what: string, value: string])[] {
  const target = profile.targetRegions?.find((each) => canonicalRegion(each.name) === name);
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
