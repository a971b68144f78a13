/**
 * Accepts the revocation of a version, and its lifting. Invariants, in addition to those of every
 * acceptance (operation/accepting.ts):
 *  1. The ban holds from acceptance: what it forbids was requested before, or is refused (bans.ts).
 *  2. Repeating the request returns the same operation while it runs, and as long as the version is
 *     not in latest anywhere.
 *  3. Lifting the ban does not put the version back into latest.
 *  4. Only its author and an Admin change the words of a ban (bans.ts). Anyone else's request only
 *     removes the version from latest.
 *  5. Only an Admin holds back older descendants, or ends that.
 */
import { createHash } from "node:crypto";
import { ServiceError, type Finding } from "../errors.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import {
  forecastImageVersion,
  getImageUse,
  lookAt,
  latestIn,
  type ForecastView,
  type ImageUseView,
} from "../image-version/index.js";
import { omit } from "../objects.js";
import { acceptOperation } from "../operation/accepting.js";
import { advance, event } from "../operation/advance.js";
import { indexed } from "../operation/catalog.js";
import { bindKey, claimKey } from "../operation/idempotency.js";
import { hasEnded } from "../operation/kinds.js";
import type { OperationDependencies, TransitionContext } from "../operation/ports.js";
import {
  newRecord,
  operationIdOf,
  type Effect,
  type OperationRecord,
  type Pair,
  type Requester,
} from "../operation/records.js";
import { nextSequence } from "../operation/sequence.js";
import { contextOf } from "../operation/steps.js";
import { formatImageVersionId, type ImageVersionId } from "../resource-id.js";
import { counted, inLatestFindings, knownDescendants } from "./descendants.js";
import { banAfter, banKept, banOf, changesBan, withoutTimes, type Asked } from "./bans.js";
import type { RevocationDependencies } from "./ports.js";
import {
  revocationKeyOf,
  revokedRow,
  type Ban,
  type RevocationRecord,
  type StoredRevocation,
} from "./record.js";

interface Asking {
  readonly id: ImageVersionId;
  readonly requestedBy: Requester;
  /** W3C trace context for all messages and events of the operation. */
  readonly traceparent: string;
  readonly idempotencyKey?: string;
  /** The operation that requests it. */
  readonly parent?: string;
}

export interface RevokeImageVersion extends Asking, Asked {
  readonly allowNoLatest?: boolean;
}

export interface RevocationPlan {
  /** The latest version of each region, now and afterwards. */
  readonly regions: ForecastView["regions"];
  /** Absent: Azure could not be asked. */
  readonly use?: ImageUseView;
  /** The versions built from it. */
  readonly descendants: ReturnType<typeof counted>;
  readonly findings: readonly Finding[];
}

export function operationsOf({
  imageVersions,
  revocations,
}: RevocationDependencies): OperationDependencies<RevocationRecord> {
  return { ...imageVersions, store: revocations };
}

type Planned = Omit<RevokeImageVersion, "traceparent" | "idempotencyKey"> & {
  /** Numbers of versions that leave latest before; absent: none. */
  readonly leaving?: readonly string[];
};

/** Changes nothing. Throws as `revokeImageVersion` does. */
export async function planRevocation(
  deps: RevocationDependencies,
  command: Planned,
): Promise<RevocationPlan> {
  mustBeAdmin(command);
  const plan = await forecastOf(deps, command);
  const ban = await banOf(deps.revocations, command.id);
  const kept = banKept(command.id, ban, command);
  return { ...plan, findings: [...kept, ...plan.findings] };
}

/** Throws ServiceError Forbidden. Invariant 5. */
function mustBeAdmin({ holdDescendants, mayReword }: Asked): void {
  if (holdDescendants === undefined || mayReword === true) return;
  const message = "Only an Admin decides whether older descendants are held back.";
  throw new ServiceError("Forbidden", message, {
    findings: [
      {
        code: "Forbidden",
        pointer: "/holdDescendants",
        message,
        remediation: "Omit holdDescendants, or ask an Admin to revoke the version with it.",
      },
    ],
  });
}

async function forecastOf(
  { imageVersions, revocations }: RevocationDependencies,
  { id, replacement, allowNoLatest = false, leaving }: Planned,
): Promise<RevocationPlan> {
  if (replacement !== undefined) await mustReplace({ imageVersions, revocations }, id, replacement);
  const forecast = await forecastImageVersion(imageVersions, id, "demote", leaving);
  const keeps = forecast.regions.filter(({ from, to }) => from !== undefined && to === undefined);
  const use = await useOf(imageVersions, id);
  const descendants = counted(await knownDescendants({ imageVersions, revocations }, id));
  return {
    regions: forecast.regions.map((one) =>
      keeps.includes(one) && !allowNoLatest ? { ...one, to: one.from } : one,
    ) as ForecastView["regions"],
    ...("use" in use && { use: use.use }),
    descendants,
    findings: [
      ...forecast.findings.filter(({ code }) =>
        ["AzureIsUpdating", "LatestChanges", "ParentRevoked"].includes(code),
      ),
      ...keeps.map(({ region }) => keptIn(region, id, allowNoLatest)),
      ...("use" in use ? usersOf(use.use, replacement) : [use.unknown]),
      ...inLatestFindings(descendants, replacement),
    ],
  };
}

