import { expect, test } from "vitest";
import type { SdkLogRecord } from "@opentelemetry/sdk-logs";
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { createLog, type Log } from "../../../src/telemetry/log.js";
import { logAttributes } from "../../../src/telemetry/log-attributes.js";

function logTo(lines: [string, unknown][], operationId?: string): Log {
  const write = (level: string) => (line: string) => void lines.push([level, JSON.parse(line)]);
  return createLog(
    { info: write("info"), warn: write("warn"), error: write("error") },
    { operationId, traceparent: "t" },
  );
}

test("a line says its message, what the invocation is about, and what it is about itself", () => {
  const lines: [string, unknown][] = [];
  const log = logTo(lines, "op-1");
  log.info("began", { region: "westus", resourceId: undefined });
  log.warn("waits", { traceparent: undefined });
  expect(lines).toEqual([
    [
      "info",
      {
        message: "began",
        operationId: "op-1",
        traceparent: "t",
        region: "westus",
      },
    ],
    ["warn", { message: "waits", operationId: "op-1", traceparent: "t" }],
  ]);
});

test("an error is told whole, its causes with it", () => {
  const lines: [string, unknown][] = [];
  const cause = new Error("deeper");
  logTo(lines).error("failed", new TypeError("broken", { cause }));
  logTo(lines).error("failed", "text");
  expect(lines).toEqual([
    [
      "error",
      {
        message: "failed",
        traceparent: "t",
        "exception.type": "TypeError",
        "exception.message": "broken",
        "exception.stacktrace": expect.stringMatching(/TypeError: broken[^]*deeper/u) as string,
      },
    ],
    [
      "error",
      {
        message: "failed",
        traceparent: "t",
        "exception.type": "string",
        "exception.message": "text",
        "exception.stacktrace": "'text'",
      },
    ],
  ]);
});

test("what is learnt of another operation than the invocation's is not said", () => {
  const lines: [string, unknown][] = [];
  const log = logTo(lines, "op-1");
  log.learn("op-1", { resourceId: "/mine" });
  log.learn("op-2", { resourceId: "/other" });
  log.info("x");
  expect(lines[0]?.[1]).toMatchObject({ resourceId: "/mine" });
});

/** What becomes of a log record with this body. */
function emitted(body: string): { body: unknown; attributes: object } {
  const seen = { body: body as unknown, attributes: {} };
  const record = {
    body,
    setBody(value: unknown) {
      seen.body = value;
      return record;
    },
    setAttributes(value: object) {
      seen.attributes = value;
      return record;
    },
  } as unknown as SdkLogRecord;
  logAttributes.onEmit(record, ROOT_CONTEXT);
  return seen;
}

test("a line's message becomes the record's body, all else its attributes", () => {
  expect(emitted('{"message":"m","operationId":"op-1","step":4}')).toEqual({
    body: "m",
    attributes: { operationId: "op-1", step: 4 },
  });
});

test("an error's line keeps its message as an attribute, too: an exception has no body", () => {
  expect(emitted('{"message":"m","exception.type":"Error"}')).toEqual({
    body: "m",
    attributes: { "exception.type": "Error", message: "m" },
  });
});

test.each(["plain text", "{", '{"message":"cut of', '{"other":1}'])(
  "%s is no line of ours and stays as it is",
  (body) => {
    expect(emitted(body)).toEqual({ body, attributes: {} });
  },
);
