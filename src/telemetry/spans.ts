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
  /** W3C trace context of the trace that the span belongs to; absent: that of the active span. */
  readonly traceparent?: string | undefined;
  readonly attributes?: Attributes;
}

/**
 * Runs something as a span, which is active meanwhile and ends with it; what is thrown is recorded and thrown on. The
 * span is a child of the active one where that is of the same trace, else of the one that `traceparent` names.
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

/** The span is not exported. */
export function leaveOut(span: Span): void {
  span.setAttribute(LEFT_OUT, true);
}

export function isLeftOut({ attributes }: { readonly attributes: Attributes }): boolean {
  return attributes[LEFT_OUT] === true;
}

/** The span has failed, by the code of a ServiceError or the name of another error. */
function recordFailure(span: Span, error: unknown): void {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  span.setAttribute("error.type", error instanceof ServiceError ? error.code : name);
  span.recordException({ name, message });
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** The span as W3C trace context. Where no traces are exported, that of its parent, unchanged. */
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
