/**
 * A version, or the versions of an image definition, as Azure shows them and with Sigil's own
 * state; versions of others, too. Reads of Azure are shared (looks.ts). A version with a running
 * operation shows its last look, however old: the operation's polls look as often as Azure's limits
 * allow. A GET reads at most six records, a page five more than it has versions.
 */
import { orNone, ServiceError, type Finding } from "../../errors.js";
import { omit } from "../../objects.js";
import type { OperationDependencies } from "../../operation/ports.js";
import { forgedToken, type Page } from "../../operation/queries.js";
import { isDeleting, isFinal, isToBeShown } from "../state/states.js";
import {
  formatImageVersionId,
  imageIdOf,
  keyOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import type { Dependencies, ListedVersions } from "../ports.js";
import { notFound } from "./not-found.js";
import { shownOf } from "./shown.js";
import { believed } from "../state/observe.js";
import { isOtherLife } from "../state/confirmed.js";
import type { ImageVersionRecord } from "../state/record.js";
import { compareVersionNumbers } from "../../version-numbers.js";
import { behind, notRefreshed, unread } from "./age-warnings.js";
import { etagOf } from "./etag.js";
import { mustBeGone } from "./look-at.js";
import { isUnsettled, latestOf, usableRegions, type Latest } from "../latest/latest-after.js";
import type { ListedImageVersion, Look, Seen } from "../resources.js";

type Reads = Pick<Dependencies, "looks" | "now" | "pace"> &
  Pick<OperationDependencies<ImageVersionRecord>, "store">;

export interface KnownImageVersion {
  readonly id: ImageVersionId;
  /** The present look, or the last one; absent: the version is not created yet. */
  readonly look?: Look;
  readonly record?: ImageVersionRecord;
  /** True if it is the latest of its image definition. */
  readonly latest: boolean;
  /** Canonical regions where a machine that is created without a version number gets it. */
  readonly latestIn: readonly string[];
  readonly etag: string;
  readonly warnings: readonly Finding[];
}

/** Reads the records of, or looks at, this many of the highest versions to find the latest. */
const MOST_LOOKS = 5;

/** An older answer to a refresh was not refreshed. */
const ANEW_MS = 5_000;

/** An older list stands in for one that could not be read. */
const LISTED_LATELY_MS = 60_000;

/**
 * Throws ServiceError NotFound for a version that Azure does not have, unless an operation will
 * create it. `refresh`: as Azure shows it now, if a read is possible.
 */
export async function getImageVersion(
  reads: Reads,
  id: ImageVersionId,
  refresh = false,
): Promise<KnownImageVersion> {
  const record = await reads.store.readRecord(keyOf(formatImageVersionId(id)));
  const { look, warnings } = await believedLook(reads, id, record, refresh);
  const isMissing =
    look === undefined &&
    ((record?.status !== undefined && !isToBeShown(record)) || shownOf(look, record) === undefined);
  if (isMissing) throw notFound(id, record);
  const { latest, unknown } = await latestAround(reads, id, look, record);
  return known(id, look, record, latest, [...warnings, ...unknown]);
}

interface Believed {
  readonly look: Look | undefined;
  /** True if a look taken for this shows it, and is confirmed. */
  readonly seen: boolean;
  readonly warnings: readonly Finding[];
}

/**
 * The look by which every request is judged, because If-Match would hold for no other. A version
 * that is not created yet is not read.
 */
export async function believedLook(
  reads: Reads,
  id: ImageVersionId,
  record: ImageVersionRecord | undefined,
  refresh = false,
): Promise<Believed> {
  if (
    !refresh &&
    record !== undefined &&
    !isFinal(record.state) &&
    (record.status === undefined ? !isDeleting(record.state) : !reads.looks.has(id))
  )
    return { look: record.status, seen: false, warnings: [] };
  try {
    const read = await reads.looks.version(id, {
      anew: refresh,
      // A version that is known to be gone is not shown as it was.
      after: record?.status === undefined ? record?.changedTime : undefined,
    });
    if (read === undefined)
      await mustBeGone(
        reads,
        id,
        record,
        async (image) => (await reads.looks.versions(image))?.items,
      );
    const shown = later(read, record);
    const { look, isFact: seen } = believed(record, shown, {
      now: reads.now(),
      pace: reads.pace,
    });
    const isBehind = look !== undefined && look !== shown;
    const isOld =
      refresh && look !== undefined && reads.now().getTime() - Date.parse(look.time) > ANEW_MS;
    return {
      look,
      seen,
      warnings: [
        ...(isBehind ? [behind(look.time)] : []),
        ...(isOld ? [notRefreshed(look.time)] : []),
      ],
    };
  } catch (error) {
    if (!(error instanceof ServiceError) || record?.status === undefined) throw error;
    const { status } = record;
    return {
      look: status,
      seen: false,
      warnings: [unread(error, status.time)],
    };
  }
}

/**
 * Highest version number first. Costs one list from Azure for all pages within half a minute, and
 * one read for each version of the page. Throws ServiceError NotFound if Azure has no such image
 * definition.
 */
export async function listImageVersions(
  reads: Reads,
  imageId: string,
  top: number,
  continuationToken: string | undefined,
): Promise<Page<KnownImageVersion>> {
  const listed = await reads.looks.versions(imageId);
  if (listed === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure has no image definition ${imageId}. Correct the URL, or create it: az sig image-definition create.`,
    );
  const { items, candidates, time } = listed;
  const descending = [...items].sort((a, b) => compareVersionNumbers(b.name, a.name));
  const after = continuationToken && tokenOf(continuationToken);
  const rest = after
    ? descending.filter(({ name }) => compareVersionNumbers(name, after) < 0)
    : descending;
  const page = rest.slice(0, top);
  const latest = await latestOfListed(reads, imageId, candidates);
  const value = await Promise.all(
    page.map(async (item) => {
      const id = parseImageVersionId(`${imageId}/versions/${item.name}`);
      if (id === undefined) throw new TypeError(`${item.name} is no version's name`);
      const record = await reads.store.readRecord(keyOf(formatImageVersionId(id)));
      const seen = reads.looks.seen(id);
      return known(id, lookOf(item, record, time, seen), record, latest, []);
    }),
  );
  const last = page.at(-1);
  return {
    value,
    ...(rest.length > page.length && last !== undefined && { continuationToken: last.name }),
  };
}

