import type { LogRecordProcessor } from "@opentelemetry/sdk-logs";

/** Makes attributes of what a line of log.ts is about, and its message the body; any other line stays as it is. */
export const logAttributes: LogRecordProcessor = {
  onEmit(record) {
    const line = parsed(record.body);
    if (line === undefined) return;
    const { message, ...fields } = line;
    record.setBody(String(message)).setAttributes({
      ...fields,
      // Application Insights makes an exception of it, which has no body.
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
    return undefined; // Not one of ours: something may have cut or prefixed it.
  }
}
