/**
 * What people ask of a version that is there: to promote it, to demote it, to repair its failed regions, to delete it. None
 * of these creates, and none but a deletion needs Sigil to have made the version.
 */
import { isDeepStrictEqual } from "node:util";
import { ServiceError, type Finding } from "../../errors.js";
import { acceptOperation, type Decision } from "../../operation/accepting.js";
import { bindKey, claimKey } from "../../operation/idempotency.js";
import type {
  OperationRecord,
  Requester,
  SoftDeleteRecord,
} from "../../operation/records.js";
import { isFinal, isToBeShown } from "../state/states.js";
import { contextOf } from "../../operation/steps.js";
import {
  canonicalRegion,
  formatImageVersionId,
  type ImageVersionId,
  imageIdOf,
  keyOf,
} from "../../resource-id.js";
import {
  fingerprintOf,
  targetRegionsOf,
} from "../properties/canonical-form.js";
import type { Patch } from "../properties/patch.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { deletedVersion, softDeleteOf } from "../queries/deleted-versions.js";
import { keysMustWork } from "../preflight/keys.js";
import { isGuarded, mustNotBeNeeded } from "../preflight/use.js";
import { mustNotBeListed } from "../queries/look-at.js";
import { notFound } from "../queries/not-found.js";
import { latestRegions } from "../queries/use.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";
import {
  found,
  isMadeByOthers,
  isNotMeant,
  known,
  lifeOfOthers,
} from "../state/adoption.js";
import { knownAtRest } from "../state/at-rest.js";
import { latestOf, mayHaveFailedBefore, type Time } from "../state/attempts.js";
import { enqueue } from "../state/batch.js";
import {
  sentLast,
  type Held,
  type ImageVersionRecord,
  type VersionRequest,
} from "../state/record.js";
import { accept, type Accepting } from "../state/accepting.js";
import { openDeletionOf } from "../state/guarding.js";
import { heldBy, isToBeSent, wavesIn } from "../state/held.js";
import {
  isProtected,
  regionsToGo,
  unmetRequests,
  wantedBy,
} from "../state/wanted.js";
import { regionOf } from "../properties/fields.js";
import {
  exclusionIn,
  flagsByHand,
  flagsOf,
  flagsOfNext,
  FLAGS_BY_RULE,
  isLatestNowhere,
  promotedWaves,
  type Wave,
  withFlagsOf,
} from "../state/waves.js";
import {
  glance,
  gone,
  KEEP_IT,
  lifeIn,
  listIn,
  mustHaveRoom,
  mustMatch,
  mustNotBeRestored,
  orShown,
  type Command,
} from "./command.js";
import { sameOperation } from "./same-operation.js";
import { deletedSoftly, finalityOf } from "./soft-delete.js";
import { isPromoted } from "../queries/latest.js";
import { hasFailed, isBusy, type Look } from "../resources.js";

export interface PromoteImageVersion extends Command {
  /** Whose gate is open, of which life: where that is so no more, or an operation is under way, it is refused. */
  readonly byRule?: Held & { readonly publishedDate: string };
  /** Also where its keys are at risk, or its policy was to delete it: who rolls back to it has been told, and the policy keeps it. */
  readonly byRollback?: true;
}

export interface RetryImageVersion extends Command {
  /** In any spelling; absent: all that failed. */
  readonly regions?: readonly string[] | undefined;
}

export interface DeleteImageVersion extends Command {
  /** For good, also where the gallery has soft delete. */
  readonly bypassSoftDelete?: boolean;
  /** Also where it is in use, or nobody knows. */
  readonly ignoreUse?: boolean;
  /** Its retention policy has just judged it, and who uses it: it is accepted without that, and judged again before it is sent. */
  readonly byPolicy?: true;
  /** The version's last operation, where the caller has judged the version by it: with another one it is refused. */
  readonly ifOperationId?: string;
}

type Kind = Accepting["kind"];

/** What is decided on a version that Azure has, or had. */
interface Subject {
  readonly look: Look | undefined;
  /** The same, but where that is known to be older than what was seen before: then it may be the newer after all. */
  readonly shown: Look | undefined;
  /** False where Azure could not be asked. */
  readonly seen: boolean;
  readonly stored: StoredVersion | undefined;
}

type ByHand = Decision<ImageVersionRecord> | VersionRequest;

/** The operation that includes the version in latest; whatever rule it had for that is overridden by it. */
export function promoteImageVersion(
  deps: Dependencies,
  command: PromoteImageVersion,
): Promise<OperationRecord> {
  return setExclusion(deps, command, "PromoteImageVersion", false);
}

