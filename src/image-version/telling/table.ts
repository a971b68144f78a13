/**
 * One row for each kind of happening: which operations it is recorded in, its event, and its sentence in the history. An event's id is the
 * operation's id plus the key, so telling the same thing twice gives the same id.
 */
import { createHash } from "node:crypto";
import { whatToDo } from "../../conditions/conditions.js";
import type { Finding } from "../../errors.js";
import type { EventType } from "../../events/documented-event.js";
import { IMAGE_VERSION_EVENT as EVENT } from "../../events/image-version-events.js";
import type { EventContent, OperationEventData } from "../../events/operation-event.js";
import { omit } from "../../objects.js";
import type { OperationRecord, RegionRecord } from "../../operation/records.js";
import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { changesOf } from "../properties/changes.js";
import { lostIn } from "../properties/differences.js";
import { regionField, regionsIn } from "../properties/fields.js";
import type { Unmet } from "../properties/patch.js";
import { putBack } from "../properties/put-back.js";
import { encryptionOf } from "../state/encryption.js";
import type { End, Happened, Updating } from "../state/happened.js";
import { isMoved } from "../state/held.js";
import type { Condition, ImageVersionRecord, VersionState } from "../state/record.js";
import { sentence } from "../state/repairs.js";

type Of<Kind> = Extract<Happened, { readonly kind: Kind }>;

/** Operations with the region (if none: none, the leading one, or all); the named operations; the leading one; all. */
export type To = "region" | "regionOrLead" | "regionOrAll" | "ids" | "lead" | "all";

/** An event's content, and the key for its id. */
export type Said = EventContent & { readonly key: string };

export interface Row<H> {
  readonly to: To;
  readonly events?: (happened: H, about: About) => readonly Said[];
  /** A history entry; the state defaults to the record's state before the happening. */
  readonly history?: (happened: H) => readonly [message: string, state?: string];
  /** Operations that get the history entry, if different from `to`. */
  readonly historyTo?: To;
  /** Other changes to these operations. */
  readonly change?: (happened: H, operation: OperationRecord, about: About) => OperationRecord;
}

/** The record after the happening, and the time; RFC 3339. */
interface About {
  readonly record: ImageVersionRecord;
  readonly time: string;
}

function row<H, Type extends EventType>(
  to: To,
  type: Type,
  say: (happened: H, about: About) => readonly [key: string, data: OperationEventData<Type>],
  more: Omit<Row<H>, "to" | "events"> = {},
): Row<H> {
  const events = (happened: H, about: About): readonly Said[] => {
    const [key, data] = say(happened, about);
    return [{ type, key, data } as unknown as Said];
  };
  return { to, events, ...more };
}

