/**
 * Lists the disk encryption sets that encrypt the versions of an image definition which Sigil knows
 * and Azure has. A region removed for repair counts: it will be added back, and its key is no safer
 * meanwhile.
 */
import { ServiceError } from "../errors.js";
import {
  usesOf,
  withRemovedRegions,
  readDigest,
  type Dependencies,
  type ListedImageVersion,
  type ImageVersionRecord,
} from "../image-version/index.js";
import type { KeyState, MadeWith } from "../keys/ports.js";
import { compareVersionNumbers } from "../version-numbers.js";
import { versionNameIn, versionScope } from "../listings.js";
import { keyOf } from "../resource-id.js";
import type { SetUse } from "./tell.js";
import { pagesOf } from "../operation/pages.js";
import type { IndexPage } from "../operation/ports.js";

export interface SetInUse {
  readonly id: string;
  /** Highest version number first. */
  readonly uses: readonly SetUse[];
  readonly madeWith: MadeWith;
}

type Deps = Pick<Dependencies, "resourceManager" | "index" | "store" | "now">;

const PAGE = 1_000;
/**
 * How many records are read, highest version numbers first, for the types the versions were created
 * with and the regions that a repair removed.
 */
const MOST_RECORDS = 200;
const READS_AT_ONCE = 20;
/** By how much the clocks of the table service and of an instance may differ. */
const CLOCKS_MS = 5 * 60_000;

/**
 * Undefined if Azure has no such image definition. Costs one list in Azure, a page of the listing
 * for each thousand versions, and reads of up to `MOST_RECORDS` records: of versions that are not
 * at rest, whose row was written since the records of their sets were read (`known`), or whose set
 * is not known.
 */
export async function setsInUse(
  deps: Deps,
  imageId: string,
  known: readonly KeyState[] = [],
): Promise<readonly SetInUse[] | undefined> {
  const listed = await deps.resourceManager.listImageVersions(imageId);
  if (listed === undefined) return undefined;
  const readTime = deps.now().toISOString();
  const rows = await rowsOf(deps, imageId);
  const versions = listed
    .filter(({ name, provisioningState }) => rows.has(name) && provisioningState !== "Deleting")
    .map((version) => ({ version, name: version.name, sets: setsOf(version) }))
    .filter(({ sets }) => sets.size > 0)
    .sort((a, b) => compareVersionNumbers(b.name, a.name));
  const made = stillMadeWith(known, versions);
  const isRead = ({ name, sets }: (typeof versions)[number]): boolean => {
    const row = rows.get(name);
    const sinceMs = Date.parse(row?.writtenTime ?? "") + CLOCKS_MS;
    return (
      readDigest(row?.digest)?.succeeded === undefined ||
      [...sets.keys()].some((key) => !(sinceMs < Date.parse(made.get(key)?.readTime ?? "")))
    );
  };
  const read = versions.filter(isRead).map(({ name }) => name);
  const { records, tooNew } = await recordsOf(deps, imageId, read);
  const found = new Map<string, { id: string; uses: SetUse[]; madeWith: MadeWith }>();
  for (const { version, name, sets } of versions) {
    const record = records.get(name);
    const all = record ? setsOf(withRemovedRegions(version, record)) : sets;
    for (const [key, { id, regions }] of all) {
      const before = made.get(key);
      const set = found.get(key) ?? {
        id,
        uses: [],
        madeWith: { readTime, versions: { ...before?.versions } },
      };
      found.set(key, set);
      set.uses.push({ name, regions: [...regions].sort() });
      const type = record?.encryptionTypes[key];
      const { madeWith } = set;
      if (type !== undefined)
        set.madeWith = { ...madeWith, versions: { [type]: name, ...madeWith.versions } };
      // The next run reads it again.
      if (tooNew.has(name)) set.madeWith = { ...set.madeWith, readTime: before?.readTime ?? "" };
    }
  }
  return [...found.values()];
}

/**
 * By set in lower case: what is known of the types that its versions were made with. Nothing is if a
 * version that a type was known by is gone.
 */
function stillMadeWith(
  known: readonly KeyState[],
  versions: readonly { readonly name: string; readonly sets: ReadonlyMap<string, unknown> }[],
): ReadonlyMap<string, MadeWith> {
  const setsIn = new Map(versions.map(({ name, sets }) => [name, sets]));
  return new Map(
    known.flatMap(({ diskEncryptionSetId, madeWith }) => {
      const key = diskEncryptionSetId.toLowerCase();
      const isStill =
        madeWith !== undefined &&
        Object.values(madeWith.versions).every((name) => setsIn.get(name)?.has(key) === true);
      return isStill ? [[key, madeWith] as const] : [];
    }),
  );
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

async function rowsOf(
  { index }: Pick<Deps, "index">,
  imageId: string,
): Promise<ReadonlyMap<string, IndexPage["rows"][number]>> {
  const known = new Map<string, IndexPage["rows"][number]>();
  for await (const rows of pagesOf(index, versionScope(imageId), PAGE))
    for (const row of rows) known.set(versionNameIn(row), row);
  return known;
}

async function recordsOf(
  { store }: Pick<Deps, "store">,
  imageId: string,
  names: readonly string[],
): Promise<{
  readonly records: ReadonlyMap<string, ImageVersionRecord>;
  /** A later release has written these, so the types they were created with are unknown. */
  readonly tooNew: ReadonlySet<string>;
}> {
  const records = new Map<string, ImageVersionRecord>();
  const tooNew = new Set<string>();
  const read = names.slice(0, MOST_RECORDS);
  for (let at = 0; at < read.length; at += READS_AT_ONCE)
    await Promise.all(
      read.slice(at, at + READS_AT_ONCE).map(async (name) => {
        try {
          const record = await store.readRecord(keyOf(`${imageId}/versions/${name}`));
          if (record !== undefined) records.set(name, record);
        } catch (error) {
          if (!(error instanceof ServiceError) || error.code !== "StateTooNew") throw error;
          tooNew.add(name);
        }
      }),
    );
  return { records, tooNew };
}