/** As `promoteImageVersion`, to exclude it. It goes before everything that is queued. */
export function demoteImageVersion(
  deps: Dependencies,
  command: PromoteImageVersion,
): Promise<OperationRecord> {
  return setExclusion(deps, command, "DemoteImageVersion", true);
}

function setExclusion(
  deps: Dependencies,
  command: PromoteImageVersion,
  kind: Kind,
  excluded: boolean,
): Promise<OperationRecord> {
  return acceptByHand(
    deps,
    command,
    kind,
    [],
    (subject) => {
      const { look, stored } = subject;
      const same = exclusionBefore(subject, kind, excluded);
      if (same !== undefined)
        return isTakenOver(command, stored, same)
          ? takenOver(
              byHandAlone(stored, same.id, look, contextOf(deps)),
              command.requestedBy,
              deps.now(),
              look && staysExcluded(look, stored),
            )
          : same;
      if (look === undefined) throw absent(command, stored);
      mustBeInForce(command, look, stored);
      if (!excluded && command.byRollback !== true)
        mustStay(command, look, stored);
      const { publishedDate: _, ...byRule } = command.byRule ?? {};
      return {
        changes: exclusionOf(command, look, subject, excluded),
        repeats: {},
        byHand: true,
        ...("rule" in byRule && !excluded && { byRule }),
      };
    },
    {
      ask: async (subject) => {
        const { look, stored } = subject;
        if (
          excluded ||
          look === undefined ||
          exclusionBefore(subject, kind, excluded) !== undefined
        )
          return [];
        if (command.byRollback !== true)
          await keysMustWork(deps, command.id, look, stored?.record);
        return staysExcluded(look, stored);
      },
    },
  );
}

/** The version with the flags that others, accepted before, still set. */
function toBe(
  { resource }: Look,
  stored: StoredVersion | undefined,
): ImageVersionRequest {
  return withFlagsOf(resource, stored ? unmetRequests(stored.record) : []);
}

/** Regions that a promotion leaves out, since their own flag holds them back, and not every region's does. */
function staysExcluded(
  look: Look,
  stored: StoredVersion | undefined,
): readonly Finding[] {
  if (wavesIn(stored?.record, look) !== undefined) return [];
  const resource = toBe(look, stored);
  const flags = flagsByHand(resource, false);
  return targetRegionsOf(resource).flatMap((region, i): Finding[] => {
    const name = canonicalRegion(region.name);
    return region.excludeFromLatest !== true ||
      flags[exclusionIn(name)] === false
      ? []
      : [
          {
            code: "StaysExcluded",
            pointer: `/properties/publishingProfile/targetRegions/${i}/excludeFromLatest`,
            message: `"${name}" stays excluded from latest: its own flag holds it back, and a promotion includes such regions only where every region is held back so.`,
            severity: "warning",
            remediation: `To include it, send a PATCH with the target regions, and excludeFromLatest false in ${name}.`,
          },
        ];
  });
}

/** The operation that includes or excludes the version, or has done so, as Azure still shows. */
function exclusionBefore(
  { look, shown, stored }: Subject,
  kind: Kind,
  excluded: boolean,
): OperationRecord | undefined {
  const same = sameOperation(stored, look, (one) => one.kind === kind);
  if (same !== undefined) return same;
  return look !== undefined &&
    stored?.operation.kind === kind &&
    !isMadeByOthers(stored.record, look) &&
    stored.operation.status === "Succeeded" &&
    [look, shown ?? look].every((one) => isPromoted(one) !== excluded) &&
    (excluded
      ? heldBy(stored.record, look) === undefined
      : isPromotedWholly(stored.record, look)) &&
    wantedBy(stored.record)[EXCLUDE_FROM_LATEST] === undefined
    ? stored.operation
    : undefined;
}

/** It is the latest, and there is no wave that a promotion by hand would include. */
function isPromotedWholly(record: ImageVersionRecord, look: Look): boolean {
  const waves = wavesIn(record, look);
  return waves === undefined
    ? !isLatestNowhere(look.resource)
    : promotedWaves(waves, look.resource) === waves.length;
}

/** A person asks for the promotion that Sigil has begun by itself. */
function isTakenOver(
  { byRule }: PromoteImageVersion,
  stored: StoredVersion | undefined,
  { id, kind, requestedBy: { appId, objectId } }: OperationRecord,
): stored is StoredVersion {
  return (
    kind === "PromoteImageVersion" &&
    id === stored?.operation.id &&
    !isFinal(stored.record.state) &&
    byRule === undefined &&
    appId === undefined &&
    objectId === undefined
  );
}

