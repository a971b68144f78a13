/**
 * All versions of an image definition at a glance, for those who look on. Invariants:
 *  1. An image definition is summarized at most once in `KEEP_MS` by one instance, however many ask.
 *  2. That costs Azure's list (shared, looks.ts), a page of the listing for each thousand versions, the looks that the
 *     latest takes (get.ts), and at most `MOST_READS` records, of the highest versions first. `complete` says whether
 *     that was all; the next summary reads on.
 *  3. The record of a version whose operations have ended is remembered until the listing names another operation. It is
 *     kept without what a summary does not show: there may be thousands.
 */
import { createHash } from "node:crypto";
import { BoundedMap } from "../../bounded-map.js";
import { ServiceError } from "../../errors.js";
import type { OperationDependencies } from "../../operation/ports.js";
import { operationIdOf } from "../../operation/records.js";
import {
  canonicalRegion,
  formatImageVersionId,
  keyOf,
  parseImageVersionId,
} from "../../resource-id.js";
import { SharedReads } from "../../shared-reads.js";
import type { ImageSummaryView, ImageVersionView } from "../contract.js";
import { versionNameIn, versionScope } from "../listings.js";
import type { Dependencies } from "../ports.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";
import { compareVersionNumbers } from "../version-numbers.js";
import { known, latestOfListed, lookOf } from "./get.js";
import { viewImageVersion } from "./views.js";

const KEEP_MS = 2_000;
const MOST_IMAGES = 20;
const PAGE = 1_000;
const MOST_READS = 500;
/** At once. */
const READS_AT_ONCE = 50;

export interface ImageSummary {
  /** Changes with what is shown, not with the time. */
  readonly etag: string;
  readonly view: ImageSummaryView;
}

/** Throws ServiceError NotFound where Azure has no such image definition, and what the reads throw. */
export type Summarize = (imageId: string) => Promise<ImageSummary>;

type Reads = Pick<Dependencies, "looks" | "now"> &
  Pick<OperationDependencies<ImageVersionRecord>, "store" | "index">;

/** By version name: the record, and the operation that the listing named when it was read. */
type Remembered = Map<
  string,
  { readonly target: string; readonly record: ImageVersionRecord }
>;

export function createSummaries(reads: Reads): Summarize {
  const { now } = reads;
  const summaries = new SharedReads<ImageSummary>({
    most: MOST_IMAGES,
    keepMs: KEEP_MS,
    now,
  });
  const remembered = new BoundedMap<string, Remembered>(MOST_IMAGES);
  return (imageId) => {
    const key = imageId.toLowerCase();
    return summaries.once(key, async () => {
      const records = remembered.get(key) ?? new Map<string, never>();
      remembered.set(key, records);
      return summarize(reads, imageId, records);
    });
  };
}

