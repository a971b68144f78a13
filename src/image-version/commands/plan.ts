/** What a PUT of a request would meet and do, found out without writing anything anywhere. */
import { operationsOf, type OperationRecord } from "../../operation/records.js";
import { contextOf } from "../../operation/steps.js";
import {
  formatImageVersionId,
  keyOf,
  type ImageVersionId,
} from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { ArmRequest, Dependencies, StoredVersion } from "../ports.js";
import { found, type Known } from "../rules/facts.js";
import { gatherFacts } from "../preflight/gather-facts.js";
import { gatherKeys } from "../preflight/gather-keys.js";
import { judge } from "../preflight/judge.js";
import { latestAfter, latestFindings, takingOf } from "../preflight/latest.js";
import { sourceWarnings } from "../preflight/objections.js";
import { ruleWarnings } from "../preflight/rule.js";
import { sourceDataDiskLuns } from "../rules/source.js";
import {
  changeAsWritten,
  findingAsWritten,
  regionNamesIn,
} from "../properties/as-written.js";
import { patched } from "../properties/body.js";
import { canonicalForm } from "../properties/canonical-form.js";
import {
  contradicts,
  plannedChanges,
  type PropertyChange,
} from "../properties/changes.js";
import { fieldsOf, regionsIn } from "../properties/fields.js";
import { inOrderOf } from "../properties/order.js";
import type { Patch } from "../properties/patch.js";
import { ALLOW_DELETION } from "../properties/table.js";
import { lookAt } from "../queries/look-at.js";
import { readUsualTimes } from "../queries/usual-times.js";
import { areReady, type Look, type PurchasePlan } from "../resources.js";
import type { RuleFinding } from "../rules/rule.js";
import { checkRequest } from "../rules/rules.js";
import { SUPPOSED, supposing } from "../state/fold.js";
import type { Time } from "../state/fact.js";
import { reconcile, type Put } from "../state/reconcile.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal, isRestoring } from "../state/states.js";
import { glanceBy, type Glance } from "./acceptance.js";
import type { Asked, Asking } from "./asked.js";
import {
  canonicalRegions,
  gone,
  mustBeAdmitted,
  type ChangeCommand,
} from "./command.js";
import { compared, type Compared } from "./compared.js";
import { contradictionsOf, inNoWave } from "./contradictions.js";
import { plannedCopies, type PlannedCopies } from "./copies.js";
import { protectionKept } from "./decide-put.js";
import { chooseSets } from "./encryption-rule.js";
import { fingerprintOfPut, repeated, sameRequest } from "./same-operation.js";
import { withSetIds } from "./set-names.js";

type Gathered = Awaited<ReturnType<typeof gatherFacts>>;

/** A request whose shape has been validated against the OpenAPI document. */
export interface PlanImageVersion extends Pick<
  ChangeCommand,
  | "id"
  | "removeRegions"
  | "ifMatch"
  | "ifNoneMatch"
  | "mayUnprotect"
  | "pasted"
  | "requireMayUse"
  | "allowNoLatest"
> {
  readonly body: ImageVersionRequest;
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
  /** What Azure keeps of the version once that is done. */
  readonly copies: readonly PlannedCopies[];
  /** The canonical region that the version is in itself. */
  readonly home: string;
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
  const asking = await askingOf(deps, command);
  const { id, written, body, gathered } = asking;
  const decided = decidedOn(asking, contextOf(deps));
  const findings = await findingsOf(deps, asking, decided);
  const { planned, changes, document } = decided;
  const purchasePlan = found(gathered.imageDefinition)?.purchasePlan;
  const luns = sourceDataDiskLuns(body, gathered);
  const names = [...regionNamesIn(written), ...(command.removeRegions ?? [])];
  return {
    findings: findings.map((finding) => findingAsWritten(finding, names)),
    changes: changes.map((one) => changeAsWritten(one, body, written)),
    ...(purchasePlan && { purchasePlan }),
    ...(planned && {
      armRequest: await deps.resourceManager.previewPut(id, planned.body),
    }),
    ...(luns && { sourceDataDiskLuns: luns }),
    copies: plannedCopies(
      document,
      asking.glance.look?.resource,
      gathered,
      await readUsualTimes(deps.index),
    ),
    home: document.location,
  };
}

/** A request, and all that was read for it. */
interface PlanAsking extends Asking {
  readonly id: ImageVersionId;
  readonly command: PlanImageVersion;
  /** As the caller has written it, with ids of its sets. */
  readonly written: ImageVersionRequest;
  readonly fingerprint: string;
  readonly stored: StoredVersion | undefined;
  /** Why no set was chosen. */
  readonly unchosen: readonly RuleFinding[];
  readonly gathered: Gathered;
}

