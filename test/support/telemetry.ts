import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-node";
import { exported } from "../../src/telemetry/export.js";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.js";

/** What a metric says for one combination of attributes. */
export interface Point {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly value: unknown;
}

/** OpenTelemetry's own SDK, which keeps what it would export. */
export interface InMemoryTelemetry {
  readonly metrics: Metrics;
  /** Those that have ended, in that order. */
  spans(): readonly ReadableSpan[];
  /** The unit of a metric and its points; undefined where nothing was measured. */
  measured(name: string): Promise<{ unit: string; points: readonly Point[] } | undefined>;
  /** The globals are free again for the next file. */
  stop(): Promise<void>;
}

export function startInMemoryTelemetry(): InMemoryTelemetry {
  const spanExporter = new InMemorySpanExporter();
  const tracerProvider = new NodeTracerProvider({
    spanProcessors: [exported(new SimpleSpanProcessor(spanExporter))],
  });
  tracerProvider.register({
    contextManager: new AsyncLocalStorageContextManager().enable(),
  });
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const meterProvider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter: metricExporter })],
  });
  return {
    metrics: createMetrics(meterProvider.getMeter("test")),
    spans: () => spanExporter.getFinishedSpans(),
    async measured(name) {
      metricExporter.reset();
      await meterProvider.forceFlush();
      const found = metricExporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap(({ metrics }) => metrics)
        .find(({ descriptor }) => descriptor.name === name);
      return (
        found && {
          unit: found.descriptor.unit,
          points: found.dataPoints.map(({ attributes, value }) => ({
            attributes,
            value,
          })),
        }
      );
    },
    async stop() {
      trace.disable();
      context.disable();
      propagation.disable();
      await tracerProvider.shutdown();
      await meterProvider.shutdown();
    },
  };
}
