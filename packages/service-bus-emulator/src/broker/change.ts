import type { Operation } from "./store.js";

/**
 * The effects of one step on the broker: its operations are stored together, then the touched
 * queues refresh.
 */
export class Change {
  readonly operations: Operation[] = [];
  readonly touched = new Set<{ refresh(): void }>();
}