export const TELLING: {
  readonly [Kind in Exclude<Happened["kind"], End["kind"]>]: Row<Of<Kind>>;
} = {
  regionReplicating: row("region", EVENT.regionReplicating, ({ region }) => [
    `${region.name}/replicating${again(region)}/${region.progress}`,
    progressOf(region),
  ]),
  regionCompleted: row("region", EVENT.regionCompleted, ({ region }, { record }) => [
    `${region.name}/completed${again(region)}`,
    {
      region: region.name,
      regionalReplicaCount: replicasIn(record, region.name),
      encryption: encryptionOf(
        record.status?.resource ?? ({ properties: {} } as ImageVersionRequest),
        record,
        region.name,
      ),
    },
  ]),
  regionStalled: row("region", EVENT.regionStalled, ({ region }, { record }) => [
    `${region.name}/stalled/${region.attempts}/${region.lastProgressTime}`,
    {
      ...progressOf(region),
      ...pick(region, "lastProgressTime"),
      whatToDo: whatToDo("Stalled", record.resourceId),
    },
  ]),
  regionResumed: row("region", EVENT.regionResumed, ({ region }) => [
    `${region.name}/resumed/${region.attempts}/${region.lastProgressTime}`,
    progressOf(region),
  ]),
  regionFailed: row(
    "regionOrLead",
    EVENT.regionFailed,
    ({ region }) => [
      `${region.name}/failed/${region.attempts}`,
      { region: region.name, ...pick(region, "details") },
    ],
    { history: ({ region }) => [failureOf(region)], historyTo: "regionOrAll" },
  ),
  regionNotAddedBack: row("regionOrLead", EVENT.regionRemoved, removed),
  regionRemoved: row("ids", EVENT.regionRemoved, removed),
  regionRepairing: row("region", EVENT.regionRepairing, ({ region, updates }) => [
    `${region}/repairing/${updates}`,
    { region },
  ]),
  promoted: row("all", EVENT.promoted, flipped),
  demoted: row("all", EVENT.demoted, flipped),
  changedOutside: { to: "lead", events: outside },
  deletedOutside: row("lead", EVENT.deletedOutside, (happened, { time }) => [
    `deleted-outside/${happened.publishedDate ?? time}`,
    pick(happened, "publishedDate"),
  ]),
  found: {
    to: "ids",
    change: ({ findings }, operation) => {
      const { warnings = [] } = operation;
      const isNew = ({ message }: Finding) => !warnings.some((had) => had.message === message);
      return withWarnings(operation, [...warnings, ...findings.filter(isNew)]);
    },
  },
  latestKept: {
    to: "ids",
    change: ({ findings }, operation) => {
      const others = operation.warnings?.filter(({ code }) => !SAID_OF_LATEST.includes(code)) ?? [];
      return withWarnings(operation, [...others, ...findings]);
    },
  },
  endsLater: {
    to: "ids",
    history: ({ ending, message }) => [
      message,
      ending.kind === "canceled" ? "Canceling" : "Failing",
    ],
    change: ({ ending }, operation) =>
      ending.kind === "canceled" ? { ...operation, canceledBy: ending.by } : operation,
  },
  createdFrom: { to: "lead" },
  begun: { to: "lead" },
  splitUp: { to: "ids", history: ({ message }) => [message] },
  creating: row("ids", EVENT.creating, () => ["creating", {}], {
    history: () => [
      "Every check has passed: the create request is sent to Azure Resource Manager.",
      "Creating",
    ],
  }),
  updating: row(
    "ids",
    EVENT.updating,
    ({ updates }, { record: { regions } }) => [
      `updating/${updates}`,
      { regions: regions.map(({ name }) => name) },
    ],
    { history: (happened) => [updateOf(happened), "Updating"] },
  ),
  writeAccepted: {
    to: "ids",
    history: () => [
      "Azure Resource Manager accepted the version. Sigil follows its regions.",
      "Replicating",
    ],
  },
  deleting: row("ids", EVENT.deleting, () => ["deleting", {}], sending("Deleting", "delete")),
  restoring: row("ids", EVENT.restoring, () => ["restoring", {}], sending("Restoring", "restore")),
  followed: {
    to: "all",
    history: () => ["Azure shows the version. Sigil follows its regions.", "Replicating"],
  },
  restored: row(
    "ids",
    EVENT.restored,
    (_, { record: { regions } }) => ["restored", { regions: regions.map(({ name }) => name) }],
    {
      history: ({ byOthers }) => [
        `Azure shows the version again${byOthers ? ", restored by others" : ""}. Sigil follows its regions.`,
        "Replicating",
      ],
      change: (_, operation, { record: { regions } }) => ({ ...operation, regions }),
    },
  ),
  deleted: row("ids", EVENT.deleted, (happened) => ["deleted", pick(happened, "softDelete")], {
    history: ({ message }) => [message, "Deleted"],
    change: ({ softDelete: detail }, operation) => ({ ...operation, ...(detail && { detail }) }),
  }),
};

const SAID_OF_LATEST = ["RegionKeepsLatest", "RegionWouldLoseLatest"];

