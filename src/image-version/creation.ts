/**
 * The creation phase: prove everything, send one PUT. Invariants:
 *  1. A PUT is sent only by whoever stored `Creating` for this step, and only after ARM has said that the version does
 *     not exist: two of us, a repeated message or a crash in between never make ARM see two creates.
 *  2. A PUT whose answer was lost is not repeated before ARM has been asked what became of it, and no sooner than the
 *     first can no longer be under way.
 *  3. A version that exists in ARM and is not what was asked for is never written over.
 */
import { ServiceError, type Finding } from "../errors.js";
import { found } from "./facts.js";
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
import type { RuleFinding } from "./rules/rule.js";
import {
  currentFor,
  momentOf,
  take,
  type StepMessage,
} from "../operation/steps.js";
import { fail } from "../operation/failing.js";
import { wait } from "../operation/waiting.js";
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
      return lookAfter(deps, stored, id);
    case "Replicating":
    case "Succeeded":
    case "Failed":
      return;
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
    checked = await preflight(deps, id, request);
  } catch (error) {
    return postponeOrFail(deps, stored, error);
  }
  const errors = errorsAmong(checked.findings);
  if (errors.length > 0) {
    await end(deps, stored, refusal(errors));
    return;
  }
  const proven = provenBy(request, checked);
  const existing = found(checked.facts.imageVersion);
  if (existing !== undefined) return adopt(deps, stored, existing, proven);
  return send(deps, stored, id, proven);
}

function refusal(errors: readonly RuleFinding[]): OperationFailure {
  const [first] = errors;
  return {
    code: errors.every((finding) => finding.code === "ImageVersionConflict")
      ? "ImageVersionConflict"
      : "PreflightFailed",
    message: `Nothing was created: ${errors.length} check${errors.length === 1 ? "" : "s"} failed before it. ${first?.message} ${first?.remediation}`,
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
  return existing === undefined
    ? send(deps, stored, id)
    : adopt(deps, stored, existing);
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

async function postponeOrFail(
  deps: Dependencies,
  stored: StoredVersion,
  error: unknown,
): Promise<void> {
  if (!(error instanceof ServiceError)) throw error;
  const { retryAfterMs } = error;
  if (retryAfterMs !== undefined) {
    await take(deps, stored, (pair) =>
      wait(pair, error.message, retryAfterMs, momentOf(deps)),
    );
    return;
  }
  await end(deps, stored, {
    code: error.code,
    message: error.message,
    errors: error.findings,
  });
}

async function end(
  deps: Dependencies,
  stored: StoredVersion,
  failure: OperationFailure,
): Promise<void> {
  await take(deps, stored, (pair) => fail(pair, failure, momentOf(deps)));
}
