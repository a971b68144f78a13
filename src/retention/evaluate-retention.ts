import { ServiceError } from "../errors.js";
import {
  endOfLifeToBe,
  latestBeforeDeletion,
  softDeleteOf,
  latestIn,
  isProtected,
  believed,
  isFinal,
  listsAsKnown,
  readDigest,
  type Digest,
  versionNameIn,
  versionScope,
  rollbackTarget,
  type Dependencies,
  type StoredVersion,
  type ImageVersionRecord,
  type VersionState,
  type ListedImageVersion,
} from "../image-version/index.js";
import { pagesOf } from "../operation/pages.js";
import { contextOf } from "../operation/steps.js";
import type { RegionRecord, SoftDeleteRecord } from "../operation/records.js";
import { keyOf, parseImageVersionId } from "../resource-id.js";
import { banOf, sentenceOf } from "../revocation/bans.js";
import { decide, type Decision, type RetainedVersion } from "./decide.js";
import { isByRetention } from "./requested-by.js";
import { withoutNeeded } from "./use.js";
import type { RetentionDependencies, RetentionRules } from "./ports.js";

/** Rows per page. */
const ROWS = 1_000;
/** Records read at the same time. */
const AT_ONCE = 100;

/** What a policy would delete and keep at one moment. */
export interface Evaluation {
  readonly time: Date;
  /** Lowest number first. */
  readonly decisions: readonly Decision[];
  /** Names of versions that Azure has and Sigil neither made nor adopted: they are never touched. */
  readonly unknown: readonly string[];
  /** Whether what is deleted can be restored. */
  readonly softDelete: SoftDeleteRecord;
}

/**
 * Judges every version of the image definition. Costs one list of Azure, a page of rows each 1,000 versions, and a read of each version
 * whose row does not say that it is Succeeded and as listed. If versions are guarded, it also asks Resource Graph once.
 * Throws ServiceError NotFound where Azure has no such image definition.
 */
export async function evaluateRetention(
  { imageVersions, revocations }: Omit<RetentionDependencies, "policies">,
  imageId: string,
  rules: RetentionRules,
): Promise<Evaluation> {
  const { versions, unknown } = await retainedVersions(imageVersions, imageId);
  const time = imageVersions.now();
  const softDelete = await softDeleteOf(imageVersions, imageId);
  const decided = decide(rules, versions, time);
  return {
    time,
    decisions: await withoutNeeded(
      imageVersions,
      await withoutRevoked(
        revocations,
        softDelete.isSoftDeleteEnabled === true ? decided.map(orKeptByAzure) : decided,
      ),
    ),
    unknown: [...unknown].sort((a, b) => a.localeCompare(b, "en", { numeric: true })),
    softDelete,
  };
}

/** In a gallery with soft delete: a Failed version is kept by Azure, whatever the rules. */
function orKeptByAzure(decision: Decision): Decision {
  return decision.version.provisioningState === "Failed"
    ? {
        ...decision,
        deletes: false,
        code: "KeptByAzure",
        reason: "Azure cannot delete a Failed version in a gallery with soft delete.",
      }
    : decision;
}

/** What was taken back is kept as evidence, until an Admin lifts that or a person deletes it. */
async function withoutRevoked(
  revocations: RetentionDependencies["revocations"],
  decisions: readonly Decision[],
): Promise<readonly Decision[]> {
  return Promise.all(
    decisions.map(async (decision) => {
      const id = parseImageVersionId(decision.version.id);
      const ban = decision.deletes && id ? await banOf(revocations, id) : undefined;
      return ban === undefined
        ? decision
        : {
            ...decision,
            deletes: false,
            code: "Revoked",
            reason: sentenceOf(ban),
          };
    }),
  );
}

/**
 * The versions that both Sigil and Azure have, and the names of the versions that only Azure has. A Succeeded version that Azure lists
 * unchanged is judged by the digest in its row, any other by its record. `deleting` names a version that a policy deletes: then only
 * records count, and that version, like others whose DELETE the policy has not sent, is shown as before its deletion.
 */
