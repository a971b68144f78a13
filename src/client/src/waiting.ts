import { pause, type Client, type ClientOptions } from "./api.js";
import {
  isUnavailable,
  OperationCanceledError,
  OperationFailedError,
  retryAfterMs,
  type Operation,
} from "./problems.js";

export interface WaitOptions {
  /** Stops waiting and throws the signal's reason. The operation continues. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the present operation, and after each change. */
  readonly onProgress?: (operation: Operation) => void;
  /** Called while the service cannot be reached; the request is repeated. */
  readonly onUnavailable?: (error: Error) => void;
  /** Waits until the operation may have changed; rejects when the signal is aborted. */
  readonly sleep?: ClientOptions["sleep"];
  /** Ends the wait before the operation ends, such as once a batch is planned. */
  readonly until?: ((operation: Operation) => boolean) | undefined;
}

/** If the answer has no Retry-After. */
const RETRY_AFTER_MS = 15_000;

export function hasEnded({ status }: Operation): boolean {
  return status !== "NotStarted" && status !== "Running";
}

/**
 * The status, except that a canceled operation that still waits for Azure is Canceling instead of
 * Running.
 */
export function statusOf(operation: Operation): Operation["status"] | "Canceling" {
  return operation.canceledBy !== undefined && !hasEnded(operation)
    ? "Canceling"
    : operation.status;
}

/**
 * Follows an operation to its end, however long it takes. Reads it at once, and then whenever the
 * service expects news. Resolves when it has succeeded: a version is then usable in every requested
 * region. Throws `OperationFailedError` or `OperationCanceledError` if it ends in another way. An
 * outage of the service does not stop the waiting.
 */
export async function waitUntilReady(
  client: Client,
  operation: Operation | string,
  { signal, onProgress, onUnavailable, sleep = pause, until }: WaitOptions = {},
): Promise<Operation> {
  let current = typeof operation === "string" ? undefined : operation;
  const operationId = typeof operation === "string" ? operation : operation.id;
  if (current !== undefined) onProgress?.(current);
  const isOver = (seen: Operation): boolean => hasEnded(seen) || until?.(seen) === true;
  while (current === undefined || !isOver(current)) {
    signal?.throwIfAborted();
    try {
      const { body: seen, headers } = await client.call("getOperation", {
        path: { operationId },
        signal,
      });
      const changed = seen.lastUpdatedTime !== current?.lastUpdatedTime;
      current = seen;
      if (changed) onProgress?.(seen);
      if (!isOver(seen)) await sleep(retryAfterMs(headers) ?? RETRY_AFTER_MS, signal);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      onUnavailable?.(error as Error);
    }
  }
  if (current.status === "Failed") throw new OperationFailedError(current);
  if (current.status === "Canceled") throw new OperationCanceledError(current);
  return current;
}
