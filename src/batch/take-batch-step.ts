/**
 * Takes the steps of a batch. Invariants:
 *  1. At most `atOnce` children are open, in the order of the list, and one of each image definition. A child that has
 *     waited for ten minutes gives its place back, but not its definition.
 *  2. An item is Starting in a commit before its command is called, with a key of the batch (operation/children.ts). Called
 *     again, it is the same operation.
 *  3. Once the batch stops, no command is called. The key of an item that is Starting is looked up: its operation is
 *     followed. Without one the item is Skipped, but only after the longest step, because another host may be about to call
 *     the command.
 *  4. A cancel cancels the open children that this batch began. What others began is followed.
 *  5. It ends once no child is open, and no stage waits for an earlier one: Succeeded only if every item is Succeeded or
 *     Unchanged.
 */
import { ServiceError } from "../errors.js";
import { omit } from "../objects.js";
import { advance } from "../operation/advance.js";
import { cancelOperation } from "../operation/canceling.js";
import { followChildren, isOpen, keyOfChild } from "../operation/children.js";
import { operationOfKey } from "../operation/idempotency.js";
import type { OperationDependencies } from "../operation/ports.js";
import type { OperationRecord, TrackedRecord } from "../operation/records.js";
import { commitStep, contextOf } from "../operation/steps.js";
import { poll, wait } from "../operation/waiting.js";
import { keyOf } from "../resource-id.js";
import { revocationKeyOf } from "../revocation/record.js";
import { ended, expired, isTooOld } from "./endings.js";
import { refusedBy, shortErrors } from "./item-errors.js";
import { planItems, requestOf } from "./plan-items.js";
import { nextStage, stageOf, type Stage } from "./stages.js";
import type { BatchDependencies } from "./ports.js";
import {
  batchOf,
  definitionOf,
  isBad,
  isUnderWay,
  withItems,
  type BatchItem,
  type BatchPair,
  type BatchRecord,
  type StoredBatch,
} from "./record.js";

type Transition = (pair: BatchPair) => BatchPair;
type Children = ReadonlyMap<string, OperationRecord>;

const HOLDS_ITS_PLACE_MS = 600_000;
/** More than `functionTimeout` of host.json. */
const LONGEST_STEP_MS = 360_000;

export async function takeBatchStep(deps: BatchDependencies, stored: StoredBatch): Promise<void> {
  await commitStep(deps.operations, stored, await transitionOf(deps, stored));
}

async function transitionOf(deps: BatchDependencies, stored: StoredBatch): Promise<Transition> {
  const { record } = stored;
  const context = contextOf(deps.operations);
  switch (record.state) {
    case "BatchRequested":
    case "Planning":
      return planItems(deps, stored);
    case "Planned":
      return (pair) => expired(pair, record.items, context); // Nobody confirmed it.
    default:
      return run(deps, stored);
  }
}

async function run(deps: BatchDependencies, stored: StoredBatch): Promise<Transition> {
  const { record, operation } = stored;
  const { operations } = deps;
  const context = contextOf(operations);
  const { now } = context;
  const begun = stops(stored, record.items, now)
    ? await findBegun(deps, stored)
    : await beginAll(deps, stored);
  const { items: followed, children } = await followAll(operations, begun.items);
  const isStopping = stops(stored, followed, now);
  if (operation.canceledBy !== undefined) await cancelChildren(operations, stored, children); // Invariant 4.
  const stage: Stage = isStopping ? {} : await nextStage(deps, record, followed);
  const items = withNext(followed, stage, children, record.atOnce, now);
  if (!items.some(isUnderWay)) {
    const { waits } = stage;
    if (waits !== undefined) return (pair) => poll(withItems(pair, items), waits, context);
    return (pair) => ended(pair, items, context); // Invariant 5.
  }
  if (!isStopping && items.some((item, i) => item.state !== followed[i]?.state))
    return (pair) =>
      advance(withItems(pair, items), context, {
        patch: { ticks: 0 },
        ...(stage.message !== undefined && { message: stage.message }),
        resumes: true,
        waitMs: 0,
      });
  const [first] = begun.waits;
  if (first !== undefined)
    return (pair) =>
      wait(withItems(pair, items), first.message, first.retryAfterMs ?? 0, context, first.isTurn);
  if (items.some(({ state }) => state === "Starting"))
    return (pair) => poll(withItems(pair, items), MAY_BEGIN, context); // Invariant 3.
  return (pair) => followChildren(withItems(pair, items), [...children.values()], context, {});
}

const MAY_BEGIN = "Another host may still be about to begin an item.";

/** Whether nothing more begins. */
function stops(
  { record, operation }: StoredBatch,
  items: readonly BatchItem[],
  now: Date,
): boolean {
  return (
    operation.canceledBy !== undefined ||
    isTooOld(record, now) ||
    (record.onFailure === "stop" && items.some(isBad))
  );
}

interface Begun {
  readonly items: readonly BatchItem[];
  /** Why commands could not be called yet. */
  readonly waits: readonly ServiceError[];
}

