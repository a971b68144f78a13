/** The HTTP interface: by the administration client, and by requests as Microsoft's reference has them. */
import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ServiceBusAdministrationClient } from "@azure/service-bus";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "@sigil-local/clock";
import { MINUTE_MS, peekLock, receiveOne, start } from "./support.js";

const TOPIC = { Topics: [{ Name: "t", Subscriptions: [{ Name: "all" }] }] };

/** The real client, which says https of every namespace. */
function administer(connectionString: string): ServiceBusAdministrationClient {
  const client = new ServiceBusAdministrationClient(connectionString, {
    retryOptions: { maxRetries: 0 },
  });
  client.pipeline.addPolicy({
    name: "plain",
    sendRequest(request, next) {
      request.url = request.url.replace(/^https:/u, "http:");
      request.allowInsecureConnection = true;
      return next(request);
    },
  });
  return client;
}

/** As "Generate a Shared Access Signature token" says. */
function sas(resource: string, key = "SAS_KEY_VALUE"): string {
  const expiry = Math.floor(Date.now() / 1000) + 600;
  const encoded = encodeURIComponent(resource);
  const signature = createHmac("sha256", key)
    .update(`${encoded}\n${expiry}`)
    .digest("base64");
  return `SharedAccessSignature sr=${encoded}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=RootManageSharedAccessKey`;
}

function receiveAndDelete(
  port: number,
  entity: string,
  { timeout = 60, token = sas(`http://localhost:${port}/`) } = {},
): Promise<Response> {
  return fetch(
    `http://localhost:${port}/${entity}/messages/head?timeout=${timeout}`,
    { method: "DELETE", headers: { Authorization: token } },
  );
}

test("the administration client makes a subscription, which receives what is published then, and deletes it", async () => {
  const { emulator, client } = await start(TOPIC);
  const admin = administer(emulator.connectionString);
  const sender = client.createSender("t");
  await sender.sendMessages({ body: "before" });
  const made = await admin.createSubscription("t", "mine", {
    autoDeleteOnIdle: "PT5M",
    defaultMessageTimeToLive: "PT1H",
    maxDeliveryCount: 3,
  });
  expect(made).toMatchObject({
    subscriptionName: "mine",
    topicName: "t",
    autoDeleteOnIdle: "PT5M",
    maxDeliveryCount: 3,
  });
  await sender.sendMessages({ body: "after" });
  expect((await receiveOne(peekLock(client, "t", "mine"))).body).toBe("after");
  await expect(admin.createSubscription("t", "MINE")).rejects.toMatchObject({
    statusCode: 409,
  });
  await expect(admin.createSubscription("no", "mine")).rejects.toMatchObject({
    statusCode: 404,
  });
  await admin.deleteSubscription("t", "mine");
  expect(() => emulator.counts("t/Subscriptions/mine")).toThrow();
  await expect(admin.deleteSubscription("t", "all")).rejects.toMatchObject({
    statusCode: 404,
  });
});

test("a request waits for the next message, and takes it", async () => {
  const { emulator, client } = await start(TOPIC);
  const waiting = receiveAndDelete(emulator.port, "t/subscriptions/all");
  const sender = client.createSender("t");
  await sender.sendMessages({ body: { an: "event" } });
  const response = await waiting;
  expect([response.status, await response.json()]).toEqual([
    200,
    { an: "event" },
  ]);
  expect(response.headers.get("BrokerProperties")).toContain("SequenceNumber");
  expect(emulator.counts("t/Subscriptions/all").active).toBe(0);
});

test("a request that waits for nothing is answered 204 at its end, and takes nothing that comes later", async () => {
  const { emulator, client } = await start(TOPIC, { clock: systemClock });
  const none = await receiveAndDelete(emulator.port, "t/subscriptions/all", {
    timeout: 0,
  });
  expect([none.status, await none.text()]).toEqual([204, ""]);
  await client.createSender("t").sendMessages({ body: "later" });
  expect((await receiveOne(peekLock(client, "t", "all"))).body).toBe("later");
});

test("a wrong key is 401, an entity that is not there 410, anything else 501", async () => {
  const { emulator } = await start(TOPIC);
  const { port } = emulator;
  const token = sas(`http://localhost:${port}/`, "another");
  const statuses = [
    await receiveAndDelete(port, "t/subscriptions/all", { token }),
    await receiveAndDelete(port, "t/subscriptions/none"),
    await fetch(`http://localhost:${port}/t`, {
      headers: { Authorization: sas(`http://localhost:${port}/t`) },
    }),
  ].map(({ status }) => status);
  expect(statuses).toEqual([401, 410, 501]);
});

test("a subscription that nobody uses is deleted after autoDeleteOnIdle; one that somebody receives from is not", async () => {
  const { emulator, client, clock } = await start(TOPIC);
  const admin = administer(emulator.connectionString);
  for (const name of ["used", "left"])
    await admin.createSubscription("t", name, { autoDeleteOnIdle: "PT5M" });
  const received = receiveOne(peekLock(client, "t", "used"));
  await client.createSender("t").sendMessages({ body: "hello" });
  await received;
  clock.advance(60 * MINUTE_MS);
  expect(() => emulator.counts("t/Subscriptions/left")).toThrow();
  expect(emulator.counts("t/Subscriptions/used").active).toBeDefined();
});

test("what a client has made is not kept", async () => {
  const dataDirectory = await mkdtemp(path.join(tmpdir(), "emulator-"));
  onTestFinished(() => rm(dataDirectory, { recursive: true, force: true }));
  const log: string[] = [];
  const options = { dataDirectory, log: (line: string) => void log.push(line) };
  const first = await start(TOPIC, options);
  const admin = administer(first.emulator.connectionString);
  await admin.createSubscription("t", "mine");
  await first.client.createSender("t").sendMessages({ body: "kept once" });
  expect(first.emulator.counts("t/Subscriptions/mine").active).toBe(1);
  await first.client.close();
  await first.emulator.close();
  const { emulator } = await start(TOPIC, options);
  expect(emulator.counts("t/Subscriptions/all").active).toBe(1);
  expect(() => emulator.counts("t/Subscriptions/mine")).toThrow();
  expect(log).toEqual([]);
});
