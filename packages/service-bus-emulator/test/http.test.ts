/** The HTTP interface: by the administration client, and by requests as Microsoft's reference has them. */
import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ServiceBusAdministrationClient } from "@azure/service-bus";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "@sigil-local/clock";
import { listRules, MINUTE_MS, peekLock, receiveOne, start } from "./support.js";

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
  const signature = createHmac("sha256", key).update(`${encoded}\n${expiry}`).digest("base64");
  return `SharedAccessSignature sr=${encoded}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=RootManageSharedAccessKey`;
}

/** As Azure.Messaging.ServiceBus 7.21.0 writes it: always with a rule, an action only where there is one. */
function dotnetEntry({
  type = "TrueFilter",
  filter = "<SqlExpression>1=1</SqlExpression><Parameters />",
  action = "",
  name = "$Default",
} = {}): string {
  return `<entry xmlns="http://www.w3.org/2005/Atom">
  <content type="application/xml">
    <SubscriptionDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect">
      <LockDuration>PT1M</LockDuration>
      <RequiresSession>false</RequiresSession>
      <DeadLetteringOnMessageExpiration>false</DeadLetteringOnMessageExpiration>
      <DeadLetteringOnFilterEvaluationExceptions>true</DeadLetteringOnFilterEvaluationExceptions>
      <DefaultRuleDescription>
        <Filter p5:type="${type}" xmlns:p5="http://www.w3.org/2001/XMLSchema-instance">
          ${filter}
        </Filter>${
          action === ""
            ? ""
            : `
        <Action p5:type="SqlRuleAction" xmlns:p5="http://www.w3.org/2001/XMLSchema-instance">
          <SqlExpression>${action}</SqlExpression>
          <Parameters />
        </Action>`
        }
        <Name>${name}</Name>
      </DefaultRuleDescription>
      <MaxDeliveryCount>10</MaxDeliveryCount>
      <EnableBatchedOperations>true</EnableBatchedOperations>
      <Status>Active</Status>
    </SubscriptionDescription>
  </content>
</entry>`;
}

/** A property of a correlation filter. */
function dotnetProperty(key: string, type: string, value: string): string {
  return `<KeyValueOfstringanyType>
              <Key>${key}</Key>
              <Value p5:type="l28:${type}" xmlns:l28="http://www.w3.org/2001/XMLSchema">${value}</Value>
            </KeyValueOfstringanyType>`;
}

/** Asks for the subscription `mine`. */
async function putSubscription(
  port: number,
  body: string,
): Promise<{ status: number; text: string }> {
  const url = `http://localhost:${port}/t/Subscriptions/mine`;
  const response = await fetch(url, {
    method: "PUT",
    headers: {
      Authorization: sas(url),
      "Content-Type": "application/atom+xml",
    },
    body,
  });
  return { status: response.status, text: await response.text() };
}

