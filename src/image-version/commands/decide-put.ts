/**
 * What becomes of a PUT or PATCH: decided on the very state that it changes, and on what Azure has just shown. Pure, but for
 * the clock. Its invariants are those of put.ts.
 */
import { ServiceError, type Finding } from "../../errors.js";
import type { Decision } from "../../operation/accepting.js";
import { contextOf } from "../../operation/steps.js";
import { formatImageVersionId, keyOf } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Change } from "../preflight/facts.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { notFound } from "../queries/not-found.js";
import { errorsAmong } from "../preflight/judge.js";
import { isGuarded } from "../preflight/use.js";
import { factsIn, isFlag } from "../latest/flags.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { differs } from "../properties/changes.js";
import {
  fieldsOf,
  isOwn,
  regionField,
  regionsIn,
  removedBy,
  sameAt,
} from "../properties/fields.js";
import { unmetBy } from "../properties/patch.js";
import { END_OF_LIFE_DATE, PROTECTED } from "../properties/table.js";
import { etagOf } from "../queries/etag.js";
import { shownOf } from "../queries/shown.js";
import { checkChange, checkRequest } from "../rules/rules.js";
import type { RuleFinding } from "../rules/rule.js";
import { areReady, type DeletedImageVersion, type Look } from "../resources.js";
import { accept, type Accepting } from "../state/accepting.js";
import { openDeletionIn } from "../state/deletion.js";
import {
  isProtected,
  openRequests,
  ownAsked,
  patchOf,
  regionsAway,
} from "../state/fold.js";
import { isOtherLife } from "../state/observe.js";
import { settled } from "../state/told.js";
import { isFinal } from "../state/states.js";
import type { ImageVersionRecord, VersionRequest } from "../state/record.js";
import {
  asSeen,
  gone,
  KEEP_IT,
  lifeIn,
  mustHaveRoom,
  mustMatch,
  mustNotBeRestored,
  namesOne,
  type ChangeCommand,
  type Command,
} from "./command.js";
import { askedOf, asksOnlyChanges, type Asked, type Asking } from "./asked.js";
import {
  contradictionsOf,
  mustNotContradict,
  regionsInNoWave,
} from "./contradictions.js";
import { sameOperation } from "./same-operation.js";
import { softDeleted } from "./soft-delete.js";

