/**
 * A CloudEvent in structured JSON form (CloudEvents 1.0.2, "JSON Event Format"). `id` identifies
 * the fact: publishing the same fact again uses the same id.
 */
export interface CloudEvent<Type extends string = string, Data = unknown> {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: Type;
  /** Resource id of the image version; absent only when a refused message names none. */
  readonly subject?: string;
  /** RFC 3339, when the fact became true. */
  readonly time: string;
  readonly datacontenttype: "application/json";
  /**
   * W3C trace context of the request that caused it (CloudEvents "Distributed Tracing" extension).
   */
  readonly traceparent?: string;
  /** True if the event was too large for a message and was cut (cut-event.ts). */
  readonly truncated?: boolean;
  readonly data: Data;
}
