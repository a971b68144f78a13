import type { Schemas } from "@sigil/client";
import { readyIn, regionState, type RegionState } from "../region-state.js";
import type { TileState } from "../tile-state.js";
import { dueText } from "../times.js";
import { needText } from "../rollout-text.js";
import { geographiesOf, namesText, regionCount } from "../geography.js";
import {
  isBusy,
  isDeleting,
  nameIn,
  type RegionSummary,
  type VersionSummary,
} from "../summaries.js";

type Body = Schemas["ImageSummary"];

/** One version in one region. */
export interface Cell extends RegionState {
  readonly region: string;
  readonly summary?: RegionSummary;
  /** Begins a geography. */
  readonly apart: boolean;
}

/** How urgent it is, as a class. */
export const TONES = {
  bad: "error-text",
  warn: "warn-text",
  run: "run-text",
  plain: "",
} as const;
export type Tone = keyof typeof TONES;

export interface Row {
  readonly version: VersionSummary;
  readonly cells: readonly Cell[];
  readonly ready: number;
  /** Regions of which nobody has seen how they are. */
  readonly unseen: number;
  readonly standsOut: string;
  readonly tone: Tone;
}

export interface Matrix {
  readonly geographies: ReturnType<typeof geographiesOf>;
  /** In the order of their columns. */
  readonly regions: readonly string[];
  readonly rows: readonly Row[];
}

const SOON_MS = 30 * 86_400_000;

/** All versions in all regions, by geography. `broken`: sets whose keys break now, by their place in the summary. */
export function matrixOf(body: Body, nowMs: number): Matrix {
  const { versions } = body;
  const geographies = geographiesOf(
    versions.flatMap(({ regions }) => regions.map(({ name }) => name)),
  );
  const regions = geographies.flatMap((each) => each.regions);
  const firsts = new Set(geographies.slice(1).map((each) => each.regions[0]));
  const broken = brokenSets(body);
  const maps = versions.map((version) => new Map(version.regions.map((one) => [one.name, one])));
  const has = regions.map((name) => maps.map((map) => map.has(name)));
  const rows = versions.map((version, index): Row => {
    const cells = regions.map((region): Cell => {
      const summary = maps[index]?.get(region);
      return {
        region,
        apart: firsts.has(region),
        ...(summary === undefined
          ? { state: "absent" as const, word: "Not in this version" }
          : { summary, ...stateIn(version, summary, broken) }),
      };
    });
    // A region that the versions before and after it have is missing; one that came later is not.
    const missing = regions.filter(
      (_, column) =>
        has[column]?.[index] === false &&
        has[column].slice(0, index).includes(true) &&
        has[column].slice(index + 1).includes(true),
    );
    return {
      version,
      cells,
      ready: readyIn(version.regions).length,
      unseen: cells.filter(({ state }) => state === "unseen").length,
      ...standing(version, cells, missing, nowMs),
    };
  });
  return { geographies, regions, rows };
}

/** Places of the sets that have a problem which breaks something now. */
function brokenSets({ keys = [] }: Body): ReadonlySet<number> {
  return new Set(
    keys.flatMap(({ diskEncryptionSet, problems }) =>
      problems.some(({ severity }) => severity === "error") ? [diskEncryptionSet] : [],
    ),
  );
}

function stateIn(
  { state, heldBack }: VersionSummary,
  region: RegionSummary,
  broken: ReadonlySet<number>,
): RegionState {
  const isBroken = region.diskEncryptionSets.some((set) => broken.has(set));
  return regionState({ ...region, region, state, heldBack, isBroken });
}

const CONDITION_WORDS: Readonly<Record<string, string>> = {
  GateClosed: "Its gate is closed",
  Paused: "Its rule is paused",
  ChangedOutside: "Changed by others",
  RegionLost: "Regions removed by others",
  Stalled: "No progress",
  Canceling: "Being canceled",
  RegionKeepsLatest: "Canceled, and still the latest",
};

/** What a person should know of it, or is waited for to do; empty where there is nothing. */
function needsIn({ conditions = [], rollout }: VersionSummary): string {
  return [
    ...conditions.map(({ type, reason }) =>
      type === "NeedsAttention" && reason !== "RegionKeepsLatest"
        ? needText(rollout)
        : (CONDITION_WORDS[reason ?? ""] ?? CONDITION_WORDS[type]),
    ),
  ]
    .filter((word) => word !== undefined)
    .join(", ");
}

