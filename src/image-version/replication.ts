/**
 * The replication phase: one look at the version in ARM a tick, until every region has ended. Invariants:
 *  1. One GET a tick, however many regions; one more, for ARM's reason, when it has given the version up.
 *  2. No error of a look ends the version: ARM goes on working whether or not it can be seen.
 *  3. Every look compares the version with the request: a lost region or key is seen at the first, and later.
 */
import { ServiceError } from "../errors.js";
import type { Dependencies, ObservedImageVersion } from "./ports.js";
import { readBack } from "./read-back.js";
import { parseImageVersionId } from "../resource-id.js";
import {
  currentFor,
  momentOf,
  take,
  type StepMessage,
} from "../operation/steps.js";
import { observe, observeAbsence } from "./observation.js";
import { fail } from "../operation/failing.js";
import { wait } from "../operation/waiting.js";
import type { ImageVersionPair } from "./transitions.js";

/** Takes one step of the replication phase. A stale message does nothing. Throws only what another delivery may cure. */
export async function takeReplicationStep(
  deps: Dependencies,
  message: StepMessage,
): Promise<void> {
  const stored = await currentFor(deps, message);
  if (stored?.record.state !== "Replicating") return;
  const id = parseImageVersionId(stored.record.resourceId);
  if (id === undefined)
    throw new TypeError(
      `${stored.record.resourceId} is not an image version's id`,
    );
  let transition: (pair: ImageVersionPair) => ImageVersionPair;
  try {
    const observed = await deps.resourceManager.getImageVersion(id);
    const failure =
      observed?.provisioningState === "Failed" &&
      stored.record.armOperationUrl !== undefined
        ? await deps.resourceManager.getOperationError(
            stored.record.armOperationUrl,
          )
        : undefined;
    transition = (pair) => look(deps, pair, observed, failure);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    transition = (pair) =>
      wait(
        pair,
        error.message,
        error.retryAfterMs ?? deps.pace.pollMaxMs,
        momentOf(deps),
      ); // Invariant 2.
  }
  await take(deps, stored, transition);
}

function look(
  deps: Dependencies,
  pair: ImageVersionPair,
  observed: ObservedImageVersion | undefined,
  failure: { code: string; message: string } | undefined,
): ImageVersionPair {
  const moment = momentOf(deps);
  if (observed === undefined) return observeAbsence(pair, moment);
  const lost = readBack(pair.record.request, observed.request);
  if (lost.length === 0) return observe(pair, observed, failure, moment);
  return fail(
    pair,
    {
      code: "ReadBackMismatch",
      message: `The version in Azure is not what was asked for, in ${lost.length} place${lost.length === 1 ? "" : "s"}. Do not use it: delete it and publish another version. ${lost[0]?.message}`,
      errors: lost,
    },
    moment,
  );
}