async function askingOf(
  deps: Dependencies,
  command: PlanImageVersion,
): Promise<PlanAsking> {
  const { id, body, ifMatch } = command;
  const written = withSetIds(body, id);
  const given = canonicalForm(written);
  mustBeAdmitted(deps, command, given);
  const stored = await deps.store.read(keyOf(formatImageVersionId(id)));
  const rule = body.sigil?.encryption;
  const removeRegions = canonicalRegions(command.removeRegions);
  const fingerprint = fingerprintOfPut(given, removeRegions, rule, ifMatch);
  // As a PUT does: what a tag has chosen before stays.
  const shown = rule?.tag === undefined ? undefined : await lookAt(deps, id);
  const { request, findings: unchosen } = await chooseSets(
    deps,
    id,
    given,
    rule,
    {
      shown: shown?.resource,
      before: sameRequest(stored, shown, fingerprint),
    },
  );
  mustBeAdmitted(deps, command, request);
  // What is asked names no set that the request does not: so much can be read at once.
  const gathered = await gatherFacts(deps, id, request, {
    sources: stored?.record.status === undefined,
  });
  return {
    id,
    command,
    written,
    body: request,
    removeRegions,
    fingerprint,
    stored,
    unchosen,
    gathered,
    glance: await glanceAt(deps, id, stored?.record, gathered.imageVersion),
  };
}

/** What Azure is taken to have, by what was gathered. */
async function glanceAt(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord | undefined,
  gathered: Gathered["imageVersion"],
): Promise<Glance> {
  const shown = found(gathered);
  if (shown === undefined && gathered.kind !== "absent")
    return { look: record?.status, seen: false };
  const time = deps.now().toISOString();
  return glanceBy(deps, id, record, shown && { ...shown, time });
}

/** What a PUT would do. */
interface Planned {
  readonly comparison: Compared;
  readonly planned: Put | undefined;
  /** The version as it would be. */
  readonly document: ImageVersionRequest;
  readonly changes: readonly PropertyChange[];
  /** The operation that does, or has done, the very same. */
  readonly same: OperationRecord | undefined;
}

function decidedOn(asking: PlanAsking, time: Time): Planned {
  const { body, fingerprint, stored, glance } = asking;
  const { look } = glance;
  const comparison = compared(asking, stored);
  const { record, asked } = comparison;
  const planned = putOf(record, asked, look, time);
  const { patch } = asked;
  // What a removal opens by itself is shut again by the next update.
  const { [ALLOW_DELETION]: opens, ...others } = planned?.changes ?? {};
  const changes = plannedChanges(
    look?.resource,
    ALLOW_DELETION in patch ? { ...others, [ALLOW_DELETION]: opens } : others,
    body,
  );
  const last = stored?.operation;
  const isDone =
    last?.status === "Succeeded" &&
    last.fingerprint === fingerprint &&
    changes.length === 0 &&
    areReady(look, regionsIn(fieldsOf(body)));
  return {
    comparison,
    planned,
    document: inOrderOf(
      canonicalForm(patched(look?.resource, { ...patch, ...planned?.changes })),
      body,
    ),
    changes,
    same: repeated(stored, look, fingerprint) ?? (isDone ? last : undefined),
  };
}

async function findingsOf(
  deps: Dependencies,
  asking: PlanAsking,
  { comparison, planned, document, same }: Planned,
): Promise<readonly RuleFinding[]> {
  const { id, command, body: request, stored, glance, gathered } = asking;
  const { record, asked, change } = comparison;
  const { look } = glance;
  const known = stored && knownOf(stored, asked.patch, request, same);
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
    ...asking.unchosen,
    ...isNotMeant(command, comparison),
    ...protectionKept(command, comparison),
    ...inNoWave(request, comparison),
    ...checkRequest({ id, request, now: deps.now(), change }),
    ...(await ruleWarnings(deps, id, request, look?.resource)),
    ...(await sourceWarnings(deps, request, look?.resource)),
    ...asked.stays,
    ...latestFindings(latest, command.allowNoLatest === true),
    ...judge(id, document, facts, deps.now(), request).findings,
  ];
  return same === undefined
    ? findings
    : findings.filter(
        // The operation itself may have removed the region already.
        ({ severity, code }) =>
          severity !== "error" && code !== "RegionNotInVersion",
      );
}

/** What would be sent for it alone: the very decision of a step. */
function putOf(
  record: ImageVersionRecord | undefined,
  asked: Asked,
  look: Look | undefined,
  time: Time,
): Put | undefined {
  const supposed = supposing(record, look, {
    patch: asked.patch,
    ...(asked.release && { release: asked.release }),
    ...(look === undefined && { creates: true }),
  });
  const decided = reconcile(supposed, time, [SUPPOSED]);
  return decided.kind === "put" ? decided : undefined;
}

/** Under a number that was there and is no more, only a request that says so makes a version. */
function isNotMeant(
  { id, ifNoneMatch }: PlanImageVersion,
  { isGone }: Compared,
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
  stored: StoredVersion,
  patch: Patch,
  request: ImageVersionRequest,
  same: OperationRecord | undefined,
): Known {
  const { record } = stored;
  const open = isFinal(record.state) ? [] : operationsOf(stored);
  const deletion = open.find(({ kind }) => kind === "DeleteImageVersion");
  return {
    operationId: deletion?.id ?? stored.operation.id,
    ...(same !== undefined && { sameRequest: same.id }),
    deleting: deletion !== undefined,
    ...(isRestoring(record.state) && { restoring: true as const }),
    conflicts: contradictionsOf(record, patch).flatMap(
      ({ operationId, conflicts }) =>
        conflicts.map((conflict) => ({
          ...contradicts(conflict, request),
          operationId,
        })),
    ),
  };
}
