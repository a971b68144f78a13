import type { EventsByType } from "./generated/events-by-type.js";

/** The types of events that this version of the package knows. */
export { EVENT_TYPES } from "./generated/events-by-type.js";

/** The `type` of an event, such as `Sigil.ImageVersion.RegionCompleted`. */
export type EventType = keyof EventsByType;

/** An event of the topic `image-version-events`, with the attributes and data of its type. */
export type SigilEvent<Type extends EventType = EventType> = EventsByType[Type];

/**
 * Whether a message's body is an event of this type. More types may be added later, so no check
 * covers all of them.
 */
export function isEvent<Type extends EventType>(
  body: unknown,
  type: Type,
): body is SigilEvent<Type> {
  return (
    typeof body === "object" &&
    body !== null &&
    "specversion" in body &&
    "type" in body &&
    body.type === type
  );
}
