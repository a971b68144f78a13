/** What a PUT of a request would meet and do, found out without writing anything anywhere. */
import { isFinal, isRestoring } from "../state/states.js";
import {
  canonicalRegion,
  formatImageVersionId,
  keyOf,
  type ImageVersionId,
} from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { found, type Known } from "../rules/facts.js";
import { gatherFacts } from "../preflight/gather-facts.js";
import { gatherKeys } from "../preflight/gather-keys.js";
import type { ArmRequest, Dependencies, StoredVersion } from "../ports.js";
import { judge } from "../preflight/judge.js";
import {
  latestAfter,
  latestFindings,
  takingOf,
  type NoLatest,
} from "../preflight/latest.js";
import { ruleWarnings } from "../preflight/rule.js";
import { sourceDataDiskLuns } from "../rules/source.js";
import { patched } from "../properties/body.js";
import { canonicalForm } from "../properties/canonical-form.js";
import {
  changeAsWritten,
  findingAsWritten,
  regionNamesIn,
} from "../properties/as-written.js";
import {
  contradicts,
  plannedChanges,
  type PropertyChange,
} from "../properties/changes.js";
import type { OperationRecord } from "../../operation/records.js";
import { fieldsOf, regionsIn } from "../properties/fields.js";
import { inOrderOf } from "../properties/order.js";
import { ALLOW_DELETION } from "../properties/table.js";
import type { RuleFinding } from "../rules/rule.js";
import { checkRequest } from "../rules/rules.js";
import { areReady, type Look, type PurchasePlan } from "../resources.js";
import { lookAt, mustBeGone } from "../queries/look-at.js";
import { emptyRecord } from "../state/accepting.js";
import { believed } from "../state/observe.js";
import { type Time } from "../state/fact.js";
import { reconcile, type Put } from "../state/reconcile.js";
import type { ImageVersionRecord } from "../state/record.js";
import { contextOf } from "../../operation/steps.js";
import type { Asked, Asking } from "./asked.js";
import { gone, listIn, mustBeAdmitted, type ChangeCommand } from "./command.js";
import { contradictionsOf, type Contradiction } from "./contradictions.js";
import { protectionKept, subjectOf, type Subject } from "./decide-put.js";
import { chooseSets } from "./encryption-rule.js";
import {
  fingerprintOfPut,
  sameOperation,
  sameRequest,
} from "./same-operation.js";
import { withSetIds } from "./set-names.js";

/** A request whose shape has been validated against the OpenAPI document. */
interface PlanImageVersion extends NoLatest {
  readonly id: ImageVersionId;
  readonly body: ImageVersionRequest;
  /** Regions that are to be removed, in any spelling. */
  readonly removeRegions?: readonly string[];
  readonly ifMatch?: string;
  readonly ifNoneMatch?: "*";
  /** The caller may take a protection from deletion off. */
  readonly mayUnprotect?: boolean;
  /** True where the body is a version that was read, pasted back. */
  readonly pasted?: boolean;
  readonly requireMayUse?: NonNullable<ChangeCommand["requireMayUse"]>;
}

export interface Plan {
  /** Every breach of every rule, in the caller's spelling; a PUT is refused exactly when one of them is an error. */
  readonly findings: readonly RuleFinding[];
  /** What the PUT would change, in the caller's spelling; none where the version is as asked. */
  readonly changes: readonly PropertyChange[];
  /** The image definition's: whoever makes a machine of the version has to name it. */
  readonly purchasePlan?: PurchasePlan;
  /** What would be sent to ARM, to the letter; absent where the version is as asked, so that nothing would be. */
  readonly armRequest?: ArmRequest;
  /** When the oldest of what it was judged by was read; RFC 3339. */
  readonly lookedTime: string;
  /** LUNs of the data disks that the source has; absent where it cannot be looked into, or is not read any more. */
  readonly sourceDataDiskLuns?: readonly number[];
}

/** Throws ServiceError TooManyReads or Forbidden; retryable, when ARM throttles a read or does not answer it. */
export async function planImageVersion(
  deps: Dependencies,
  command: PlanImageVersion,
): Promise<Plan> {
  let lookedMs = deps.now().getTime();
  const shared = deps.sharedFacts?.((readMs) => {
    lookedMs = Math.min(lookedMs, readMs);
  });
  const plan = await planBy({ ...deps, ...shared }, command);
  return { ...plan, lookedTime: new Date(lookedMs).toISOString() };
}

