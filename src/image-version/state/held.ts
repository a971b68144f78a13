/**
 * Regions that others exclude by the region's own flag, even if the version was out of latest there
 * already: setting the flag explicitly is a change, although nothing moves. Pure. Invariants:
 *  1. A promotion without regions leaves out those that others exclude and that no look had shown
 *     excluded when it was accepted.
 */
import { conditionMessage } from "../../conditions/conditions.js";
import type { Finding } from "../../errors.js";
import { exclusionIn, heldAnew, latestIn } from "../latest/flags.js";
import { namesNoRegion } from "../latest/release.js";
import { describeField, type Unmet } from "../properties/patch.js";
import type { Look } from "../resources.js";
import { isPaused, unapplied } from "./fold.js";
import { nothing, type Outcome } from "./happened.js";
import { withFindings } from "./proven.js";
import { withRequest, type ImageVersionRecord, type VersionRequest } from "./record.js";

/** Regions that the look shows newly excluded by others, by the region's own flag. */
export function heldIn(
  { status, write }: Pick<ImageVersionRecord, "status" | "write">,
  { resource }: Pick<Look, "resource">,
): readonly string[] {
  return status ? heldAnew(status.resource, resource, write?.changes) : [];
}

/** The flags of regions that were out of latest already, which `changed` does not contain. */
export function inWords(held: readonly string[], changed: readonly Unmet[]): readonly Unmet[] {
  return held
    .map(exclusionIn)
    .filter((flag) => !changed.some(({ field }) => field === flag))
    .map((field) => ({ field, before: null, after: true }));
}

/** False only for the flag of a region that was out of latest already. */
export function isMoved({ before }: Unmet): boolean {
  return before !== null;
}

/**
 * Whether the look shows such a region that was not reported yet, and the request does not name it.
 * The look of its step then decides.
 */
export function isUnseenBy(
  { release }: Pick<VersionRequest, "release">,
  record: ImageVersionRecord,
  look: Pick<Look, "resource">,
): boolean {
  const { status } = record;
  if (status === undefined || !namesNoRegion(release)) return false;
  const included = latestIn(status.resource);
  return heldIn(record, look).some((name) => !included.includes(name));
}

/** The promotions by persons that Azure does not show yet. */
export function unnamedIn(record: ImageVersionRecord) {
  return unapplied(record).filter(
    ([, { release, machine, ending }]) =>
      machine !== true && ending === undefined && namesNoRegion(release),
  );
}

/**
 * Invariant 1. Their operations report it. If nothing were left, they contradict others' change
 * (failures.ts).
 */
export function leavingOut(record: ImageVersionRecord, held: readonly string[] = []): Outcome {
  const unnamed = held.length === 0 ? [] : unnamedIn(record);
  if (unnamed.length === 0) return nothing(record);
  const type = isPaused(record) ? "Paused" : "ChangedOutside";
  const flags = held.map((name) => describeField(exclusionIn(name)));
  const finding: Finding = {
    code: type,
    pointer: "",
    message: conditionMessage(type, flags),
    remediation: `To promote the version in ${held.join(", ")}, too, name the regions: POST …/promote with {"regions": ${JSON.stringify(held)}}.`,
  };
  const after = unnamed.reduce((next, [id, request]) => {
    const { release } = request;
    if (release?.kind !== "include") return next;
    const left = release.regions?.filter((name) => !held.includes(name)) ?? [];
    return left.length === 0
      ? next
      : withRequest(next, id, {
          ...request,
          release: { ...release, regions: left },
        });
  }, record);
  return withFindings(
    after,
    unnamed.map(([id]) => id),
    [finding],
  );
}
