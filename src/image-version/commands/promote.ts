/**
 * Where a version that is there is in latest: promoted and demoted. Invariants:
 *  1. While a version is paused a request about latest is never a repeat: it settles that, with or without a write.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { operationIn, type OperationRecord } from "../../operation/records.js";
import { contextOf } from "../../operation/steps.js";
import {
  canonicalRegion,
  formatImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import { factsIn, latestIn } from "../latest/flags.js";
import {
  nextWave,
  released,
  releasedIn,
  releaseOf,
  type ReleaseChange,
} from "../latest/release.js";
import { regionsIn } from "../properties/fields.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { keysMustWork } from "../preflight/keys.js";
import {
  mustKeepLatest,
  sparedBy,
  takingOf,
  type NoLatest,
} from "../preflight/latest.js";
import type { Look } from "../resources.js";
import { beginCancel } from "../state/cancel.js";
import { openDeletionIn } from "../state/deletion.js";
import { isPaused, ruleInForce } from "../state/fold.js";
import type { ImageVersionPair } from "../state/record.js";
import { isFinal } from "../state/states.js";
import { absent, acceptByHand, type Subject } from "./acceptance.js";
import type { Command } from "./command.js";
import { sameOperation } from "./same-operation.js";

export interface PromoteImageVersion extends Command, NoLatest {
  /** In any spelling: in these alone; absent: in all, or under waves in the next one. */
  readonly regions?: readonly string[] | undefined;
  /** Also where its keys are at risk, or its policy was to delete it: who rolls back to it has been told, and the policy keeps it. */
  readonly byRollback?: true;
  /** A demotion leaves it where no other version would be the latest, and names that. */
  readonly spares?: true;
}

/** The operation that includes the version in latest. */
export function promoteImageVersion(
  deps: Dependencies,
  command: PromoteImageVersion,
): Promise<OperationRecord> {
  const regions = command.regions?.map(canonicalRegion);
  return acceptByHand(
    deps,
    command,
    "PromoteImageVersion",
    regions ?? [],
    (subject) => {
      const { look, stored } = subject;
      const change = promotionOf(command, regions, subject);
      const same = exclusionBefore(subject, "PromoteImageVersion", change);
      if (same !== undefined) return same;
      if (look === undefined) throw absent(command, stored);
      mustBeThere(regions, look);
      return {
        asks: {
          request: { patch: {}, release: change },
          ...(regions !== undefined &&
            command.byMachine === undefined && { endsRule: true }),
          ...withoutPolicysDeletion(deps, command, stored),
        },
      };
    },
    async ({ look, stored }) =>
      look === undefined || command.byRollback === true
        ? []
        : keysMustWork(deps, command.id, look, stored?.record),
  );
}

/** As `promoteImageVersion`, to exclude it: its rule ends. */
export function demoteImageVersion(
  deps: Dependencies,
  command: PromoteImageVersion,
): Promise<OperationRecord> {
  const isByRule = command.byMachine !== undefined;
  const change: ReleaseChange = {
    kind: "exclude",
    by: isByRule ? "request" : "person",
  };
  const spares = isByRule || command.spares === true;
  /** Regions in which it is left: no other version would be the latest there. */
  let spared: readonly string[] = [];
  return acceptByHand(
    deps,
    command,
    "DemoteImageVersion",
    command.allowNoLatest === true ? ["allowNoLatest"] : [],
    (subject) => {
      const { look, stored } = subject;
      const same = exclusionBefore(subject, "DemoteImageVersion", change);
      if (same !== undefined) return same;
      if (look === undefined) throw absent(command, stored);
      const { but } = stored?.record.release ?? releaseOf(look.resource);
      return {
        asks: {
          request: {
            patch: {},
            release:
              spared.length === 0
                ? change
                : {
                    kind: "set",
                    release: {
                      in: spared,
                      but,
                      by: isByRule ? "rule" : "person",
                    },
                  },
            ...(command.allowNoLatest === true && { allowNoLatest: true }),
          },
          ...(!isByRule && { endsRule: true }),
        },
      };
    },
    async ({ look, stored }) => {
      if (look === undefined || command.byRollback === true) return [];
      const request = { patch: {}, release: change };
      const taking = takingOf(command.id, look, stored?.record, request);
      if (!spares || command.allowNoLatest === true)
        return mustKeepLatest(deps, taking, command);
      spared = await sparedBy(deps, taking);
      return [];
    },
  );
}