async function planBy(
  deps: Dependencies,
  command: PlanImageVersion,
): Promise<Omit<Plan, "lookedTime">> {
  const { id, body, removeRegions = [], ifMatch } = command;
  const written = withSetIds(body, id);
  const given = canonicalForm(written);
  mustBeAdmitted(deps, command, given);
  const stored = await deps.store.read(keyOf(formatImageVersionId(id)));
  const rule = body.sigil?.encryption;
  const regions = [...new Set(removeRegions.map(canonicalRegion))].sort();
  const fingerprint = fingerprintOfPut(given, regions, rule, ifMatch);
  // As a PUT does: what a tag has chosen before stays.
  const before = rule?.tag === undefined ? undefined : await lookAt(deps, id);
  const { request, findings: unchosen } = await chooseSets(
    deps,
    id,
    given,
    rule,
    {
      shown: before?.resource,
      before: sameRequest(stored, before, fingerprint),
    },
  );
  mustBeAdmitted(deps, command, request);
  // What is asked names no set that the request does not: so much can be read at once.
  const gathered = await gatherFacts(deps, id, request, {
    sources: stored?.record.status === undefined,
  });
  const purchasePlan = found(gathered.imageDefinition)?.purchasePlan;
  const now = found(gathered.imageVersion);
  const isAbsent = gathered.imageVersion.kind === "absent";
  if (isAbsent) await mustBeGone(deps, id, stored?.record, listIn(deps));
  const { look, isFact } =
    now === undefined && !isAbsent
      ? { look: stored?.record.status, isFact: false }
      : believed(
          stored?.record,
          now && { ...now, time: deps.now().toISOString() },
          contextOf(deps),
        );
  const asking: Asking = {
    command,
    body: request,
    removeRegions: regions,
    glance: { look, seen: isFact },
  };
  const subject = subjectOf(asking, stored);
  const { record, asked, change } = subject;
  const isOpen = stored !== undefined && !isFinal(stored.record.state);
  const contradictions = isOpen
    ? contradictionsOf(stored.record, asked.patch)
    : [];
  const planned = putOf(record, asked, look, contextOf(deps));
  const observed = look?.resource;
  const document = inOrderOf(
    canonicalForm(patched(observed, { ...asked.patch, ...planned?.changes })),
    request,
  );
  // What a removal opens by itself is shut again by the next update.
  const { [ALLOW_DELETION]: opens, ...others } = planned?.changes ?? {};
  const changes = plannedChanges(
    observed,
    ALLOW_DELETION in asked.patch
      ? { ...others, [ALLOW_DELETION]: opens }
      : others,
    request,
  );
  const isSame = (one: OperationRecord): boolean =>
    one.fingerprint === fingerprint;
  const same =
    sameOperation(stored, look, isSame) ??
    (stored?.operation.status === "Succeeded" &&
    isSame(stored.operation) &&
    changes.length === 0 &&
    areReady(look, regionsIn(fieldsOf(request)))
      ? stored.operation
      : undefined);
  const known = knownOf(stored, contradictions, request, same);
  const facts = await gatherKeys(
    deps,
    id,
    { ...gathered, ...(change && { change }), ...(known && { known }) },
    canonicalForm(planned?.body ?? document),
    change?.observed,
  );
  const latest =
    look === undefined || same !== undefined
      ? []
      : await latestAfter(deps, takingOf(id, look, record, asked));
  const findings = [
    ...unchosen,
    ...isNotMeant(command, subject),
    ...protectionKept(command, subject),
    ...checkRequest({ id, request, now: deps.now(), change }),
    ...(await ruleWarnings(deps, id, request, observed)),
    ...asked.stays,
    ...latestFindings(latest, command.allowNoLatest === true),
    ...judge(id, document, facts, deps.now(), request).findings,
  ];
  const luns = sourceDataDiskLuns(request, gathered);
  const names = [...regionNamesIn(written), ...removeRegions];
  return {
    findings: (same === undefined
      ? findings
      : findings.filter(
          // The operation itself may have removed the region already.
          ({ severity, code }) =>
            severity !== "error" && code !== "RegionNotInVersion",
        )
    ).map((finding) => findingAsWritten(finding, names)),
    changes: changes.map((one) => changeAsWritten(one, request, written)),
    ...(purchasePlan && { purchasePlan }),
    ...(planned && {
      armRequest: await deps.resourceManager.previewPut(id, planned.body),
    }),
    ...(luns && { sourceDataDiskLuns: luns }),
  };
}

/** What would be sent for it alone: the very decision of a step. */
function putOf(
  record: ImageVersionRecord | undefined,
  asked: Asked,
  look: Look | undefined,
  time: Time,
): Put | undefined {
  const known = record ?? emptyRecord("", "", time.now.toISOString());
  const {
    write: _,
    unconfirmed: __,
    status: ___,
    window: ____,
    ...kept
  } = known;
  const open = isFinal(known.state) ? {} : known.requests;
  const decided = reconcile(
    {
      ...kept,
      state: "Accepted",
      ...(look && { status: { ...look, provisioningState: "Succeeded" } }),
      requests: {
        ...open,
        plan: {
          patch: asked.patch,
          ...(asked.release && { release: asked.release }),
          ...(look === undefined && { creates: true }),
        },
      },
    },
    time,
    ["plan"],
  );
  return decided.kind === "put" ? decided : undefined;
}

/** Under a number that was there and is no more, only a request that says so makes a version. */
function isNotMeant(
  { id, ifNoneMatch }: PlanImageVersion,
  { isGone }: Subject,
): readonly RuleFinding[] {
  if (!isGone || ifNoneMatch === "*") return [];
  const { code, message } = gone(id);
  return [
    {
      rule: "gone",
      code,
      pointer: "",
      message,
      severity: "error",
      remediation:
        "To create it again, send the request with the header If-None-Match: *.",
    },
  ];
}

function knownOf(
  stored: StoredVersion | undefined,
  contradictions: readonly Contradiction[],
  request: ImageVersionRequest,
  same: OperationRecord | undefined,
): Known | undefined {
  if (stored === undefined) return undefined;
  const { record, operation } = stored;
  const open = isFinal(record.state) ? [] : [operation, ...record.members];
  const deletion = open.find(({ kind }) => kind === "DeleteImageVersion");
  return {
    operationId: deletion?.id ?? operation.id,
    ...(same !== undefined && { sameRequest: same.id }),
    deleting: deletion !== undefined,
    ...(isRestoring(record.state) && { restoring: true as const }),
    conflicts: contradictions.flatMap(({ operationId, conflicts }) =>
      conflicts.map((conflict) => ({
        ...contradicts(conflict, request),
        operationId,
      })),
    ),
  };
}
