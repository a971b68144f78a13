/**
 * What becomes of a PUT or PATCH: decided on the very state that it changes, and on what Azure has just shown. Pure, but for
 * the clock. Its invariants are those of put.ts.
 */
import { ServiceError, type Finding } from "../../errors.js";
import type { Decision } from "../../operation/accepting.js";
import { isFinal } from "../state/states.js";
import { contextOf } from "../../operation/steps.js";
import type { OperationRecord } from "../../operation/records.js";
import { formatImageVersionId, keyOf } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Change } from "../preflight/facts.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { notFound } from "../queries/not-found.js";
import { errorsAmong } from "../preflight/judge.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { contradicts, differs } from "../properties/changes.js";
import { fieldsOf, regionsIn, type Fields } from "../properties/fields.js";
import {
  askedBy,
  combined,
  conflictsBetween,
  askedOfSeen,
  statedBy,
  unmetBy,
  type Asked,
} from "../properties/patch.js";
import { PROMOTION } from "../properties/table.js";
import { etagOf } from "../queries/etag.js";
import { checkChange, checkRequest } from "../rules/rules.js";
import { isMadeByOthers } from "../state/adoption.js";
import { enqueue } from "../state/batch.js";
import {
  sentLast,
  type ImageVersionRecord,
  type VersionRequest,
} from "../state/record.js";
import { accept, type Accepting } from "../state/accepting.js";
import {
  gone,
  mustHaveRoom,
  mustMatch,
  type Glance,
  type ChangeCommand,
  type Command,
} from "./command.js";

/** One request, as far as it is known before the state is. */
export interface Request {
  readonly command: ChangeCommand;
  /** Canonical. */
  readonly body: ImageVersionRequest;
  readonly fingerprint: string;
  readonly requestKey?: string | undefined;
  readonly removeRegions: readonly string[];
  /** True where only what differs from what Azure shows is asked. */
  readonly onlyChanges: boolean;
  readonly mayCreate: boolean;
  /** The merge patch that was sent, where one was. */
  readonly patch?: unknown;
  readonly glance: Glance;
}

/** The operation that is the answer, the state that makes a new one, or `unchanged`. */
export function decideOn(
  deps: Dependencies,
  request: Request,
  stored: StoredVersion | undefined,
): Decision<ImageVersionRecord, "unchanged"> {
  const { command, body, fingerprint, glance: seen } = request;
  const { id } = command;
  const record = stored?.record;
  const running = stored !== undefined && !isFinal(stored.record.state);
  const { look } = seen;
  if (running) {
    const same = openOperations(stored).find(
      (operation) => operation.fingerprint === fingerprint,
    );
    if (same !== undefined) return same; // Invariant 1.
  }
  const existed = record?.exists === true || record?.state === "Deleted";
  const isGone =
    existed &&
    !running &&
    seen.seen &&
    look === undefined &&
    !isUnseen(deps, record);
  // What was applied in an earlier life is void.
  const applied =
    isGone || (record && look && isMadeByOthers(record, look))
      ? undefined
      : record?.lastApplied;
  const asked = askedOf(request, applied);
  const shown =
    look ?? (record?.exists === true && !isGone ? record.observed : undefined);
  const change = shown && changeOf(request, shown.resource, asked, applied);
  mustMatch(command, look, record, change && differences(change, body));
  if (
    command.ifNoneMatch === "*" &&
    (look !== undefined || (!running && isUnseen(deps, record)))
  )
    throw new ServiceError(
      "PreconditionFailed",
      `${formatImageVersionId(id)} exists: the condition If-None-Match cannot hold.`,
      { fields: { etag: etagOf(look, record) } },
    );
  if ((isGone || record?.state === "Deleted") && command.ifNoneMatch !== "*")
    throw request.mayCreate ? gone(id) : notFound(id); // Invariant 4.
  mustBeValid(deps, request, change);
  if (running) mustNotContradict(stored, asked, body, id);
  if (change !== undefined) {
    mustBePossible(deps, request, change, stored);
    if (!running && seen.seen && isUnchanged(change, record, asked)) {
      const same = stored?.operation;
      if (
        same?.status === "Succeeded" &&
        same.fingerprint === fingerprint &&
        command.pasted !== true
      )
        return same;
      if (
        record?.lastApplied !== undefined ||
        command.pasted === true ||
        request.onlyChanges
      )
        return { answer: "unchanged" }; // Invariant 3.
    }
  }
  const accepting = acceptingOf(request, asked, change, isGone);
  if (running) {
    mustHaveRoom(stored, accepting.request);
    return enqueue(stored, accepting, contextOf(deps));
  }
  return accept(
    accepting,
    isGone && record ? withoutLife(record) : record,
    contextOf(deps),
    warningsOf(deps, request, change),
  );
}

/** Azure has taken what was sent a moment ago, and need not show it yet. */
function isUnseen(
  deps: Pick<Dependencies, "now" | "pace">,
  record: ImageVersionRecord | undefined,
): boolean {
  const sent = record && sentLast(record);
  if (!record?.exists || sent === undefined || sent.outcome === "shown")
    return false;
  const { putTimeoutMs, staleMs } = deps.pace;
  return (
    deps.now().getTime() - Date.parse(sent.sentTime) <
    (sent.outcome === "unknown" ? putTimeoutMs * 2 : staleMs)
  );
}

