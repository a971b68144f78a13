/** Where a canceled creation leaves the version in latest; checked right before the write. */
import { ServiceError } from "../../errors.js";
import type { ImageVersionId } from "../../resource-id.js";
import { latestIn } from "../latest/flags.js";
import type { Dependencies } from "../ports.js";
import {
  keptFindings,
  latestFindings,
  lostAtLast,
  sparedAtLast,
  type LatestTaking,
} from "../preflight/latest.js";
import type { Put } from "../state/reconcile.js";
import type { ImageVersionRecord } from "../state/record.js";
import { latestSparing, leavesLatest, type Spared } from "../state/sparing.js";

/**
 * Undefined if the write is for no canceled creation. Throws what the reads throw, so that the step
 * is repeated: a cancel is never refused.
 */
export async function sparedByCancel(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  { sentFor }: Put,
): Promise<Spared | undefined> {
  const { status, requests } = record;
  const canceled = Object.entries(requests).filter(
    ([one, request]) => sentFor.includes(one) && leavesLatest(request),
  );
  if (status === undefined || canceled.length === 0) return undefined;
  const ids = canceled.map(([one]) => one);
  const taking: LatestTaking = {
    id,
    before: latestIn(status.resource),
    after: latestSparing(record, sentFor, []),
  };
  if (canceled.some(([, { allowNoLatest }]) => allowNoLatest === true)) {
    const lost = await lostAtLast(deps, taking, { allowNoLatest: true });
    return { ids, regions: [], findings: latestFindings(lost ?? [], true) };
  }
  const lost = await sparedAtLast(deps, taking).catch((error: unknown) => {
    throw askedAgain(error, deps);
  });
  const regions = lost.map(({ region }) => region);
  const stays = latestSparing(record, sentFor, regions);
  // Regions that a later request removes in the same write are checked for that request.
  const kept = lost.filter(({ region }) => stays.includes(region));
  return {
    ids,
    regions: kept.map(({ region }) => region),
    findings: keptFindings(kept),
  };
}

function askedAgain(error: unknown, { pace }: Dependencies): unknown {
  if (!(error instanceof ServiceError) || error.retryAfterMs !== undefined) return error;
  const { code, message, findings, fields } = error;
  return new ServiceError(code, message, {
    cause: error,
    findings,
    fields,
    retryAfterMs: pace.pollMaxMs,
  });
}
