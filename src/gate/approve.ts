/** A person's word that a version passes its gate all the same: kept among its test results, with the reason. */
import { ServiceError } from "../errors.js";
import { regionsOf } from "../image-version/index.js";
import type { Requester } from "../operation/records.js";
import {
  canonicalRegion,
  formatImageVersionId,
  type ImageVersionId,
} from "../resource-id.js";
import type { TestResultDependencies } from "../test-results/ports.js";
import { reportTestResult } from "../test-results/report.js";
import { APPROVAL, type TestResult } from "../test-results/results.js";

export interface ApproveImageVersion {
  readonly id: ImageVersionId;
  readonly reason: string;
  /** In any spelling; absent: each of the version's. */
  readonly regions?: readonly string[];
  readonly approvedBy: Requester;
  readonly traceparent: string;
}

/** Throws ServiceError NotFound where Azure has no such version, and InvalidRequest. */
export async function approveImageVersion(
  deps: TestResultDependencies,
  { id, reason, regions, approvedBy, traceparent }: ApproveImageVersion,
): Promise<readonly TestResult[]> {
  const shown = await deps.resourceManager.getImageVersion(id);
  if (shown === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure has no ${formatImageVersionId(id)}.`,
    );
  const there = regionsOf(shown.resource);
  const asked = regions?.map(canonicalRegion) ?? there;
  const unknown = asked.flatMap((region, i) =>
    there.includes(region)
      ? []
      : [
          {
            code: "RegionNotInVersion",
            pointer: `/regions/${i}`,
            message: `The version is not in "${region}". It is in ${there.join(", ")}.`,
          },
        ],
  );
  if (unknown.length > 0)
    throw new ServiceError(
      "InvalidRequest",
      "The version cannot be approved in these regions; each is listed under errors.",
      { findings: unknown },
    );
  const approvals: TestResult[] = [];
  for (const region of asked)
    approvals.push(
      await reportTestResult(deps, {
        id,
        report: { name: APPROVAL, region, result: "passed", message: reason },
        reportedBy: approvedBy,
        traceparent,
      }),
    );
  return approvals;
}
