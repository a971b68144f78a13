/**
 * Looks whether others have changed or deleted what Sigil has made, and tells it. Invariants:
 *  1. A version is judged by a look that began after its record was read, and the record is written only where nobody has
 *     written it since: an operation that begins meanwhile, or another run, has the last word.
 *  2. One list of an image definition serves all its versions: a version is read by itself only where the list shows it
 *     otherwise than it is known, or lacks it.
 *  3. That a version is gone is believed where Azure does not list the version, or has no image definition in a subscription that it
 *     has, and answers 404 for the version; and that twice (observe.ts). What cannot be read says nothing.
 *  4. A run does a bounded amount of work, and the next goes on behind it. What fails for one version or image definition holds
 *     back no other; once Azure asks for patience the run is over.
 */
import { ServiceError } from "../errors.js";
import {
  IMAGES_SCOPE,
  imageRow,
  versionNameIn,
  versionScope,
  learnImages,
  isAsKnown,
  noteLook,
  lookAt,
  isFinal,
  type Dependencies,
  type ListedImageVersion,
} from "../image-version/index.js";
import { deliver } from "../operation/outbox.js";
import { pagesOf } from "../operation/pages.js";
import { keyOf, parseImageVersionId, parseResourceId } from "../resource-id.js";

/** What is done in one run. */
const MOST_IMAGES = 100;
const MOST_VERSIONS = 1_000;
const MOST_LOOKS = 100;
const MOST_MS = 60_000;
/** Versions of a page are looked at at once. */
const PAGE = 10;

/** Where the next run begins: an image definition, and the row of a version of it that is done with. */
const CURSOR = { scope: "drift", row: "next" };

/** Instead of a row: the next run goes on behind the image definition. */
const SKIPPED = "~";

export interface DriftRun {
  readonly images: number;
  readonly versions: number;
  /** Ids of versions of which something was told. */
  readonly told: readonly string[];
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
  readonly traceparent: string;
  readonly untilMs: number;
  images: number;
  versions: number;
  looks: number;
  isThrottled: boolean;
  readonly told: string[];
  readonly errors: DriftRun["errors"][number][];
}

/** Goes on where the last run has stopped. Throws where it cannot be read what there is to look at. */
export async function runDrift(
  deps: Dependencies,
  traceparent: string,
): Promise<DriftRun> {
  const { index, now } = deps;
  const walk: Walk = {
    deps,
    traceparent,
    untilMs: now().getTime() + MOST_MS,
    images: 0,
    versions: 0,
    looks: 0,
    isThrottled: false,
    told: [],
    errors: [],
  };
  await learnImages(deps);
  const { rows } = await index.page(CURSOR.scope, 1);
  const next = await walkFrom(walk, rows[0]?.target);
  if (next !== undefined) await index.put([{ ...CURSOR, target: next }]);
  else if (rows.length > 0) await index.remove([CURSOR]);
  const { images, versions, told, errors } = walk;
  const unfinished = next !== undefined;
  return { images, versions, told, errors, unfinished };
}

/** Answers where the next run begins; undefined where everything was looked at. */
async function walkFrom(
  walk: Walk,
  cursor: string | undefined,
): Promise<string | undefined> {
  const [begunId, after] = cursor?.split(" ") ?? [];
  if (begunId !== undefined && after !== SKIPPED) {
    const next = await walkImage(walk, begunId, after);
    // One that Azure throttles again and again holds up no other.
    if (next === cursor) return `${begunId} ${SKIPPED}`;
    if (next !== undefined) return next;
  }
  for await (const rows of pagesOf(
    walk.deps.index,
    IMAGES_SCOPE,
    PAGE,
    begunId && keyOf(begunId),
  ))
    for (const { target: imageId } of rows) {
      const next = isOver(walk)
        ? `${imageId} `
        : await walkImage(walk, imageId);
      if (next !== undefined) return next;
    }
  return undefined;
}

