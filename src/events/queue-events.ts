import type { EventType } from "./documented-event.js";

/** Every event type of a queue. */
export const QUEUE_EVENT = {
  deadLettersFound: "Sigil.Queue.DeadLettersFound",
} as const satisfies Record<string, EventType>;
