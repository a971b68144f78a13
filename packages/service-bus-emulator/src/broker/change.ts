import type { Operation } from "./store.js";

/** What one step does to the broker: its operations are stored together, then the queues it touched look again. */
export class Change {
  readonly operations: Operation[] = [];
  readonly touched = new Set<{ refresh(): void }>();
}
