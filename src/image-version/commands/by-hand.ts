/**
 * What people ask of a version that is there: to promote it, to demote it, to repair its failed regions, to delete it
 * (delete.ts). None of these creates, and none but a deletion needs Sigil to have made the version.
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
import { keysMustWork } from "../preflight/keys.js";
import { notFound } from "../queries/not-found.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";
import { found, isMadeByOthers, isNotMeant } from "../state/adoption.js";
import { knownAtRest } from "../state/at-rest.js";
import { latestOf, mayHaveFailedBefore, type Time } from "../state/attempts.js";
import { enqueue } from "../state/batch.js";
import type {
  Held,
  ImageVersionRecord,
  VersionRequest,
} from "../state/record.js";
import { accept, type Accepting } from "../state/accepting.js";
import { openDeletionOf } from "../state/guarding.js";
import { heldBy, isToBeSent, wavesIn } from "../state/held.js";
import { regionsToGo, unmetRequests, wantedBy } from "../state/wanted.js";
import { fieldsOf, regionOf, regionsIn } from "../properties/fields.js";
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
  mustHaveRoom,
  mustMatch,
  mustNotBeRestored,
  orShown,
  type Command,
} from "./command.js";
import { sameOperation } from "./same-operation.js";
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

type Kind = Accepting["kind"];

/** What is decided on a version that Azure has, or had. */
export interface Subject {
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
        return [
          ...(command.byRollback === true
            ? []
            : await keysMustWork(deps, command.id, look, stored?.record)),
          ...staysExcluded(look, stored),
        ];
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
  { id, kind, requestedBy }: OperationRecord,
): stored is StoredVersion {
  return (
    kind === "PromoteImageVersion" &&
    id === stored?.operation.id &&
    !isFinal(stored.record.state) &&
    byRule === undefined &&
    requestedBy.policy !== undefined
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
export function isByPolicy(
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
export function takenOver(
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
        retries: toRetry(
          command,
          look,
          names,
          stored === undefined ? [] : lostIn(stored.record, look),
          (name) =>
            stored === undefined
              ? false
              : mayHaveFailedBefore(name, stored.record, look, contextOf(deps)),
        ),
      };
    },
  );
}

/** Regions that were taken away for repair, and could not be added back. */
function lostIn(record: ImageVersionRecord, look: Look): readonly string[] {
  if (isMadeByOthers(record, look)) return [];
  const shown = regionsIn(fieldsOf(look.resource));
  return Object.entries(record.repairs).flatMap(([name, { removed, lost }]) =>
    (removed ?? lost) === undefined || shown.includes(name) ? [] : [name],
  );
}

function toRetry(
  { id }: RetryImageVersion,
  look: Look,
  names: readonly string[] | undefined,
  lost: readonly string[],
  isDoubtful: (name: string) => boolean,
): readonly string[] {
  const failed = [
    ...look.regions
      .map(({ name }) => name)
      .filter((name) => hasFailed(look, name) && !isDoubtful(name)),
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
    (record.exists || record.state === "Deleted")
    ? gone(id)
    : notFound(id, record);
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
