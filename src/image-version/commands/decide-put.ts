/**
 * Decides a PUT or PATCH on exactly the state that it changes, and on what Azure just showed. Pure,
 * except for the clock. The invariants are those of put.ts.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { formatImageVersionId } from "../../resource-id.js";
import { shownFields } from "../latest/flags.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { errorsAmong } from "../preflight/judge.js";
import { isGuarded } from "../preflight/use.js";
import { contradicts, differs } from "../properties/changes.js";
import { fieldsOf, regionField, regionOf, regionsIn, removedBy } from "../properties/fields.js";
import { unmetBy, type Patch } from "../properties/patch.js";
import { BUILT_FROM, END_OF_LIFE_DATE, PROTECTED } from "../properties/table.js";
import { etagOf } from "../queries/etag.js";
import type { OperationRecord } from "../../operation/records.js";
import type { Look } from "../resources.js";
import type { RuleFinding } from "../rules/rule.js";
import { checkChange, checkRequest } from "../rules/rules.js";
import { openDeletionIn, type OpenDeletion } from "../state/deletion.js";
import { isProtected, sigilFieldsToBe } from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";
import type { Asks, Decided } from "./acceptance.js";
import { asksOnlyChanges, openPatchOf } from "./asked.js";
import {
  conflict,
  errorsIn,
  versionGone,
  keptByAzure,
  mustMatch,
  mustNotBeRestored,
  namesOne,
  refuse,
  type ChangeOptions,
} from "./command.js";
import { compared, type Compared, type Request } from "./compared.js";
import { contradictionsOf, inNoWave } from "./contradictions.js";
import { repeated } from "./same-operation.js";
import { isAsShown, isUnchanged } from "./unchanged.js";

/** Nothing changes; the warnings still matter. */
export interface Unchanged {
  readonly unchanged: true;
  readonly warnings: readonly Finding[];
}

/** Returns an existing operation, the changes to make, or that nothing changes. */
export function decideOn(
  deps: Dependencies,
  request: Request,
  stored: StoredVersion | undefined,
): Decided<Unchanged> {
  const { command, fingerprint, glance } = request;
  const same = repeated(stored, glance.look, fingerprint);
  if (same !== undefined) return same; // Invariant 1.
  if (command.isNew && stored !== undefined)
    throw conflict(
      `${formatImageVersionId(command.id)} was meanwhile requested under its number.`,
      stored.operation.id,
    );
  const comparison = compared(request, stored);
  mustNotBeRestored(command.id, stored);
  const kept = protectionKept(command, comparison);
  refuse("Forbidden", kept[0]?.message ?? "", kept);
  refuse("ImageVersionConflict", PARENT_REMOVED, parentsKept(command, comparison));
  mustBeAllowed(request, stored, comparison);
  if (isAsShown(request, comparison.record)) return { answer: { unchanged: true, warnings: [] } }; // Invariant 3.
  const warnings = mustBePossible(deps, request, stored, comparison);
  const asks = asksOf(request, comparison, isGuarded(deps));
  if (!isUnchanged(request, comparison, asks.regions)) return { asks: { ...asks, warnings } };
  const done = doneBefore(stored, fingerprint, warnings); // Invariant 1.
  return done ?? { answer: { unchanged: true, warnings } }; // Invariant 3.
}

/** The last operation, if it was the same request and already gave these warnings. */
export function doneBefore(
  stored: StoredVersion | undefined,
  fingerprint: string,
  warnings: readonly Finding[],
): OperationRecord | undefined {
  const last = stored?.operation;
  return last?.status === "Succeeded" &&
    last.fingerprint === fingerprint &&
    warnings.every(({ code }) => last.warnings?.some((one) => one.code === code))
    ? last
    : undefined;
}

/**
 * Throws if the request is invalid, contradicts an open operation, or changes a fixed property;
 * returns warnings.
 */
