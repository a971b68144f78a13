/**
 * What becomes of a PUT or PATCH: decided on the very state that it changes, and on what Azure has just shown. Pure, but for
 * the clock. Its invariants are those of put.ts.
 */
import { ServiceError, type Finding } from "../../errors.js";
import type { Decision } from "../../operation/accepting.js";
import { isToBeShown } from "../state/states.js";
import { contextOf } from "../../operation/steps.js";
import { formatImageVersionId, keyOf } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Change } from "../preflight/facts.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { notFound } from "../queries/not-found.js";
import { errorsAmong } from "../preflight/judge.js";
import { isGuarded } from "../preflight/use.js";
import { contradicts, differs } from "../properties/changes.js";
import {
  fieldsOf,
  regionField,
  regionsIn,
  sameAt,
  type Fields,
} from "../properties/fields.js";
import {
  unmetBy,
  type Asked,
  type Conflict,
  type Patch,
} from "../properties/patch.js";
import {
  DRIFT,
  END_OF_LIFE_DATE,
  PROMOTION,
  PROTECTED,
} from "../properties/table.js";
import { etagOf } from "../queries/etag.js";
import { checkChange, checkRequest } from "../rules/rules.js";
import { areReady, type DeletedImageVersion } from "../resources.js";
import { found, unsettled, withoutLife } from "../state/adoption.js";
import { knownAtRest, tellingEnd } from "../state/at-rest.js";
import { isUncertain } from "../state/attempts.js";
import { enqueue } from "../state/batch.js";
import { settingAnew } from "../state/correcting.js";
import { openDeletionOf } from "../state/guarding.js";
import type { ImageVersionRecord, VersionRequest } from "../state/record.js";
import { accept, type Accepting } from "../state/accepting.js";
import { protectedBefore, unmetRequests } from "../state/wanted.js";
import {
  gone,
  KEEP_IT,
  lifeIn,
  mustHaveRoom,
  mustMatch,
  mustNotBeRestored,
  type Glance,
  type ChangeCommand,
  type Command,
} from "./command.js";
import {
  asksOnlyChanges,
  isNewsOfLatest,
  overrules,
  presumedBy,
  withoutThose,
  type Asking,
} from "./asked.js";
import { yielding } from "./meanwhile.js";
import {
  besideOthers,
  isAsShown,
  isUnseen,
  protectionKept,
  subjectOf,
  type Subject,
} from "./subject.js";
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
  /** What else is worth saying of it. */
  readonly warnings?: readonly Finding[];
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
  const subject = subjectOf(deps, given, stored);
  const { request, running, record, isGone, applied, asked, change } = subject;
  const { command, body, fingerprint, glance: seen } = request;
  const { id, pasted } = command;
  const { look } = seen;
  const same = sameOperation(
    stored,
    look,
    (operation) => operation.fingerprint === fingerprint,
    request.otherwise,
  );
  if (same !== undefined && !isOvertaken(stored, same)) return same; // Invariant 1.
  mustNotBeRestored(id, stored);
  mustMayUnprotect(command, subject);
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
    (request.otherwise !== undefined ||
      isUncertain(record, look, patch, contextOf(deps)));
  if (
    pasted === true &&
    seen.seen &&
    !mayBeBefore((record && unsettled(record, look)) ?? {}) &&
    isAsShown(request, record)
  )
    return { answer: { unchanged: true, warnings: [] } }; // Invariant 3.
  const checked = { id, request: body, now: deps.now(), change };
  const ofRequest = checkRequest(checked);
  mustBeValid(ofRequest);
  const yields = running ? mustNotContradict(running, subject) : [];
  const accepting = acceptingOf(request, withoutThose(asked, yields), change, {
    isGone,
    guards: isGuarded(deps),
    presumes: presumedBy(request, asked, record ? unmetRequests(record) : []),
  });
  const ofChange = checkChange(checked);
  const warnings = [
    ...[...ofRequest, ...ofChange].filter(
      ({ severity }) => severity === "warning",
    ),
    ...(request.warnings ?? []),
  ];
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
        pasted !== true &&
        // What is worth saying now was said then.
        warnings.every(({ code }) =>
          last.warnings?.some((one) => one.code === code),
        )
      )
        return last; // Invariant 1.
      const asksNothing =
        request.patch !== undefined && Object.keys(asked.changes).length === 0;
      if (applied !== undefined || pasted === true || asksNothing)
        return { answer: { unchanged: true, warnings } }; // Invariant 3.
    }
  }
  if (running) {
    mustHaveRoom(running, accepting.request);
    return enqueue(running, accepting, contextOf(deps), [
      ...warnings,
      ...yielding(yields, body),
    ]);
  }
  return accept(
    accepting,
    stored === undefined
      ? look && (request.patch !== undefined || command.ifMatch !== undefined)
        ? found(look, accepting, deps.now())
        : undefined
      : isGone
        ? withoutLife(tellingEnd(stored, contextOf(deps)), deps.now())
        : knownAtRest(stored, look, contextOf(deps)),
    contextOf(deps),
    warnings,
  );
}

