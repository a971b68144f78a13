import type { EventType } from "./documented-event.js";

/**
 * Event types of an image definition's rollback. Past tense: each reports a fact that is already
 * stored.
 */
export const IMAGE_EVENT = {
  rollbackAccepted: "Sigil.Image.RollbackAccepted",
  rollbackStalled: "Sigil.Image.RollbackStalled",
  rollbackResumed: "Sigil.Image.RollbackResumed",
  rollbackCompleted: "Sigil.Image.RollbackCompleted",
  rollbackFailed: "Sigil.Image.RollbackFailed",
  rollbackCanceled: "Sigil.Image.RollbackCanceled",
} as const satisfies Record<string, EventType>;
