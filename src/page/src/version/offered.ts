import { isRunning, type Operation } from "../operations.js";
import type { Version } from "../dialogs/action.js";
import { canonicalRegion } from "../geography.js";
import { isInLatest } from "../region-state.js";
import { isDeleting } from "../summaries.js";

/** What the page knows besides. */
interface Known {
  readonly operation: Operation | undefined;
  readonly mayWrite: boolean;
  readonly mayAdmin: boolean;
  readonly mayApprove: boolean;
  /** The operation. */
  readonly mayCancel: boolean;
  /** The image definition has a profile for tests by machines. */
  readonly hasTestProfile: boolean;
  readonly nowMs: number;
}

export type Offer =
  | "change"
  | "promote"
  | "demote"
  | "rollback"
  | "approve"
  | "test"
  | "retry"
  | "tags"
  | "protect"
  | "unprotect"
  | "cancel"
  | "revoke"
  | "unrevoke"
  | "delete";

/** What may be asked of a version: what would be refused for what is known already is not among it. */
export function offersOf(version: Version, known: Known): ReadonlySet<Offer> {
  const { operation, mayWrite, mayAdmin, hasTestProfile, nowMs } = known;
  const offers = new Set<Offer>();
  const { sigil, properties } = version;
  const names = sigil.regions.map(({ name }) => name);
  const included = names.filter((name) => isInLatest(version, name));
  const isIn = (state: string): boolean => sigil.regions.some((region) => region.state === state);
  const isGoing = isDeleting(sigil.state, properties.provisioningState);
  const isThere = properties.provisioningState !== "Creating" && !isGoing;
  const isRevoked = sigil.revocation !== undefined;
  const isUsable = isThere && !isRevoked;
  const add = (offer: Offer, holds: boolean): void => {
    if (mayWrite && holds) offers.add(offer);
  };
  add("change", !isGoing);
  add("tags", isThere);
  add("promote", isUsable && isPromotable(version, included));
  add("demote", isThere && included.length > 0);
  // There is nothing to go back from where it is the latest.
  add("rollback", isUsable && !sigil.latest && isIn("Completed"));
  add("test", isUsable && hasTestProfile);
  add("retry", isThere && isRetryable(version, operation));
  add("protect", !isGoing && sigil.protected !== true);
  add("unprotect", mayAdmin && sigil.protected === true);
  add("revoke", isThere && isRevocable(version));
  add("unrevoke", mayAdmin && isRevoked);
  add("delete", !isGoing && sigil.protected !== true && !isBlocked(version, nowMs));
  // For who approves, and for who has asked for the operation.
  if (known.mayApprove && closedIn(version).length > 0) offers.add("approve");
  if (known.mayCancel) offers.add("cancel");
  return offers;
}

/** Somewhere it is not in latest, and no gate is closed where it would come. Of its keys the service says whether they hinder that. */
function isPromotable(version: Version, included: readonly string[]): boolean {
  const closed = closedIn(version);
  return (
    included.length < version.sigil.regions.length &&
    !nextIn(version).some((name) => closed.includes(name))
  );
}

/** What an operation repairs now needs nobody; what waits is brought forward. */
function isRetryable({ sigil: { regions } }: Version, operation: Operation | undefined): boolean {
  const runs = operation !== undefined && isRunning(operation);
  return regions.some(
    ({ state, nextAttemptTime }) => state === "Failed" && (!runs || nextAttemptTime !== undefined),
  );
}

/** A revoked version that is still the latest somewhere is revoked once more, which takes it out there. */
function isRevocable({ sigil: { revocation, latestIn } }: Version): boolean {
  return revocation === undefined || latestIn.length > 0;
}

/** Regions in which a gate keeps it out of latest. */
function closedIn({ sigil: { conditions = [] } }: Version): readonly string[] {
  return conditions.flatMap(({ type, regions = [] }) => (type === "GateClosed" ? regions : []));
}

/** Where a promotion would bring it: of waves, where the next one does. */
function nextIn({ sigil: { promotion, rollout, regions } }: Version): readonly string[] {
  const wave = promotion?.waves?.[(rollout?.wave ?? 0) - 1];
  return wave?.regions.map(canonicalRegion) ?? regions.map(({ name }) => name);
}

/** Azure refuses to delete it before its end of life. */
function isBlocked(
  { properties: { safetyProfile, publishingProfile } }: Version,
  nowMs: number,
): boolean {
  const end = publishingProfile.endOfLifeDate;
  return (
    safetyProfile?.blockDeletionBeforeEndOfLife === true &&
    end !== undefined &&
    Date.parse(end) > nowMs
  );
}
