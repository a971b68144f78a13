/**
 * Deletes what the policies in mode `delete` name, by the same operation as a caller's DELETE.
 * Invariants:
 *  1. A run starts at most 10 deletions across all image definitions, so a mistake shows while it
 *     is small.
 *  2. A version is deleted as it was judged, or not at all. It is kept if it was revoked, if an
 *     operation on it is open, or if a rollback leads to it, and it is judged again right before its
 *     DELETE is sent.
 *  3. A changed or removed policy starts no further deletions, not even later in the same run.
 *  4. Runs may come twice, overlap, or be cut off: a version being deleted is not requested again.
 *  5. What fails for one image definition or version holds back no other.
 *  6. A run stops once it has started 10 deletions, time is up, or Azure throttles it, and the next
 *     run starts behind the last policy that is done. A policy is done once it was judged and, if it
 *     deletes anything, its first deletion was tried. The first policy of a run is judged alone, so
 *     each run gets at least one done, and none is starved by the others.
 */
import { ServiceError } from "../errors.js";
import { deleteImageVersion, rollbackTarget, type Dependencies } from "../image-version/index.js";
import { keyOf, parseImageVersionId } from "../resource-id.js";
import { banOf } from "../revocation/bans.js";
import { SharedReads } from "../shared-reads.js";
import type { RetainedVersion } from "./decide.js";
import { candidatesOf } from "./evaluate-retention.js";
import { REQUESTED_BY } from "./requested-by.js";
import type { RetentionDependencies, StoredPolicy } from "./ports.js";

export const MOST_DELETIONS = 10;
/** Policies judged at the same time: each costs pages of ARM's list. */
const POLICIES = 4;
/** After this, no more policies are judged. */
const MOST_JUDGING_MS = 40_000;
/** After this, no more deletions are started. */
const MOST_MS = 60_000;

/** The row of the policy behind which the next run starts. */
const CURSOR = { scope: "retention", row: "next" };

interface RetentionRun {
  /** Policies in mode `delete` that were judged. */
  readonly policies: number;
  /** Ids of the operations that were started. */
  readonly deletions: readonly string[];
  /** One for each image definition or version that could not be processed this time. */
  readonly errors: readonly unknown[];
  /** Whether some policies are left to the next run. */
  readonly unfinished: boolean;
  /** Whether two runs in a row like this one, short of time or quota, would not judge every policy. */
  readonly isBehind: boolean;
}

interface Run {
  readonly deps: RetentionDependencies;
  readonly traceparent: string;
  readonly startMs: number;
  readonly deletions: string[];
  readonly errors: unknown[];
  policies: number;
  isThrottled: boolean;
}

/** A policy with the versions that it still deletes in this run, lowest number first. */
interface Turn {
  readonly stored: StoredPolicy;
  readonly left: RetainedVersion[];
  readonly isThrottled: boolean;
}

/** Starts behind the policies that the last run got done. Throws if the policies cannot be listed. */
export async function runRetention(
  given: RetentionDependencies,
  traceparent: string,
): Promise<RetentionRun> {
  const deps = { ...given, imageVersions: readingOnce(given.imageVersions) };
  const { index, now } = deps.imageVersions;
  const run: Run = {
    deps,
    traceparent,
    startMs: now().getTime(),
    deletions: [],
    errors: [],
    policies: 0,
    isThrottled: false,
  };
  const policies = (await deps.policies.list()).filter(
    ({ document }) => document.mode === "delete",
  );
  if (policies.length === 0)
    return { policies: 0, deletions: [], errors: [], unfinished: false, isBehind: false };
  const [cursor] = (await index.page(CURSOR.scope, 1)).rows;
  const order = behind(policies, cursor?.target);
  const done = await processInTurn(run, order);
  const unfinished = done < order.length;
  const last = order[done - 1];
  if (!unfinished) {
    if (cursor !== undefined) await index.remove([CURSOR]);
  } else if (last !== undefined) await index.put([{ ...CURSOR, target: last.document.imageId }]);
  const isBehind =
    cursor !== undefined && 2 * done < order.length && run.deletions.length < MOST_DELETIONS;
  const { errors, deletions } = run;
  return { policies: run.policies, deletions, errors, unfinished, isBehind };
}

