/**
 * Restores a version that was deleted where the gallery has soft delete. Each step looks at the version, and for it among
 * those that can be restored; what then comes next is decided in state/restoring.ts, whose invariants hold here. Invariants:
 *  1. The request is sent only by whoever stored `Restoring` for this step.
 *  2. The keys that the version had are proven before the first request, and what is seen after that decides.
 *  3. Once the request was sent, no error of a read ends the operation.
 */
import { ServiceError } from "../../errors.js";
import { commitStep, contextOf } from "../../operation/steps.js";
import { poll } from "../../operation/waiting.js";
import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { deletedVersion } from "../queries/deleted-versions.js";
import { lookAt } from "../queries/look-at.js";
import { withProof } from "../state/proven.js";
import {
  decideRestore,
  notRestored,
  restored,
  type Seen,
} from "../state/restoring.js";
import type { Proven } from "../state/record.js";
import { beginSending, sendingTaken } from "../state/sending.js";
import { later, postponeOrEnd } from "./postpone.js";
import { proofOf } from "./prove.js";
import { reasonOf, sendStored } from "./send.js";

export async function takeRestoreStep(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
): Promise<void> {
  const { record } = stored;
  const begins = record.state === "RestoreRequested";
  let proven: Proven | undefined;
  let seen: Seen;
  try {
    seen = await see(deps, id, stored);
    if (
      begins &&
      decideRestore(record, seen, contextOf(deps)).kind === "send"
    ) {
      const proof = await prove(deps, id, stored);
      if ("failure" in proof)
        return void (await commitStep(deps, stored, (pair) =>
          notRestored(pair, proof.failure, contextOf(deps)),
        ));
      ({ proven } = proof);
      seen = await see(deps, id, stored); // Invariant 2.
    }
  } catch (error) {
    if (begins) return postponeOrEnd(deps, stored, error, { end: notRestored });
    if (!(error instanceof ServiceError)) throw error;
    const waitMs = error.retryAfterMs ?? deps.pace.pollMaxMs; // Invariant 3.
    return later(deps, stored, error.message, waitMs);
  }
  let location: string | undefined;
  const mine = await commitStep(deps, stored, (pair) => {
    const context = contextOf(deps);
    const decision = decideRestore(pair.record, seen, context);
    location = undefined;
    switch (decision.kind) {
      case "send":
        ({ location } = decision);
        return beginSending(
          withProof(pair, [pair.operation.id], proven),
          "Restoring",
          pair.operation.id,
          context,
        );
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
    {
      accepted: (pair, url, context) =>
        sendingTaken(pair, "Restoring", url, context),
      refused: notRestored,
    },
  );
}

/** Throws what the reads throw. */
async function see(
  deps: Dependencies,
  id: ImageVersionId,
  { record }: StoredVersion,
): Promise<Seen> {
  const [look, deleted] = await Promise.all([
    lookAt(deps, id),
    deletedVersion(deps, id),
  ]);
  const isLeft =
    record.write?.answer === "accepted" &&
    look === undefined &&
    deleted !== undefined;
  return {
    look,
    deleted,
    refused: isLeft ? await reasonOf(deps, record) : undefined,
  };
}

/** Invariant 2: of the body that the request has, which is what Azure showed of the version last. Without one nothing is proven. */
async function prove(
  deps: Dependencies,
  id: ImageVersionId,
  { record }: StoredVersion,
): ReturnType<typeof proofOf> {
  const [body] = Object.values(record.requests).flatMap(
    (request) => request.body ?? [],
  );
  if (body === undefined) return { proven: undefined };
  const document = canonicalForm(body);
  return proofOf(deps, id, document, {
    // It may be gone: Azure has its copies.
    sources: false,
    would: "restored",
    change: { observed: document, patch: {} },
  });
}
