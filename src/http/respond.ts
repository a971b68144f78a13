import type { HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { traceparentOf } from "../events/traceparent.js";
import { createLog, withLog, type Log } from "../telemetry/log.js";
import { inSpan, leaveOut, traceparentOfSpan } from "../telemetry/spans.js";
import type { Seen } from "./audit-call.js";
import { compressed } from "./compressed.js";
import { corsHeaders } from "./cors.js";
import { toProblem, withoutTokens } from "./problem.js";
import { SECURITY_HEADERS } from "./security-headers.js";

/** Limit for a path in a span; no path of the API is longer. */
const LONGEST_PATH = 1_000;

/** An answer, before the headers that every answer has. */
interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Answering {
  readonly corsOrigins?: readonly string[];
  /** Absent: no operation of the document is called. */
  readonly route?: string;
  /** Called with the answer and a problem's code. */
  readonly onAnswer?: (answer: Answer, code: string | undefined, log: Log) => void;
  /** Refused calls without a principal, and calls over the limit, leave no span. */
  readonly seen: Seen;
}

/**
 * Answers in a span of the caller's trace, or of the host's; `answer` receives the span's trace
 * context. Errors become problems.
 */
export async function respond(
  { corsOrigins = [], route, onAnswer, seen }: Answering,
  request: HttpRequest,
  context: InvocationContext,
  answer: (traceparent: string) => Promise<Answer> | Answer,
): Promise<HttpResponseInit> {
  const { method } = request;
  const url = new URL(request.url);
  const result = await inSpan<Answer>(
    route === undefined ? method : `${method} ${route}`,
    {
      kind: SpanKind.SERVER,
      traceparent: traceparentOf(
        request.headers.get("traceparent"),
        context.traceContext?.traceParent,
      ),
      attributes: {
        "http.request.method": method,
        "url.scheme": url.protocol.slice(0, -1),
        "url.path": withoutTokens(url.pathname.slice(0, LONGEST_PATH)),
        "server.address": url.hostname,
        ...(route !== undefined && { "http.route": route }),
      },
    },
    async (span) => {
      const traceparent = traceparentOfSpan(span);
      const log = createLog(context, { traceparent });
      let failure: string | undefined;
      const answered = await withLog(log, async () => {
        try {
          return await answer(traceparent);
        } catch (error) {
          const problem = toProblem(error, url.pathname);
          const { code, instance } = problem.body;
          failure = code;
          span.setAttribute("error.type", code);
          // 4xx is the caller's affair. Any other error is logged with its causes.
          if (problem.status >= 500)
            log.error(`${method} answered ${problem.status}`, error, {
              path: instance,
            });
          return problem;
        }
      });
      span.setAttribute("http.response.status_code", answered.status);
      onAnswer?.(answered, failure, log);
      // OpenTelemetry, "HTTP server spans": 4xx is not a server error.
      if (answered.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      else if (answered.status >= 400 && (seen.principal === undefined || seen.isOverLimit))
        leaveOut(span);
      return answered;
    },
  );
  const cors = corsHeaders(corsOrigins, request.headers);
  const { body, headers } = compressed(
    JSON.stringify(result.body),
    request.headers.get("accept-encoding"),
    cors["Vary"],
  );
  return {
    status: result.status,
    headers: {
      ...SECURITY_HEADERS,
      ...cors,
      ...headers,
      ...result.headers,
      "x-request-id": context.invocationId,
    },
    ...(body !== undefined && { body }),
  };
}
