/**
 * The creation phase: prove everything, send one PUT. Invariants:
 *  1. A PUT is sent only by whoever stored `Creating` for this step, and only after ARM has said that the version does
 *     not exist: two of us, a repeated message or a crash in between never make ARM see two creates.
 *  2. A PUT whose answer was lost is not repeated before ARM has been asked what became of it, and no sooner than the
 *     first can no longer be under way.
 *  3. A version that exists in ARM and is not what was asked for is never written over.
 */
import { ServiceError, type Finding } from "../errors.js";
import { gatherFacts } from "./facts.js";
import type { Dependencies, ObservedImageVersion, Stored } from "./ports.js";
import { differsFrom } from "./read-back.js";
import type { ImageVersionRecord, OperationFailure } from "./records.js";
import { parseImageVersionId, type ImageVersionId } from "./resource-id.js";
import type { Facts } from "./rules/rule.js";
import { checkFacts } from "./rules/rules.js";
import { sourceDataDiskLuns } from "./rules/source-disks.js";
import { currentFor, momentOf, take, type StepMessage } from "./steps.js";
import { beginCreation, fail, followReplication, wait } from "./transitions.js";

type Proven = Pick<ImageVersionRecord, "encryptionTypes" | "dataDiskLuns">;

/** Takes one step of the creation phase. A stale message does nothing. Throws only what another delivery may cure. */
export async function takeCreationStep(
  deps: Dependencies,
  message: StepMessage,
): Promise<void> {
  const stored = await currentFor(deps, message);
  if (stored === undefined) return;
  const id = parseImageVersionId(stored.version.resourceId);
  if (id === undefined)
    throw new TypeError(
      `${stored.version.resourceId} is not an image version's id`,
    );
  switch (stored.version.state) {
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
  stored: Stored,
  id: ImageVersionId,
): Promise<void> {
  const { request } = stored.version;
  let facts: Facts;
  let existing: ObservedImageVersion | undefined;
  try {
    [facts, existing] = await Promise.all([
      gatherFacts(deps.resourceManager, request),
      deps.resourceManager.getImageVersion(id),
    ]);
  } catch (error) {
    return postponeOrFail(deps, stored, error);
  }
  const findings = checkFacts(id, request, facts);
  if (findings.length > 0) {
    await end(deps, stored, {
      code: "PreflightFailed",
      message: `Nothing was created: ${findings.length} check${findings.length === 1 ? "" : "s"} failed before it. ${findings[0]?.message}`,
      errors: findings,
    });
    return;
  }
  const proven: Proven = {
    encryptionTypes: Object.fromEntries(
      [...facts.diskEncryptionSets].map(([key, set]) => [
        key,
        set?.encryptionType ?? "Unknown",
      ]),
    ),
    dataDiskLuns: sourceDataDiskLuns(request, facts) ?? [],
  };
  if (existing !== undefined) return adopt(deps, stored, existing, proven);
  return send(deps, stored, id, proven);
}

/** The message that follows a PUT of unknown outcome: ARM knows what became of it. */
async function lookAfter(
  deps: Dependencies,
  stored: Stored,
  id: ImageVersionId,
): Promise<void> {
  let existing: ObservedImageVersion | undefined;
  try {
    existing = await deps.resourceManager.getImageVersion(id);
  } catch (error) {
    return postponeOrFail(deps, stored, error);
  }
  if (existing !== undefined)
    return adopt(deps, stored, existing, stored.version);
  return send(deps, stored, id, stored.version);
}

async function send(
  deps: Dependencies,
  stored: Stored,
  id: ImageVersionId,
  { encryptionTypes, dataDiskLuns }: Proven,
): Promise<void> {
  const mine = await take(deps, stored, (pair) =>
    beginCreation(pair, { encryptionTypes, dataDiskLuns }, momentOf(deps)),
  );
  // Invariant 1: undefined means that another has stored `Creating`; the PUT is theirs.
  if (mine === undefined) return;
  let armOperationUrl: string | undefined;
  try {
    armOperationUrl = await deps.resourceManager.putImageVersion(
      id,
      mine.version.request,
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
  stored: Stored,
  existing: ObservedImageVersion,
  { encryptionTypes, dataDiskLuns }: Proven,
): Promise<void> {
  const findings: readonly Finding[] = differsFrom(
    stored.version.request,
    existing.request,
  );
  if (findings.length > 0) {
    await end(deps, stored, {
      code: "ImageVersionConflict",
      message: `${stored.version.resourceId} exists in Azure already and is not what this request asks for. It was left as it is: use another version name.`,
      errors: findings,
    });
    return;
  }
  await take(deps, stored, (pair) =>
    followReplication(
      { ...pair, version: { ...pair.version, encryptionTypes, dataDiskLuns } },
      undefined,
      momentOf(deps),
    ),
  );
}

async function postponeOrFail(
  deps: Dependencies,
  stored: Stored,
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
  stored: Stored,
  failure: OperationFailure,
): Promise<void> {
  await take(deps, stored, (pair) => fail(pair, failure, momentOf(deps)));
}
