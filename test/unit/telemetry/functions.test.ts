import {
  InvocationContext,
  LogHookContext,
  PreInvocationContext,
  type LogHookHandler,
  type PreInvocationHandler,
  type SetupOptions,
} from "@azure/functions";
import { trace } from "@opentelemetry/api";
import { SeverityNumber, type LogRecord } from "@opentelemetry/api-logs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { instrumentFunctions } from "../../../src/telemetry/functions.js";
import { startInMemoryTelemetry, type InMemoryTelemetry } from "../../support/telemetry.js";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const registered = { dispose: () => undefined };

let telemetry: InMemoryTelemetry;
const setups: SetupOptions[] = [];
const emitted: LogRecord[] = [];
let onLog: LogHookHandler;
let onInvocation: PreInvocationHandler;

beforeAll(() => {
  telemetry = startInMemoryTelemetry();
  instrumentFunctions(
    {
      setup: (options) => void setups.push(options),
      hook: {
        log: (handler) => ((onLog = handler), registered),
        preInvocation: (handler) => ((onInvocation = handler), registered),
      },
    },
    {
      emit: (record) => void emitted.push(record),
      enabled: () => true,
    },
  );
});
afterAll(() => telemetry.stop());

/** What the handler of an invocation in that trace of the host's sees as the active trace. */
async function traceSeen(
  traceContext: { traceParent: string } | undefined,
): Promise<string | undefined> {
  const invocation = new PreInvocationContext({
    invocationContext: new InvocationContext(traceContext && { traceContext }),
    functionCallback: () => trace.getActiveSpan()?.spanContext().traceId,
  });
  await onInvocation(invocation);
  return (await invocation.functionHandler(undefined, invocation.invocationContext)) as
    string | undefined;
}

test("the host is told that lines are exported by the worker", () => {
  expect(setups).toEqual([{ capabilities: { WorkerOpenTelemetryEnabled: true } }]);
});

test("a line is exported with its level", () => {
  onLog(new LogHookContext({ message: "told", level: "warning" }));
  onLog(new LogHookContext({ message: "lost", level: "critical" }));
  expect(emitted).toEqual([
    {
      body: "told",
      severityText: "warning",
      severityNumber: SeverityNumber.WARN,
    },
    {
      body: "lost",
      severityText: "critical",
      severityNumber: SeverityNumber.FATAL,
    },
  ]);
});

test("an invocation runs in the host's trace, and in none where the host has none", async () => {
  expect(await traceSeen({ traceParent: `00-${TRACE_ID}-b7ad6b7169203331-01` })).toBe(TRACE_ID);
  expect(await traceSeen(undefined)).toBeUndefined();
});
