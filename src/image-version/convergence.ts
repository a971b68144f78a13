/**
 * Brings what ARM has to what is desired, one update at a time. Invariants:
 *  1. An update is sent only by whoever stored `Updating` for this step, after a look at the version: what others have
 *     added meanwhile is carried in it, and each region with its complete encryption.
 *  2. Nothing is sent while ARM works on the version.
 *  3. A region, replica or key that ARM took and then does not show was lost: the version ends Failed, and is not sent
 *     the same again. Anything else is sent again a few times: others may have changed it back.
 */
import type { Finding } from "../errors.js";
import { momentOf, take } from "../operation/steps.js";
import type { ImageVersionId } from "../resource-id.js";
import type {
  Dependencies,
  ObservedImageVersion,
  StoredVersion,
} from "./ports.js";
import type { Proven } from "./preflight.js";
import { differsFrom, readBack } from "./read-back.js";
import { isBusy, targetOf, type Target } from "./target.js";
import { postponeOrSplit } from "./splitting.js";
import type { ImageVersionPair } from "./records.js";
import { beginUpdate, followReplication, seeForeign } from "./transitions.js";

/** How often an update that ARM accepts, and does not show, is sent again. */
const MOST_REPEATS = 5;

/** What one look means. */
export type Next =
  | { readonly kind: "look" }
  | { readonly kind: "update"; readonly target: Target }
  | { readonly kind: "lost"; readonly findings: readonly Finding[] };

export function nextOf(
  { record }: ImageVersionPair,
  observed: ObservedImageVersion,
): Next {
  const target = targetOf(record, observed);
  if (!target.differs) return { kind: "look" };
  // Invariant 3. While the outcome of an update is unknown, nothing can be called lost.
  if (
    record.state === "Replicating" &&
    record.accepted &&
    record.sent === target.name
  ) {
    const findings = readBack(target.request, observed.request);
    if (findings.length > 0) return { kind: "lost", findings };
    if (!isBusy(observed) && record.repeats >= MOST_REPEATS)
      return {
        kind: "lost",
        findings: differsFrom(target.request, observed.request),
      };
  }
  return isBusy(observed) ? { kind: "look" } : { kind: "update", target }; // Invariant 2.
}

/**
 * Sends the update that is due, or goes on to looking. `prepare` is what is made of the state before that, with every
 * state that another writer may have stored.
 */
export async function converge(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  observed: ObservedImageVersion,
  {
    prepare = (pair) => pair,
    proven,
  }: {
    readonly prepare?: (pair: ImageVersionPair) => ImageVersionPair;
    readonly proven?: Proven | undefined;
  } = {},
): Promise<void> {
  const next = nextOf(prepare(stored), observed);
  if (next.kind !== "update") {
    await take(deps, stored, (pair) =>
      followReplication(
        prepare(pair),
        { kind: "seen" },
        momentOf(deps),
        proven,
      ),
    );
    return;
  }
  const { target } = next;
  const mine = await take(deps, stored, (pair) =>
    beginUpdate(
      seeForeign(prepare(pair), target.foreign, momentOf(deps)),
      target,
      proven,
      momentOf(deps),
    ),
  );
  if (mine === undefined) return; // Invariant 1.
  let armOperationUrl: string | undefined;
  try {
    armOperationUrl = await deps.resourceManager.putImageVersion(
      id,
      target.request,
    );
  } catch (error) {
    return postponeOrSplit(deps, mine, error);
  }
  await take(deps, mine, (pair) =>
    followReplication(
      pair,
      { kind: "accepted", armOperationUrl },
      momentOf(deps),
    ),
  );
}
