import { afterAll, beforeAll, expect, it } from "vitest";
import type { Operation } from "../support/api-client.js";
import { createApiClient } from "../support/api-client.js";
import {
  managedImageRequest,
  seedVersionId,
  snapshotsRequest,
} from "../support/requests.js";
import { milestones, Stack } from "../support/stack.js";

const REQUESTS = "image-version-requests";

let stack: Stack;
let operation: (id: string) => Promise<Operation>;

beforeAll(async () => {
  stack = await Stack.start();
  const host = await stack.startHost();
  const api = createApiClient(
    host.origin,
    await stack.services.tokenIssuer?.issueToken({
      roles: ["ImageVersions.Write"],
    }),
  );
  operation = async (id) =>
    (await api.request<Operation>("GET", `/operations/${id}`)).body;
});
afterAll(() => stack.close());

function structured(
  id: string,
  subject: string,
  data: unknown,
): { body: object; contentType: string; messageId: string } {
  return {
    body: {
      specversion: "1.0",
      id,
      source: "urn:build",
      type: "Build.ImageReady",
      subject,
      data,
    },
    contentType: "application/cloudevents+json",
    messageId: id,
  };
}

it("creates a version for a structured CloudEvent (S11, its region corrected)", async () => {
  const subject = seedVersionId("2.0.0");
  await stack.send(
    REQUESTS,
    structured("build-1", subject, snapshotsRequest("eastus2")),
  );
  await stack.events.ended(subject);
  expect(milestones(stack.events.received, subject)).toEqual([
    "accepted",
    "completed",
    "creating",
    "eastus2/completed",
    "westus/completed",
  ]);
});

it("creates a version for a binary CloudEvent", async () => {
  const subject = seedVersionId("2.0.1");
  await stack.send(REQUESTS, {
    body: managedImageRequest(),
    contentType: "application/json",
    messageId: "build-2",
    applicationProperties: {
      "cloudEvents:specversion": "1.0",
      "cloudEvents:id": "build-2",
      "cloudEvents:source": "urn:build",
      "cloudEvents:type": "Build.ImageReady",
      "cloudEvents:subject": subject,
    },
  });
  const [end] = await stack.events.ended(subject);
  expect(end?.type).toBe("Sigil.ImageVersion.Completed");
});

it("takes a request that comes again, long after it failed, for the same request", async () => {
  const subject = seedVersionId("2.0.2");
  await stack.send(
    REQUESTS,
    structured("build-3", subject, snapshotsRequest("eastus")),
  );
  await stack.events.ended(subject);
  await stack.send(
    REQUESTS,
    {
      ...structured("build-3", subject, snapshotsRequest("eastus")),
      messageId: "another delivery",
    },
    structured("build-4", seedVersionId("2.0.3"), managedImageRequest()),
  );
  await stack.events.ended(seedVersionId("2.0.3"));
  expect(milestones(stack.events.received, subject)).toEqual([
    "accepted",
    "failed",
  ]);
});

it("tells every mistake of a bad message, keeps the original for an operator, and goes on", async () => {
  const bad = structured("bad-1", "not a version", {
    location: "westus",
    propertys: {},
  });
  const rejected = stack.serviceBus.createReceiver(
    "image-version-requests-rejected",
  );
  await stack.send(REQUESTS, bad, {
    body: "no JSON at all {",
    messageId: "bad-2",
  });
  await stack.send(
    REQUESTS,
    structured("build-5", seedVersionId("2.1.0"), managedImageRequest()),
  );
  await stack.events.ended(seedVersionId("2.1.0"));

  const events = await stack.events.until(
    (received) =>
      received.filter(({ type }) => type === "Sigil.ImageVersion.Rejected")
        .length === 2,
  );
  const first = events
    .filter((event) => event.type === "Sigil.ImageVersion.Rejected")
    .find(({ data }) => data.messageId === "bad-1");
  expect(first?.data).toMatchObject({
    error: { code: "InvalidRequest", errorCount: 2 },
    messageId: "bad-1",
    original: bad.body,
  });
  expect(first?.data.error.errors.map(({ pointer }) => pointer).sort()).toEqual(
    ["/data/propertys", "/subject"],
  );

  const kept = await rejected.receiveMessages(2, { maxWaitTimeInMs: 10_000 });
  expect(kept.map(({ body }) => body as unknown)).toContainEqual(bad.body);
  expect(
    kept
      .map(
        ({ applicationProperties }) =>
          applicationProperties?.["originalMessageId"],
      )
      .sort(),
  ).toContain("bad-1");
  await rejected.close();
  expect(stack.services.serviceBus?.counts(REQUESTS)).toMatchObject({
    active: 0,
    deadLetter: 0,
  });
});

it("dead-letters a message that nobody can read, and loops on nothing", async () => {
  const dead = stack.serviceBus.createReceiver("image-version-creations", {
    subQueueType: "deadLetter",
  });
  await stack.send("image-version-creations", {
    body: "garbage",
    messageId: "garbage",
  });
  const [message] = await dead.receiveMessages(1, { maxWaitTimeInMs: 30_000 });
  expect(message).toMatchObject({
    body: "garbage",
    deadLetterReason: "MaxDeliveryCountExceeded",
  });
  await dead.close();
});

it("ends the operation of a poison message Failed, with the reason", async () => {
  const subject = seedVersionId("2.2.0");
  await stack.simulator.stallRegion({ region: "eastus2" });
  await stack.send(
    REQUESTS,
    structured("build-6", subject, managedImageRequest()),
  );
  const [accepted] = (
    await stack.events.until((events) =>
      events.some(
        (event) =>
          event.subject === subject &&
          event.type === "Sigil.ImageVersion.Creating",
      ),
    )
  ).filter((event) => event.subject === subject);
  const { operationId } = accepted?.data as { operationId: string };

  await stack.send("image-version-replications", {
    body: { operationId },
    messageId: "poison",
  });
  const [end] = await stack.events.ended(subject);
  expect(end?.type).toBe("Sigil.ImageVersion.Failed");
  expect((await operation(operationId)).error).toMatchObject({
    code: "PoisonMessage",
  });
});
