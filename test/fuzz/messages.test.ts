import fc from "fast-check";
import { expect, it } from "vitest";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import { putImageVersion } from "../../src/image-version/commands/put.js";
import type { RejectedRequest } from "../../src/messaging/answer-request.js";
import { createRequestHandler } from "../../src/messaging/request-handler.js";
import { reportTestResult } from "../../src/test-results/report.js";
import { eventMistakes } from "../unit/events/document.js";
import { validator } from "../unit/http/contract/document.js";
import { bytesOf, invocation } from "../unit/messaging/invocation.js";
import { imageVersionBodies, SAMPLES } from "./calls.js";
import { hostileText, hostileValue, nearly } from "./hostile-values.js";
import { CALLS, parametersFor, TIMEOUT_MS } from "./run.js";
import { createWorld } from "../support/world.js";

const MESSAGES = Math.ceil(CALLS / 4);
const MESSAGES_PER_RUN = 3;
const LARGEST_EVENT_BYTES = 256 * 1024;

const subjects = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute/galleries/g/images/i/versions/1.0.0",
      "subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/rg/providers/microsoft.compute/galleries/g/images/i/versions/1.9.0/",
    ),
  },
  { weight: 1, arbitrary: hostileText },
  {
    weight: 1,
    arbitrary: hostileText.map(
      (name) =>
        `/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute/galleries/${name}/images/i/versions/1.0.0`,
    ),
  },
);
const attributes = fc.record({
  specversion: fc.constant("1.0"),
  id: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom("build-1", "build-2") },
    { weight: 1, arbitrary: hostileText },
  ),
  source: fc.oneof(
    { weight: 5, arbitrary: fc.constant("urn:build") },
    { weight: 1, arbitrary: hostileText },
  ),
  type: fc.constant("Build.Finished"),
  subject: subjects,
});
const structured = fc
  .tuple(attributes, imageVersionBodies)
  .map(([event, data]) => ({ ...event, data }));

const testResults = fc
  .tuple(
    attributes,
    fc.record({
      name: fc.constantFrom("boot", "load"),
      region: fc.constantFrom("westus", "East US 2", "northeurope"),
      result: fc.constantFrom("passed", "failed", "inconclusive"),
    }),
    fc.constantFrom("2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z", "soon"),
  )
  .map(([event, data, time]) => ({
    ...event,
    type: "Sigil.TestResult",
    time,
    data,
  }));

interface Message {
  /** Bytes as they are; anything else is sent as JSON. */
  readonly body: unknown;
  readonly applicationProperties: Readonly<Record<string, unknown>>;
}
const DEEP = 6_000;
const messages: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    body: fc.oneof(
      {
        weight: 6,
        arbitrary: fc
          .tuple(attributes, fc.constantFrom<unknown>(...SAMPLES))
          .map(([event, data]) => ({ ...event, data })),
      },
      { weight: 3, arbitrary: structured },
      { weight: 2, arbitrary: testResults },
      { weight: 2, arbitrary: nearly(testResults) },
      { weight: 4, arbitrary: nearly(structured) },
      { weight: 1, arbitrary: hostileValue },
      {
        weight: 1,
        arbitrary: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          Buffer.from("[".repeat(DEEP) + "]".repeat(DEEP)),
          Buffer.from(`[${Array(40_000).fill("1e20").join(",")}]`),
          Buffer.alloc(150_000, 0xff),
          Buffer.from("\u0000".repeat(261_900)),
          Buffer.from('{"specversion":"1.0","id":"a","id":"b"}'),
        ),
      },
      {
        weight: 1,
        arbitrary: attributes.map((event) => ({
          ...event,
          data_base64: "e30=",
        })),
      },
    ),
    applicationProperties: fc.constant({}),
  }),
  fc.record({
    body: imageVersionBodies,
    applicationProperties: attributes.map((event) =>
      Object.fromEntries(
        Object.entries(event).map(([name, value]) => [`cloudEvents:${name}`, value]),
      ),
    ),
  }),
  fc.record({
    body: hostileValue,
    applicationProperties: fc.dictionary(hostileText, hostileValue, {
      maxKeys: 4,
    }),
  }),
);

it(
  `${MESSAGES} messages are each accepted, or rejected and kept, and a rejected one leaves nothing else`,
  async () => {
    let accepted = 0;
    let rejected = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(messages, hostileText), {
          minLength: MESSAGES_PER_RUN,
          maxLength: MESSAGES_PER_RUN,
        }),
        async (sequence) => {
          const world = createWorld();
          const kept: RejectedRequest[] = [];
          const told: CloudEvent[] = [];
          const handle = createRequestHandler({
            putImageVersion: (command) => putImageVersion(world.deps.imageVersions, command),
            validateBody: (body) => validator.validateBody("putImageVersion", body),
            reportTestResult: (command) => reportTestResult(world.deps.testResults, command),
            validateTestResult: (body) => validator.validateBody("reportTestResult", body),
            events: {
              publish: (events) => {
                told.push(...events);
                return Promise.resolve();
              },
            },
            keepRejected: (request) => {
              kept.push(request);
              return Promise.resolve();
            },
            postpone: () => Promise.reject(new Error("nothing fails here")),
            maxDeliveryCount: 10,
            eventSource: "urn:sigil:fuzz",
            now: () => new Date("2026-01-01T00:00:00Z"),
          });
          for (const [{ body, applicationProperties }, messageId] of sequence) {
            const before = world.effects();
            kept.length = told.length = 0;
            const { context, logged } = invocation({
              messageId,
              applicationProperties,
              deliveryCount: 1,
            });
            const events = world.events.length;
            const bytes = Buffer.isBuffer(body) ? body : bytesOf(body);
            await handle(bytes, context);
            expect([...told, ...world.events.slice(events)].flatMap(eventMistakes)).toEqual([]);
            const [level] = logged[0] ?? [];
            if (level === "information") {
              accepted += 1;
              // What another message has asked for already is answered here; the rest is in the outbox.
              const types = told.map(({ type }) => type);
              expect([kept, types.length <= 1]).toEqual([[], true]);
              expect(["Sigil.ImageVersion.AlreadyDone"]).toEqual(expect.arrayContaining(types));
              continue;
            }
            rejected += 1;
            expect([level, kept.length, told.length]).toEqual(["warning", 1, 1]);
            expect(world.effects()).toBe(before);
            expect(kept[0]?.original.bytes.equals(bytes)).toBe(true);
            const [event] = told;
            expect(event).toMatchObject({
              specversion: "1.0",
              type: "Sigil.ImageVersion.Rejected",
            });
            expect(event?.id).toMatch(/^rejected\/[0-9a-f]{32}$/u);
            expect(event?.subject).not.toBe("");
            expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(LARGEST_EVENT_BYTES);
          }
        },
      ),
      parametersFor(MESSAGES, MESSAGES_PER_RUN),
    );
    // Both happen often: else half of it would not have been tried.
    expect(Math.min(accepted, rejected)).toBeGreaterThan(MESSAGES / 20);
  },
  TIMEOUT_MS,
);