function withWarnings(operation: OperationRecord, warnings: readonly Finding[]): OperationRecord {
  return { ...omit(operation, "warnings"), ...(warnings.length > 0 && { warnings }) };
}

/** The history's sentence for an update. */
export function updateOf({ removed, back }: Updating): string {
  if (removed.length > 0)
    return `${removed.join(", ")} failed and ${removed.length === 1 ? "is" : "are"} removed from the version, to be added back.`;
  if (back.length > 0)
    return `${back.join(", ")} ${back.length === 1 ? "is" : "are"} added back to the version.`;
  return "The version in Azure differs from the request. Sigil sends the update to Azure Resource Manager.";
}

function sending(
  state: VersionState,
  does: string,
): Pick<Row<Of<"deleting" | "restoring">>, "history" | "historyTo"> {
  return {
    history: ({ ids, isOneOfSeveral }) => [
      `The ${does} request${isOneOfSeveral ? ` of operation ${ids.join(", ")}` : ""} is sent to Azure Resource Manager.`,
      state,
    ],
    historyTo: "all",
  };
}

function removed({ region }: { readonly region: string }) {
  return [`${region}/removed`, { region }] as const;
}

function flipped({ kind, updates, lookTime }: Of<"promoted" | "demoted">) {
  return [`${kind}/${updates}/${lookTime}`, {}] as const;
}

function again({ attempts }: RegionRecord): string {
  return attempts > 1 ? `/${attempts}` : "";
}

function progressOf({ name, progress }: RegionRecord) {
  return { region: name, progress };
}

/** The member, if present. */
function pick<T extends object, K extends keyof T>(from: T, name: K) {
  return (from[name] === undefined ? {} : { [name]: from[name] }) as {
    readonly [N in K]?: Exclude<T[N], undefined>;
  };
}

function replicasIn({ status }: ImageVersionRecord, region: string): number {
  const shown = status?.resource.properties.publishingProfile;
  return (
    shown?.targetRegions?.find(({ name }) => canonicalRegion(name) === region)
      ?.regionalReplicaCount ?? 1
  );
}

function failureOf({
  name,
  details = "Azure gave no reason.",
  nextAttemptTime,
}: RegionRecord): string {
  const next =
    nextAttemptTime === undefined
      ? "It is not tried again."
      : `It is removed from the version and added back at ${nextAttemptTime}.`;
  return `${name} failed: ${sentence(details)} ${next}`;
}

function outside(
  { changes, look }: Of<"changedOutside">,
  { record: { resourceId } }: About,
): readonly Said[] {
  const added = regionsIn(
    Object.fromEntries(
      changes.flatMap(({ field, before, after }) =>
        before === undefined && field.endsWith("/name") ? [[field, after]] : [],
      ),
    ),
  );
  const shown = changesOf(changes, look.resource);
  const todo = (type: Condition["type"], of: readonly Unmet[]) => {
    const back = of.filter(isMoved).map(({ field, before }) => [field, { before }] as const);
    // No request can remove such a flag and keep the version out of latest there.
    return back.length === 0
      ? whatToDo("Paused", resourceId)
      : whatToDo(type, resourceId, putBack(look.resource, Object.fromEntries(back)));
  };
  const hash = createHash("sha256")
    .update(JSON.stringify([look.time, shown]))
    .digest("hex")
    .slice(0, 16);
  return [
    {
      type: EVENT.changedOutside,
      key: `outside/${hash}`,
      data: {
        changes: shown,
        ...(added.length > 0 && { regions: added }),
        whatToDo: todo("ChangedOutside", changes),
      },
    },
    ...lostIn(changes).map((region) => ({
      type: EVENT.regionLost,
      key: `${region}/lost/${hash}`,
      data: {
        region,
        whatToDo: todo(
          "RegionLost",
          changes.filter(({ field }) => field === `${regionField(region)}/name`),
        ),
      },
    })),
  ];
}
