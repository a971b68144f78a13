/**
 * One request for many resources: an operation whose children are ordinary operations. Example, two at once:
 *
 *   items  [ { id …/rhel9/versions/4.13.0, state Succeeded, operationId "…-7" },
 *            { id …/win22/versions/2.9.0,  state Running,   operationId "…-3" },
 *            { id …/deb12/versions/1.6.2,  state Planned } ]
 *
 * An item goes Listed → Planned → Starting → Running → Succeeded | Failed | Canceled. Refused: its plan or its command had
 * errors. Unchanged: it already is as requested. Skipped: its command was not called, because the batch stopped.
 */
import type { Finding } from "../errors.js";
import type { OperationRecord, Pair, Requester, TrackedRecord } from "../operation/records.js";
import type { StateStore, Stored } from "../operation/ports.js";
import { imageIdIn } from "../resource-id.js";

export type BatchState =
  "BatchRequested" | "Planning" | "Planned" | "RunningBatch" | "Succeeded" | "Failed" | "Canceled";

export const ITEM_STATES = [
  "Listed",
  "Planned",
  "Unchanged",
  "Refused",
  "Starting",
  "Running",
  "Succeeded",
  "Failed",
  "Canceled",
  "Skipped",
] as const;

export type ItemState = (typeof ITEM_STATES)[number];

/** Operation ids of the API: each item is requested exactly as a single one is. */
export const BATCH_COMMANDS = [
  "putImageVersion",
  "patchImageVersion",
  "promoteImageVersion",
  "demoteImageVersion",
  "retryImageVersion",
  "deleteImageVersion",
  "revokeImageVersion",
  "rollBackImage",
] as const;

export type BatchCommand = (typeof BATCH_COMMANDS)[number];

export type BatchQuery = Readonly<Record<string, string | boolean>>;

/** Who requested it, as an access token tells callers apart. */
export interface BatchCaller extends Omit<Requester, "source" | "policy"> {
  readonly roles: readonly string[];
}

export interface BatchItem {
  /** Of an image version; for `rollBackImage` of an image definition. */
  readonly id: string;
  readonly state: ItemState;
  /** Replaces the batch's own. */
  readonly body?: unknown;
  /** Replaces the batch's own. */
  readonly query?: BatchQuery;
  readonly ifMatch?: string;
  /** From 1; absent: 0, which begins at once (stages.ts). */
  readonly stage?: number;
  /** Since when it is Starting; RFC 3339. */
  readonly startingTime?: string;
  readonly operationId?: string;
  /** What its plan would change, in one line. */
  readonly summary?: string;
  /** At most three. */
  readonly errors?: readonly Finding[];
}

export interface BatchRecord extends TrackedRecord {
  readonly state: BatchState;
  readonly command: BatchCommand;
  readonly body?: unknown;
  readonly query?: BatchQuery;
  readonly items: readonly BatchItem[];
  /** The most children that are open at once. */
  readonly atOnce: number;
  /** Whether an item that is not as requested stops the others. */
  readonly onFailure: "stop" | "continue";
  /** True: after planning it waits until someone confirms it. */
  readonly confirm?: true;
  /** True: it ends after planning. */
  readonly dryRun?: true;
  readonly caller: BatchCaller;
}

export type BatchPair = Pair<BatchRecord>;
export type StoredBatch = Stored<BatchRecord>;
export type Batches = StateStore<BatchRecord>;

/** What a batch's operation says of it. */
export interface BatchDetail extends Pick<BatchRecord, "command" | "atOnce" | "onFailure"> {
  readonly dryRun?: true;
  readonly counts: Readonly<Partial<Record<ItemState, number>>>;
  readonly confirmedBy?: Requester;
  /** The cancel may leave a region without a latest version. */
  readonly allowNoLatest?: true;
  /** The first ten that are not as requested. */
  readonly items: readonly BatchItem[];
}

/** Throws TypeError for any other operation. */
export function batchOf({ id, kind, detail }: OperationRecord): BatchDetail {
  if (kind !== "RunBatch" || detail === undefined) throw new TypeError(`${id} is no batch`);
  return detail as BatchDetail;
}

const MOST_SHOWN = 10;
const AS_REQUESTED: ReadonlySet<ItemState> = new Set(["Succeeded", "Unchanged"]);
/** Each of these stops a batch, unless it continues on failure. */
const BAD: ReadonlySet<ItemState> = new Set(["Refused", "Failed", "Canceled"]);

export function isAsRequested({ state }: BatchItem): boolean {
  return AS_REQUESTED.has(state);
}

export function isBad({ state }: BatchItem): boolean {
  return BAD.has(state);
}

export function isUnderWay({ state }: BatchItem): boolean {
  return state === "Starting" || state === "Running";
}

export function hasItemEnded(state: ItemState): boolean {
  return AS_REQUESTED.has(state) || BAD.has(state) || state === "Skipped";
}

/** The pair with these items, which its operation counts. */
export function withItems(
  { record, operation, ...rest }: BatchPair,
  items: readonly BatchItem[],
): BatchPair {
  const detail: BatchDetail = {
    ...batchOf(operation),
    counts: countsOf(items),
    items: shortened(items),
  };
  return { ...rest, record: { ...record, items }, operation: { ...operation, detail } };
}

export function countsOf(items: readonly BatchItem[]): BatchDetail["counts"] {
  return Object.fromEntries(
    ITEM_STATES.map((name) => [name, items.filter(({ state }) => state === name).length]).filter(
      ([, count]) => count !== 0,
    ),
  ) as BatchDetail["counts"];
}

/** Those with errors first. */
function shortened(items: readonly BatchItem[]): readonly BatchItem[] {
  const others = items.filter((one) => hasItemEnded(one.state) && !isAsRequested(one));
  return [...others.filter(isBad), ...others.filter((one) => !isBad(one))]
    .slice(0, MOST_SHOWN)
    .map(({ id, state, operationId, errors }) => ({
      ...{ id, state },
      ...(operationId !== undefined && { operationId }),
      ...(errors && { errors: errors.slice(0, 1) }),
    }));
}

/** The items without those whose command was not called. */
export function skipped(items: readonly BatchItem[]): readonly BatchItem[] {
  return items.map((item) =>
    item.state === "Listed" || item.state === "Planned" ? { ...item, state: "Skipped" } : item,
  );
}

/** The id of an item's image definition, to compare. */
export function definitionOf({ id }: Pick<BatchItem, "id">): string {
  return (imageIdIn(id) ?? id).replace(/\/versions\/[^/]+$/u, "").toLowerCase();
}

/** The number of an item's version, if it has one. */
export function versionNameOf({ id }: Pick<BatchItem, "id">): string {
  return /\/versions\/([^/]+)$/u.exec(id)?.[1] ?? "";
}
