/** Whether a PUT or PATCH changes anything. Pure. */
import { factsIn, isFlag } from "../latest/flags.js";
import type { ImageVersionRequest } from "../contract.js";
import {
  fieldsOf,
  isOwn,
  removedBy,
  sameAt,
  type Fields,
} from "../properties/fields.js";
import { unmetBy, type Patch } from "../properties/patch.js";
import { shownOf } from "../queries/shown.js";
import { areReady, type Look } from "../resources.js";
import { ownAsked, regionsAway } from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";
import { settled } from "../state/told.js";
import type { Compared, Request } from "./compared.js";

/** The body says what GET shows, and no more. */
export function isAsShown(
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

/** It asks nothing that is not so, all that it says is Sigil's, nothing is to be settled, and the regions that it names are ready. */
export function isUnchanged(
  request: Request,
  comparison: Compared,
  regions: readonly string[],
): boolean {
  const { body, patch, command, glance } = request;
  const { record, asked } = comparison;
  const isOthers = record === undefined;
  if (
    !glance.seen ||
    !asksNothing(comparison) ||
    (isOthers && patch === undefined && command.pasted !== true) ||
    (asked.adopts === true && !hasJoined(body, glance.look, record?.spec))
  )
    return false;
  return (
    (isOthers || !isToSettle(request, record, asked.patch)) &&
    areReady(glance.look, regions)
  );
}

function asksNothing({ record, asked, change }: Compared): boolean {
  const own = record ? ownAsked(record) : {};
  const shown = change && factsIn(change.observed);
  return (
    asked.release === undefined &&
    Object.entries(asked.patch).every(([field, value]) =>
      isOwn(field)
        ? sameAt(field, own[field], value ?? undefined)
        : shown !== undefined &&
          unmetBy(shown, { [field]: value }).length === 0,
    )
  );
}

/** A condition, or what a repair has away: what could not be added back is asked to stay away. */
function isToSettle(
  { body }: Request,
  record: ImageVersionRecord,
  patch: Patch,
): boolean {
  const { conditions, repairs } = record;
  return (
    regionsAway(record).length > 0 ||
    removedBy(patch).some((name) => repairs[name]?.removed !== undefined) ||
    conditions.length !==
      settled(conditions, Object.keys(fieldsOf(body)), false).length
  );
}

/** All that the body says, and Azure shows, is Sigil's already. */
function hasJoined(
  body: ImageVersionRequest,
  look: Look | undefined,
  spec: Fields | undefined,
): boolean {
  if (spec === undefined) return false;
  const facts = look ? factsIn(look.resource) : {};
  return Object.entries(fieldsOf(body)).every(
    ([field, value]) =>
      isOwn(field) ||
      isFlag(field) ||
      !sameAt(field, facts[field], value) ||
      sameAt(field, spec[field], value),
  );
}
