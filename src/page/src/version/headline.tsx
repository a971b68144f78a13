import type { ComponentChildren } from "preact";
import { Expected, Time } from "../components/time.js";
import { turnedTexts } from "../change-text.js";
import type { TileState } from "../tile-state.js";
import { patchOf } from "../dialogs/patch.js";
import type { Condition, Version } from "../dialogs/action.js";
import { namesText, regionCount } from "../geography.js";
import { isRunning, kindName, type Operation } from "../operations.js";
import { needText } from "../rollout-text.js";
import { byRisk } from "../key-text.js";
import { brokenKeysIn, readyIn, readyText, regionStates } from "../region-state.js";
import { isDeleting } from "../summaries.js";

/** The action of a headline's button. */
export interface Deed {
  readonly kind: "promote" | "approve" | "retry" | "putBack" | "refresh" | "tests";
  /** The condition that it acts on. */
  readonly condition?: Condition;
}

/** One thing that the version waits for, or that it is fine. The most urgent headline comes first. */
export interface Headline {
  readonly tile: TileState;
  readonly title: string;
  readonly text: ComponentChildren;
  readonly deed?: { readonly name: string; readonly does: Deed };
  /** What helps, outside Sigil. */
  readonly fix?: string;
  /** How old what it says is. */
  readonly seenTime?: string;
}

export function headlinesOf(
  version: Version,
  operation: Operation | undefined,
): readonly Headline[] {
  const found = [
    ...deletion(version, operation),
    ...failed(version, operation),
    ...(version.sigil.conditions ?? [])
      // `failed` says what is behind it.
      .filter(({ type }) => type !== "RegionFailed")
      .map((one) => ofCondition(version, one)),
    ...running(version, operation),
  ];
  return found.length > 0 ? found : [atRest(version)];
}

function deletion(
  { sigil, properties }: Version,
  operation: Operation | undefined,
): readonly Headline[] {
  if (!isDeleting(sigil.state, properties.provisioningState)) return [];
  const waits = operation?.waitReason;
  return [
    {
      tile: "held",
      title: waits === undefined ? "Deleting" : "Deletion is waiting",
      text: (
        <>
          {waits ?? "Azure is deleting the version in every region."}{" "}
          <Time before="Sigil tries again at " value={operation?.nextAttemptTime} lower after="." />
        </>
      ),
    },
  ];
}

function failed(
  { sigil: { regions } }: Version,
  operation: Operation | undefined,
): readonly Headline[] {
  const those = regions.filter(({ state }) => state === "Failed");
  const [first] = those;
  if (first === undefined) return [];
  const repairs = operation !== undefined && isRunning(operation);
  const next = nextAttemptIn(regions);
  return [
    {
      tile: "failed",
      title: `Failed in ${namesText(those.map(({ name }) => name))}`,
      text: (
        <>
          {first.details ?? "Azure gave no reason."} {readyText(regions)}.{" "}
          {next !== undefined && (
            <>
              Attempt {first.attempts}
              {first.attemptsAllowed !== undefined && ` of ${first.attemptsAllowed}`}. Sigil tries
              again at <Time value={next} lower />.
            </>
          )}
        </>
      ),
      ...((!repairs || next !== undefined) && {
        deed: { name: "Retry…", does: { kind: "retry" } },
      }),
    },
  ];
}

/** When Sigil tries a failed region again. */
function nextAttemptIn(regions: Version["sigil"]["regions"]): string | undefined {
  return regions.find(
    ({ state, nextAttemptTime }) => state === "Failed" && nextAttemptTime !== undefined,
  )?.nextAttemptTime;
}

export function ofCondition(version: Version, condition: Condition): Headline {
  const { type, message, since, whatToDo } = condition;
  if (type === "KeyAtRisk") return keyAtRisk(version, condition);
  const told = titleOf(version, condition);
  return {
    ...told,
    text: (
      <>
        {message}{" "}
        {type === "ChangedOutside" && turnedTexts(patchOf(condition)?.body, version).join(" ")}{" "}
        {type !== "NeedsAttention" && whatToDo.sentence}
        <Time before=" Since " value={since} lower after="." />
      </>
    ),
  };
}

/** The first of the problems, with what helps; the card of the keys has them all. */
function keyAtRisk(version: Version, { message, since }: Condition): Headline {
  const { problems = [], seenTime } = version.sigil.keys ?? {};
  const [first] = byRisk(problems);
  const latest = first?.regions.filter((name) => version.sigil.latestIn.includes(name)) ?? [];
  const others = problems.length - 1;
  return {
    tile: first?.severity === "warning" ? "note-mark" : "risk",
    title: `Key at risk in ${namesText([...brokenOrWarned(version)])}`,
    text: (
      <>
        {first?.message ?? message} <Time before="Since " value={since} lower after=". " />
        {latest.length > 0 && `${version.name} is the latest in ${namesText(latest)}. `}
        {others > 0 && `${others} more below, under Keys.`}
      </>
    ),
    ...(first && { fix: first.remediation }),
    ...(seenTime !== undefined && { seenTime }),
    deed: { name: "Refresh", does: { kind: "refresh" } },
  };
}

type Titled = Pick<Headline, "tile" | "title" | "deed">;

