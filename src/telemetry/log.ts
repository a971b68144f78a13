import { inspect } from "node:util";
import { context, createContextKey } from "@opentelemetry/api";

/** The fields of a line, in addition to its message. Never a secret. */
export interface LogFields {
  readonly operationId?: string | undefined;
  readonly resourceId?: string | undefined;
  readonly region?: string | undefined;
  /** W3C trace context. */
  readonly traceparent?: string | undefined;
  readonly [name: string]: string | number | undefined;
}

/** The part of an InvocationContext that writes log lines. */
interface LogSink {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** Writes lines of JSON: `message`, the fields of the invocation and those of the line. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  /** With the whole error and its causes. */
  error(message: string, error: unknown, fields?: LogFields): void;
  /** Adds these fields to every later line, if the log is about the operation `operationId`. */
  learn(operationId: string, fields: LogFields): void;
}

const ACTIVE = createContextKey("sigil.log");

/** The log of one invocation, with the fields `about` in each line. */
export function createLog(sink: LogSink, about: LogFields): Log {
  let known = about;
  const line = (message: string, fields: LogFields = {}): string =>
    JSON.stringify({ message, ...known, ...defined(fields) });
  return {
    info: (message, fields) => sink.info(line(message, fields)),
    warn: (message, fields) => sink.warn(line(message, fields)),
    error: (message, error, fields) =>
      sink.error(line(message, { ...fields, ...exception(error) })),
    learn(operationId, fields) {
      if (known.operationId === operationId) known = { ...known, ...fields };
    },
  };
}

/** Runs a function in which everything, however deep, writes to this log. */
export function withLog<T>(log: Log, run: () => Promise<T>): Promise<T> {
  return context.with(context.active().setValue(ACTIVE, log), run);
}

/** The log of the present invocation; undefined outside one. */
export function activeLog(): Log | undefined {
  return context.active().getValue(ACTIVE) as Log | undefined;
}

function defined(fields: LogFields): LogFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** OpenTelemetry's names, which Application Insights turns into exceptions. */
function exception(error: unknown): LogFields {
  return {
    "exception.type": error instanceof Error ? error.name : typeof error,
    "exception.message": error instanceof Error ? error.message : String(error),
    "exception.stacktrace": inspect(error),
  };
}
