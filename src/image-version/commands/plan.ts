/** What a PUT of a request would meet and do, found out without writing anything anywhere. */
import { isFinal, isRestoring } from "../state/states.js";
import {
  asWavesLeave,
  heldBack,
  mayRemoveRegions,
  ruleOf,
  unmetRequests,
} from "../state/wanted.js";
import {
  canonicalRegion,
  formatImageVersionId,
  keyOf,
  type ImageVersionId,
} from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { found, type Known } from "../preflight/facts.js";
import { gatherFacts } from "../preflight/gather-facts.js";
import { gatherKeys } from "../preflight/gather-keys.js";
import type { ArmRequest, Dependencies, StoredVersion } from "../ports.js";
import { judge } from "../preflight/judge.js";
import { ruleWarnings } from "../preflight/rule.js";
import { sourceDataDiskLuns } from "../preflight/source.js";
import { patched, updateBody } from "../properties/body.js";
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
import {
  combined,
  unmetBy,
  type Asked,
  type Patch,
} from "../properties/patch.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";
import type { RuleFinding } from "../rules/rule.js";
import { checkRequest } from "../rules/rules.js";
import { withDefaults } from "../state/reconcile.js";
import { FLAGS_BY_RULE } from "../state/waves.js";
import {
  areReady,
  isExcluded,
  type Look,
  type PurchasePlan,
} from "../resources.js";
import { withoutThose } from "./asked.js";
import { yielding, type Contradiction } from "./meanwhile.js";
import {
  fingerprintOfPut,
  isOvertaken,
  sameOperation,
  sameRequest,
} from "./same-operation.js";
import { lookAt, mustBeGone } from "../queries/look-at.js";
import { latestOf } from "../state/attempts.js";
import { contextOf } from "../../operation/steps.js";
import { gone, listIn, mustBeAdmitted, type ChangeCommand } from "./command.js";
import { chooseSets } from "./encryption-rule.js";
import {
  besideOthers,
  isAsShown,
  protectionKept,
  subjectOf,
  type Subject,
} from "./subject.js";
import { withSetIds } from "./set-names.js";