/** What Sigil knew was of a version that is no more. */
function withoutLife(record: ImageVersionRecord): ImageVersionRecord {
  const {
    lastApplied: _,
    observed: __,
    publishedDate: ___,
    lastAttempt: ____,
    overriddenRule: _____,
    unmanaged: ______,
    ...kept
  } = record;
  return { ...kept, exists: false, regions: [], repairs: {}, opened: false };
}

function openOperations({
  record,
  operation,
}: StoredVersion): readonly OperationRecord[] {
  if (operation.kind === "DeleteImageVersion") return [];
  return [
    operation,
    ...record.members,
    ...record.queued.map((queued) => queued.operation),
  ].filter(
    ({ id, status }) =>
      (status === "NotStarted" || status === "Running") &&
      // One that is canceled does no more what it was asked for.
      record.requests[id]?.decided === undefined,
  );
}

function askedOf(request: Request, applied: Fields | undefined): Asked {
  const { body, removeRegions, onlyChanges, glance: seen, command } = request;
  const fields = fieldsOf(body);
  if (onlyChanges && seen.look !== undefined) {
    const rule = applied?.[PROMOTION];
    const shown = {
      ...fieldsOf(seen.look.resource),
      ...(rule !== undefined && { [PROMOTION]: rule }),
    };
    const { changes, repeats } = askedOfSeen(shown, fields, removeRegions);
    return {
      changes: { ...changes, ...statedBy(request.patch ?? {}, fields) },
      repeats,
    };
  }
  return command.pasted === true && applied === undefined
    ? askedBy(fields, fieldsOf(seen.look?.resource ?? body), removeRegions)
    : askedBy(fields, applied, removeRegions);
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
  { observed, patch }: Change,
  record: ImageVersionRecord | undefined,
  asked: Asked,
): boolean {
  return (
    unmetBy(fieldsOf(observed), patch).length === 0 &&
    !(PROMOTION in asked.changes) &&
    !Object.values(record?.repairs ?? {}).some(
      ({ removed }) => removed !== undefined,
    ) &&
    record?.regions.every(
      ({ state, attempts }) => state === "Completed" || attempts === 0,
    ) !== false
  );
}

function mustBeValid(
  deps: Dependencies,
  { command: { id }, body }: Request,
  change: Change | undefined,
): void {
  const findings = errorsAmong(
    checkRequest({ id, request: body, now: deps.now(), change }),
  );
  if (findings.length > 0)
    throw new ServiceError(
      "InvalidRequest",
      `The request has ${errorsIn(findings)}; each is listed under errors.`,
      { findings },
    );
}

/** Throws when the request changes what cannot be changed. */
function mustBePossible(
  deps: Dependencies,
  { command: { id }, body }: Request,
  change: Change,
  stored: StoredVersion | undefined,
): void {
  const refused = errorsAmong(
    checkChange({ id, request: body, now: deps.now(), change }),
  );
  if (refused.length === 0) return;
  throw new ServiceError(
    "ImageVersionConflict",
    `${formatImageVersionId(id)} exists, and the request changes what cannot be changed; errors says what. Keep those properties, or use another version name.`,
    {
      findings: refused,
      fields: { existingOperationId: stored?.operation.id },
    },
  );
}

/** Throws when the request contradicts what is being done, or what is queued. */
function mustNotContradict(
  { record, operation }: StoredVersion,
  asked: Asked,
  body: ImageVersionRequest,
  id: Command["id"],
): void {
  const fields = { existingOperationId: operation.id };
  const deletes = [
    operation,
    ...record.queued.map((queued) => queued.operation),
  ].find(({ kind }) => kind === "DeleteImageVersion");
  if (deletes !== undefined)
    throw new ServiceError(
      "ImageVersionConflict",
      `${formatImageVersionId(id)} is being deleted by operation ${deletes.id}. Wait until it has ended, or use another version name.`,
      { fields },
    );
  const others = [
    ...Object.values(record.requests).filter(
      ({ appliedTime, decided }) =>
        appliedTime === undefined && decided === undefined,
    ),
    ...record.queued.map(({ request }) => request),
  ];
  const conflicts = others.flatMap((other) => conflictsBetween(other, asked));
  if (conflicts.length === 0) return;
  throw new ServiceError(
    "ImageVersionConflict",
    `${formatImageVersionId(id)} is being worked on as another request asks, which this one contradicts; errors says where. Wait until operation ${operation.id} has ended, or use another version name.`,
    {
      findings: conflicts.map((conflict) => contradicts(conflict, body)),
      fields,
    },
  );
}

function acceptingOf(
  { command, body, fingerprint, requestKey, onlyChanges, mayCreate }: Request,
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
    ...(mayCreate && !onlyChanges && { creates: true }),
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

function warningsOf(
  deps: Dependencies,
  { command: { id }, body }: Request,
  change: Change | undefined,
): readonly Finding[] {
  const subject = { id, request: body, now: deps.now(), change };
  return [...checkRequest(subject), ...checkChange(subject)].filter(
    ({ severity }) => severity === "warning",
  );
}

export function errorsIn({ length }: readonly unknown[]): string {
  return `${length} error${length === 1 ? "" : "s"}`;
}