async function summarize(
  reads: Reads,
  imageId: string,
  remembered: Remembered,
): Promise<ImageSummary> {
  const [listed, targets] = await Promise.all([
    reads.looks.versions(imageId),
    readTargets(reads, imageId),
  ]);
  if (listed === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure has no image definition ${imageId}. Correct the URL, or create it: az sig image-definition create.`,
    );
  const items = new Map(listed.map((item) => [item.name, item]));
  const names = [...new Set([...items.keys(), ...targets.keys()])].sort(
    (a, b) => compareVersionNumbers(b, a),
  );
  const { records, complete } = await readRecords(
    reads,
    imageId,
    names,
    targets,
    remembered,
  );
  const latest = await latestOfListed(reads, imageId, listed);
  const sets = new Sets();
  const versions = names.flatMap((name) => {
    const id = parseImageVersionId(`${imageId}/versions/${name}`);
    const item = items.get(name);
    const record = records.get(name);
    // Gone, or never made.
    if (
      id === undefined ||
      (item === undefined &&
        (!record || isFinal(record.state) || record.exists))
    )
      return [];
    const look = item && lookOf(item, record, reads.now());
    const version = known(id, look, record, latest, []);
    return [summaryOf(viewImageVersion(version, reads.now()), sets)];
  });
  const content = { versions, diskEncryptionSets: sets.ids, complete };
  return {
    etag: `"${createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 32)}"`,
    view: { ...content, time: reads.now().toISOString() },
  };
}

/** The latest operation of each version that Sigil was asked for. */
async function readTargets(
  { index }: Reads,
  imageId: string,
): Promise<ReadonlyMap<string, string>> {
  const targets = new Map<string, string>();
  let token: string | undefined;
  do {
    const page = await index.page(versionScope(imageId), PAGE, token);
    for (const row of page.rows) targets.set(versionNameIn(row), row.target);
    token = page.continuationToken;
  } while (token !== undefined);
  return targets;
}

/** Invariants 2 and 3. */
async function readRecords(
  { store }: Reads,
  imageId: string,
  names: readonly string[],
  targets: ReadonlyMap<string, string>,
  remembered: Remembered,
): Promise<{
  readonly records: ReadonlyMap<string, ImageVersionRecord>;
  readonly complete: boolean;
}> {
  for (const name of remembered.keys())
    if (!targets.has(name)) remembered.delete(name);
  const records = new Map<string, ImageVersionRecord>();
  const unread: string[] = [];
  for (const name of names) {
    const target = targets.get(name);
    const kept = remembered.get(name);
    if (kept !== undefined) records.set(name, kept.record);
    if (target !== undefined && kept?.target !== target) unread.push(name);
  }
  const reading = unread.slice(0, MOST_READS);
  for (let at = 0; at < reading.length; at += READS_AT_ONCE)
    await Promise.all(
      reading.slice(at, at + READS_AT_ONCE).map(async (name) => {
        const id = parseImageVersionId(`${imageId}/versions/${name}`);
        if (id === undefined) return;
        const record = await store.readRecord(keyOf(formatImageVersionId(id)));
        if (record === undefined) return;
        records.set(name, record);
        const target = targets.get(name);
        // The listing may be a moment older, or newer, than the record.
        if (isFinal(record.state) && target === operationIdOf(record))
          remembered.set(name, { target, record: withoutBulk(record) });
        else remembered.delete(name);
      }),
    );
  return { records, complete: reading.length === unread.length };
}

/** Invariant 3. */
function withoutBulk(record: ImageVersionRecord): ImageVersionRecord {
  const {
    lastAttempt: _attempt,
    writes: _writes,
    pacing: _pacing,
    observed,
    ...rest
  } = record;
  return {
    ...rest,
    ...(observed && {
      observed: {
        ...observed,
        resource: { location: "", properties: { storageProfile: {} } },
      },
    }),
  };
}

/** Each set once, whatever case it is written in. */
class Sets {
  readonly ids: string[] = [];
  readonly #places = new Map<string, number>();

  placeOf(id: string): number {
    const known = this.#places.get(id.toLowerCase());
    if (known !== undefined) return known;
    this.#places.set(id.toLowerCase(), this.ids.length);
    return this.ids.push(id) - 1;
  }
}

function summaryOf(
  { name, properties, sigil }: ImageVersionView,
  sets: Sets,
): ImageSummaryView["versions"][number] {
  const { publishingProfile: profile, provisioningState } = properties;
  return {
    name,
    managedBy: sigil.managedBy,
    provisioningState,
    ...(sigil.state && { state: sigil.state }),
    ...(sigil.operationId && { operationId: sigil.operationId }),
    latest: sigil.latest,
    excludeFromLatest: profile.excludeFromLatest ?? false,
    ...(profile.endOfLifeDate && { endOfLifeDate: profile.endOfLifeDate }),
    ...(profile.publishedDate && { publishedDate: profile.publishedDate }),
    regions: sigil.regions.map((region) => {
      const target = profile.targetRegions?.find(
        (each) => canonicalRegion(each.name) === region.name,
      );
      const { osDiskImage, dataDiskImages } = region.encryption;
      const ids = [
        osDiskImage.diskEncryptionSetId,
        osDiskImage.secureVMDiskEncryptionSetId,
        ...dataDiskImages.map((disk) => disk.diskEncryptionSetId),
      ].filter((id) => id !== undefined);
      const replicas = target?.regionalReplicaCount ?? profile.replicaCount;
      const storage = target?.storageAccountType ?? profile.storageAccountType;
      return {
        name: region.name,
        state: region.state,
        progress: region.progress,
        latest: sigil.latestIn.includes(region.name),
        excludeFromLatest: target?.excludeFromLatest ?? false,
        encryptionType: osDiskImage.type,
        diskEncryptionSets: [...new Set(ids.map((id) => sets.placeOf(id)))],
        ...(replicas !== undefined && { regionalReplicaCount: replicas }),
        ...(storage && { storageAccountType: storage }),
        ...(region.expectedEndTime && {
          expectedEndTime: region.expectedEndTime,
        }),
        ...(region.nextAttemptTime && {
          nextAttemptTime: region.nextAttemptTime,
        }),
        ...(region.stalledTime && { stalledTime: region.stalledTime }),
      };
    }),
  };
}
