/**
 * Promotes and demotes an existing version. Invariants:
 *  1. While a version is paused, a request about latest is never a repeat: it resolves the pause,
 *     with or without a write.
 */
import type { Finding } from "../../errors.js";
import { operationIn, type OperationRecord } from "../../operation/records.js";
import { contextOf } from "../../operation/steps.js";
import { canonicalRegion, formatImageVersionId, type ImageVersionId } from "../../resource-id.js";
import { shownFields, latestIn } from "../latest/flags.js";
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
import type { NoLatest } from "../preflight/latest.js";
import type { Look } from "../resources.js";
import { openDeletionIn } from "../state/deletion.js";
import { isPaused, ruleInForce } from "../state/fold.js";
import { isFinal } from "../state/states.js";
import { updatingFindings } from "../state/updating.js";
import { beginCancel } from "../telling/tell.js";
import { acceptByHand, mustBeShown, type Asks, type ByHand, type Subject } from "./acceptance.js";
import { conflict, refuse, type Command } from "./command.js";
import { sameOperation } from "./same-operation.js";

interface PromoteImageVersion extends Command, NoLatest {
  /** In any spelling: only in these; absent: in all, or under waves in the next wave. */
  readonly regions?: readonly string[] | undefined;
  /**
   * Even if its keys are at risk, or its policy was to delete it: a rollback warned of the keys,
   * and makes the policy keep the version.
   */
  readonly byRollback?: true;
  /**
   * A demotion leaves out the regions where no other version would be the latest, and names them.
   */
  readonly spares?: true;
}

/** The operation that includes the version in latest. */
export function promoteImageVersion(
  deps: Dependencies,
  command: PromoteImageVersion,
): Promise<OperationRecord> {
  return acceptByHand(deps, command, promotionBy(deps, command));
}

/** As `promoteImageVersion`, but excludes the version and ends its rule. */
export function demoteImageVersion(
  deps: Dependencies,
  command: PromoteImageVersion,
): Promise<OperationRecord> {
  return acceptByHand(deps, command, demotionBy(command));
}

export function promotionBy(deps: Dependencies, command: PromoteImageVersion): ByHand {
  const { id, byMachine, byRollback } = command;
  const regions = command.regions?.map(canonicalRegion);
  const kind = "PromoteImageVersion";
  return {
    kind,
    detail: regions ?? [],
    decide: (subject) => {
      const look = mustBeShown(id, subject);
      const { stored } = subject;
      const release = promotionOf(command, regions, look, stored);
      const same = sameWord(subject, look, kind, release);
      if (same !== undefined) return same;
      mustBeThere(regions, look);
      return {
        asks: {
          kind,
          request: { patch: {}, release },
          ...(regions && !byMachine && { endsRule: true }),
          ...withoutPolicysDeletion(deps, command, stored),
        },
      };
    },
    ask: async ({ look, stored }) => [
      ...(look === undefined || byRollback
        ? []
        : await keysMustWork(deps, id, look, stored?.record)),
      ...updatingFindings(id, look, stored?.record),
    ],
  };
}

export function demotionBy(command: PromoteImageVersion): ByHand {
  const { id, byMachine, byRollback, allowNoLatest, spares } = command;
  const change: ReleaseChange = {
    kind: "exclude",
    by: byMachine ? "request" : "person",
  };
  const kind = "DemoteImageVersion";
  return {
    kind,
    detail: allowNoLatest ? ["allowNoLatest"] : [],
    decide: (subject, spared) => {
      const look = mustBeShown(id, subject);
      const same = sameWord(subject, look, kind, change);
      if (same !== undefined) return same;
      const { but } = subject.stored?.record.release ?? releaseOf(look.resource);
      const left: ReleaseChange = {
        kind: "set",
        release: { in: spared, but, by: byMachine ? "rule" : "person" },
      };
      return {
        asks: {
          kind,
          request: {
            patch: {},
            release: spared.length === 0 ? change : left,
            ...(allowNoLatest && { allowNoLatest }),
          },
          ...(!byMachine && { endsRule: true }),
          ...((byMachine || spares) && !allowNoLatest && { losses: "spared" }),
          ...(byRollback && { losses: "planned" }),
        },
      };
    },
    ask: ({ look, stored }) => Promise.resolve(updatingFindings(id, look, stored?.record)),
  };
}

/** A person's promotion without regions starts the next wave, whatever that was waiting for. */
function promotionOf(
  { byMachine }: PromoteImageVersion,
  regions: readonly string[] | undefined,
  look: Look,
  stored: StoredVersion | undefined,
): ReleaseChange {
  const rule = stored && ruleInForce(stored.record);
  if (byMachine || regions || rule?.when !== "waves")
    return {
      kind: "include",
      by: byMachine ? "rule" : "person",
      ...(regions && { regions }),
    };
  const { but } = stored?.record.release ?? {};
  return nextWave(rule.waves ?? [], look, but) ?? { kind: "include", by: "rule" };
}

function mustBeThere(regions: readonly string[] = [], { resource }: Look): void {
  const there = regionsIn(shownFields(resource));
  const findings = regions.flatMap((name, i): Finding[] =>
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
  refuse(
    "InvalidRequest",
    "The version cannot be promoted in these regions; each reason is listed under errors.",
    findings,
  );
}

/** An operation that makes this same change, or made it while Azure still shows it. Invariant 1. */
function sameWord(
  { seen, stored }: Subject,
  look: Look,
  kind: ByHand["kind"],
  change: ReleaseChange,
): OperationRecord | undefined {
  if (stored === undefined || isPaused(stored.record)) return undefined;
  const { record, operation } = stored;
  const same = sameOperation(stored, look, (one) => one.kind === kind);
  if (same !== undefined) {
    const { release } = record.requests[same.id] ?? {};
    return JSON.stringify(release) === JSON.stringify(change) ? same : undefined;
  }
  const regions = regionsIn(shownFields(look.resource));
  const before = record.release ?? releaseOf(look.resource);
  const wish = releasedIn(released(before, change, regions), regions);
  return seen &&
    operation.kind === kind &&
    operation.status === "Succeeded" &&
    isFinal(record.state) &&
    latestIn(look.resource).length === wish.length
    ? operation
    : undefined;
}

/** A version that is to be deleted is not promoted; a retention policy's deletion is canceled. */
function withoutPolicysDeletion(
  deps: Dependencies,
  { id, requestedBy }: PromoteImageVersion,
  stored: StoredVersion | undefined,
): Pick<Asks, "on"> {
  const deletion = stored && openDeletionIn(stored.record);
  if (stored === undefined || deletion === undefined) return {};
  mustNotBeToBeDeleted(id, stored);
  const by = operationIn(stored, deletion.id)?.requestedBy ?? requestedBy;
  const why = "The version was promoted, so its retention policy keeps it.";
  const on = beginCancel(stored, deletion.id, by, contextOf(deps), { why });
  return { on: on ?? stored };
}

/** Throws if a person's deletion is open. */
export function mustNotBeToBeDeleted(id: ImageVersionId, stored: StoredVersion | undefined): void {
  const deletion = stored && openDeletionIn(stored.record);
  if (deletion?.isByPolicy !== false) return;
  throw conflict(
    `Operation ${deletion.id} deletes ${formatImageVersionId(id)}. Cancel it (POST /api/operations/${deletion.id}/cancel), and promote the version once it has ended. Or promote another version.`,
    deletion.id,
  );
}
