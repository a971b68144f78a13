import {
  context,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanKind,
} from "@opentelemetry/api";
import { ServiceError } from "../errors.js";

interface SpanOptions {
  readonly kind: SpanKind;
  /** W3C trace context of the span's trace; absent: the active span's. */
  readonly traceparent?: string | undefined;
  readonly attributes?: Attributes;
}

/**
 * Runs a function in a span, which is active meanwhile and ends with it. Errors are recorded and
 * rethrown. Its parent is the active span if that is in the same trace, else the one in
 * `traceparent`.
 */
export function inSpan<T>(
  name: string,
  { kind, traceparent, attributes = {} }: SpanOptions,
  run: (span: Span) => Promise<T>,
): Promise<T> {
  return trace
    .getTracer("sigil")
    .startActiveSpan(name, { kind, attributes }, parentOf(traceparent), async (span) => {
      try {
        return await run(span);
      } catch (error) {
        recordFailure(span, error);
        throw error;
      } finally {
        span.end();
      }
    });
}

const LEFT_OUT = "sigil.left_out";

/** Keeps the span from being exported. */
export function leaveOut(span: Span): void {
  span.setAttribute(LEFT_OUT, true);
}

export function isLeftOut({ attributes }: { readonly attributes: Attributes }): boolean {
  return attributes[LEFT_OUT] === true;
}

/** Marks the span as failed, with the code of a ServiceError or the name of another error. */
function recordFailure(span: Span, error: unknown): void {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  span.setAttribute("error.type", error instanceof ServiceError ? error.code : name);
  span.recordException({ name, message });
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** The span as W3C trace context. If no traces are exported, its parent's, unchanged. */
export function traceparentOfSpan(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

function parentOf(traceparent: string | undefined): Context {
  const active = context.active();
  const [, traceId = "", spanId = "", flags = ""] = traceparent?.split("-") ?? [];
  if (traceparent === undefined || trace.getSpanContext(active)?.traceId === traceId) return active;
  return trace.setSpanContext(active, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
}
