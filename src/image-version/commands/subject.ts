/**
 * What a PUT, a PATCH or a plan of one is judged by: the state that is stored, what Azure shows, and what is asked of that. Pure,
 * but for the clock.
 */
import { contextOf } from "../../operation/steps.js";
import { formatImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import type { Change } from "../preflight/facts.js";
import { canonicalForm } from "../properties/canonical-form.js";
import {
  fieldsOf,
  isOwn,
  ownOf,
  sameAt,
  valueAt,
  type Fields,
} from "../properties/fields.js";
import {
  askedOfSeen,
  clearedBy,
  combined,
  withApplied,
  type Asked,
  type Patch,
} from "../properties/patch.js";
import { PROTECTED } from "../properties/table.js";
import { shownOf, shownOwn } from "../queries/shown.js";
import type { Look } from "../resources.js";
import type { RuleFinding } from "../rules/rule.js";
import { isMadeByOthers, known } from "../state/adoption.js";
import { isRecent, latestOf } from "../state/attempts.js";
import { isHeld, requestsThatStay } from "../state/held.js";
import { takenBack } from "../state/outside.js";
import { sentLast, type ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";
import {
  isIncluded,
  isProtected,
  keptOf,
  unmetByOperation,
} from "../state/wanted.js";
import { withFlagsOf } from "../state/waves.js";
import { namesOne, type ChangeCommand } from "./command.js";
import { askedOf, asksOnlyChanges, withStated, type Asking } from "./asked.js";
import { meanwhile, type Meanwhile } from "./meanwhile.js";

export interface Subject<R extends Asking = Asking> {
  /** With the look that it is judged by. */
  readonly request: R;
  /** What is stored, while an operation is under way. */
  readonly running: StoredVersion | undefined;
  readonly record: ImageVersionRecord | undefined;
  /** The version was there, and is no more. */
  readonly isGone: boolean;
  /** What was applied in the life that Azure shows. */
  readonly applied: Fields | undefined;
  readonly asked: Asked;
  /** What Azure shows, or has shown a moment ago; undefined where the version would be made. */
  readonly shown: Look | undefined;
  /** What becomes of that. */
  readonly change: Change | undefined;
}

export function subjectOf<R extends Asking>(
  deps: Dependencies,
  given: R,
  stored: StoredVersion | undefined,
): Subject<R> {
  const request = withLatest(deps, given, stored?.record);
  const { glance, body } = request;
  const { look } = glance;
  const running =
    stored !== undefined && !isFinal(stored.record.state) ? stored : undefined;
  const record = running
    ? withShown(running.record, look)
    : stored && known(stored.record, look);
  const isGone =
    running === undefined &&
    look === undefined &&
    (record?.state === "Deleted" ||
      (record?.exists === true && glance.seen && !isUnseen(deps, record)));
  // What was applied in an earlier life is void.
  const applied =
    isGone || (record && look && isMadeByOthers(record, look))
      ? undefined
      : record?.lastApplied;
  const asked = askedOf(request, record, applied);
  const shown =
    look ?? (record?.exists === true && !isGone ? record.observed : undefined);
  // Who has seen that the version is excluded, and says false, is told that it stays so.
  const whole =
    request.patch === undefined && !namesOne(request.command.ifMatch)
      ? body
      : undefined;
  // What a creation of Sigil's is making is not adopted.
  const isOfOthers =
    running === undefined ||
    (look !== undefined && isMadeByOthers(running.record, look));
  const change = shown && {
    ...changeOf(shown.resource, asked, applied),
    ...(running && {
      toBe: canonicalForm(
        withFlagsOf(
          shown.resource,
          requestsThatStay(running.record, contextOf(deps)),
        ),
      ),
    }),
    ...(applied === undefined &&
      request.patch === undefined &&
      request.command.ifMatch === undefined &&
      isOfOthers && { unmanaged: true }),
    ...(isHeld(asked, whole, { record, look }) && { held: true }),
  };
  return { request, running, record, isGone, applied, asked, shown, change };
}

/** What the request says against those that are not done yet, and in what it gives way to them. */
export function besideOthers(
  record: ImageVersionRecord,
  { request, asked }: Subject,
): Meanwhile {
  const { body, patch, glance } = request;
  return meanwhile(unmetByOperation(record), withStated(request, asked), {
    ...(!asksOnlyChanges(request) && { whole: fieldsOf(body) }),
    cleared: clearedBy(patch),
    included: isIncluded(glance.look),
  });
}

/** Where the request takes a protection off, and whoever asks is no Admin. */
export function protectionKept(
  { id, mayUnprotect }: Pick<ChangeCommand, "id" | "mayUnprotect">,
  { isGone, record, asked: { changes } }: Subject,
): readonly RuleFinding[] {
  if (
    isGone ||
    changes[PROTECTED] === undefined ||
    changes[PROTECTED] === true ||
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

/** No request is judged by a look that is known to be old. */
function withLatest<R extends Asking>(
  deps: Dependencies,
  request: R,
  record: ImageVersionRecord | undefined,
): R {
  const { glance } = request;
  const shown = glance.look;
  const look = latestOf(record, shown, contextOf(deps));
  const isNow = record !== undefined && look !== undefined && look === shown;
  const unsettled =
    isNow && !isFinal(record.state) ? shownFirst(record, look) : {};
  const again = isNow
    ? { ...takenBack(record, look, contextOf(deps)), ...unsettled }
    : {};
  return {
    ...request,
    // What it does not show may have been changed by others: nothing is unchanged by it.
    glance: { look, seen: glance.seen && look === shown },
    unsettled,
    ...(shown !== undefined &&
      (look !== shown || Object.keys(again).length > 0) && {
        otherwise: {
          ...withApplied(fieldsOf(shown.resource), again),
          ...ownOf(record?.lastApplied),
        },
      }),
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

/** What this look is the first to show of those that are canceled, and not over: as it was applied before. */
function shownFirst(record: ImageVersionRecord, look: Look): Patch {
  const { lastApplied: before = {} } = record;
  const { lastApplied: shown = {} } = withShown(record, look);
  return Object.fromEntries(
    Object.entries(shown).flatMap(([name, value]) => {
      const was = valueAt(before, name);
      return isOwn(name) || sameAt(name, was, value)
        ? []
        : [[name, was ?? null]];
    }),
  );
}

/** The body says what GET shows, and no more. */
export function isAsShown(
  { body, removeRegions, glance: { look } }: Asking,
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
export function isUnseen(
  deps: Pick<Dependencies, "now" | "pace">,
  record: ImageVersionRecord | undefined,
): boolean {
  const sent = record && sentLast(record);
  if (!record?.exists || sent === undefined || sent.outcome === "shown")
    return false;
  return isRecent(sent, { now: deps.now(), pace: deps.pace });
}

function changeOf(
  resource: ImageVersionRequest,
  asked: Asked,
  applied: Fields | undefined,
): Change {
  return {
    observed: canonicalForm(resource),
    patch: combined([asked], applied),
    ...(applied && { lastApplied: applied }),
  };
}
