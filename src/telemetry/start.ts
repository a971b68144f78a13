/**
 * Starts OpenTelemetry's SDK: what is exported where. Invariants:
 *  1. Nothing is exported that the settings do not ask for; where no traces are, no spans are made, and a caller's trace
 *     context passes through unchanged.
 *  2. Started once a process: the API's globals keep the first.
 */
import {
  AI_OPERATION_NAME,
  AzureMonitorLogExporter,
  AzureMonitorMetricExporter,
  AzureMonitorTraceExporter,
  type AzureMonitorExporterOptions,
} from "@azure/monitor-opentelemetry-exporter";
import {
  context,
  diag,
  DiagConsoleLogger,
  DiagLogLevel,
  SpanKind,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchLogRecordProcessor,
  LoggerProvider,
} from "@opentelemetry/sdk-logs";
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { logAttributes } from "./log-attributes.js";
import { instrumentFunctions, type FunctionsApp } from "./functions.js";
import { createMetrics, type Metrics } from "./metrics.js";
import type { TelemetrySettings } from "./settings.js";

export interface Telemetry {
  readonly metrics: Metrics;
  /** Takes over the log lines of invocations, where logs are exported. */
  instrument(functionsApp: FunctionsApp): void;
  /** Exports what is left, and stops. */
  shutdown(): Promise<void>;
}

/** Application Insights' exporter names a request by its HTTP route, and the handling of a message not at all. */
const namedRequests: SpanProcessor = {
  onStart(span) {
    if (span.kind === SpanKind.CONSUMER)
      span.setAttribute(AI_OPERATION_NAME, span.name);
  },
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

/** `credential` is used where the settings ask for the identity. Exporters report what goes wrong to the console. */
export function startTelemetry(
  settings: TelemetrySettings,
  credential: AzureMonitorExporterOptions["credential"],
): Telemetry {
  diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
  const resource = resourceFromAttributes({
    "service.name": settings.serviceName,
  });
  const { applicationInsights } = settings;
  const azureMonitor: AzureMonitorExporterOptions | undefined =
    applicationInsights && {
      connectionString: applicationInsights.connectionString,
      ...(applicationInsights.useIdentity && credential && { credential }),
    };

  context.setGlobalContextManager(
    new AsyncLocalStorageContextManager().enable(),
  );

  const spanProcessors: SpanProcessor[] = [
    ...(settings.traces === "console"
      ? [new SimpleSpanProcessor(new ConsoleSpanExporter())]
      : []),
    ...(azureMonitor
      ? [
          namedRequests,
          new BatchSpanProcessor(new AzureMonitorTraceExporter(azureMonitor)),
        ]
      : []),
  ];
  const tracerProvider = new NodeTracerProvider({ resource, spanProcessors });
  // Invariant 1.
  if (spanProcessors.length > 0)
    tracerProvider.register({ contextManager: null });

  const metricExporters: PushMetricExporter[] = [
    ...(settings.metrics === "console" ? [new ConsoleMetricExporter()] : []),
    ...(azureMonitor ? [new AzureMonitorMetricExporter(azureMonitor)] : []),
  ];
  const meterProvider = new MeterProvider({
    resource,
    readers: metricExporters.map(
      (exporter) =>
        new PeriodicExportingMetricReader({
          exporter,
          exportIntervalMillis: settings.metricIntervalMs,
          exportTimeoutMillis: settings.metricIntervalMs,
        }),
    ),
  });

  const loggerProvider =
    azureMonitor &&
    new LoggerProvider({
      resource,
      processors: [
        logAttributes,
        new BatchLogRecordProcessor({
          exporter: new AzureMonitorLogExporter(azureMonitor),
        }),
      ],
    });

  return {
    metrics: createMetrics(meterProvider.getMeter("sigil")),
    instrument(functionsApp) {
      if (loggerProvider)
        instrumentFunctions(functionsApp, loggerProvider.getLogger("sigil"));
    },
    async shutdown() {
      await Promise.all([
        tracerProvider.shutdown(),
        meterProvider.shutdown(),
        loggerProvider?.shutdown(),
      ]);
    },
  };
}
