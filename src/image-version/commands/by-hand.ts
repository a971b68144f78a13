/**
 * What is asked of a version that is there: to promote it, to demote it, to repair its failed regions, to delete it (delete.ts). None
 * of these creates or adopts it. Invariants:
 *  1. A machine's request is accepted only where every open operation is applied and ARM is idle, and never takes over.
 *  2. While a version is paused a request about latest is never a repeat: it settles that, with or without a write.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { acceptOperation, type Decision } from "../../operation/accepting.js";
import { bindKey, claimKey } from "../../operation/idempotency.js";
import type {
  OperationRecord,
  SoftDeleteRecord,
} from "../../operation/records.js";
import { isFinal, isToBeShown } from "../state/states.js";
import { contextOf } from "../../operation/steps.js";
import {
  canonicalRegion,
  formatImageVersionId,
  imageIdOf,
  keyOf,
} from "../../resource-id.js";
import { factsIn, latestIn, withoutFlags } from "../latest/flags.js";
import {
  nextWave,
  released,
  releasedIn,
  releaseOf,
  type ReleaseChange,
} from "../latest/release.js";
import { fingerprintOf } from "../properties/canonical-form.js";
import { regionsIn } from "../properties/fields.js";
import type { Patch } from "../properties/patch.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { keysMustWork } from "../preflight/keys.js";
import {
  mustKeepLatest,
  sparedBy,
  takingOf,
  type NoLatest,
} from "../preflight/latest.js";
import { notFound } from "../queries/not-found.js";
import { hasFailed, isBusy, type Look } from "../resources.js";
import { accept, type Accepting } from "../state/accepting.js";
import { beginCancel } from "../state/cancel.js";
import { openDeletionIn } from "../state/deletion.js";
import { isPaused, ruleInForce, unapplied } from "../state/fold.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
  VersionRequest,
} from "../state/record.js";
import {
  asSeen,
  glance,
  gone,
  lifeIn,
  mustHaveRoom,
  mustMatch,
  mustNotBeRestored,
  orShown,
  type Command,
} from "./command.js";
import { sameOperation } from "./same-operation.js";

export interface PromoteImageVersion extends Command, NoLatest {
  /** In any spelling: in these alone; absent: in all, or under waves in the next one. */
  readonly regions?: readonly string[] | undefined;
  /** Begun by a rule, of this life: refused where anything is under way. */
  readonly byRule?: { readonly publishedDate: string };
  /** Also where its keys are at risk, or its policy was to delete it: who rolls back to it has been told, and the policy keeps it. */
  readonly byRollback?: true;
}

export interface RetryImageVersion extends Command {
  /** In any spelling; absent: all that failed. */
  readonly regions?: readonly string[] | undefined;
}

type Kind = Accepting["kind"];

/** What is decided on a version that Azure has, or had. */
export interface Subject {
  /** What Azure is taken to have. */
  readonly look: Look | undefined;
  /** False where Azure could not be asked, or its answer is no fact. */
  readonly seen: boolean;
  readonly stored: StoredVersion | undefined;
}

/** What is asked, or the operation that is the answer already. */
export type ByHand =
  | OperationRecord
  /** The state in which an open operation is that answer. */
  | (ImageVersionPair & { readonly accepted: OperationRecord })
  | {
      readonly request: VersionRequest;
      readonly regions?: readonly string[];
      readonly endsRule?: true;
      /** The state that it is accepted on, where that is not the stored one. */
      readonly on?: ImageVersionPair;
    };

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
      mustBeIdleForRule(command, subject);
      return {
        request: {
          patch: {},
          release: change,
          ...(command.byRule && { machine: true }),
        },
        ...(regions !== undefined &&
          command.byRule === undefined && { endsRule: true }),
        ...withoutPolicysDeletion(deps, command, stored),
      };
    },
    {
      ask: async (subject) => {
        const { look, stored } = subject;
        const change = promotionOf(command, regions, subject);
        // A repeat changes nothing, so it asks nothing.
        if (
          look === undefined ||
          command.byRollback === true ||
          exclusionBefore(subject, "PromoteImageVersion", change) !== undefined
        )
          return [];
        return keysMustWork(deps, command.id, look, stored?.record);
      },
    },
  );
}