/** With the flags of a promotion by hand, where it is not sent yet: a rule takes off no region's own. */
function byHandAlone(
  stored: StoredVersion,
  operationId: string,
  look: Look | undefined,
  time: Time,
): StoredVersion {
  const { record } = stored;
  const request = record.requests[operationId];
  if (
    request === undefined ||
    look === undefined ||
    wavesIn(record, look) !== undefined ||
    !isToBeSent(record, operationId, time)
  )
    return stored;
  const changes = withoutRegionsToGo(flagsByHand(look.resource, false), record);
  return {
    ...stored,
    record: {
      ...record,
      requests: { ...record.requests, [operationId]: { ...request, changes } },
    },
  };
}

/** A person asks for the deletion that a retention policy has begun. */
function isByPolicy(
  stored: StoredVersion | undefined,
  { id }: OperationRecord,
): stored is StoredVersion {
  return (
    id === stored?.operation.id &&
    !isFinal(stored.record.state) &&
    stored.record.requests[id]?.byPolicy === true
  );
}

/** From now on it is theirs: no rule or policy cancels it. */
function takenOver(
  { record, operation }: StoredVersion,
  requestedBy: Requester,
  now: Date,
  warnings: readonly Finding[] = [],
): ByHand {
  const requests = Object.entries(record.requests).map(
    ([id, { byRule: _, byPolicy: __, ...request }]) => [id, request] as const,
  );
  return {
    record: { ...record, requests: Object.fromEntries(requests) },
    operation: {
      ...operation,
      requestedBy,
      takenOverTime: now.toISOString(),
      ...(warnings.length > 0 && { warnings }),
    },
  };
}

/**
 * The flags that are set. Under a rule of waves a promotion includes the next one, and a demotion excludes each region; else a
 * version that is excluded in every region is included in every one, where no rule does it.
 */
function exclusionOf(
  { id, byRule }: PromoteImageVersion,
  look: Look,
  { shown, stored }: Pick<Subject, "shown" | "stored">,
  excluded: boolean,
): Patch {
  const { resource } = look;
  const waves = wavesIn(stored?.record, look);
  if (waves === undefined && byRule !== undefined && !excluded)
    return FLAGS_BY_RULE;
  if (waves === undefined)
    return withoutRegionsToGo(
      flagsByHand(toBe(look, stored), excluded),
      stored?.record,
    );
  if (!excluded && stored !== undefined && !isFinal(stored.record.state))
    throw new ServiceError(
      "ImageVersionConflict",
      `Operation ${stored.operation.id} is working on ${formatImageVersionId(id)}, which is promoted in waves. Wait until it has ended.`,
      { fields: { existingOperationId: stored.operation.id } },
    );
  if (stored !== undefined && regionsToGo(stored.record).length > 0)
    return { [EXCLUDE_FROM_LATEST]: excluded };
  if (!excluded) {
    mustBeSure(waves, look, shown);
    return flagsOfNext(waves, resource);
  }
  return flagsOf(
    waves,
    0,
    targetRegionsOf(resource).map(({ name }) => canonicalRegion(name)),
  );
}

/** Of a region that is being removed nothing is asked: it would be added again. */
function withoutRegionsToGo(
  flags: Patch,
  record: ImageVersionRecord | undefined,
): Patch {
  const removed = record === undefined ? [] : regionsToGo(record);
  return Object.fromEntries(
    Object.entries(flags).filter(
      ([field]) => !removed.includes(regionOf(field) ?? ""),
    ),
  );
}

/** Throws where others may have changed which waves have it since it was seen: the next one is another then. */
function mustBeSure(
  waves: readonly Wave[],
  look: Look,
  shown: Look | undefined,
): void {
  if (
    shown === undefined ||
    promotedWaves(waves, shown.resource) === promotedWaves(waves, look.resource)
  )
    return;
  throw new ServiceError(
    "StateConflict",
    "Azure shows in other regions than Sigil has set that the version is the latest: others have changed that, or Azure does not show it yet. Which wave comes next is certain ten minutes after Sigil's last update. Send the request again then.",
    { retryAfterMs: 60_000 },
  );
}

