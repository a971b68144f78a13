import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { inSpan, traceparentOfSpan } from "../../../src/telemetry/spans.js";
import { startInMemoryTelemetry, type InMemoryTelemetry } from "../../support/telemetry.js";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;
const OTHER = "00-11111111111111111111111111111111-2222222222222222-01";
const kind = SpanKind.INTERNAL;

let telemetry: InMemoryTelemetry;
beforeAll(() => {
  telemetry = startInMemoryTelemetry();
});
afterAll(() => telemetry.stop());

/** Trace and parent of a span that is made within one of the trace `outer`. */
function within(outer: string): Promise<(string | undefined)[]> {
  return inSpan("outer", { kind, traceparent: outer }, (parent) =>
    inSpan("inner", { kind, traceparent: TRACEPARENT }, (span) => {
      const { traceId } = span.spanContext();
      const { parentSpanContext } = span as typeof span & {
        parentSpanContext?: { spanId: string };
      };
      const active = parent.spanContext().spanId;
      const spanId = parentSpanContext?.spanId;
      return Promise.resolve([traceId, spanId === active ? "active" : spanId]);
    }),
  );
}

test("a span is under the active one where that is of its trace", async () => {
  expect(await within(TRACEPARENT)).toEqual([TRACE_ID, "active"]);
});

test("a span that is made within another trace stays in its own", async () => {
  expect(await within(OTHER)).toEqual([TRACE_ID, "b7ad6b7169203331"]);
});

test("what is not sampled by the caller is not recorded, and says so to the next", async () => {
  const count = telemetry.spans().length;
  const traceparent = `${TRACEPARENT.slice(0, -2)}00`;
  const next = await inSpan("x", { kind, traceparent }, (span) =>
    Promise.resolve(traceparentOfSpan(span)),
  );
  expect(next).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-00$`, "u"));
  expect(telemetry.spans()).toHaveLength(count);
});

test.each([
  [new ServiceError("StateConflict", "Again."), "StateConflict", "Again."],
  [new TypeError("broken"), "TypeError", "broken"],
])("%s is recorded and thrown on", async (error, type, message) => {
  await expect(inSpan("failing", { kind }, () => Promise.reject(error))).rejects.toBe(error);
  const span = telemetry.spans().at(-1);
  expect(span?.attributes).toEqual({ "error.type": type });
  expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message });
});
