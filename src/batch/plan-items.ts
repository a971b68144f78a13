/**
 * Plans the items of a batch. Invariants:
 *  1. Nothing is requested of any resource before every item is planned. Under `stop`, one error ends the batch there.
 *  2. Items of one image definition are planned in order: each sees the latest versions without
 *     those that earlier items demote, delete or revoke.
 *  3. A plan is kept while another one must wait.
 */
import { BATCH_EVENT } from "../events/batch-events.js";
import { ServiceError } from "../errors.js";
import { advance, event } from "../operation/advance.js";
import type { TransitionContext } from "../operation/ports.js";
import { contextOf } from "../operation/steps.js";
import { wait } from "../operation/waiting.js";
import { expired, isTooOld, refusedByPlan, succeeded } from "./endings.js";
import { refusedBy, shortErrors, shortText } from "./item-errors.js";
import { toldOf } from "./kind.js";
import type { BatchDependencies, ItemRequest } from "./ports.js";
import {
  definitionOf,
  isBad,
  versionNameOf,
  withItems,
  type BatchCommand,
  type BatchItem,
  type BatchPair,
  type BatchRecord,
  type StoredBatch,
} from "./record.js";

/** In one step: image definitions at once, and items of each. */
const DEFINITIONS_AT_ONCE = 4;
const ITEMS_IN_TURN = 5;
/** How long a planned batch waits for someone to confirm it. */
const CONFIRM_MS = 24 * 3_600_000;

type Transition = (pair: BatchPair) => BatchPair;

export async function planItems(deps: BatchDependencies, stored: StoredBatch): Promise<Transition> {
  const context = contextOf(deps.operations);
  const { record } = stored;
  if (isTooOld(record, context.now)) return (pair) => expired(pair, record.items, context);
  const { planned, waits } = await planSome(deps, stored);
  const items = record.items.map((item) => planned.get(item.id) ?? item);
  const [first] = waits;
  if (first !== undefined)
    return (pair) => {
      const next = withItems(pair, items);
      const state = { ...next, record: { ...next.record, state: "Planning" as const } };
      return wait(state, first.message, first.retryAfterMs ?? 0, context);
    };
  if (items.some(({ state }) => state === "Listed"))
    return (pair) =>
      advance(withItems(pair, items), context, {
        patch: { state: "Planning" },
        resumes: true,
        waitMs: 0,
      });
  return (pair) => allPlanned(withItems(pair, items), context);
}

function allPlanned(pair: BatchPair, context: TransitionContext): BatchPair {
  const { items, onFailure, confirm, dryRun } = pair.record;
  const message = `All ${items.length} items are planned: ${summaryOf(items)}.`;
  const isOver = dryRun || !items.some(({ state }) => state === "Planned");
  if (items.some(isBad) && (isOver || onFailure === "stop")) return refusedByPlan(pair, context); // Invariant 1.
  if (isOver) return succeeded(pair, message, context);
  if (!confirm)
    return advance(pair, context, {
      patch: { state: "RunningBatch", ticks: 0 },
      message,
      waitMs: 0,
    });
  return advance(pair, context, {
    patch: { state: "Planned", ticks: 0 },
    message,
    waits: "Someone must confirm the batch.",
    waitMs: CONFIRM_MS,
    effects: [
      event(pair.operation, context, BATCH_EVENT.planned, "planned", toldOf(pair.operation)),
    ],
  });
}

/** Invariants 2 and 3. */
async function planSome(
  deps: BatchDependencies,
  stored: StoredBatch,
): Promise<{
  readonly planned: ReadonlyMap<string, BatchItem>;
  readonly waits: readonly ServiceError[];
}> {
  const { record } = stored;
  const planned = new Map<string, BatchItem>();
  const waits: ServiceError[] = [];
  const definitions = new Set<string>();
  for (const item of record.items)
    if (item.state === "Listed" && definitions.size < DEFINITIONS_AT_ONCE)
      definitions.add(definitionOf(item));
  const planOf = async (definition: string): Promise<void> => {
    const all = record.items.filter((item) => definitionOf(item) === definition);
    for (const item of all.filter(({ state }) => state === "Listed").slice(0, ITEMS_IN_TURN)) {
      const before = all.slice(0, all.indexOf(item)).map((one) => planned.get(one.id) ?? one);
      const next = await planOne(deps, stored, item, leavingOf(record, before));
      if (next instanceof ServiceError) return void waits.push(next);
      planned.set(item.id, next);
    }
  };
  await Promise.all([...definitions].map(planOf));
  return { planned, waits };
}

const LEAVES_LATEST: readonly BatchCommand[] = [
  "demoteImageVersion",
  "deleteImageVersion",
  "revokeImageVersion",
];

/** The numbers of these items that leave latest, as far as they are planned. */
function leavingOf({ command }: BatchRecord, items: readonly BatchItem[]): readonly string[] {
  if (!LEAVES_LATEST.includes(command)) return [];
  return items.filter(({ state }) => state === "Planned").map(versionNameOf);
}

/** An error that a later try may avoid is returned. */
async function planOne(
  { commands }: BatchDependencies,
  stored: StoredBatch,
  item: BatchItem,
  leaving: readonly string[],
): Promise<BatchItem | ServiceError> {
  try {
    const plan = await commands.plan(requestOf(stored, item), leaving);
    const errors = plan.findings.filter(({ severity = "error" }) => severity === "error");
    return {
      ...item,
      state: errors.length > 0 ? "Refused" : plan.unchanged ? "Unchanged" : "Planned",
      summary: shortText(plan.summary),
      ...(errors.length > 0 && { errors: shortErrors(errors) }),
    };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return error.retryable ? error : refusedBy(item, error);
  }
}

export function requestOf({ record, operation }: StoredBatch, item: BatchItem): ItemRequest {
  const { command, caller } = record;
  const { id, ifMatch, body = record.body, query = record.query ?? {} } = item;
  return {
    ...{ id, command, query, caller },
    traceparent: operation.traceparent,
    ...(body !== undefined && { body }),
    ...(ifMatch !== undefined && { ifMatch }),
  };
}

function summaryOf(items: readonly BatchItem[]): string {
  const count = (name: BatchItem["state"]): number =>
    items.filter(({ state }) => state === name).length;
  return `${count("Planned")} to change, ${count("Unchanged")} unchanged, ${count("Refused")} with errors`;
}