/** Throws where the version is to be deleted: its promotion would come after that. What a canceled deletion has sent may come to nothing. */
function mustStay(
  { id }: PromoteImageVersion,
  look: Look,
  stored: StoredVersion | undefined,
): void {
  const { operationId, isJudged = false } =
    (stored && openDeletionOf(stored.record)) ?? {};
  if (stored === undefined || operationId === undefined) return;
  const { requests, queued } = stored.record;
  const request =
    requests[operationId] ??
    queued.find(({ operation }) => operation.id === operationId)?.request;
  if (
    request === undefined ||
    request.decided !== undefined ||
    isNotMeant(stored.record, request, look)
  )
    return;
  throw new ServiceError(
    "ImageVersionConflict",
    `Operation ${operationId} deletes ${formatImageVersionId(id)}. Cancel it (POST /api/operations/${operationId}/cancel), and send the request again once it has ended; or promote another version.${isJudged ? KEEP_IT : ""}`,
    { fields: { existingOperationId: operationId } },
  );
}

function mustBeInForce(
  { id, byRule }: PromoteImageVersion,
  look: Look,
  stored: StoredVersion | undefined,
): void {
  if (byRule === undefined) return;
  const { publishedDate, ...held } = byRule;
  if (
    stored !== undefined &&
    isFinal(stored.record.state) &&
    look.publishedDate === publishedDate &&
    isDeepStrictEqual(heldBy(stored.record, look), held)
  )
    return;
  throw new ServiceError(
    "ImageVersionConflict",
    `The promotion rule of ${formatImageVersionId(id)} is in force no more, or an operation on it is under way.`,
  );
}

/**
 * The operation that repairs: it takes failed regions away and adds them back, if they are still failed when it looks.
 * Throws ServiceError ImageVersionConflict while ARM works on the version or where there is nothing to repair.
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
          `Operation ${stored.operation.id} is working on ${formatImageVersionId(command.id)}; Wait until it has ended.`,
          { fields: { existingOperationId: stored.operation.id } },
        );
      if (look === undefined) throw absent(command, stored);
      return {
        changes: {},
        repeats: {},
        byHand: true,
        retries: toRetry(command, look, names, (name) =>
          stored === undefined
            ? false
            : mayHaveFailedBefore(name, stored.record, look, contextOf(deps)),
        ),
      };
    },
  );
}

function toRetry(
  { id }: RetryImageVersion,
  look: Look,
  names: readonly string[] | undefined,
  isDoubtful: (name: string) => boolean,
): readonly string[] {
  const failed = look.regions
    .map(({ name }) => name)
    .filter((name) => hasFailed(look, name) && !isDoubtful(name));
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

/**
 * The operation that deletes the version; deleted or being deleted already, it is that one. While others run it goes before
 * everything that is queued. Throws ServiceError NotFound for a version that Azure does not have and nobody asked for, and
 * ImageVersionConflict where another than `ifOperationId` was the last.
 */
export async function deleteImageVersion(
  deps: Dependencies,
  command: DeleteImageVersion,
): Promise<OperationRecord> {
  const {
    id,
    ifOperationId,
    bypassSoftDelete = false,
    ignoreUse = false,
    byPolicy,
  } = command;
  const softDelete = bypassSoftDelete
    ? { isSoftDeleteEnabled: false }
    : await softDeleteOf(deps, imageIdOf(id));
  return acceptByHand(
    deps,
    command,
    "DeleteImageVersion",
    [
      ...(bypassSoftDelete ? ["bypassSoftDelete"] : []),
      ...(ignoreUse ? ["ignoreUse"] : []),
    ],
    (subject) => {
      const { look, seen, stored } = subject;
      const same = deletionBefore(subject);
      if (same !== undefined) {
        if (bypassSoftDelete) mustBeForGood(id, same);
        if (ignoreUse) mustNotBeGuarded(id, same, stored);
        if (byPolicy !== undefined || !isByPolicy(stored, same)) return same;
        mustNotBeProtected(id, look, stored);
        return takenOver(stored, command.requestedBy, deps.now());
      }
      if (isOver(subject)) throw notFound(id, stored?.record);
      const guarded = isGuarded(deps) && !ignoreUse && mayBeThere(subject);
      if (guarded && stored !== undefined) mustBeAtRest(id, stored);
      if (stored === undefined && look === undefined && seen)
        throw notFound(id);
      if (ifOperationId !== undefined && ifOperationId !== stored?.operation.id)
        throw new ServiceError(
          "ImageVersionConflict",
          `The last operation on ${formatImageVersionId(id)} is no longer the one that the version was judged by. Read the version again, then decide.`,
          {
            fields: {
              ...(stored && { existingOperationId: stored.operation.id }),
            },
          },
        );
      mustNotBeProtected(id, look, stored);
      if (look !== undefined) mustNotBeBlocked(id, look, deps.now());
      return {
        changes: {},
        repeats: {},
        byHand: true,
        ...(bypassSoftDelete && { bypassSoftDelete }),
        ...(seen && look === undefined && notShown(stored?.record)),
        ...(guarded && { guard: {} }),
        ...(byPolicy && { byPolicy }),
      };
    },
    {
      softDelete,
      warnings: finalityOf(softDelete, id, bypassSoftDelete),
      ask: async (subject) => {
        if (deletionBefore(subject) !== undefined) return [];
        await mustNotBeKept(deps, id, subject, bypassSoftDelete);
        return isGuarded(deps) &&
          !ignoreUse &&
          byPolicy === undefined &&
          mayBeThere(subject)
          ? mustNotBeNeeded(deps, {
              id,
              latestIn: await latestRegions(deps, id),
              pointer: "",
            })
          : [];
      },
    },
  );
}

