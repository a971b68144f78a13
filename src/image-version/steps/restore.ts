/**
 * Restores a version that was deleted where the gallery has soft delete. Each step looks at the version, and for it among
 * those that can be restored; what then comes next is decided in state/restoring.ts, whose invariants hold here. Invariants:
 *  1. The request is sent only by whoever stored `Restoring` for this step.
 *  2. The keys that the version had are proven before the first request, and what is seen after that decides.
 *  3. Once the request was sent, no error of a read ends the operation.
 */
import { ServiceError } from "../../errors.js";
import { fail } from "../../operation/failing.js";
import type { OperationFailure } from "../../operation/records.js";
import { commitStep, contextOf } from "../../operation/steps.js";
import { poll } from "../../operation/waiting.js";
import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import { gatherFacts } from "../preflight/gather-facts.js";
import { gatherKeys } from "../preflight/gather-keys.js";
import { errorsAmong, judge, provenBy } from "../preflight/judge.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { deletedVersion } from "../queries/deleted-versions.js";
import { lookAt } from "../queries/look-at.js";
import { untilQuiet } from "../state/follow.js";
import {
  beginRestore,
  decideRestore,
  notRestored,
  restored,
  restoreTaken,
  type RestoreDecision,
  type Seen,
} from "../state/restoring.js";
import type { Proven, ImageVersionPair } from "../state/record.js";
import { later, postponeOrEnd } from "./postpone.js";
import { refusal } from "./prove.js";
import { reasonOf, sendStored } from "./send.js";

export async function takeRestoreStep(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
): Promise<void> {
  const { record } = stored;
  const begins = record.state === "RestoreRequested";
  // What was sent for another operation may be under way.
  const quiet = untilQuiet(record, contextOf(deps));
  if (begins && quiet.waits !== undefined)
    return later(deps, stored, quiet.waits, quiet.waitMs);
  let proven: Proven | undefined;
  let seen: Seen;
  try {
    seen = await see(deps, id);
    if (begins && decided(deps, stored, seen).kind === "send") {
      const proof = await prove(deps, id, stored);
      if (proof !== undefined && "failure" in proof)
        return void (await commitStep(deps, stored, (pair) =>
          fail(pair, proof.failure, contextOf(deps)),
        ));
      proven = proof?.proven;
      seen = await see(deps, id); // Invariant 2.
    }
  } catch (error) {
    if (begins) return postponeOrEnd(deps, stored, error, { end: fail });
    if (!(error instanceof ServiceError)) throw error;
    const waitMs = error.retryAfterMs ?? deps.pace.pollMaxMs; // Invariant 3.
    return later(deps, stored, error.message, waitMs);
  }
  const failure = await failureOf(deps, stored, seen);
  if (failure !== undefined)
    return void (await commitStep(deps, stored, (pair) =>
      notRestored(pair, failure, contextOf(deps)),
    ));
  let location: string | undefined;
  const mine = await commitStep(deps, stored, (pair) => {
    const context = contextOf(deps);
    const decision = decided(deps, pair, seen);
    location = undefined;
    switch (decision.kind) {
      case "send":
        ({ location } = decision);
        return beginRestore(pair, proven, context);
      case "wait":
        return poll(pair, decision.why, context);
      case "restored":
        return restored(pair, decision.look, context);
      case "failed":
        return notRestored(pair, decision.failure, context);
    }
  });
  deps.looks.forget(id, imageIdOf(id));
  const from = location;
  if (mine === undefined || from === undefined) return; // Invariant 1.
  await sendStored(
    deps,
    mine,
    () => deps.resourceManager.restoreImageVersion(id, from),
    { accepted: restoreTaken, refused: notRestored },
  );
}

function decided(
  deps: Dependencies,
  { record }: Pick<ImageVersionPair, "record">,
  seen: Seen,
): RestoreDecision {
  return decideRestore(record, seen, contextOf(deps));
}

async function see(deps: Dependencies, id: ImageVersionId): Promise<Seen> {
  const [look, deleted] = await Promise.all([
    lookAt(deps, id),
    deletedVersion(deps, id),
  ]);
  return { look, deleted };
}

/** Invariant 2: of the body that the request has, which is what Azure showed of the version last. Without one nothing is proven. */
async function prove(
  deps: Dependencies,
  id: ImageVersionId,
  { record }: StoredVersion,
): Promise<
  | { readonly proven: Proven }
  | { readonly failure: OperationFailure }
  | undefined
> {
  const [body] = Object.values(record.requests).flatMap(
    (request) => request.body ?? [],
  );
  if (body === undefined) return undefined;
  const document = canonicalForm(body);
  // The source may be gone: Azure has its copies.
  const gathered = await gatherFacts(deps, id, document, { sources: false });
  const facts = {
    ...(await gatherKeys(deps, id, gathered, document, undefined)),
    change: { observed: document, patch: {} },
  };
  const { findings } = judge(id, document, facts, deps.now());
  const errors = errorsAmong(findings);
  return errors.length === 0
    ? { proven: provenBy(document, { facts, findings }) }
    : { failure: refusal(errors, "restored") };
}

/** Why the restore that ARM has accepted came to nothing, where ARM says so. */
async function failureOf(
  deps: Dependencies,
  { record }: StoredVersion,
  { look, deleted }: Seen,
): Promise<OperationFailure | undefined> {
  const reason =
    record.write?.answer === "accepted" &&
    look === undefined &&
    deleted !== undefined
      ? await reasonOf(deps, record)
      : undefined;
  return (
    reason && {
      code: reason.code,
      message: `Azure has not restored the version. It says: ${reason.message}`,
      errors: [{ ...reason, pointer: "" }],
    }
  );
}