/** One request, as far as it is known before the state is. */
export interface Request extends Asking {
  readonly command: ChangeCommand;
  readonly fingerprint: string;
  readonly requestKey?: string | undefined;
  readonly mayCreate: boolean;
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

/** A request against what is stored and shown. */
export interface Subject {
  /** Of the life that Azure shows; absent where nothing of that is known. */
  readonly record: ImageVersionRecord | undefined;
  /** The version was there, and is no more. */
  readonly isGone: boolean;
  readonly asked: Asked;
  /** What the request changes of what Azure shows; absent where the version would be made. */
  readonly change: Change | undefined;
}

export function subjectOf(
  request: Asking,
  stored: StoredVersion | undefined,
): Subject {
  const { look, seen } = request.glance;
  const { record: known } = stored ?? {};
  const record =
    known && look && isOtherLife(known, look) && known.status === undefined
      ? undefined
      : known;
  const isRunning = known !== undefined && !isFinal(known.state);
  const isGone =
    look === undefined &&
    seen &&
    known?.publishedDate !== undefined &&
    (!isRunning || known.status !== undefined);
  const asked = askedOf(request, record);
  const spec =
    record && look && isOtherLife(record, look) ? undefined : record?.spec;
  const isBeingMade =
    known?.write?.creates === true && known.status === undefined;
  return {
    record,
    isGone,
    asked,
    change: look && {
      observed: canonicalForm(look.resource),
      patch: asked.patch,
      ...(spec && { lastApplied: spec }),
      ...(spec === undefined &&
        request.patch === undefined &&
        request.command.ifMatch === undefined &&
        !isBeingMade && { unmanaged: true }),
    },
  };
}

/** The operation that is the answer, the state that makes a new one, or that nothing is changed. */
export function decideOn(
  deps: Dependencies,
  request: Request,
  present: StoredVersion | undefined,
): Decision<ImageVersionRecord, Unchanged> {
  const { command, body, fingerprint, glance } = request;
  const stored = asSeen(present, glance, contextOf(deps));
  const { id } = command;
  const { look } = glance;
  const same = sameOperation(
    stored,
    look,
    (operation) => operation.fingerprint === fingerprint,
  );
  if (same !== undefined) return same; // Invariant 1.
  const subject = subjectOf(request, stored);
  const { asked, change } = subject;
  const running =
    stored !== undefined && !isFinal(stored.record.state) ? stored : undefined;
  mustNotBeRestored(id, stored);
  mustMayUnprotect(command, subject);
  mustBeAllowed(request, stored, subject);
  if (isAsShown(request, subject.record))
    return { answer: { unchanged: true, warnings: [] } }; // Invariant 3.
  const checked = { id, request: body, now: deps.now(), change };
  const ofRequest = checkRequest(checked);
  mustBeValid(ofRequest);
  if (running) mustGoWith(request, running, asked);
  mustNotHoldBack(request, asked);
  const ofChange = change === undefined ? [] : checkChange(checked);
  mustBePossible(ofChange, id, stored);
  const warnings = [
    ...[...ofRequest, ...ofChange, ...asked.stays].filter(
      ({ severity }) => severity === "warning",
    ),
    ...(request.warnings ?? []),
  ];
  const accepting = acceptingOf(request, subject, isGuarded(deps));
  if (
    change !== undefined &&
    isUnchanged(request, subject, accepting.regions)
  ) {
    const last = stored?.operation;
    if (
      last?.status === "Succeeded" &&
      last.fingerprint === fingerprint &&
      stored !== undefined &&
      isFinal(stored.record.state) &&
      command.pasted !== true &&
      // What is worth saying now was said then.
      warnings.every(({ code }) =>
        last.warnings?.some((one) => one.code === code),
      )
    )
      return last; // Invariant 1.
    return { answer: { unchanged: true, warnings } }; // Invariant 3.
  }
  if (running) mustHaveRoom(running);
  return accept(accepting, stored, contextOf(deps), warnings);
}

/** Throws where a condition of the request is not met, or the number was there and is no more. */
function mustBeAllowed(
  { command, glance: { look }, deleted, mayCreate, body }: Request,
  stored: StoredVersion | undefined,
  { isGone, change }: Subject,
): void {
  const { id } = command;
  const record = stored?.record;
  mustMatch(
    command,
    look,
    record,
    change &&
      unmetBy(factsIn(change.observed), change.patch).map((unmet) =>
        differs(unmet, body),
      ),
  );
  if (command.ifNoneMatch === "*" && (look !== undefined || isComing(record)))
    throw new ServiceError(
      "PreconditionFailed",
      `${formatImageVersionId(id)} exists, or is being created: the condition If-None-Match is not met.`,
      { fields: { etag: etagOf(look, record) } },
    );
  const isRunning = record !== undefined && !isFinal(record.state);
  if (!isRunning && look === undefined && deleted !== undefined)
    throw softDeleted(id, deleted);
  if (isGone && command.ifNoneMatch !== "*")
    throw mayCreate ? gone(id) : notFound(id, record); // Invariant 4.
}

/** Azure shows nothing yet of what an operation creates, or has sent. */
function isComing(record: ImageVersionRecord | undefined): boolean {
  return (
    record !== undefined &&
    record.status === undefined &&
    (record.write !== undefined ||
      openRequests(record).some(([, { creates }]) => creates === true))
  );
}

/** The body says what GET shows, and no more. */
function isAsShown(
  { command, body, removeRegions, glance: { look, seen } }: Request,
  record: ImageVersionRecord | undefined,
): boolean {
  if (command.pasted !== true || !seen || removeRegions.length > 0)
    return false;
  const shown = shownOf(look, record);
  if (shown === undefined) return false;
  const all = { ...factsIn(shown), ...(record && ownAsked(record)) };
  const said = { ...factsIn(body), ...fieldsOf(body) };
  return (
    Object.entries(said).every(
      ([field, value]) =>
        (isFlag(field) && !(field in all)) || sameAt(field, all[field], value),
    ) &&
    Object.keys(all).every(
      (field) => field in said || sameAt(field, all[field], undefined),
    )
  );
}

/** It asks nothing that is not so, and the regions that it names are ready. */
function isUnchanged(
  { glance: { look, seen }, body, ...request }: Request,
  { record, asked, change }: Subject,
  regions: readonly string[],
): boolean {
  const own = record ? ownAsked(record) : {};
  const isSame =
    seen &&
    asked.release === undefined &&
    Object.entries(asked.patch).every(([field, value]) =>
      isOwn(field)
        ? sameAt(field, own[field], value ?? undefined)
        : change !== undefined &&
          unmetBy(factsIn(change.observed), { [field]: value }).length === 0,
    );
  if (
    !isSame ||
    (record === undefined &&
      request.patch === undefined &&
      request.command.pasted !== true)
  )
    return false;
  // What a repair could not add back is asked to stay away.
  if (
    removedBy(asked.patch).some(
      (name) => record?.repairs[name]?.removed !== undefined,
    )
  )
    return false;
  const isJoined =
    asked.adopts !== true ||
    (record?.spec !== undefined && hasJoined(body, look, record.spec));
  return (
    isJoined &&
    (record === undefined ||
      (regionsAway(record).length === 0 &&
        record.conditions.length ===
          settled(record.conditions, Object.keys(fieldsOf(body)), false)
            .length)) &&
    areReady(look, regions)
  );
}

/** All that the body says, and Azure shows, is Sigil's already. */
function hasJoined(
  body: ImageVersionRequest,
  look: Look | undefined,
  spec: Readonly<Record<string, unknown>>,
): boolean {
  const facts = look ? factsIn(look.resource) : {};
  return Object.entries(fieldsOf(body)).every(
    ([field, value]) =>
      isOwn(field) ||
      isFlag(field) ||
      !sameAt(field, facts[field], value) ||
      sameAt(field, spec[field], value),
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

/** Where the request takes a protection off, and whoever asks is no Admin. */
export function protectionKept(
  { id, mayUnprotect }: Pick<ChangeCommand, "id" | "mayUnprotect">,
  { isGone, record, asked: { patch } }: Subject,
): readonly RuleFinding[] {
  if (
    isGone ||
    patch[PROTECTED] === undefined ||
    patch[PROTECTED] === true ||
    mayUnprotect === true ||
    record === undefined ||
    !isProtected(record)
  )
    return [];
  return [
    {
      rule: "protection-kept",
      code: "ProtectionKept",
      pointer: "/sigil/protected",
      message: `${formatImageVersionId(id)} is protected from deletion, and only an Admin takes that off.`,
      severity: "error",
      remediation: "Leave protected out, or ask an Admin to set it to false.",
    },
  ];
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

/** With an ETag nobody sees a warning: a hold-back that is not done is never answered by success. */
function mustNotHoldBack({ command }: Request, { stays }: Asked): void {
  const findings = stays.filter(({ code }) => code === "StaysIncluded");
  if (!namesOne(command.ifMatch) || findings.length === 0) return;
  throw new ServiceError(
    "StaysIncluded",
    `${findings[0]?.message} ${findings[0]?.remediation}`,
    {
      findings: findings.map((one) => ({ ...one, severity: "error" as const })),
    },
  );
}

/** What a retention policy is to delete is judged anew once this is asked. */
function mayHaveItKept({ patch }: Asked): boolean {
  return (
    patch[PROTECTED] === true || typeof patch[END_OF_LIFE_DATE] === "string"
  );
}

/** Throws where the request cannot go with what is being done. */
function mustGoWith(
  { command, body, patch }: Request,
  { record }: StoredVersion,
  asked: Asked,
): void {
  const { id } = command;
  const deletion = openDeletionIn(record);
  if (deletion !== undefined && !(deletion.isByPolicy && mayHaveItKept(asked)))
    throw new ServiceError(
      "ImageVersionConflict",
      `${formatImageVersionId(id)} is being deleted by operation ${deletion.id}. Wait until it has ended, or use another version name.${deletion.isByPolicy ? KEEP_IT : ""}`,
      { fields: { existingOperationId: deletion.id } },
    );
  mustNotContradict(
    command,
    contradictionsOf(record, asked.patch, patch),
    body,
  );
  const regions = regionsInNoWave(record, asked.patch);
  if (regions.length > 0)
    throw new ServiceError(
      "ImageVersionConflict",
      `${regions.join(", ")} ${regions.length === 1 ? "is" : "are"} in no wave of the version's promotion rule. Add ${regions.length === 1 ? "it" : "them"} once all waves have the version, or change the rule by a PATCH first.`,
      {
        findings: regions.map((region) => ({
          code: "InNoWave",
          pointer: regionField(region),
          message: `"${region}" is in no wave.`,
        })),
      },
    );
}

/** Azure has the region, a repair has it away, or what was sent or is open adds it: only then its removal asks something. */
function isThere(
  name: string,
  look: Look | undefined,
  record: ImageVersionRecord | undefined,
): boolean {
  return (
    regionsIn(look ? factsIn(look.resource) : {}).includes(name) ||
    (record !== undefined &&
      (record.repairs[name]?.removed !== undefined ||
        regionsIn(record.write?.changes ?? {}).includes(name) ||
        regionsIn(patchOf(openRequests(record).map(([, one]) => one))).includes(
          name,
        )))
  );
}

function acceptingOf(
  request: Request,
  { asked, isGone, record }: Subject,
  guards: boolean,
): Accepting {
  const { command, body, fingerprint, requestKey, mayCreate } = request;
  const { removeRegions, glance } = request;
  const { look } = glance;
  const { id, requestedBy, traceparent, event } = command;
  const resourceId = formatImageVersionId(id);
  const exists = look !== undefined && !isGone;
  const absent = removeRegions.filter((name) => !isThere(name, look, record));
  const asks: VersionRequest = {
    patch: Object.fromEntries(
      Object.entries(asked.patch).filter(
        ([field]) => !absent.some((name) => field === regionField(name)),
      ),
    ),
    ...(asked.release && { release: asked.release }),
    ...(asked.adopts && { adopts: true }),
    body,
    ...lifeIn(look),
    ...(guards &&
      command.ignoreUse !== true &&
      removeRegions.length > 0 && { guardsRegions: true }),
    ...(command.allowNoLatest === true && exists && { allowNoLatest: true }),
    ...(mayCreate && !exists && { creates: true }),
  };
  const names = regionsIn(
    asksOnlyChanges(request)
      ? Object.fromEntries(
          Object.entries(asked.patch).filter(([, value]) => value !== null),
        )
      : fieldsOf(body),
  );
  return {
    kind: exists ? "UpdateImageVersion" : "CreateImageVersion",
    key: keyOf(resourceId),
    resourceId,
    request: asks,
    regions: names,
    fingerprint,
    requestedBy,
    traceparent,
    ...(look && { look }),
    ...(asked.endsRule && { endsRule: true }),
    ...(requestKey !== undefined && { requestKey }),
    ...(event !== undefined && { event }),
  };
}

export function errorsIn({ length }: readonly unknown[]): string {
  return `${length} error${length === 1 ? "" : "s"}`;
}
