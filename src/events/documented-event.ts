import type { components } from "../generated/events.js";

type Schemas = components["schemas"];

/** Any event of the AsyncAPI document, told apart by `type`. */
export type DocumentedEvent = {
  [Name in keyof Schemas]: Schemas[Name] extends {
    readonly type: `Sigil.${string}`;
  }
    ? Schemas[Name]
    : never;
}[keyof Schemas];

/** The type of an event in the document. */
export type EventType = DocumentedEvent["type"];

/** The data of an event of one type, by the document. */
export type EventData<Type extends EventType> = Extract<
  DocumentedEvent,
  { readonly type: Type }
>["data"];
