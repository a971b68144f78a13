/**
 * What retention judges: the versions that both Sigil and Azure have. Invariants:
 *  1. A Succeeded version that Azure lists unchanged is judged by its row's digest, any other by its record.
 *  2. A digest may be older than its record. So a decision to delete by digests is no more than a candidate: a record is read for
 *     each version that the decision rests on before anything is deleted (kept-now.ts).
 */
import { ServiceError } from "../errors.js";
import {
  endOfLifeToBe,
  latestBeforeDeletion,
  latestIn,
  isProtected,
  believed,
  isFinal,
  listsAsKnown,
  readDigest,
  type Digest,
  rollbackTarget,
  type Dependencies,
  type StoredVersion,
  type ImageVersionRecord,
  type ListedImageVersion,
} from "../image-version/index.js";
import { versionNameIn, versionScope } from "../listings.js";
import { pagesOf } from "../operation/pages.js";
import { contextOf } from "../operation/steps.js";
import type { RegionRecord } from "../operation/records.js";
import { keyOf } from "../resource-id.js";
import type { RetainedVersion } from "./decide.js";
import { isByRetention } from "./requested-by.js";

/** Rows per page. */
const ROWS = 1_000;
/** Records read at the same time. */
const AT_ONCE = 100;

/** What was read about an image definition at one moment. */
interface Gathered {
  /**
   * The versions to judge, and the names of those that only Azure has. `deleting` names a version
   * that a policy deletes: it, and others whose DELETE the policy has not sent, are shown as before
   * their deletion.
   */
  judgeable(deleting?: string): {
    readonly versions: readonly RetainedVersion[];
    readonly unknown: readonly string[];
  };
  /** From now on, these versions are judged by their records. False if all of them are already. */
  readRecords(names: readonly string[]): Promise<boolean>;
}

/** Throws ServiceError NotFound if Azure has no such image definition. */
export async function gatherRetained(
  imageVersions: Dependencies,
  imageId: string,
): Promise<Gathered> {
  // Read first: if a rollback ends meanwhile, nothing read below shows its end yet.
  const target = await rollbackTarget(imageVersions, imageId);
  // In this order: a version changed after it was read here has another operation, and is not
  // deleted (run-retention.ts).
  const digests = new Map(await readRows(imageVersions, imageId));
  const records = new Map<string, StoredVersion>();
  const readRecords: Gathered["readRecords"] = async (names) => {
    const unread = names.filter((name) => digests.delete(name));
    for (let at = 0; at < unread.length; at += AT_ONCE)
      await Promise.all(
        unread.slice(at, at + AT_ONCE).map(async (name) => {
          const stored = await imageVersions.store.read(keyOf(`${imageId}/versions/${name}`));
          // Others are not managed by Sigil.
          if (stored?.record.status !== undefined && stored.record.spec !== undefined)
            records.set(name, stored);
        }),
      );
    return unread.length > 0;
  };
  const names = [...digests.keys()];
  await readRecords(names.filter((name) => digests.get(name)?.succeeded === undefined));
  const listed = await imageVersions.resourceManager.listImageVersions(imageId);
  if (listed === undefined)
    throw new ServiceError("NotFound", `Azure has no image definition ${imageId}.`);
  const isUnchanged = (item: ListedImageVersion): boolean => {
    const digest = digests.get(item.name);
    return digest !== undefined && listsAsKnown(digest, item);
  };
  await readRecords(listed.filter((item) => !isUnchanged(item)).map(({ name }) => name));
  return {
    readRecords,
    judgeable(deleting) {
      const context = contextOf(imageVersions);
      const time = context.now.toISOString();
      const versions = listed.flatMap((item) => {
        const place = { imageId, isRollbackTarget: item.name === target };
        const succeeded = digests.get(item.name)?.succeeded;
        if (succeeded !== undefined)
          return [retained(place, item, { ...succeeded, state: "Succeeded" })];
        const stored = records.get(item.name);
        if (stored === undefined) return [];
        const { record } = stored;
        // A list that is behind proves nothing about what Sigil has written since.
        const version: ListedImageVersion = {
          ...item,
          ...believed(record, { ...item, regions: [], time }, context).look,
        };
        const found = retained(place, version, knownOf(stored));
        return deleting !== undefined &&
          isDeletedByPolicy(record) &&
          (version.name === deleting || record.state !== "Deleting")
          ? [beforeDeletion(found, record)]
          : [found];
      });
      const managed = new Set(versions.map(({ name }) => name));
      const unknown = listed.map(({ name }) => name).filter((name) => !managed.has(name));
      return { versions, unknown };
    },
  };
}

