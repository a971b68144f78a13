/** Whether a rollback can still lead, and has led, where it was said to lead. */
import type { ErrorCode } from "../../errors.js";
import type {
  OperationFailure,
  RollbackRecord,
} from "../../operation/records.js";
import {
  isPromoted,
  latestBetween,
  lostOf,
  usableRegions,
  type Latest,
  type LatestChange,
} from "../latest/latest-after.js";
import type { RollbackStep } from "../rollback-record.js";
import { surveyedLatest, type Survey } from "../queries/survey.js";
import { afterSteps } from "./after-steps.js";
import { refusalBy } from "./target.js";

/** Why the target will not be usable wherever it was to become the latest, though the steps that are left are done. */
export async function lostTarget(
  { listed, look, deletions }: Survey,
  rollback: RollbackRecord,
  left: readonly RollbackStep[],
): Promise<OperationFailure | undefined> {
  const { to } = rollback;
  const item = listed.find(({ name }) => name === to);
  const found = item && (await look(item));
  if (found === undefined)
    return failure("ImageVersionGone", `Azure no longer has ${to}.`);
  if (found.provisioningState === "Deleting")
    return failure("ImageVersionGone", `${to} is being deleted.`);
  // Once nothing is left to be done, what Azure has decides.
  const deleted =
    left.length > 0 ? refusalBy(deletions.get(to), to) : undefined;
  if (deleted !== undefined) return failure(deleted.code, deleted.message);
  const target = afterSteps(left)(found);
  if (!isPromoted(target))
    return failure(
      "RollbackRefused",
      `${to} was excluded from latest by another request.`,
    );
  const usable = usableRegions(target);
  const missing = promisedIn(rollback).filter((name) => !usable.includes(name));
  return missing.length === 0
    ? undefined
    : failure(
        "RollbackRefused",
        `${to} is not ready, or excluded from latest, in ${missing.join(", ")}.`,
      );
}

/** Why the target, which is usable where it was to become the latest, is not the latest there. */
export function notTheLatest(
  rollback: RollbackRecord,
  { inRegion }: Latest,
): OperationFailure | undefined {
  const { to } = rollback;
  const others = promisedIn(rollback).filter(
    (name) => inRegion.get(name) !== to,
  );
  return others.length === 0
    ? undefined
    : failure(
        "Superseded",
        `${to} is not the latest in ${others.join(", ")}: another request has published or promoted a higher version meanwhile.`,
      );
}

/** The regions that have no latest once the steps are done, and all that others have asked. */
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

/** Why the steps that are left are not taken: regions would have no latest of which that was not planned. */
export async function lostLatest(
  survey: Survey,
  { regions }: RollbackRecord,
  left: readonly RollbackStep[],
): Promise<OperationFailure | undefined> {
  const planned = regions.flatMap(({ name, to }) =>
    to === undefined ? [name] : [],
  );
  const lost = (await lostBy(survey, left))
    .map(({ region }) => region)
    .filter((name) => !planned.includes(name));
  return lost.length === 0
    ? undefined
    : failure(
        "RegionWouldLoseLatest",
        `No version would be the latest in ${lost.join(", ")}.`,
      );
}

/** As a rollback tells them. */
export function regionsOf(
  changes: readonly LatestChange[],
): RollbackRecord["regions"] {
  return changes.map(({ region: name, ...change }) => ({ name, ...change }));
}

/** Regions in which the target was to become the latest. */
function promisedIn({ to, regions }: RollbackRecord): readonly string[] {
  return regions.flatMap((region) => (region.to === to ? [region.name] : []));
}

/** The rollback with what is the latest now, in place of what was planned. */
export function withLatest(
  rollback: RollbackRecord,
  latest: Latest,
): RollbackRecord {
  const before = rollback.regions.flatMap(({ name, from }) =>
    from === undefined ? [] : [[name, from] as const],
  );
  const changes = latestBetween({ inRegion: new Map(before) }, latest);
  return { ...rollback, regions: regionsOf(changes) };
}

/** For people: "The latest is now 1.0.0 in eastus2, westus; none in japaneast." */
export function describeLatest({
  regions,
}: Pick<RollbackRecord, "regions">): string {
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

function failure(code: ErrorCode, message: string): OperationFailure {
  return { code, message, errors: [] };
}
