/**
 * Lists the disk encryption sets that encrypt the versions of an image definition which Sigil knows
 * and Azure has. A region removed for repair counts: it will be added back, and its key is no safer
 * meanwhile.
 */
import { ServiceError } from "../errors.js";
import {
  versionNameIn,
  versionScope,
  usesOf,
  withRegionsAway,
  compareVersionNumbers,
  type Dependencies,
  type EncryptionType,
  type ListedImageVersion,
  type ImageVersionRecord,
} from "../image-version/index.js";
import { keyOf } from "../resource-id.js";
import type { SetUse } from "./tell.js";
import { pagesOf } from "../operation/pages.js";

export interface SetInUse {
  readonly id: string;
  /** Highest version number first. */
  readonly uses: readonly SetUse[];
  /** The encryption types it had when Sigil last checked it for one of these versions. */
  readonly madeWith: readonly EncryptionType[];
}

const PAGE = 1_000;
/**
 * How many records are read, highest version numbers first, for the types the versions were created
 * with and the regions that a repair removed.
 */
const MOST_RECORDS = 200;
const READS_AT_ONCE = 20;

/**
 * Undefined if Azure has no such image definition. Costs one list in Azure, a page of the listing
 * for each thousand versions, and reads of up to `MOST_RECORDS` records.
 */
export async function setsInUse(
  deps: Pick<Dependencies, "resourceManager" | "index" | "store">,
  imageId: string,
): Promise<readonly SetInUse[] | undefined> {
  const listed = await deps.resourceManager.listImageVersions(imageId);
  if (listed === undefined) return undefined;
  const known = await namesKnown(deps, imageId);
  const versions = listed
    .filter(({ name, provisioningState }) => known.has(name) && provisioningState !== "Deleting")
    .map((version) => ({ version, sets: setsOf(version) }))
    .filter(({ sets }) => sets.size > 0)
    .sort((a, b) => compareVersionNumbers(b.version.name, a.version.name));
  const records = await recordsOf(
    deps,
    imageId,
    versions.map(({ version }) => version.name),
  );
  const found = new Map<string, { id: string; uses: SetUse[]; madeWith: Set<EncryptionType> }>();
  for (const { version, sets } of versions) {
    const record = records.get(version.name);
    const all = record ? setsOf(withRegionsAway(version, record)) : sets;
    for (const [key, { id, regions }] of all) {
      const set = found.get(key) ?? { id, uses: [], madeWith: new Set() };
      found.set(key, set);
      set.uses.push({ name: version.name, regions: [...regions].sort() });
      const type = record?.encryptionTypes[key];
      if (type !== undefined) set.madeWith.add(type);
    }
  }
  return [...found.values()].map(({ id, uses, madeWith }) => ({
    id,
    uses,
    madeWith: [...madeWith],
  }));
}

/** The sets of a version, by id in lower case. */
function setsOf(
  version: Pick<ListedImageVersion, "resource">,
): ReadonlyMap<string, { readonly id: string; readonly regions: Set<string> }> {
  const sets = new Map<string, { id: string; regions: Set<string> }>();
  for (const { diskEncryptionSetId: id, region } of usesOf(version)) {
    const set = sets.get(id.toLowerCase()) ?? { id, regions: new Set() };
    sets.set(id.toLowerCase(), set);
    set.regions.add(region);
  }
  return sets;
}

async function namesKnown(
  { index }: Pick<Dependencies, "index">,
  imageId: string,
): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for await (const rows of pagesOf(index, versionScope(imageId), PAGE))
    for (const row of rows) names.add(versionNameIn(row));
  return names;
}

/**
 * A later release has written the record, so the types the version was created with are unknown.
 */
function unlessTooNew(error: unknown): undefined {
  if (error instanceof ServiceError && error.code === "StateTooNew") return undefined;
  throw error;
}

async function recordsOf(
  { store }: Pick<Dependencies, "store">,
  imageId: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, ImageVersionRecord>> {
  const records = new Map<string, ImageVersionRecord>();
  const read = names.slice(0, MOST_RECORDS);
  for (let at = 0; at < read.length; at += READS_AT_ONCE)
    await Promise.all(
      read.slice(at, at + READS_AT_ONCE).map(async (name) => {
        const record = await store
          .readRecord(keyOf(`${imageId}/versions/${name}`))
          .catch(unlessTooNew);
        if (record !== undefined) records.set(name, record);
      }),
    );
  return records;
}