/** Throws ServiceError InvalidRequest if the replacement cannot be used. */
async function mustReplace(
  { imageVersions, revocations }: RevocationDependencies,
  id: ImageVersionId,
  replacement: string,
): Promise<void> {
  const other = { ...id, versionName: replacement };
  const message =
    replacement === id.versionName
      ? "A version cannot replace itself."
      : (await lookAt(imageVersions, other)) === undefined
        ? `Azure has no version ${replacement} of the image definition.`
        : (await banOf(revocations, other)) !== undefined
          ? `${replacement} is revoked as well.`
          : undefined;
  if (message !== undefined)
    throw new ServiceError(
      "InvalidRequest",
      "The replacement cannot be used; the reason is listed under errors.",
      {
        findings: [{ code: "ReplacementNotUsable", pointer: "/replacement", message }],
      },
    );
}

function keptIn(region: string, { versionName }: ImageVersionId, allowNoLatest: boolean): Finding {
  return {
    code: "RegionWouldLoseLatest",
    pointer: "",
    severity: "warning",
    message: allowNoLatest
      ? `In ${region} no version would be the latest.`
      : `In ${region} ${versionName} stays the latest until another version in latest is ready there.`,
    remediation: allowNoLatest
      ? "Promote another version that is ready there."
      : "Promote another version there, or revoke it with allowNoLatest=true.",
  };
}

async function useOf(
  imageVersions: RevocationDependencies["imageVersions"],
  id: ImageVersionId,
): Promise<{ readonly use: ImageUseView } | { readonly unknown: Finding }> {
  try {
    return { use: await getImageUse(imageVersions, id) };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return {
      unknown: {
        code: "UseUnknown",
        pointer: "",
        severity: "warning",
        message: `Sigil could not read who uses the version: ${error.message}`,
      },
    };
  }
}

function usersOf(
  { scaleSets, ephemeralMachines, machines }: ImageUseView,
  replacement: string | undefined,
): readonly Finding[] {
  const count = ephemeralMachines.count + machines.count;
  return scaleSets.count + count === 0
    ? []
    : [
        {
          code: "UsersToMove",
          pointer: "",
          severity: "warning",
          message: `${scaleSets.count} scale set${scaleSets.count === 1 ? "" : "s"} and ${count} machine${count === 1 ? "" : "s"} use it, and stay as they are.`,
          remediation: `${replacement === undefined ? "Move them to another version" : `Move them to ${replacement}`}. GET …/use lists them.`,
        },
      ];
}

/**
 * Throws ServiceError Forbidden; NotFound if Azure has no such version; InvalidRequest; ImageVersionConflict
 * while another revocation of it runs.
 */
export async function revokeImageVersion(
  deps: RevocationDependencies,
  command: RevokeImageVersion,
): Promise<OperationRecord> {
  mustBeAdmin(command);
  const { id, reason, replacement, allowNoLatest = false, holdDescendants } = command;
  const operations = operationsOf(deps);
  const resourceId = formatImageVersionId(id);
  const key = revocationKeyOf(resourceId);
  const fingerprint = fingerprintOf(
    ...["RevokeImageVersion", reason, replacement, allowNoLatest],
    ...(holdDescendants === undefined ? [] : [holdDescendants]),
  );
  const { requestKey, earlier } = await claimKey(operations, command, key, fingerprint);
  if (earlier !== undefined) return earlier;
  const { findings } = await forecastOf(deps, command);
  const look = await lookAt(deps.imageVersions, id);
  const isOut = look === undefined || latestIn(look.resource).length === 0;
  const operation = await acceptOperation(operations, key, (stored) => {
    const before = stored?.record.ban;
    const same = changesBan(before, command)
      ? undefined
      : sameRevocation(operations, stored, fingerprint, isOut);
    if (same !== undefined) return same;
    mustHaveEnded(
      operations,
      stored,
      (running) =>
        `Operation ${running} is already revoking ${resourceId}. To change the reason, cancel it (POST /api/operations/${running}/cancel), then revoke it again.`,
    );
    const context = contextOf(operations);
    const ban = banAfter(before, command, context.now.toISOString());
    const pair = begin(
      operations,
      { ...command, key, fingerprint, ...(requestKey && { requestKey }) },
      "RevokeImageVersion",
      stored?.record,
      { ban, ...(allowNoLatest && { allowNoLatest: true }) },
      [...banKept(id, before, command), ...findings],
    );
    const isNew = ban !== before;
    return advance(pair, context, {
      patch: { state: "RevocationRequested" },
      message: isNew
        ? `The version is revoked, and can no longer be promoted. ${reason}`
        : `The version was already revoked. Sigil removes it from latest where it still is. ${reason}`,
      effects: [
        indexed(pair.operation, context),
        ...(isNew ? told(pair, id, ban, context) : []),
        ...(before === undefined ? [{ kind: "others" } as const] : []),
      ],
    });
  });
  await bindKey(operations, requestKey, operation);
  return operation;
}

