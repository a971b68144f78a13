/**
 * Finds and reports what others changed or deleted in Azure. Invariants:
 *  1. A version is judged by a look that began after its record was read, and the record is written
 *     only if it is unchanged since. An operation that begins meanwhile, or another run, wins.
 *  2. One list of an image definition serves all its versions. A record is read only if its row has
 *     no digest (digest.ts) or differs from the list, and the version itself only if its record
 *     differs, too.
 *  3. A version is gone if Azure does not list it (or has no such image definition, in a
 *     subscription that exists) and answers 404 for it; and only if two looks agree (observe.ts). A
 *     failed read shows nothing.
 *  4. A run checks a limited number of versions, and begins nothing more after a time limit; the
 *     next run continues there. A failure with one version or image definition does not stop the
 *     others, but a run ends when Azure throttles it. An image definition that throttling elsewhere
 *     cut off is not done: the next run begins with it, and checks only that one at first.
 */
import { ServiceError } from "../errors.js";
import {
  isAsKnown,
  lookAnew,
  lookAt,
  isFinal,
  listsAsKnown,
  readDigest,
  type Dependencies,
  type ListedImageVersion,
} from "../image-version/index.js";
import { IMAGES_SCOPE, imageRow, versionNameIn, versionScope } from "../listings.js";
import { pagesOf } from "../operation/pages.js";
import type { IndexRow } from "../operation/records.js";
import { keyOf, parseImageVersionId, parseResourceId } from "../resource-id.js";

/** Limits of one run. */
const MOST_LOOKS = 100;
const MOST_MS = 60_000;
/** Versions read at the same time. */
const PAGE = 10;
/** Image definitions checked at the same time. Each costs pages of ARM's list. */
const IMAGES = 4;
/** Rows per page. */
const ROWS = 1_000;

/** Stores the image definition after which the next run continues. */
const CURSOR = { scope: "drift", row: "next" };

export interface DriftRun {
  readonly images: number;
  readonly versions: number;
  /** Versions that were read one by one. */
  readonly looks: number;
  /** True if the next run must continue. */
  readonly unfinished: boolean;
  /** One for each image definition or version that could not be checked. */
  readonly errors: readonly {
    readonly resourceId: string;
    readonly error: unknown;
  }[];
}

interface Walk {
  readonly deps: Dependencies;
  readonly untilMs: number;
  images: number;
  versions: number;
  looks: number;
  isThrottled: boolean;
  readonly errors: DriftRun["errors"][number][];
}

/** Continues where the last run stopped. Throws if the list of image definitions cannot be read. */
export async function runDrift(deps: Dependencies): Promise<DriftRun> {
  const { index, now } = deps;
  const walk: Walk = {
    deps,
    untilMs: now().getTime() + MOST_MS,
    images: 0,
    versions: 0,
    looks: 0,
    isThrottled: false,
    errors: [],
  };
  const [cursor] = (await index.page(CURSOR.scope, 1)).rows;
  const next = await walkFrom(walk, cursor?.target);
  if (next !== undefined) await index.put([{ ...CURSOR, target: next }]);
  else if (cursor !== undefined) await index.remove([CURSOR]);
  const { images, versions, looks, errors } = walk;
  const unfinished = next !== undefined;
  return { images, versions, looks, errors, unfinished };
}

/** Returns the row after which the next run continues; undefined: everything was checked. */
async function walkFrom(walk: Walk, after = ""): Promise<string | undefined> {
  let done = after;
  for await (const rows of pagesOf(walk.deps.index, IMAGES_SCOPE, ROWS, after)) {
    let some: typeof rows;
    for (let at = 0; at < rows.length; at += some.length) {
      if (isOver(walk)) return done;
      some = rows.slice(at, at + (walk.images === 0 ? 1 : IMAGES)); // Invariant 4.
      const areDone = await Promise.all(some.map(({ target }) => walkImage(walk, target)));
      const cut = areDone.indexOf(false);
      done = some[(cut < 0 ? some.length : cut) - 1]?.row ?? done;
      if (cut >= 0) return done;
    }
  }
  return undefined;
}

/**
 * False: the next run checks it again, and what this run reported is known by then. A definition
 * that Azure throttles does not hold up the others.
 */
