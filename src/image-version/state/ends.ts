/**
 * How operations go on and end by a fact, each in its own way. Pure. Invariants, beside those of applied.ts, failures.ts and decided.ts:
 *  1. An operation is Succeeded only if it is applied, and each of its regions is Completed.
 */
import type { Finding } from "../../errors.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { event, regionsOf, type Ending } from "../../operation/advance.js";
import { failure as failed, outcomes } from "../../operation/failing.js";
import type { TransitionContext } from "../../operation/ports.js";
import {
  operationsOf,
  type OperationFailure,
  type OperationRecord,
  type RegionRecord,
} from "../../operation/records.js";
import { canonicalRegion } from "../../resource-id.js";
import { pointerTo, regionField } from "../properties/fields.js";
import { PROMOTION } from "../properties/table.js";
import { hasFailed, type Look } from "../resources.js";
import { withApplications } from "./applied.js";
import { decidedEnding, endDecided, endOperation } from "./decided.js";
import { failuresBy, type OperationReason } from "./failures.js";
import { isRepairing } from "./fold.js";
import type { Fact } from "./fact.js";
import {
  withRequest,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { withFindings } from "./proven.js";
import { lossOf, sentence, whyNotRepaired } from "./repairs.js";
import { afterCancel } from "./sparing.js";
import { ruleStays, stayingFlags } from "./staying.js";

/** The pair after a fact: those that it ends have ended, those that it shows are applied. */
export function goOnBy(
  pair: ImageVersionPair,
  fact: Fact,
  reason: OperationReason | undefined,
  context: TransitionContext,
): ImageVersionPair {
  let next = pair;
  for (const [id, failure] of failuresBy(pair.record, fact))
    next = endDecided(next, id, { kind: "failed", ...failure }, context, failure.message);
  const isOwn = pair.record.write !== undefined || fact.write?.fate === "shown";
  if (fact.life === "begun" && !isOwn)
    next = Object.keys(next.record.requests).reduce(adopting, next);
  next = withApplications(next, context);
  return settle(next, reason, context);
}

/** Of a version of others that is as asked, a creation says nothing of latest, and sets no rule: as any PUT of what is there. */
function adopting(pair: ImageVersionPair, id: string): ImageVersionPair {
  const { requests, status } = pair.record;
  const asked = requests[id];
  if (asked?.creates !== true) return pair;
  const { creates: _, release: __, ...request } = asked;
  const { [PROMOTION]: rule, ...patch } = request.patch;
  return withFindings(
    withRequest(pair, id, { ...request, patch }),
    [id],
    [
      ...(request.body && status ? stayingFlags(request.body, status.resource) : []),
      ...(rule === undefined ? [] : [ruleStays()]),
    ],
  );
}

/** Ends every operation that nothing is to be waited for; the last one ends the record's work. */
function settle(
  pair: ImageVersionPair,
  reason: OperationReason | undefined,
  context: TransitionContext,
): ImageVersionPair {
  let settled = pair;
  for (const operation of operationsOf(pair)) {
    const ending = endingOf(settled, operation, reason, context);
    if (ending !== undefined) settled = endOperation(settled, operation.id, ending, context);
  }
  return settled;
}

function endingOf(
  { record, operation: current }: ImageVersionPair,
  operation: OperationRecord,
  reason: OperationReason | undefined,
  context: TransitionContext,
): Ending | undefined {
  const request = record.requests[operation.id];
  const { status } = record;
  if (request?.appliedTime === undefined || request.deletion !== undefined || status === undefined)
    return undefined;
  const isLast = record.members.length === 0 && current.id === operation.id;
  if (isLast && isRepairing(record)) return undefined; // Invariant 1 of decided.ts.
  const own = regionsOf(operation, record.regions);
  if (request.decided !== undefined)
    return decidedEnding(record, operation, request.decided, context, afterCancel(request));
  if (own.some((region) => isOpen(record, region, status))) return undefined;
  const lost = own.filter(({ state }) => state === "Failed");
  if (lost.length > 0 || isGivenUp(record, own, status))
    return failed(
      operation,
      replicationFailure(record, request, lost, reason),
      record.regions,
      context,
    );
  return success(operation, own, record.regions, context);
}

/** Something is to be waited for in the region: its copy, a second look, or its repair. */
function isOpen(
  { repairs }: ImageVersionRecord,
  { name, state, doubt }: RegionRecord,
  status: Look,
): boolean {
  const { removed, lost, dueTime } = repairs[name] ?? {};
  return (
    (state !== "Completed" && state !== "Failed") ||
    doubt !== undefined ||
    (state === "Completed" && hasFailed(status, name)) ||
    (removed !== undefined && lost !== true) ||
    (state === "Failed" && dueTime !== undefined)
  );
}

/** ARM has given the version up though each of its regions has its copy: nothing would ever come after that. */
function isGivenUp(
  { regions }: ImageVersionRecord,
  own: readonly RegionRecord[],
  status: Look,
): boolean {
  const isOwn = (name: string): boolean => own.some((one) => one.name === name);
  return (
    own.length > 0 &&
    status.provisioningState === "Failed" &&
    regions.every(({ state }) => state === "Completed") &&
    // A region that nobody has asked of Sigil has failed.
    !status.regions.some(({ name }) => !isOwn(name) && hasFailed(status, name))
  );
}

function success(
  operation: OperationRecord,
  own: readonly RegionRecord[],
  all: readonly RegionRecord[],
  context: TransitionContext,
): Ending {
  const done =
    own.length === 0
      ? "Azure shows the version as requested."
      : `The version is usable in ${own.map((region) => region.name).join(", ")}.`;
  const lost = all.filter(({ state }) => state === "Failed");
  return {
    status: "Succeeded",
    message:
      lost.length === 0
        ? done
        : `${done} It is not usable in ${lost.map(({ name }) => name).join(", ")}, which this operation does not name: retry it (POST …/retry), or publish another version where that is refused.`,
    event: event(operation, context, IMAGE_VERSION_EVENT.completed, "completed", {
      regions: outcomes(own),
    }),
  };
}

/** The version's own location can be neither removed nor added back. */
function remedyIn(region: string, isHome: boolean): string {
  return isHome
    ? `Publish another version: ${region} is the version's own location, which cannot be retried.`
    : `Fix the cause if it is not Azure's, such as a quota, then retry the region: POST …/retry with {"regions":["${region}"]}.`;
}

function replicationFailure(
  record: ImageVersionRecord,
  { body }: VersionRequest,
  lost: readonly RegionRecord[],
  reason: OperationReason | undefined,
): OperationFailure {
  const { repairs } = record;
  const loss = lossOf(record);
  const home = canonicalRegion(record.status?.resource.location ?? "");
  const errors = lost.map(({ name, details }): Finding => ({
    code: reason?.code ?? "RegionFailed",
    pointer: pointerTo(body, regionField(name)),
    message: `Replication to ${name} failed: ${details ?? reason?.message ?? "Azure gave no reason"}`,
    // What a rule refuses names its own remedy.
    ...(repairs[name]?.refused === undefined && {
      remediation: remedyIn(name, name === home),
    }),
  }));
  const refused = lost.flatMap(({ name }) => repairs[name]?.refused ?? []);
  const whys = lost.map(({ name }) => {
    const findings = repairs[name]?.refused;
    return findings ? ` ${whyNotRepaired(name, findings)}` : "";
  });
  if (lost.length === 0 && reason !== undefined)
    errors.push({ code: reason.code, pointer: "", message: reason.message });
  return {
    code: "ReplicationFailed",
    message: `${lost.length === 0 ? "Every region has its copy, but the version's provisioning state is Failed." : `The version is not usable in ${lost.map((region) => region.name).join(", ")}.`}${reason === undefined ? "" : ` Azure Resource Manager says: ${refused.length === 0 ? reason.message : sentence(reason.message)}`}${whys.join("")}${loss}`,
    errors: [...errors, ...refused],
  };
}
