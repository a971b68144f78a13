/** Everything is proven before the first write: what is asked is judged by what Azure shows at this very step. */
import { contextOf, commitStep } from "../../operation/steps.js";
import type { OperationFailure } from "../../operation/records.js";
import { wait } from "../../operation/waiting.js";
import type { ImageVersionId } from "../../resource-id.js";
import { found, type Facts } from "../preflight/facts.js";
import { gatherFacts } from "../preflight/gather-facts.js";
import { gatherKeys } from "../preflight/gather-keys.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import {
  errorsAmong,
  judge,
  provenBy,
  type Proven,
} from "../preflight/judge.js";
import { patched } from "../properties/body.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { fieldsOf } from "../properties/fields.js";
import { inOrderOf } from "../properties/order.js";
import { unmetBy, type Patch } from "../properties/patch.js";
import { PROMOTION } from "../properties/table.js";
import type { RuleFinding } from "../rules/rule.js";
import { adoptionRefusal, bodyOf, doubtful } from "../state/adoption.js";
import { formBatch } from "../state/batch.js";
import {
  batchOf,
  type ImageVersionPair,
  type ImageVersionRecord,
} from "../state/record.js";
import { withKnown } from "../state/see.js";
import { wantedBy } from "../state/wanted.js";
import { endRefused, postponeOrEnd } from "./end-batch.js";
import { lookAt } from "../queries/look-at.js";
import { isBusy, type Look } from "../resources.js";

/** What a step has seen of the version, and what was proven of the request before. */
export interface Seen {
  readonly look: Look | undefined;
  readonly failure?:
    { readonly code: string; readonly message: string } | undefined;
  readonly proven?: Proven | undefined;
  /** What is made of the state before anything else, with every state that another writer may have stored. */
  readonly prepare?: (pair: ImageVersionPair) => ImageVersionPair;
}

/** What was seen and proven; undefined where the step has ended otherwise. */
export async function prove(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
): Promise<Seen | undefined> {
  const context = contextOf(deps);
  if (formBatch(stored, context) !== stored) {
    await commitStep(deps, stored, (pair) => formBatch(pair, contextOf(deps)));
    return undefined;
  }
  const { record } = stored;
  const wanted = wantedBy(record);
  const body = bodyOf(record);
  let look: Look | undefined;
  let facts: Facts | undefined;
  try {
    if (record.exists) look = await lookAt(deps, id);
    if (!record.exists || (needsProof(record) && isToBeChanged(look, wanted))) {
      facts = await gatherFacts(
        deps,
        id,
        canonicalForm(patched(record.observed?.resource, wanted)),
        // A version that exists needs its source no longer: it may be gone.
        { sources: !record.exists, ...(look && { imageVersion: look }) },
      );
      const existing = found(facts.imageVersion);
      look = existing && { ...existing, time: deps.now().toISOString() };
      facts = await gatherKeys(
        deps,
        id,
        facts,
        canonicalForm(patched(look?.resource, wanted)),
        look && canonicalForm(look.resource),
      );
    }
  } catch (error) {
    await postponeOrEnd(deps, stored, error);
    return undefined;
  }
  if (await waitsForCertainty(deps, stored, look)) return undefined;
  const prepare = (pair: ImageVersionPair): ImageVersionPair =>
    withKnown(pair, look, contextOf(deps));
  // Nothing is proven of a version that is gone, or not shown yet: the next looks decide. What only changes it makes none.
  const isOwn = record.exists || !mayCreate(record);
  if (isOwn && facts?.imageVersion.kind === "absent")
    return { look: undefined, prepare };
  const failure =
    adoptionRefusal(record, look) ??
    (facts && proofRefusal(deps, id, record, look, facts));
  if (failure !== undefined) {
    await commitStep(deps, stored, (pair) =>
      endRefused(pair, look, failure, contextOf(deps)),
    );
    return undefined;
  }
  if (facts === undefined) return { look, prepare };
  const document = inOrderOf(
    canonicalForm(patched(look?.resource, wanted)),
    body,
  );
  return {
    look,
    prepare,
    proven: provenBy(document, {
      facts,
      findings: judge(id, document, facts, deps.now()).findings,
    }),
  };
}

/** Where this look of a version that Sigil has not made decides nothing: the step has ended, and the next looks again. */
export async function waitsForCertainty(
  deps: Dependencies,
  stored: StoredVersion,
  look: Look | undefined,
): Promise<boolean> {
  const isDoubtful = doubtful(stored.record, look, contextOf(deps));
  if (isDoubtful === undefined) return false;
  const { why, doubt } = isDoubtful;
  await commitStep(deps, stored, (pair) =>
    wait(
      { ...pair, record: { ...pair.record, ...(doubt && { doubt }) } },
      why,
      deps.pace.pollInitialMs,
      contextOf(deps),
    ),
  );
  return true;
}

function mayCreate(record: ImageVersionRecord): boolean {
  return batchOf(record).some(([, { creates }]) => creates === true);
}

/** What is busy is changed later: what is true now proves nothing for then. What is shown already is not sent. */
function isToBeChanged(look: Look | undefined, wanted: Patch): boolean {
  return (
    look !== undefined &&
    !isBusy(look) &&
    // A rule may promote it at once.
    (wanted[PROMOTION] != null ||
      unmetBy(fieldsOf(look.resource), wanted).length > 0)
  );
}

/** What others ask by hand names no resource that could be missing. */
function needsProof(record: ImageVersionRecord): boolean {
  return batchOf(record).some(
    ([, { byHand, retries, decided }]) =>
      byHand !== true && retries === undefined && decided === undefined,
  );
}

function proofRefusal(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  look: Look | undefined,
  facts: Facts,
): OperationFailure | undefined {
  const wanted = wantedBy(record);
  const document = inOrderOf(
    canonicalForm(patched(look?.resource, wanted)),
    bodyOf(record),
  );
  const errors = errorsAmong(
    judge(
      id,
      document,
      {
        ...facts,
        ...(look && {
          change: {
            observed: canonicalForm(look.resource),
            patch: wanted,
            ...(record.lastApplied && { lastApplied: record.lastApplied }),
          },
        }),
      },
      deps.now(),
    ).findings,
  );
  return errors.length === 0 ? undefined : refusal(errors, record.exists);
}

function refusal(
  errors: readonly RuleFinding[],
  exists: boolean,
): OperationFailure {
  const [first] = errors;
  return {
    code: errors.every((finding) => finding.code === "ImageVersionConflict")
      ? "ImageVersionConflict"
      : "PreflightFailed",
    message: `Nothing was ${exists ? "changed" : "created"}: ${errors.length} check${errors.length === 1 ? "" : "s"} failed. ${first?.message} ${first?.remediation}`,
    errors,
  };
}
