import type { LogRecordProcessor } from "@opentelemetry/sdk-logs";

/**
 * Turns the fields of a line of log.ts into attributes, and its message into the body. Other lines
 * stay unchanged.
 */
export const logAttributes: LogRecordProcessor = {
  onEmit(record) {
    const line = parsed(record.body);
    if (line === undefined) return;
    const { message, ...fields } = line;
    record.setBody(String(message)).setAttributes({
      ...fields,
      // Application Insights turns it into an exception, which has no body.
      ...("exception.type" in fields && { message: String(message) }),
    });
  },
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

function parsed(body: unknown): Record<string, string | number> | undefined {
  if (typeof body !== "string" || !body.startsWith('{"message":')) return undefined;
  try {
    return JSON.parse(body) as Record<string, string | number>;
  } catch {
    return undefined; // Not a line of log.ts, or something cut or prefixed it.
  }
}
