/**
 * Several requests for one version. What comes while operations run is queued; once ARM is at rest, the first in the queue
 * and all that are compatible with it form a batch: one update, in which each operation keeps its own regions, history,
 * events and end. Pure. A batch's life:
 *
 *   queued ──formBatch──▶ Accepted (proven) ──▶ Updating ──▶ Replicating ──latch──▶ its members watch their regions
 *                              └─refused: dissolveBatch, each is sent alone             └─ the next batch may begin
 *
 * Invariants:
 *  1. Every accepted operation is queued, or has begun, until it ends.
 *  2. What fails the rules, or contradicts what came before it, fails alone.
 *  3. What Azure refuses of several together is sent again, each alone.
 *  4. A demotion goes before everything that is queued. What has begun, contradicts it and is not sent yet ends: it is not
 *     done after it. Nor is what is queued (demoting.ts). A deletion goes before a demotion, and before what has begun (deleting.ts).
 */
import {
  advance,
  behind,
  withEntry,
  written,
} from "../../operation/advance.js";
import { indexed } from "../../operation/catalog.js";
import { failure } from "../../operation/failing.js";
import { memberOrQueued, endOne } from "../../operation/members.js";
import type { TransitionContext } from "../../operation/ports.js";
import {
  sequenceOf,
  type OperationFailure,
  type OperationRecord,
} from "../../operation/records.js";
import { conflictsBetween, type Asked } from "../properties/patch.js";
import { deleteNext } from "./deleting.js";
import { deletes, demotes, inTurn } from "./queue.js";
import { contradicts, overtaken } from "./demoting.js";
import { endOperation } from "./ends.js";
import {
  batchOf,
  sentLast,
  type ImageVersionPair,
  type ImageVersionRecord,
  type QueuedRequest,
} from "./record.js";
import {
  acceptedEvent,
  operationOf,
  started,
  untilQuiet,
  withRequest,
  type Accepting,
} from "./accepting.js";

/** The operation is stored, and begins once ARM is at rest. */
export function enqueue(
  { record, operation: current }: ImageVersionPair,
  asked: Accepting,
  context: TransitionContext,
): ImageVersionPair & { readonly accepted: OperationRecord } {
  const sequence = record.lastSequence + 1;
  const time = context.now.toISOString();
  const { operation: accepted } = behind(
    {
      ...operationOf(asked, sequence, context),
      history: [
        {
          time,
          state: "Accepted",
          message: `The request is queued behind operation ${current.id}. It begins with the next update of the version.`,
        },
      ],
    },
    { record, operation: current },
    context,
  );
  const queued: QueuedRequest = { operation: accepted, request: asked.request };
  const pair: ImageVersionPair = {
    record: {
      ...record,
      lastSequence: sequence,
      queued: [...record.queued, queued],
      outbox: [
        ...record.outbox,
        indexed(accepted, context),
        acceptedEvent(accepted, asked, context),
      ],
    },
    operation: current,
    beside: [accepted],
  };
  if (deletes(accepted)) return { ...deleteNext(pair, context), accepted };
  return {
    ...(demotes(accepted) ? putFirst(pair, queued, context) : pair),
    accepted,
  };
}

/** Invariant 4. */
function putFirst(
  pair: ImageVersionPair,
  last: QueuedRequest,
  context: TransitionContext,
): ImageVersionPair {
  const error = overtaken(last.operation.id);
  const sentFor = sentLast(pair.record)?.sentFor ?? [];
  const { record, ...rest } = batchOf(pair.record)
    .filter(
      ([id, request]) =>
        !sentFor.includes(id) && contradicts(request, last.request),
    )
    .reduce((before, [id]) => endBeside(before, id, error, context), pair);
  return { ...rest, record: { ...record, queued: inTurn(record.queued) } };
}

/** True where several may be sent in one update. */
function mayShare({ operation, request }: QueuedRequest): boolean {
  return !deletes(operation) && request.alone !== true;
}

/** What is queued and compatible with the batch joins it, before anything of it is sent. */
export function formBatch(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const batch = batchOf(record);
  if (batch.some(([, { alone }]) => alone === true)) return pair;
  const asked: Asked[] = batch.map(([, request]) => request);
  const joins: QueuedRequest[] = [];
  for (const queued of record.queued) {
    if (!mayShare(queued)) break;
    if (
      asked.some((other) => conflictsBetween(other, queued.request).length > 0)
    )
      break;
    asked.push(queued.request);
    joins.push(queued);
  }
  return joins.length === 0 ? pair : begin(pair, joins, context);
}

/** Those begin, as members of the present batch. */
function begin(
  pair: ImageVersionPair,
  joins: readonly QueuedRequest[],
  context: TransitionContext,
): ImageVersionPair {
  const ids = joins.map(({ operation }) => operation.id);
  const { record } = pair;
  const withAll = joins.reduce<ImageVersionRecord>(
    (before, { operation, request }) =>
      withRequest(
        before,
        operation.id,
        request,
        operation.regions.map(({ name }) => name),
        context,
      ),
    {
      ...record,
      queued: record.queued.filter(
        ({ operation }) => !ids.includes(operation.id),
      ),
    },
  );
  const members = joins.map(({ operation }) => kindOf(operation, record));
  return advance(
    {
      ...pair,
      record: { ...withAll, members: [...record.members, ...members] },
    },
    context,
    {
      patch: { state: "Accepted" },
      message:
        joins.length > 1 || batchOf(record).length > 0
          ? `It begins, in one update with ${[...batchOf(record).map(([id]) => id), ...ids].join(", ")}.`
          : "It begins.",
      concerns: ids,
      waitMs: 0,
    },
  );
}

