import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { createApiClient } from "../support/api-client.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
import { unpackPackage, type UnpackedPackage } from "../support/package.js";
import { Stack } from "../support/stack.js";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;
const id = seedVersionId("1.0.0");

/** What Application Insights is sent, as far as it is looked into (its "envelope" of one telemetry item). */
interface Envelope {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly data: {
    readonly baseType: string;
    readonly baseData: {
      readonly name?: string;
      readonly message?: string;
      readonly properties?: Readonly<Record<string, string>>;
      readonly metrics?: readonly { name: string; value: number }[];
    };
  };
}

let unpacked: UnpackedPackage;
let stack: Stack;
let insights: Server;
const received: Envelope[] = [];
const printed: string[] = [];
let operationId: string;

/** One image version on a stack of what is deployed, which exports to the console and to an Application Insights on this machine. */
beforeAll(async () => {
  const tls = await createCertificateAuthority(process.env["SIGIL_TEST_CERTIFICATES"] ?? "");
  insights = createServer(tls, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const text = (
        request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body
      ).toString("utf8");
      const items = JSON.parse(text) as Envelope[];
      received.push(...items);
      response.setHeader("Content-Type", "application/json");
      response.end(
        JSON.stringify({
          itemsReceived: items.length,
          itemsAccepted: items.length,
          errors: [],
        }),
      );
    });
  });
  await new Promise<void>((resolve) => insights.listen(0, "127.0.0.1", resolve));
  const { port } = insights.address() as AddressInfo;
  unpacked = await unpackPackage();
  stack = await Stack.start({
    scriptRoot: unpacked.folder,
    settings: {
      APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=11111111-2222-4333-8444-555555555555;IngestionEndpoint=https://127.0.0.1:${port}/`,
      APPLICATION_INSIGHTS_NO_STATSBEAT: "true", // It would be sent to Microsoft.
      OTEL_TRACES_EXPORTER: "console",
    },
  });
  const host: HostProcess = await stack.startHost((line) => printed.push(line));
  const token = await stack.services.tokenIssuer?.issueToken({
    roles: ["ImageVersions.Write"],
  });
  const api = createApiClient(host.origin, token);
  const accepted = await api.put(id, managedImageRequest(), {
    traceparent: TRACEPARENT,
  });
  operationId = accepted.body.id;
  await stack.events.ended(id);
  await host.stop(); // What is left is exported then.
});
afterAll(async () => {
  await stack.close();
  await unpacked.remove();
  await new Promise((resolve) => insights.close(resolve));
});

const ofTrace = (baseType: string): Envelope[] =>
  received.filter(
    ({ data, tags }) => data.baseType === baseType && tags["ai.operation.id"] === TRACE_ID,
  );

it("sends requests and dependencies of one trace to Application Insights", () => {
  const requests = ofTrace("RequestData").map(({ data }) => data.baseData.name);
  expect([...new Set(requests)].sort()).toEqual([
    "PUT /api/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/galleries/{galleryName}/images/{imageName}/versions/{versionName}",
    "process image-version-creations",
    "process image-version-replications",
  ]);
  const calls = ofTrace("RemoteDependencyData").map(({ data }) => data.baseData.name);
  expect(calls).toEqual(expect.arrayContaining([`PUT ${id}`, "send image-version-events"]));
});

it("sends log lines with what they are about as custom dimensions", () => {
  const lines = ofTrace("MessageData").map(({ data }) => data.baseData);
  expect(lines).toContainEqual(
    expect.objectContaining({
      message: "Sigil.ImageVersion.RegionCompleted",
      properties: expect.objectContaining({
        operationId,
        resourceId: id,
        region: "westus",
        traceparent: expect.stringContaining(TRACE_ID) as string,
      }) as unknown,
    }),
  );
});

it("sends metrics", () => {
  const names = received
    .filter(({ data }) => data.baseType === "MetricData")
    .flatMap(({ data }) => data.baseData.metrics ?? [])
    .map(({ name }) => name);
  expect([...new Set(names)]).toEqual(
    expect.arrayContaining([
      "sigil.operation.accepted",
      "sigil.region.ready",
      "sigil.region.replication.duration",
      "sigil.operation.oldest.age",
      "sigil.arm.quota.remaining",
    ]),
  );
});

it("prints the same trace where the console is asked for", () => {
  const spans = printed.filter((line) => line.includes(`traceId: '${TRACE_ID}'`));
  expect(spans.length).toBeGreaterThan(8);
});
