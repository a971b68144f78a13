/**
 * A person's approval of a version despite its gate, stored among its test results with the reason.
 */
import { ServiceError } from "../errors.js";
import {
  deletedVersion,
  lastShown,
  regionsOf,
  type Dependencies,
  type ImageVersionRecord,
  type LastShown,
} from "../image-version/index.js";
import { samePerson, type Requester } from "../operation/records.js";
import {
  canonicalRegion,
  formatImageVersionId,
  keyOf,
  type ImageVersionId,
} from "../resource-id.js";
import type { TestResultDependencies } from "../test-results/ports.js";
import { reportTestResult } from "../test-results/report.js";
import { APPROVAL, type TestResult } from "../test-results/results.js";

export interface ApproveImageVersion {
  readonly id: ImageVersionId;
  readonly reason: string;
  /** In any spelling; absent: every region of the version. */
  readonly regions?: readonly string[];
  readonly approvedBy: Requester;
  readonly traceparent: string;
}

interface ApprovalDependencies extends TestResultDependencies {
  readonly resourceManager: Pick<
    Dependencies["resourceManager"],
    "getImageVersion" | "listDeletedVersions"
  >;
  readonly store: Pick<Dependencies["store"], "readRecord">;
}

export interface Approval {
  readonly results: readonly TestResult[];
  /**
   * True if the publisher is unknown: the version was created outside Sigil, or by a message, whose
   * source proves no identity.
   */
  readonly isPublisherUnknown: boolean;
}

/**
 * Throws ServiceError Forbidden for a publisher of the version; NotFound if Azure neither shows the
 * version nor can restore one that Sigil has seen; InvalidRequest. An approval of a deleted version
 * counts once the same life is restored.
 */
export async function approveImageVersion(
  deps: ApprovalDependencies,
  { id, reason, regions, approvedBy, traceparent }: ApproveImageVersion,
): Promise<Approval> {
  const shown = (await deps.resourceManager.getImageVersion(id)) ?? (await restorable(deps, id));
  const publishers = publishersOf(
    await deps.store.readRecord(keyOf(formatImageVersionId(id))),
    shown,
  );
  if (publishers.some((one) => samePerson(one, approvedBy)))
    throw new ServiceError(
      "Forbidden",
      "You published this version, so you cannot approve it. Ask a colleague with the role ImageVersions.Approve.",
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
      "The version cannot be approved in these regions; each reason is listed under errors.",
      { findings: unknown },
    );
  const approvals: TestResult[] = [];
  for (const region of asked)
    approvals.push(
      await reportTestResult(deps, {
        id,
        report: { name: APPROVAL, region, result: "passed", message: reason },
        reportedBy: approvedBy,
        of: shown,
        traceparent,
      }),
    );
  return { results: approvals, isPublisherUnknown: !publishers.some(isProven) };
}

/** The publishers of this life. Before the first look, those of the open creation. */
function publishersOf(
  record: ImageVersionRecord | undefined,
  shown: Pick<LastShown, "publishedDate">,
): readonly Requester[] {
  const { publishedBy = [], publishedDate, write } = record ?? {};
  return write?.creates === true || publishedDate === shown.publishedDate ? publishedBy : [];
}

function isProven({ appId, objectId }: Requester): boolean {
  return appId !== undefined || objectId !== undefined;
}

/** The deleted version as Azure last showed it. Throws ServiceError NotFound. */
async function restorable(
  { resourceManager, store }: ApprovalDependencies,
  id: ImageVersionId,
): Promise<LastShown> {
  const resourceId = formatImageVersionId(id);
  const deleted = await deletedVersion({ resourceManager }, id);
  if (deleted === undefined) throw new ServiceError("NotFound", `Azure has no ${resourceId}.`);
  const shown = lastShown(await store.readRecord(keyOf(resourceId)));
  if (shown === undefined)
    throw new ServiceError(
      "NotFound",
      `${resourceId} is deleted in Azure, and Sigil never saw its regions. Restore it in the Azure portal, exclude it from latest there, then approve it.`,
    );
  return shown;
}
