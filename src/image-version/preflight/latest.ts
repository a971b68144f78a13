/**
 * No region loses its latest unnamed: what takes a version out of latest says what is the latest then, and is refused where that is
 * nothing, unless the request says that it may be.
 */
import { ServiceError, type Finding } from "../../errors.js";
import {
  formatImageVersionId,
  imageIdOf,
  type ImageVersionId,
} from "../../resource-id.js";
import { withLatest } from "../latest/flags.js";
import {
  latestBetween,
  lostOf,
  type LatestChange,
} from "../latest/latest-after.js";
import type { Dependencies } from "../ports.js";
import type { Look } from "../resources.js";
import { surveyedLatest, surveyOf } from "../queries/survey.js";
import type { RuleFinding } from "../rules/rule.js";
import { latestToBe } from "../state/fold.js";
import type { ImageVersionRecord, VersionRequest } from "../state/record.js";

/** Canonical regions that have the version in latest, before and after. */
interface LatestTaking {
  readonly id: ImageVersionId;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** What the request says: a region may be left without a latest. */
export interface NoLatest {
  readonly allowNoLatest?: boolean;
}

/** What a request makes of the version, once all that was asked before is done. */
export function takingOf(
  id: ImageVersionId,
  { resource }: Pick<Look, "resource">,
  record: ImageVersionRecord | undefined,
  request: VersionRequest,
): LatestTaking {
  return {
    id,
    before: latestToBe(record, resource),
    after: latestToBe(record, resource, [request]),
  };
}

/**
 * The regions whose latest is another one then. What open operations of the image definition ask counts as done. Throws what the
 * reads throw.
 */
export async function latestAfter(
  deps: Dependencies,
  { id, before, after }: LatestTaking,
): Promise<readonly LatestChange[]> {
  if (before.every((region) => after.includes(region))) return [];
  const survey = await surveyOf(deps, imageIdOf(id));
  const [now, then] = await Promise.all(
    [before, after].map((included) =>
      surveyedLatest(survey, (one) =>
        one.name === id.versionName
          ? { ...one, resource: withLatest(one.resource, included) }
          : survey.toBe(one),
      ),
    ),
  );
  return now === undefined || then === undefined
    ? []
    : latestBetween(now, then).filter(({ from, to }) => from !== to);
}

/** Throws ServiceError RegionWouldLoseLatest; answers what is to be told of regions that have another latest then. */
export async function mustKeepLatest(
  deps: Dependencies,
  taking: LatestTaking,
  { allowNoLatest = false }: NoLatest,
): Promise<readonly Finding[]> {
  let changes: readonly LatestChange[] = [];
  try {
    changes = await latestAfter(deps, taking);
  } catch (error) {
    // Who allows it is held up by nothing that cannot be read.
    if (!allowNoLatest || !(error instanceof ServiceError)) throw error;
  }
  const lost = lostOf(changes);
  if (lost.length > 0 && !allowNoLatest)
    throw wouldLoseLatest(formatImageVersionId(taking.id), lost);
  return latestFindings(changes, allowNoLatest);
}

/** Canonical regions where a rule leaves the version. Throws ServiceError RegionWouldLoseLatest where that is each of them. */
export async function sparedBy(
  deps: Dependencies,
  taking: LatestTaking,
): Promise<readonly string[]> {
  const lost = lostOf(await latestAfter(deps, taking));
  const spared = lost.map(({ region }) => region);
  if (lost.length > 0 && taking.before.every((name) => spared.includes(name)))
    throw wouldLoseLatest(formatImageVersionId(taking.id), lost);
  return spared;
}

/** `what` takes it from them: a version, or what a rollback demotes. */
export function wouldLoseLatest(
  what: string,
  lost: readonly LatestChange[],
): ServiceError {
  return new ServiceError(
    "RegionWouldLoseLatest",
    `Without ${what} there would be no latest version in ${lost.map(({ region }) => region).join(", ")}: a machine made there without a version number could not be made.`,
    {
      findings: latestFindings(lost, false),
      fields: { latestChanges: lost.map((change) => ({ ...change })) },
    },
  );
}

/** The regions that would have no latest are an error, unless the request allows it. */
export function latestFindings(
  changes: readonly LatestChange[],
  allowNoLatest: boolean,
): readonly RuleFinding[] {
  return changes.flatMap(({ region, from, to }): RuleFinding[] =>
    from === undefined
      ? []
      : [
          to === undefined
            ? {
                rule: "latest",
                code: "RegionWouldLoseLatest",
                pointer: "",
                message: `In ${region} no version is the latest then: ${from} is, and no other one that is ready there is in latest.`,
                severity: allowNoLatest ? "warning" : "error",
                remediation:
                  "Promote another version that is ready there, or say allowNoLatest=true.",
              }
            : {
                rule: "latest",
                code: "LatestChanges",
                pointer: "",
                message: `In ${region} the latest is ${to} then, in place of ${from}.`,
                severity: "warning",
                remediation:
                  "If it shall be another one, promote that first (POST …/promote).",
              },
        ],
  );
}
