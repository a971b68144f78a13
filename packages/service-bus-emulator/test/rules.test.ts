import type { ServiceBusClient, ServiceBusRuleManager } from "@azure/service-bus";
import { expect, test } from "vitest";
import { listRules, start } from "./support.js";

const TOPIC = {
  Queues: [{ Name: "q" }],
  Topics: [
    {
      Name: "t",
      Subscriptions: [
        { Name: "s" },
        {
          Name: "configured",
          Rules: [
            {
              Name: "Exact",
              Properties: {
                FilterType: "Correlation",
                CorrelationFilter: {
                  Label: "l",
                  Properties: { Region: "westus", attempts: 3, ratio: 1.5 },
                },
              },
            },
          ],
        },
      ],
    },
  ],
};

function rulesOf(client: ServiceBusClient, subscription: string): ServiceBusRuleManager {
  return client.createRuleManager("t", subscription);
}

test("a subscription has the rule $Default, which takes everything, until it is removed", async () => {
  const { client, emulator } = await start(TOPIC);
  const rules = rulesOf(client, "s");
  expect(await listRules(rules)).toEqual([
    { name: "$Default", filter: { sqlExpression: "1=1" }, action: {} },
  ]);
  const sender = client.createSender("t");
  await sender.sendMessages({ body: 1 });
  await rules.deleteRule("$default");
  expect(await listRules(rules)).toEqual([]);
  await sender.sendMessages({ body: 2 });
  expect(emulator.counts("t/Subscriptions/s").active).toBe(1);
});

test("a rule added decides about what is sent from then on", async () => {
  const { client, emulator } = await start(TOPIC);
  const rules = rulesOf(client, "s");
  await rules.deleteRule("$Default");
  await rules.createRule("big", { sqlExpression: "size > 10" });
  await rules.createRule("urgent", {
    subject: "urgent",
    applicationProperties: { region: "westus", attempts: 3, ready: true },
  });
  await client.createSender("t").sendMessages([
    { body: 1, applicationProperties: { size: 11 } },
    { body: 2, applicationProperties: { size: 10 } },
    {
      body: 3,
      subject: "urgent",
      applicationProperties: { region: "westus", attempts: 3, ready: true },
    },
    { body: 4, subject: "urgent" },
  ]);
  expect(emulator.counts("t/Subscriptions/s").active).toBe(2);
});

test("rules are listed as they were written, those of the configuration, too", async () => {
  const { client } = await start(TOPIC);
  const rules = rulesOf(client, "configured");
  await rules.createRule("Big", { sqlExpression: "size > 10" });
  await rules.createRule("all", {
    correlationId: "1",
    messageId: "2",
    to: "3",
    replyTo: "4",
    subject: "5",
    sessionId: "6",
    replyToSessionId: "7",
    contentType: "8",
    applicationProperties: { Name: "x", n: -2, d: 0.5, yes: true },
  });
  expect(await listRules(rules)).toMatchObject([
    {
      name: "Exact",
      action: {},
      filter: {
        subject: "l",
        applicationProperties: { Region: "westus", attempts: 3, ratio: 1.5 },
      },
    },
    { name: "Big", action: {}, filter: { sqlExpression: "size > 10" } },
    {
      name: "all",
      action: {},
      filter: {
        correlationId: "1",
        messageId: "2",
        to: "3",
        replyTo: "4",
        subject: "5",
        sessionId: "6",
        replyToSessionId: "7",
        contentType: "8",
        applicationProperties: { Name: "x", n: -2, d: 0.5, yes: true },
      },
    },
  ]);
});

test("rules are listed page by page", async () => {
  const { client } = await start(TOPIC);
  const rules = rulesOf(client, "s");
  for (const name of ["a", "b"]) await rules.createRule(name, { sqlExpression: "1=0" });
  const pages: string[][] = [];
  for await (const page of rules.listRules().byPage({ maxPageSize: 2 }))
    pages.push(page.map(({ name }) => name));
  expect(pages).toEqual([["$Default", "a"], ["b"]]);
});

test("a rule that is there already, is not there, or cannot be, is refused and nothing changes", async () => {
  const { client } = await start(TOPIC);
  const rules = rulesOf(client, "s");
  const filter = { sqlExpression: "a = 1" };
  await expect(rules.createRule("$DEFAULT", filter)).rejects.toMatchObject({
    code: "MessagingEntityAlreadyExists",
  });
  await expect(rules.deleteRule("other")).rejects.toMatchObject({
    code: "MessagingEntityNotFound",
  });
  await expect(rules.createRule("broken", { sqlExpression: "a =" })).rejects.toThrow(
    'expected a value at character 4 of "a ="',
  );
  await expect(rules.createRule("empty", { applicationProperties: {} })).rejects.toThrow(
    "at least one condition",
  );
  await expect(rules.createRule("acting", filter, { sqlExpression: "SET a = 2" })).rejects.toThrow(
    "no rule actions",
  );
  expect((await listRules(rules)).map(({ name }) => name)).toEqual(["$Default"]);
});
