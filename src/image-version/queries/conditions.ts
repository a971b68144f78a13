/**
 * What a person should know about a version: its stored conditions, and those that other state
 * shows. Pure.
 */
import {
  conditionMessage,
  CONDITIONS,
  whatToDo,
  type Change,
  type ConditionType,
} from "../../conditions/conditions.js";
import {
  canonicalRegion,
  formatImageVersionId,
  parseImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import type { ImageVersionView } from "../contract.js";
import type { VersionKeys } from "../../keys/version-keys.js";
import { releasedIn } from "../latest/release.js";
import { isBusy, type Look } from "../resources.js";
import { putBack } from "../properties/put-back.js";
import { cancelingIds } from "../state/cancel.js";
import { isPaused, ruleInForce } from "../state/fold.js";
import type { Condition, ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";
import { otherLatest, updating } from "../state/updating.js";
import type { KnownImageVersion } from "./get.js";

type Sigil = ImageVersionView["sigil"];
type ConditionView = NonNullable<Sigil["conditions"]>[number];
type Revocation = NonNullable<Sigil["revocation"]>;

/** A canonical region in which a gate keeps a version out of latest, and why. */
export interface GateWait {
  readonly region: string;
  readonly why: string;
}

/** A revoked version that this one was built from, directly or through others. */
export interface RevokedParent extends Pick<Revocation, "reason" | "replacement" | "revokedTime"> {
  readonly id: string;
  /** Whether it keeps the version out of latest, except in regions that a person approves. */
  readonly holds: boolean;
}

/** What a GET reads in addition; a list does not. */
export type Beside = Pick<Sigil, "keys" | "rollout" | "revocation"> & {
  /** Only shown as a condition. */
  readonly gateWaits?: readonly GateWait[];
  /** Shown as a condition, and with the parents. */
  readonly inherited?: readonly RevokedParent[];
};

/** A condition without its advice. */
interface Found {
  readonly type: ConditionType;
  readonly reason?: string;
  readonly message: string;
  /** RFC 3339; absent: unknown. */
  readonly since?: string | undefined;
  readonly fields?: readonly string[];
  readonly regions?: readonly string[];
  readonly change?: Change;
}

/** Two looks that agree decide within ten minutes, so twice that means that they never agree. */
const NEVER_AGREE_MS = 20 * 60_000;

export function conditionsOf(
  { id, look, record, latestIn }: KnownImageVersion,
  now: Date,
  { keys, rollout, revocation, gateWaits = [], inherited = [] }: Beside,
): readonly ConditionView[] {
  const stored = (record?.conditions ?? []).map((one) =>
    storedCondition(one, look?.resource ?? record?.status?.resource),
  );
  const found = [
    ...revoked(revocation, latestIn, look && busyWith(id, look, record)),
    ...parentRevoked(inherited),
    ...stored,
    ...(record && !isFinal(record.state)
      ? [...stalled(record), ...canceling(record)]
      : failedIn(look)),
    ...(record ? disagreeing(record, now) : []),
    ...atRisk(keys),
    // A revoked version comes into latest through no gate.
    ...(revocation === undefined ? gateClosed(gateWaits) : []),
    // A paused rule already has a condition.
    ...(record && !isPaused(record) ? waiting(record, rollout) : []),
    ...keepsLatest(record, latestIn),
  ];
  const order = Object.keys(CONDITIONS);
  return described(
    id,
    found.sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type)),
  );
}

export function described(id: ImageVersionId, found: readonly Found[]): readonly ConditionView[] {
  return found.map(({ since, change, fields, regions, ...condition }) => ({
    ...condition,
    ...(since !== undefined && { since }),
    ...(fields && { fields: [...fields] }),
    ...(regions && { regions: [...regions] }),
    whatToDo: whatToDo(condition.type, formatImageVersionId(id), change, condition.reason),
  }));
}

function storedCondition(
  { type, message, since, fields }: Condition,
  shown: Parameters<typeof putBack>[0] | undefined,
): Found {
  return {
    type,
    message,
    since,
    fields: Object.keys(fields),
    ...(shown && { change: putBack(shown, fields) }),
  };
}

function failedIn(look: Look | undefined): readonly Found[] {
  const regions = (look?.regions ?? [])
    .filter(({ state }) => state === "Failed")
    .map(({ name }) => name);
  return regionsFailed(regions, look?.resource.location);
}

/**
 * `regions` are canonical; `location`: the version's own, in any spelling, which a retry does not
 * repair.
 */
export function regionsFailed(
  regions: readonly string[],
  location: string | undefined,
): readonly Found[] {
  if (regions.length === 0) return [];
  const message = conditionMessage("RegionFailed", regions);
  if (location !== undefined && regions.includes(canonicalRegion(location)))
    return [{ type: "RegionFailed", message, regions, reason: "OwnLocation" }];
  const change = {
    options: ` --regions ${regions.join(" ")}`,
    request: ` ${JSON.stringify({ regions })}`,
  };
  return [{ type: "RegionFailed", message, regions, change }];
}

function stalled({ regions }: ImageVersionRecord): readonly Found[] {
  const those = regions.filter(({ stalledTime }) => stalledTime !== undefined);
  return those.length === 0
    ? []
    : [
        {
          type: "Stalled",
          message: conditionMessage(
            "Stalled",
            those.map(({ name }) => name),
          ),
          since: first(those.map(({ stalledTime }) => stalledTime)),
        },
      ];
}