export async function retainedVersions(
  imageVersions: Dependencies,
  imageId: string,
  deleting?: string,
): Promise<{
  readonly versions: readonly RetainedVersion[];
  readonly unknown: readonly string[];
}> {
  // First: a rollback that ends meanwhile has shown its end to none of what is read.
  const target = await rollbackTarget(imageVersions, imageId);
  // In this order: what changes a version after it was read here has another operation, and is not deleted (see run).
  const rows = await readRows(imageVersions, imageId);
  const byRow = new Map(
    deleting === undefined ? rows.filter(([, digest]) => digest?.succeeded !== undefined) : [],
  );
  const byRecord = await readAll(
    imageVersions,
    imageId,
    rows.map(([name]) => name).filter((name) => !byRow.has(name)),
  );
  const listed = await imageVersions.resourceManager.listImageVersions(imageId);
  if (listed === undefined)
    throw new ServiceError("NotFound", `Azure has no image definition ${imageId}.`);
  const isAsKnown = (item: ListedImageVersion): boolean => {
    const digest = byRow.get(item.name);
    return digest !== undefined && listsAsKnown(digest, item);
  };
  const changed = listed.filter((item) => byRow.has(item.name) && !isAsKnown(item));
  const known = new Map([
    ...byRecord,
    ...(await readAll(
      imageVersions,
      imageId,
      changed.map(({ name }) => name),
    )),
  ]);
  const context = contextOf(imageVersions);
  const time = context.now.toISOString();
  const versions = listed.flatMap((item) => {
    const isTarget = item.name === target;
    const succeeded = isAsKnown(item) ? byRow.get(item.name)?.succeeded : undefined;
    if (succeeded !== undefined) return [listedAsKnown(imageId, item, succeeded, isTarget)];
    const stored = known.get(item.name);
    if (stored === undefined) return [];
    const { record } = stored;
    // Of what Sigil has written since, a list that is behind says nothing.
    const version: ListedImageVersion = {
      ...item,
      ...believed(record, { ...item, regions: [], time }, context).look,
    };
    const found = retained(version, stored, isTarget);
    return deleting !== undefined &&
      isDeletedByPolicy(record) &&
      (version.name === deleting || record.state !== "Deleting")
      ? [beforeDeletion(found, record)]
      : [found];
  });
  const names = new Set(versions.map(({ name }) => name));
  return { versions, unknown: listed.map(({ name }) => name).filter((name) => !names.has(name)) };
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

/** What was judged: where its deletion alone excludes it from latest, it is in it as it was. */
function beforeDeletion(version: RetainedVersion, record: ImageVersionRecord): RetainedVersion {
  const before = { ...version, state: "Succeeded" as const };
  const latestIn = latestBeforeDeletion(record);
  return { ...before, ...(latestIn && { latestIn }) };
}

/** The names of the versions that are listed, each with what its row says. */
async function readRows(
  { index }: Dependencies,
  imageId: string,
): Promise<readonly (readonly [string, Digest | undefined])[]> {
  const all = [];
  for await (const rows of pagesOf(index, versionScope(imageId), ROWS))
    all.push(...rows.map((row) => [versionNameIn(row), readDigest(row.digest)] as const));
  return all;
}

/** By name, without versions that Sigil does not manage. */
async function readAll(
  { store }: Dependencies,
  imageId: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, StoredVersion>> {
  const known = new Map<string, StoredVersion>();
  for (let at = 0; at < names.length; at += AT_ONCE)
    await Promise.all(
      names.slice(at, at + AT_ONCE).map(async (name) => {
        const stored = await store.read(keyOf(`${imageId}/versions/${name}`));
        if (stored?.record.status !== undefined && stored.record.spec !== undefined)
          known.set(name, stored);
      }),
    );
  return known;
}

/** A Succeeded version that Azure lists unchanged: no request of it is open. */
function listedAsKnown(
  imageId: string,
  { name, provisioningState, publishedDate, resource }: ListedImageVersion,
  { createdTime, ready, protected: isKept }: NonNullable<Digest["succeeded"]>,
  isRollbackTarget: boolean,
): RetainedVersion {
  const endOfLifeDate = resource.properties.publishingProfile?.endOfLifeDate;
  return {
    id: `${imageId}/versions/${name}`,
    name,
    provisioningState,
    latestIn: latestIn(resource),
    ...(endOfLifeDate && { endOfLifeDate }),
    ...(publishedDate && { publishedDate }),
    protected: isKept,
    isRollbackTarget,
    state: "Succeeded",
    createdTime,
    readyRegions: ready,
  };
}

function retained(
  { name, provisioningState, publishedDate, resource }: ListedImageVersion,
  stored: StoredVersion,
  isRollbackTarget: boolean,
): RetainedVersion {
  const { record } = stored;
  const profile = resource.properties.publishingProfile;
  // What retention is to delete may be kept by what is asked.
  const endOfLifeDate = endOfLifeToBe(record, profile?.endOfLifeDate);
  return {
    id: record.resourceId,
    name,
    provisioningState,
    latestIn: latestIn(resource),
    ...(endOfLifeDate && { endOfLifeDate }),
    ...(publishedDate && { publishedDate }),
    protected: isProtected(record),
    isRollbackTarget,
    state: stateOf(stored),
    createdTime: record.createdTime,
    readyRegions: regionsOf(stored)
      .filter(({ state }) => state === "Completed")
      .map(({ name }) => name),
  };
}

/** Errors of a deletion that has changed nothing. */
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
 * A deletion of retention's own, which has begun with a version that was well, has left it as it was where it has ended because
 * somebody needs the version, or may, the policy keeps it, or it gave way to a person: it is judged anew. All else is for people.
 */
function stateOf(stored: StoredVersion): VersionState {
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