function titleOf(version: Version, condition: Condition): Titled {
  switch (condition.type) {
    case "Revoked":
      return { tile: "failed", title: "Revoked: do not use" };
    case "GateClosed":
      return {
        tile: "held",
        title: `Gate closed in ${namesText(condition.regions ?? [])}`,
        deed: { name: "Approve…", does: { kind: "approve", condition } },
      };
    case "NeedsAttention":
      if (condition.reason === "RegionKeepsLatest")
        return { tile: "held", title: "Canceled, and still the latest" };
      return version.sigil.rollout?.state === "Halted"
        ? {
            tile: "failed",
            title: needText(version.sigil.rollout),
            deed: { name: "See the tests", does: { kind: "tests" } },
          }
        : forPerson(version.sigil.rollout);
    case "Paused":
      return {
        tile: "held",
        title: "Promotion rule paused",
        deed: { name: "Review and promote", does: { kind: "promote" } },
      };
    case "ChangedOutside":
    case "RegionLost":
      return {
        tile: "note-mark",
        title:
          condition.type === "RegionLost"
            ? "Regions were removed outside Sigil"
            : "Changed outside Sigil",
        ...(patchOf(condition) && {
          deed: {
            name: "Undo the change…",
            does: { kind: "putBack", condition },
          },
        }),
      };
    case "Stalled":
      return { tile: "note-mark", title: "No progress in Azure" };
    case "Canceling":
      return { tile: "held", title: "Canceling an operation" };
    default:
      return { tile: "note-mark", title: condition.type };
  }
}

/** A promotion that waits for a person. */
function forPerson(rollout: Version["sigil"]["rollout"]): Titled {
  const ofWave = rollout?.wave === undefined ? "" : ` wave ${rollout.wave}`;
  return {
    tile: "held",
    title: needText(rollout),
    deed: { name: `Review and promote${ofWave}`, does: { kind: "promote" } },
  };
}

/** Regions with a key problem. */
function brokenOrWarned(version: Version): ReadonlySet<string> {
  const broken = brokenKeysIn(version);
  return broken.size > 0
    ? broken
    : new Set((version.sigil.keys?.problems ?? []).flatMap(({ regions }) => regions));
}

function running(version: Version, operation: Operation | undefined): readonly Headline[] {
  const { sigil } = version;
  const isBusy = operation !== undefined && isRunning(operation);
  const found: Headline[] = [];
  // The headline of the failed regions already covers a pending retry.
  if (isBusy && nextAttemptIn(sigil.regions) === undefined) {
    const { kind, expectedEndTime, waitReason, nextAttemptTime } = operation;
    const replicates =
      ["CreateImageVersion", "UpdateImageVersion"].includes(kind) && waitReason === undefined;
    if (!isDeleting(sigil.state))
      found.push({
        tile: "replicating",
        title: replicates ? "Replicating" : `${kindName(kind)} in progress`,
        text: (
          <>
            {readyText(sigil.regions)}. {waitReason !== undefined && `Waiting: ${waitReason} `}
            <Time before="Sigil continues at " value={nextAttemptTime} lower after=". " />
            {expectedEndTime !== undefined && <Expected verb="Ends" value={expectedEndTime} />}
          </>
        ),
      });
  }
  const { rollout } = sigil;
  // A wait for a person is shown as a condition.
  if (rollout?.state === "Waiting" && rollout.waitsForGo !== true)
    found.push({
      tile: "held",
      title:
        rollout.wave === undefined ? "Promotion is waiting" : `Wave ${rollout.wave} is waiting`,
      text: (
        <>
          {rollout.message}{" "}
          <Time before="Sigil checks again at " value={rollout.nextAttemptTime} lower after="." />
        </>
      ),
    });
  return found;
}

function atRest(version: Version): Headline {
  const { sigil } = version;
  const all = sigil.regions.length;
  const ready = readyIn(sigil.regions).length;
  const latest = sigil.latestIn.length;
  const unseen = regionStates(version).filter(({ state }) => state === "unseen").length;
  const stateText =
    ready === all
      ? all === 1
        ? `Ready in ${sigil.regions[0]?.name ?? "its region"}`
        : "Ready everywhere"
      : unseen === all
        ? "Not seen yet"
        : `Ready in ${ready} of ${regionCount(all)}${unseen > 0 ? `, ${unseen} not seen yet` : ""}`;
  const tile =
    latest > 0
      ? "latest"
      : version.properties.publishingProfile.excludeFromLatest === true
        ? sigil.heldBack === true
          ? "held"
          : "excluded"
        : "ready";
  const latestText =
    latest === 0
      ? tile === "held"
        ? "held back"
        : tile === "excluded"
          ? "excluded from latest"
          : "not the latest anywhere"
      : `latest in ${latest === all ? (all === 1 ? "it" : `all ${all}`) : `${latest} of ${all}`}`;
  return {
    tile: unseen > 0 ? "unseen" : ready === all ? tile : "replicating",
    title: `${stateText}, ${latestText}`,
    text:
      latest === 0
        ? "Machines created without a version number do not get it."
        : unseen > 0
          ? "Nothing to do, of what was seen."
          : "Nothing to do.",
  };
}
