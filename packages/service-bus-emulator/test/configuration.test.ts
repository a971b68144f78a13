import path from "node:path";
import { describe, expect, it, test } from "vitest";
import { parseEmulatorConfiguration, readEmulatorConfiguration } from "../src/configuration.js";
import { parseDurationMs } from "../src/duration.js";

function withNamespace(namespace: unknown): unknown {
  return { UserConfig: { Namespaces: [namespace] } };
}

function withQueue(properties: unknown): unknown {
  return withNamespace({
    Name: "n",
    Queues: [{ Name: "a" }, { Name: "b", Properties: properties }],
  });
}

function withRule(properties: unknown): unknown {
  return withNamespace({
    Name: "n",
    Topics: [
      {
        Name: "t",
        Subscriptions: [{ Name: "s", Rules: [{ Name: "r", Properties: properties }] }],
      },
    ],
  });
}

test("reads every setting of a queue", () => {
  const { namespace, queues } = parseEmulatorConfiguration(
    withQueue({
      DeadLetteringOnMessageExpiration: true,
      DefaultMessageTimeToLive: "PT1H",
      DuplicateDetectionHistoryTimeWindow: "PT20S",
      ForwardDeadLetteredMessagesTo: "",
      ForwardTo: "",
      LockDuration: "PT30S",
      MaxDeliveryCount: 3,
      RequiresDuplicateDetection: true,
      RequiresSession: true,
    }),
  );
  expect(namespace).toBe("n");
  expect(queues[1]).toEqual({
    name: "b",
    settings: {
      deadLetteringOnExpiration: true,
      defaultTimeToLiveMs: 3_600_000,
      duplicateWindowMs: 20_000,
      lockDurationMs: 30_000,
      maxDeliveryCount: 3,
      requiresSession: true,
    },
  });
});

test("settings that are left out have the service's defaults", () => {
  const { queues } = parseEmulatorConfiguration(withQueue({}));
  expect(queues[0]?.settings).toEqual({
    deadLetteringOnExpiration: false,
    defaultTimeToLiveMs: undefined,
    duplicateWindowMs: undefined,
    lockDurationMs: 60_000,
    maxDeliveryCount: 10,
    requiresSession: false,
  });
});

describe("a malformed configuration is one error that names the path", () => {
  it.each([
    [[], "$: expected an object, got a list"],
    [{}, "$.UserConfig: expected an object, got nothing"],
    [
      { UserConfig: { Namespaces: [] } },
      "$.UserConfig.Namespaces: expected exactly one namespace, got 0",
    ],
    [
      withNamespace({ Name: "n", Queues: {} }),
      "$.UserConfig.Namespaces[0].Queues: expected a list, got an object",
    ],
    [withNamespace({ Queues: [] }), "$.UserConfig.Namespaces[0].Name: expected text, got nothing"],
    [
      withNamespace({ Name: "n", Queues: [{ Name: "q" }, { Name: "Q" }] }),
      '$.UserConfig.Namespaces[0].Queues[1].Name: "Q" exists already',
    ],
    [
      withNamespace({
        Name: "n",
        Queues: [{ Name: "q" }],
        Topics: [{ Name: "q" }],
      }),
      '$.UserConfig.Namespaces[0].Topics[0].Name: "q" exists already',
    ],
    [
      withQueue({ LockDuraton: "PT1M" }),
      "$.UserConfig.Namespaces[0].Queues[1].Properties.LockDuraton: unknown; known here: ",
    ],
    [
      withQueue({ LockDuration: 60 }),
      "$.UserConfig.Namespaces[0].Queues[1].Properties.LockDuration: expected an ISO 8601 duration such as PT1M, got 60",
    ],
    [
      withQueue({ LockDuration: "PT6M" }),
      'Properties.LockDuration: expected between 1 s and 300 s, got "PT6M"',
    ],
    [
      withQueue({ MaxDeliveryCount: 0 }),
      "Properties.MaxDeliveryCount: expected a whole number from 1 up, got 0",
    ],
    [
      withQueue({ RequiresDuplicateDetection: "yes" }),
      'Properties.RequiresDuplicateDetection: expected true or false, got "yes"',
    ],
    [
      withQueue({ ForwardTo: "a" }),
      "Properties.ForwardTo: forwarding is not supported by this emulator; leave it out",
    ],
    [
      withRule({ FilterType: "Regex" }),
      'Subscriptions[0].Rules[0].Properties.FilterType: expected Correlation or Sql, got "Regex"',
    ],
    [
      withRule({ FilterType: "Sql", SqlFilter: { SqlExpression: "a =" } }),
      'Properties.SqlFilter.SqlExpression: expected a value at character 4 of "a ="',
    ],
    [
      withRule({ FilterType: "Correlation", CorrelationFilter: {} }),
      "Properties.CorrelationFilter: expected at least one condition",
    ],
    [
      withRule({
        FilterType: "Correlation",
        CorrelationFilter: { Properties: { a: [] } },
      }),
      "CorrelationFilter.Properties.a: expected text, a number, true or false, got a list",
    ],
    [
      withRule({
        FilterType: "Sql",
        SqlFilter: { SqlExpression: "1=1" },
        Action: { SqlExpression: "SET a = 1" },
      }),
      "Properties.Action.SqlExpression: rule actions are not supported by this emulator; leave it out",
    ],
  ])("%#: %j", (json, problem) => {
    expect(() => parseEmulatorConfiguration(json)).toThrow(problem);
  });
});

test("a file that cannot be read, or is no JSON, is named", async () => {
  await expect(readEmulatorConfiguration("none.json")).rejects.toThrow(
    /^Cannot read the configuration none\.json: ENOENT/u,
  );
  const file = path.join(import.meta.dirname, "../LICENSE");
  await expect(readEmulatorConfiguration(file)).rejects.toThrow(`Invalid configuration ${file}: `);
});

describe("an ISO 8601 duration", () => {
  it.each([
    ["PT1M", 60_000],
    ["PT1H30M", 5_400_000],
    ["P1DT2S", 86_402_000],
    ["PT0.5S", 500],
    ["P2W", 1_209_600_000],
    ["P10675199DT2H48M5.4775807S", 922_337_203_685_477.5807],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDurationMs(text)).toBeCloseTo(ms);
  });

  it.each(["", "P", "PT", "1M", "P1M", "PT1X", "P1DT", "60"])("%j is none", (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});
