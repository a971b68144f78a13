import { inspect } from "node:util";
import { context, createContextKey } from "@opentelemetry/api";

/** What a line is about, beside its message. Never a secret. */
export interface LogFields {
  readonly operationId?: string | undefined;
  readonly resourceId?: string | undefined;
  readonly region?: string | undefined;
  /** W3C trace context. */
  readonly traceparent?: string | undefined;
  readonly [name: string]: string | number | undefined;
}

/** Where an invocation's lines go: the part of an InvocationContext that writes them. */
interface LogSink {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** Writes lines of JSON: `message`, and what the invocation and the line are about. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  /** With the error whole, its causes with it. */
  error(message: string, error: unknown, fields?: LogFields): void;
  /** From now on every line says this, too, where it is about the operation `operationId`. */
  learn(operationId: string, fields: LogFields): void;
}

const ACTIVE = createContextKey("sigil.log");

/** The log of one invocation, whose lines all say `about`. */
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

/** Runs something whose parts, however deep, write to this log. */
export function withLog<T>(log: Log, run: () => Promise<T>): Promise<T> {
  return context.with(context.active().setValue(ACTIVE, log), run);
}

/** The log of the invocation at hand; undefined outside of one. */
export function activeLog(): Log | undefined {
  return context.active().getValue(ACTIVE) as Log | undefined;
}

function defined(fields: LogFields): LogFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** OpenTelemetry's names: Application Insights makes an exception of them. */
function exception(error: unknown): LogFields {
  return {
    "exception.type": error instanceof Error ? error.name : typeof error,
    "exception.message": error instanceof Error ? error.message : String(error),
    "exception.stacktrace": inspect(error),
  };
}
