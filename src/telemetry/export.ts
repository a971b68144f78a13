/** Sets up OpenTelemetry's SDK and its exporters. Loaded only if the settings request an export. */
import { AI_OPERATION_NAME } from "@azure/monitor-opentelemetry-exporter";
import { SpanKind } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
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
import { azureMonitorExporters, type Credential } from "./azure-monitor.js";
import { instrumentFunctions, type FunctionsApp } from "./functions.js";
import { logAttributes } from "./log-attributes.js";
import { createMetrics, type Metrics } from "./metrics.js";
import type { TelemetrySettings } from "./settings.js";
import { isLeftOut } from "./spans.js";

export interface Telemetry {
  readonly metrics: Metrics;
  /** Exports the log lines of invocations, if logs are exported. */
  instrument(functionsApp: FunctionsApp): void;
  /** Exports the rest and stops. */
  shutdown(): Promise<void>;
}

/**
 * The exporter of Application Insights names a request by its HTTP route, but not the handling of a
 * message.
 */
const namedRequests: SpanProcessor = {
  onStart(span) {
    if (span.kind === SpanKind.CONSUMER) span.setAttribute(AI_OPERATION_NAME, span.name);
  },
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

/** Exports a span unless it is left out, so that refused calls do not fill the logs. */
export function exported(processor: SpanProcessor): SpanProcessor {
  return {
    onStart: (...started) => processor.onStart(...started),
    onEnd: (span) => {
      if (!isLeftOut(span)) processor.onEnd(span);
    },
    forceFlush: () => processor.forceFlush(),
    shutdown: () => processor.shutdown(),
  };
}

export function startExport(settings: TelemetrySettings, credential: Credential): Telemetry {
  const resource = resourceFromAttributes({
    "service.name": settings.serviceName,
  });
  const azureMonitor =
    settings.applicationInsights && azureMonitorExporters(settings.applicationInsights, credential);

  const spanProcessors: SpanProcessor[] = [
    ...(settings.traces === "console"
      ? [exported(new SimpleSpanProcessor(new ConsoleSpanExporter()))]
      : []),
    ...(azureMonitor ? [namedRequests, exported(new BatchSpanProcessor(azureMonitor.traces))] : []),
  ];
  const tracerProvider = new NodeTracerProvider({ resource, spanProcessors });
  // Without an exporter, no spans are created.
  if (spanProcessors.length > 0) tracerProvider.register({ contextManager: null });

  const metricExporters: PushMetricExporter[] = [
    ...(settings.metrics === "console" ? [new ConsoleMetricExporter()] : []),
    ...(azureMonitor ? [azureMonitor.metrics] : []),
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
      processors: [logAttributes, new BatchLogRecordProcessor({ exporter: azureMonitor.logs })],
    });

  return {
    metrics: createMetrics(meterProvider.getMeter("sigil")),
    instrument(functionsApp) {
      if (loggerProvider) instrumentFunctions(functionsApp, loggerProvider.getLogger("sigil"));
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
