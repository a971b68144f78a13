/** The alerts' and the workbook's queries read columns that Azure Monitor's own exporter fills for that kind of metric. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { AzureMonitorMetricExporter } from "@azure/monitor-opentelemetry-exporter";
import { createHttpHeaders } from "@azure/core-rest-pipeline";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";
import { createMetrics } from "../../../src/telemetry/metrics.js";

/** Columns of AppMetrics, by what the exporter calls them. */
const COLUMNS = { value: "Sum", count: "ItemCount", min: "Min", max: "Max" };

interface Envelope {
  readonly data: {
    readonly baseData: {
      readonly metrics?: readonly (Readonly<Record<string, unknown>> & {
        readonly name: string;
      })[];
    };
  };
}

/** Everything measured once; which columns are filled, by the metric's name. */
async function columnsFilled(): Promise<ReadonlyMap<string, readonly string[]>> {
  const sent: Envelope[] = [];
  const exporter = new AzureMonitorMetricExporter({
    connectionString:
      "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://azure.example",
    disableOfflineStorage: true,
    httpClient: {
      sendRequest: (request) => {
        const body = request.body as Uint8Array | string;
        const text = typeof body === "string" ? body : gunzipSync(body).toString("utf8");
        const envelopes = JSON.parse(text) as Envelope[];
        sent.push(...envelopes);
        return Promise.resolve({
          request,
          status: 200,
          headers: createHttpHeaders({ "content-type": "application/json" }),
          bodyAsText: JSON.stringify({
            itemsReceived: envelopes.length,
            itemsAccepted: envelopes.length,
            errors: [],
          }),
        });
      },
    },
  });
  const provider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter })],
  });
  const metrics = createMetrics(provider.getMeter("test"));
  metrics.accepted("CreateImageVersion");
  metrics.rejected("InvalidBody", "http");
  metrics.failed("ReplicationFailed");
  metrics.regionReady("westeurope", 1_800);
  metrics.regionFailed("westeurope");
  metrics.unpublished(1);
  metrics.oldestOpen(90_000);
  metrics.armQuota({
    limit: "subscription-reads",
    subscriptionId: "s",
    remaining: 249,
  });
  metrics.deadLetters("image-version-requests", 1, 60);
  await provider.forceFlush();
  await provider.shutdown();
  return new Map(
    sent
      .flatMap(({ data }) => data.baseData.metrics ?? [])
      .map((metric) => [
        metric.name,
        Object.entries(COLUMNS)
          .filter(([member]) => metric[member] !== undefined)
          .map(([, column]) => column),
      ]),
  );
}

const alerts = [
  ...readFileSync("infra/modules/alerts.bicep", "utf8").matchAll(/query: '(AppMetrics .+)'$/gmu),
].map(([, query = ""]) => query);
const tiles = (
  JSON.parse(readFileSync("infra/workbook.json", "utf8")) as {
    readonly items: readonly {
      readonly content: { readonly query?: string };
    }[];
  }
).items.flatMap(({ content }) => content.query ?? []);
const queries = [...alerts, ...tiles].filter((query) => query.startsWith("AppMetrics"));

test("each query reads only columns that are filled", async () => {
  const filled = await columnsFilled();
  // A gauge has neither a least nor a greatest value; a histogram has.
  expect(filled.get("sigil.operation.oldest.age")).toEqual(["Sum", "ItemCount"]);
  expect(filled.get("sigil.region.replication.duration")).toContain("Max");
  expect(queries.length).toBeGreaterThan(6);
  for (const query of queries) {
    const [, name = ""] = /Name == "([\w.]+)"/u.exec(query) ?? [];
    const read = [...query.matchAll(/\b(Sum|ItemCount|Min|Max)\b/gu)].map(([column]) => column);
    expect(filled.get(name), query).toEqual(expect.arrayContaining(read));
  }
});
