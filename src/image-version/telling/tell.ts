/** Writes the outcome of a decision to the operations, their histories, the events and the listing. Pure. */
import { advance, event, withEntry, withOperations } from "../../operation/advance.js";
import { endOne } from "../../operation/members.js";
import type { TransitionContext } from "../../operation/ports.js";
import {
  operationIn,
  operationsOf,
  type Effect,
  type OperationRecord,
  type Requester,
} from "../../operation/records.js";
import type { PromotionRule } from "../contract.js";
import { childRow, testedRow } from "../../listings.js";
import type { Look } from "../resources.js";
import { decideCancel, type Canceling } from "../state/cancel.js";
import { ruleOf } from "../state/fold.js";
import type { End, Happened, Outcome } from "../state/happened.js";
import { changed, type ImageVersionPair } from "../state/record.js";
import { lookedAt, type Beside } from "../state/see.js";
import { isFinal } from "../state/states.js";
import { endingOf } from "./endings.js";
import { TELLING, type Row, type To } from "./table.js";

/** The pair with the outcome applied and told. */
export function told(
  pair: ImageVersionPair,
  { record, happened, waitMs, waits, resumes }: Outcome,
  context: TransitionContext,
): ImageVersionPair {
  const { state } = record;
  const before = { ...pair, record: { ...record, state: pair.record.state } };
  const after = happened.reduce<ImageVersionPair>(
    (next, one) => toldOne(next, one, context),
    record === pair.record ? pair : before,
  );
  if (isFinal(after.record.state)) return after;
  if (waitMs === undefined) return after.record.state === state ? after : changed(after, { state });
  const says = happened.some(({ kind }) => kind in TELLING && rowOf(kind).history !== undefined);
  return advance(after, context, {
    patch: { state },
    waitMs,
    ...(waits !== undefined && { waits }),
    resumes: resumes ?? (waits === undefined && says),
  });
}

/** The pair after one look; `look` undefined: Azure answered 404. */
export function see(
  pair: ImageVersionPair,
  look: Look | undefined,
  context: TransitionContext,
  beside: Beside = {},
): ImageVersionPair {
  return told(pair, lookedAt(pair.record, look, context, beside), context);
}

/** Undefined if there is nothing to cancel; the same pair if the cancel has already begun. */
export function beginCancel(
  pair: ImageVersionPair,
  id: string,
  by: Requester,
  context: TransitionContext,
  canceling?: Canceling,
): ImageVersionPair | undefined {
  const canceled = decideCancel(pair.record, id, by, context, canceling);
  return canceled && told(pair, canceled, context);
}

function rowOf(kind: Happened["kind"]): Row<Happened> {
  return TELLING[kind as keyof typeof TELLING] as Row<Happened>;
}

function toldOne(
  pair: ImageVersionPair,
  happened: Happened,
  context: TransitionContext,
): ImageVersionPair {
  switch (happened.kind) {
    case "succeeded":
    case "failed":
    case "replicationFailed":
    case "canceled":
      return ended(pair, happened, context);
    case "deleted":
      return advance(byRow(pair, happened, context), context, { patch: { state: "Deleted" } });
    case "begun":
      return withEffects(pair, [{ kind: "others" }]);
    case "createdFrom":
      return withEffects(pair, childRows(pair.record.resourceId, happened.parents));
    case "restored":
      return withEffects(
        byRow(pair, happened, context),
        heldRow(pair.record.resourceId, ruleOf(pair.record.spec)),
      );
    default:
      return byRow(pair, happened, context);
  }
}

function byRow(
  pair: ImageVersionPair,
  happened: Happened,
  context: TransitionContext,
): ImageVersionPair {
  const { to, events, history, historyTo = to, change } = rowOf(happened.kind);
  const time = context.now.toISOString();
  const about = { record: pair.record, time };
  const effects = (events?.(happened, about) ?? []).flatMap(({ type, key, data }) =>
    toldTo(pair, happened, to).map((operation) => event(operation, context, type, key, data)),
  );
  const after = withEffects(pair, effects);
  if (history === undefined && change === undefined) return after;
  const those = toldTo(pair, happened, historyTo);
  const [message, state = pair.record.state] = history?.(happened) ?? [];
  return withOperations(after, (one) => {
    if (!those.includes(one)) return one;
    const next = change?.(happened, one, about) ?? one;
    return message === undefined
      ? next
      : { ...next, history: withEntry(next.history, { time, state, message }) };
  });
}

function toldTo(pair: ImageVersionPair, happened: Happened, to: To): readonly OperationRecord[] {
  const all = operationsOf(pair);
  const ofRegion = all.filter(({ regions }) =>
    regions.some(({ name }) => name === regionOf(happened)),
  );
  switch (to) {
    case "all":
      return all;
    case "lead":
      return [pair.operation];
    case "ids": {
      const { ids } = happened as Extract<Happened, { readonly ids: readonly string[] }>;
      return ids.length === 0 ? all : all.filter(({ id }) => ids.includes(id));
    }
    case "region":
      return ofRegion;
    case "regionOrLead":
      return ofRegion.length > 0 ? ofRegion : [pair.operation];
    case "regionOrAll":
      return ofRegion.length > 0 ? ofRegion : all;
  }
}

function regionOf(happened: Happened): string | undefined {
  if (!("region" in happened)) return undefined;
  return typeof happened.region === "string" ? happened.region : happened.region.name;
}

/** Lists a version with a promotion rule, so that src/rollout follows it from the beginning. */
export function heldRow(resourceId: string, rule: PromotionRule | undefined): Effect[] {
  return rule === undefined || rule.when === "manual"
    ? []
    : [{ kind: "index", put: [testedRow(resourceId)], remove: [] }];
}

/** Lists a version under what it is made of, and tells it then if one of these is revoked. */
export function childRows(resourceId: string, parents: readonly string[]): Effect[] {
  return parents.length === 0
    ? []
    : [
        { kind: "index", put: parents.map((one) => childRow(one, resourceId)), remove: [] },
        { kind: "others" },
      ];
}

/** Adds effects to the outbox; if the process dies, the reconciler finds them there. */
export function withEffects(pair: ImageVersionPair, effects: readonly Effect[]): ImageVersionPair {
  return changed(pair, { outbox: [...pair.record.outbox, ...effects] });
}

function ended(pair: ImageVersionPair, end: End, context: TransitionContext): ImageVersionPair {
  const { record } = pair;
  const operation = operationIn(pair, end.id);
  if (operation === undefined) return pair;
  const ending = endingOf(end, record, operation, context);
  if (record.members.length === 0)
    return advance(pair, context, { patch: { state: ending.status }, ending: () => ending });
  const { regions } = record;
  const at = changed(pair, { regions: end.regions });
  return changed(endOne(at, end.id, ending, context), { regions });
}

/** Whether the history already has this message. Sigil's own update is told once, even if it is sent several times. */
export function isToldAlready({ operation }: ImageVersionPair, message: string): boolean {
  const said = operation.history.filter(({ state }) => state !== "Waiting").at(-1);
  return said?.message === message;
}

/** Requesters of the creations among these operations. */
export function creatorsIn(pair: ImageVersionPair, ids: readonly string[]): readonly Requester[] {
  return operationsOf(pair)
    .filter(({ id }) => ids.includes(id) && pair.record.requests[id]?.creates === true)
    .map(({ requestedBy }) => requestedBy);
}