/** A request whose shape has been validated against the OpenAPI document. */
export interface PlanImageVersion {
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
  const before =
    rule?.tag === undefined
      ? undefined
      : latestOf(stored?.record, await lookAt(deps, id), contextOf(deps));
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
    sources: stored?.record.exists !== true,
  });
  const purchasePlan = found(gathered.imageDefinition)?.purchasePlan;
  const now = found(gathered.imageVersion);
  if (gathered.imageVersion.kind === "absent")
    await mustBeGone(deps, id, stored?.record, listIn(deps));
  const subject = subjectOf(
    deps,
    {
      command,
      body: request,
      removeRegions: regions,
      glance: {
        look: now && { ...now, time: deps.now().toISOString() },
        seen: true,
      },
    },
    stored,
  );
  const { running, applied, asked, shown, change } = subject;
  const { look } = subject.request.glance;
  const { conflicts, yields } = running
    ? besideOthers(running.record, subject)
    : { conflicts: [], yields: [] };
  const observed = shown?.resource;
  // Sent back as it was read, it asks nothing, whatever is being done.
  const isUnedited =
    command.pasted === true && isAsShown(subject.request, subject.record);
  const whole = combined(
    [
      ...(running ? unmetRequests(running.record) : []),
      withoutThose(asked, yields),
    ],
    applied,
  );
  const wanted = asWavesLeave(whole, applied, observed, subject.record);
  const patch = isUnedited
    ? {}
    : shown !== undefined && isMet(asked, whole, shown)
      ? { ...wanted, ...FLAGS_BY_RULE }
      : wanted;
  const document = inOrderOf(canonicalForm(patched(observed, patch)), request);
  const changes = plannedChanges(observed, patch, request);
  const isSame = (one: OperationRecord): boolean =>
    one.fingerprint === fingerprint;
  const open = sameOperation(stored, look, isSame);
  const same =
    (open !== undefined &&
    (!isOvertaken(stored, open) || Object.keys(asked.changes).length === 0)
      ? open
      : undefined) ??
    (stored?.operation.status === "Succeeded" &&
    isSame(stored.operation) &&
    applied !== undefined &&
    changes.length === 0 &&
    areReady(look, regionsIn(fieldsOf(request)))
      ? stored.operation
      : undefined);
  const known = knownOf(stored, conflicts, request, same);
  const facts = await gatherKeys(
    deps,
    id,
    { ...gathered, ...(change && { change }), ...(known && { known }) },
    // What a rule promotes waits for its keys, and is not refused.
    canonicalForm(patched(observed, wanted)),
    change?.observed,
  );
  const findings = [
    ...unchosen,
    ...isNotMeant(command, subject),
    ...protectionKept(command, subject),
    ...checkRequest({ id, request, now: deps.now(), change }),
    ...(await ruleWarnings(deps, id, request, observed)),
    ...(same === undefined ? yielding(yields, request) : []),
    ...judge(id, document, facts, deps.now(), request).findings,
  ];
  const luns = sourceDataDiskLuns(request, gathered);
  const names = [...regionNamesIn(written), ...removeRegions];
  return {
    findings: (same === undefined && !isUnedited
      ? findings
      : findings.filter(
          // The operation itself may have removed the region already.
          ({ severity, code }) =>
            severity !== "error" && code !== "RegionNotInVersion",
        )
    ).map((finding) => findingAsWritten(finding, names)),
    changes: changes.map((one) => changeAsWritten(one, request, written)),
    ...(purchasePlan && { purchasePlan }),
    ...(changes.length > 0 && {
      armRequest: await deps.resourceManager.previewPut(
        id,
        bodyOf(
          observed,
          patch,
          mayRemoveRegions(patch, applied, observed ? fieldsOf(observed) : {}),
        ),
      ),
    }),
    ...(luns && { sourceDataDiskLuns: luns }),
  };
}

/** The rule that is asked for holds already: its promotion is sent with the rest. */
function isMet({ changes }: Asked, patch: Patch, look: Look): boolean {
  const rule = ruleOf(changes);
  if (
    rule === undefined ||
    !isExcluded(look.resource) ||
    patch[EXCLUDE_FROM_LATEST] === true
  )
    return false;
  const shown = look.regions.map(({ name }) => name);
  const names =
    rule.when === "allRegionsReady"
      ? [...new Set([...shown, ...regionsIn(patch)])]
      : rule.when === "regions"
        ? (rule.regions ?? [])
        : [];
  return (
    names.length > 0 &&
    names.every((name) => shown.includes(name)) &&
    areReady(look, names)
  );
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

function bodyOf(
  observed: ImageVersionRequest | undefined,
  patch: Patch,
  mayRemove: boolean,
): ImageVersionRequest {
  if (observed === undefined)
    return withDefaults(patched(undefined, heldBack(patch)));
  const changes = Object.fromEntries(
    unmetBy(fieldsOf(observed), patch).map(({ field, after }) => [
      field,
      after,
    ]),
  );
  return updateBody(observed, changes, mayRemove).request;
}

function knownOf(
  stored: StoredVersion | undefined,
  conflicts: readonly Contradiction[],
  request: ImageVersionRequest,
  same: OperationRecord | undefined,
): Known | undefined {
  if (stored === undefined) return undefined;
  const { record, operation } = stored;
  const open = isFinal(record.state)
    ? []
    : [
        operation,
        ...record.members,
        ...record.queued.map((queued) => queued.operation),
      ];
  const deletes = open.find(({ kind }) => kind === "DeleteImageVersion");
  return {
    operationId: deletes?.id ?? operation.id,
    ...(same !== undefined && { sameRequest: same.id }),
    deleting: deletes !== undefined,
    ...(isRestoring(record.state) && { restoring: true as const }),
    conflicts: conflicts.map((conflict) => ({
      ...contradicts(conflict, request),
      operationId: conflict.operationId,
    })),
  };
}
