/**
 * The short way for a poll that shows what the last one has shown, and by which nothing falls due:
 * most polls are such. It gives exactly what the long way gives (quiet.test.ts). Pure.
 */
import { isDeepStrictEqual } from "node:util";
import type { RegionRecord } from "../../operation/records.js";
import { isBusy, type Look } from "../resources.js";
import { awaited, expected, isOpen, type FollowTime } from "./follow.js";
import type { Outcome } from "./happened.js";
import { beginPacing, paced } from "./pace.js";
import { BUSY } from "./reconcile.js";
import type { ImageVersionRecord, VersionRequest } from "./record.js";
import { isToStall } from "./regions.js";

/** Whether the version is only followed, whatever asks for it. */
export function isQuiet(
  record: ImageVersionRecord,
  look: Look | undefined,
  time: FollowTime,
): look is Look {
  const { status, write, unconfirmed, window, publishedDate, repairs, regions } = record;
  const requests = Object.values(record.requests);
  return (
    record.state === "Replicating" &&
    look !== undefined &&
    look.provisioningState !== "Failed" &&
    look.publishedDate === publishedDate &&
    (write ?? unconfirmed ?? window) === undefined &&
    isDeepStrictEqual({ ...status, time: "" }, { ...look, time: "" }) &&
    Object.values(repairs).every(({ removed, refused, lost }) => !(removed ?? refused ?? lost)) &&
    requests.length > 0 &&
    requests.every((request) => isWaiting(request, record)) &&
    regions.every((region) => isUndisturbed(region, look, time))
  );
}

/** Whether the request is applied to this life, and waits for a region's copy alone. */
function isWaiting(
  { appliedTime, ending, deletion, life, restores, regions: names = [] }: VersionRequest,
  { publishedDate, regions }: ImageVersionRecord,
): boolean {
  return (
    appliedTime !== undefined &&
    (ending ?? deletion ?? restores) === undefined &&
    (life ?? publishedDate) === publishedDate &&
    regions.some((region) => names.includes(region.name) && isOpen(region))
  );
}

/** Whether the look shows the region as it is known, and no time is up. */
function isUndisturbed(region: RegionRecord, look: Look, time: FollowTime): boolean {
  const { name, state, progress, details, unconfirmed, recopying, nextAttemptTime, waitReason } =
    region;
  const seen = look.regions.find((one) => one.name === name);
  return (
    seen?.state === state &&
    seen.progress === progress &&
    seen.details === details &&
    region.attempts > 0 &&
    (isOpen(region) ||
      (state === "Completed" && progress === 100 && region.completedTime !== undefined)) &&
    (unconfirmed ?? recopying ?? nextAttemptTime ?? waitReason) === undefined &&
    !isToStall(region, state, time)
  );
}

/** Follows the version until the next poll. */
export function pollAgain(record: ImageVersionRecord, look: Look, time: FollowTime): Outcome {
  const { regions, ticks, pacing = beginPacing(undefined, time) } = record;
  const next = paced(pacing, regions, time, time.budget);
  const isGettingOn = regions.some((one) => isOpen(one) && one.stalledTime === undefined);
  return {
    record: {
      ...record,
      status: look,
      ticks: ticks + 1,
      pacing: next.pacing,
      regions: expected(regions, next, time.now),
    },
    happened: [],
    waits: isBusy(look) ? BUSY : awaited(record, { kind: "none" }),
    ...(isGettingOn && { resumes: true }),
    waitMs: Math.max(1_000, next.waitMs),
  };
}