function isDeletedByPolicy({ state, requests }: ImageVersionRecord): boolean {
  return (
    !isFinal(state) &&
    Object.values(requests).some(
      ({ deletion, machine, ending }) =>
        deletion !== undefined && machine === true && ending === undefined,
    )
  );
}

/**
 * The version as it was judged: if only its deletion excludes it from latest, it counts as still in
 * latest.
 */
function beforeDeletion(version: RetainedVersion, record: ImageVersionRecord): RetainedVersion {
  const before = { ...version, state: "Succeeded" as const };
  const latestIn = latestBeforeDeletion(record);
  return { ...before, ...(latestIn && { latestIn }) };
}

/** The names of the listed versions, each with its row's digest. */
async function readRows(
  { index }: Dependencies,
  imageId: string,
): Promise<ReadonlyMap<string, Digest | undefined>> {
  const all = new Map<string, Digest | undefined>();
  for await (const rows of pagesOf(index, versionScope(imageId), ROWS))
    for (const row of rows) all.set(versionNameIn(row), readDigest(row.digest));
  return all;
}

/** What Sigil knows about a version. */
interface Known extends NonNullable<Digest["succeeded"]> {
  readonly state: ImageVersionRecord["state"];
  /** If absent, nothing is stored that changes the end of life. */
  readonly record?: ImageVersionRecord;
}

function knownOf(stored: StoredVersion): Known {
  const { record } = stored;
  const ready = regionsOf(stored).filter(({ state }) => state === "Completed");
  return {
    state: stateOf(stored),
    createdTime: record.createdTime,
    ready: ready.map(({ name }) => name),
    protected: isProtected(record),
    record,
  };
}

function retained(
  { imageId, isRollbackTarget }: { readonly imageId: string; readonly isRollbackTarget: boolean },
  { name, provisioningState, publishedDate, resource }: ListedImageVersion,
  { state, createdTime, ready, protected: isKept, record }: Known,
): RetainedVersion {
  const shown = resource.properties.publishingProfile?.endOfLifeDate;
  // An open request may give the version a later end of life.
  const endOfLifeDate = record === undefined ? shown : endOfLifeToBe(record, shown);
  return {
    id: `${imageId}/versions/${name}`,
    name,
    provisioningState,
    latestIn: latestIn(resource),
    ...(endOfLifeDate && { endOfLifeDate }),
    ...(publishedDate && { publishedDate }),
    protected: isKept,
    isRollbackTarget,
    state,
    createdTime,
    readyRegions: ready,
  };
}

/** Errors of a deletion that changed nothing. */
const LEAVES_AS_IT_WAS: readonly string[] = [
  "FailedNotSoftDeletable",
  "ImageVersionInUse",
  "UseUnknown",
  "KeptByRetention",
];

function regionsOf({ record }: StoredVersion): readonly Pick<RegionRecord, "name" | "state">[] {
  return record.status?.regions ?? record.regions;
}

/**
 * The state to judge a version by. A retention deletion leaves the version as it was, and it is
 * judged again, if the deletion ended because the version is or may be in use, because the policy
 * keeps it, or in favor of a person's request. All else is left to people.
 */
function stateOf(stored: StoredVersion): ImageVersionRecord["state"] {
  const { record, operation } = stored;
  const { error, canceledBy } = operation;
  const leftAsItWas =
    operation.kind === "DeleteImageVersion" &&
    isByRetention(operation) &&
    isFinal(record.state) &&
    (LEAVES_AS_IT_WAS.includes(error?.code ?? "") ||
      (canceledBy !== undefined && isByRetention({ requestedBy: canceledBy }))) &&
    regionsOf(stored).every(({ state }) => state === "Completed");
  return leftAsItWas ? "Succeeded" : record.state;
}
