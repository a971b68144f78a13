/**
 * Plans a rollback of an image definition: what it would change, by the versions that Azure has,
 * whoever created them.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { isPromoted, latestBetween, type Latest } from "../latest/latest-after.js";
import type { Dependencies } from "../ports.js";
import { wouldLoseLatest, type NoLatest } from "../preflight/latest.js";
import { findingOf } from "../preflight/objections.js";
import { isBusy, type ListedImageVersion } from "../resources.js";
import { otherLatest, updating } from "../state/updating.js";
import { compareVersionNumbers } from "../../version-numbers.js";
import type { RollbackStep, RollbackRecord } from "../rollback-record.js";
import { surveyedLatest, type Survey } from "../queries/survey.js";
import { objectionsToTarget, refusalBy } from "./target.js";
import { afterSteps, lostBy, regionsOf } from "./verdict.js";

export interface RollbackPlan {
  readonly rollback: RollbackRecord;
  readonly steps: readonly RollbackStep[];
  /** Findings about what may undo it. */
  readonly warnings: readonly Finding[];
}

/**
 * The steps to a version, the latest versions afterwards, and the regions where it should be the
 * latest and is not.
 */
interface Way {
  readonly steps: readonly RollbackStep[];
  readonly after: Latest;
  readonly missing: readonly string[];
}

/**
 * Throws ServiceError NotFound if Azure has no such image definition or version; RollbackRefused,
 * with every reason, if the rollback would have no effect, or if its target is not ready where the
 * latest is, or is to be deleted.
 */
export async function planRollbackOf(
  deps: Pick<Dependencies, "objections">,
  survey: Survey,
  imageId: string,
  { to, allowNoLatest = false }: NoLatest & { readonly to?: string | undefined },
): Promise<RollbackPlan> {
  if (!survey.exists)
    throw new ServiceError("NotFound", `Azure has no image definition ${imageId}.`);
  const before = await surveyedLatest(survey);
  const from = before.version;
  if (from === undefined)
    throw refused(
      [
        `No version of ${imageId} is ready and included in latest: there is nothing to roll back.`,
        ...[...survey.excludedForNow].map(
          (name) =>
            `${name} returns to latest if its deletion fails. Demote it as well, and promote another.`,
        ),
      ].join(" "),
    );
  // The highest version that is ready anywhere is the latest wherever it is.
  const needed = [...before.inRegion].filter(([, name]) => name === from).map(([region]) => region);
  const objectionsTo = async (target: ListedImageVersion): Promise<readonly Finding[]> =>
    (await objectionsToTarget(deps, imageId, target)).map((one) => ({
      ...findingOf(one, "error"),
      pointer: "/to",
    }));
  const wayTo = async (target: ListedImageVersion): Promise<Way> => {
    const steps = stepsTo(target, from, survey);
    const after = await surveyedLatest(survey, afterSteps(steps));
    const missing = needed.filter((region) => after.inRegion.get(region) !== target.name);
    return { steps, after, missing };
  };
  const target =
    to === undefined
      ? await newestOf(
          survey,
          from,
          async (one) =>
            (await wayTo(one)).missing.length === 0 && (await objectionsTo(one)).length === 0,
        )
      : survey.listed.find(({ name }) => name === to);
  if (target === undefined)
    throw to === undefined
      ? refused(
          [
            `No other version of ${imageId} is included in latest and ready in ${needed.join(", ")}, where ${from} is the latest. Name one as \`to\`.`,
            ...[...survey.deletions].map(
              ([name, { id }]) => `${name} is being deleted by operation ${id}.`,
            ),
          ].join(" "),
        )
      : new ServiceError("NotFound", `Azure has no version ${to} of ${imageId}.`);
  const deleted = refusalBy(survey.deletions.get(target.name), target.name);
  if (deleted !== undefined) throw deleted;
  const isAbove = (name: string): boolean => compareVersionNumbers(name, target.name) > 0;
  const back = [...survey.excludedForNow].filter(isAbove).sort(compareVersionNumbers);
  const awaiting = [...survey.awaiting]
    .filter(([name]) => isAbove(name))
    .sort(([a], [b]) => compareVersionNumbers(a, b));
  if (target.name === from && back.length === 0)
    throw refused(
      [
        `${from} already is the latest, so there is nothing to roll back.`,
        ...awaiting.map(
          ([name, until]) =>
            `${name} becomes the latest instead as soon as ${until}. To prevent that, demote it (POST …/demote).`,
        ),
      ].join(" "),
    );
  const way = await wayTo(target);
  const { steps, after } = way;
  const findings = [
    ...(await reasonsAgainst(survey, imageId, target, way)),
    ...(await objectionsTo(target)),
  ];
  if (findings.length > 0)
    throw refused(
      `${imageId} cannot be rolled back to ${target.name}; the reasons are listed under errors.`,
      findings,
    );
  const lost = await lostBy(survey, steps);
  if (lost.length > 0 && !allowNoLatest)
    throw wouldLoseLatest(`what the rollback to ${target.name} demotes`, lost);
  return {
    rollback: {
      from,
      to: target.name,
      regions: regionsOf(latestBetween(before, after)),
    },
    steps,
    warnings: [
      ...back.map((name) =>
        pending(
          `${name} is excluded from latest while its deletion waits, and would return if the deletion failed. It is demoted as well.`,
        ),
      ),
      ...awaiting.map(([name, until]) => ({
        ...pending(`${name} becomes the latest instead of ${target.name} as soon as ${until}.`),
        remediation: `To prevent that, cancel the operation, or demote ${name}.`,
      })),
    ],
  };
}

