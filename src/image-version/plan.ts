/** What a PUT of a request would meet and do, found out without writing anything anywhere. */
import { isFinal } from "../operation/advance.js";
import {
  formatImageVersionId,
  keyOf,
  type ImageVersionId,
} from "../resource-id.js";
import { canonicalForm, fingerprintOf } from "./canonical-form.js";
import { changeOf } from "./change.js";
import { changesBetween, changesOf, type PropertyChange } from "./changes.js";
import type { ImageVersionRequest } from "./contract.js";
import { found, type Known } from "./facts.js";
import type { ArmRequest, Dependencies, StoredVersion } from "./ports.js";
import { preflight } from "./preflight.js";
import { achievedBy } from "./records.js";
import type { RuleFinding } from "./rules/rule.js";
import { checkRequest } from "./rules/rules.js";
import { targetOf } from "./target.js";

/** A request whose shape has been validated against the OpenAPI document. */
export interface PlanImageVersion {
  readonly id: ImageVersionId;
  readonly body: ImageVersionRequest;
  /** True where regions that the body leaves out are to be removed. */
  readonly allowRegionRemoval?: boolean;
}

export interface Plan {
  /** Every breach of every rule; a PUT is refused exactly when one of them is an error. */
  readonly findings: readonly RuleFinding[];
  /** What the PUT would change; none where the version is as asked. */
  readonly changes: readonly PropertyChange[];
  /** What would be sent to ARM; absent where the version is as asked, so that nothing would be. */
  readonly armRequest?: ArmRequest;
}

/** Throws ServiceError, retryable, when ARM throttles a read or does not answer it. */
export async function planImageVersion(
  deps: Dependencies,
  { id, body, allowRegionRemoval = false }: PlanImageVersion,
): Promise<Plan> {
  const request = canonicalForm(body);
  const known = knownOf(
    await deps.store.read(keyOf(formatImageVersionId(id))),
    allowRegionRemoval,
  );
  const { facts, findings } = await preflight(deps, id, request, known);
  const observed = found(facts.imageVersion);
  const armRequest = await deps.resourceManager.previewPut(
    id,
    known === undefined || observed === undefined
      ? request
      : targetOf(
          {
            request,
            fingerprint: fingerprintOf(request),
            removing: changeOf(known.achieved, request).removing,
            repairing: [],
          },
          observed,
        ).request,
  );
  const changes =
    known !== undefined
      ? changesBetween(
          isFinal(known.state) ? known.achieved : known.request,
          request,
        )
      : observed !== undefined
        ? changesOf(observed, request)
        : changesBetween(undefined, request);
  return {
    findings: [...checkRequest({ id, request, now: deps.now() }), ...findings],
    changes,
    ...(changes.length > 0 && { armRequest }),
  };
}

/** What rules may know of Sigil's own state; a version that failed before it was made is free to be asked for again. */
export function knownOf(
  stored: StoredVersion | undefined,
  regionRemovalAllowed: boolean,
): Known | undefined {
  if (
    stored === undefined ||
    (isFinal(stored.record.state) && !stored.record.made)
  )
    return undefined;
  const { state, request, fingerprint } = stored.record;
  return {
    state,
    request,
    fingerprint,
    operationId: stored.operation.id,
    achieved: achievedBy(stored.record),
    regionRemovalAllowed,
  };
}