async function walkImage(
  walk: Walk,
  imageId: string,
  after = "",
): Promise<string | undefined> {
  const { deps } = walk;
  let done = after;
  walk.images += 1;
  try {
    const versions = await deps.resourceManager.listImageVersions(imageId);
    const isGone = versions === undefined;
    if (isGone && !(await isSubscriptionThere(deps, imageId))) return undefined; // Invariant 3.
    const listed = new Map(versions?.map((one) => [one.name, one]));
    for await (const rows of pagesOf(
      deps.index,
      versionScope(imageId),
      PAGE,
      done,
    )) {
      if (isOver(walk)) return `${imageId} ${done}`;
      const names = rows.map(versionNameIn);
      walk.versions += names.length;
      await Promise.all(
        names.map((name) =>
          lookAfter(
            walk,
            `${imageId}/versions/${name}`,
            isGone ? "none" : listed.get(name),
          ),
        ),
      );
      if (walk.isThrottled) return `${imageId} ${done}`;
      done = rows.at(-1)?.row ?? done;
    }
    if (isGone) await forget(deps, imageId);
  } catch (error) {
    note(walk, imageId, error);
  }
  return walk.isThrottled ? `${imageId} ${done}` : undefined;
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
    if (
      error instanceof ServiceError &&
      error.code === "ResourceManagerForbidden"
    )
      return true;
    throw error;
  }
}

/** An image definition that Azure has no more is looked at no longer, once that was told of all that it had. */
async function forget(deps: Dependencies, imageId: string): Promise<void> {
  if (!(await isAllTold(deps, imageId))) return;
  await deps.index.remove([imageRow(imageId)]);
  // An operation may have been accepted meanwhile, which lists it.
  if (!(await isAllTold(deps, imageId)))
    await deps.index.put([imageRow(imageId)]);
}

async function isAllTold(
  { store, index, keyGuardian }: Dependencies,
  imageId: string,
): Promise<boolean> {
  const { sets = [], untold = [] } =
    (await keyGuardian?.keyStates.read(imageId))?.document ?? {};
  if (sets.length + untold.length > 0) return false;
  for await (const rows of pagesOf(index, versionScope(imageId), PAGE))
    for (const row of rows) {
      const record = await store.readRecord(
        keyOf(`${imageId}/versions/${versionNameIn(row)}`),
      );
      if (
        record !== undefined &&
        (record.status !== undefined ||
          !isFinal(record.state) ||
          record.outbox.length > 0)
      )
        return false;
    }
  return true;
}

function isOver(walk: Walk): boolean {
  return (
    walk.images >= MOST_IMAGES ||
    walk.versions >= MOST_VERSIONS ||
    walk.looks >= MOST_LOOKS ||
    walk.deps.now().getTime() >= walk.untilMs
  );
}

/** Invariant 4. */
function note(walk: Walk, resourceId: string, error: unknown): void {
  walk.errors.push({ resourceId, error });
  if (
    error instanceof ServiceError &&
    error.code === "ResourceManagerThrottled"
  )
    walk.isThrottled = true;
}

async function lookAfter(
  walk: Walk,
  resourceId: string,
  listed: Listed,
): Promise<void> {
  try {
    if (await hasTold(walk, resourceId, listed)) walk.told.push(resourceId);
  } catch (error) {
    note(walk, resourceId, error);
  }
}

/** As the list of its image definition has it, which lacks it; `none`: Azure has no such definition. */
type Listed = ListedImageVersion | "none" | undefined;

async function hasTold(
  walk: Walk,
  resourceId: string,
  listed: Listed,
): Promise<boolean> {
  const { deps } = walk;
  const id = parseImageVersionId(resourceId);
  const key = keyOf(resourceId);
  const record = await deps.store.readRecord(key);
  if (id === undefined || record === undefined || !isFinal(record.state))
    return false;
  // Invariant 2.
  const isQuiet =
    record.status === undefined ||
    (typeof listed === "object" && isAsKnown(record, listed));
  if (record.outbox.length === 0 && isQuiet) return false;
  const stored = await deps.store.read(key);
  if (stored === undefined || !isFinal(stored.record.state)) return false;
  // Whoever has told something before may have died over it.
  if (stored.record.outbox.length > 0)
    return (await deliver(deps, stored)).record.outbox.length === 0;
  walk.looks += 1;
  const look = await lookAt(deps, id);
  // Invariant 3.
  if (look === undefined ? typeof listed === "object" : listed === "none")
    return false;
  const noted = await noteLook(deps, stored, look);
  return noted?.isTold === true;
}
