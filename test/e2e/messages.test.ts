import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Operation, createApiClient } from "../support/api-client.js";
import { managedImageRequest, seedVersionId, snapshotsRequest } from "../support/requests.js";
import { milestones, Stack } from "../support/stack.js";

const REQUESTS = "image-version-requests";

let stack: Stack;
let operation: (id: string) => Promise<Operation>;

beforeAll(async () => {
  stack = await Stack.start({
    settings: { SIGIL_DEAD_LETTER_SCHEDULE: "* * * * * *" },
  });
  const host = await stack.startHost();
  const api = createApiClient(
    host.origin,
    await stack.services.tokenIssuer?.issueToken({
      roles: ["ImageVersions.Write"],
    }),
  );
  operation = async (id) => (await api.request<Operation>("GET", `/operations/${id}`)).body;
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
  await stack.send(REQUESTS, structured("build-1", subject, snapshotsRequest("eastus2")));
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
  await stack.send(REQUESTS, structured("build-3", subject, snapshotsRequest("eastus")));
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
  expect(milestones(stack.events.received, subject)).toEqual(["accepted", "failed"]);
});

it("tells every mistake of a bad message, keeps the original for an operator, and goes on", async () => {
  const bad = structured("bad-1", "not a version", {
    location: "westus",
    propertys: {},
  });
  const rejected = stack.serviceBus.createReceiver("image-version-requests-rejected");
  await stack.send(REQUESTS, bad, {
    body: "no JSON at all {",
    messageId: "bad-2",
  });
  await stack.send(REQUESTS, structured("build-5", seedVersionId("2.1.0"), managedImageRequest()));
  await stack.events.ended(seedVersionId("2.1.0"));

  const events = await stack.events.until(
    (received) =>
      received.filter(({ type }) => type === "Sigil.ImageVersion.Rejected").length === 2,
  );
  const first = events
    .filter((event) => event.type === "Sigil.ImageVersion.Rejected")
    .find(({ data }) => data.messageId === "bad-1");
  expect(first?.data).toMatchObject({
    error: { code: "InvalidRequest", errorCount: 2 },
    messageId: "bad-1",
    original: bad.body,
  });
  expect(first?.data.error.errors.map(({ pointer }) => pointer).sort()).toEqual([
    "/data/propertys",
    "/subject",
  ]);

  const kept = await rejected.receiveMessages(2, { maxWaitTimeInMs: 60_000 });
  expect(kept.map(({ body }) => body as unknown)).toContainEqual(bad.body);
  expect(
    kept.map(({ applicationProperties }) => applicationProperties?.["originalMessageId"]).sort(),
  ).toContain("bad-1");
  await rejected.close();
  expect(stack.services.serviceBus?.counts(REQUESTS)).toMatchObject({
    active: 0,
    deadLetter: 0,
  });
});

it.each<[string, Buffer]>([
  ["JSON that is 6,000 deep", Buffer.from("[".repeat(6_000) + "]".repeat(6_000))],
  [
    "numbers that grow when they are read",
    Buffer.from(`[${Array(52_000).fill("1e20").join(",")}]`),
  ],
  ["150 KB of bytes that are no text", Buffer.alloc(150_000, 0xff)],
])("answers a message of %s with an event, and keeps it byte for byte", async (name, body) => {
  const rejected = stack.serviceBus.createReceiver("image-version-requests-rejected", {
    skipParsingBodyAsJson: true,
    receiveMode: "receiveAndDelete",
  });
  while ((await rejected.peekMessages(1)).length > 0)
    await rejected.receiveMessages(10, { maxWaitTimeInMs: 100 });
  await stack.send(REQUESTS, { body, messageId: name });
  await stack.events.until((events) =>
    events.some(
      (event) =>
        event.type === "Sigil.ImageVersion.Rejected" &&
        event.data.messageId === name &&
        event.data.error.code === "MalformedJson",
    ),
  );
  const [kept] = await rejected.receiveMessages(1);
  expect(kept?.applicationProperties).toMatchObject({
    originalMessageId: name,
  });
  expect(Buffer.compare(kept?.body as Buffer, body)).toBe(0);
  await rejected.close();
});

it("answers a message of 261,900 bytes of text with an event, and keeps its beginning with its length and digest", async () => {
  const body = Buffer.from("x".repeat(261_900));
  const rejected = stack.serviceBus.createReceiver("image-version-requests-rejected", {
    skipParsingBodyAsJson: true,
    receiveMode: "receiveAndDelete",
  });
  await stack.send(REQUESTS, { body, messageId: "near the limit" });
  const [kept] = await rejected.receiveMessages(1);
  expect(kept?.applicationProperties).toMatchObject({
    originalMessageId: "near the limit",
    originalLength: 261_900,
    originalSha256: createHash("sha256").update(body).digest("hex"),
  });
  await rejected.close();
  const events = await stack.events.until((received) =>
    received.some(
      (event) =>
        event.type === "Sigil.ImageVersion.Rejected" && event.data.messageId === "near the limit",
    ),
  );
  expect(JSON.stringify(events.at(-1))).toContain("too large for an event");
});

it("reads ids and counts from the message, never from its body", async () => {
  await stack.send(REQUESTS, {
    body: { messageId: "forged", deliveryCount: 10, contentType: "forged" },
    messageId: "true",
  });
  await stack.events.until((received) =>
    received.some(
      (event) => event.type === "Sigil.ImageVersion.Rejected" && event.data.messageId === "true",
    ),
  );
});

it("dead-letters a message that nobody can read, and loops on nothing", async () => {
  const dead = stack.serviceBus.createReceiver("image-version-creations", {
    subQueueType: "deadLetter",
  });
  await stack.send("image-version-creations", {
    body: "garbage",
    messageId: "garbage",
  });
  const [message] = await dead.receiveMessages(1, { maxWaitTimeInMs: 60_000 });
  expect(message).toMatchObject({
    body: "garbage",
    deadLetterReason: "MaxDeliveryCountExceeded",
  });
  await dead.close();
});

it("a work message that names no step ends nothing: it becomes a dead letter, and the operation goes on", async () => {
  const subject = seedVersionId("2.2.0");
  await stack.simulator.stallRegion({ region: "eastus2" });
  await stack.send(REQUESTS, structured("build-6", subject, managedImageRequest()));
  const [accepted] = (
    await stack.events.until((events) =>
      events.some(
        (event) => event.subject === subject && event.type === "Sigil.ImageVersion.Creating",
      ),
    )
  ).filter((event) => event.subject === subject);
  const { operationId } = accepted?.data as { operationId: string };

  await stack.send("image-version-replications", {
    body: { operationId },
    messageId: "poison",
  });
  await stack.events.until((events) =>
    events.some(
      ({ type, subject: queue }) =>
        type === "Sigil.Queue.DeadLettersFound" && queue === "image-version-replications",
    ),
  );
  expect(await operation(operationId)).toMatchObject({ status: "Running" });
});

it("tells of dead letters: what no trigger can take is not lost in silence", async () => {
  const sender = stack.serviceBus.createSender(REQUESTS);
  await sender.sendMessages({ body: "an AMQP value", bodyType: "value" });
  await sender.close();
  const events = await stack.events.until((received) =>
    received.some(
      ({ type, subject }) => type === "Sigil.Queue.DeadLettersFound" && subject === REQUESTS,
    ),
  );
  expect(events.find(({ subject }) => subject === REQUESTS)?.data).toMatchObject({
    queue: REQUESTS,
    count: 1, // None of all that was sent before.
    more: false,
    reasons: [{ reason: "MaxDeliveryCountExceeded", count: 1 }],
  });
});