function receiveAndDelete(
  port: number,
  entity: string,
  { timeout = 60, token = sas(`http://localhost:${port}/`) } = {},
): Promise<Response> {
  return fetch(`http://localhost:${port}/${entity}/messages/head?timeout=${timeout}`, {
    method: "DELETE",
    headers: { Authorization: token },
  });
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

test("a subscription is made with the rule that .NET's client sends where it is given none, which takes everything", async () => {
  const { emulator, client } = await start(TOPIC);
  const { status } = await putSubscription(emulator.port, dotnetEntry());
  expect(status).toBe(201);
  const rules = client.createRuleManager("t", "mine");
  expect(await listRules(rules)).toMatchObject([
    { name: "$Default", filter: { sqlExpression: "1=1" } },
  ]);
  await client.createSender("t").sendMessages({ body: "all" });
  expect(emulator.counts("t/Subscriptions/mine").active).toBe(1);
});

test("a subscription is made with a rule of a SQL filter", async () => {
  const { emulator, client } = await start(TOPIC);
  const { status } = await putSubscription(
    emulator.port,
    dotnetEntry({
      type: "SqlFilter",
      filter: `<SqlExpression>size &lt; 10
 and kind &lt;&gt; 'a &amp;amp; b'</SqlExpression>
          <Parameters />`,
      name: "7",
    }),
  );
  expect(status).toBe(201);
  const rules = client.createRuleManager("t", "mine");
  expect(await listRules(rules)).toMatchObject([
    {
      name: "7",
      filter: { sqlExpression: "size < 10\n and kind <> 'a &amp; b'" },
    },
  ]);
  await client.createSender("t").sendMessages([
    { body: 1, applicationProperties: { size: 9, kind: "a" } },
    { body: 2, applicationProperties: { size: 9, kind: "a &amp; b" } },
    { body: 3, applicationProperties: { size: 10, kind: "a" } },
  ]);
  expect(emulator.counts("t/Subscriptions/mine").active).toBe(1);
});

test("a subscription is made with a rule that takes nothing", async () => {
  const { emulator, client } = await start(TOPIC);
  const filter = "<SqlExpression>1=0</SqlExpression><Parameters />";
  const entry = dotnetEntry({ type: "FalseFilter", filter });
  expect((await putSubscription(emulator.port, entry)).status).toBe(201);
  await client.createSender("t").sendMessages({ body: "none" });
  expect(emulator.counts("t/Subscriptions/mine").active).toBe(0);
});

test("a subscription is made with a rule of a correlation filter, whose values keep their types", async () => {
  const { emulator, client } = await start(TOPIC);
  const { status } = await putSubscription(
    emulator.port,
    dotnetEntry({
      type: "CorrelationFilter",
      filter: `<CorrelationId>1</CorrelationId>
          <Label> &lt;urgent&gt; </Label>
          <Properties>
            ${dotnetProperty("empty", "string", "")}
            ${dotnetProperty("digits", "string", "7")}
            ${dotnetProperty("n", "int", "3")}
            ${dotnetProperty("l", "long", "-4")}
            ${dotnetProperty("yes", "boolean", "true")}
            ${dotnetProperty("d", "double", "0.5")}
            ${dotnetProperty("at", "dateTime", "1970-01-01T00:00:01Z")}
          </Properties>`,
      name: "c",
    }),
  );
  expect(status).toBe(201);
  const message = { body: 1, correlationId: "1", subject: " <urgent> " };
  const properties = {
    ...{ empty: "", digits: "7", n: 3, l: -4, yes: true, d: 0.5 },
    at: new Date(1_000),
  };
  const sender = client.createSender("t");
  for (const [name, another] of Object.entries({
    ...{ empty: "x", digits: 7, n: "3", l: 4, yes: "true", d: 0.25 },
    at: new Date(1_001),
  }))
    await sender.sendMessages({
      ...message,
      applicationProperties: { ...properties, [name]: another },
    });
  expect(emulator.counts("t/Subscriptions/mine").active).toBe(0);
  await sender.sendMessages({ ...message, applicationProperties: properties });
  expect(emulator.counts("t/Subscriptions/mine").active).toBe(1);
});

test("the JavaScript client's rule is understood, too, and listed as it was written", async () => {
  const { emulator, client } = await start(TOPIC);
  const admin = administer(emulator.connectionString);
  const filter = {
    subject: '"quoted" & more',
    applicationProperties: { empty: "", n: 3 },
  };
  await admin.createSubscription("t", "mine", {
    defaultRuleOptions: { name: "r", filter },
  });
  const rules = client.createRuleManager("t", "mine");
  expect(await listRules(rules)).toMatchObject([{ name: "r", filter }]);
});

test.each([
  {
    what: "an action",
    rule: { action: "SET a = 'b'" },
    problem: ".Action.SqlExpression: rule actions are not supported",
  },
  {
    what: "a SQL filter that is none",
    rule: {
      type: "SqlFilter",
      filter: "<SqlExpression>a =</SqlExpression>",
    },
    problem: '.Filter.SqlExpression: expected a value at character 4 of "a ="',
  },
  {
    what: "a SQL filter with parameters",
    rule: {
      type: "SqlFilter",
      filter: `<SqlExpression>a = @p</SqlExpression>
        <Parameters>${dotnetProperty("@p", "int", "1")}</Parameters>`,
    },
    problem: ".Filter.Parameters: parameters are not supported",
  },
  {
    what: "a correlation filter without a condition",
    rule: { type: "CorrelationFilter", filter: "<Properties />" },
    problem: ".Filter: expected at least one condition",
  },
  {
    what: "a value that is not compared",
    rule: {
      type: "CorrelationFilter",
      filter: `<Properties>${dotnetProperty("span", "duration", "PT2M")}</Properties>`,
    },
    problem: ".Filter.Properties.span: expected text, a number, true or false, got an object",
  },
  {
    what: "another filter",
    rule: { type: "DateTimeFilter" },
    problem:
      '.Filter.type: expected TrueFilter, FalseFilter, SqlFilter or CorrelationFilter, got "DateTimeFilter"',
  },
  {
    what: "no name",
    rule: { name: "" },
    problem: ".Name: expected text",
  },
])("a rule with $what is refused, and nothing is made", async (refused) => {
  const { emulator } = await start(TOPIC);
  const entry = dotnetEntry(refused.rule);
  const { status, text } = await putSubscription(emulator.port, entry);
  expect(status).toBe(400);
  expect(text).toContain(`$.DefaultRuleDescription${refused.problem}`);
  expect(() => emulator.counts("t/Subscriptions/mine")).toThrow();
});

test("a request waits for the next message, and takes it", async () => {
  const { emulator, client } = await start(TOPIC);
  const waiting = receiveAndDelete(emulator.port, "t/subscriptions/all");
  const sender = client.createSender("t");
  await sender.sendMessages({ body: { an: "event" } });
  const response = await waiting;
  expect([response.status, await response.json()]).toEqual([200, { an: "event" }]);
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
