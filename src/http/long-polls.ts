/**
 * Callers that wait for a change of an operation. Invariants:
 *  1. However many wait for an operation, an instance reads it once a second.
 *  2. At most `MOST_OF_CALLER` of one caller wait at once, and `MOST_WAITS` of all.
 *  3. Whoever comes then ends the oldest wait of the same caller, and takes its place; one that has none is answered at once. A client
 *     that has gone holds up nobody but itself, and no longer than it takes it to come again: Azure Functions does not tell a function
 *     that its client has gone (docs/explanation/decisions.md).
 */
import { SharedReads } from "../shared-reads.js";
import type { OperationDependencies } from "../operation/ports.js";
import { getOperation } from "../operation/queries.js";
import type { OperationRecord, TrackedRecord } from "../operation/records.js";

export interface LongPolls {
  /**
   * The operation as soon as it has ended or is otherwise than at first, or as it is after `ms` milliseconds. A call to ARM alone
   * is no change, and another time of the next or expected end. Throws ServiceError NotFound for an id that no operation has.
   */
  wait(
    operationId: string,
    ms: number,
    caller: string,
  ): Promise<{
    readonly operation: OperationRecord;
    /** False where it was answered at once, or has given its place away. */
    readonly hasWaited: boolean;
  }>;
}

export interface LongPollOptions extends Pick<
  OperationDependencies<TrackedRecord>,
  "store" | "now"
> {
  readonly sleep: (ms: number) => Promise<unknown>;
}

/** Half of the requests that Azure sends to an instance at once (`httpConcurrency`): the other half is for who does not wait. */
export const MOST_WAITS = 32;
/** Four callers that wait for all they may fill an instance. One follows as many versions at once as a pipeline publishes. */
export const MOST_OF_CALLER = 8;
const READ_EVERY_MS = 1_000;
/** Of those who are answered at once, too. */
const MOST_READS = 1_000;

export function createLongPolls({
  store,
  now,
  sleep,
}: LongPollOptions): LongPolls {
  const reads = new SharedReads<OperationRecord>({
    most: MOST_READS,
    keepMs: READ_EVERY_MS,
    now,
  });
  /** One for each that waits, the oldest first. */
  const places = new Set<{ readonly caller: string }>();
  /** Undefined where all places are others'. */
  const placeOf = (caller: string): { readonly caller: string } | undefined => {
    const own = [...places].filter((one) => one.caller === caller);
    if (own.length >= MOST_OF_CALLER || places.size >= MOST_WAITS) {
      const [oldest] = own;
      if (oldest === undefined) return undefined;
      places.delete(oldest);
    }
    const place = { caller };
    places.add(place);
    return place;
  };
  return {
    async wait(operationId, ms, caller) {
      const deadline = now().getTime() + ms;
      const readNow = () => getOperation({ store }, operationId);
      const read = () => reads.once(operationId, readNow); // Invariant 1.
      const first = await (ms === 0 ? readNow() : read());
      const place =
        ms === 0 || first.endTime !== undefined ? undefined : placeOf(caller);
      if (place === undefined) return { operation: first, hasWaited: false };
      const seen = changeableOf(first);
      let operation = first;
      try {
        for (
          let leftMs = deadline - now().getTime();
          leftMs > 0 && places.has(place) && changeableOf(operation) === seen;
          leftMs = deadline - now().getTime()
        ) {
          await sleep(Math.min(READ_EVERY_MS, leftMs));
          operation = await read();
        }
        return { operation, hasWaited: places.has(place) };
      } finally {
        places.delete(place);
      }
    },
  };
}

/** What of an operation a waiting caller wants to know. */
function changeableOf(operation: OperationRecord): string {
  const {
    calls: _calls,
    omittedReads: _reads,
    lastUpdatedTime: _time,
    nextAttemptTime: _next,
    ...rest
  } = operation;
  // Each poll expects another end.
  return JSON.stringify(rest, (name, value: unknown) =>
    name === "expectedEndTime" ? undefined : value,
  );
}
