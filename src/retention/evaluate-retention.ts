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

/** What a policy deletes and keeps at one moment. */
export interface Evaluation {
  readonly time: Date;
  /** Lowest number first. */
  readonly decisions: readonly Decision[];
  /**
   * Names of versions that Azure has, and Sigil neither created nor adopted. They are never
   * touched.
   */
  readonly unknown: readonly string[];
  /** Whether deleted versions can be restored. */
  readonly softDelete: SoftDeleteRecord;
}

/**
 * Judges every version of the image definition. Costs one list in Azure, a page of rows for each
 * 1,000 versions, and a read of each version whose row does not show it as Succeeded and unchanged
 * from the list. If versions are guarded, it also asks Resource Graph once. Throws ServiceError
 * NotFound if Azure has no such image definition.
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

/** In a gallery with soft delete, Azure keeps a Failed version, whatever the rules. */
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

/**
 * Keeps revoked versions as evidence, until an Admin lifts the revocation or a person deletes them.
 */
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
  // Read first: if a rollback ends meanwhile, nothing read below shows its end yet.
  const target = await rollbackTarget(imageVersions, imageId);
  // In this order: a version changed after it was read here has another operation, and is not
  // deleted (run-retention.ts).
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
    // A list that lags behind shows nothing about Sigil's later writes.
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
): Promise<readonly (readonly [string, Digest | undefined])[]> {
  const all = [];
  for await (const rows of pagesOf(index, versionScope(imageId), ROWS))
    all.push(...rows.map((row) => [versionNameIn(row), readDigest(row.digest)] as const));
  return all;
}

/** Records by name, without versions that Sigil does not manage. */
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

/** A Succeeded version that Azure lists unchanged. It has no open request. */
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
  // An open request may give the version a later end of life.
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