/** Throws ServiceError InvalidRequest for a token that Sigil did not issue. */
function tokenOf(token: string): string {
  if (/^\d{1,10}\.\d{1,10}\.\d{1,10}$/u.test(token)) return token;
  throw forgedToken();
}

/**
 * A list has no replication status. The newest look at the same life has it, whoever took it; none
 * if there is no look.
 */
export function lookOf(
  item: ListedImageVersion,
  record: Pick<ImageVersionRecord, "status"> | undefined,
  time: string,
  seen?: Seen,
): Look {
  const shown = omit(item, "name");
  const ofThisLife = [record?.status, seen].filter(
    (look) => look?.publishedDate === item.publishedDate,
  );
  const newest = ofThisLife.reduce(
    (one, other) => (timeOf(other) > timeOf(one) ? other : one),
    undefined,
  );
  return {
    ...shown,
    regions: newest?.regions ?? [],
    time,
    ...(newest && { regionsTime: newest.time }),
  };
}

function timeOf(look: Seen | undefined): number {
  return look === undefined ? -Infinity : Date.parse(look.time);
}

export function known(
  id: ImageVersionId,
  look: Look | undefined,
  stored: ImageVersionRecord | undefined,
  latest: Latest,
  warnings: readonly Finding[],
): KnownImageVersion {
  const record =
    // The record is of another life, which is over.
    stored && look && isFinal(stored.state) && isOtherLife(stored, look) ? undefined : stored;
  return {
    id,
    ...(look && { look }),
    ...(record && { record }),
    latest: latest.version === id.versionName,
    latestIn: [...latest.inRegion]
      .filter(([, name]) => name === id.versionName)
      .map(([region]) => region)
      .sort(),
    // Lists do not need it, and it costs most of a version's view.
    get etag() {
      return etagOf(look, record);
    },
    warnings,
  };
}

