/** Whether a PUT or PATCH changes anything. Pure. */
import { shownFields, isFlag } from "../latest/flags.js";
import type { ImageVersionRequest } from "../contract.js";
import { differences } from "../properties/differences.js";
import { fieldsOf, isSigilField, removedBy, sameAt, type Fields } from "../properties/fields.js";
import { unmetBy } from "../properties/patch.js";
import { shownOf } from "../queries/shown.js";
import { areReady, type Look } from "../resources.js";
import { isManaged, sigilFieldsToBe, removedRegions } from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";
import { settled } from "../state/others.js";
import type { Compared, Request } from "./compared.js";

/**
 * Whether the body repeats what GET shows of a managed version. A version of others is adopted, so
 * it counts as changed.
 */
export function isAsShown(
  { command, body, removeRegions, glance: { look, seen } }: Request,
  record: ImageVersionRecord | undefined,
): boolean {
  if (command.pasted !== true || !seen || removeRegions.length > 0) return false;
  if (look !== undefined && !(record && isManaged(record))) return false;
  const shown = shownOf(look, record);
  return (
    shown !== undefined &&
    differences(
      { ...shownFields(shown), ...(record && sigilFieldsToBe(record)) },
      shownFields(body),
    ).length === 0
  );
}

/**
 * Whether everything asked for is so already, the whole body is Sigil's, nothing is left to
 * resolve, and the regions that it names are ready.
 */
export function isUnchanged(
  { body, glance: { look, seen } }: Request,
  comparison: Compared,
  regions: readonly string[],
): boolean {
  const { record, adopts } = comparison;
  if (!seen || !asksNothing(comparison)) return false;
  if (record !== undefined && isToSettle(body, record, comparison)) return false;
  if (adopts === true && !hasJoined(body, look, record?.spec)) return false;
  return areReady(look, regions);
}

function asksNothing({ record, release, patch, change }: Compared): boolean {
  const own = record ? sigilFieldsToBe(record) : {};
  return (
    release === undefined &&
    change !== undefined &&
    unmetBy(shownFields(change.observed), patch).length === 0 &&
    Object.entries(patch).every(
      ([field, value]) => !isSigilField(field) || sameAt(field, own[field], value ?? undefined),
    )
  );
}

/**
 * Whether the request resolves a condition or a repair: a region that could not be added back is
 * asked to stay removed.
 */
function isToSettle(
  body: ImageVersionRequest,
  record: ImageVersionRecord,
  { patch }: Compared,
): boolean {
  const { conditions, repairs } = record;
  return (
    removedRegions(record).length > 0 ||
    removedBy(patch).some((name) => repairs[name]?.removed !== undefined) ||
    conditions.length !== settled(conditions, Object.keys(fieldsOf(body)), false).length
  );
}

/** Whether each field of the body that Azure shows is Sigil's already. */
function hasJoined(
  body: ImageVersionRequest,
  look: Look | undefined,
  spec: Fields | undefined,
): boolean {
  if (spec === undefined) return false;
  const shown = look ? shownFields(look.resource) : {};
  return Object.entries(fieldsOf(body)).every(
    ([field, value]) =>
      isFlag(field) || !sameAt(field, shown[field], value) || sameAt(field, spec[field], value),
  );
}
