/**
 * Summarizes all versions of an image definition, for the page and others who watch. Invariants:
 *  1. One instance summarizes an image definition at most once in `KEEP_MS`, however many ask.
 *  2. A summary costs Azure's list (shared, looks.ts), a page of the listing for each thousand
 *     versions, the revocations, the looks for the latest (get.ts), the known keys, the waits that
 *     keep versions out of latest (shared, waits.ts), the looks at versions that others change or
 *     nobody looked at (looks-at-others.ts), and at most `MOST_READS` records, of the highest
 *     versions first. `complete` tells whether that was all; the next summary reads on. It reads no
 *     record of a version whose row says enough (digest.ts), or that is gone.
 *  3. If a version's operations have ended, its record is remembered until the listing names
 *     another operation. Members that no summary shows are dropped, because there may be thousands
 *     of records.
 *  4. The summary of such a version is built again only if Azure lists it differently, and other
 *     requests are served in between.
 */
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { BoundedMap } from "../../bounded-map.js";
import { ServiceError } from "../../errors.js";
import type { OperationDependencies } from "../../operation/ports.js";
import { parseImageVersionId, type ImageVersionId } from "../../resource-id.js";
import { SharedReads } from "../../shared-reads.js";
import type { ImageSummaryView } from "../contract.js";
import type { Dependencies } from "../ports.js";
import type { ListedImageVersion, Look, Seen } from "../resources.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal, isToBeShown } from "../state/states.js";
import { compareVersionNumbers } from "../../version-numbers.js";
import { atRisk, busyWith, described, keepsLatest, revoked } from "./conditions.js";
import { known, latestOfListed, lookOf } from "./get.js";
import { readKeys } from "./keys.js";
import { readVersionsAgain } from "./read-again.js";
import { looksAtOthers } from "./looks-at-others.js";
import type { Latest } from "../latest/latest-after.js";
import { AT_ONCE, readRecords, readRows, type Kept } from "./summary-records.js";
import { ageOf, keysOf, Sets, summaryOf, type Shown, type Summary } from "./summary-of.js";
import { viewImageVersion } from "./views.js";
import { waitsAmong, type Waits, type WaitsOf } from "./waits.js";

const KEEP_MS = 2_000;
/** As many as attention.ts reads at once. */
export const MOST_IMAGES = 200;
/** Until the next summary reads on. */
const MORE_SECONDS = 5;

interface ImageSummary {
  /** Changes with the content, not with time. */
  readonly etag: string;
  readonly view: ImageSummaryView;
  /** Seconds after which to read it again. */
  readonly readAgain: number;
  /** The highest version, if Azure does not have it because its creation failed. */
  readonly notCreated?: ImageVersionRecord;
}

/**
 * Throws ServiceError NotFound if Azure has no such image definition, and what the reads throw.
 * `maxListMs`: the greatest age of Azure's list, if not half a minute; then versions without a look
 * get none.
 */
export type Summarize = (imageId: string, maxListMs?: number) => Promise<ImageSummary>;

type Reads = Pick<Dependencies, "looks" | "now" | "pace" | "keyGuardian" | "resources"> &
  Pick<OperationDependencies<ImageVersionRecord>, "store" | "index">;

/** The known state of an image definition's versions, by name. */
interface Remembered {
  readonly records: Map<string, Kept>;
  /** Invariant 4: each with what it was built from. */
  readonly shown: Map<
    string,
    {
      readonly listed: string;
      readonly record: ImageVersionRecord | undefined;
      readonly seen: Seen | undefined;
      readonly version: Shown;
    }
  >;
}

const NO_LATEST: Latest = { inRegion: new Map() };

/** Revocations, by version number. */
type Bans = ReadonlyMap<string, NonNullable<Parameters<typeof revoked>[0]>>;

export function createSummaries(
  reads: Reads,
  bansOf: (imageId: string) => Promise<Bans> = () => Promise.resolve(new Map()),
  waitsOf: WaitsOf = () => Promise.resolve({}),
): Summarize {
  const { now } = reads;
  const summaries = new SharedReads<ImageSummary>({
    most: MOST_IMAGES,
    keepMs: KEEP_MS,
    now,
  });
  const remembered = new BoundedMap<string, Remembered>(MOST_IMAGES);
  return (imageId, maxListMs) => {
    const key = imageId.toLowerCase();
    return summaries.once(`${key} ${maxListMs ?? ""}`, async () => {
      const known = remembered.get(key) ?? {
        records: new Map(),
        shown: new Map(),
      };
      remembered.set(key, known);
      return summarize(reads, imageId, known, await bansOf(imageId), waitsOf, maxListMs);
    });
  };
}

