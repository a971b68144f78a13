import { pause, type Client, type ClientOptions } from "./api.js";
import {
  isUnavailable,
  OperationCanceledError,
  OperationFailedError,
  retryAfterMs,
  type Operation,
} from "./problems.js";

export interface WaitOptions {
  /** Stops waiting; the operation goes on. What is thrown is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the operation as it is now, and whenever it has changed. */
  readonly onProgress?: (operation: Operation) => void;
  /** Called where the service cannot be reached for a while; it is asked again. */
  readonly onUnavailable?: (error: Error) => void;
  /** Waits until the operation may have changed; rejects when the signal is aborted. */
  readonly sleep?: ClientOptions["sleep"];
}

/** If the answer does not say when to ask again. */
const RETRY_AFTER_MS = 15_000;

export function hasEnded({ status }: Operation): boolean {
  return status !== "NotStarted" && status !== "Running";
}

/** Its status in a word: one that is canceled, and waits for Azure, is still Running. */
export function statusOf(operation: Operation): Operation["status"] | "Canceling" {
  return operation.canceledBy !== undefined && !hasEnded(operation)
    ? "Canceling"
    : operation.status;
}

/**
 * Follows an operation to its end, for as long as it takes: it is read at once, and then whenever the service says that there
 * may be news. Resolves once it has succeeded: a version is then usable in every region that it was asked for. Throws
 * `OperationFailedError` or `OperationCanceledError` if it ends otherwise. That the service is away for a while ends nothing.
 */
export async function waitUntilReady(
  client: Client,
  operation: Operation | string,
  { signal, onProgress, onUnavailable, sleep = pause }: WaitOptions = {},
): Promise<Operation> {
  let current = typeof operation === "string" ? undefined : operation;
  const operationId = typeof operation === "string" ? operation : operation.id;
  if (current !== undefined) onProgress?.(current);
  while (current === undefined || !hasEnded(current)) {
    signal?.throwIfAborted();
    try {
      const { body: seen, headers } = await client.call("getOperation", {
        path: { operationId },
        signal,
      });
      const changed = seen.lastUpdatedTime !== current?.lastUpdatedTime;
      current = seen;
      if (changed) onProgress?.(seen);
      if (!hasEnded(seen)) await sleep(retryAfterMs(headers) ?? RETRY_AFTER_MS, signal);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      onUnavailable?.(error as Error);
    }
  }
  if (current.status === "Failed") throw new OperationFailedError(current);
  if (current.status === "Canceled") throw new OperationCanceledError(current);
  return current;
}
