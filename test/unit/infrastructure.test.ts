import { readdirSync, readFileSync } from "node:fs";
import { readEmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.js";

const read = (file: string): string =>
  readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
const readAll = (folder: string): string =>
  readdirSync(new URL(`../../${folder}`, import.meta.url))
    .map((file) => read(`${folder}/${file}`))
    .join("\n");
const captures = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, captured]) => captured ?? "").sort();

const serviceBus = read("infra/modules/service-bus.bicep");
const functionApp = read("infra/modules/function-app.bicep");

/** The body of a Bicep declaration, up to the closing bracket in the first column. */
function declaration(start: RegExp): string {
  const body = new RegExp(`${start.source}[^]*?^[\\]}]$`, "mu").exec(
    serviceBus,
  );
  if (body === null)
    throw new TypeError(`service-bus.bicep declares nothing like ${start}`);
  return body[0];
}

const queueNames = captures(declaration(/^var queues = /u), /name: '(.+)'/gu);
const queue = declaration(/^resource .+namespaces\/queues@/u);
const topic = declaration(/^resource .+namespaces\/topics@/u);
const topicNames = captures(topic, /name: '(.+)'/gu);

interface EmulatorEntity {
  readonly Name: string;
  readonly Properties: {
    readonly RequiresDuplicateDetection?: boolean;
    readonly MaxDeliveryCount?: number;
    readonly DeadLetteringOnMessageExpiration?: boolean;
  };
}

interface EmulatorConfiguration {
  readonly UserConfig: {
    readonly Namespaces: readonly {
      readonly Queues: readonly EmulatorEntity[];
      readonly Topics: readonly EmulatorEntity[];
    }[];
  };
}

interface LocalSettings {
  readonly IsEncrypted: boolean;
  readonly Values: Readonly<Record<string, string>>;
}

describe("Service Bus entities", () => {
  const {
    UserConfig: { Namespaces },
  } = JSON.parse(
    read("infra/service-bus-emulator.json"),
  ) as EmulatorConfiguration;
  const queues = Namespaces.flatMap(({ Queues }) => Queues);
  const topics = Namespaces.flatMap(({ Topics }) => Topics);
  const namesOf = (entities: readonly EmulatorEntity[]): string[] =>
    entities.map(({ Name }) => Name).sort();

  it("are the same in Azure and in the emulator", () => {
    expect(namesOf(queues)).toEqual(queueNames);
    expect(namesOf(topics)).toEqual(topicNames);
  });

  it("detect duplicates, in Azure and in the emulator", () => {
    for (const { Name, Properties } of [...queues, ...topics])
      expect(Properties.RequiresDuplicateDetection, Name).toBe(true);
    for (const body of [queue, topic])
      expect(body).toMatch(
        /requiresDuplicateDetection: true\n[^]*duplicateDetectionHistoryTimeWindow: 'P/u,
      );
  });

  it("dead-letter a message after the delivery that the service takes for the last", () => {
    const { maxDeliveryCount } = readConfig({
      AzureWebJobsStorage: "UseDevelopmentStorage=true",
      ServiceBusConnection: "Endpoint=sb://localhost",
      SIGIL_TOKEN_ISSUER: "https://issuer",
      SIGIL_TOKEN_AUDIENCE: "sigil",
    });
    expect(queue).toContain(`maxDeliveryCount: ${maxDeliveryCount}\n`);
    for (const { Name, Properties } of queues)
      expect(Properties.MaxDeliveryCount, Name).toBe(maxDeliveryCount);
  });

  it("keep what has expired as a dead letter, but for rejected requests, which are kept for a time and go", () => {
    const kept = queueNames.filter((name) => !name.endsWith("-rejected"));
    expect(
      captures(
        serviceBus,
        /name: '(.+)'\n(?: {4}\w+: .+\n)*? {4}expiresToDeadLetters: true/gu,
      ),
    ).toEqual(kept);
    expect(
      namesOf(
        queues.filter(
          ({ Properties }) => Properties.DeadLetteringOnMessageExpiration,
        ),
      ),
    ).toEqual(kept);
  });

  it("are all that triggers and senders name", () => {
    const code =
      readAll("functions") + read("src/azure/service-bus/namespace.ts");
    const named = captures(
      code,
      /(?:queueName: |_QUEUE = |_TOPIC = |^ {2})"((?:image-version|subscription)-[a-z-]+)"/gmu,
    );
    expect([...new Set(named)]).toEqual([...topicNames, ...queueNames].sort());
  });

  it("may be received from where there is a trigger, and nowhere else", () => {
    const received = captures(
      serviceBus,
      /name: '(.+)'\n.*lockDuration.*\n\s*receives: true/gu,
    );
    expect(received).toEqual(
      captures(readAll("functions"), /\.generic\("(.+)"/gu),
    );
  });
});

describe("settings", () => {
  it("of the function app name no secret", () => {
    expect(functionApp).not.toMatch(/listKeys|AccountKey|SharedAccessKey/u);
  });

  it("of local.settings.template.json are enough once the placeholders are filled in", () => {
    const { IsEncrypted, Values } = JSON.parse(
      read("local.settings.template.json"),
    ) as LocalSettings;
    expect(IsEncrypted).toBe(false);
    expect(Values["FUNCTIONS_WORKER_RUNTIME"]).toBe("node");
    const filled = Object.fromEntries(
      Object.entries(Values).map(([name, value]) => [
        name,
        value.replaceAll(/<[^>]+>/gu, "localhost"),
      ]),
    );
    expect(() => readConfig(filled)).not.toThrow();
  });
});

it("the emulator's entities are within the limits of Microsoft's emulator", async () => {
  const { namespace, queues, topics } = await readEmulatorConfiguration(
    "infra/service-bus-emulator.json",
  );
  expect(namespace).toBe("sbemulatorns");
  expect(queues.map(({ name }) => name)).toEqual([
    "image-version-requests",
    "image-version-requests-rejected",
    "image-version-creations",
    "image-version-replications",
    "subscription-preparations",
  ]);
  for (const { name, settings } of queues)
    expect(settings).toEqual({
      // What was rejected has been told: it ends, and leaves no dead letter.
      deadLetteringOnExpiration: name !== "image-version-requests-rejected",
      defaultTimeToLiveMs: undefined,
      duplicateWindowMs: 300_000,
      lockDurationMs: 60_000,
      maxDeliveryCount: 10,
      requiresSession: false,
    });
  expect(topics).toMatchObject([
    {
      name: "image-version-events",
      settings: { duplicateWindowMs: 300_000 },
      subscriptions: [{ name: "all" }],
    },
  ]);
});
