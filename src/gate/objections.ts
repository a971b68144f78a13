import { gatesOf, type Gate } from "../authorization/gallery-policy.js";
import {
  latestIn,
  lookAt,
  regionsOf,
  type Deed,
  type Dependencies,
  type GateWait,
  type KnownImageVersion,
  type LastShown,
  type Objection,
} from "../image-version/index.js";
import { formatImageVersionId, keyOf, type ImageVersionId } from "../resource-id.js";
import { resultsOf } from "../test-results/get.js";
import type { TestResults } from "../test-results/ports.js";
import type { TestResult } from "../test-results/results.js";
import { isGated, whyClosed } from "./gate.js";

export interface GateDependencies {
  readonly imageVersions: Dependencies;
  readonly results: Pick<TestResults, "list">;
  readonly gates: readonly Gate[];
}

/** What gates of the image definition have against that a version comes into latest. */
export async function objectionsByGate(
  deps: GateDependencies,
  id: ImageVersionId,
  deed: Deed,
): Promise<readonly Objection[]> {
  if (deed.kind !== "enterLatest") return [];
  const gates = gatesOf(deps.gates, id);
  const { regions, restored } = deed;
  if (gates.length === 0 || regions.length === 0) return [];
  // Azure does not say where a deleted version is in latest once it is restored.
  if (regions === "any") return [objection(id, UNSEEN, [])];
  const results = await resultsNow(deps, id, restored);
  const remediation = restored === undefined ? OPEN : RESTORE;
  return closedIn(gates, results, regions).map(({ region, why }) =>
    objection(id, { why: `in ${region} ${why}`, remediation }, [region]),
  );
}

/** Where gates keep a version out of latest, of what a GET has read of it. */
export async function gateWaits(
  deps: Pick<GateDependencies, "results" | "gates">,
  { id, look, record }: KnownImageVersion,
): Promise<readonly GateWait[]> {
  const gates = gatesOf(deps.gates, id);
  if (gates.length === 0 || look === undefined) return [];
  const included = latestIn(look.resource);
  const regions = regionsOf(look.resource).filter((region) => !included.includes(region));
  if (regions.length === 0) return [];
  const versionId = formatImageVersionId(id);
  const results = await resultsOf(deps.results, versionId, look, record);
  return closedIn(gates, results, regions);
}

function closedIn(
  gates: readonly Gate[],
  results: readonly TestResult[],
  regions: readonly string[],
): readonly GateWait[] {
  return regions.flatMap((region) => {
    const reasons = gates.flatMap((gate) =>
      isGated(gate, region) ? (whyClosed(gate, results, region) ?? []) : [],
    );
    return reasons.length === 0 ? [] : [{ region, why: reasons.join("; ") }];
  });
}

const OPEN =
  "Have the gate's reporters report passing tests, or get the version approved with a reason (POST …/approve). Then promote it.";

const RESTORE = "Get it approved with a reason (POST …/approve), then restore it.";

const UNSEEN = {
  why: "Sigil never saw its regions",
  remediation:
    "A deleted version cannot be approved. Restore it in the Azure portal, and exclude it from latest there. Then get it approved and promote it here.",
};

function objection(
  id: ImageVersionId,
  { why, remediation }: typeof UNSEEN,
  regions: readonly string[],
): Objection {
  return {
    code: "GateClosed",
    pointer: "",
    message: `${formatImageVersionId(id)} cannot be in latest until it passes its image definition's gate: ${why}.`,
    remediation,
    regions,
  };
}

/** Of the deleted version that is restored, or of what Azure shows now; none if it shows nothing, since another life has its own. */
async function resultsNow(
  { imageVersions, results }: GateDependencies,
  id: ImageVersionId,
  restored: LastShown | undefined,
): Promise<readonly TestResult[]> {
  const versionId = formatImageVersionId(id);
  if (restored !== undefined) return resultsOf(results, versionId, restored);
  const look = await lookAt(imageVersions, id);
  if (look === undefined) return [];
  const record = await imageVersions.store.readRecord(keyOf(versionId));
  return resultsOf(results, versionId, look, record);
}
