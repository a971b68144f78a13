import type { EventType } from "./documented-event.js";

/** Event types of a batch. Past tense: each reports a fact that is already stored. */
export const BATCH_EVENT = {
  accepted: "Sigil.Batch.Accepted",
  planned: "Sigil.Batch.Planned",
  stalled: "Sigil.Batch.Stalled",
  resumed: "Sigil.Batch.Resumed",
  completed: "Sigil.Batch.Completed",
  failed: "Sigil.Batch.Failed",
  canceled: "Sigil.Batch.Canceled",
} as const satisfies Record<string, EventType>;