function pending(message: string): Finding {
  return {
    code: "PromotionPending",
    pointer: "",
    message,
    severity: "warning",
  };
}

function stepsTo(
  target: ListedImageVersion,
  from: string,
  { listed, excludedForNow, deletions }: Survey,
): readonly RollbackStep[] {
  const above = listed
    .filter(
      (one) =>
        (isPromoted(one) || excludedForNow.has(one.name)) &&
        compareVersionNumbers(one.name, target.name) > 0,
    )
    .map(({ name }) => name)
    // The present latest last, so that no version between the two becomes the latest.
    .sort((a, b) => Number(a === from) - Number(b === from) || compareVersionNumbers(a, b));
  return [
    // A version that its policy was to delete is included after the policy judged it again.
    ...(isPromoted(target) && !deletions.has(target.name)
      ? []
      : [{ versionName: target.name, does: "promote" as const }]),
    ...above.map((versionName) => ({ versionName, does: "demote" as const })),
  ];
}

/** The highest lower version that is in latest and in good state. */
async function newestOf(
  { listed, deletions }: Survey,
  from: string,
  isReady: (target: ListedImageVersion) => Promise<boolean>,
): Promise<ListedImageVersion | undefined> {
  const older = listed
    .filter(
      (one) =>
        isPromoted(one) && !deletions.has(one.name) && compareVersionNumbers(one.name, from) < 0,
    )
    .sort((a, b) => compareVersionNumbers(b.name, a.name));
  for (const one of older) if (await isReady(one)) return one;
  return undefined;
}

async function reasonsAgainst(
  survey: Survey,
  imageId: string,
  target: ListedImageVersion,
  { steps, missing }: Way,
): Promise<readonly Finding[]> {
  const { waves } = (await survey.look(target)) ?? {};
  // Azure changes nothing on a version while it works on it, so the rollback would wait for that.
  const busy = survey.listed.filter(
    (one) =>
      isBusy(one) &&
      !survey.excludedForNow.has(one.name) &&
      (one.name === target.name || steps.some(({ versionName }) => versionName === one.name)),
  );
  return [
    ...(missing.length > 0
      ? [
          {
            code: "RegionNotReady",
            pointer: "/to",
            message: `${target.name} is not ready, or excluded from latest, in ${missing.join(", ")}, where the present latest is ready. ${waves === undefined ? "Choose another version, or add the regions to it first." : "It is promoted in waves. Promote it (POST …/promote) once for each wave before you roll back to it, or choose another version."}`,
          },
        ]
      : []),
    ...busy.map((one) => ({
      code: "VersionBusy",
      pointer: "",
      message: `${updating(one.name, one, survey.records.get(one.name)?.regions ?? [])} Wait until Azure is done, or delete ${one.name}.`,
      remediation: otherLatest(imageId),
    })),
  ];
}

function refused(message: string, findings: readonly Finding[] = []): ServiceError {
  return new ServiceError("RollbackRefused", message, { findings });
}
