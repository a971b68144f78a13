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
import { found, type Facts } from "./facts.js";
import type {
  Dependencies,
  ObservedImageVersion,
  StoredVersion,
} from "./ports.js";
import { differsFrom } from "./read-back.js";
import type { OperationFailure } from "../operation/records.js";
import { parseImageVersionId, type ImageVersionId } from "../resource-id.js";
import {
  errorsAmong,
  preflight,
  provenBy,
  type Preflight,
  type Proven,
} from "./preflight.js";
import { achievedBy } from "./records.js";
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
  const { request } = stored.record;
  let checked: Preflight;
  try {
    checked = await preflight(deps, id, request, updated(stored));
  } catch (error) {
    return postponeOrFail(deps, stored, error);
  }
  const errors = errorsAmong(checked.findings);
  if (errors.length > 0) {
    await end(deps, stored, refusal(errors, stored.record.made));
    return;
  }
  const proven = provenBy(request, checked);
  return goOn(deps, stored, id, found(checked.facts.imageVersion), proven);
}

/** What rules may know of a version that is updated: that it is there, as this very operation's own. */
function updated({ record, operation }: StoredVersion): Facts["known"] {
  if (!record.made) return undefined;
  const { state, request, fingerprint } = record;
  return {
    state,
    request,
    fingerprint,
    operationId: operation.id,
    achieved: achievedBy(record),
  };
}

function goOn(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  existing: ObservedImageVersion | undefined,
  proven?: Proven,
): Promise<void> {
  if (existing === undefined) return send(deps, stored, id, proven);
  return stored.record.made
    ? converge(deps, stored, id, existing, { proven })
    : adopt(deps, stored, existing, proven);
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
    return postponeOrFail(deps, mine, error);
  }
  await take(deps, mine, (pair) =>
    followReplication(pair, armOperationUrl, momentOf(deps)),
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
    followReplication(pair, undefined, momentOf(deps), proven),
  );
}
