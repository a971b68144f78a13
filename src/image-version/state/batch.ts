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
 *  4. A demotion goes before everything that is queued, and before what has begun, contradicts it and is not sent yet. None
 *     of that is done after it (demoting.ts). A deletion goes before a demotion, and before what has begun (deleting.ts).
 */
import type { Finding } from "../../errors.js";
import {
  advance,
  behind,
  withEntry,
  written,
} from "../../operation/advance.js";
import { indexed } from "../../operation/catalog.js";
import type { TransitionContext } from "../../operation/ports.js";
import { sequenceOf, type OperationRecord } from "../../operation/records.js";
import { conflictsBetween, type Asked } from "../properties/patch.js";
import { deleteNext, deletionIn } from "./deleting.js";
import { deletes, demotes, inTurn } from "./queue.js";
import { contradicts } from "./demoting.js";
import {
  batchOf,
  sentLast,
  type ImageVersionPair,
  type ImageVersionRecord,
  type QueuedRequest,
  type VersionRequest,
} from "./record.js";
import {
  acceptedEvent,
  heldRow,
  operationOf,
  started,
  untilQuiet,
  withRequest,
  type Accepting,
} from "./accepting.js";
import { ruleAskedBy } from "./wanted.js";

/** The operation is stored, and begins once ARM is at rest. A deletion that a policy has begun is judged by it at once. */
export function enqueue(
  { record, operation: current }: ImageVersionPair,
  asked: Accepting,
  context: TransitionContext,
  warnings: readonly Finding[] = [],
): ImageVersionPair & { readonly accepted: OperationRecord } {
  const sequence = record.lastSequence + 1;
  const time = context.now.toISOString();
  const { operation: accepted } = behind(
    {
      ...operationOf(asked, sequence, context),
      ...(warnings.length > 0 && { warnings }),
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
        ...heldRow(asked.resourceId, ruleAskedBy(asked.request), asked.inWaves),
        acceptedEvent(accepted, asked, context),
      ],
    },
    operation: current,
    beside: [accepted],
  };
  if (deletes(accepted)) return { ...deleteNext(pair, context), accepted };
  if (demotes(accepted)) return { ...putFirst(pair, context), accepted };
  return {
    ...(record.state === "DeletionRequested" &&
    deletionIn(pair)?.request.byPolicy === true
      ? advance(pair, context, { patch: {}, ...untilQuiet(record, context) })
      : pair),
    accepted,
  };
}

function putFirst(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const first = {
    ...pair,
    record: { ...record, queued: inTurn(record.queued) },
  };
  return demotionFirst(first, context) ?? first;
}

/**
 * Invariant 4: what has begun, is not sent, and contradicts the demotion that is first in the queue, or is to be sent alone,
 * gives its turn to it; undefined where nothing does. A guarded deletion, which excludes the version first, keeps its own.
 * `lost`: what was sent is not carried out, or was not kept.
 */
export function demotionFirst(
  pair: ImageVersionPair,
  context: TransitionContext,
  lost = false,
): ImageVersionPair | undefined {
  const { record } = pair;
  const [first] = record.queued;
  if (first === undefined || !demotes(first.operation) || deletionIn(pair))
    return undefined;
  const { sentFor = [] } = (lost ? undefined : sentLast(record)) ?? {};
  const unsent = batchOf(record).filter(([id]) => !sentFor.includes(id));
  // Whose end is decided does not begin again, and may have sent something else before: what it would take back, the demotion says otherwise.
  const decided = batchOf(record).filter(
    ([, request]) =>
      request.decided !== undefined && contradicts(request, first.request),
  );
  if (decided.length > 0)
    return advance(pair, context, {
      patch: {
        requests: {
          ...record.requests,
          ...Object.fromEntries(
            decided.map(([id, request]) => [id, { ...request, changes: {} }]),
          ),
        },
      },
      waitMs: 0,
    });
  return unsent.some(
    ([, request]) =>
      request.guard === undefined &&
      (contradicts(request, first.request) || isAlone(request)),
  )
    ? giveTurn(
        pair,
        unsent.map(([id]) => id),
        first,
        context,
      )
    : undefined;
}

