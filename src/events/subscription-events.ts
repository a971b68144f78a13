import type { EventType } from "./documented-event.js";

/**
 * Event types of a subscription's preparation. Past tense: each reports a fact that is already
 * stored.
 */
export const SUBSCRIPTION_EVENT = {
  preparationRequested: "Sigil.Subscription.PreparationRequested",
  registering: "Sigil.Subscription.Registering",
  registered: "Sigil.Subscription.Registered",
  prepared: "Sigil.Subscription.Prepared",
  preparationFailed: "Sigil.Subscription.PreparationFailed",
  preparationCanceled: "Sigil.Subscription.PreparationCanceled",
} as const satisfies Record<string, EventType>;
