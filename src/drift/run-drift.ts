/**
 * Looks whether others have changed or deleted what Sigil has made, and tells it. Invariants:
 *  1. A version is judged by a look that began after its record was read, and the record is written only where nobody has
 *     written it since: an operation that begins meanwhile, or another run, has the last word.
 *  2. One list of an image definition serves all its versions. A record is read only if its row has no digest (digest.ts) or differs
 *     from the list, and the version itself only if its record differs, too.
 *  3. That a version is gone is believed where Azure does not list the version, or has no image definition in a subscription that it
 *     has, and answers 404 for the version; and that twice (observe.ts). What cannot be read says nothing.
 *  4. A run looks at so many versions, and begins nothing more after so long; the next goes on there. What fails for one version or
 *     image definition holds back no other; once Azure asks for patience the run is over. One that another's throttling has cut off is
 *     not done: the next run begins with it, and with it alone.
 */
import { ServiceError } from "../errors.js";
import {
  IMAGES_SCOPE,
  imageRow,
  versionNameIn,
  versionScope,
  isAsKnown,
  lookAnew,
  lookAt,
  isFinal,
  listsAsKnown,
  readDigest,
  type Dependencies,
  type ListedImageVersion,
} from "../image-version/index.js";
import { pagesOf } from "../operation/pages.js";
import type { IndexRow } from "../operation/records.js";
import { keyOf, parseImageVersionId, parseResourceId } from "../resource-id.js";

/** What is done in one run. */
const MOST_LOOKS = 100;
const MOST_MS = 60_000;
/** Versions read at the same time. */
const PAGE = 10;
/** Image definitions walked at the same time: each costs pages of ARM's list. */
const IMAGES = 4;
/** Rows per page. */
const ROWS = 1_000;

/** The row of the image definition behind which the next run goes on. */
const CURSOR = { scope: "drift", row: "next" };

export interface DriftRun {
  readonly images: number;
  readonly versions: number;
  /** Versions that were read by themselves. */
  readonly looks: number;
  /** True where the next run has to go on. */
  readonly unfinished: boolean;
  /** One for each image definition or version that could not be looked at this time. */
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

/** Goes on where the last run has stopped. Throws where it cannot be read what there is to look at. */
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

/** Answers behind what the next run goes on; undefined where everything was looked at. */
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

/** False where the next run begins it again: what it has told is known by then. One that Azure throttles holds up no other. */
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

/** Invariant 2: the row shows that nothing has changed. */
function isQuiet({ digest }: IndexRow, listed: ListedImageVersion | undefined): boolean {
  const known = readDigest(digest);
  if (known === undefined) return false;
  return known.shows === undefined || (listed !== undefined && listsAsKnown(known, listed));
}

/** Who may not read it is not told that there is none. */
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

/** An image definition that Azure has no more is looked at no longer, once that was told of all that it had. */
async function forget(deps: Dependencies, imageId: string): Promise<void> {
  if (!(await isAllTold(deps, imageId))) return;
  await deps.index.remove([imageRow(imageId)]);
  // An operation may have been accepted meanwhile, which lists it.
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

/** As the list of its image definition has it, which lacks it; `none`: Azure has no such definition. */
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
