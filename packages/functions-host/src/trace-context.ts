import { randomBytes } from "node:crypto";
import type { RpcTraceContext } from "./core-module.js";

const TRACE_PARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})/u;

/**
 * The trace context of an invocation: a new span of the caller's trace, or the first span of a new one. W3C Trace
 * Context 3.2: a traceparent that does not parse, or whose ids are all zero, is ignored and its tracestate with it.
 */
export function continueTrace(
  traceParent: string | undefined,
  traceState: string | undefined,
): RpcTraceContext {
  const spanId = randomBytes(8).toString("hex");
  const [, version, traceId, parentId, flags] = TRACE_PARENT.exec(traceParent ?? "") ?? [];
  if (
    traceId === undefined ||
    version === "ff" ||
    /^0+$/u.test(traceId) ||
    /^0+$/u.test(parentId ?? "")
  )
    return {
      traceParent: `00-${randomBytes(16).toString("hex")}-${spanId}-01`,
      traceState: "",
      attributes: {},
    };
  return {
    traceParent: `00-${traceId}-${spanId}-${flags ?? "00"}`,
    traceState: traceState ?? "",
    attributes: {},
  };
}
