/** What a call may cost in lines of log and in spans, below the limit of calls and over it. */
import { HttpRequest, InvocationContext } from "@azure/functions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRateLimiter } from "../../../src/authorization/rate-limit.js";
import { ServiceError } from "../../../src/errors.js";
import { createHttpHandlers, type HttpHandlers } from "../../../src/http/handlers.js";
import { readAsyncApi } from "../../support/contracts.js";
import { startInMemoryTelemetry, type InMemoryTelemetry } from "../../support/telemetry.js";
import { createWorld } from "../../support/world.js";
import { document, validator } from "../../unit/http/contract/document.js";

/** What SIGIL_RATE_LIMIT_PER_MINUTE is unless somebody sets it. */
const LIMIT = 600;
const LINE_BYTES = 700;
/** With who called, and more of what they asked for. */
const CALLER_LINE_BYTES = 1_500;
const SPAN_BYTES = 1_000;

let telemetry: InMemoryTelemetry;
let handlers: HttpHandlers;
let world: ReturnType<typeof createWorld>;
let nowMs: number;
const lines: string[] = [];
let spansBefore: number;

beforeAll(() => {
  telemetry = startInMemoryTelemetry();
});
afterAll(() => telemetry.stop());

function start(callsPerMinute: number): void {
  nowMs = 0;
  lines.splice(0);
  spansBefore = telemetry.spans().length;
  world = createWorld();
  handlers = createHttpHandlers(
    {
      document,
      validator,
      authenticator: {
        authenticate(authorization) {
          const role = ROLE_OF[authorization?.replace("Bearer ", "") as Who];
          return role === undefined
            ? Promise.reject(new ServiceError("Unauthenticated", "Send a token."))
            : Promise.resolve({
                appId: "00000000-0000-4000-8000-0000000000f1",
                objectId: "00000000-0000-4000-8000-0000000000f2",
                roles: [`ImageVersions.${role}`],
              });
        },
      },
      rateLimiter: createRateLimiter({
        callsPerMinute,
        now: () => new Date(nowMs),
      }),
    },
    world.deps,
    [],
    readAsyncApi("openapi", document.content),
    new URL("built/", import.meta.url), // There is none.
  );
}

const KINDS = {
  operation: ["listOperations", "/api/operations"],
  forbidden: ["listRejectedRequests", "/api/rejected-requests"],
  unknown: ["fallback", "/api/nothing"],
  static: ["getPage", "/api/ui/assets/nothing.js"],
} as const;
type Kind = keyof typeof KINDS;
const ROLE_OF = {
  nobody: undefined,
  reader: "Read",
  writer: "Write",
  approver: "Approve",
  admin: "Admin",
} as const;
type Who = keyof typeof ROLE_OF;

async function call(who: Who, kind: Kind, more = ""): Promise<unknown> {
  const [name, path] = KINDS[kind];
  const request = new HttpRequest({
    method: "GET",
    url: `https://sigil.example${path}${more}`,
    headers: {
      "x-forwarded-for": "203.0.113.7:1025",
      authorization: `Bearer ${who}`,
    },
    params: kind === "static" ? { path: path.slice("/api/ui/".length) } : {},
  });
  const context = new InvocationContext({
    invocationId: "00000000-0000-4000-8000-000000000001",
    functionName: name,
    logHandler: (_, line) => lines.push(String(line)),
    traceContext: {},
  });
  const { status } = (await handlers[name](request, context)) ?? {};
  return status;
}

/** Since it was asked last. */
function cost(): { lines: number; longest: number; spans: number[] } {
  const written = lines.splice(0);
  const spans = telemetry.spans().slice(spansBefore);
  spansBefore += spans.length;
  return {
    lines: written.length,
    longest: Math.max(0, ...written.map((line) => line.length)),
    spans: spans.map(({ name, attributes }) => JSON.stringify({ name, attributes }).length),
  };
}

test.each<[Who, Kind, below: { lines: number; spans: number }]>([
  ["nobody", "operation", { lines: 1, spans: 0 }],
  ["nobody", "unknown", { lines: 0, spans: 0 }],
  ["nobody", "static", { lines: 0, spans: 0 }],
  ["nobody", "forbidden", { lines: 1, spans: 0 }],
  ["reader", "operation", { lines: 0, spans: 1 }],
  ["writer", "operation", { lines: 0, spans: 1 }],
  ["approver", "operation", { lines: 0, spans: 1 }],
  ["admin", "operation", { lines: 0, spans: 1 }],
  ["reader", "forbidden", { lines: 1, spans: 1 }],
  ["writer", "forbidden", { lines: 1, spans: 1 }],
  ["approver", "forbidden", { lines: 1, spans: 1 }],
  // No token is asked for there.
  ["reader", "unknown", { lines: 0, spans: 0 }],
  ["reader", "static", { lines: 0, spans: 0 }],
])(
  "%s, %s: a call below the limit costs %j, and those over it a line a minute and no span",
  async (who, kind, below) => {
    const calls = 20;
    start(calls);
    for (let i = 0; i < calls; i++)
      expect(await call(who, kind, `?${"q".repeat(7_000)}`)).not.toBe(429);
    const { lines, longest, spans } = cost();
    expect({ lines, spans: spans.length }).toEqual({
      lines: calls * below.lines,
      spans: calls * below.spans,
    });
    expect(longest).toBeLessThanOrEqual(who === "nobody" ? LINE_BYTES : CALLER_LINE_BYTES);
    for (const bytes of spans) expect(bytes).toBeLessThanOrEqual(SPAN_BYTES);

    for (let i = 0; i < calls; i++)
      expect(await call(who, kind, `?${"q".repeat(7_000)}`)).toBe(429);
    const over = cost();
    expect(over).toMatchObject({ lines: 1, spans: [] });
    expect(over.longest).toBeLessThanOrEqual(who === "nobody" ? LINE_BYTES : CALLER_LINE_BYTES);
    // Nothing is written, sent or asked of Azure, whoever calls.
    expect(world.effects()).toBe(0);
  },
);

test("the 601st call of a stranger to a path of 7,000 letters is counted, and the 2,500 of a minute fill half a megabyte at most", async () => {
  start(LIMIT);
  const bytes = () => lines.reduce((sum, { length }) => sum + length, 0);
  for (let i = 0; i < 2_500; i++) await call("nobody", "operation", `/${"x".repeat(7_000)}`);
  expect(lines.length).toBeLessThanOrEqual(605);
  expect(bytes()).toBeLessThanOrEqual(500_000);
  expect(cost().spans).toEqual([]);

  // A minute later there are 600 again, and the first of them tells how many were refused.
  nowMs = 60_000;
  await call("nobody", "operation");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      message: "audit",
      address: "203.0.113.7",
      outcome: "refused",
      code: "TooManyRequests",
      refusedCalls: 2_500 - LIMIT - 1,
    }),
    expect.objectContaining({ action: "listOperations", status: 401 }),
  ]);
});
