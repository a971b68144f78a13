/**
 * What Azure has of an image definition now, for a rollback to decide on: its list, and a look at each version that counts.
 * Azure is asked through replicas that may be some minutes behind: of what Sigil has written lately, its record knows better.
 */
import { contextOf } from "../../operation/steps.js";
import {
  formatImageVersionId,
  keyOf,
  parseImageVersionId,
} from "../../resource-id.js";
import { versionNameIn, versionScope } from "../listings.js";
import type { Dependencies } from "../ports.js";
import {
  isPromoted,
  latestOf,
  usableRegions,
  type Candidate,
  type Latest,
} from "../latest/latest-after.js";
import { lookOf } from "../queries/get.js";
import { isGone, lookAt } from "../queries/look-at.js";
import type { ListedImageVersion } from "../resources.js";
import { factsIn, withLatest } from "../latest/flags.js";
import {
  nextWave,
  released,
  releasedIn,
  releaseOf,
  type ReleaseChange,
} from "../latest/release.js";
import { regionsIn } from "../properties/fields.js";
import {
  openDeletionIn,
  releaseBeforeDeletion,
  type OpenDeletion,
} from "../state/deletion.js";
import {
  latestToBe,
  openRequests,
  ruleInForce,
  ruleOf,
  unapplied,
} from "../state/fold.js";
import { believed, type Time } from "../state/observe.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isRestoring } from "../state/states.js";
import { compareVersionNumbers } from "../version-numbers.js";
import type { RollbackStep } from "./record.js";
import { recordAt } from "./target.js";

/** A version that was looked at. */
export interface Surveyed extends Candidate {
  /** A promotion includes it in the next one alone. */
  readonly waves?: readonly { readonly regions: readonly string[] }[];
}

export interface Survey {
  /** False where Azure has no such image definition. */
  readonly exists: boolean;
  readonly listed: readonly ListedImageVersion[];
  /** Looks at a version, once; undefined where it is gone, in the list, too. */
  look(this: void, item: ListedImageVersion): Promise<Surveyed | undefined>;
  /** Numbers of the versions that a look shows as they were before Sigil's last write, or not at all, which proves nothing. */
  readonly behind: ReadonlySet<string>;
  /** Those of them that Sigil has excluded from latest, and that are included by the look: it is older, or others did that. */
  readonly perhapsIncluded: ReadonlySet<string>;
  /** By the numbers of the versions that are to be included in latest: as soon as what. */
  readonly awaiting: ReadonlyMap<string, string>;
  /** Numbers of the versions that are excluded from latest while their deletion waits, and in it again where that comes to nothing. */
  readonly excludedForNow: ReadonlySet<string>;
  /** By the numbers of the versions that are to be deleted: by what. */
  readonly deletions: ReadonlyMap<string, OpenDeletion>;
  /** By number, of the versions that Sigil knows. */
  readonly records: ReadonlyMap<string, ImageVersionRecord>;
  /** A version as open operations leave it in latest. */
  readonly toBe: Change;
}

export type Change = <T extends ListedImageVersion & Partial<Surveyed>>(
  item: T,
) => T;

/** Of more than so many, what the list says is taken. */
const MOST_LOOKS = 20;
/** The records of so many versions are read, those of the highest numbers. */
const MOST_RECORDS = 100;

/** Throws what the reads throw. */
export async function surveyOf(
  deps: Dependencies,
  imageId: string,
): Promise<Survey> {
  const listed = await deps.resourceManager.listImageVersions(imageId);
  const seen = new Map<string, Surveyed | undefined>();
  const behind = new Set<string>();
  const perhapsIncluded = new Set<string>();
  const awaiting = new Map<string, string>();
  const excludedForNow = new Set<string>();
  const deletions = new Map<string, OpenDeletion>();
  const records = new Map<string, ImageVersionRecord>();
  const look: Survey["look"] = async (item) => {
    if (seen.has(item.name)) return seen.get(item.name);
    const id = parseImageVersionId(`${imageId}/versions/${item.name}`);
    if (id === undefined || seen.size === MOST_LOOKS) return item;
    const record = await recordAt(deps, keyOf(formatImageVersionId(id)));
    const shown = await lookAt(deps, id);
    const isThere =
      shown !== undefined ||
      // Of others' version there is the list alone.
      (record === undefined
        ? listed?.some(({ name }) => name === item.name) === true
        : !(await isGone(deps, id, record, () => Promise.resolve(listed))));
    const seenNow =
      shown ?? (isThere ? lookOf(item, record, deps.now()) : undefined);
    const found = seenNow && believed(record, seenNow, contextOf(deps)).look;
    if (found !== shown) behind.add(item.name);
    if (shown && found && isPromoted(shown) && !isPromoted(found))
      perhapsIncluded.add(item.name);
    const rule = record && ruleInForce(record);
    const waves = rule?.when === "waves" ? rule.waves : undefined;
    const candidate: Surveyed | undefined = found && {
      ...item,
      ...found,
      ...(waves && { waves }),
      // Of others' version that is only listed, nothing is known.
      ...(found.regions.length > 0 && {
        readyRegions: found.regions
          .filter(({ state }) => state === "Completed")
          .map(({ name }) => name),
      }),
    };
    seen.set(item.name, candidate);
    return candidate;
  };
  return {
    exists: listed !== undefined,
    listed:
      listed === undefined
        ? []
        : await corrected(deps, imageId, listed, look, {
            awaiting,
            excludedForNow,
            deletions,
            records,
          }),
    look,
    behind,
    perhapsIncluded,
    awaiting,
    excludedForNow,
    deletions,
    records,
    toBe: (item) => {
      const included = latestToBe(records.get(item.name), item.resource);
      return { ...item, resource: withLatest(item.resource, included) };
    },
  };
}