/** Invariant 2. */
function sameRevocation(
  operations: OperationDependencies<RevocationRecord>,
  stored: StoredRevocation | undefined,
  fingerprint: string,
  isOut: boolean,
): OperationRecord | undefined {
  if (stored?.operation.fingerprint !== fingerprint) return undefined;
  const { operation, record } = stored;
  const runs = !hasEnded(operations, stored);
  return runs || (isOut && record.ban !== undefined && operation.status === "Succeeded")
    ? operation
    : undefined;
}

/**
 * Throws ServiceError ImageVersionConflict while an operation runs, with the message for its id.
 */
function mustHaveEnded(
  operations: OperationDependencies<RevocationRecord>,
  stored: StoredRevocation | undefined,
  message: (operationId: string) => string,
): void {
  if (stored === undefined || hasEnded(operations, stored)) return;
  const { id } = stored.operation;
  throw new ServiceError("ImageVersionConflict", message(id), {
    fields: { existingOperationId: id },
  });
}

/**
 * Throws ServiceError NotFound for a version that is not revoked, and ImageVersionConflict while
 * its revocation runs.
 */
export async function unrevokeImageVersion(
  deps: RevocationDependencies,
  command: Asking,
): Promise<OperationRecord> {
  const { id } = command;
  const operations = operationsOf(deps);
  const resourceId = formatImageVersionId(id);
  const key = revocationKeyOf(resourceId);
  const fingerprint = fingerprintOf("UnrevokeImageVersion");
  const { requestKey, earlier } = await claimKey(operations, command, key, fingerprint);
  if (earlier !== undefined) return earlier;
  const operation = await acceptOperation(operations, key, (stored) => {
    if (stored?.record.ban === undefined) {
      if (stored?.operation.fingerprint === fingerprint) return stored.operation;
      throw new ServiceError("NotFound", `${resourceId} is not revoked.`);
    }
    mustHaveEnded(
      operations,
      stored,
      (running) =>
        `Operation ${running} is still removing it from latest. Cancel it (POST /api/operations/${running}/cancel), then lift the revocation (POST …/unrevoke).`,
    );
    const context = contextOf(operations);
    const pair = begin(
      operations,
      { ...command, key, fingerprint, ...(requestKey && { requestKey }) },
      "UnrevokeImageVersion",
      stored.record,
      {},
    );
    const record = omit(pair.record, "ban");
    return advance({ ...pair, record }, context, {
      patch: { state: "Succeeded" },
      effects: [
        { kind: "index", put: [], remove: [revokedRow(id, resourceId)] },
        indexed(pair.operation, context),
      ],
      ending: (one) => ({
        status: "Succeeded",
        message: "The revocation is lifted. To make the version the latest again, promote it.", // Invariant 3.
        event: event(one, context, IMAGE_VERSION_EVENT.unrevoked, "unrevoked", {
          unrevokedBy: command.requestedBy,
        }),
      }),
    });
  });
  await bindKey(operations, requestKey, operation);
  return operation;
}

/** Effects that report a new or changed ban. */
function told(
  { operation }: Pair<RevocationRecord>,
  id: ImageVersionId,
  ban: Ban,
  context: TransitionContext,
): readonly Effect[] {
  const { revoked } = IMAGE_VERSION_EVENT;
  return [
    {
      kind: "index",
      put: [revokedRow(id, operation.resourceId)],
      remove: [],
    },
    event(operation, context, revoked, "revoked", {
      ...withoutTimes(ban),
      ...(ban.holdTime !== undefined && { holdDescendants: true }),
    }),
  ];
}

function begin(
  operations: OperationDependencies<RevocationRecord>,
  {
    id,
    key,
    ...asked
  }: Asking &
    Pick<OperationRecord, "fingerprint" | "requestKey"> & {
      readonly key: string;
    },
  kind: string,
  previous: RevocationRecord | undefined,
  is: Pick<RevocationRecord, "ban" | "allowNoLatest">,
  warnings: readonly Finding[] = [],
): Pair<RevocationRecord> {
  const resourceId = formatImageVersionId(id);
  const { now } = contextOf(operations);
  const time = now.toISOString();
  const record: RevocationRecord = {
    ...newRecord(
      {
        key,
        resourceId,
        state: "RevocationRequested",
        sequence: nextSequence(previous, now),
      },
      time,
      previous?.createdTime,
    ),
    ...is,
    demotions: 0,
  };
  const { fingerprint, requestKey, requestedBy, traceparent, parent } = asked;
  return {
    record,
    operation: {
      id: operationIdOf(record),
      kind,
      status: "NotStarted",
      resourceId,
      fingerprint,
      createdTime: time,
      lastUpdatedTime: time,
      requestedBy,
      traceparent,
      ...(requestKey !== undefined && { requestKey }),
      ...(parent !== undefined && { parent }),
      regions: [],
      history: [],
      ...(warnings.length > 0 && { warnings }),
    },
  };
}

function fingerprintOf(...said: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(said)).digest("hex");
}
