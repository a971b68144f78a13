/**
 * Accepts the result of a test that others ran. Invariants:
 *  1. A result counts for one life of a version: the one that Azure has when it is reported. It
 *     must have been found after that life was published.
 *  2. Every result is stored. For each reporter, test and region the latest one counts, in whatever
 *     order and however often they are reported (results.ts). A time slightly in the future becomes
 *     the time of the report, so it cannot hide a later result.
 *  3. Each accepted report is published as an event after it is stored, and again if it is reported
 *     again.
 */
import { ServiceError, type Finding } from "../errors.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { keyedEvent } from "../events/operation-event.js";
import { regionsOf, type LastShown } from "../image-version/index.js";
import { omit } from "../objects.js";
import type { EventReference, Requester } from "../operation/records.js";
import { canonicalRegion, formatImageVersionId, type ImageVersionId } from "../resource-id.js";
import type { TestResultReport } from "./contract.js";
import type { StoredTestResult, TestResultDependencies } from "./ports.js";
import { counting, isSame, type TestResult } from "./results.js";

export interface ReportTestResult {
  readonly id: ImageVersionId;
  /** Valid by its schema. */
  readonly report: TestResultReport;
  /** When it was found, if the report has no time of its own; absent: now. */
  readonly time?: string;
  /** The life of the version that was tested; absent: the one that Azure has now. */
  readonly life?: string;
  /** When the work that found it began; absent: unknown. RFC 3339. */
  readonly begunTime?: string;
  readonly reportedBy: Requester;
  readonly traceparent: string;
  /** The version it belongs to; absent: read from Azure. */
  readonly of?: LastShown;
  /** The message that reported it. */
  readonly request?: EventReference;
}

/** How far a reporter's clock may be ahead. */
const TOLERANCE_MS = 5 * 60_000;

/**
 * Returns the reporter's result that counts: this one, or a later one. Throws ServiceError NotFound
 * if Azure has no such version, and InvalidRequest.
 */
export async function reportTestResult(
  deps: TestResultDependencies,
  command: ReportTestResult,
): Promise<TestResult> {
  const { id, report, reportedBy, request } = command;
  const versionId = formatImageVersionId(id);
  const observed = command.of ?? (await deps.resourceManager.getImageVersion(id));
  if (observed?.publishedDate === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure does not show ${versionId} as published, so it cannot have a test result.`,
    );
  const given: StoredTestResult = {
    versionId,
    life: observed.publishedDate,
    name: report.name,
    region: canonicalRegion(report.region),
    result: report.result,
    time: timeOf(report.time ?? command.time, deps.now()),
    ...(report.link !== undefined && { link: report.link }),
    ...(report.message !== undefined && { message: report.message }),
    reportedBy,
    ...(command.begunTime !== undefined && { begunTime: command.begunTime }),
  };
  const regions = regionsOf(observed.resource);
  const findings = findingsOf(given, regions, deps.now(), command.life);
  if (findings.length > 0)
    throw new ServiceError("InvalidRequest", "The result cannot belong to this version.", {
      findings,
    });
  await deps.beforeResult?.(versionId);
  await deps.results.add(given);
  const counts = await countingBeside(deps, given);
  await tell(deps, given, counts !== given, command.traceparent, request);
  await deps.onResult?.(versionId, command.traceparent);
  return resultOf(counts);
}

/** When it was found; RFC 3339. Invariant 2. */
function timeOf(found: string | undefined, now: Date): string {
  const aheadMs = Date.parse(found ?? "") - now.getTime();
  return found === undefined || (aheadMs > 0 && aheadMs <= TOLERANCE_MS)
    ? now.toISOString()
    : new Date(found).toISOString();
}

function findingsOf(
  { region, time, life }: StoredTestResult,
  regions: readonly string[],
  now: Date,
  tested = life,
): readonly Finding[] {
  const findings: Finding[] = [];
  if (!regions.includes(region))
    findings.push({
      code: "RegionNotInVersion",
      pointer: "/region",
      message: `The version is not in ${region}. It is in ${regions.join(", ")}.`,
    });
  if (Date.parse(time) > now.getTime() + TOLERANCE_MS)
    findings.push({
      code: "NotInRange",
      pointer: "/time",
      message: `${time} is in the future.`,
    });
  // Invariant 1.
  if (Date.parse(time) < Date.parse(life) || tested !== life)
    findings.push({
      code: "ResultOfEarlierVersion",
      pointer: "/time",
      message: `${time} is before the version was published, ${life}, so it belongs to another version under the same number.`,
    });
  return findings;
}

/** The reporter's result that counts, given this one. Invariant 2. */
async function countingBeside(
  { results }: TestResultDependencies,
  given: StoredTestResult,
): Promise<StoredTestResult> {
  const own = (await results.list(given.versionId)).filter(
    ({ life, name, region, reportedBy }) =>
      life === given.life &&
      name === given.name &&
      region === given.region &&
      isSame(reportedBy, given.reportedBy),
  );
  const [counts = given] = counting(own);
  return counts.time === given.time && counts.result === given.result ? given : counts;
}

/** Invariant 3. The event's id is a digest of the fact, so sending it twice is harmless. */
async function tell(
  deps: TestResultDependencies,
  given: StoredTestResult,
  superseded: boolean,
  traceparent: string,
  request: EventReference | undefined,
): Promise<void> {
  const { versionId, life } = given;
  const result = resultOf(given);
  await deps.events.publish([
    keyedEvent(
      {
        source: deps.eventSource,
        subject: versionId,
        time: deps.now().toISOString(),
        traceparent,
      },
      IMAGE_VERSION_EVENT.testResultReported,
      "test-result",
      [versionId.toLowerCase(), life, result, request],
      { ...(request !== undefined && { request }), ...result, superseded },
    ),
  ]);
}

function resultOf(result: StoredTestResult): TestResult {
  return omit(result, "versionId", "life", "begunTime");
}
