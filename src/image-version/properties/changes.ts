/**
 * Changes of a version, in the terms of ARM's what-if, with pointers into the caller's own
 * document.
 */
import type { Finding } from "../../errors.js";
import type { ImageVersionRequest } from "../contract.js";
import { fieldsOf, pointerTo, regionField, regionOf } from "./fields.js";
import { describeField, unmetBy, type Conflict, type Patch, type Unmet } from "./patch.js";

/** One property that is created, modified or deleted. */
export interface PropertyChange {
  /** RFC 6901, into the request; for a deleted item of a list, the list. */
  readonly pointer: string;
  readonly propertyChangeType: "Create" | "Modify" | "Delete";
  readonly before?: unknown;
  readonly after?: unknown;
}

/** The changes that Azure does not show yet; `planned`: to values that the request need not have. */
export function changesOf(
  unmet: readonly Unmet[],
  request: ImageVersionRequest,
  planned?: "planned",
): PropertyChange[] {
  return unmet.map(({ field, before, after }) => ({
    pointer: pointerTo(request, field, after === null || planned ? "was" : undefined),
    propertyChangeType: before === undefined ? "Create" : after === null ? "Delete" : "Modify",
    ...(before !== undefined && { before }),
    ...(after !== null && { after }),
  }));
}

/** The changes that a patch makes in Azure; an added region is one change. */
export function plannedChanges(
  shown: ImageVersionRequest | undefined,
  patch: Patch,
  request: ImageVersionRequest,
): PropertyChange[] {
  const observed = shown === undefined ? {} : fieldsOf(shown);
  const unmet = shown === undefined ? newFields(patch) : unmetBy(observed, patch);
  const isNew = (field: string): boolean => {
    const region = regionOf(field);
    return region !== undefined && observed[`${regionField(region)}/name`] === undefined;
  };
  const whole = unmet.filter(({ field, after }) => after !== null && isNew(field));
  const added = [...new Set(whole.flatMap(({ field }) => regionOf(field) ?? []))];
  return [
    ...changesOf(
      unmet.filter((change) => !whole.includes(change)),
      request,
      "planned",
    ),
    ...added.map((region): PropertyChange => ({
      pointer: pointerTo(request, regionField(region)),
      propertyChangeType: "Create",
      after: request.properties.publishingProfile?.targetRegions?.find(
        ({ name }) => name === region,
      ),
    })),
  ];
}

/** The patch of a version that does not exist yet. */
function newFields(patch: Patch): Unmet[] {
  return Object.entries(patch).flatMap(([field, after]) =>
    after === null ? [] : [{ field, before: undefined, after }],
  );
}

/** The finding for a field that Azure shows with another value than the request. */
export function differs(
  { field, before, after }: Unmet,
  request: ImageVersionRequest | undefined,
  code = "Differs",
): Finding {
  return {
    code,
    pointer: pointerTo(request, field),
    message: `${describeField(field)} is ${show(before)} in Azure; the request ${after === null ? "leaves it out" : `says ${show(after)}`}.`,
  };
}

/** The finding for a field that two requests set to different values. */
export function contradicts(
  { field, theirs, ours }: Conflict,
  request: ImageVersionRequest,
): Finding {
  const says = (value: unknown): string => (value === null ? "removes it" : `says ${show(value)}`);
  return {
    code: "Differs",
    pointer: pointerTo(request, field),
    message: `${describeField(field)}: the other request ${says(theirs)}, this one ${says(ours)}.`,
  };
}

export function show(value: unknown): string {
  return value === undefined || value === null ? "absent" : JSON.stringify(value);
}