function mustBePossible(
  deps: Dependencies,
  request: Request,
  stored: StoredVersion | undefined,
  comparison: Compared,
): readonly Finding[] {
  const { change, stays } = comparison;
  const { command, body } = request;
  const { id } = command;
  const name = formatImageVersionId(id);
  const checked = { id, request: body, now: deps.now(), change };
  const ofRequest = checkRequest(checked);
  const errors = errorsAmong(ofRequest);
  refuse(
    "InvalidRequest",
    `The request has ${errorsIn(errors)}; each is listed under errors.`,
    errors,
  );
  if (stored !== undefined) mustGoWith(request, stored, comparison);
  refuse(
    "ImageVersionConflict",
    `The request adds regions to ${name} that are in no wave of its promotion rule; each is listed under errors.`,
    inNoWave(body, comparison),
  );
  mustNotHoldBack(command, stays);
  const ofChange = checkChange(checked);
  refuse(
    "ImageVersionConflict",
    `${name} exists, and the request changes fixed properties; each is listed under errors. Keep them, or use another version name.`,
    errorsAmong(ofChange),
    { existingOperationId: stored?.operation.id },
  );
  return [
    ...[...ofRequest, ...ofChange, ...stays].filter(({ severity }) => severity === "warning"),
    ...request.warnings,
  ];
}

/**
 * Throws if a condition of the request is not met, or the number existed and its version is gone.
 */
function mustBeAllowed(
  { command, glance: { look }, deleted, body }: Request,
  stored: StoredVersion | undefined,
  { isGone, change }: Compared,
): void {
  const { id } = command;
  const record = stored?.record;
  mustMatch(
    command,
    look,
    record,
    change &&
      unmetBy(shownFields(change.observed), change.patch).map((unmet) => differs(unmet, body)),
  );
  const isRunning = record !== undefined && !isFinal(record.state);
  const isComing = record?.status === undefined && (isRunning || record?.write !== undefined);
  if (command.ifNoneMatch === "*" && (look !== undefined || isComing))
    throw new ServiceError(
      "PreconditionFailed",
      `${formatImageVersionId(id)} exists, or is being created: the condition If-None-Match is not met.`,
      { fields: { etag: etagOf(look, record) } },
    );
  if (!isRunning && deleted !== undefined)
    throw keptByAzure(
      id,
      deleted,
      "Its number cannot be used again yet. Restore it with POST …/restore, or use another version name.",
    );
  if (isGone && command.ifNoneMatch !== "*") throw versionGone(id); // Invariant 4.
}

/**
 * A finding if the request removes the protection, or a region of a protected version, and the
 * caller is no Admin.
 */
export function protectionKept(
  { id, mayUnprotect }: ChangeOptions,
  { isGone, record, patch }: Compared,
): readonly RuleFinding[] {
  if (isGone || mayUnprotect === true || record === undefined || !isProtected(record)) return [];
  const kept = (
    isAsked: boolean,
    pointer: string,
    what: string,
    remediation: string,
  ): RuleFinding[] => {
    const message = `${formatImageVersionId(id)} is protected from deletion, and only an Admin ${what}.`;
    const finding = { rule: "protection-kept", code: "ProtectionKept" };
    return isAsked ? [{ ...finding, pointer, message, severity: "error", remediation }] : [];
  };
  const regions = removedBy(patch);
  return [
    ...kept(
      patch[PROTECTED] !== undefined && patch[PROTECTED] !== true,
      "/sigil/protected",
      "removes the protection",
      "Leave protected out, or ask an Admin to set it to false.",
    ),
    ...kept(
      regions.length > 0,
      "/query/removeRegions",
      `removes ${regions.join(", ")}`,
      "Leave removeRegions out, or ask an Admin to remove them.",
    ),
  ];
}

const PARENT_REMOVED =
  "The request removes what the version was declared to be built from; each is listed under errors.";

/** A finding if the request removes a declared parent, and the caller is no Admin. */
export function parentsKept(
  { mayUnprotect }: ChangeOptions,
  { patch, record }: Compared,
): readonly RuleFinding[] {
  if (mayUnprotect === true) return [];
  const declared = record ? sigilFieldsToBe(record) : {};
  return Object.entries(patch).flatMap(([field, value]): RuleFinding[] =>
    value !== null || !field.startsWith(`${BUILT_FROM}/`)
      ? []
      : [
          {
            rule: "parents-kept",
            code: "ImmutableProperty",
            pointer: BUILT_FROM,
            severity: "error",
            message: `The version was declared to be built from ${String(declared[field])}, and only an Admin removes that.`,
            remediation: "Keep it in the list, or ask an Admin to send this PATCH.",
          },
        ],
  );
}

