import {
  HttpRequest,
  InvocationContext,
  type HttpResponseInit,
} from "@azure/functions";
import { expect, it } from "vitest";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { operationHandlers } from "../../../src/http/operation-handlers.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { document, responseMistakes, validator } from "./contract/document.js";

const ID = "0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1";
const operation: OperationRecord = {
  id: ID,
  kind: "CreateImageVersion",
  status: "Running",
  resourceId: "/subscriptions/s",
  fingerprint: "f",
  createdTime: "2026-01-01T00:00:00Z",
  lastUpdatedTime: "2026-01-01T00:00:00Z",
  requestedBy: {},
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  regions: [],
  calls: [{ time: "2026-01-01T00:00:00Z", method: "GET", path: "/x" }],
  history: [],
};

/** The answer to GET, and how long it took by the clock. */
async function get(
  query: string,
  stored: OperationRecord = operation,
): Promise<{ response: HttpResponseInit; body: object; waitedMs: number }> {
  let waitedMs = 0;
  const { getOperation } = operationHandlers(
    createEndpoint({
      document,
      validator,
      authenticator: {
        authenticate: () => Promise.resolve({ roles: ["ImageVersions.Read"] }),
      },
    }),
    {
      store: {
        readOperation: () => Promise.resolve(stored),
        read: () => Promise.resolve(undefined),
      },
      now: () => new Date(waitedMs),
    } as never,
    () => Promise.reject(new TypeError("it is stored")),
    (shown) => Promise.resolve(shown),
    (ms) => {
      waitedMs += ms;
      return Promise.resolve();
    },
  );
  const response = (await getOperation(
    new HttpRequest({
      method: "GET",
      url: `https://sigil.example/api/operations/${ID}${query}`,
      params: { operationId: ID },
    }),
    new InvocationContext({ invocationId: "1", functionName: "test" }),
  )) as HttpResponseInit;
  const body = JSON.parse(response.body as string) as object;
  const mediaType = (response.headers as Record<string, string>)[
    "Content-Type"
  ];
  expect(
    responseMistakes(
      "getOperation",
      response.status ?? 0,
      mediaType ?? "",
      body,
    ),
  ).toEqual([]);
  return { response, body, waitedMs };
}

it.each([
  ["", 0],
  ["?wait=0", 0],
  ["?wait=30", 30_000],
  ["?wait=60", 60_000],
])("GET %s waits so long for a change: %i ms", async (query, ms) => {
  const { response, waitedMs } = await get(query);
  expect(waitedMs).toBe(ms);
  expect(response).toMatchObject({
    status: 200,
    headers: { "Retry-After": ms === 0 ? "15" : "0" },
  });
});

it.each(["?wait=61", "?wait=-1", "?wait=1.5", "?expand=all"])(
  "GET %s is refused",
  async (query) => {
    expect((await get(query)).response.status).toBe(400);
  },
);

it("GET of an operation that has ended neither waits nor asks to come again", async () => {
  const { response, waitedMs } = await get("?wait=60", {
    ...operation,
    status: "Succeeded",
    endTime: "2026-01-01T00:30:00Z",
  });
  expect(waitedMs).toBe(0);
  expect(response.headers).not.toHaveProperty("Retry-After");
});

it("GET shows calls where they are asked for", async () => {
  expect((await get("")).body).not.toHaveProperty("calls");
  expect((await get("?expand=calls")).body).toMatchObject({
    calls: operation.calls,
  });
});
