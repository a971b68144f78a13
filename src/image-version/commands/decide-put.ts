/**
 * What becomes of a PUT or PATCH: decided on the very state that it changes, and on what Azure has just shown. Pure, but for
 * the clock. Its invariants are those of put.ts.
 */
import { ServiceError, type Finding } from "../../errors.js";
import type { Decision } from "../../operation/accepting.js";
import { isFinal } from "../state/states.js";
import { contextOf } from "../../operation/steps.js";
import { formatImageVersionId, keyOf } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Change } from "../preflight/facts.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { notFound } from "../queries/not-found.js";
import { errorsAmong } from "../preflight/judge.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { contradicts, differs } from "../properties/changes.js";
import {
  fieldsOf,
  regionsIn,
  sameAt,
  type Fields,
} from "../properties/fields.js";
import {
  clearedBy,
  combined,
  askedOfSeen,
  unmetBy,
  type Asked,
  type Conflict,
  type Patch,
} from "../properties/patch.js";
import { DRIFT, PROMOTION, PROTECTED } from "../properties/table.js";
import { etagOf } from "../queries/etag.js";
import { checkChange, checkRequest } from "../rules/rules.js";
import { shownOf } from "../queries/shown.js";
import { shownOwn } from "../queries/views.js";
import { areReady, type DeletedImageVersion, type Look } from "../resources.js";
import {
  isMadeByOthers,
  known,
  unsettled,
  withoutLife,
} from "../state/adoption.js";
import { isOld, isRecent, isUncertain, latestOf } from "../state/attempts.js";
import { enqueue } from "../state/batch.js";
import { isHeld } from "../state/held.js";
import { isTakenBack } from "../state/outside.js";
import {
  sentLast,
  type ImageVersionRecord,
  type VersionRequest,
} from "../state/record.js";
import { accept, type Accepting } from "../state/accepting.js";
import {
  isIncluded,
  isProtected,
  keptOf,
  unmetRequests,
} from "../state/wanted.js";
import {
  gone,
  lifeIn,
  mustHaveRoom,
  mustMatch,
  mustNotBeRestored,
  type Glance,
  type ChangeCommand,
  type Command,
} from "./command.js";
import {
  askedOf,
  isNewsOfLatest,
  overrules,
  withoutThose,
  withStated,
  type Asking,
} from "./asked.js";
import { meanwhile, yielding } from "./meanwhile.js";
import { isOvertaken, sameOperation } from "./same-operation.js";
import { softDeleted } from "./soft-delete.js";

/** One request, as far as it is known before the state is. */
export interface Request extends Asking {
  readonly command: ChangeCommand;
  readonly fingerprint: string;
  readonly requestKey?: string | undefined;
  readonly mayCreate: boolean;
  readonly glance: Glance;
  /** The deleted version that has the number. */
  readonly deleted?: DeletedImageVersion | undefined;
}

/** Nothing is to be done; what is worth saying of that. */
export interface Unchanged {
  readonly unchanged: true;
  readonly warnings: readonly Finding[];
}