/** A creation is not over, and Azure shows nothing of it. */
function isBeingCreated(record: ImageVersionRecord | undefined): boolean {
  return (
    record !== undefined &&
    isToBeShown(record) &&
    [
      ...Object.values(record.requests),
      ...record.queued.map(({ request }) => request),
    ].some(({ creates, created }) => creates === true || created === true)
  );
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
  { observed, patch, lastApplied }: Change,
  record: ImageVersionRecord | undefined,
  asked: Asked,
): boolean {
  const applied = lastApplied ?? (record && protectedBefore(record)) ?? {};
  return (
    unmetBy(fieldsOf(observed), patch).length === 0 &&
    !(PROMOTION in asked.changes) &&
    Object.keys(settingAnew(asked.changes, applied)).length === 0 &&
    [PROTECTED, DRIFT].every(
      (name) =>
        !(name in asked.changes) ||
        sameAt(name, applied[name], asked.changes[name]),
    ) &&
    !Object.entries(record?.repairs ?? {}).some(
      ([name, { removed, lost }]) =>
        removed !== undefined ||
        (lost !== undefined && asked.changes[regionField(name)] === null),
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
function mustMayUnprotect(command: ChangeCommand, subject: Subject): void {
  const findings = protectionKept(command, subject);
  const [first] = findings;
  if (first !== undefined)
    throw new ServiceError("Forbidden", first.message, { findings });
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

/** What a retention policy is to delete is judged anew once this is asked. */
function mayHaveItKept({ changes }: Asked): boolean {
  return (
    changes[PROTECTED] === true || typeof changes[END_OF_LIFE_DATE] === "string"
  );
}

/** Throws when the request contradicts what is being done, or what is queued; answers in what it gives way. */
function mustNotContradict(
  { record, operation }: StoredVersion,
  subject: Subject<Request>,
): readonly Conflict[] {
  const { body, command } = subject.request;
  const { id } = command;
  const deletes = [
    operation,
    ...record.members,
    ...record.queued.map((queued) => queued.operation),
  ].find(({ kind }) => kind === "DeleteImageVersion");
  const isJudged = openDeletionOf(record)?.isJudged === true;
  if (deletes !== undefined && !(isJudged && mayHaveItKept(subject.asked)))
    throw new ServiceError(
      "ImageVersionConflict",
      `${formatImageVersionId(id)} is being deleted by operation ${deletes.id}. Wait until it has ended, or use another version name.${isJudged ? KEEP_IT : ""}`,
      { fields: { existingOperationId: deletes.id } },
    );
  const { conflicts, yields } = besideOthers(record, subject);
  // They end in this order: after the last nothing contradicts.
  const ids = [...new Set(conflicts.map(({ operationId }) => operationId))];
  const last = ids.at(-1);
  if (last === undefined) return yields;
  throw new ServiceError(
    "ImageVersionConflict",
    `The request contradicts operation ${ids.join(" and ")} on ${formatImageVersionId(id)}; each contradiction is listed under errors. Wait until operation ${last} has ended, or use another version name.`,
    {
      findings: conflicts.map((conflict) => contradicts(conflict, body)),
      fields: { existingOperationId: last },
    },
  );
}

function acceptingOf(
  given: Request,
  asked: Asked,
  change: Change | undefined,
  {
    isGone,
    guards,
    presumes,
  }: {
    readonly isGone: boolean;
    readonly guards: boolean;
    readonly presumes: Patch;
  },
): Accepting {
  const { command, body, fingerprint, requestKey, mayCreate, patch } = given;
  const { removeRegions, glance } = given;
  const { look } = glance;
  const { id, requestedBy, traceparent, event } = command;
  const resourceId = formatImageVersionId(id);
  const exists = change !== undefined && !isGone;
  const request: VersionRequest = {
    ...asked,
    body,
    ...lifeIn(look),
    ...(patch !== undefined && { patch: true }),
    ...(Object.keys(presumes).length > 0 && { presumes }),
    ...(guards &&
      command.ignoreUse !== true &&
      removeRegions.length > 0 && { guardsRegions: true }),
    // Whose condition is met by a version that is not there yet has seen nothing that it changes.
    ...(mayCreate &&
      !(command.ifMatch !== undefined && look !== undefined) && {
        creates: true,
      }),
  };
  const names = regionsIn(
    asksOnlyChanges(given) ? presentAmong(asked.changes) : fieldsOf(body),
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