/** A PUT that was to create the version updates it where another has created it. */
function kindOf(
  operation: OperationRecord,
  { exists }: ImageVersionRecord,
): OperationRecord {
  return operation.kind === "CreateImageVersion" && exists
    ? { ...operation, kind: "UpdateImageVersion" }
    : operation;
}

/** Azure has refused, or a rule stops, what several ask together: each is sent alone, the first at once. */
export function dissolveBatch(
  pair: ImageVersionPair,
  reason: string,
  context: TransitionContext,
): ImageVersionPair {
  const { record, operation } = pair;
  const batch = batchOf(record).map(([id]) => id);
  const [leader = operation.id, ...others] = batch;
  const message = `What is asked together with other operations was refused; each is sent alone. ${reason}`;
  const time = context.now.toISOString();
  const all = [operation, ...record.members];
  const parted = others.flatMap((id): QueuedRequest[] => {
    const one = all.find((other) => other.id === id);
    const request = record.requests[id];
    return one === undefined || request === undefined
      ? []
      : [
          {
            operation: {
              ...one,
              history: withEntry(one.history, {
                time,
                state: "Accepted",
                message,
              }),
            },
            request: { ...request, alone: true },
          },
        ];
  });
  const stays = all.filter(({ id }) => !others.includes(id));
  const [current = operation, ...members] = stays;
  const requests = Object.fromEntries(
    Object.entries(record.requests)
      .filter(([id]) => !others.includes(id))
      .map(([id, request]) => [
        id,
        id === leader ? { ...request, alone: true } : request,
      ]),
  );
  const wanted = stays.flatMap(({ regions }) =>
    regions.map(({ name }) => name),
  );
  return advance(
    {
      record: {
        ...record,
        sequence: sequenceOf(current.id),
        members,
        requests,
        regions: record.regions.filter(
          ({ name, attempts }) => attempts > 0 || wanted.includes(name),
        ),
        queued: inTurn([...parted, ...record.queued]),
      },
      operation: current,
      ...written(
        pair,
        parted.map(({ operation: one }) => one),
      ),
    },
    context,
    {
      patch: { state: "Accepted" },
      message,
      concerns: [leader],
      waitMs: 0,
    },
  );
}

/** True where the next in the queue may begin: Azure shows all that was asked, and nothing is taken away. */
export function mayBegin(record: ImageVersionRecord): boolean {
  return (
    record.queued[0] !== undefined &&
    !deletes(record.queued[0].operation) &&
    batchOf(record).length === 0 &&
    Object.values(record.repairs).every(({ removed }) => removed === undefined)
  );
}

/** The next in the queue begins beside the members that watch their regions. */
export function beginNext(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionPair {
  const [first] = pair.record.queued;
  if (first === undefined) return pair;
  const begun = begin(
    {
      ...pair,
      record: { ...pair.record, rewrites: 0 },
    },
    [first],
    context,
  );
  return formBatch(begun, context);
}

/** Everything that had begun has ended: the next in the queue begins in the same commit. Invariant 1. */
export function startNext(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const [first] = record.queued;
  if (first === undefined) return pair;
  const queued = record.queued.slice(1);
  const isDeletion = deletes(first.operation);
  const next = withRequest(
    {
      ...started(record.key, record.resourceId, record, context),
      state: isDeletion ? "DeletionRequested" : "Accepted",
      sequence: sequenceOf(first.operation.id),
      queued,
      outbox: record.outbox,
    },
    first.operation.id,
    first.request,
    first.operation.regions.map(({ name }) => name),
    context,
  );
  const begun = advance(
    {
      record: next,
      operation: kindOf(first.operation, record),
      ...besideAfter(pair, first.operation.id),
    },
    context,
    {
      patch: { state: next.state },
      message: "Its turn has come: its work is queued.",
      ...untilQuiet(record, context),
    },
  );
  return isDeletion ? begun : formBatch(begun, context);
}

/** What is written beside the operation that begins. */
function besideAfter(
  pair: ImageVersionPair,
  begins: string,
): Pick<ImageVersionPair, "beside"> {
  const { beside = [] } = written(pair, [pair.operation]);
  return { beside: beside.filter(({ id }) => id !== begins) };
}

/** Ends one that is queued, or has begun, Failed; where it is the last that has begun, the record's state is Failed. */
export function endBeside(
  pair: ImageVersionPair,
  operationId: string,
  error: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  const operation =
    pair.operation.id === operationId
      ? pair.operation
      : memberOrQueued(pair.record, operationId);
  if (operation === undefined) return pair;
  const ending = failure(operation, error, pair.record.regions, context);
  return pair.record.queued.some((one) => one.operation.id === operationId)
    ? endOne(pair, operationId, ending, context)
    : endOperation(pair, operationId, ending, context);
}