/** The operation that is the answer, the state that makes a new one, or that nothing is changed. */
export function decideOn(
  deps: Dependencies,
  given: Request,
  stored: StoredVersion | undefined,
): Decision<ImageVersionRecord, Unchanged> {
  const request = withLatest(deps, given, stored?.record);
  const { command, body, fingerprint, glance: seen } = request;
  const { id, pasted } = command;
  const { look } = seen;
  const running = stored !== undefined && !isFinal(stored.record.state);
  const record = running
    ? withShown(stored.record, look)
    : stored && known(stored.record, look);
  const same = sameOperation(
    stored,
    look,
    (operation) => operation.fingerprint === fingerprint,
  );
  if (same !== undefined && !isOvertaken(stored, same)) return same; // Invariant 1.
  mustNotBeRestored(id, stored);
  const isGone =
    !running &&
    look === undefined &&
    (record?.state === "Deleted" ||
      (record?.exists === true && seen.seen && !isUnseen(deps, record)));
  // What was applied in an earlier life is void.
  const applied =
    isGone || (record && look && isMadeByOthers(record, look))
      ? undefined
      : record?.lastApplied;
  const asked = askedOf(request, record, applied);
  if (!isGone) mustMayUnprotect(command, record, asked);
  const shown =
    look ?? (record?.exists === true && !isGone ? record.observed : undefined);
  const change = shown && {
    ...changeOf(request, shown.resource, asked, applied),
    ...(isHeld(asked, request.patch === undefined ? body : undefined, {
      record,
      look,
    }) && { held: true }),
  };
  mustMatch(command, look, record, change && differences(change, body));
  if (
    command.ifNoneMatch === "*" &&
    (look !== undefined || isUnseen(deps, record) || isBeingCreated(record))
  )
    throw new ServiceError(
      "PreconditionFailed",
      `${formatImageVersionId(id)} exists, or is being created: the condition If-None-Match is not met.`,
      { fields: { etag: etagOf(look, record) } },
    );
  if (!running && look === undefined && request.deleted !== undefined)
    throw softDeleted(id, request.deleted);
  if (isGone && command.ifNoneMatch !== "*")
    throw request.mayCreate ? gone(id) : notFound(id, record); // Invariant 4.
  const mayBeBefore = (patch: Patch): boolean =>
    record !== undefined &&
    look !== undefined &&
    (isOld(record, look, contextOf(deps)) ||
      isTakenBack(record, look, contextOf(deps)) ||
      isUncertain(record, look, patch, contextOf(deps)));
  if (
    pasted === true &&
    seen.seen &&
    !mayBeBefore((record && unsettled(record, look)) ?? {}) &&
    isAsShown(request, look, record)
  )
    return { answer: { unchanged: true, warnings: [] } }; // Invariant 3.
  const subject = { id, request: body, now: deps.now(), change };
  const ofRequest = checkRequest(subject);
  mustBeValid(ofRequest);
  const yields = running
    ? mustNotContradict(stored, withStated(request, asked), request)
    : [];
  const accepting = acceptingOf(
    request,
    withoutThose(asked, yields),
    change,
    isGone,
  );
  const ofChange = checkChange(subject);
  const warnings = [...ofRequest, ...ofChange].filter(
    ({ severity }) => severity === "warning",
  );
  if (change !== undefined) {
    mustBePossible(ofChange, id, stored);
    if (
      !running &&
      seen.seen &&
      !mayBeBefore(change.patch) &&
      isUnchanged(change, record, asked) &&
      !overrules(asked, record, look) &&
      !isNewsOfLatest(request, asked, record) &&
      areReady(look, accepting.regions)
    ) {
      const last = stored?.operation;
      if (
        applied !== undefined &&
        last?.status === "Succeeded" &&
        last.fingerprint === fingerprint &&
        pasted !== true
      )
        return last; // Invariant 1.
      if (applied !== undefined || pasted === true || request.onlyChanges)
        return { answer: { unchanged: true, warnings } }; // Invariant 3.
    }
  }
  if (running) {
    mustHaveRoom(stored, accepting.request);
    return enqueue(stored, accepting, contextOf(deps), [
      ...warnings,
      ...yielding(yields, body),
    ]);
  }
  return accept(
    accepting,
    isGone && record ? withoutLife(record, deps.now()) : record,
    contextOf(deps),
    warnings,
  );
}

/** No request is judged by a look that is known to be old. */
function withLatest(
  deps: Dependencies,
  request: Request,
  record: ImageVersionRecord | undefined,
): Request {
  const { glance } = request;
  const look = latestOf(record, glance.look, contextOf(deps));
  return {
    ...request,
    // What it does not show may have been changed by others: nothing is unchanged by it.
    glance: { look, seen: glance.seen && look === glance.look },
    ...(glance.look !== undefined &&
      look !== glance.look && { behind: glance.look }),
  };
}

/** Of those that are canceled, and not over, what this look shows is applied. */
function withShown(
  record: ImageVersionRecord,
  look: Look | undefined,
): ImageVersionRecord {
  return look === undefined
    ? record
    : { ...record, ...keptOf({ ...record, observed: look }) };
}

/** A creation is not over, and Azure shows nothing of it. */
function isBeingCreated(record: ImageVersionRecord | undefined): boolean {
  return (
    record !== undefined &&
    !isFinal(record.state) &&
    !record.exists &&
    [
      ...Object.values(record.requests),
      ...record.queued.map(({ request }) => request),
    ].some(({ creates, created }) => creates === true || created === true)
  );
}

/** The body says what GET shows, and no more. */
function isAsShown(
  { body, removeRegions }: Request,
  look: Look | undefined,
  record: ImageVersionRecord | undefined,
): boolean {
  const shown = shownOf(look, record);
  if (shown === undefined) return false;
  const { changes } = askedOfSeen(
    { ...fieldsOf(shown), ...(record && shownOwn(record)) },
    fieldsOf(body),
    removeRegions,
  );
  return Object.keys(changes).length === 0;
}

/** Azure has taken what was sent a moment ago, and need not show it yet. */
function isUnseen(
  deps: Pick<Dependencies, "now" | "pace">,
  record: ImageVersionRecord | undefined,
): boolean {
  const sent = record && sentLast(record);
  if (!record?.exists || sent === undefined || sent.outcome === "shown")
    return false;
  return isRecent(sent, { now: deps.now(), pace: deps.pace });
}

function changeOf(
  { onlyChanges }: Request,
  resource: ImageVersionRequest,
  asked: Asked,
  applied: Fields | undefined,
): Change {
  return {
    observed: canonicalForm(resource),
    patch: combined([asked], applied),
    ...(applied && { lastApplied: applied }),
    ...(applied === undefined && !onlyChanges && { unmanaged: true }),
  };
}

function differences(
  { observed, patch }: Change,
  body: ImageVersionRequest,
): readonly Finding[] {
  return unmetBy(fieldsOf(observed), patch).map((unmet) =>
    differs(unmet, body),
  );
}

