/**
 * The replication phase: one look at the version in ARM a tick, until every region has ended. Invariants:
 *  1. One GET a tick, however many regions; one more, for ARM's reason, when it has given the version up.
 *  2. No error of a look ends the version: ARM goes on working whether or not it can be seen.
 *  3. Every look compares the version with what was sent: a lost region or key is seen at the first, and later.
 */
import { ServiceError } from "../errors.js";
import { fail } from "../operation/failing.js";
import {
  currentFor,
  momentOf,
  take,
  type StepMessage,
} from "../operation/steps.js";
import { wait } from "../operation/waiting.js";
import { parseImageVersionId } from "../resource-id.js";
import { converge, nextOf } from "./convergence.js";
import { observe, observeAbsence, seeRegions } from "./observation.js";
import type { Dependencies, ObservedImageVersion } from "./ports.js";
import { planPromotion, seePromotion } from "./promotion.js";
import { planRepairs } from "./repair.js";
import type { ImageVersionPair } from "./records.js";

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
  let observed: ObservedImageVersion | undefined;
  let failure: { code: string; message: string } | undefined;
  try {
    observed = await deps.resourceManager.getImageVersion(id);
    failure =
      observed?.provisioningState === "Failed" &&
      stored.record.armOperationUrl !== undefined
        ? await deps.resourceManager.getOperationError(
            stored.record.armOperationUrl,
          )
        : undefined;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const waitMs = error.retryAfterMs ?? deps.pace.pollMaxMs; // Invariant 2.
    await take(deps, stored, (pair) =>
      wait(pair, error.message, waitMs, momentOf(deps)),
    );
    return;
  }
  if (observed === undefined) {
    await take(deps, stored, (pair) => observeAbsence(pair, momentOf(deps)));
    return;
  }
  const shown = observed;
  const prepare = (pair: ImageVersionPair): ImageVersionPair =>
    planPromotion(
      planRepairs(
        seePromotion(
          seeRegions(pair, shown, failure, momentOf(deps)),
          shown,
          momentOf(deps),
        ),
        shown,
        momentOf(deps),
      ),
      shown,
    );
  const next = nextOf(prepare(stored), shown);
  switch (next.kind) {
    case "update":
      return converge(deps, stored, id, shown, { prepare });
    case "look":
      await take(deps, stored, (pair) =>
        observe(prepare(pair), shown, failure, momentOf(deps)),
      );
      return;
    case "lost":
      await take(deps, stored, (pair) =>
        fail(
          prepare(pair),
          {
            code: "ReadBackMismatch",
            message: `The version in Azure is not what was asked for, in ${next.findings.length} place${next.findings.length === 1 ? "" : "s"}. Do not use it: delete it and publish another version. ${next.findings[0]?.message}`,
            errors: next.findings,
          },
          momentOf(deps),
        ),
      );
  }
}
