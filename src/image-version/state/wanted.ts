/** What Azure is to show of a version: what the batch asks, and what Sigil itself sees to. */
import { isDeepStrictEqual } from "node:util";
import type { PromotionRule } from "../contract.js";
import { fieldsOf, regionOf, type Fields } from "../properties/fields.js";
import {
  combined,
  unmetBy,
  withApplied,
  type Patch,
} from "../properties/patch.js";
import {
  ALLOW_DELETION,
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../properties/table.js";
import {
  batchOf,
  sentLast,
  type Attempt,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { isFinal } from "./states.js";
import type { Look } from "../resources.js";

/** By operation id, what is asked by those that are not over, begun or queued, and not canceled. */
export function openRequests({
  state,
  requests,
  queued,
}: ImageVersionRecord): readonly (readonly [string, VersionRequest])[] {
  if (isFinal(state)) return [];
  return [
    ...Object.entries(requests),
    ...queued.map(({ operation, request }) => [operation.id, request] as const),
  ].filter(([, { decided }]) => decided === undefined);
}

/** Of those, what Azure does not show yet. */
export function unmetRequests(
  record: ImageVersionRecord,
): readonly VersionRequest[] {
  return openRequests(record).flatMap(([, request]) =>
    request.appliedTime === undefined ? [request] : [],
  );
}

/** True where somebody decides by hand whether the version is in latest. */
export function isDecidedByHand({
  byHand,
  decided,
  changes,
}: VersionRequest): boolean {
  return (
    byHand === true && decided === undefined && EXCLUDE_FROM_LATEST in changes
  );
}

/** The promotion rule that a request asks for, or repeats. */
export function ruleAskedBy({
  changes,
  repeats,
}: VersionRequest): PromotionRule | undefined {
  return (changes[PROMOTION] ?? repeats[PROMOTION] ?? undefined) as
    PromotionRule | undefined;
}

/** What the batch asks of Azure. A version that is made under a promotion rule is made excluded from latest. */
export function wantedBy(record: ImageVersionRecord): Patch {
  const requests = batchOf(record).map(([, request]) => request);
  const patch = combined(requests, record.lastApplied);
  return !record.exists && patch[PROMOTION] != null
    ? { ...patch, [EXCLUDE_FROM_LATEST]: true }
    : patch;
}

/** True where regions may be removed at any time: a caller asks for that, or has asked for it and nobody has shut it since. */
export function mayRemoveRegions(
  wanted: Patch,
  applied: Fields | undefined,
  shown: Fields,
): boolean {
  const asked = wanted[ALLOW_DELETION];
  return asked === undefined
    ? applied?.[ALLOW_DELETION] === true && shown[ALLOW_DELETION] === true
    : asked === true;
}

/**
 * `lastApplied` with what was sent for those who have ended since, or for one that ends now, as far as it was shown: it is
 * Sigil's, though nobody stayed to see it. What others ask of the same is theirs.
 */
export function keptOf(
  record: ImageVersionRecord,
  endingId?: string,
): Pick<ImageVersionRecord, "lastApplied"> {
  const { lastApplied, observed, unmanaged } = record;
  // Of a creation that came to nothing, the next body says all anew.
  if (lastApplied === undefined) return {};
  const { outcome, sentFor = [], changes = {} } = sentLast(record) ?? {};
  const open = openRequests(record).filter(([id]) => id !== endingId);
  if (
    unmanaged === true ||
    observed === undefined ||
    sentFor.every((id) => open.some(([other]) => other === id))
  )
    return { lastApplied };
  const shown = fieldsOf(observed.resource);
  // Of what is sent again, only that is sent which Azure did not show.
  const ending =
    endingId !== undefined && sentFor.includes(endingId)
      ? record.requests[endingId]
      : undefined;
  const asked = ending?.appliedTime === undefined ? ending?.changes : {};
  const kept = Object.fromEntries(
    Object.entries(lastingOf({ ...changes, ...asked })).filter(
      ([field, value]) =>
        open.every(([, request]) => !(field in request.changes)) &&
        ((outcome === "shown" && field in changes) ||
          unmetBy(shown, { [field]: value }).length === 0),
    ),
  );
  return Object.keys(kept).length === 0
    ? { lastApplied }
    : { lastApplied: withApplied(lastApplied, kept) };
}

/** Of an update, what was asked of it to last: not what was done by hand, nor for its time alone. */
export function lastingOf(changes: Attempt["changes"]): Attempt["changes"] {
  return Object.fromEntries(
    Object.entries(changes).filter(
      ([field]) =>
        field !== EXCLUDE_FROM_LATEST &&
        field !== ALLOW_DELETION &&
        regionOf(field) === undefined,
    ),
  );
}

/** The promotion rule of a version, where nobody has overridden it, or is about to. */
export function ruleInForce(
  record: ImageVersionRecord,
): PromotionRule | undefined {
  const rule = presentRule(record);
  const isAboutToBe = unmetRequests(record).some(isDecidedByHand);
  return isAboutToBe || isDeepStrictEqual(rule, record.overriddenRule)
    ? undefined
    : rule;
}

/** The promotion rule that the batch asks for, or else the one that was applied. */
export function presentRule(
  record: ImageVersionRecord,
): PromotionRule | undefined {
  const wanted = wantedBy(record);
  return PROMOTION in wanted
    ? ((wanted[PROMOTION] ?? undefined) as PromotionRule | undefined)
    : ruleOf(record.lastApplied);
}

/** A rule that has promoted the version, or was overruled by hand, promotes it no more, once a look has shown that. */
export function overriddenBy(
  record: ImageVersionRecord,
  attempt: Attempt | undefined,
): Pick<ImageVersionRecord, "overriddenRule"> {
  const rule = presentRule(record);
  return attempt?.overridesRule === true &&
    attempt.outcome === "shown" &&
    rule !== undefined
    ? { overriddenRule: rule }
    : {};
}

export function ruleOf(fields: Fields | undefined): PromotionRule | undefined {
  return fields?.[PROMOTION] as PromotionRule | undefined;
}

/** The version is excluded from latest, and its rule says that it is to be included now. */
export function isToBePromoted(
  record: ImageVersionRecord,
  look: Look,
): boolean {
  const { publishingProfile } = look.resource.properties;
  return (
    publishingProfile?.excludeFromLatest === true &&
    // Who holds it back now is not overruled by a rule of before.
    wantedBy(record)[EXCLUDE_FROM_LATEST] !== true &&
    isDue(record, look)
  );
}

/** Regions that no operation follows, and that the version's rule still waits for. */
export function awaitedByRule(
  record: ImageVersionRecord,
  { resource, regions }: Look,
): readonly string[] {
  const { publishingProfile } = resource.properties;
  return publishingProfile?.excludeFromLatest === true &&
    ruleInForce(record)?.when === "allRegionsReady"
    ? regions
        .filter(({ state }) => state === "Unknown" || state === "Replicating")
        .map(({ name }) => name)
        .filter((name) => record.regions.every((one) => one.name !== name))
    : [];
}

/** The rule of a version holds. All its regions are those that Azure shows, too, whoever has added them. */
export function isDue(
  record: ImageVersionRecord,
  look: Pick<Look, "regions">,
): boolean {
  const rule = ruleInForce(record);
  const { regions } = record;
  const ready = (name: string): boolean =>
    regions.some(
      (region) =>
        region.name === name &&
        region.state === "Completed" &&
        region.doubt === undefined,
    );
  switch (rule?.when) {
    case "allRegionsReady":
      return (
        regions.length > 0 &&
        regions.every(({ name }) => ready(name)) &&
        look.regions.every(({ state }) => state === "Completed")
      );
    case "regions":
      return (rule.regions ?? []).every(ready);
    case "manual":
    case undefined:
      return false;
  }
}