/** The list; what is older in it than Sigil's own writes, or not yet in it, is looked at by itself. */
async function corrected(
  deps: Dependencies,
  imageId: string,
  listed: readonly ListedImageVersion[],
  look: Survey["look"],
  found: {
    readonly awaiting: Map<string, string>;
    readonly excludedForNow: Set<string>;
    readonly deletions: Map<string, OpenDeletion>;
    readonly records: Map<string, ImageVersionRecord>;
  },
): Promise<readonly ListedImageVersion[]> {
  const { rows } = await deps.index.page(versionScope(imageId), MOST_RECORDS);
  const items = new Map(listed.map((item) => [item.name, item]));
  const highest = [...new Set([...rows.map(versionNameIn), ...items.keys()])]
    .sort((a, b) => compareVersionNumbers(b, a))
    .slice(0, MOST_RECORDS);
  const context = contextOf(deps);
  const time = context.now.toISOString();
  await Promise.all(
    highest.map(async (name) => {
      const record = await recordAt(deps, keyOf(`${imageId}/versions/${name}`));
      if (record === undefined) return;
      found.records.set(name, record);
      const deletion = openDeletionIn(record);
      if (deletion !== undefined) found.deletions.set(name, deletion);
      const item = items.get(name);
      const isOfBefore =
        item === undefined
          ? isJustThere(record, context) // Azure need not list it yet.
          : !believed(record, { ...item, regions: [], time }, context).isFact;
      const known = item ?? record.status;
      const newer = isOfBefore && known ? await look({ ...known, name }) : item;
      if (newer === undefined) items.delete(name);
      else items.set(name, { ...newer, name });
      const until =
        newer === undefined
          ? toCreate(record)
          : !isPromoted(newer) && toPromote(record);
      if (newer && !isPromoted(newer) && releaseBeforeDeletion(record))
        found.excludedForNow.add(name);
      else if (until) found.awaiting.set(name, until);
    }),
  );
  return [...items.values()];
}

/** Azure has made it so lately that a list need not show it. */
function isJustThere({ status }: ImageVersionRecord, time: Time): boolean {
  const madeMs = Date.parse(status?.publishedDate ?? "");
  return time.now.getTime() - madeMs < time.pace.staleMs;
}

/** The same of a version that Azure does not have yet. */
function toCreate(record: ImageVersionRecord): string | undefined {
  if (isRestoring(record.state)) return "it is restored";
  const creation = openRequests(record).find(
    ([, { creates }]) => creates === true,
  )?.[1];
  const { release } = creation ?? {};
  const { when } = (creation && ruleOf(creation.patch)) ?? {};
  if (
    record.status !== undefined ||
    (when === undefined &&
      release?.kind === "set" &&
      release.release.in === "none")
  )
    return undefined;
  return creation === undefined || when === "manual"
    ? undefined
    : when === undefined
      ? "it is created"
      : "its promotion rule is met";
}

/** Somebody has asked for that. */
export const BY_OPERATION = "an operation that promotes it is done";

/** What is to include it in latest, where something is. */
function toPromote(record: ImageVersionRecord): string | undefined {
  const { when = "manual" } = ruleInForce(record) ?? {};
  if (when !== "manual") return "its promotion rule is met";
  return unapplied(record).some(
    ([, { release }]) =>
      release?.kind === "include" ||
      (release?.kind === "set" && release.release.in !== "none"),
  )
    ? BY_OPERATION
    : undefined;
}

/** The latest as it is now; with a change, as it is then. */
export function surveyedLatest(
  { listed, look }: Survey,
  change: Change = (item) => item,
): Promise<Latest> {
  return latestOf(listed.map(change), async (item) => {
    const found = await look(item);
    return found === undefined ? [] : usableRegions(change(found));
  });
}

/** Canonical regions in which a version may be used without its number, once the steps are done. */
export async function usableAfter(
  { look }: Survey,
  item: ListedImageVersion,
  steps: readonly RollbackStep[] = [],
): Promise<readonly string[]> {
  const found = await look(item);
  return found === undefined ? [] : usableRegions(afterSteps(steps)(found));
}

/** A version as it is once the steps are done. */
export function afterSteps(steps: readonly RollbackStep[]): Change {
  return (item) => {
    const step = steps.find(({ versionName }) => versionName === item.name);
    if (step === undefined) return item;
    const { waves, resource } = item;
    const change: ReleaseChange =
      step.does === "demote"
        ? { kind: "exclude", by: "person" }
        : ((waves && nextWave(waves, item)) ?? {
            kind: "include",
            by: "person",
          });
    const regions = regionsIn(factsIn(resource));
    const after = released(releaseOf(resource), change, regions);
    return {
      ...item,
      resource: withLatest(resource, releasedIn(after, regions)),
    };
  };
}