/** The most urgent first; a version that is well is quiet. */
function standing(
  version: VersionSummary,
  cells: readonly Cell[],
  missing: readonly string[],
  nowMs: number,
): Pick<Row, "standsOut" | "tone"> {
  const says = (standsOut: string, tone: Tone) => ({ standsOut, tone });
  const names = (state: TileState): readonly string[] =>
    cells.filter((cell) => cell.state === state).map(({ region }) => region);
  if (version.conditions?.some(({ type }) => type === "Revoked"))
    return says("Revoked: not to be used", "bad");
  const failed = names("failed");
  if (failed.length > 0) return says(`Failed in ${inText(failed)}`, "bad");
  const risk = names("risk");
  if (risk.length > 0) return says(`Key at risk in ${inText(risk)}`, "bad");
  if (version.state === "Failed" || version.provisioningState === "Failed")
    return says("Failed", "bad");
  const words = needsIn(version);
  if (words !== "") return says(words, "warn");
  if (version.keys === "AtRisk") return says("A key will be at risk", "warn");
  if (isDeleting(version.state, version.provisioningState)) return says("Being deleted", "run");
  if (isBusy(version)) return says(`Replicating${endText(version, nowMs)}`, "run");
  const endMs = Date.parse(version.endOfLifeDate ?? "");
  if (endMs < nowMs) return says("Past its end of life", "warn");
  if (endMs - nowMs < SOON_MS)
    return says(`End of life in ${Math.ceil((endMs - nowMs) / 86_400_000)} days`, "warn");
  const latest = version.regions.filter((one) => one.latest);
  if (latest.length > 0)
    return says(`Latest in ${inText(latest.map(({ name }) => name))}`, "plain");
  if (missing.length > 0) return says(`Not in ${namesText(missing)}`, "plain");
  if (!version.excludeFromLatest) return says("", "plain");
  return says(version.heldBack === true ? "Held back" : "Excluded from latest", "plain");
}

function inText(names: readonly string[]): string {
  return names.length <= 2 ? names.join(", ") : regionCount(names.length);
}

function endText({ regions }: VersionSummary, nowMs: number): string {
  const last = regions
    .flatMap(({ expectedEndTime }) => expectedEndTime ?? [])
    .sort((a, b) => Date.parse(a) - Date.parse(b))
    .at(-1);
  return last === undefined ? "" : `, end ${dueText(last, nowMs)}`;
}

/** `1 region of 1.6.2 not seen yet`; empty where all were. */
export function unseenText(rows: readonly Row[]): string {
  const those = rows.filter(({ unseen }) => unseen > 0);
  const [first] = those;
  if (first === undefined) return "";
  return those.length === 1
    ? `${first.version.name}: ${regionCount(first.unseen)} not seen yet`
    : `${those.length} versions with regions not seen yet`;
}

/** `4.12.2 in 21, 4.11.4 in 1`: never simply latest, where it is not so everywhere. */
export function latestCounts(
  versions: readonly VersionSummary[],
): readonly { readonly name: string; readonly count: number }[] {
  return versions
    .map(({ name, regions }) => ({
      name,
      count: regions.filter(({ latest }) => latest).length,
    }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}

/** `14 min`, `1 d`, `2 wk`, `3 mo`. */
export function ageText(publishedDate: string | undefined, nowMs: number): string {
  const minutes = (nowMs - Date.parse(publishedDate ?? "")) / 60_000;
  if (Number.isNaN(minutes)) return "";
  const days = minutes / 1_440;
  if (minutes < 60) return `${Math.max(0, Math.floor(minutes))} min`;
  if (days < 1) return `${Math.floor(minutes / 60)} h`;
  if (days < 14) return `${Math.floor(days)} d`;
  if (days < 56) return `${Math.floor(days / 7)} wk`;
  return days < 730 ? `${Math.floor(days / 30)} mo` : `${Math.floor(days / 365)} y`;
}

/** Names of the sets that a region of a version has. */
export function setsIn(region: RegionSummary, sets: readonly string[]): readonly string[] {
  return region.diskEncryptionSets.map((index) => nameIn(sets[index] ?? ""));
}
