/**
 * The exporters of Application Insights, loaded at the first export: seconds after the start, when
 * the first request has been answered.
 */
import type { AzureMonitorExporterOptions } from "@azure/monitor-opentelemetry-exporter";
import type { LogRecordExporter } from "@opentelemetry/sdk-logs";
import { AggregationTemporality, type PushMetricExporter } from "@opentelemetry/sdk-metrics";
import type { SpanExporter } from "@opentelemetry/sdk-trace-node";
import type { TelemetrySettings } from "./settings.js";

export type Credential = AzureMonitorExporterOptions["credential"];

interface Exporter<Item> {
  export(items: Item, done: (result: { code: number; error?: Error }) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}

/** The SDK's ExportResultCode.FAILED. */
const FAILED = 1;

/** `load` is called at the first export, and again if it fails. */
function loadedLate<Item>(load: () => Promise<Exporter<Item>>): Required<Exporter<Item>> {
  let loading: Promise<Exporter<Item>> | undefined;
  return {
    export(items, done) {
      loading ??= load();
      loading.then(
        (exporter) => exporter.export(items, done),
        (error: unknown) => {
          loading = undefined;
          done({ code: FAILED, error: error as Error });
        },
      );
    },
    forceFlush: async () => (await loading)?.forceFlush?.(),
    shutdown: async () => (await loading)?.shutdown(),
  };
}

export function azureMonitorExporters(
  { connectionString, useIdentity }: NonNullable<TelemetrySettings["applicationInsights"]>,
  credential: Credential,
): {
  readonly traces: SpanExporter;
  readonly metrics: PushMetricExporter;
  readonly logs: LogRecordExporter;
} {
  const options: AzureMonitorExporterOptions = {
    connectionString,
    ...(useIdentity && credential && { credential }),
  };
  const load = () => import("@azure/monitor-opentelemetry-exporter");
  return {
    traces: loadedLate(async () => new (await load()).AzureMonitorTraceExporter(options)),
    metrics: {
      ...loadedLate(async () => new (await load()).AzureMonitorMetricExporter(options)),
      // What that exporter uses, except for metrics that go up and down, which Sigil does not have.
      selectAggregationTemporality: () => AggregationTemporality.DELTA,
    },
    logs: loadedLate(async () => new (await load()).AzureMonitorLogExporter(options)),
  };
}