/** As `promoteImageVersion`, to exclude it: its rule ends. */
export function demoteImageVersion(
  deps: Dependencies,
  command: PromoteImageVersion,
): Promise<OperationRecord> {
  const isByRule = command.byRule !== undefined;
  const change: ReleaseChange = {
    kind: "exclude",
    by: isByRule ? "request" : "person",
  };
  /** Regions in which a rule leaves it: no other version would be the latest there. */
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
      mustBeIdleForRule(command, subject);
      const { but } = stored?.record.release ?? releaseOf(look.resource);
      return {
        request: {
          patch: {},
          release:
            spared.length === 0
              ? change
              : { kind: "set", release: { in: spared, but, by: "rule" } },
          ...(isByRule && { machine: true }),
          ...(command.allowNoLatest === true && { allowNoLatest: true }),
        },
        ...(!isByRule && { endsRule: true }),
      };
    },
    {
      ask: async (subject) => {
        const { look, stored } = subject;
        if (
          look === undefined ||
          command.byRollback === true ||
          exclusionBefore(subject, "DemoteImageVersion", change) !== undefined
        )
          return [];
        const request = { patch: {}, release: change };
        const taking = takingOf(command.id, look, stored?.record, request);
        if (!isByRule) return mustKeepLatest(deps, taking, command);
        spared = await sparedBy(deps, taking);
        return [];
      },
    },
  );
}

