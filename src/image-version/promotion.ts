/**
 * A version that is held back is excluded from latest until a rule, or somebody, promotes it. Pure. Invariants:
 *  1. Of a version with a promotion rule, its exclusion is Sigil's to say: it is made excluded, and a request that has
 *     the rule again changes nothing about that.
 *  2. A rule promotes once, in one update: what was promoted or demoted by hand afterwards is promoted by that rule no
 *     more, though it be sent again.
 *  3. What is told is what ARM shows, once it has done with the update.
 */
import { isDeepStrictEqual } from "node:util";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { events } from "../operation/advance.js";
import type { Moment } from "../operation/ports.js";
import { fingerprintOf } from "./canonical-form.js";
import type { ImageVersionRequest } from "./contract.js";
import type { ObservedImageVersion } from "./ports.js";
import type { ImageVersionRecord, ImageVersionPair } from "./records.js";
import { isBusy } from "./target.js";

/** Invariant 1: the request with the exclusion that the version has, `current`, or, where it is not yet made, is made with. */
export function governed(
  request: ImageVersionRequest,
  current: ImageVersionRequest | undefined,
): ImageVersionRequest {
  return request.sigil?.promotion === undefined
    ? request
    : withExclusion(request, current === undefined || isExcluded(current));
}

/** What a version is asked for when it is promoted or demoted by hand: no rule has a say in it any longer. */
export function byHand(
  { sigil: _, ...request }: ImageVersionRequest,
  excluded: boolean,
): ImageVersionRequest {
  return withExclusion(request, excluded);
}

export function isExcluded({ properties }: ImageVersionRequest): boolean {
  return properties.publishingProfile?.excludeFromLatest === true;
}

/** What ARM now shows, told where it is news. */
export function seePromotion(
  pair: ImageVersionPair,
  observed: ObservedImageVersion,
  moment: Moment,
): ImageVersionPair {
  if (isBusy(observed)) return pair; // Invariant 3.
  const { record } = pair;
  const excluded = isExcluded(observed.request);
  if (record.excluded === excluded) return pair;
  const told =
    record.excluded === undefined
      ? []
      : events(
          pair,
          moment,
          excluded ? IMAGE_VERSION_EVENT.demoted : IMAGE_VERSION_EVENT.promoted,
          `${excluded ? "demoted" : "promoted"}/${record.updates}`,
          {},
        );
  return {
    ...pair,
    record: { ...record, excluded, outbox: [...record.outbox, ...told] },
  };
}

/** The promotion that is due now that ARM shows this; the update follows from it. */
export function planPromotion(
  pair: ImageVersionPair,
  observed: ObservedImageVersion,
): ImageVersionPair {
  const { record } = pair;
  if (isBusy(observed) || !isExcluded(record.request) || !isRipe(record))
    return pair;
  const request = withExclusion(record.request, false);
  return {
    ...pair,
    record: { ...record, request, fingerprint: fingerprintOf(request) },
  };
}

/** The rule of the version holds. */
function isRipe({ request, regions, spentRule }: ImageVersionRecord): boolean {
  const promotion = request.sigil?.promotion;
  if (isDeepStrictEqual(promotion, spentRule)) return false; // Invariant 2.
  const ready = (name: string): boolean =>
    regions.some(
      (region) => region.name === name && region.state === "Completed",
    );
  switch (promotion?.when) {
    case "allRegionsReady":
      return regions.every(({ name }) => ready(name));
    case "regions":
      return (promotion.regions ?? []).every(ready);
    case "manual":
    case undefined:
      return false;
  }
}

function withExclusion(
  request: ImageVersionRequest,
  excluded: boolean,
): ImageVersionRequest {
  const { excludeFromLatest: _, ...publishingProfile } =
    request.properties.publishingProfile ?? {};
  return {
    ...request,
    properties: {
      ...request.properties,
      publishingProfile: {
        ...publishingProfile,
        ...(excluded && { excludeFromLatest: true }),
      },
    },
  };
}
