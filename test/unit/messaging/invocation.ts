import { InvocationContext, type LogLevel } from "@azure/functions";

export interface Invocation {
  readonly context: InvocationContext;
  readonly logged: [LogLevel, ...unknown[]][];
}

/** Level and fields of each line of JSON. */
export function linesOf(logged: Invocation["logged"]): [LogLevel, unknown][] {
  return logged.map(([level, line]) => [level, JSON.parse(String(line)) as unknown]);
}

/** A body as the trigger hands it over: text as it is, anything else as JSON. */
export function bytesOf(body: unknown): Buffer {
  return Buffer.from(typeof body === "string" ? body : (JSON.stringify(body) ?? ""));
}

/** The context of one delivery, with the metadata that a Service Bus trigger gives. */
export function invocation(
  triggerMetadata?: Readonly<Record<string, unknown>>,
  traceParent?: string,
): Invocation {
  const logged: Invocation["logged"] = [];
  return {
    logged,
    context: new InvocationContext({
      invocationId: "invocation-1",
      functionName: "test",
      logHandler: (...entry) => logged.push(entry),
      traceContext: traceParent === undefined ? {} : { traceParent },
      ...(triggerMetadata && { triggerMetadata: { ...triggerMetadata } }),
    }),
  };
}
