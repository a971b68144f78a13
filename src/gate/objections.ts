import { gatesOf, type Gate } from "../authorization/gallery-policy.js";
import {
  latestIn,
  lookAt,
  regionsOf,
  rollbackTarget,
  type Deed,
  type Dependencies,
  type GateWait,
  type ImageVersionRecord,
  type KnownImageVersion,
  type LastShown,
  type Objection,
} from "../image-version/index.js";
import { formatImageVersionId, imageIdOf, keyOf, type ImageVersionId } from "../resource-id.js";
import { inheritedBans, type InheritedBan, type LineageReads } from "../revocation/inherited.js";
import { resultsOf } from "../test-results/get.js";
import type { TestResults } from "../test-results/ports.js";
import type { TestResult } from "../test-results/results.js";
import { freezesOf, type Freeze, type Freezes } from "./freezes.js";
import { isGated, whyClosed, whyFrozen, whyHeld } from "./gate.js";

export interface GateDependencies {
  readonly imageVersions: Dependencies;
  readonly results: Pick<TestResults, "list">;
  readonly gates: readonly Gate[];
  readonly freezes: Pick<Freezes, "list">;
  readonly revocations: LineageReads["revocations"];
}

/**
 * The objections of the image definition's gates and freezes, and of revoked ancestors, to a version
 * that would come into latest.
 */
export async function objectionsByGate(
  deps: GateDependencies,
  id: ImageVersionId,
  deed: Deed,
): Promise<readonly Objection[]> {
  if (deed.kind !== "enterLatest" && deed.kind !== "fallBackTo") return [];
  const regions = deed.kind === "enterLatest" ? deed.regions : (deed.target ?? []);
  if (regions.length === 0) return [];
  const record = "record" in deed ? deed.record : await recordOf(deps, id);
  const restored = deed.kind === "enterLatest" ? deed.restored : undefined;
  const closers = {
    // A version in latest has passed its gate, and came in before the freeze.
    gates: deed.kind === "enterLatest" ? gatesOf(deps.gates, id) : [],
    freezes: deed.kind === "enterLatest" && !deed.byRollback ? await freezesFor(deps, id) : [],
    bans: await holdingBans({ ...deps.imageVersions, revocations: deps.revocations }, record),
  };
  if (isNobody(closers)) return [];
  // Azure does not return where a deleted version is in latest once it is restored.
  if (regions === "any") return [objection(id, UNSEEN, [])];
  const results = await resultsNow(deps, id, record, restored);
  return closedIn(closers, results, regions).map(({ region, why, held, isOpen }) => ({
    ...objection(
      id,
      {
        why: `in ${region} ${why}`,
        remediation: restored ? RESTORE : held ? BUILD : isOpen ? THAW : OPEN,
        isOpen: isOpen && held === undefined,
      },
      [region],
    ),
    ...(held && { why: held }),
  }));
}

/** Where gates and freezes keep a version out of latest, by what a GET has read of it. */
export async function gateWaits(
  deps: Pick<GateDependencies, "results" | "gates" | "freezes"> & Pick<Dependencies, "now">,
  { id, look, record }: KnownImageVersion,
  bans: readonly InheritedBan[],
): Promise<readonly GateWait[]> {
  if (look === undefined) return [];
  const included = latestIn(look.resource);
  const regions = regionsOf(look.resource).filter((region) => !included.includes(region));
  if (regions.length === 0) return [];
  const closers = {
    gates: gatesOf(deps.gates, id),
    freezes: freezesOf(await deps.freezes.list(), id, deps.now()),
    bans: bans.filter(isHolding),
  };
  if (isNobody(closers)) return [];
  const results = await resultsOf(deps.results, formatImageVersionId(id), look, record);
  return closedIn(closers, results, regions);
}

/** None where a rollback leads to the version: it goes back to what was there before. */
async function freezesFor(
  { freezes, imageVersions }: Pick<GateDependencies, "freezes" | "imageVersions">,
  id: ImageVersionId,
): Promise<readonly Freeze[]> {
  const found = freezesOf(await freezes.list(), id, imageVersions.now());
  const target = found.length > 0 && (await rollbackTarget(imageVersions, imageIdOf(id)));
  return target === id.versionName ? [] : found;
}

async function holdingBans(
  deps: LineageReads,
  record: ImageVersionRecord | undefined,
): Promise<readonly InheritedBan[]> {
  const bans = record === undefined ? [] : await inheritedBans(deps, record);
  return bans.filter(isHolding);
}

function isHolding({ holdsSince }: InheritedBan): boolean {
  return holdsSince !== undefined;
}

interface Closers {
  readonly gates: readonly Gate[];
  readonly freezes: readonly Freeze[];
  readonly bans: readonly InheritedBan[];
}

function isNobody({ gates, freezes, bans }: Closers): boolean {
  return gates.length === 0 && freezes.length === 0 && bans.length === 0;
}

/**
 * The closed regions. `held`: why revocations close it, whatever the gates say. `isOpen`: the
 * gates are open, so time alone opens it.
 */
function closedIn(
  { gates, freezes, bans }: Closers,
  results: readonly TestResult[],
  regions: readonly string[],
): readonly (GateWait & { readonly held?: string; readonly isOpen: boolean })[] {
  return regions.flatMap((region) => {
    const held = whyHeld(bans, results, region);
    const closed = gates.flatMap((gate) =>
      isGated(gate, region) ? (whyClosed(gate, results, region) ?? []) : [],
    );
    const reasons = [...closed, ...held, ...whyFrozen(freezes, results, region)];
    return reasons.length === 0
      ? []
      : [
          {
            region,
            why: reasons.join("; "),
            isOpen: closed.length === 0,
            ...(held.length > 0 && { held: held.join("; ") }),
          },
        ];
  });
}

const OPEN =
  "Have the gate's reporters report passing tests, or get the version approved with a reason (POST …/approve). Then promote it.";

const BUILD =
  "Build it again from a version that is not revoked, or get it approved with a reason (POST …/approve) and promote it.";

const THAW =
  "Promote it once the freeze has ended, or get it approved with a reason (POST …/approve) and promote it.";

const RESTORE = "Get it approved with a reason (POST …/approve), then restore it.";

const UNSEEN = {
  isOpen: false,
  why: "Sigil never saw its regions",
  remediation:
    "A deleted version cannot be approved. Restore it in the Azure portal, and exclude it from latest there. Then get it approved and promote it here.",
};

function objection(
  id: ImageVersionId,
  { why, remediation, isOpen }: typeof UNSEEN,
  regions: readonly string[],
): Objection {
  return {
    code: "GateClosed",
    pointer: "",
    message: `${formatImageVersionId(id)} cannot be in latest ${isOpen ? "now" : "until it passes its image definition's gate"}: ${why}.`,
    remediation,
    regions,
  };
}

function recordOf(
  { imageVersions }: GateDependencies,
  id: ImageVersionId,
): Promise<ImageVersionRecord | undefined> {
  return imageVersions.store.readRecord(keyOf(formatImageVersionId(id)));
}

/**
 * The results of the deleted version to restore, or of the version that Azure shows now; none if
 * Azure shows nothing, because another life has its own.
 */
async function resultsNow(
  { imageVersions, results }: GateDependencies,
  id: ImageVersionId,
  record: ImageVersionRecord | undefined,
  restored: LastShown | undefined,
): Promise<readonly TestResult[]> {
  const versionId = formatImageVersionId(id);
  if (restored !== undefined) return resultsOf(results, versionId, restored);
  const look = await lookAt(imageVersions, id);
  return look === undefined ? [] : resultsOf(results, versionId, look, record);
}