function isUnchanged(
  { observed, patch, lastApplied = {} }: Change,
  record: ImageVersionRecord | undefined,
  asked: Asked,
): boolean {
  return (
    unmetBy(fieldsOf(observed), patch).length === 0 &&
    !(PROMOTION in asked.changes) &&
    [PROTECTED, DRIFT].every(
      (name) =>
        !(name in asked.changes) ||
        sameAt(name, lastApplied[name], asked.changes[name]),
    ) &&
    !Object.values(record?.repairs ?? {}).some(
      ({ removed }) => removed !== undefined,
    )
  );
}

function mustBeValid(found: ReturnType<typeof checkRequest>): void {
  const findings = errorsAmong(found);
  if (findings.length > 0)
    throw new ServiceError(
      "InvalidRequest",
      `The request has ${errorsIn(findings)}; each is listed under errors.`,
      { findings },
    );
}

/** Throws where the request takes a protection off, and whoever asks is no Admin. */
function mustMayUnprotect(
  { id, mayUnprotect }: ChangeCommand,
  record: ImageVersionRecord | undefined,
  { changes }: Asked,
): void {
  if (
    changes[PROTECTED] === undefined ||
    changes[PROTECTED] === true ||
    mayUnprotect === true ||
    record === undefined ||
    !isProtected(record)
  )
    return;
  const message = `${formatImageVersionId(id)} is protected from deletion, and only an Admin takes that off.`;
  throw new ServiceError("Forbidden", message, {
    findings: [
      {
        code: "ProtectionKept",
        pointer: "/sigil/protected",
        message,
        severity: "error",
        remediation: "Leave protected out, or ask an Admin to set it to false.",
      },
    ],
  });
}

/** Throws when the request changes what cannot be changed. */
function mustBePossible(
  found: ReturnType<typeof checkChange>,
  id: Command["id"],
  stored: StoredVersion | undefined,
): void {
  const refused = errorsAmong(found);
  if (refused.length === 0) return;
  throw new ServiceError(
    "ImageVersionConflict",
    `${formatImageVersionId(id)} exists, and the request changes properties that cannot be changed; each is listed under errors. Keep them, or use another version name.`,
    {
      findings: refused,
      fields: { existingOperationId: stored?.operation.id },
    },
  );
}

/** Throws when the request contradicts what is being done, or what is queued; answers in what it gives way. */
function mustNotContradict(
  { record, operation }: StoredVersion,
  asked: Asked,
  { body, command: { id, ifMatch }, onlyChanges, patch, glance }: Request,
): readonly Conflict[] {
  const fields = { existingOperationId: operation.id };
  const deletes = [
    operation,
    ...record.members,
    ...record.queued.map((queued) => queued.operation),
  ].find(({ kind }) => kind === "DeleteImageVersion");
  if (deletes !== undefined)
    throw new ServiceError(
      "ImageVersionConflict",
      `${formatImageVersionId(id)} is being deleted by operation ${deletes.id}. Wait until it has ended, or use another version name.`,
      { fields },
    );
  const { conflicts, yields } = meanwhile(unmetRequests(record), asked, {
    ...(!(onlyChanges && (patch !== undefined || ifMatch !== "*")) && {
      whole: fieldsOf(body),
    }),
    cleared: clearedBy(patch),
    included: isIncluded(glance.look),
  });
  if (conflicts.length === 0) return yields;
  throw new ServiceError(
    "ImageVersionConflict",
    `The request contradicts operation ${operation.id} on ${formatImageVersionId(id)}; each contradiction is listed under errors. Wait until the operation has ended, or use another version name.`,
    {
      findings: conflicts.map((conflict) => contradicts(conflict, body)),
      fields,
    },
  );
}

function acceptingOf(
  {
    command,
    body,
    fingerprint,
    requestKey,
    onlyChanges,
    mayCreate,
    patch,
    glance: { look },
  }: Request,
  asked: Asked,
  change: Change | undefined,
  isGone: boolean,
): Accepting {
  const { id, requestedBy, traceparent, event } = command;
  const resourceId = formatImageVersionId(id);
  const exists = change !== undefined && !isGone;
  const request: VersionRequest = {
    ...asked,
    body,
    ...lifeIn(look),
    ...(patch !== undefined && { patch: true }),
    // Whose condition is met by a version that is not there yet has seen nothing that it changes.
    ...(mayCreate && !(onlyChanges && look !== undefined) && { creates: true }),
  };
  const names = regionsIn(
    onlyChanges ? presentAmong(asked.changes) : fieldsOf(body),
  );
  return {
    kind: exists ? "UpdateImageVersion" : "CreateImageVersion",
    key: keyOf(resourceId),
    resourceId,
    request,
    regions: names,
    fingerprint,
    requestedBy,
    traceparent,
    ...(requestKey !== undefined && { requestKey }),
    ...(event !== undefined && { event }),
  };
}

function presentAmong(changes: Asked["changes"]): Fields {
  return Object.fromEntries(
    Object.entries(changes).filter(([, value]) => value !== null),
  );
}

export function errorsIn({ length }: readonly unknown[]): string {
  return `${length} error${length === 1 ? "" : "s"}`;
}
