import type { components } from "../generated/events.js";

type Schemas = components["schemas"];

/** Any event as the AsyncAPI document has it, told apart by `type`. */
export type DocumentedEvent = {
  [Name in keyof Schemas]: Schemas[Name] extends {
    readonly type: `Sigil.${string}`;
  }
    ? Schemas[Name]
    : never;
}[keyof Schemas];

/** The name of an event in the document. */
export type EventType = DocumentedEvent["type"];

/** What an event of one type says, as the document has it. */
export type EventData<Type extends EventType> = Extract<
  DocumentedEvent,
  { readonly type: Type }
>["data"];
