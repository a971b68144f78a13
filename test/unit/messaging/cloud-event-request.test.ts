import { describe, expect, test } from "vitest";
import { readCloudEventRequest } from "../../../src/messaging/cloud-event-request.js";
import { naming } from "../../support/naming.js";

const ATTRIBUTES = {
  specversion: "1.0",
  id: "build-7",
  source: "urn:build",
  type: "Build.Finished",
  subject: "/subscriptions/x",
};
const DATA = { location: "westeurope" };
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function read(
  body: unknown,
  applicationProperties: Readonly<Record<string, unknown>> = {},
): ReturnType<typeof readCloudEventRequest> {
  return readCloudEventRequest(body, applicationProperties);
}

/** The attributes as application properties. */
function binary(
  attributes: Readonly<Record<string, unknown>>,
  prefix = "cloudEvents:",
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [prefix + name, value]),
  );
}

function without(name: keyof typeof ATTRIBUTES): Record<string, unknown> {
  return Object.fromEntries(Object.entries(ATTRIBUTES).filter(([key]) => key !== name));
}

function mistakes(
  result: ReturnType<typeof readCloudEventRequest>,
): [code: string, pointer: string][] {
  return "findings" in result ? result.findings.map(({ code, pointer }) => [code, pointer]) : [];
}

describe("structured mode", () => {
  test("a body with specversion is the event, and its data stands at /data", () => {
    expect(read({ ...ATTRIBUTES, data: DATA, traceparent: TRACEPARENT })).toEqual({
      event: {
        id: "build-7",
        source: "urn:build",
        type: "Build.Finished",
        subject: "/subscriptions/x",
        data: DATA,
        dataPointer: "/data",
        traceparent: TRACEPARENT,
      },
    });
  });

  test("the body wins over attributes in the application properties", () => {
    expect(read({ ...ATTRIBUTES, data: DATA }, binary({ ...ATTRIBUTES, id: "b" }))).toMatchObject({
      event: { id: "build-7", dataPointer: "/data" },
    });
  });

  test("data_base64 is read as JSON", () => {
    const data_base64 = Buffer.from(JSON.stringify({ å: 1 })).toString("base64");
    expect(read({ ...ATTRIBUTES, data_base64 })).toMatchObject({
      event: { data: { å: 1 }, dataPointer: "/data" },
    });
  });

  test.each([
    ["not JSON", "{", "line 1, column 2"],
    ["JSON with equal names", '{"a":1,"a":2}', 'the name "a" is given twice'],
  ])("data_base64 that is %s is no data, and told", (_, json, why) => {
    const data_base64 = Buffer.from(json).toString("base64");
    expect(read({ ...ATTRIBUTES, data_base64 })).toMatchObject({
      event: {
        id: "build-7",
        data: undefined,
        unreadable: {
          code: "MalformedJson",
          pointer: "/data_base64",
          message: expect.stringContaining(why) as string,
        },
      },
    });
  });

  test("data wins over data_base64", () => {
    expect(read({ ...ATTRIBUTES, data: DATA, data_base64: "e30=" })).toMatchObject({
      event: { data: DATA },
    });
  });

  test("an event without data is an event: the validation misses the data", () => {
    expect(read(ATTRIBUTES)).toMatchObject({ event: { data: undefined } });
  });

  test("a traceparent that is no text is none", () => {
    expect(read({ ...ATTRIBUTES, traceparent: 1 })).toMatchObject({
      event: { traceparent: undefined },
    });
  });

  test.each(["id", "source", "subject", "type"] as const)(
    "%s is missed at its own pointer",
    (name) => {
      const expected = [["MissingProperty", `/${name}`]];
      expect(mistakes(read(without(name)))).toEqual(expected);
      expect(mistakes(read({ ...ATTRIBUTES, [name]: "" }))).toEqual(expected);
      expect(mistakes(read({ ...ATTRIBUTES, [name]: {} }))).toEqual(expected);
    },
  );

  test.each(["id", "source", "subject", "type"] as const)(
    "%s may have 1,024 characters and no more",
    (name) => {
      const of = (length: number) => mistakes(read({ ...ATTRIBUTES, [name]: "x".repeat(length) }));
      expect(of(1_024)).toEqual([]);
      expect(of(1_025)).toEqual([["TooLong", `/${name}`]]);
    },
  );

  test.each(["0.3", "2.0", null, 2])("version %j is refused", (specversion) => {
    const result = read({ ...ATTRIBUTES, specversion });
    expect(result).toEqual({
      findings: [
        {
          code: "NotAllowedValue",
          pointer: "/specversion",
          message: naming([JSON.stringify(specversion), "CloudEvents", "1.0"]),
        },
      ],
    });
  });

  test("a version of any length is quoted by its beginning, and none as missing", () => {
    const long = read({ ...ATTRIBUTES, specversion: "x".repeat(100_000) });
    expect(JSON.stringify(long).length).toBeLessThan(500);
    expect(JSON.stringify(read(DATA, binary(without("specversion"))))).toEqual(
      naming(["CloudEvents"]),
    );
  });

  test("all mistakes are told at once", () => {
    expect(mistakes(read({ specversion: "0.3" }))).toEqual([
      ["MissingProperty", "/id"],
      ["MissingProperty", "/source"],
      ["MissingProperty", "/subject"],
      ["MissingProperty", "/type"],
      ["NotAllowedValue", "/specversion"],
    ]);
  });
});

describe("binary mode", () => {
  // CloudEvents AMQP binding, 3.1.3.1: "cloudEvents_" or "cloudEvents:".
  test.each(["cloudEvents:", "cloudEvents_", "CLOUDEVENTS:"])(
    "attributes come with the prefix %s, and the body is the data",
    (prefix) => {
      const properties = binary({ ...ATTRIBUTES, traceparent: TRACEPARENT }, prefix);
      expect(read(DATA, { ...properties, team: "images" })).toEqual({
        event: {
          id: "build-7",
          source: "urn:build",
          type: "Build.Finished",
          subject: "/subscriptions/x",
          data: DATA,
          dataPointer: "",
          traceparent: TRACEPARENT,
        },
      });
    },
  );

  test("values that the host made numbers of are text again", () => {
    expect(read(DATA, binary({ ...ATTRIBUTES, specversion: 1, id: 7 }))).toMatchObject({
      event: { id: "7" },
    });
  });

  test("mistakes point to the message, for no pointer leads into its properties", () => {
    expect(mistakes(read(DATA, { "cloudEvents:id": "7" }))).toEqual([
      ["MissingProperty", ""],
      ["MissingProperty", ""],
      ["MissingProperty", ""],
      ["NotAllowedValue", ""],
    ]);
  });
});

test.each([
  [DATA, "it has no specversion"],
  ["text", "its body is not a JSON object"],
  [[ATTRIBUTES], "its body is not a JSON object"],
  [null, "its body is not a JSON object"],
  [undefined, "its body is not a JSON object"],
])("%j is no CloudEvent", (body, why) => {
  const result = read(body, { team: "images" });
  expect(mistakes(result)).toEqual([["NotACloudEvent", ""]]);
  expect(JSON.stringify(result)).toContain(why);
});