/** The demotion begins in the place of these, which are queued behind it. */
function giveTurn(
  pair: ImageVersionPair,
  ids: readonly string[],
  demotion: QueuedRequest,
  context: TransitionContext,
): ImageVersionPair {
  const { operation, request } = demotion;
  const message = `It is queued again, behind the demotion ${operation.id}.`;
  const parted = partedFrom(pair, ids, message, {}, context);
  const record = without(pair.record, [pair.operation], ids);
  const [current = operation, ...members] = [
    pair.operation,
    ...pair.record.members,
    operation,
  ].filter(({ id }) => !ids.includes(id));
  const beside = (pair.beside ?? []).filter(({ id }) => id !== current.id);
  return advance(
    {
      record: {
        ...withRequest(record, operation.id, request, [], context),
        sequence: sequenceOf(current.id),
        members,
        queued: inTurn([
          ...parted,
          ...record.queued.filter((one) => one !== demotion),
        ]),
      },
      operation: current,
      ...written(
        { beside },
        parted.map((one) => one.operation),
      ),
    },
    context,
    {
      patch: { state: "Accepted" },
      message: "It begins.",
      concerns: [operation.id],
      ...untilQuiet(record, context),
    },
  );
}

/** These, as they are queued again. */
function partedFrom(
  { record, operation }: ImageVersionPair,
  ids: readonly string[],
  message: string,
  more: Partial<VersionRequest>,
  { now }: TransitionContext,
): readonly QueuedRequest[] {
  const time = now.toISOString();
  return [operation, ...record.members].flatMap((one): QueuedRequest[] => {
    const request = record.requests[one.id];
    if (!ids.includes(one.id) || request === undefined) return [];
    const history = withEntry(one.history, {
      time,
      state: "Accepted",
      message,
    });
    return [
      { operation: { ...one, history }, request: { ...request, ...more } },
    ];
  });
}

/** A record without what these ask, and without the regions that they alone want and were never sent. */
function without(
  record: ImageVersionRecord,
  leading: readonly OperationRecord[],
  ids: readonly string[],
): ImageVersionRecord {
  const wanted = [...leading, ...record.members].flatMap(({ id, regions }) =>
    ids.includes(id) ? [] : regions.map(({ name }) => name),
  );
  return {
    ...record,
    requests: Object.fromEntries(
      Object.entries(record.requests).filter(([id]) => !ids.includes(id)),
    ),
    regions: record.regions.filter(
      ({ name, attempts }) => attempts > 0 || wanted.includes(name),
    ),
  };
}

/** True where several may be sent in one update. */
function mayShare({ operation, request }: QueuedRequest): boolean {
  return !deletes(operation) && !isAlone(request);
}

/** What asks first who needs the regions that it takes away holds up no others with that. */
function isAlone({ alone, guardsRegions }: VersionRequest): boolean {
  return alone === true || guardsRegions === true;
}

/** What is queued and compatible with the batch joins it, before anything of it is sent. */
export function formBatch(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const batch = batchOf(record);
  if (batch.some(([, request]) => isAlone(request))) return pair;
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
  const { operation } = pair;
  const [leader = operation.id, ...others] = batchOf(pair.record).map(
    ([id]) => id,
  );
  const message = `The update that combines several operations was refused; each is now sent alone. ${reason}`;
  const parted = partedFrom(pair, others, message, { alone: true }, context);
  const record = without(pair.record, [operation], others);
  const [current = operation, ...members] = [
    operation,
    ...record.members,
  ].filter(({ id }) => !others.includes(id));
  const request = record.requests[leader];
  return advance(
    {
      record: {
        ...record,
        sequence: sequenceOf(current.id),
        members,
        requests: {
          ...record.requests,
          ...(request && { [leader]: { ...request, alone: true } }),
        },
        queued: inTurn([...parted, ...record.queued]),
      },
      operation: current,
      ...written(
        pair,
        parted.map((one) => one.operation),
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
