/**
 * Several requests for one version, done together: what waits is joined to the operation whose turn it is, before its
 * update is sent. Pure. Invariants:
 *  1. Every accepted operation has its turn: it waits, is done with the current one, or is the current one, until it ends.
 *  2. What fails the rules, or contradicts what came before it, fails alone.
 *  3. What Azure refuses of several together is sent again, each alone.
 */
import {
  advance,
  regionsOf,
  withEntry,
  written,
} from "../operation/advance.js";
import { indexed } from "../operation/catalog.js";
import { fail, failure } from "../operation/failing.js";
import { besideOf, endOne } from "../operation/fellows.js";
import type { Moment } from "../operation/ports.js";
import {
  sequenceOf,
  type OperationFailure,
  type OperationRecord,
  type Pair,
  type TrackedRecord,
} from "../operation/records.js";
import type { ImageVersionRequest } from "./contract.js";
import { differenceOf } from "./differences.js";
import { baseOf } from "./known.js";
import type { PropertyChange } from "./changes.js";
import { merge } from "./merging.js";
import { governed } from "./promotion.js";
import type {
  ImageVersionRecord,
  WaitingRequest,
  ImageVersionPair,
} from "./records.js";
import {
  acceptedEvent,
  desired,
  operationOf,
  started,
  untilQuiet,
  type Asked,
} from "./transitions.js";

/** The request is to be done once the current operation has ended, or with it while nothing of that is sent. */
export function acceptWaiting(
  { record, operation: current }: ImageVersionPair,
  asked: Asked,
  moment: Moment,
): ImageVersionPair & { readonly accepted: OperationRecord } {
  const sequence = record.lastSequence + 1;
  const base = baseOf(record);
  const { regions } = desired(asked.request, base, record.regions);
  const time = moment.now.toISOString();
  const accepted: OperationRecord = {
    ...operationOf(asked, sequence, regions, moment),
    history: [
      {
        time,
        state: "Accepted",
        message: `The request is stored. It is done with the next update of the version, at the latest once operation ${current.id} has ended.`,
      },
    ],
  };
  const waiting: WaitingRequest = {
    operation: accepted,
    request: asked.request,
  };
  return {
    record: {
      ...record,
      lastSequence: sequence,
      waiting: [...record.waiting, waiting],
      outbox: [
        ...record.outbox,
        indexed(accepted),
        acceptedEvent(accepted, moment),
      ],
    },
    operation: current,
    beside: [accepted],
    accepted,
  };
}

/** ARM shows what an operation before has sent to be created: from now on it is this one's to change. */
export function takeOver(
  pair: ImageVersionPair,
  begun: ImageVersionRequest,
  moment: Moment,
): ImageVersionPair {
  const { record } = pair;
  const merger = merge(undefined, begun, record.request);
  if (merger.kind === "conflict")
    return fail(pair, contradicted(merger.conflicts), moment);
  return advance(pair, moment, {
    patch: {
      made: true,
      base: begun,
      ...desired(merger.request, begun, record.regions),
    },
    message:
      "The version exists, as an operation before this one has asked for it: it is changed.",
    waitMs: 0,
  });
}

/** What is to be done together, and what cannot be. */
export interface Joining {
  /** All of it, in one request. */
  readonly request: ImageVersionRequest;
  /** By operation id: what each that joins asks of the version as it is. */
  readonly joined: ReadonlyMap<string, ImageVersionRequest>;
  readonly failed: ReadonlyMap<string, OperationFailure>;
}

/**
 * Merges what waits to what the current operation asks, one after the other. `judge` says why a request that waits cannot
 * be done, if so; undefined lets it join.
 */
export function joiningOf(
  { record }: ImageVersionPair,
  judge: (request: ImageVersionRequest) => OperationFailure | undefined,
): Joining {
  let { request } = record;
  const joined = new Map<string, ImageVersionRequest>();
  const failed = new Map<string, OperationFailure>();
  if (record.alone || record.fellows.length > 0)
    return { request, joined, failed };
  for (const waiting of record.waiting.filter(({ alone }) => !alone)) {
    const { id } = waiting.operation;
    const own = governed(waiting.request, record.base);
    const merger = merge(record.base, request, waiting.request);
    if (merger.kind === "conflict") continue; // It is judged anew at its own turn.
    const refused = judge(own);
    if (refused !== undefined) {
      failed.set(id, refused);
      continue;
    }
    joined.set(id, own);
    ({ request } = merger);
  }
  return { request, joined, failed };
}