/** A person's promotion without regions is the go for the next wave, whatever that waits for. */
export function promotionOf(
  { byMachine }: Pick<PromoteImageVersion, "byMachine">,
  regions: readonly string[] | undefined,
  { look, stored }: Subject,
): ReleaseChange {
  if (byMachine !== undefined)
    return { kind: "include", by: "rule", ...(regions && { regions }) };
  if (regions !== undefined) return { kind: "include", by: "person", regions };
  const rule = stored && ruleInForce(stored.record);
  if (rule?.when !== "waves" || look === undefined)
    return { kind: "include", by: "person" };
  return nextWave(rule.waves ?? [], look) ?? { kind: "include", by: "rule" };
}

function mustBeThere(
  regions: readonly string[] | undefined,
  { resource }: Look,
): void {
  const there = regionsIn(factsIn(resource));
  const findings = (regions ?? []).flatMap((name, i): Finding[] =>
    there.includes(name)
      ? []
      : [
          {
            code: "RegionNotInVersion",
            pointer: `/regions/${i}`,
            message: `The version is not in "${name}". It is in ${there.join(", ")}.`,
          },
        ],
  );
  if (findings.length > 0)
    throw new ServiceError(
      "InvalidRequest",
      "The version cannot be promoted in these regions; each is listed under errors.",
      { findings },
    );
}

/** The operation that includes or excludes the version so, or has done so, as Azure still shows. Invariant 1. */
function exclusionBefore(
  { look, seen, stored }: Subject,
  kind: OperationRecord["kind"],
  change: ReleaseChange,
): OperationRecord | undefined {
  if (stored === undefined || look === undefined) return undefined;
  const { record, operation } = stored;
  if (isPaused(record)) return undefined;
  const regions = regionsIn(factsIn(look.resource));
  const before = record.release ?? releaseOf(look.resource);
  const wish = releasedIn(released(before, change, regions), regions);
  const same = sameOperation(stored, look, (one) => one.kind === kind);
  if (same !== undefined) {
    const { release } = record.requests[same.id] ?? {};
    return JSON.stringify(release) === JSON.stringify(change)
      ? same
      : undefined;
  }
  return seen &&
    operation.kind === kind &&
    operation.status === "Succeeded" &&
    isFinal(record.state) &&
    latestIn(look.resource).length === wish.length
    ? operation
    : undefined;
}

/** What is to be deleted is not promoted; a deletion that its retention policy has begun gives way. */
function withoutPolicysDeletion(
  deps: Dependencies,
  { id, requestedBy }: PromoteImageVersion,
  stored: StoredVersion | undefined,
): { readonly on?: ImageVersionPair } {
  const deletion = stored && openDeletionIn(stored.record);
  if (stored === undefined || deletion === undefined) return {};
  mustNotBeToBeDeleted(id, stored);
  const operation = operationIn(stored, deletion.id);
  const on = beginCancel(
    stored,
    deletion.id,
    operation?.requestedBy ?? requestedBy,
    contextOf(deps),
    "The version is promoted: its retention policy keeps it.",
  );
  return on === undefined ? {} : { on };
}

/** Throws where somebody deletes the version. */
export function mustNotBeToBeDeleted(
  id: ImageVersionId,
  stored: StoredVersion | undefined,
): void {
  const deletion = stored && openDeletionIn(stored.record);
  if (deletion?.isByPolicy !== false) return;
  throw new ServiceError(
    "ImageVersionConflict",
    `Operation ${deletion.id} deletes ${formatImageVersionId(id)}. Cancel it (POST /api/operations/${deletion.id}/cancel), and send the request again once it has ended; or promote another version.`,
    { fields: { existingOperationId: deletion.id } },
  );
}