/** The list may be older than the look; for the version itself, the look counts. */
async function latestAround(
  reads: Reads,
  id: ImageVersionId,
  look: Look | undefined,
  record: ImageVersionRecord | undefined,
): Promise<{ readonly latest: Latest; readonly unknown: readonly Finding[] }> {
  const imageId = imageIdOf(id);
  const name = id.versionName;
  try {
    const listed = await reads.looks.versions(imageId);
    if (listed === undefined && look !== undefined)
      throw new ServiceError(
        "StateConflict",
        `Azure shows a version of ${imageId}, but not the image definition: one of these answers is outdated. Try again.`,
        { retryAfterMs: 30_000 },
      );
    const { items, candidates, time } = listed ?? NONE;
    const isOwn = (item: ListedImageVersion): boolean => item.name === name;
    const seen =
      look !== undefined && items.some(isOwn)
        ? [...candidates.filter((item) => !isOwn(item)), { ...look, name }]
        : candidates;
    return {
      latest: await latestOfListed(reads, imageId, seen, (other) =>
        other.versionName === name ? Promise.resolve(record) : recordIn(reads, other),
      ),
      unknown: notListedLately(reads, time),
    };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return {
      latest: { inRegion: new Map() },
      unknown: [
        latestUnknown(
          `The versions of the image definition could not be read from Azure, so no version is marked as the latest. ${error.message}`,
        ),
      ],
    };
  }
}

/** A warning if an older list stands in. */
export function notListedLately({ now }: Pick<Reads, "now">, time: string): readonly Finding[] {
  return now().getTime() - Date.parse(time) > LISTED_LATELY_MS
    ? [
        latestUnknown(
          `Azure's limit for reads is nearly used up: the latest is as Azure listed the versions at ${time}.`,
        ),
      ]
    : [];
}

const NONE: ListedVersions = { items: [], candidates: [], time: "" };

function latestUnknown(message: string): Finding {
  return {
    code: "LatestUnknown",
    pointer: "/sigil/latest",
    message,
    severity: "warning",
  };
}

/**
 * The latest of these candidates. A region that the newest look does not show ready does not count.
 */
export function latestOfListed(
  reads: Reads,
  imageId: string,
  listed: readonly ListedImageVersion[],
  recordOf: RecordOf = (id) => recordIn(reads, id),
): Promise<Latest> {
  let looks = 0;
  return latestOf(listed, async (item) => {
    const id = parseImageVersionId(`${imageId}/versions/${item.name}`);
    if (id === undefined || looks === MOST_LOOKS) return usableRegions(item);
    looks += 1;
    const record = await recordOf(id);
    if (isUnsettled(item)) {
      const readyRegions = await readyRegionsOf(reads, id, record);
      return usableRegions({ ...item, readyRegions });
    }
    const { regions } = lookOf(item, record, "", reads.looks.seen(id));
    return usableRegions(item).filter((name) =>
      regions.every((region) => region.name !== name || region.state === "Completed"),
    );
  });
}

function recordIn(
  { store }: Pick<Reads, "store">,
  id: ImageVersionId,
): Promise<ImageVersionRecord | undefined> {
  return store.readRecord(keyOf(formatImageVersionId(id)));
}

type RecordOf = (id: ImageVersionId) => Promise<ImageVersionRecord | undefined>;

async function readyRegionsOf(
  reads: Reads,
  id: ImageVersionId,
  record: ImageVersionRecord | undefined,
): Promise<readonly string[]> {
  const followed = record !== undefined && !isFinal(record.state) ? record.status : undefined;
  const look = followed ?? (await orNone(reads.looks.version(id)));
  return (look?.regions ?? []).filter(({ state }) => state === "Completed").map(({ name }) => name);
}

/**
 * A shared look may be older than the poll that ended an operation; then that poll's look is shown.
 */
function later(shared: Look | undefined, record: ImageVersionRecord | undefined): Look | undefined {
  const observed = record?.status;
  if (shared === undefined || observed === undefined) return shared;
  return Date.parse(observed.time) > Date.parse(shared.time) ? observed : shared;
}
