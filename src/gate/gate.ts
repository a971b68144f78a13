/**
 * The gates that the gallery policy sets for image definitions. A version comes into latest in a
 * gated region only after it passed there, whatever its body or its own rule asks. Pure.
 * Invariants:
 *  1. For each test, the last result of each reporter named by the gate counts. One failure closes
 *     the gate, whoever else has passed.
 *  2. An approval opens a region despite earlier results. A later failure closes it again.
 *  3. A revoked version holds the versions built from it like a gate. An approval after the
 *     revocation opens the region.
 *  4. A freeze is a gate without tests. An approval since it began opens the region.
 */
import type { Gate, ReporterPattern } from "../authorization/gallery-policy.js";
import type { Requester } from "../operation/records.js";
import { canonicalRegion } from "../resource-id.js";
import { inheritedSentence, type InheritedBan } from "../revocation/inherited.js";
import { APPROVAL, counting, type TestResult } from "../test-results/results.js";
import type { Freeze } from "./freezes.js";

/** Why a region is closed; undefined: it is open. */
export function whyClosed(
  { tests }: Pick<Gate, "tests">,
  results: readonly TestResult[],
  region: string,
): string | undefined {
  const here = results.filter((one) => one.region === region);
  const approvedMs = approvedAt(here);
  const reasons = tests.flatMap(({ name, reporters }) => {
    const found = counting(
      here.filter((one) => one.name === name && mayReport(name, reporters, one.reportedBy)),
    );
    // Invariant 2.
    const since = found.filter(({ time }) => Date.parse(time) > approvedMs);
    if (approvedMs > 0 && since.every(({ result }) => result !== "failed")) return [];
    const considered = approvedMs > 0 ? since : found;
    if (considered.some(({ result }) => result === "failed")) return [`${name} has failed`];
    return considered.some(({ result }) => result === "passed") ? [] : [`${name} has not passed`];
  });
  return reasons.length === 0 ? undefined : reasons.join(", ");
}

/** Why revoked ancestors hold a version in a region. Invariant 3. */
export function whyHeld(
  bans: readonly InheritedBan[],
  results: readonly TestResult[],
  region: string,
): readonly string[] {
  const approvedMs = approvedAt(results.filter((one) => one.region === region));
  return bans.flatMap((one) =>
    one.holdsSince === undefined || approvedMs > Date.parse(one.holdsSince)
      ? []
      : [`it was built from ${inheritedSentence(one).replace(/\.$/u, "")}`],
  );
}

/** Why freezes that have begun hold a version in a canonical region. Invariant 4. */
export function whyFrozen(
  freezes: readonly Freeze[],
  results: readonly TestResult[],
  region: string,
): readonly string[] {
  const approvedMs = approvedAt(results.filter((one) => one.region === region));
  return freezes.flatMap(({ regions, from, until, reason }) =>
    approvedMs >= Date.parse(from) || regions?.includes(region) === false
      ? []
      : [`latest is frozen until ${until} (${reason.replace(/\.$/u, "")})`],
  );
}

/** When it was approved last, in ms; -Infinity: never. */
function approvedAt(results: readonly TestResult[]): number {
  return Math.max(
    ...results.filter(({ name }) => name === APPROVAL).map(({ time }) => Date.parse(time)),
  );
}

/**
 * Whether the gate accepts the reporter. Only Sigil and Azure report their own tests; other tests
 * count only from the gate's reporters. An application reports only when it acts for itself:
 * results that a person sends through it are the person's.
 */
function mayReport(
  name: string,
  reporters: readonly ReporterPattern[] = [],
  { policy, source, appId, objectId, actsForPerson }: Requester,
): boolean {
  if (name.includes("/")) return policy !== undefined;
  return reporters.some((pattern) =>
    "queue" in pattern
      ? source !== undefined
      : "appId" in pattern
        ? actsForPerson !== true &&
          appId !== undefined &&
          appId.toLowerCase() === pattern.appId.toLowerCase()
        : objectId !== undefined && objectId.toLowerCase() === pattern.objectId.toLowerCase(),
  );
}

/** Whether the gate applies to the canonical region. */
export function isGated({ regions }: Gate, region: string): boolean {
  return regions === undefined || regions.map(canonicalRegion).includes(region);
}
