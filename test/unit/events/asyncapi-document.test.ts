import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { BATCH_EVENT } from "../../../src/events/batch-events.js";
import { IMAGE_EVENT } from "../../../src/events/image-events.js";
import { MACHINE_TEST_EVENT } from "../../../src/events/machine-test-events.js";
import { IMAGE_VERSION_EVENT } from "../../../src/events/image-version-events.js";
import { QUEUE_EVENT } from "../../../src/events/queue-events.js";
import { SUBSCRIPTION_EVENT } from "../../../src/events/subscription-events.js";
import { bundle } from "../../../openapi/bundle.mjs";
import { withTitles } from "../../../openapi/titles.mjs";
import { readCloudEventRequest } from "../../../src/messaging/cloud-event-request.js";
import { content as openApi, validator } from "../http/contract/document.js";
import { document, eventMistakes, messagesOf, typeIn } from "./document.js";

const events = messagesOf("imageVersionEvents");
const requests = messagesOf("imageVersionRequests");

describe("the AsyncAPI document", () => {
  it("has every event of the code, and no other", () => {
    expect(events.map(([, { schema }]) => typeIn(schema)).sort()).toEqual(
      [
        ...Object.values(IMAGE_VERSION_EVENT),
        ...Object.values(MACHINE_TEST_EVENT),
        ...Object.values(IMAGE_EVENT),
        ...Object.values(SUBSCRIPTION_EVENT),
        ...Object.values(QUEUE_EVENT),
        ...Object.values(BATCH_EVENT),
      ].sort(),
    );
    for (const [, { title, schema }] of events) expect(title).toBe(typeIn(schema));
  });

  it("has every message that it describes in a channel", () => {
    expect([...requests, ...events].map(([name]) => name).sort()).toEqual(
      Object.keys(document.components.messages).sort(),
    );
  });

  it("names the entities that are deployed, and the version of the OpenAPI document", () => {
    const { UserConfig } = JSON.parse(readFileSync("infra/service-bus-emulator.json", "utf8")) as {
      UserConfig: {
        Namespaces: Record<"Queues" | "Topics", { Name: string }[]>[];
      };
    };
    const [namespace] = UserConfig.Namespaces;
    const names = [...(namespace?.Queues ?? []), ...(namespace?.Topics ?? [])].map(
      ({ Name }) => Name,
    );
    for (const { address } of Object.values(document.channels)) expect(names).toContain(address);
    expect(document).toMatchObject({
      info: { version: openApi.info.version },
    });
  });

  it("holds all that it refers to once it is bundled", () => {
    expect(JSON.stringify(document)).not.toContain("openapi.yaml#");
    expect(document.components.schemas["Finding"]).toEqual(
      openApi.components?.schemas?.["Finding"],
    );
  });

  it("names each type that a generator makes of it, and changes nothing else", () => {
    const without = (schemas: object): [unknown, readonly string[]] => {
      const titles: string[] = [];
      const text = JSON.stringify(schemas, (key, value: unknown) => {
        if (key !== "title" || typeof value !== "string") return value;
        titles.push(value);
        return undefined;
      });
      return [JSON.parse(text), titles];
    };
    const [schemas, titles] = without(withTitles(document).components.schemas);
    expect(schemas).toEqual(without(document.components.schemas)[0]);
    expect(titles).toEqual(
      expect.arrayContaining(["ImageVersionAccepted", "RegionEncryptionDataDiskImagesItem"]),
    );
    expect(new Set(titles).size).toBe(titles.length);
    for (const title of titles) expect(title).toMatch(/^[A-Z][A-Za-z0-9]+$/u);
  });

  it("is refused where both documents have a schema of one name, or neither has it", () => {
    const referring = (schemas: Record<string, object>) => ({
      ...document,
      components: { messages: {}, schemas },
    });
    const $ref = "openapi.yaml#/components/schemas/Time";
    expect(() => bundle(referring({ Time: {}, A: { $ref } }), { Time: {} })).toThrow(
      "Both documents have a schema Time.",
    );
    expect(() => bundle(referring({ A: { $ref } }), {})).toThrow(
      "The OpenAPI document has no schema Time.",
    );
  });
});

describe("an event of the document", () => {
  const example = (type: string): CloudEvent =>
    events
      .flatMap(([, { examples }]) => examples)
      .map(({ payload }) => payload as CloudEvent)
      .find((event) => event.type === type) as CloudEvent;

  it.each(events)("may be its example: %s", (_, { examples }) => {
    expect(examples).toHaveLength(1);
    for (const { payload } of examples) expect(eventMistakes(payload as CloudEvent)).toEqual([]);
  });

  it("has what the document demands, and nothing that it does not have", () => {
    const completed = example(IMAGE_VERSION_EVENT.regionCompleted);
    const { encryption: _, ...rest } = completed.data as Record<string, unknown>;
    expect(eventMistakes({ ...completed, data: rest })).toEqual([
      expect.stringContaining("/data must have required property 'encryption'"),
    ]);
    expect(
      eventMistakes({
        ...completed,
        data: { ...(completed.data as object), speed: 1 },
      }),
    ).toEqual([expect.stringContaining("/data must NOT have additional properties")]);
    expect(eventMistakes(Object.assign({ extra: 1 }, completed))).toEqual([
      "/extra is not documented",
    ]);
    expect(eventMistakes({ ...completed, type: "Sigil.Other" })).toEqual([
      "type Sigil.Other is not documented",
    ]);
  });
});

describe("a request of the document", () => {
  it.each(
    requests.flatMap(([name, { examples }]) => examples.map((example) => [name, example] as const)),
  )("is read and valid as its example: %s", (_, example) => {
    const read = readCloudEventRequest(example.payload, example.headers ?? {});
    if ("findings" in read) throw new Error(JSON.stringify(read.findings));
    const { type, id, source, subject, data } = read.event;
    const isResult = type === "Sigil.TestResult";
    expect([id, source]).toEqual(
      isResult
        ? ["run-4711-westus", "urn:example:test-suite"]
        : ["build-4711", "urn:example:image-builder"],
    );
    expect(subject).toMatch(/\/versions\/1\.0\.0$/u);
    expect(
      validator.validateBody(isResult ? "reportTestResult" : "putImageVersion", data).findings,
    ).toEqual([]);
  });
});
