/** What a PUT of a request would meet and do, found out without writing anything anywhere. */
import {
  formatImageVersionId,
  keyOf,
  type ImageVersionId,
} from "../resource-id.js";
import { canonicalForm } from "./canonical-form.js";
import { changesBetween, changesOf, type PropertyChange } from "./changes.js";
import type { ImageVersionRequest } from "./contract.js";
import { found, type Facts } from "./facts.js";
import type { ArmRequest, Dependencies, StoredVersion } from "./ports.js";
import { preflight } from "./preflight.js";
import type { RuleFinding } from "./rules/rule.js";
import { checkRequest } from "./rules/rules.js";

/** A request whose shape has been validated against the OpenAPI document. */
export interface PlanImageVersion {
  readonly id: ImageVersionId;
  readonly body: ImageVersionRequest;
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
  { id, body }: PlanImageVersion,
): Promise<Plan> {
  const request = canonicalForm(body);
  const known = knownOf(await deps.store.read(keyOf(formatImageVersionId(id))));
  const [{ facts, findings }, armRequest] = await Promise.all([
    preflight(deps, id, request, known),
    deps.resourceManager.previewPut(id, request),
  ]);
  const observed = found(facts.imageVersion);
  const changes =
    known !== undefined
      ? changesBetween(known.request, request)
      : observed !== undefined
        ? changesOf(observed, request)
        : changesBetween(undefined, request);
  return {
    findings: [...checkRequest({ id, request, now: deps.now() }), ...findings],
    changes,
    ...(changes.length > 0 && { armRequest }),
  };
}

/** What rules may know of Sigil's own state; a version that failed is free to be asked for again. */
export function knownOf(stored: StoredVersion | undefined): Facts["known"] {
  if (stored === undefined || stored.record.state === "Failed")
    return undefined;
  const { state, request, fingerprint } = stored.record;
  return { state, request, fingerprint, operationId: stored.operation.id };
}
