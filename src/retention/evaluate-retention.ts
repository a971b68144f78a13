import { ServiceError } from "../errors.js";
import { softDeleteOf } from "../image-version/queries/deleted-versions.js";
import type { Dependencies } from "../image-version/ports.js";
import type { ImageVersionRecord } from "../image-version/state/record.js";
import { isProtected } from "../image-version/state/wanted.js";
import { versionScope } from "../image-version/listings.js";
import {
  operationIdOf,
  recordKeyOf,
  type SoftDeleteRecord,
} from "../operation/records.js";
import { isPromoted } from "../image-version/queries/latest.js";
import {
  isExcludedIn,
  type ListedImageVersion,
} from "../image-version/resources.js";
import { canonicalRegion } from "../resource-id.js";
import { decide, type Decision, type RetainedVersion } from "./decide.js";
import { withoutNeeded } from "./use.js";
import type { RetentionDependencies, RetentionRules } from "./ports.js";

const PAGE = 100;

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
 * Judges every version of the image definition. Costs one list of Azure and a read of each version that Sigil knows, and where versions are guarded one question to Resource Graph.
 * Throws ServiceError NotFound where Azure has no such image definition.
 */
export async function evaluateRetention(
  { imageVersions }: RetentionDependencies,
  imageId: string,
  rules: RetentionRules,
): Promise<Evaluation> {
  // In this order: what changes a version after it was read here has another operation, and is not deleted (see run).
  const known = new Map<string, ImageVersionRecord>();
  for (const record of await readAll(imageVersions, imageId))
    if (record.exists && record.lastApplied !== undefined)
      known.set(nameOf(record), record);
  const listed = await imageVersions.resourceManager.listImageVersions(imageId);
  if (listed === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure has no image definition ${imageId}.`,
    );
  const time = imageVersions.now();
  const versions = listed.flatMap((version) => {
    const record = known.get(version.name);
    return record === undefined ? [] : [retained(version, record)];
  });
  return {
    time,
    decisions: await withoutNeeded(
      imageVersions,
      decide(rules, versions, time),
    ),
    unknown: listed
      .map(({ name }) => name)
      .filter((name) => !known.has(name))
      .sort((a, b) => a.localeCompare(b, "en", { numeric: true })),
    softDelete: await softDeleteOf(imageVersions, imageId),
  };
}

async function readAll(
  { store, index }: Dependencies,
  imageId: string,
): Promise<readonly ImageVersionRecord[]> {
  const records: ImageVersionRecord[] = [];
  let token: string | undefined;
  do {
    const page = await index.page(versionScope(imageId), PAGE, token);
    const stored = await Promise.all(
      page.rows.map(({ target }) => store.read(recordKeyOf(target) ?? "")),
    );
    records.push(...stored.flatMap((one) => (one ? [one.record] : [])));
    token = page.continuationToken;
  } while (token !== undefined);
  return records;
}

function retained(
  { name, provisioningState, publishedDate, resource }: ListedImageVersion,
  record: ImageVersionRecord,
): RetainedVersion {
  const profile = resource.properties.publishingProfile;
  const endOfLifeDate = profile?.endOfLifeDate;
  return {
    id: record.resourceId,
    name,
    provisioningState,
    excludeFromLatest: !isPromoted({ resource }),
    ...(endOfLifeDate && { endOfLifeDate }),
    ...(publishedDate && { publishedDate }),
    regions: (profile?.targetRegions ?? []).map((region) => ({
      name: canonicalRegion(region.name),
      excludeFromLatest: isExcludedIn(resource, region),
    })),
    protected: isProtected(record),
    state: record.state,
    operationId: operationIdOf(record),
    createdTime: record.createdTime,
    readyRegions: (record.observed?.regions ?? record.regions)
      .filter(({ state }) => state === "Completed")
      .map(({ name }) => name),
  };
}

function nameOf({ resourceId }: ImageVersionRecord): string {
  return resourceId.slice(resourceId.lastIndexOf("/") + 1);
}