/** All of them, from the first one behind `imageId`. */
function behind(
  policies: readonly StoredPolicy[],
  imageId: string | undefined,
): readonly StoredPolicy[] {
  const keyed = policies
    .map((stored) => ({ stored, key: keyOf(stored.document.imageId) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const after = imageId === undefined ? "" : keyOf(imageId);
  return [
    ...keyed.filter(({ key }) => key > after),
    ...keyed.filter(({ key }) => key <= after),
  ].map(({ stored }) => stored);
}

/** How many of them are done, counted from the first. Invariants 1 and 6. */
async function processInTurn(run: Run, order: readonly StoredPolicy[]): Promise<number> {
  const waiting: Turn[] = [];
  let done = 0;
  while (done < order.length && !isOver(run, MOST_JUDGING_MS)) {
    const isFirst = done === 0;
    const some = order.slice(done, done + (isFirst ? 1 : POLICIES));
    for (const turn of await Promise.all(some.map((stored) => judge(run, stored)))) {
      // The next run starts with it, alone.
      if (turn.isThrottled && !isFirst) return done;
      if (turn.left.length > 0) {
        // The first one gets done however long it took.
        if (!isFirst && isOver(run, MOST_MS)) return done;
        await deleteNext(run, turn);
      }
      waiting.push(turn);
      done += 1;
    }
  }
  const withMore = (turns: readonly Turn[]) => turns.filter(({ left }) => left.length > 0);
  for (let turns = withMore(waiting); turns.length > 0; turns = withMore(turns))
    for (const turn of turns) {
      if (isOver(run, MOST_MS)) return done;
      await deleteNext(run, turn);
    }
  return done;
}

function isOver({ deps, startMs, isThrottled, deletions }: Run, mostMs: number): boolean {
  return (
    isThrottled ||
    deletions.length >= MOST_DELETIONS ||
    deps.imageVersions.now().getTime() >= startMs + mostMs
  );
}

/** Invariant 5. */
async function judge(run: Run, stored: StoredPolicy): Promise<Turn> {
  const { imageId, rules } = stored.document;
  run.policies += 1;
  try {
    const left = [...(await candidatesOf(run.deps.imageVersions, imageId, rules))];
    return { stored, left, isThrottled: false };
  } catch (error) {
    return { stored, left: [], isThrottled: note(run, error) };
  }
}

/** Answers whether Azure throttles. */
function note(run: Run, error: unknown): boolean {
  run.errors.push(error);
  const isThrottling = error instanceof ServiceError && error.code === "ResourceManagerThrottled";
  run.isThrottled ||= isThrottling;
  return isThrottling;
}

/** Starts the policy's next deletion, if one is left. */
async function deleteNext(run: Run, { stored, left }: Turn): Promise<void> {
  const { deps } = run;
  for (let version = left.shift(); version !== undefined; version = left.shift()) {
    try {
      if (!(await isInForce(deps, stored))) return void left.splice(0); // Invariant 3.
      if (!(await isKept(deps, stored, version)))
        return void run.deletions.push(await deleteVersion(run, version));
    } catch (error) {
      if (!isOvertaken(error)) return void note(run, error);
    }
    if (isOver(run, MOST_MS)) return;
  }
}

async function isInForce(
  { policies }: RetentionDependencies,
  { document, etag }: StoredPolicy,
): Promise<boolean> {
  return (await policies.read(document.imageId))?.etag === etag;
}

/** Invariant 2. */
async function isKept(
  { imageVersions, revocations }: RetentionDependencies,
  { document: { imageId } }: StoredPolicy,
  version: RetainedVersion,
): Promise<boolean> {
  return (
    version.name === (await rollbackTarget(imageVersions, imageId)) ||
    (await banOf(revocations, idOf(version))) !== undefined
  );
}

async function deleteVersion(
  { deps: { imageVersions }, traceparent }: Run,
  version: RetainedVersion,
): Promise<string> {
  const operation = await deleteImageVersion(imageVersions, {
    id: idOf(version),
    requestedBy: REQUESTED_BY,
    traceparent,
    byMachine: { publishedDate: version.publishedDate ?? "" }, // Invariant 2.
  });
  return operation.id;
}

function idOf({ id }: RetainedVersion) {
  const parsed = parseImageVersionId(id);
  if (parsed === undefined) throw new TypeError(`${id} is not an image version's id`);
  return parsed;
}

/**
 * Reads each list once for a policy's deletions, because every acceptance needs the same one. It is
 * read again right before the DELETE.
 */
function readingOnce(imageVersions: Dependencies): Dependencies {
  const { resources, resourceManager, now } = imageVersions;
  const keepMs = 2 * MOST_MS;
  const galleries = new SharedReads<Awaited<ReturnType<typeof resources.getGallery>>>({
    most: 1_000,
    keepMs,
    now,
  });
  // A list may have 10,000 versions, so few are kept.
  const lists = new SharedReads<Awaited<ReturnType<typeof resourceManager.listImageVersions>>>({
    most: POLICIES,
    keepMs,
    now,
  });
  return {
    ...imageVersions,
    resources: {
      ...resources,
      getGallery: (id) => galleries.once(keyOf(id), () => resources.getGallery(id)),
    },
    resourceManager: {
      ...resourceManager,
      listImageVersions: (id) => lists.once(keyOf(id), () => resourceManager.listImageVersions(id)),
    },
  };
}

function isOvertaken(error: unknown): boolean {
  return (
    error instanceof ServiceError &&
    [
      "ImageVersionConflict",
      "ImageVersionProtected",
      "RegionWouldLoseLatest",
      "FailedNotSoftDeletable",
    ].includes(error.code)
  );
}