/** What waits joins the current operation, or ends. */
export function join(
  pair: ImageVersionPair,
  { request, joined, failed }: Joining,
  moment: Moment,
): ImageVersionPair {
  const remaining = [...failed].reduce(
    (others, [id, error]) => failOne(others, id, error, moment),
    pair,
  );
  const { record, operation } = remaining;
  const fellows = record.waiting
    .filter((waiting) => joined.has(waiting.operation.id))
    .map((waiting) => waiting.operation);
  if (fellows.length < joined.size || fellows.length === 0) return remaining;
  return advance(remaining, moment, {
    patch: {
      ...desired(request, record.base, record.regions),
      fellows,
      waiting: record.waiting.filter(
        (waiting) => !joined.has(waiting.operation.id),
      ),
      shares: { ...Object.fromEntries(joined), [operation.id]: record.request },
    },
    message: `Done in one update with ${[operation, ...fellows].map(({ id }) => id).join(", ")}.`,
    waitMs: 0,
  });
}

/** Azure has refused, or a rule stops, what several ask together: each is to be done alone, the current one first. */
export function split(
  pair: ImageVersionPair,
  reason: string,
  moment: Moment,
): ImageVersionPair {
  const { record, operation } = pair;
  const { fellows, shares, base } = record;
  const message = `What is asked together with other operations was refused; each is sent alone. ${reason}`;
  const time = moment.now.toISOString();
  const parted = fellows.map((fellow) => ({
    ...fellow,
    history: withEntry(fellow.history, { time, state: "Accepted", message }),
  }));
  const waiting = parted.map((fellow): WaitingRequest => ({
    operation: fellow,
    request: shares[fellow.id] ?? record.request,
    alone: true,
  }));
  const own = desired(
    shares[operation.id] ?? record.request,
    base,
    record.regions,
  );
  return advance({ record, operation, ...written(pair, parted) }, moment, {
    patch: {
      ...own,
      repairing: record.repairing.filter((name) =>
        own.regions.some((region) => region.name === name),
      ),
      fellows: [],
      waiting: [...waiting, ...record.waiting],
      shares: {},
      alone: true,
    },
    message,
    waitMs: 0,
  });
}

/** An operation has ended: the first that waits and can be done is begun in the same commit (invariant 1). */
export function beginWaiting(
  ended: ImageVersionPair,
  moment: Moment,
): ImageVersionPair {
  const pair = rebase(ended, moment);
  const { record } = pair;
  const [first, ...waiting] = record.waiting;
  if (first === undefined) return pair;
  const next: ImageVersionRecord = {
    ...started(governed(first.request, baseOf(record)), record, moment),
    key: record.key,
    resourceId: record.resourceId,
    sequence: sequenceOf(first.operation.id),
    step: record.step,
    waiting,
    alone: first.alone ?? false,
    outbox: record.outbox,
  };
  return advance(
    {
      record: next,
      operation: {
        ...first.operation,
        kind: next.made ? "UpdateImageVersion" : "CreateImageVersion",
        regions: regionsOf(first.operation, next.regions),
      },
      ...written(pair, [pair.operation]),
    },
    moment,
    {
      patch: { state: "Accepted" },
      message: "Its turn has come: its work is queued.",
      waitMs: untilQuiet(record, moment),
    },
  );
}

/** What waits asks on top of what the version has become; where that contradicts it, it fails. */
function rebase(pair: ImageVersionPair, moment: Moment): ImageVersionPair {
  const { base: before, waiting } = pair.record;
  const base = baseOf(pair.record);
  if (base === undefined) return pair;
  let rebased = pair;
  for (const { operation, request } of waiting) {
    const merger = merge(before, base, request);
    const { record } = rebased;
    rebased =
      merger.kind === "conflict"
        ? failOne(rebased, operation.id, contradicted(merger.conflicts), moment)
        : {
            ...rebased,
            record: {
              ...record,
              waiting: record.waiting.map((one) =>
                one.operation.id === operation.id
                  ? { ...one, request: merger.request }
                  : one,
              ),
            },
          };
  }
  return rebased;
}

/** `beginWaiting` of a record of any kind: of those that are no image version's, nothing waits. */
export function beginWhatWaits(
  pair: Pair<TrackedRecord>,
  moment: Moment,
): Pair<TrackedRecord> {
  return isImageVersion(pair) ? beginWaiting(pair, moment) : pair;
}

function isImageVersion(pair: Pair<TrackedRecord>): pair is ImageVersionPair {
  return "shares" in pair.record;
}

function contradicted(conflicts: readonly PropertyChange[]): OperationFailure {
  const errors = conflicts.map(differenceOf);
  return {
    code: "ImageVersionConflict",
    message: `Nothing was changed: what the request asks contradicts what the version has become since it was accepted. ${errors[0]?.message} Look at the version, and send what it shall be now.`,
    errors,
  };
}

function failOne(
  pair: ImageVersionPair,
  operationId: string,
  error: OperationFailure,
  moment: Moment,
): ImageVersionPair {
  const operation = besideOf(pair.record, operationId);
  return operation === undefined
    ? pair
    : endOne(
        pair,
        operationId,
        failure(operation, error, pair.record.regions, moment),
        moment,
      );
}
