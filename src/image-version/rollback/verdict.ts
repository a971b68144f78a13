/** Whether a rollback can still reach, or has reached, its promised result. */
import type { ErrorCode } from "../../errors.js";
import type { OperationFailure } from "../../operation/records.js";
import { shownFields, withLatest } from "../latest/flags.js";
import {
  latestBetween,
  lostOf,
  usableRegions,
  type Candidate,
  type Latest,
  type LatestChange,
} from "../latest/latest-after.js";
import {
  nextWave,
  released,
  releasedIn,
  releaseOf,
  type ReleaseChange,
} from "../latest/release.js";
import type { Dependencies } from "../ports.js";
import { findingOf } from "../preflight/objections.js";
import { regionsIn } from "../properties/fields.js";
import { surveyedLatest, type Change, type Survey } from "../queries/survey.js";
import type { RollbackStep, RollbackRecord } from "../rollback-record.js";
import { objectionsToTarget, refusalBy } from "./target.js";

/**
 * Why the target will not be the latest wherever it should be, even after all steps, or a region
 * would lose its latest unplanned.
 */
export async function whyNot(
  deps: Pick<Dependencies, "objections">,
  imageId: string,
  survey: Survey,
  rollback: RollbackRecord,
  left: readonly RollbackStep[],
): Promise<OperationFailure | undefined> {
  const { to } = rollback;
  const found = await foundIn(survey, to);
  if (found === undefined) return failure("ImageVersionGone", `Azure no longer has ${to}.`);
  if (found.provisioningState === "Deleting")
    return failure("ImageVersionGone", `${to} is being deleted.`);
  // Once no step is left, only Azure's state counts.
  const isDone = left.length === 0;
  const deleted = isDone ? undefined : refusalBy(survey.deletions.get(to), to);
  if (deleted !== undefined) return failure(deleted.code, deleted.message);
  const after = afterSteps(left);
  const { inRegion } = await surveyedLatest(survey, after);
  const others = rollback.regions.flatMap((region) =>
    region.to === to && inRegion.get(region.name) !== to ? [region.name] : [],
  );
  const usable = usableRegions(after(found));
  const missing = others.filter((name) => !usable.includes(name));
  if (missing.length > 0)
    return failure(
      "RollbackRefused",
      `${to} is not ready, or excluded from latest, in ${missing.join(", ")}.`,
    );
  if (others.length > 0)
    return failure(
      "Superseded",
      `${to} is not the latest in ${others.join(", ")}: another request published or promoted a higher version.`,
    );
  if (isDone) return undefined;
  const [first] = await objectionsToTarget(deps, imageId, found);
  return (
    (await lostLatest(survey, rollback, left)) ??
    (first && failure(first.code, first.message, [findingOf(first, "error")]))
  );
}

/** A version as it is after the steps. */
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
    const regions = regionsIn(shownFields(resource));
    const after = released(releaseOf(resource), change, regions);
    return {
      ...item,
      resource: withLatest(resource, releasedIn(after, regions)),
    };
  };
}

/** The look at a version; undefined: it is gone. */
export async function foundIn(
  { listed, look }: Survey,
  versionName: string,
): Promise<Candidate | undefined> {
  const item = listed.find(({ name }) => name === versionName);
  return item && (await look(item));
}

/** The regions without a latest version after the steps and all other open requests. */
export async function lostBy(
  survey: Survey,
  steps: readonly RollbackStep[],
): Promise<readonly LatestChange[]> {
  const { toBe } = survey;
  const after = afterSteps(steps);
  return lostOf(
    latestBetween(
      await surveyedLatest(survey, toBe),
      await surveyedLatest(survey, (one) => after(toBe(one))),
    ),
  );
}

/** Regions that would lose their latest version unplanned. */
async function lostLatest(
  survey: Survey,
  { regions }: RollbackRecord,
  left: readonly RollbackStep[],
): Promise<OperationFailure | undefined> {
  const planned = regions.flatMap(({ name, to }) => (to === undefined ? [name] : []));
  const lost = (await lostBy(survey, left))
    .map(({ region }) => region)
    .filter((name) => !planned.includes(name));
  return lost.length === 0
    ? undefined
    : failure("RegionWouldLoseLatest", `No version would be the latest in ${lost.join(", ")}.`);
}

/** Changes in the form of a rollback. */
export function regionsOf(changes: readonly LatestChange[]): RollbackRecord["regions"] {
  return changes.map(({ region: name, ...change }) => ({ name, ...change }));
}

/** The rollback with the present latest versions, instead of the planned ones. */
export function asItIs(rollback: RollbackRecord, latest: Latest): RollbackRecord {
  const before = rollback.regions.flatMap(({ name, from }) =>
    from === undefined ? [] : [[name, from] as const],
  );
  const changes = latestBetween({ inRegion: new Map(before) }, latest);
  return { ...rollback, regions: regionsOf(changes) };
}

/** For people: "The latest is now 1.0.0 in eastus2, westus; none in japaneast." */
export function describeLatest({ regions }: Pick<RollbackRecord, "regions">): string {
  const versions = [...new Set(regions.map(({ to }) => to))];
  const parts = versions.map(
    (version) =>
      `${version ?? "none"} in ${regions
        .filter(({ to }) => to === version)
        .map(({ name }) => name)
        .join(", ")}`,
  );
  return `The latest is now ${parts.length > 0 ? parts.join("; ") : "none anywhere"}.`;
}

function failure(
  code: ErrorCode,
  message: string,
  errors: OperationFailure["errors"] = [],
): OperationFailure {
  return { code, message, errors };
}
