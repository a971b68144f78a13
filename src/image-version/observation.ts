/** What a look at the version in ARM makes of it: the transitions of the replication phase (see transitions.ts). */
import type { Finding } from "../errors.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { advance, event, type Moment } from "../operation/advance.js";
import { fail, outcomes } from "../operation/failing.js";
import { pollDelayMs, wait } from "../operation/waiting.js";
import { targetRegionsOf } from "./canonical-form.js";
import { encryptionOf } from "./encryption.js";
import type { ObservedImageVersion } from "./ports.js";
import type {
  Effect,
  OperationFailure,
  RegionRecord,
} from "../operation/records.js";
import type { ImageVersionRecord } from "./records.js";
import { observeRegions } from "./regions.js";
import { repairable } from "./repair.js";
import type { ImageVersionPair } from "./transitions.js";

/** Consecutive 404s of a version that ARM had accepted, after which it is taken for gone. */
const ABSENCES_BEFORE_GONE = 10;

/** ARM answered 404 for a version it had accepted: normal for a while after the PUT, final when it persists. */
export function observeAbsence(
  pair: ImageVersionPair,
  moment: Moment,
): ImageVersionPair {
  const absences = pair.record.absences + 1;
  if (absences < ABSENCES_BEFORE_GONE) {
    const waiting = wait(
      pair,
      "Azure Resource Manager does not show the version yet.",
      0,
      moment,
    );
    return { ...waiting, record: { ...waiting.record, absences } };
  }
  return fail(
    pair,
    {
      code: "NotFound",
      message: `Azure Resource Manager accepted the version, then answered ${absences} times in a row that it does not exist: it was deleted, or never made. Send the request again to create it.`,
      errors: [],
    },
    moment,
  );
}

/** The regions as a look shows them, and what is to be told of them. Seen again, they tell nothing. */
export function seeRegions(
  pair: ImageVersionPair,
  observed: ObservedImageVersion,
  failure: { code: string; message: string } | undefined,
  moment: Moment,
): ImageVersionPair {
  const changes = observeRegions(pair.record, observed, failure, moment);
  const regions = changes.map((change) => change.region);
  const seen: ImageVersionPair = {
    record: { ...pair.record, regions, absences: 0 },
    operation: pair.operation,
  };
  const effects = changes.flatMap(({ region, happened }): Effect[] => {
    switch (happened) {
      case "completed":
        return [
          event(
            seen,
            moment,
            IMAGE_VERSION_EVENT.regionCompleted,
            `${region.name}/completed`,
            {
              region: region.name,
              regionalReplicaCount: targetRegionsOf(seen.record.request).find(
                (r) => r.name === region.name,
              )?.regionalReplicaCount,
              encryption: encryptionOf(seen.record, region.name),
            },
          ),
        ];
      case "failed":
        return [
          event(
            seen,
            moment,
            IMAGE_VERSION_EVENT.regionFailed,
            `${region.name}/failed/${region.attempts}`,
            {
              region: region.name,
              details: region.details,
            },
          ),
        ];
      case "progressed":
        return [
          event(
            seen,
            moment,
            IMAGE_VERSION_EVENT.regionReplicating,
            `${region.name}/replicating/${region.attempts > 1 ? `${region.attempts}/` : ""}${region.progress}`,
            {
              region: region.name,
              progress: region.progress,
            },
          ),
        ];
      case "stalled":
        return [
          event(
            seen,
            moment,
            IMAGE_VERSION_EVENT.regionStalled,
            `${region.name}/stalled/${region.attempts}/${region.lastProgressTime}`,
            {
              region: region.name,
              progress: region.progress,
              lastProgressTime: region.lastProgressTime,
            },
          ),
        ];
      case "nothing":
        return [];
    }
  });
  const resumed = changes
    .filter((change) => change.resumed)
    .map(({ region }) =>
      event(
        seen,
        moment,
        IMAGE_VERSION_EVENT.regionResumed,
        `${region.name}/resumed/${region.attempts}/${region.lastProgressTime}`,
        { region: region.name, progress: region.progress },
      ),
    );

  return {
    ...seen,
    record: {
      ...seen.record,
      outbox: [...seen.record.outbox, ...resumed, ...effects],
    },
  };
}

/** One look at the version in ARM. `failure` says why ARM gave it up, where its provisioning state is Failed. */
export function observe(
  before: ImageVersionPair,
  observed: ObservedImageVersion,
  failure: { code: string; message: string } | undefined,
  moment: Moment,
): ImageVersionPair {
  const seen = seeRegions(before, observed, failure, moment);
  const { record } = seen;
  const { regions } = record;
  const failed = regions.filter((region) => region.state === "Failed");
  const completed = regions.filter((region) => region.state === "Completed");
  if (
    completed.length === regions.length &&
    observed.provisioningState === "Succeeded" &&
    record.repairing.length === 0
  ) {
    return advance(seen, moment, {
      patch: { state: "Succeeded" },
      message: `The version is usable in ${regions.map((region) => region.name).join(", ")}.`,
      effects: [
        ...record.removing.regions.map((region) =>
          event(
            seen,
            moment,
            IMAGE_VERSION_EVENT.regionRemoved,
            `${region}/removed`,
            { region },
          ),
        ),
        event(seen, moment, IMAGE_VERSION_EVENT.completed, "completed", {
          regions: outcomes(regions),
        }),
      ],
    });
  }
  // ARM may give the version up though each of its regions has its copy: nothing would ever come after that.
  const ended = failed.length > 0 || observed.provisioningState === "Failed";
  if (
    ended &&
    failed.length + completed.length === regions.length &&
    record.repairing.length === 0 &&
    repairable(record, moment).length === 0
  ) {
    return fail(seen, replicationFailure(record, failed, failure), moment);
  }
  return advance(seen, moment, {
    patch: { ticks: record.ticks + 1 },
    waitMs: pollDelayMs(record.ticks + 1, moment.pace),
  });
}

function replicationFailure(
  version: ImageVersionRecord,
  failed: readonly RegionRecord[],
  failure: { code: string; message: string } | undefined,
): OperationFailure {
  const names = targetRegionsOf(version.request).map((region) => region.name);
  const errors = failed.map((region): Finding => ({
    code: failure?.code ?? "RegionFailed",
    pointer: `/properties/publishingProfile/targetRegions/${names.indexOf(region.name)}`,
    message: `Replication to ${region.name} failed: ${region.details ?? failure?.message ?? "Azure gave no reason"}`,
  }));
  if (failed.length === 0 && failure !== undefined)
    errors.push({ code: failure.code, pointer: "", message: failure.message });
  return {
    code: "ReplicationFailed",
    message: `${failed.length === 0 ? "Every region has its copy, but the version's provisioning state is Failed." : `The version is not usable in ${failed.map((region) => region.name).join(", ")}.`}${failure === undefined ? "" : ` Azure Resource Manager says: ${failure.message}`}`,
    errors,
  };
}
