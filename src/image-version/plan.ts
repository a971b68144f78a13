/** What a PUT of a request would meet and do, found out without writing anything anywhere. */
import { isFinal } from "../operation/states.js";
import {
  formatImageVersionId,
  keyOf,
  type ImageVersionId,
} from "../resource-id.js";
import { canonicalForm, fingerprintOf } from "./canonical-form.js";
import { removals } from "./change.js";
import { changesBetween, changesOf, type PropertyChange } from "./changes.js";
import type { ImageVersionRequest } from "./contract.js";
import { found, type Known } from "./facts.js";
import type { ArmRequest, Dependencies } from "./ports.js";
import { preflight } from "./preflight.js";
import { knownOf } from "./known.js";
import { merge } from "./merging.js";
import { governed } from "./promotion.js";
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
  const wanted = wantedOf(known, request);
  const observed = found(facts.imageVersion);
  const armRequest = await deps.resourceManager.previewPut(
    id,
    known === undefined || observed === undefined
      ? wanted
      : targetOf(
          {
            request: wanted,
            fingerprint: fingerprintOf(wanted),
            removing: known.base
              ? removals(known.base, wanted)
              : { regions: [], tags: [] },
            repairing: [],
          },
          observed,
        ).request,
  );
  const changes =
    known !== undefined
      ? changesBetween(known.request, wanted)
      : observed !== undefined
        ? changesOf(observed, wanted)
        : changesBetween(undefined, wanted);
  return {
    findings: [
      ...checkRequest({ id, request, now: deps.now() }),
      ...findings,
    ].filter(
      ({ severity }) =>
        severity !== "error" ||
        known?.operations.has(fingerprintOf(request)) !== true,
    ),
    changes,
    ...(changes.length > 0 && { armRequest }),
  };
}

/** What the version would be: the request, and with it what is being done already. */
function wantedOf(
  known: Known | undefined,
  request: ImageVersionRequest,
): ImageVersionRequest {
  if (known === undefined || isFinal(known.state))
    return governed(request, known?.base);
  const merger = merge(known.base, known.request, request);
  return merger.kind === "merged" ? merger.request : request;
}