function canceling(record: ImageVersionRecord): readonly Found[] {
  const ids = cancelingIds(record);
  return ids.length === 0
    ? []
    : [
        {
          type: "Canceling",
          message: conditionMessage("Canceling", ids),
          since: first(
            ids.map((id) => {
              const decided = record.requests[id]?.ending;
              return decided?.kind === "canceled" ? decided.time : undefined;
            }),
          ),
        },
      ];
}

export function revoked(
  revocation: Pick<Revocation, "reason" | "replacement" | "revokedTime"> | undefined,
  latestIn: readonly string[],
  busy = "",
): readonly Found[] {
  if (revocation === undefined) return [];
  const { reason, replacement, revokedTime: since } = revocation;
  const use = replacement === undefined ? [] : [`use ${replacement}`];
  const message = conditionMessage("Revoked", [reason, ...use]);
  if (latestIn.length === 0) return [{ type: "Revoked", message, since }];
  return [
    {
      type: "Revoked",
      message: `${message} It is still the latest in ${latestIn.join(", ")}. ${busy}`.trim(),
      since,
      regions: latestIn,
    },
  ];
}

/** Why Azure cannot change the version now, and what helps; empty: it can. */
export function busyWith(
  id: ImageVersionId,
  shown: Pick<Look, "provisioningState">,
  record: ImageVersionRecord | undefined,
): string {
  return isBusy(shown)
    ? `${updating("it", shown, record?.regions ?? [])} ${otherLatest(formatImageVersionId(id))}`
    : "";
}

function parentRevoked(inherited: readonly RevokedParent[]): readonly Found[] {
  return inherited.length === 0
    ? []
    : [
        {
          type: "ParentRevoked",
          message: conditionMessage(
            "ParentRevoked",
            inherited.map(({ id, reason, replacement }) => {
              const use = replacement === undefined ? "" : `, use ${replacement}`;
              return `${shortName(id)}, ${reason}${use}`;
            }),
          ),
          since: first(inherited.map(({ revokedTime }) => revokedTime)),
        },
      ];
}

function shortName(id: string): string {
  const version = parseImageVersionId(id);
  return version === undefined ? id : `${version.imageName} ${version.versionName}`;
}

export function atRisk(
  keys: Pick<VersionKeys, "state" | "problems"> | undefined,
): readonly Found[] {
  return keys?.state !== "AtRisk"
    ? []
    : [
        {
          type: "KeyAtRisk",
          reason: keys.problems[0]?.code ?? keys.state,
          message: conditionMessage("KeyAtRisk", [
            ...new Set(keys.problems.map((one) => one.diskEncryptionSetId)),
          ]),
          since: first(keys.problems.map(({ since }) => since)),
        },
      ];
}

function gateClosed(waits: readonly GateWait[]): readonly Found[] {
  const regions = waits.map(({ region }) => region);
  // Without a reason the approval is refused, and only the person knows it.
  const approval = JSON.stringify({ reason: "", regions });
  return waits.length === 0
    ? []
    : [
        {
          type: "GateClosed",
          message: conditionMessage(
            "GateClosed",
            waits.map(({ region, why }) => `in ${region} ${why}`),
          ),
          regions,
          change: {
            options: ` --regions ${regions.join(" ")} --reason ""`,
            request: ` ${approval}`,
          },
        },
      ];
}

/** Azure shows a different version at each look. */
function disagreeing({ unconfirmed, status }: ImageVersionRecord, now: Date): readonly Found[] {
  const since = status?.time;
  return unconfirmed === undefined ||
    since === undefined ||
    now.getTime() - Date.parse(since) < NEVER_AGREE_MS
    ? []
    : [
        {
          type: "NeedsAttention",
          reason: "LooksDisagree",
          message: `Since ${since} Azure shows a different version at each look, so Sigil writes and ends nothing until two looks agree. Find what keeps changing it, such as a policy or another tool.`,
          since,
        },
      ];
}

/** `rollout`: the progress of its rule, if that was read; otherwise the last report. */
function waiting(record: ImageVersionRecord, rollout: Sigil["rollout"]): readonly Found[] {
  if (rollout === undefined)
    return record.rollout?.waitsEventId === undefined || ruleInForce(record) === undefined
      ? []
      : [
          {
            type: "NeedsAttention",
            message: conditionMessage("NeedsAttention"),
          },
        ];
  const { state, waitsForGo, wave, failed = [], message } = rollout;
  return state === "Waiting" && waitsForGo !== true
    ? []
    : [
        {
          type: "NeedsAttention",
          reason: waitsForGo === true ? "WaitsForGo" : state,
          message,
          since: first(failed.map(({ time }) => time)),
          ...(waitsForGo === true &&
            wave !== undefined && {
              change: { options: "", request: "", verb: `Promote wave ${wave}` },
            }),
        },
      ];
}

/** Regions where a canceled version stays the latest, because they have no other. */
export function keepsLatest(
  record: Pick<ImageVersionRecord, "release"> | undefined,
  latestIn: readonly string[],
): readonly Found[] {
  const { release } = record ?? {};
  const regions = release?.by === "cancel" ? releasedIn(release, latestIn) : [];
  return regions.length === 0
    ? []
    : [
        {
          type: "NeedsAttention",
          reason: "RegionKeepsLatest",
          message: `Its creation was canceled, and it is still the latest in ${regions.join(", ")}.`,
          regions,
        },
      ];
}

function first(times: readonly (string | undefined)[]): string | undefined {
  return times
    .filter((time) => time !== undefined)
    .toSorted((one, other) => Date.parse(one) - Date.parse(other))[0];
}
