/**
 * What Azure has of an image definition now, as the base of a rollback's decision: its list, and a
 * look at each version that counts. Azure's replicas may be minutes behind, so for Sigil's own
 * recent writes the record wins.
 */
import { ServiceError } from "../../errors.js";
import { pagesOf } from "../../operation/pages.js";
import { contextOf } from "../../operation/steps.js";
import {
  formatImageVersionId,
  keyOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import { versionNameIn, versionScope } from "../../listings.js";
import type { Dependencies } from "../ports.js";
import {
  isPromoted,
  latestOf,
  usableRegions,
  type Candidate,
  type Latest,
} from "../latest/latest-after.js";
import { lookOf } from "./get.js";
import { isGone, lookAt } from "./look-at.js";
import type { ListedImageVersion, Look } from "../resources.js";
import { withLatest } from "../latest/flags.js";
import { openDeletionIn, releaseBeforeDeletion, type OpenDeletion } from "../state/deletion.js";
import { latestToBe, openRequests, ruleInForce, ruleOf, unapplied } from "../state/fold.js";
import { believed } from "../state/observe.js";
import type { Time } from "../state/confirmed.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isRestoring } from "../state/states.js";
import { compareVersionNumbers } from "../../version-numbers.js";

/** A version with a look. */
interface Surveyed extends Candidate {
  /** Present: a promotion includes it in the next wave only. */
  readonly waves?: readonly { readonly regions: readonly string[] }[];
}

export interface Survey {
  /** False if Azure has no such image definition. */
  readonly exists: boolean;
  readonly listed: readonly ListedImageVersion[];
  /** Looks at a version, once; undefined: it is gone, and not in the list either. */
  look(this: void, item: ListedImageVersion): Promise<Surveyed | undefined>;
  /** Numbers of versions with a look that differs from the known state and is not confirmed. */
  readonly unconfirmed: ReadonlySet<string>;
  /** By version number, for those that are to be included in latest: when. */
  readonly awaiting: ReadonlyMap<string, string>;
  /**
   * Numbers of versions that are excluded from latest while their deletion waits, and included
   * again if it fails.
   */
  readonly excludedForNow: ReadonlySet<string>;
  /** By version number, for those that are to be deleted: the deletion. */
  readonly deletions: ReadonlyMap<string, OpenDeletion>;
  /** By version number, for those that Sigil knows. */
  readonly records: ReadonlyMap<string, ImageVersionRecord>;
  /** A version's place in latest after open operations. */
  readonly toBe: Change;
}

/** Returns the version after the change. */
export type Change = <T extends ListedImageVersion & Partial<Surveyed>>(item: T) => T;

/** Looks at this many; for the others the list stands in. */
const MOST_LOOKS = 20;
/** Reads the records of this many versions, of the highest numbers first. */
const MOST_RECORDS = 100;

/** Throws what the reads throw. */
export async function surveyOf(deps: Dependencies, imageId: string): Promise<Survey> {
  const azure = await deps.resourceManager.listImageVersions(imageId);
  const seen = new Map<string, Surveyed | undefined>();
  const unconfirmed = new Set<string>();
  const known: Known = {
    records: new Map(),
    awaiting: new Map(),
    excludedForNow: new Set(),
    deletions: new Map(),
  };
  const look: Survey["look"] = async (item) => {
    const { name } = item;
    if (seen.has(name)) return seen.get(name);
    const id = parseImageVersionId(`${imageId}/versions/${name}`);
    if (id === undefined || seen.size === MOST_LOOKS) return item;
    const record =
      known.records.get(name) ?? (await recordAt(deps, keyOf(formatImageVersionId(id))));
    const shown = await lookAt(deps, id);
    const listed =
      shown === undefined && (await isThere(deps, id, record, azure))
        ? lookOf(item, record, deps.now().toISOString())
        : shown;
    const found = listed && believed(record, listed, contextOf(deps)).look;
    if (found !== shown) unconfirmed.add(name);
    const candidate = found && surveyed(item, found, record);
    seen.set(name, candidate);
    return candidate;
  };
  return {
    ...known,
    exists: azure !== undefined,
    listed: azure ? await corrected(deps, imageId, azure, look, known) : [],
    look,
    unconfirmed,
    toBe: (item) => {
      const included = latestToBe(known.records.get(item.name), item.resource);
      return { ...item, resource: withLatest(item.resource, included) };
    },
  };
}

/** What the records show, by version number. */
interface Known {
  readonly records: Map<string, ImageVersionRecord>;
  readonly awaiting: Map<string, string>;
  readonly excludedForNow: Set<string>;
  readonly deletions: Map<string, OpenDeletion>;
}

/** Whether a version without a look is there. For versions of others there is only the list. */
async function isThere(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord | undefined,
  azure: readonly ListedImageVersion[] | undefined,
): Promise<boolean> {
  return record === undefined
    ? azure?.some(({ name }) => name === id.versionName) === true
    : !(await isGone(deps, id, record, () => Promise.resolve(azure)));
}

function surveyed(
  item: ListedImageVersion,
  look: Look,
  record: ImageVersionRecord | undefined,
): Surveyed {
  const rule = record && ruleInForce(record);
  const waves = rule?.when === "waves" ? rule.waves : undefined;
  const ready = look.regions.filter(({ state }) => state === "Completed");
  return {
    ...item,
    ...look,
    ...(waves && { waves }),
    // Nothing is known of the regions of a version that others created and Azure only lists.
    ...(look.regions.length > 0 && {
      readyRegions: ready.map(({ name }) => name),
    }),
  };
}

/**
 * The list, with a look at each version that it has as it was before Sigil's own writes, or does
 * not have yet.
 */
async function corrected(
  deps: Dependencies,
  imageId: string,
  listed: readonly ListedImageVersion[],
  look: Survey["look"],
  known: Known,
): Promise<readonly ListedImageVersion[]> {
  const scope = versionScope(imageId);
  const names: string[] = [];
  for await (const rows of pagesOf(deps.index, scope, MOST_RECORDS)) {
    names.push(...rows.map(versionNameIn));
    if (names.length >= MOST_RECORDS) break;
  }
  const items = new Map(listed.map((item) => [item.name, item]));
  const highest = [...new Set([...names, ...items.keys()])]
    .sort((a, b) => compareVersionNumbers(b, a))
    .slice(0, MOST_RECORDS);
  await Promise.all(
    highest.map(async (name) => {
      const record = await recordAt(deps, keyOf(`${imageId}/versions/${name}`));
      if (record === undefined) return;
      known.records.set(name, record);
      const deletion = openDeletionIn(record);
      if (deletion !== undefined) known.deletions.set(name, deletion);
      const item = items.get(name);
      const of = item ?? record.status;
      const isOld = isOfBefore(record, item, contextOf(deps));
      const newer = isOld && of ? await look({ ...of, name }) : item;
      if (newer === undefined) items.delete(name);
      else items.set(name, { ...newer, name });
      if (newer && isPromoted(newer)) return;
      const until = newer ? toPromote(record) : toCreate(record);
      if (newer && releaseBeforeDeletion(record)) known.excludedForNow.add(name);
      else if (until) known.awaiting.set(name, until);
    }),
  );
  return [...items.values()];
}

/** Whether the list is older than Sigil's last write; or it may not have the version yet. */
function isOfBefore(
  record: ImageVersionRecord,
  item: ListedImageVersion | undefined,
  context: Time,
): boolean {
  const time = context.now.toISOString();
  return item === undefined
    ? isJustThere(record, context)
    : !believed(record, { ...item, regions: [], time }, context).isFact;
}

/** Whether Azure created it so recently that a list may not show it yet. */
function isJustThere({ status }: ImageVersionRecord, time: Time): boolean {
  const madeMs = Date.parse(status?.publishedDate ?? "");
  return time.now.getTime() - madeMs < time.pace.staleMs;
}

/** The same for a version that Azure does not have yet. */
function toCreate(record: ImageVersionRecord): string | undefined {
  if (isRestoring(record)) return "it is restored";
  const creation = openRequests(record).find(([, { creates }]) => creates === true)?.[1];
  if (record.status !== undefined || creation === undefined) return undefined;
  const { release, patch } = creation;
  const rule = ruleOf(patch);
  if (rule !== undefined) return rule.when === "manual" ? undefined : "its promotion rule is met";
  return release?.kind === "set" && release.release.in === "none" ? undefined : "it is created";
}

/** An operation was requested for that. */
export const BY_OPERATION = "an operation that promotes it ends";

/** What will include it in latest; undefined: nothing will. */
function toPromote(record: ImageVersionRecord): string | undefined {
  const { when = "manual" } = ruleInForce(record) ?? {};
  if (when !== "manual") return "its promotion rule is met";
  return unapplied(record).some(
    ([, { release }]) =>
      release?.kind === "include" || (release?.kind === "set" && release.release.in !== "none"),
  )
    ? BY_OPERATION
    : undefined;
}

/** The latest now, or after a change. */
export function surveyedLatest(
  { listed, look }: Survey,
  change: Change = (item) => item,
): Promise<Latest> {
  return latestOf(listed.map(change), async (item) => {
    const found = await look(item);
    return found === undefined ? [] : usableRegions(change(found));
  });
}

/**
 * A record of a newer release is ignored, because a rollback at night must not wait for an upgrade.
 */
async function recordAt(
  { store }: Pick<Dependencies, "store">,
  key: string,
): Promise<ImageVersionRecord | undefined> {
  try {
    return await store.readRecord(key);
  } catch (error) {
    if (error instanceof ServiceError && error.code === "StateTooNew") return undefined;
    throw error;
  }
}
