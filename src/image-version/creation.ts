/**
 * The phase before ARM works: prove everything, send one PUT. Invariants:
 *  1. A create is sent only by whoever stored `Creating` for this step, and only after ARM has said that the version does
 *     not exist: two of us, a repeated message or a crash in between never make ARM see two creates.
 *  2. A PUT whose answer was lost is not repeated before ARM has been asked what became of it, and no sooner than the
 *     first can no longer be under way.
 *  3. A version that Sigil did not make and that is not what was asked for is never written over.
 */
import type { Finding } from "../errors.js";
import { takeDeletionStep } from "./deletion.js";
import { end, postponeOrFail } from "../operation/postponing.js";
import { converge } from "./convergence.js";
import type { ImageVersionRequest } from "./contract.js";
import { found, type Facts, type Known } from "./facts.js";
import { gatherFacts } from "./gather-facts.js";
import { observeAbsence } from "./observation.js";
import { join, joiningOf, takeOver } from "./joining.js";
import { endOrSplit, postponeOrSplit } from "./splitting.js";
import type {
  Dependencies,
  ObservedImageVersion,
  StoredVersion,
} from "./ports.js";
import { differsFrom } from "./read-back.js";
import type { OperationFailure } from "../operation/records.js";
import { parseImageVersionId, type ImageVersionId } from "../resource-id.js";
import { errorsAmong, judge, provenBy, type Proven } from "./preflight.js";
import type { RuleFinding } from "./rules/rule.js";
import {
  currentFor,
  momentOf,
  take,
  type StepMessage,
} from "../operation/steps.js";
import { beginCreation, followReplication } from "./transitions.js";

/** Takes one step of the creation phase. A stale message does nothing. Throws only what another delivery may cure. */
export async function takeCreationStep(
  deps: Dependencies,
  message: StepMessage,
): Promise<void> {
  const stored = await currentFor(deps, message);
  if (stored === undefined) return;
  const id = parseImageVersionId(stored.record.resourceId);
  if (id === undefined)
    throw new TypeError(
      `${stored.record.resourceId} is not an image version's id`,
    );
  switch (stored.record.state) {
    case "Accepted":
      return prove(deps, stored, id);
    case "Creating":
    case "Updating":
      return lookAfter(deps, stored, id);
    case "Replicating":
    case "Succeeded":
    case "Failed":
    case "Canceled":
    case "Deleted":
      return;
    case "DeletionRequested":
    case "Deleting":
      return takeDeletionStep(deps, stored, id);
  }
}

async function prove(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
): Promise<void> {
  const { record } = stored;
  const known = updated(stored);
  let facts: Facts;
  try {
    facts = {
      ...(await gatherFacts(
        deps,
        id,
        joiningOf(stored, () => undefined).request,
        {
          // A version that is made needs its source no longer: it may be gone.
          sources: !record.made,
        },
      )),
      ...(known && { known }),
    };
  } catch (error) {
    return postponeOrFail(deps, stored, error);
  }
  const existing = found(facts.imageVersion);
  const { begun } = record;
  if (
    !record.made &&
    begun !== undefined &&
    existing !== undefined &&
    differsFrom(record.request, existing.request).length > 0 &&
    differsFrom(begun, existing.request).length === 0
  ) {
    await take(deps, stored, (pair) => takeOver(pair, begun, momentOf(deps)));
    return;
  }
  const refusalOf = (
    request: ImageVersionRequest,
  ): OperationFailure | undefined => {
    const errors = errorsAmong(judge(id, request, facts, deps.now()).findings);
    return errors.length > 0 ? refusal(errors, record.made) : undefined;
  };
  const refused = refusalOf(record.request);
  if (refused !== undefined) return endOrSplit(deps, stored, refused);
  const joining = joiningOf(stored, refusalOf);
  // What exists in Azure already, and is to be followed, is changed once it is ours; what cannot be done in one, is not.
  const joins =
    (record.made || existing === undefined) &&
    joining.joined.size + joining.failed.size > 0 &&
    refusalOf(joining.request) === undefined;
  const mine = joins
    ? await take(deps, stored, (pair) => join(pair, joining, momentOf(deps)))
    : stored;
  if (mine === undefined) return;
  const { request } = mine.record;
  const proven = provenBy(request, judge(id, request, facts, deps.now()));
  return goOn(deps, mine, id, existing, proven);
}

/** What rules may know of a version that is updated: that it is there, as this very operation's own. */
function updated(stored: StoredVersion): Known | undefined {
  const { state, request, base, made } = stored.record;
  return made
    ? {
        state,
        request,
        ...(base && { base }),
        operationId: stored.operation.id,
        operations: new Map(),
        regionRemovalAllowed: true,
      }
    : undefined;
}

function goOn(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  existing: ObservedImageVersion | undefined,
  proven?: Proven,
): Promise<void> {
  if (existing === undefined)
    return stored.record.state === "Updating"
      ? loseSight(deps, stored)
      : send(deps, stored, id, proven);
  return stored.record.made
    ? converge(deps, stored, id, existing, { proven })
    : adopt(deps, stored, existing, proven);
}

/** What was to be updated is not there: gone, or not shown. */
async function loseSight(
  deps: Dependencies,
  stored: StoredVersion,
): Promise<void> {
  await take(deps, stored, (pair) => observeAbsence(pair, momentOf(deps)));
}

function refusal(
  errors: readonly RuleFinding[],
  made: boolean,
): OperationFailure {
  const [first] = errors;
  return {
    code: errors.every((finding) => finding.code === "ImageVersionConflict")
      ? "ImageVersionConflict"
      : "PreflightFailed",
    message: `Nothing was ${made ? "changed" : "created"}: ${errors.length} check${errors.length === 1 ? "" : "s"} failed before it. ${first?.message} ${first?.remediation}`,
    errors,
  };
}

/** The message that follows a PUT of unknown outcome: ARM knows what became of it. */
async function lookAfter(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
): Promise<void> {
  let existing: ObservedImageVersion | undefined;
  try {
    existing = await deps.resourceManager.getImageVersion(id);
  } catch (error) {
    return postponeOrFail(deps, stored, error);
  }
  return goOn(deps, stored, id, existing);
}

async function send(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  proven?: Proven,
): Promise<void> {
  const mine = await take(deps, stored, (pair) =>
    beginCreation(pair, proven, momentOf(deps)),
  );
  // Invariant 1: undefined means that another has stored `Creating`; the PUT is theirs.
  if (mine === undefined) return;
  let armOperationUrl: string | undefined;
  try {
    armOperationUrl = await deps.resourceManager.putImageVersion(
      id,
      mine.record.request,
    );
  } catch (error) {
    return postponeOrSplit(deps, mine, error);
  }
  await take(deps, mine, (pair) =>
    followReplication(
      pair,
      { kind: "accepted", armOperationUrl },
      momentOf(deps),
    ),
  );
}

/** Invariant 3: what exists is followed if it is what was asked for, and left alone if not. */
async function adopt(
  deps: Dependencies,
  stored: StoredVersion,
  existing: ObservedImageVersion,
  proven?: Proven,
): Promise<void> {
  const findings: readonly Finding[] = differsFrom(
    stored.record.request,
    existing.request,
  );
  if (findings.length > 0) {
    await end(deps, stored, {
      code: "ImageVersionConflict",
      message: `${stored.record.resourceId} exists in Azure already and is not what this request asks for. It was left as it is: use another version name.`,
      errors: findings,
    });
    return;
  }
  await take(deps, stored, (pair) =>
    followReplication(pair, { kind: "seen" }, momentOf(deps), proven),
  );
}
