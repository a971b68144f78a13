import { HttpRequest, InvocationContext, type HttpResponseInit } from "@azure/functions";
import { expect, it } from "vitest";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { operationHandlers } from "../../../src/http/operation-handlers.js";
import { KINDS } from "../../../src/kinds.js";
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

const START = Date.UTC(2026, 0, 1);

const endpoint = createEndpoint({
  document,
  validator,
  authenticator: { authenticate: () => Promise.resolve({ roles: ["ImageVersions.Read"] }) },
});

const GALLERY_ID = `/subscriptions/${"0".repeat(8)}-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute/galleries/g`;

it.each([
  ["gallery", GALLERY_ID],
  ["imageDefinition", `${GALLERY_ID}/images/i`],
])("a list by %s has the operations there, and no others", async (name, place) => {
  const there = { ...operation, resourceId: `${GALLERY_ID}/images/i/versions/1.0.0` };
  const elsewhere = { ...operation, resourceId: there.resourceId.replaceAll("/g/", "/g2/") };
  const besides = { ...operation, resourceId: there.resourceId.replace("/i/", "/j/") };
  const stored = [there, elsewhere, besides];
  const rows = stored.map((_, target) => ({ target }));
  const { listOperations } = operationHandlers(
    endpoint,
    {
      index: { page: () => Promise.resolve({ rows }) },
      store: {
        readOperation: (target: number) => Promise.resolve({ operation: stored[target] }),
      },
      kinds: KINDS,
      now: () => new Date(START),
    } as never,
    () => Promise.reject(new TypeError("it is a list")),
    (shown) => Promise.resolve(shown),
  );
  const response = (await listOperations(
    new HttpRequest({
      method: "GET",
      url: `https://sigil.example/api/operations?${name}=${encodeURIComponent(place)}`,
    }),
    new InvocationContext({ invocationId: "1", functionName: "test" }),
  )) as HttpResponseInit;
  const { value } = JSON.parse(response.body as string) as { value: { resourceId: string }[] };
  expect(value.map(({ resourceId }) => resourceId)).toEqual(
    (name === "gallery" ? [there, besides] : [there]).map(({ resourceId }) => resourceId),
  );
});

/** The answer to GET; `dueSeconds`: until the next step; undefined: nobody knows. */
async function get(
  query: string,
  stored: OperationRecord = operation,
  dueSeconds?: number,
): Promise<{ response: HttpResponseInit; body: object }> {
  const dueTime =
    dueSeconds === undefined ? {} : { dueTime: new Date(START + dueSeconds * 1_000).toISOString() };
  const { getOperation } = operationHandlers(
    endpoint,
    {
      kinds: KINDS,
      store: {
        readOperation: () => Promise.resolve({ operation: stored, ...dueTime }),
        read: () => Promise.resolve(undefined),
      },
      now: () => new Date(START),
    } as never,
    () => Promise.reject(new TypeError("it is stored")),
    (shown) => Promise.resolve(shown),
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
  const mediaType = (response.headers as Record<string, string>)["Content-Type"];
  expect(responseMistakes("getOperation", response.status ?? 0, mediaType ?? "", body)).toEqual([]);
  return { response, body };
}

it.each([
  ["due in 40 s: two seconds after it", 40, 42],
  ["due in 2.4 s: no sooner than 5 s", 2.4, 5],
  ["due in an hour: no later than 180 s", 3_600, 180],
  ["due now", 0, 5],
  ["overdue for 2 s", -2, 5],
  ["overdue for 12 s", -12, 10],
  ["overdue for 22 s", -22, 20],
  ["overdue for hours", -7_200, 180],
  ["known once an answer has come: in 5 s", undefined, 5],
])(
  "an operation whose next step is %s says when to read it again",
  async (_, dueSeconds, retryAfter) => {
    const { response } = await get("", operation, dueSeconds);
    expect(response).toMatchObject({
      status: 200,
      headers: { "Retry-After": String(retryAfter) },
    });
  },
);

it.each(["?wait=0", "?wait=30", "?wait=60"])(
  "GET %s of an earlier client is answered at once, and says when to come again",
  async (query) => {
    const { response } = await get(query, operation, 58);
    expect(response).toMatchObject({
      status: 200,
      headers: { "Retry-After": "60" },
    });
  },
);

it.each(["?wait=61", "?wait=-1", "?wait=1.5", "?expand=all"])(
  "GET %s is refused",
  async (query) => {
    expect((await get(query)).response.status).toBe(400);
  },
);

it("GET of an operation that has ended does not ask to come again", async () => {
  const { response } = await get("?wait=60", {
    ...operation,
    status: "Succeeded",
    endTime: "2026-01-01T00:30:00Z",
  });
  expect(response.headers).not.toHaveProperty("Retry-After");
});

it("GET shows calls where they are asked for", async () => {
  expect((await get("")).body).not.toHaveProperty("calls");
  expect((await get("?expand=calls")).body).toMatchObject({
    calls: operation.calls,
  });
});

it.each([
  ["none runs", [], 60],
  ["one of two has news in 42 s", [300, 40], 42],
  ["the first has news in 5 s", [3], 15],
])(
  "a list of operations where %s says when to read it again",
  async (_, dueSeconds, retryAfter) => {
    const ended = { ...operation, status: "Succeeded", endTime: "2026-01-01T00:30:00Z" };
    const stored = [
      { operation: ended },
      ...dueSeconds.map((seconds) => ({
        operation,
        dueTime: new Date(START + seconds * 1_000).toISOString(),
      })),
    ];
    const { listOperations } = operationHandlers(
      endpoint,
      {
        index: { page: () => Promise.resolve({ rows: stored.map((__, target) => ({ target })) }) },
        store: { readOperation: (target: number) => Promise.resolve(stored[target]) },
        kinds: KINDS,
        now: () => new Date(START),
      } as never,
      () => Promise.reject(new TypeError("it is a list")),
      (shown) => Promise.resolve(shown),
    );
    const response = await listOperations(
      new HttpRequest({ method: "GET", url: "https://sigil.example/api/operations" }),
      new InvocationContext({ invocationId: "1", functionName: "test" }),
    );
    expect(response).toMatchObject({ status: 200, headers: { "Retry-After": String(retryAfter) } });
  },
);
