import { HttpRequest, InvocationContext, type LogLevel } from "@azure/functions";
import { SpanKind } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { imageVersionHandlers } from "../../../src/http/image-version-handlers.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { createStepHandler } from "../../../src/messaging/step-handler.js";
import { failPoisoned } from "../../../src/operation/poison.js";
import { isFinal } from "../../../src/image-version/state/states.js";
import { observePorts } from "../../../src/telemetry/observed-ports.js";
import { pathOf } from "../../support/api-client.js";
import {
  QUEUES,
  idOf,
  revocationOf,
  takeVersionStep,
  TRACEPARENT,
} from "../../support/dependencies.js";
import { startOnLoopback, type OnLoopback } from "../../support/on-loopback.js";
import { receive } from "@sigil-local/testing/receive";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { startInMemoryTelemetry, type InMemoryTelemetry } from "../../support/telemetry.js";
import { document, validator } from "../../unit/http/contract/document.js";

const [, TRACE_ID, CALLER_SPAN_ID] = TRACEPARENT.split("-");
const VERSIONS = "Microsoft.Compute/galleries/images/versions";
const id = seedVersionId("1.0.0");

let world: OnLoopback;
let telemetry: InMemoryTelemetry;
let deps: Dependencies;
let operationId: string;
let events: CloudEvent[];
const lines: [LogLevel, Record<string, unknown>][] = [];

/** One image version from the PUT to the last region, with nothing left out but the functions host. */
beforeAll(async () => {
  telemetry = startInMemoryTelemetry();
  world = await startOnLoopback();
  const { store, events: publisher } = observePorts(
    { store: world.deps.store, events: world.deps.events },
    telemetry.metrics,
  );
  deps = { ...world.deps, store, events: publisher };
  operationId = await put();
  await work();
  events = await world.takeEvents();
});
afterAll(async () => {
  await world.close();
  await telemetry.stop();
});

function invocation(
  functionName: string,
  triggerMetadata?: Record<string, unknown>,
): InvocationContext {
  return new InvocationContext({
    invocationId: "invocation-1",
    functionName,
    logHandler: (level, line) =>
      lines.push([level, JSON.parse(String(line)) as Record<string, unknown>]),
    ...(triggerMetadata && { triggerMetadata }),
  });
}

async function put(): Promise<string> {
  const endpoint = createEndpoint({
    document,
    validator,
    authenticator: {
      authenticate: () => Promise.resolve({ appId: "build", roles: ["ImageVersions.Write"] }),
    },
  });
  const response = await imageVersionHandlers(
    endpoint,
    deps,
    () => [],
    () => Promise.resolve({}),
    revocationOf(deps).revocations,
  ).putImageVersion(
    new HttpRequest({
      method: "PUT",
      url: `https://sigil.example/api${pathOf(id)}`,
      headers: {
        authorization: "Bearer token",
        "content-type": "application/json",
        traceparent: TRACEPARENT,
      },
      params: { ...idOf(id) },
      body: { string: JSON.stringify(managedImageRequest()) },
    }),
    invocation("put-image-version"),
  );
  const { status, body } = response as { status: number; body: string };
  expect(status, body).toBe(202);
  return (JSON.parse(body) as { id: string }).id;
}

async function work(): Promise<void> {
  const receivers = QUEUES.map((queue) => ({
    queue,
    receiver: world.client.createReceiver(queue, {
      receiveMode: "receiveAndDelete",
    }),
  }));
  for (let steps = 0; steps < 100; steps += 1) {
    for (const { queue, receiver } of receivers) {
      const { active } = world.emulator.counts(queue);
      for (const message of await receive(receiver, active))
        await createStepHandler({
          takeStep: (step) => takeVersionStep(deps, step),
          failPoisoned: (step, reason) => failPoisoned(world.deps, step, reason),
          postpone: () => Promise.reject(new Error("nothing is postponed")),
          maxDeliveryCount: 10,
          now: world.deps.now,
        })(
          message.body,
          invocation(queue, {
            messageId: message.messageId,
            deliveryCount: 1,
            applicationProperties: message.applicationProperties,
          }),
        );
    }
    const { record } = await world.read(id);
    if (isFinal(record.state)) return;
    const waitMs = Date.parse(record.dueTime) - world.clock.now();
    world.clock.advance(Math.max(0, waitMs));
  }
  throw new Error(`${id} does not end`);
}

const named = (name: string): readonly ReadableSpan[] =>
  telemetry.spans().filter((span) => span.name === name);
const idsOf = (spans: readonly ReadableSpan[]): string[] =>
  spans.map((span) => span.spanContext().spanId);
const namesUnder = (parent: ReadableSpan): string[] =>
  telemetry
    .spans()
    .filter((span) => span.parentSpanContext?.spanId === parent.spanContext().spanId)
    .map((span) => span.name);
function server(): ReadableSpan {
  const [span] = telemetry.spans().filter(({ kind }) => kind === SpanKind.SERVER);
  if (span === undefined) throw new Error("there is no server span");
  return span;
}

