/** What a look at the version in ARM makes of it: the transitions of the replication phase (see transitions.ts). */
import type { Finding } from "../errors.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import {
  advance,
  event,
  events,
  regionsOf,
  type Ending,
} from "../operation/advance.js";
import type { Moment } from "../operation/ports.js";
import { fail, failure as failureOf, outcomes } from "../operation/failing.js";
import { pollDelayMs, wait } from "../operation/waiting.js";
import { targetRegionsOf } from "./canonical-form.js";
import { encryptionOf } from "./encryption.js";
import type { ObservedImageVersion } from "./ports.js";
import type {
  Effect,
  OperationFailure,
  OperationRecord,
  RegionRecord,
} from "../operation/records.js";
import type { ImageVersionRequest } from "./contract.js";
import type { ImageVersionPair } from "./records.js";
import { observeRegions } from "./regions.js";
import { repairable } from "./repair.js";

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
    const { name, progress, attempts } = region;
    switch (happened) {
      case "completed":
        return events(
          seen,
          moment,
          IMAGE_VERSION_EVENT.regionCompleted,
          `${name}/completed`,
          {
            region: name,
            regionalReplicaCount: replicaCountOf(seen.record.request, name),
            encryption: encryptionOf(seen.record, name),
          },
        );
      case "failed":
        return events(
          seen,
          moment,
          IMAGE_VERSION_EVENT.regionFailed,
          `${name}/failed/${attempts}`,
          {
            region: name,
            ...(region.details !== undefined && { details: region.details }),
          },
        );
      case "progressed":
        return events(
          seen,
          moment,
          IMAGE_VERSION_EVENT.regionReplicating,
          `${name}/replicating/${attempts > 1 ? `${attempts}/` : ""}${progress}`,
          { region: name, progress },
        );
      case "stalled":
        return events(
          seen,
          moment,
          IMAGE_VERSION_EVENT.regionStalled,
          `${name}/stalled/${attempts}/${region.lastProgressTime}`,
          {
            region: name,
            progress,
            ...(region.lastProgressTime !== undefined && {
              lastProgressTime: region.lastProgressTime,
            }),
          },
        );
      case "nothing":
        return [];
    }
  });
  const resumed = changes
    .filter((change) => change.resumed)
    .flatMap(({ region: { name, progress, attempts, lastProgressTime } }) =>
      events(
        seen,
        moment,
        IMAGE_VERSION_EVENT.regionResumed,
        `${name}/resumed/${attempts}/${lastProgressTime}`,
        { region: name, progress },
      ),
    );

  // What was told to nobody is still to be told, to whoever asks for the region later.
  const told = (name: string): boolean =>
    [seen.operation, ...seen.record.fellows].some((operation) =>
      operation.regions.some((region) => region.name === name),
    );
  return {
    ...seen,
    record: {
      ...seen.record,
      regions: changes.map(({ region, happened }) => {
        const { completedTime: _, ...untold } = region;
        return happened === "completed" && !told(region.name) ? untold : region;
      }),
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
      effects: record.removing.regions.map((region) =>
        event(
          seen.operation,
          moment,
          IMAGE_VERSION_EVENT.regionRemoved,
          `${region}/removed`,
          { region },
        ),
      ),
      ending: (operation) => success(operation, regions, moment),
    });
  }
  // ARM may give the version up though each of its regions has its copy: nothing would ever come after that.
  const ended = failed.length > 0 || observed.provisioningState === "Failed";
  const others = observed.regions.filter(
    ({ name }) => !regions.some((region) => region.name === name),
  );
  // A region that failed is not this operation's affair where the operation has not asked for it.
  const elsewhere = [...failed, ...others].some(
    ({ state }) => state === "Failed",
  );
  if (
    ended &&
    failed.length + completed.length === regions.length &&
    record.repairing.length === 0 &&
    repairable(record, moment).length === 0
  ) {
    return advance(seen, moment, {
      // ARM has the version as it was asked for: what comes next changes that.
      patch: { state: "Failed", base: undefined },
      ending: (operation) => {
        const own = regionsOf(operation, regions);
        const lost = own.filter((region) => region.state === "Failed");
        return lost.length === 0 && elsewhere
          ? success(operation, regions, moment)
          : failureOf(
              operation,
              replicationFailure(
                record.shares[operation.id] ?? record.request,
                lost,
                failure,
              ),
              regions,
              moment,
            );
      },
    });
  }
  return advance(seen, moment, {
    patch: { ticks: record.ticks + 1 },
    waitMs: pollDelayMs(record.ticks + 1, moment.pace),
  });
}

/** As it is asked for; a canonical request always says it. */
function replicaCountOf(request: ImageVersionRequest, region: string): number {
  return (
    targetRegionsOf(request).find(({ name }) => name === region)
      ?.regionalReplicaCount ?? 1
  );
}

/** How an operation ends all of whose regions are usable. */
function success(
  operation: OperationRecord,
  regions: readonly RegionRecord[],
  moment: Moment,
): Ending {
  const own = regionsOf(operation, regions);
  return {
    status: "Succeeded",
    message:
      own.length === 0
        ? "Azure shows the version as it was asked for."
        : `The version is usable in ${own.map((region) => region.name).join(", ")}.`,
    event: event(
      operation,
      moment,
      IMAGE_VERSION_EVENT.completed,
      "completed",
      {
        regions: outcomes(own),
      },
    ),
  };
}

function replicationFailure(
  request: ImageVersionRequest,
  failed: readonly RegionRecord[],
  failure: { code: string; message: string } | undefined,
): OperationFailure {
  const names = targetRegionsOf(request).map((region) => region.name);
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