/** Invariant 2. */
async function beginAll(deps: BatchDependencies, stored: StoredBatch): Promise<Begun> {
  const waits: ServiceError[] = [];
  const items = await Promise.all(
    stored.record.items.map(async (item) => {
      if (item.state !== "Starting") return item;
      const next = await beginOne(deps, stored, item);
      if (!(next instanceof ServiceError)) return next;
      waits.push(next);
      return item;
    }),
  );
  return { items, waits };
}

/** An error that a later try may avoid is returned. */
async function beginOne(
  { operations, commands }: BatchDependencies,
  stored: StoredBatch,
  item: BatchItem,
): Promise<BatchItem | ServiceError> {
  const { operation } = stored;
  try {
    const key = keyOfChild(operation, item.id);
    const child = await commands.begin(requestOf(stored, item), key, operation.id);
    return child === undefined ? { ...started(item), state: "Unchanged" } : running(item, child);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (error.retryable) return error;
    // Before the process died, the command may have been accepted.
    const child = await begunBy(operations, stored, item);
    return child === undefined ? refusedBy(started(item), error) : running(item, child);
  }
}

/** Invariant 3. */
async function findBegun({ operations }: BatchDependencies, stored: StoredBatch): Promise<Begun> {
  const nowMs = operations.now().getTime();
  const items = await Promise.all(
    stored.record.items.map(async (item): Promise<BatchItem> => {
      if (item.state !== "Starting") return item;
      const child = await begunBy(operations, stored, item);
      if (child !== undefined) return running(item, child);
      const isLate = nowMs - Date.parse(item.startingTime ?? "1970-01-01") > LONGEST_STEP_MS;
      return isLate ? { ...started(item), state: "Skipped" } : item;
    }),
  );
  return { items, waits: [] };
}

function begunBy(
  operations: OperationDependencies<BatchRecord>,
  { record, operation }: StoredBatch,
  { id }: BatchItem,
): Promise<OperationRecord | undefined> {
  return operationOfKey(operations, {
    resourceKey: record.command === "revokeImageVersion" ? revocationKeyOf(id) : keyOf(id),
    requestedBy: operation.requestedBy,
    idempotencyKey: keyOfChild(operation, id),
    since: operation.createdTime,
  });
}

function running(item: BatchItem, { id }: OperationRecord): BatchItem {
  return { ...started(item), state: "Running", operationId: id };
}

function started(item: BatchItem): BatchItem {
  return omit(item, "startingTime");
}

/** The items as their children are now, and these. */
async function followAll(
  { store }: OperationDependencies<BatchRecord>,
  items: readonly BatchItem[],
): Promise<{ readonly items: readonly BatchItem[]; readonly children: Children }> {
  const children = new Map<string, OperationRecord>();
  const next = await Promise.all(
    items.map(async (item) => {
      if (item.state !== "Running" || item.operationId === undefined) return item;
      const child = (await store.readOperation(item.operationId))?.operation;
      if (child === undefined) return lost(item);
      children.set(item.id, child);
      return settled(item, child);
    }),
  );
  return { items: next, children };
}

function lost(item: BatchItem): BatchItem {
  const message = `Operation ${item.operationId} is no longer stored.`;
  return { ...item, state: "Failed", errors: [{ code: "NotFound", pointer: "", message }] };
}

function settled(item: BatchItem, child: OperationRecord): BatchItem {
  const { status, error } = child;
  if (status === "NotStarted" || status === "Running") return item;
  return {
    ...item,
    state: status,
    ...(error && { errors: shortErrors([{ ...error, pointer: "" }]) }),
  };
}

async function cancelChildren(
  operations: OperationDependencies<TrackedRecord>,
  { operation }: StoredBatch,
  children: Children,
): Promise<void> {
  const { id, canceledBy = {} } = operation;
  const { allowNoLatest = false } = batchOf(operation);
  const own = [...children.values()].filter(
    (child) =>
      isOpen(child) && child.parent === id && (allowNoLatest || child.canceledBy === undefined),
  );
  for (const child of own)
    try {
      await cancelOperation(
        operations,
        child.id,
        canceledBy,
        allowNoLatest ? { allowNoLatest } : {},
      );
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error; // It has just ended, or is canceled by the next step.
    }
}

/** With those Starting that may be begun next. Invariant 1. */
function withNext(
  items: readonly BatchItem[],
  { open }: Stage,
  children: Children,
  atOnce: number,
  now: Date,
): readonly BatchItem[] {
  const underWay = items.filter(isUnderWay);
  const taken = new Set(underWay.map(definitionOf));
  const places = underWay.filter(({ id }) => {
    const since = children.get(id)?.waitingSince;
    return since === undefined || now.getTime() - Date.parse(since) < HOLDS_ITS_PLACE_MS;
  });
  let free = atOnce - places.length;
  return items.map((item) => {
    if (item.state !== "Planned" || stageOf(item) !== open) return item;
    if (free <= 0 || taken.has(definitionOf(item))) return item;
    taken.add(definitionOf(item));
    free -= 1;
    return { ...item, state: "Starting", startingTime: now.toISOString() };
  });
}