/** Azure shows no version; where an operation has seen one that others made meanwhile, that one is meant. */
function notShown(
  record: ImageVersionRecord | undefined,
): Pick<VersionRequest, "absent" | "publishedDate"> {
  const publishedDate = record && lifeOfOthers(record);
  return {
    absent: true,
    ...(publishedDate !== undefined && { publishedDate }),
  };
}

/** One look that shows no version may be of a replica that is behind, or ahead: what Sigil knows of may be there. */
function mayBeThere({ look, seen, stored }: Subject): boolean {
  return (
    look !== undefined ||
    !seen ||
    stored?.record.exists === true ||
    (stored !== undefined && lifeOfOthers(stored.record) !== undefined)
  );
}

/** A look shows none, and what Sigil knew of has ended: none that was asked for is on its way. */
function isOver({ look, stored }: Subject): boolean {
  if (look !== undefined || stored === undefined) return false;
  const { record } = stored;
  return (
    isFinal(record.state) &&
    !record.exists &&
    (record.state === "Deleted" || record.deletedLife !== undefined) &&
    sentLast(record)?.outcome !== "unknown"
  );
}

/**
 * Throws where Azure shows none, and keeps what was deleted: Microsoft does not say what a DELETE does to that; or lists the
 * version of which Sigil knows the end alone: others have made or restored it.
 */
async function mustNotBeKept(
  deps: Dependencies,
  id: ImageVersionId,
  subject: Subject,
  bypassSoftDelete: boolean,
): Promise<void> {
  const { look, stored } = subject;
  if (look !== undefined || stored === undefined) return;
  if (!bypassSoftDelete && !isFinal(stored.record.state)) return;
  const deleted = await deletedVersion(deps, id);
  if (deleted !== undefined) throw deletedSoftly(id, deleted);
  if (isOver(subject)) await mustNotBeListed(id, listIn(deps));
}

/** Throws where the deletion that is there, or has been, can be undone. */
function mustBeForGood(
  id: ImageVersionId,
  { id: operationId, softDelete }: OperationRecord,
): void {
  if (softDelete?.isSoftDeleteEnabled === false) return;
  throw new ServiceError(
    "ImageVersionConflict",
    `Operation ${operationId} deletes ${formatImageVersionId(id)}, or has deleted it, so that it can be restored: of that, nothing is deleted for good before its time is over. Restore the version first, or use the Azure portal.`,
    { fields: { existingOperationId: operationId } },
  );
}

/** Who uses it can be asked of a version that is at rest alone: what is being done with it may make it the latest. */
function mustBeAtRest(
  id: ImageVersionId,
  { record, operation }: StoredVersion,
): void {
  if (isFinal(record.state)) return;
  throw new ServiceError(
    "ImageVersionConflict",
    `Operation ${operation.id} is working on ${formatImageVersionId(id)}: who uses it is asked once that has ended. Wait, or cancel it; or an Admin confirms by ignoreUse=true.`,
    { fields: { existingOperationId: operation.id } },
  );
}

/** Throws where the deletion that is under way waits to see who uses the version. */
function mustNotBeGuarded(
  id: ImageVersionId,
  { id: operationId }: OperationRecord,
  stored: StoredVersion | undefined,
): void {
  const { requests = {}, state } = stored?.record ?? {};
  if (requests[operationId]?.guard === undefined || state === "Deleting")
    return;
  throw new ServiceError(
    "ImageVersionConflict",
    `Operation ${operationId} deletes ${formatImageVersionId(id)}, and waits to see who uses it. Cancel it, then send this request again.`,
    { fields: { existingOperationId: operationId } },
  );
}