/**
 * A caller with an ETag does not see warnings, so a hold-back that is not done must never be
 * answered with success.
 */
function mustNotHoldBack({ ifMatch }: ChangeOptions, stays: readonly RuleFinding[]): void {
  if (!namesOne(ifMatch)) return;
  const findings = stays.filter(({ code }) => code === "StaysIncluded");
  refuse(
    "StaysIncluded",
    `${findings[0]?.message} ${findings[0]?.remediation}`,
    findings.map((one) => ({ ...one, severity: "error" })),
  );
}

/**
 * The open deletion. A deletion by a retention policy does not count if the request asks to keep
 * the version: the policy judges it again.
 */
export function deletionAgainst(
  record: ImageVersionRecord,
  patch: Patch,
): OpenDeletion | undefined {
  const deletion = openDeletionIn(record);
  const keeps = patch[PROTECTED] === true || typeof patch[END_OF_LIFE_DATE] === "string";
  return deletion?.isByPolicy && keeps ? undefined : deletion;
}

/** Throws if the request contradicts an open operation. */
function mustGoWith(
  { command: { id }, body, patch: mergePatch }: Request,
  { record }: StoredVersion,
  { patch }: Compared,
): void {
  const deletion = deletionAgainst(record, patch);
  if (deletion !== undefined)
    throw conflict(
      `${formatImageVersionId(id)} is being deleted by operation ${deletion.id}. Wait until it has ended, or use another version name.${deletion.isByPolicy ? KEEP_IT : ""}`,
      deletion.id,
    );
  const all = contradictionsOf(record, patch, mergePatch);
  const operationId = all[0]?.operationId;
  const conflicts = all.filter((one) => one.operationId === operationId);
  refuse(
    "ImageVersionConflict",
    `The request contradicts operation ${operationId} on ${formatImageVersionId(id)}; each contradiction is listed under errors. Wait until the operation has ended, or use another version name.`,
    conflicts.map((one) => contradicts(one, body)),
    { existingOperationId: operationId },
  );
}

/** Ends a retention policy's deletion without a cancel. */
const KEEP_IT =
  ' A PATCH with {"sigil": {"protected": true}}, or with a later endOfLifeDate, makes its retention policy keep it.';

/**
 * Removing a region asks for something only if Azure has it, a repair removed it, or a sent or open
 * request adds it.
 */
function withoutAbsent(
  patch: Patch,
  look: Look | undefined,
  record: ImageVersionRecord | undefined,
): Patch {
  const known = regionsIn({
    ...(look && shownFields(look.resource)),
    ...record?.write?.changes,
    ...openPatchOf(record),
  });
  const isKnown = (name: string): boolean =>
    known.includes(name) || record?.repairs[name]?.removed !== undefined;
  return Object.fromEntries(
    Object.entries(patch).filter(([field]) => {
      const name = regionOf(field) ?? "";
      return patch[regionField(name)] !== null || isKnown(name);
    }),
  );
}

export function asksOf(
  request: Request,
  { record, patch, release, adopts, endsRule }: Compared,
  guards: boolean,
): Asks & { readonly regions: readonly string[] } {
  const {
    command: { ignoreUse, allowNoLatest },
    body,
    capture,
    glance: { look },
  } = request;
  const asked = withoutAbsent(patch, look, record);
  const isGuarded = guards && removedBy(asked).length > 0 && !ignoreUse;
  const named = Object.entries(patch).filter(([, value]) => value !== null);
  return {
    kind: look === undefined ? "CreateImageVersion" : "UpdateImageVersion",
    request: {
      patch: asked,
      ...(release && { release }),
      ...(adopts && { adopts }),
      body,
      ...(isGuarded && { guarded: true }),
      ...(allowNoLatest && { allowNoLatest }),
      ...(look === undefined && { creates: true, ...(capture !== undefined && { capture }) }),
    },
    regions: regionsIn(
      adopts || !asksOnlyChanges(request) ? fieldsOf(body) : Object.fromEntries(named),
    ),
    ...(endsRule && { endsRule }),
  };
}
