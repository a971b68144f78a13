import type { LogLevel, app } from "@azure/functions";
import { context, propagation } from "@opentelemetry/api";
import { SeverityNumber, type Logger } from "@opentelemetry/api-logs";

/** The used part of `app` of `@azure/functions`. */
export interface FunctionsApp {
  readonly setup: typeof app.setup;
  readonly hook: Pick<typeof app.hook, "log" | "preInvocation">;
}

const SEVERITY: Readonly<Record<LogLevel, SeverityNumber>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  information: SeverityNumber.INFO,
  warning: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  critical: SeverityNumber.FATAL,
  none: SeverityNumber.UNSPECIFIED,
};

/**
 * Writes each line of an invocation to `logger`, in the host's trace of that invocation. Tells the
 * host that the worker exports its own lines, so the host does not send them again.
 */
export function instrumentFunctions({ setup, hook }: FunctionsApp, logger: Logger): void {
  setup({ capabilities: { WorkerOpenTelemetryEnabled: true } });
  hook.log(({ message, level }) =>
    logger.emit({
      body: message,
      severityNumber: SEVERITY[level],
      severityText: level,
    }),
  );
  hook.preInvocation((invocation) => {
    const { traceContext } = invocation.invocationContext;
    if (traceContext === undefined) return;
    invocation.functionHandler = context.bind(
      propagation.extract(context.active(), {
        traceparent: traceContext.traceParent,
        tracestate: traceContext.traceState,
      }),
      invocation.functionHandler,
    );
  });
}