/** A person's promotion without regions is the go for the next wave, whatever that waits for. */
function promotionOf(
  { byRule }: PromoteImageVersion,
  regions: readonly string[] | undefined,
  { look, stored }: Subject,
): ReleaseChange {
  if (byRule !== undefined)
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

/** The operation that includes or excludes the version so, or has done so, as Azure still shows. Invariant 2. */
function exclusionBefore(
  { look, stored }: Subject,
  kind: Kind,
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
  return operation.kind === kind &&
    operation.status === "Succeeded" &&
    isFinal(record.state) &&
    latestIn(look.resource).length === wish.length
    ? operation
    : undefined;
}

/** Invariant 1. */
function mustBeIdleForRule(
  { id, byRule }: PromoteImageVersion,
  { look, seen, stored }: Subject,
): void {
  if (byRule === undefined) return;
  const { record } = stored ?? {};
  if (
    record !== undefined &&
    seen &&
    look?.publishedDate === byRule.publishedDate &&
    unapplied(record).length === 0 &&
    openDeletionIn(record) === undefined &&
    record.write === undefined &&
    record.unconfirmed === undefined &&
    !isPaused(record) &&
    !isBusy(look)
  )
    return;
  throw new ServiceError(
    "ImageVersionConflict",
    `An operation on ${formatImageVersionId(id)} is under way, or others have changed it: its rule waits.`,
    { fields: { ...(stored && { existingOperationId: stored.operation.id }) } },
  );
}

/** What is to be deleted is not promoted; a deletion that its retention policy has begun gives way. */
function withoutPolicysDeletion(
  deps: Dependencies,
  { id, byRule, requestedBy }: PromoteImageVersion,
  stored: StoredVersion | undefined,
): { readonly on?: ImageVersionPair } {
  const deletion = stored && openDeletionIn(stored.record);
  if (stored === undefined || deletion === undefined) return {};
  if (!deletion.isByPolicy || byRule !== undefined)
    throw new ServiceError(
      "ImageVersionConflict",
      `Operation ${deletion.id} deletes ${formatImageVersionId(id)}. Cancel it (POST /api/operations/${deletion.id}/cancel), and send the request again once it has ended; or promote another version.`,
      { fields: { existingOperationId: deletion.id } },
    );
  const operation = [stored.operation, ...stored.record.members].find(
    (one) => one.id === deletion.id,
  );
  const on = beginCancel(
    stored,
    deletion.id,
    operation?.requestedBy ?? requestedBy,
    contextOf(deps),
    "The version is promoted: its retention policy keeps it.",
  );
  return on === undefined ? {} : { on };
}

/**
 * The operation that repairs: it takes failed regions away and adds them back, if they are still failed when it looks.
 * Throws ServiceError ImageVersionConflict while an operation works on the version or where there is nothing to repair.
 */
export function retryImageVersion(
  deps: Dependencies,
  command: RetryImageVersion,
): Promise<OperationRecord> {
  const names = command.regions?.map(canonicalRegion);
  return acceptByHand(
    deps,
    command,
    "RetryImageVersion",
    names ?? [],
    ({ look, stored }) => {
      if (stored !== undefined && !isFinal(stored.record.state))
        throw new ServiceError(
          "ImageVersionConflict",
          `Operation ${stored.operation.id} is working on ${formatImageVersionId(command.id)}. Wait until it has ended.`,
          { fields: { existingOperationId: stored.operation.id } },
        );
      if (look === undefined) throw absent(command, stored);
      const lost = lostIn(stored?.record, look);
      const retries = toRetry(command, look, names, Object.keys(lost));
      const patch = Object.assign(
        {},
        ...retries.map((name) => lost[name] ?? {}),
      ) as Patch;
      return {
        request: { patch: withoutFlags(patch), retries },
        regions: retries,
      };
    },
  );
}

/** Regions that were taken away for repair, and could not be added back, with what they were. */
function lostIn(
  record: ImageVersionRecord | undefined,
  { resource }: Look,
): Readonly<Record<string, Patch>> {
  const shown = regionsIn(factsIn(resource));
  return Object.fromEntries(
    Object.entries(record?.repairs ?? {}).flatMap(([name, { removed }]) =>
      removed === undefined || shown.includes(name) ? [] : [[name, removed]],
    ),
  );
}

function toRetry(
  { id }: RetryImageVersion,
  look: Look,
  names: readonly string[] | undefined,
  lost: readonly string[],
): readonly string[] {
  const failed = [
    ...look.regions
      .map(({ name }) => name)
      .filter((name) => hasFailed(look, name)),
    ...lost,
  ];
  if (failed.length === 0)
    throw new ServiceError(
      "ImageVersionConflict",
      isBusy(look)
        ? `Azure is working on ${formatImageVersionId(id)}: none of its regions has failed.`
        : `No region of ${formatImageVersionId(id)} has failed: there is nothing to repair.`,
    );
  const chosen = names ?? failed;
  const findings = chosen.flatMap((name, i): Finding[] =>
    failed.includes(name)
      ? []
      : [
          {
            code: "RegionNotFailed",
            pointer: `/regions/${i}`,
            message: `"${name}" has not failed. The failed regions are ${failed.join(", ")}.`,
          },
        ],
  );
  const home = chosen.indexOf(canonicalRegion(look.resource.location));
  if (home !== -1)
    findings.push({
      code: "HomeRegionNotRepairable",
      pointer: names === undefined ? "" : `/regions/${home}`,
      message: `"${chosen[home]}" is the version's own location, which cannot be removed and added back. Publish another version.`,
    });
  if (findings.length > 0)
    throw new ServiceError(
      "InvalidRequest",
      "The regions cannot be repaired; each is listed under errors.",
      { findings },
    );
  return chosen;
}

function absent(
  { id }: Command,
  stored: StoredVersion | undefined,
): ServiceError {
  const record = stored?.record;
  return record !== undefined &&
    !isToBeShown(record) &&
    (record.publishedDate !== undefined || record.state === "Deleted")
    ? gone(id)
    : notFound(id, record);
}

function isAsked(
  decided: ByHand,
): decided is Extract<ByHand, { endsRule?: true }> {
  return "request" in decided && "patch" in (decided.request ?? {});
}

export async function acceptByHand(
  deps: Dependencies,
  command: Command,
  kind: Kind,
  detail: readonly string[],
  decide: (subject: Subject) => ByHand,
  {
    softDelete,
    warnings: told = [],
    ask = () => Promise.resolve([]),
  }: {
    readonly softDelete?: SoftDeleteRecord;
    readonly warnings?: readonly Finding[];
    /** Before it is decided, for what is worth knowing. */
    readonly ask?: (subject: Subject) => Promise<readonly Finding[]>;
  } = {},
): Promise<OperationRecord> {
  const { id, requestedBy, traceparent, event } = command;
  const resourceId = formatImageVersionId(id);
  const key = keyOf(resourceId);
  const fingerprint = fingerprintOf(
    { properties: {} } as ImageVersionRequest,
    kind,
    ...detail,
  );
  const { requestKey, earlier } = await claimKey(
    deps,
    command,
    key,
    fingerprint,
  );
  if (earlier !== undefined) return earlier;
  const read = await deps.store.read(key);
  const seen = await glance(
    deps,
    id,
    read?.record,
    // That Azure could not be asked does not mean that the version is not there.
    command.ifMatch !== undefined ||
      (kind !== "DeleteImageVersion" && read?.record.status === undefined),
  );
  // Who has not seen what is there is told so first.
  mustMatch(command, seen.look, asSeen(read, seen, contextOf(deps))?.record);
  const warnings = [...told, ...(await ask({ ...seen, stored: read }))];
  const decideOn = (
    present: StoredVersion | undefined,
  ): Decision<ImageVersionRecord> => {
    const stored = asSeen(present, seen, contextOf(deps));
    mustNotBeRestored(id, stored);
    mustMatch(command, seen.look, stored?.record);
    const decided = decide({ ...seen, stored });
    if ("record" in decided || !isAsked(decided)) return decided;
    if (stored !== undefined && !isFinal(stored.record.state))
      mustHaveRoom(stored);
    return accept(
      {
        kind,
        key,
        resourceId,
        request: { ...decided.request, ...lifeIn(seen.look) },
        ...(seen.look && { look: seen.look }),
        regions: decided.regions ?? [],
        fingerprint,
        requestedBy,
        traceparent,
        ...(decided.endsRule && { endsRule: true }),
        ...(requestKey !== undefined && { requestKey }),
        ...(event !== undefined && { event }),
        ...(softDelete && { softDelete }),
      },
      decided.on ?? stored,
      contextOf(deps),
      warnings,
    );
  };
  const operation = await orShown(
    deps,
    id,
    seen,
    acceptOperation<ImageVersionRecord>(deps, key, decideOn, { stored: read }),
  );
  await bindKey(deps, requestKey, operation);
  deps.looks.forget(id, imageIdOf(id));
  return operation;
}