describe("one trace", () => {
  test("holds every span, each under another of its own or under the caller's", () => {
    const spans = telemetry.spans();
    expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE_ID]));
    const parents = [CALLER_SPAN_ID, ...idsOf(spans)];
    for (const { name, parentSpanContext } of spans)
      expect(parents, name).toContain(parentSpanContext?.spanId);
    expect(new Set(spans.map(({ kind }) => kind))).toEqual(
      new Set([SpanKind.SERVER, SpanKind.PRODUCER, SpanKind.CONSUMER, SpanKind.CLIENT]),
    );
  });

  test("begins with the HTTP request, under the caller's span, and its sending", () => {
    const span = server();
    expect(span.name).toBe(
      "PUT /api/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/galleries/{galleryName}/images/{imageName}/versions/{versionName}",
    );
    expect(span.parentSpanContext?.spanId).toBe(CALLER_SPAN_ID);
    expect(span.attributes).toMatchObject({
      "http.request.method": "PUT",
      "http.response.status_code": 202,
      "url.path": `/api${pathOf(id)}`,
      "sigil.operation.id": operationId,
      "sigil.resource.id": id,
    });
    expect(namesUnder(span).filter((name) => name.startsWith("send"))).toEqual([
      "send image-version-creations",
    ]);
  });

  test("goes on with each step, under the request, and its calls and sendings", () => {
    const [creation, ...others] = named("process image-version-creations");
    expect(creation?.attributes).toMatchObject({
      "messaging.system": "servicebus",
      "messaging.destination.name": "image-version-creations",
      "messaging.message.id": `${operationId}:1`,
      "sigil.operation.id": operationId,
      "sigil.resource.id": id,
    });
    const steps = [
      ...(creation ? [creation] : []),
      ...others,
      ...named("process image-version-replications"),
    ];
    for (const { kind, parentSpanContext } of steps)
      expect([kind, parentSpanContext?.spanId]).toEqual([
        SpanKind.CONSUMER,
        server().spanContext().spanId,
      ]);
    expect(creation && namesUnder(creation)).toEqual(
      expect.arrayContaining([
        "GET subscriptions/locations",
        `GET ${VERSIONS}`,
        "send image-version-events",
        `PUT ${VERSIONS}`,
        "send image-version-replications",
      ]),
    );
    const [tick] = named("process image-version-replications");
    expect(tick && namesUnder(tick)).toContain(`GET ${VERSIONS}`);
  });

  test("has the calls to ARM as its client's spans, without the query", () => {
    const [call] = named(`PUT ${VERSIONS}`);
    expect(call?.kind).toBe(SpanKind.CLIENT);
    expect(call?.attributes).toMatchObject({
      "http.request.method": "PUT",
      "http.response.status_code": 201,
      "url.full": `${world.armOptions.endpoint}${id}`,
      "server.address": new URL(world.armOptions.endpoint).hostname,
    });
  });

  test("is carried by every event, as the request's own span", () => {
    expect(events.length).toBeGreaterThan(4);
    const { traceId, spanId } = server().spanContext();
    for (const { type, traceparent } of events)
      expect(traceparent, type).toBe(`00-${traceId}-${spanId}-01`);
  });
});

describe("log lines", () => {
  test("say of each fact the operation, the resource, the region and the trace", () => {
    const told = lines.map(([level, { message, ...about }]) => ({
      level,
      message,
      about,
    }));
    const line = {
      level: "information",
      about: { operationId, resourceId: id },
    };
    const { traceId, spanId } = server().spanContext();
    const traceparent = `00-${traceId}-${spanId}-01`;
    const region = (name: string): object => ({
      ...line,
      message: "Sigil.ImageVersion.RegionCompleted",
      about: { ...line.about, region: name, traceparent },
    });
    expect(told).toMatchObject([
      { message: "audit", about: { operationId, outcome: "done" } },
      { ...line, message: "Sigil.ImageVersion.Accepted" },
      { ...line, message: "Sigil.ImageVersion.Creating" },
      { message: "Sigil.ImageVersion.RegionCompleted" },
      { message: "Sigil.ImageVersion.RegionCompleted" },
      { ...line, message: "Sigil.ImageVersion.Completed" },
    ]);
    for (const name of ["eastus2", "westus"])
      expect(told).toContainEqual({
        ...region(name),
        about: {
          step: expect.any(Number) as number,
          ...line.about,
          region: name,
          traceparent,
        },
      });
  });
});

describe("metrics", () => {
  test("count what was accepted, by kind", async () => {
    expect(await telemetry.measured("sigil.operation.accepted")).toEqual({
      unit: "{operation}",
      points: [
        {
          attributes: { "sigil.operation.kind": "CreateImageVersion" },
          value: 1,
        },
      ],
    });
  });

  test("count each region that is ready, and how long its replication took", async () => {
    expect(await telemetry.measured("sigil.region.ready")).toEqual({
      unit: "{region}",
      points: expect.arrayContaining(
        ["eastus2", "westus"].map((region) => ({
          attributes: { "cloud.region": region },
          value: 1,
        })),
      ) as unknown,
    });
    const { operation } = await world.read(id);
    const durations = await telemetry.measured("sigil.region.replication.duration");
    expect(durations?.unit).toBe("s");
    for (const region of operation.regions) {
      const seconds =
        (Date.parse(region.completedTime ?? "") - Date.parse(operation.startedTime ?? "")) / 1_000;
      expect(durations?.points).toContainEqual({
        attributes: { "cloud.region": region.name },
        value: expect.objectContaining({ count: 1, sum: seconds }) as unknown,
      });
    }
  });
});