async function walkImage(walk: Walk, imageId: string): Promise<boolean> {
  const { deps } = walk;
  walk.images += 1;
  let isThrottled = false;
  const noteOwn = (resourceId: string, error: unknown): void => {
    isThrottled ||= isThrottling(error);
    note(walk, resourceId, error);
  };
  try {
    const versions = await deps.resourceManager.listImageVersions(imageId);
    const isGone = versions === undefined;
    if (isGone && !(await isSubscriptionThere(deps, imageId))) return true; // Invariant 3.
    const listed = new Map(versions?.map((one) => [one.name, one]));
    for await (const rows of pagesOf(deps.index, versionScope(imageId), ROWS)) {
      walk.versions += rows.length;
      const names = rows
        .filter((row) => !isQuiet(row, listed.get(versionNameIn(row))))
        .map(versionNameIn);
      for (let at = 0; at < names.length; at += PAGE) {
        if (isOver(walk)) return isThrottled;
        await Promise.all(
          names.slice(at, at + PAGE).map(async (name) => {
            const resourceId = `${imageId}/versions/${name}`;
            try {
              await lookAfter(walk, resourceId, isGone ? "none" : listed.get(name));
            } catch (error) {
              noteOwn(resourceId, error);
            }
          }),
        );
      }
    }
    if (isGone) await forget(deps, imageId);
  } catch (error) {
    noteOwn(imageId, error);
  }
  return true;
}

/** Invariant 2: whether the row shows that nothing changed. */
function isQuiet({ digest }: IndexRow, listed: ListedImageVersion | undefined): boolean {
  const known = readDigest(digest);
  if (known === undefined) return false;
  return known.shows === undefined || (listed !== undefined && listsAsKnown(known, listed));
}

/**
 * A caller without permission to read the subscription does not learn whether it exists, so 403
 * counts as existing.
 */
async function isSubscriptionThere(
  { subscriptions }: Dependencies,
  imageId: string,
): Promise<boolean> {
  const subscriptionId = parseResourceId(imageId)?.subscriptionId ?? "";
  try {
    const registration = await subscriptions.getRegistration(subscriptionId, {
      namespace: "Microsoft.Compute",
    });
    return registration !== undefined;
  } catch (error) {
    if (error instanceof ServiceError && error.code === "ResourceManagerForbidden") return true;
    throw error;
  }
}

/**
 * Stops checking an image definition that Azure no longer has, once that was reported for
 * everything in it.
 */
async function forget(deps: Dependencies, imageId: string): Promise<void> {
  if (!(await isAllTold(deps, imageId))) return;
  await deps.index.remove([imageRow(imageId)]);
  // An operation accepted meanwhile may have listed it.
  if (!(await isAllTold(deps, imageId))) await deps.index.put([imageRow(imageId)]);
}

async function isAllTold(
  { store, index, keyGuardian }: Dependencies,
  imageId: string,
): Promise<boolean> {
  const { sets = [], untold = [] } = (await keyGuardian?.keyStates.read(imageId))?.document ?? {};
  if (sets.length + untold.length > 0) return false;
  for await (const rows of pagesOf(index, versionScope(imageId), PAGE))
    for (const row of rows) {
      const record = await store.readRecord(keyOf(`${imageId}/versions/${versionNameIn(row)}`));
      if (
        record !== undefined &&
        (record.status !== undefined || !isFinal(record.state) || record.outbox.length > 0)
      )
        return false;
    }
  return true;
}

function isOver(walk: Walk): boolean {
  return walk.isThrottled || walk.looks >= MOST_LOOKS || walk.deps.now().getTime() >= walk.untilMs;
}

/** Invariant 4. */
function note(walk: Walk, resourceId: string, error: unknown): void {
  walk.errors.push({ resourceId, error });
  walk.isThrottled ||= isThrottling(error);
}

function isThrottling(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "ResourceManagerThrottled";
}

/**
 * The version in the list of its image definition; undefined: not listed; `none`: Azure has no such
 * definition.
 */
type Listed = ListedImageVersion | "none" | undefined;

async function lookAfter(walk: Walk, resourceId: string, listed: Listed): Promise<void> {
  const { deps } = walk;
  const id = parseImageVersionId(resourceId);
  const key = keyOf(resourceId);
  const record = await deps.store.readRecord(key);
  if (id === undefined || record === undefined || !isFinal(record.state)) return;
  // Invariant 2.
  const isQuiet =
    record.status === undefined || (typeof listed === "object" && isAsKnown(record, listed));
  if (record.outbox.length === 0 && isQuiet) return;
  await lookAnew(
    deps,
    id,
    // Invariant 3.
    (look) => (look === undefined ? typeof listed !== "object" : listed !== "none"),
    () => {
      walk.looks += 1;
      return lookAt(deps, id);
    },
  );
}