/** The operation that deletes the version, or has deleted it. */
function deletionBefore({
  look,
  seen,
  stored,
}: Subject): OperationRecord | undefined {
  const same = sameOperation(
    stored,
    look,
    ({ kind }) => kind === "DeleteImageVersion",
  );
  if (same !== undefined) return same;
  return stored?.record.state === "Deleted" &&
    stored.record.deletedOutside !== true &&
    !(seen && look !== undefined)
    ? stored.operation
    : undefined;
}

/** Throws where somebody has asked that nobody deletes it. */
function mustNotBeProtected(
  id: ImageVersionId,
  look: Look | undefined,
  stored: StoredVersion | undefined,
): void {
  if (stored === undefined || !isProtected(known(stored.record, look))) return;
  throw new ServiceError(
    "ImageVersionProtected",
    `${formatImageVersionId(id)} is protected from deletion. An Admin takes that off by a PATCH with {"sigil": {"protected": false}}.`,
  );
}

/** Throws where Azure will not let the version be deleted: what is being done with it goes on. */
function mustNotBeBlocked(
  id: ImageVersionId,
  { resource: { properties } }: Look,
  now: Date,
): void {
  const { endOfLifeDate } = properties.publishingProfile ?? {};
  if (
    properties.safetyProfile?.blockDeletionBeforeEndOfLife !== true ||
    endOfLifeDate === undefined ||
    Date.parse(endOfLifeDate) <= now.getTime()
  )
    return;
  const message = `${formatImageVersionId(id)} blocks its deletion before its end of life, ${endOfLifeDate}: Azure would refuse it.`;
  throw new ServiceError("ImageVersionConflict", message, {
    findings: [
      {
        code: "DeleteGalleryImageVersionBlockedBeforeEndOfLife",
        pointer: "/properties/safetyProfile/blockDeletionBeforeEndOfLife",
        message,
        severity: "error",
        remediation:
          "Set blockDeletionBeforeEndOfLife to false first, or wait for the end of life.",
      },
    ],
  });
}

function absent(
  { id }: Command,
  stored: StoredVersion | undefined,
): ServiceError {
  const record = stored?.record;
  return record !== undefined &&
    !isToBeShown(record) &&
    (record.exists || record.state === "Deleted")
    ? gone(id)
    : notFound(id, record);
}

async function acceptByHand(
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
  const { id, requestedBy, traceparent } = command;
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
  const record = read?.record;
  const { look: shown, seen } = await glance(
    deps,
    id,
    record,
    // That Azure could not be asked does not mean that the version is not there.
    command.ifMatch !== undefined ||
      (kind !== "DeleteImageVersion" && record?.observed === undefined),
  );
  const warnings = [
    ...told,
    ...(await ask({
      look: latestOf(record, shown, contextOf(deps)),
      shown,
      seen,
      stored: read,
    })),
  ];
  const accepting = acceptOperation<ImageVersionRecord>(
    deps,
    key,
    (stored) => {
      mustNotBeRestored(id, stored);
      const look = latestOf(stored?.record, shown, contextOf(deps));
      mustMatch(command, look, stored?.record);
      const decided = decide({ look, shown, seen, stored });
      if (!("changes" in decided)) return decided;
      const accepting: Accepting = {
        kind,
        key,
        resourceId,
        request: { ...decided, ...lifeIn(look) },
        regions: decided.retries ?? [],
        inWaves:
          kind === "PromoteImageVersion" &&
          look !== undefined &&
          wavesIn(stored?.record, look) !== undefined,
        fingerprint,
        requestedBy,
        traceparent,
        ...(requestKey !== undefined && { requestKey }),
        ...(softDelete && { softDelete }),
      };
      const context = contextOf(deps);
      if (stored !== undefined && !isFinal(stored.record.state)) {
        mustHaveRoom(stored, decided);
        return enqueue(stored, accepting, context, warnings);
      }
      return accept(
        accepting,
        stored === undefined
          ? look && found(look, accepting, deps.now())
          : knownAtRest(stored, look, context),
        context,
        warnings,
      );
    },
    { stored: read },
  );
  const operation = await orShown(deps, id, { look: shown, seen }, accepting);
  await bindKey(deps, requestKey, operation);
  deps.looks.forget(id, imageIdOf(id));
  return operation;
}