async function summarize(
  reads: Reads,
  imageId: string,
  remembered: Remembered,
  bans: Bans,
  waitsOf: WaitsOf,
  maxListMs: number | undefined,
): Promise<ImageSummary> {
  const [listed, rows] = await Promise.all([
    reads.looks.versions(imageId, maxListMs),
    readRows(reads, imageId),
  ]);
  if (listed === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure has no image definition ${imageId}. Correct the URL, or create it: az sig image-definition create.`,
    );
  const { items: published, candidates, time } = listed;
  const items = new Map(published.map((item) => [item.name, item]));
  const names = [...new Set([...items.keys(), ...rows.keys()])].sort((a, b) =>
    compareVersionNumbers(b, a),
  );
  const { records, complete } = await readRecords(
    reads,
    imageId,
    names,
    items,
    rows,
    remembered.records,
  );
  const looks = await looksAtOthers(reads, imageId, names, items, records, maxListMs === undefined);
  const latest = await latestOfListed(reads, imageId, candidates, ({ versionName }) =>
    Promise.resolve(records.get(versionName)),
  );
  const waits = await waitsAmong(reads, waitsOf, imageId, {
    // A revoked version is in latest nowhere, and waits for nothing.
    names: names.filter((name) => !bans.has(name)),
    latest: latest.version,
    items,
    records,
    rows,
  });
  for (const name of remembered.shown.keys()) if (!items.has(name)) remembered.shown.delete(name);
  const found: (Shown & { readonly id: ImageVersionId })[] = [];
  for (const [index, name] of names.entries()) {
    if (index % AT_ONCE === AT_ONCE - 1) await setImmediate(); // Invariant 4.
    const id = parseImageVersionId(`${imageId}/versions/${name}`);
    const item = items.get(name);
    const record = records.get(name);
    const isAskedFor = record && isToBeShown(record);
    // Gone, or never created.
    if (id === undefined || (item === undefined && !isAskedFor)) continue;
    const version = shownOf(reads, id, item, record, looks.get(name), waits.get(name), remembered);
    found.push({ ...version, id });
  }
  const knownKeys = await readKeys(
    reads,
    imageId,
    setsOf(found.filter(({ name }) => items.has(name))),
  );
  const sets = new Sets();
  const versions = found.map(({ id, regions, ...version }): Summary => {
    const { name } = version;
    const item = items.get(name);
    const record = records.get(name);
    const keys = knownKeys?.of(
      item === undefined
        ? []
        : regions.flatMap(({ name: region, sets: ids }) =>
            ids.map((diskEncryptionSetId) => ({ diskEncryptionSetId, region })),
          ),
      record,
    );
    const latestIn = regions
      .map(({ name: region }) => region)
      .filter((region) => latest.inRegion.get(region) === name);
    const conditions = [
      ...described(id, revoked(bans.get(name), latestIn, item && busyWith(id, item, record))),
      ...(version.conditions ?? []),
      ...described(id, [...atRisk(keys), ...keepsLatest(record, latestIn)]),
    ];
    return {
      ...version,
      latest: latest.version === name,
      ...(keys && { keys: keys.state }),
      ...(conditions.length > 0 && { conditions }),
      regions: regions.map(({ sets: ids, ...region }) => ({
        ...region,
        latest: latestIn.includes(region.name),
        diskEncryptionSets: ids.map((set) => sets.placeOf(set)),
      })),
    };
  });
  const keys = keysOf(sets.ids, knownKeys?.states, reads.now());
  const content = {
    seen: ageOf(versions.filter(({ name }) => items.has(name))),
    versions,
    diskEncryptionSets: sets.ids,
    ...(keys.length > 0 && { keys }),
    complete,
  };
  return {
    etag: `"${createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 32)}"`,
    view: { ...content, time },
    readAgain: complete ? readVersionsAgain(records.values(), reads.now()) : MORE_SECONDS,
    ...notCreatedAmong(names, items, records),
  };
}

function setsOf(versions: readonly Shown[]): readonly string[] {
  return [...new Set(versions.flatMap(({ regions }) => regions.flatMap(({ sets }) => sets)))];
}

function notCreatedAmong(
  [highest = ""]: readonly string[],
  items: ReadonlyMap<string, ListedImageVersion>,
  records: ReadonlyMap<string, ImageVersionRecord>,
): Pick<ImageSummary, "notCreated"> {
  const record = items.has(highest) ? undefined : records.get(highest);
  return record?.state === "Failed" ? { notCreated: record } : {};
}

/** Invariant 4. */
function shownOf(
  { now, looks }: Reads,
  id: ImageVersionId,
  item: ListedImageVersion | undefined,
  record: ImageVersionRecord | undefined,
  look: Look | undefined,
  waits: Waits | undefined,
  { shown }: Remembered,
): Shown {
  const seen = looks.seen(id);
  const make = (): Shown =>
    summaryOf(
      viewImageVersion(
        known(
          id,
          look ?? (item && lookOf(item, record, now().toISOString(), seen)),
          record,
          NO_LATEST,
          [],
        ),
        now(),
        waits,
      ),
    );
  if (
    item === undefined ||
    look !== undefined ||
    waits !== undefined ||
    (record && !isFinal(record.state))
  )
    return make();
  const listed = JSON.stringify(item);
  const kept = shown.get(id.versionName);
  if (kept?.record === record && kept?.seen === seen && kept?.listed === listed)
    return kept.version;
  const version = make();
  shown.set(id.versionName, { listed, record, seen, version });
  return version;
}
