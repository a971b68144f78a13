import type { InvocationContext } from "@azure/functions";

/** A message as a Service Bus trigger hands it over. */
export interface IncomingMessage {
  /** Parsed when it was JSON (the host does that to every string), else as it came. */
  readonly body: unknown;
  readonly messageId: string | undefined;
  readonly contentType: string | undefined;
  readonly applicationProperties: Readonly<Record<string, unknown>>;
  /** 1 at the first delivery. */
  readonly deliveryCount: number;
}

/**
 * Reads the trigger metadata. The host merges the top-level fields of a JSON body into it, so none of it may be
 * trusted to tell who sent the message or what to do with it: it serves naming, counting and CloudEvents attributes.
 */
export function incomingMessage(
  body: unknown,
  context: InvocationContext,
): IncomingMessage {
  const metadata: Record<string, unknown> = context.triggerMetadata ?? {};
  const properties = metadata["applicationProperties"];
  return {
    body,
    messageId: text(metadata["messageId"]),
    contentType: text(metadata["contentType"]),
    applicationProperties:
      typeof properties === "object" && properties !== null
        ? { ...properties }
        : {},
    deliveryCount: Number(metadata["deliveryCount"] ?? 1),
  };
}

/** The host turns a MessageId that looks like a number into one. */
function text(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number"
    ? String(value)
    : undefined;
}
