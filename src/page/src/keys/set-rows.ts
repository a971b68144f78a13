import type { Schemas } from "@sigil/client";
import { byRisk, KEY_TILES, KEY_WORDS, keyTile, type KeyTile } from "../key-text.js";
import { capital, inWords } from "../operations.js";
import type { ImageName } from "../routes.js";

type DiskEncryptionSet = Schemas["DiskEncryptionSet"];
/** The last look at a set. */
export type SetState = Pick<
  Schemas["KeySummary"],
  "seenTime" | "expiresTime" | "problems" | "notSeen"
>;

/** The versions of one image definition that use the set. */
export interface Use {
  readonly image: ImageName;
  readonly versions: readonly string[];
  /** How many of them are the latest somewhere. */
  readonly latest: number;
}

/** A set and the state of its key. */
export interface SetRow {
  readonly set: DiskEncryptionSet;
  readonly tile: KeyTile;
  readonly title: string;
  readonly details: readonly string[];
  /** Remedies. */
  readonly fixes: readonly string[];
  readonly seenTime?: string | undefined;
  /** Of a working key; absent if it does not expire. */
  readonly expiresTime?: string | undefined;
  readonly uses: readonly Use[];
}

/** Broken sets first, then those at risk soon, then unseen ones, then working ones. The maps have ids in lower case. */
export function setRows(
  sets: readonly DiskEncryptionSet[],
  uses: ReadonlyMap<string, readonly Use[]>,
  states: ReadonlyMap<string, SetState>,
): readonly SetRow[] {
  return sets
    .map((set) => {
      const id = set.id.toLowerCase();
      return rowOf(set, uses.get(id) ?? [], states.get(id));
    })
    .sort(
      (a, b) =>
        KEY_TILES.indexOf(a.tile) - KEY_TILES.indexOf(b.tile) ||
        a.set.region.localeCompare(b.set.region) ||
        a.set.id.localeCompare(b.set.id),
    );
}

function rowOf(set: DiskEncryptionSet, uses: readonly Use[], state: SetState | undefined): SetRow {
  const { provisioningState, autoKeyRotationError: rotation } = set;
  const { notSeen = [], seenTime, expiresTime } = state ?? {};
  const problems = byRisk(state?.problems ?? []);
  const [first] = problems;
  // What Azure says of the set itself is a problem, too.
  const own =
    provisioningState === "Failed"
      ? [{ title: "Failed", severity: "error" as const }]
      : rotation
        ? [{ title: "Not rotated", severity: "warning" as const }]
        : [];
  const found = keyTile([...problems, ...own], notSeen, seenTime);
  const isUnused = uses.length === 0 && ["unseen", "ready"].includes(found);
  const tile = isUnused ? "absent" : found;
  return {
    set,
    tile,
    title: capital(first ? inWords(first.code) : (own[0]?.title ?? KEY_WORDS[tile])),
    details: [
      ...[...problems, ...notSeen].map(({ message }) => message),
      ...(rotation ? [`${rotation.code}: ${rotation.message}`] : []),
      ...(provisioningState === "Succeeded" ? [] : [provisioningState]),
    ],
    fixes: problems.map(({ remediation }) => remediation),
    ...(tile !== "unseen" && { seenTime }),
    expiresTime,
    uses,
  };
}

/** `1 of 8 at risk`, then the others by their count. */
export function countTexts(rows: readonly SetRow[]): readonly string[] {
  return KEY_TILES.flatMap((tile) => {
    const count = rows.filter((row) => row.tile === tile).length;
    if (tile === "risk") return [`${count} of ${rows.length} ${KEY_WORDS[tile]}`];
    return count > 0 ? [`${count} ${KEY_WORDS[tile]}`] : [];
  });
}

/** The fewest first versions that together use every set. Opening them makes Sigil look at each set. */
export function coverOf({
  diskEncryptionSets,
  versions,
}: Schemas["ImageSummary"]): readonly string[] {
  const left = new Set(diskEncryptionSets.keys());
  return versions.flatMap(({ name, regions }) => {
    const those = regions.flatMap((region) => region.diskEncryptionSets);
    return those.filter((at) => left.delete(at)).length > 0 ? [name] : [];
  });
}

/** The sets of an opened version, by id in lower case. Each gets the time of the oldest look. */
export function statesIn(
  keys: Schemas["VersionKeys"] | undefined,
): readonly (readonly [string, SetState])[] {
  const { seenTime, sets = [], problems = [], notSeen = [] } = keys ?? {};
  if (seenTime === undefined) return [];
  return sets.map(({ diskEncryptionSetId, expiresTime }) => {
    const id = diskEncryptionSetId.toLowerCase();
    const isOfIt = (one: { readonly diskEncryptionSetId: string }): boolean =>
      one.diskEncryptionSetId.toLowerCase() === id;
    return [
      id,
      {
        seenTime,
        ...(expiresTime !== undefined && { expiresTime }),
        problems: problems.filter(isOfIt),
        notSeen: notSeen.filter(isOfIt),
      },
    ] as const;
  });
}
