/**
 * Starts OpenTelemetry. Invariants:
 *  1. Only what the settings request is exported. If that is nothing, the SDK is not loaded, no
 *     spans are created, and a caller's trace context passes through unchanged.
 *  2. It starts once a process, because the API's globals keep the first.
 */
import {
  context,
  createNoopMeter,
  diag,
  DiagConsoleLogger,
  DiagLogLevel,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import type { Credential } from "./azure-monitor.js";
import type { Telemetry } from "./export.js";
import { createMetrics } from "./metrics.js";
import type { TelemetrySettings } from "./settings.js";

/**
 * `credential` is used if the settings request the identity. Exporters report errors to the
 * console.
 */
export async function startTelemetry(
  settings: TelemetrySettings,
  credential: Credential,
): Promise<Telemetry> {
  diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const { applicationInsights, traces, metrics } = settings;
  // Invariant 1.
  if (!applicationInsights && traces === "none" && metrics === "none")
    return {
      metrics: createMetrics(createNoopMeter()),
      instrument: () => undefined,
      shutdown: () => Promise.resolve(),
    };
  const { startExport } = await import("./export.js");
  return startExport(settings, credential);
}
