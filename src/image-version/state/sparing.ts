/**
 * A canceled creation leaves latest, except in regions where no other version would be the latest.
 * Pure. Invariants:
 *  1. The regions to spare are determined again before each write; earlier ones do not count.
 *  2. The release names spared regions, so a region added later is excluded.
 */
import type { Finding } from "../../errors.js";
import { exclusionIn, shownFields } from "../latest/flags.js";
import { EVERYWHERE, saidBy, type Release, type ReleaseChange } from "../latest/release.js";
import { regionsIn } from "../properties/fields.js";
import { withApplied } from "../properties/patch.js";
import { desired } from "./fold.js";
import type { Outcome } from "./happened.js";
import { mapped, withRequest, type ImageVersionRecord, type VersionRequest } from "./record.js";

/** The change to the release by a canceled creation. */
export const OUT: ReleaseChange = { kind: "exclude", by: "cancel" };

/** What was found right before the write. */
export interface Spared {
  /** Ids of the canceled creations. */
  readonly ids: readonly string[];
  /** Canonical regions that keep the version as their latest. */
  readonly regions: readonly string[];
  /** The findings for their operations. */
  readonly findings: readonly Finding[];
}

/** Whether the request is a canceled creation that leaves latest. */
export function leavesLatest({
  ending,
  release,
}: Pick<VersionRequest, "ending" | "release">): boolean {
  return ending?.kind === "canceled" && saidBy(release) === "cancel";
}

/** The change to the release that spares these canonical regions. Invariant 2. */
function outBut(
  { release = EVERYWHERE }: ImageVersionRecord,
  regions: readonly string[],
): ReleaseChange {
  return regions.length === 0
    ? OUT
    : {
        kind: "set",
        release: { in: regions, but: release.but, by: "cancel" },
      };
}

/**
 * Canonical regions with the version in latest after a write of these requests, if canceled
 * creations spare `regions`, whatever they spared before. Invariant 1.
 */
export function latestSparing(
  record: ImageVersionRecord,
  ids: readonly string[],
  regions: readonly string[],
): readonly string[] {
  const { status, requests } = record;
  if (status === undefined) return [];
  const release = outBut(record, regions);
  const { patch } = desired(
    {
      ...record,
      requests: mapped(requests, (request) =>
        leavesLatest(request) ? { ...request, release } : request,
      ),
    },
    ids,
  );
  const shown = shownFields(status.resource);
  const after = withApplied(shown, patch);
  return regionsIn(shown).filter((name) => after[exclusionIn(name)] === false);
}

/** Spares these regions, and reports that for the canceled creations. */
export function withSpared(
  record: ImageVersionRecord,
  { ids, regions, findings }: Spared,
): Outcome {
  const release = outBut(record, regions);
  const after = ids.reduce((next, id) => {
    const request = next.requests[id];
    return request && leavesLatest(request) ? withRequest(next, id, { ...request, release }) : next;
  }, record);
  return { record: after, happened: [{ kind: "latestKept", ids, findings }] };
}

/** The result of a canceled operation that had to wait. */
export function afterCancel({ release }: VersionRequest): string {
  if (saidBy(release) !== "cancel") return "Azure keeps the version.";
  const kept = release?.kind === "set" ? namesOf(release.release) : [];
  return kept.length === 0
    ? "Azure keeps the version, excluded from latest: promote it to include it."
    : `${kept.join(", ")} ${kept.length === 1 ? "keeps the version as its" : "keep the version as their"} latest: no other version is ready there.`;
}

function namesOf({ in: where }: Release): readonly string[] {
  return where === "all" || where === "none" ? [] : where;
}
