import {
  HttpRequest,
  type HttpResponseInit,
  InvocationContext,
  type LogLevel,
} from "@azure/functions";
import { beforeEach, describe, expect, it } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import type { Principal } from "../../../src/authorization/authentication.js";
import {
  createEndpoint,
  createFallback,
  type EndpointDependencies,
  type EndpointRequest,
  type EndpointResponse,
} from "../../../src/http/endpoint.js";
import { writeTargetOf } from "../../../src/authorization/gallery-policy.js";
import type { Problem } from "../../../src/http/problem.js";
import { createRateLimiter } from "../../../src/authorization/rate-limit.js";
import { document, managedImageBody, responseMistakes, validator } from "./contract/document.js";
import { naming } from "../../support/naming.js";

const PATH =
  "/api/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/galleries/g/images/i/versions/1.0.0";
const params = {
  subscriptionId: "00000000-0000-0000-0000-000000000000",
  resourceGroupName: "rg",
  galleryName: "g",
  imageName: "i",
  versionName: "1.0.0",
};
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const SECURITY = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=31536000",
  "X-Content-Type-Options": "nosniff",
};

const principals: Record<string, Principal> = {
  "Bearer reader": { appId: "r", roles: ["ImageVersions.Read"] },
  "Bearer writer": { appId: "w", roles: ["ImageVersions.Write"] },
  "Bearer nobody": { roles: [] },
  "Bearer approver": { appId: "p", roles: ["ImageVersions.Approve"] },
  "Bearer admin": { appId: "a", roles: ["ImageVersions.Admin"] },
};
const edge: EndpointDependencies = {
  document,
  validator,
  authenticator: {
    authenticate(authorization) {
      const principal = principals[authorization ?? ""];
      return principal === undefined
        ? Promise.reject(new ServiceError("Unauthenticated", "Send a token."))
        : Promise.resolve(principal);
    },
  },
};
const endpoint = createEndpoint(edge);

let logged: [LogLevel, ...unknown[]][];
const context = (): InvocationContext =>
  new InvocationContext({
    invocationId: "invocation-1",
    functionName: "test",
    logHandler: (...entry) => logged.push(entry),
    traceContext: {},
  });
beforeEach(() => (logged = []));

interface Call {
  method?: string;
  url?: string;
  token?: string;
  headers?: Record<string, string>;
  body?: string;
  params?: Record<string, string>;
}
function requestOf(call: Call): HttpRequest {
  return new HttpRequest({
    method: call.method ?? "PUT",
    url: `https://sigil.example${call.url ?? PATH}`,
    headers: {
      ...(call.token && { authorization: `Bearer ${call.token}` }),
      ...(call.body !== undefined && { "content-type": "application/json" }),
      ...call.headers,
    },
    params: call.params ?? params,
    ...(call.body !== undefined && { body: { string: call.body } }),
  });
}

const operation = {
  id: "0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1",
  kind: "CreateImageVersion",
  status: "NotStarted" as const,
  resourceId: PATH.slice("/api".length).replace(
    "/galleries/",
    "/providers/Microsoft.Compute/galleries/",
  ),
  percentComplete: 0,
  createdTime: "2026-01-01T00:00:00Z",
  lastUpdatedTime: "2026-01-01T00:00:00Z",
  regions: [],
  history: [],
};
const accepted: EndpointResponse<"putImageVersion"> = {
  status: 202,
  headers: {
    Location: `https://sigil.example${PATH}`,
    "Operation-Location": "https://sigil.example/api/operations/1",
    "Retry-After": 15,
  },
  body: operation,
};

async function put(
  call: Call,
  handler: (
    request: EndpointRequest<"putImageVersion">,
  ) => Promise<EndpointResponse<"putImageVersion">> = () => Promise.resolve(accepted),
  make = endpoint,
): Promise<{
  status: number | undefined;
  headers: Record<string, string>;
  body: Problem;
}> {
  const response = (await make("putImageVersion", handler)(
    requestOf(call),
    context(),
  )) as HttpResponseInit;
  return read(response);
}
function read(response: HttpResponseInit) {
  return {
    status: response.status,
    headers: response.headers as Record<string, string>,
    body: JSON.parse(response.body as string) as Problem,
  };
}

const body = JSON.stringify(managedImageBody);

describe("an endpoint", () => {
  it("gives its handler the request, valid and typed", async () => {
    let seen: EndpointRequest<"putImageVersion"> | undefined;
    await put(
      {
        token: "writer",
        body,
        headers: { "idempotency-key": "k-1", traceparent: TRACEPARENT },
      },
      (request) => {
        seen = request;
        return Promise.resolve(accepted);
      },
    );
    expect(seen).toEqual({
      path: params,
      query: {},
      headers: { "Idempotency-Key": "k-1" },
      body: managedImageBody,
      mediaType: "application/json",
      pasted: false,
      principal: principals["Bearer writer"],
      requireMayWrite: expect.any(Function) as unknown,
      requireMayUse: expect.any(Function) as unknown,
      auditPublisherUnknown: expect.any(Function) as unknown,
      traceparent: TRACEPARENT,
      requestUrl: new URL(`https://sigil.example${PATH}`),
    });
  });

  it("answers as its handler does, with the security headers", async () => {
    const response = await put({ token: "writer", body });
    expect(response).toEqual({
      status: 202,
      headers: {
        "Content-Type": "application/json",
        Location: `https://sigil.example${PATH}`,
        "Operation-Location": "https://sigil.example/api/operations/1",
        "Retry-After": "15",
        "x-request-id": "invocation-1",
        ...SECURITY,
      },
      body: operation,
    });
    expect(responseMistakes("putImageVersion", 202, "application/json", response.body)).toEqual([]);
  });

  it("asks for a token before it looks at anything else", async () => {
    const { status, headers, body } = await put({
      body: "not JSON",
      params: {},
    });
    expect([status, body.code]).toEqual([401, "Unauthenticated"]);
    expect(headers["WWW-Authenticate"]).toBe('Bearer realm="sigil"');
  });

  it("asks for the role that the document names before it looks at the body", async () => {
    for (const token of ["reader", "nobody"]) {
      const { status, headers, body } = await put({ token, body: "not JSON" });
      expect([status, body.code]).toEqual([403, "Forbidden"]);
      expect(headers["WWW-Authenticate"]).toContain('scope="ImageVersions.Write"');
    }
  });

  it("lets a writer read", async () => {
    const get = endpoint("getOperation", () => Promise.resolve({ status: 200, body: operation }));
    for (const [token, status] of [
      ["reader", 200],
      ["writer", 200],
      ["nobody", 403],
    ] as const) {
      const response = await get(
        requestOf({
          method: "GET",
          token,
          url: `/api/operations/${operation.id}`,
          params: { operationId: operation.id },
        }),
        context(),
      );
      expect(response.status).toBe(status);
    }
  });

  it("runs a GET, and nothing else, so that none of its reads of Azure waits", async () => {
    const shown: string[] = [];
    const make = createEndpoint({
      ...edge,
      toDisplay(read) {
        shown.push("GET");
        return read();
      },
    });
    expect((await put({ token: "writer", body }, undefined, make)).status).toBe(202);
    expect(shown).toEqual([]);
    const get = make("getOperation", () => Promise.resolve({ status: 200, body: operation }));
    const params = { operationId: operation.id };
    const { status } = await get(requestOf({ method: "GET", token: "reader", params }), context());
    expect([status, shown]).toEqual([200, ["GET"]]);
  });

  it("asks for no token where the document says so", async () => {
    const live = endpoint("getLiveness", ({ principal }) => {
      expect(principal).toBeUndefined();
      return Promise.resolve({
        status: 200,
        body: { status: "ok", checks: [] },
      });
    });
    const response = await live(
      requestOf({ method: "GET", url: "/api/health/live", params: {} }),
      context(),
    );
    expect(response.status).toBe(200);
  });

  it("answers the mistakes of path, query, headers and body at once", async () => {
    const { status, body } = await put({
      token: "writer",
      url: `${PATH}?plans=require`,
      params: { ...params, versionName: "latest" },
      headers: { "idempotency-key": "two words" },
      body: "{}",
    });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: "InvalidRequest",
      detail: naming(["5"]),
      instance: PATH,
    });
    expect(body.errors.map(({ pointer }) => pointer)).toEqual([
      "/path/versionName",
      "/query/plans",
      "/headers/Idempotency-Key",
      "/location",
      "/properties",
    ]);
    expect(responseMistakes("putImageVersion", 400, "application/problem+json", body)).toEqual([]);
  });

  it.each([
    [{ body: "{" }, 400, "MalformedJson"],
    [{ body: "{}", headers: { "content-type": "text/xml" } }, 415, "UnsupportedMediaType"],
    [{ body: `"${"x".repeat(262_144)}"` }, 413, "PayloadTooLarge"],
  ])("answers a body that cannot be read: %.40j", async (call, status, code) => {
    const response = await put({ token: "writer", ...(call as Call) });
    expect([response.status, response.body.code]).toEqual([status, code]);
    expect(
      responseMistakes("putImageVersion", status, "application/problem+json", response.body),
    ).toEqual([]);
  });

  it("answers a value that no text can be made of", async () => {
    const { status, body: problem } = await put({
      token: "writer",
      body: JSON.stringify({
        ...managedImageBody,
        properties: {
          ...managedImageBody.properties,
          publishingProfile: { replicationMode: { toString: null } },
        },
      }),
    });
    expect(status).toBe(400);
    expect(problem.errors).toContainEqual({
      pointer: "/properties/publishingProfile/replicationMode",
      code: "NotAllowedValue",
      message: '`{"toString":null}` is not one of `Full`, `Shallow`.',
    });
  });

  it("answers what its handler throws as a problem", async () => {
    const {
      status,
      headers,
      body: problem,
    } = await put({ token: "writer", body }, () =>
      Promise.reject(
        new ServiceError("ImageVersionConflict", "It exists.", {
          retryAfterMs: 2_500,
        }),
      ),
    );
    expect([status, problem.code]).toEqual([409, "ImageVersionConflict"]);
    expect(headers).toMatchObject({
      "Content-Type": "application/problem+json",
      "Retry-After": "3",
      "x-request-id": "invocation-1",
      "X-Content-Type-Options": "nosniff",
    });
    expect(logged.map(([level]) => level)).toEqual(["warning"]); // The audit record alone.
  });

  it("tells of each write that is refused by what code, and of no read", async () => {
    const codes: string[] = [];
    const told = createEndpoint({
      ...edge,
      onRejected: (code) => codes.push(code),
    });
    const fail = () => Promise.reject(new ServiceError("NotFound", "Gone."));
    for (const token of ["nobody", "writer"])
      await told("putImageVersion", fail)(requestOf({ token, body: "{}" }), context());
    await told("putImageVersion", fail)(requestOf({ token: "writer", body }), context());
    await told("putImageVersion", () => Promise.reject(new Error("ours")))(
      requestOf({ token: "writer", body }),
      context(),
    );
    await told("getImageVersion", fail)(requestOf({ method: "GET", token: "reader" }), context());
    expect(codes).toEqual(["Forbidden", "InvalidRequest", "NotFound"]);
  });

  it("logs an unexpected error whole, and answers without it", async () => {
    const error = new Error("secret", { cause: new Error("deeper secret") });
    const { status, body: problem } = await put({ token: "writer", body }, () =>
      Promise.reject(error),
    );
    expect(status).toBe(500);
    expect(JSON.stringify(problem)).not.toContain("secret");
    const [[level, line] = []] = logged;
    expect(level).toBe("error");
    expect(JSON.parse(String(line))).toEqual({
      message: "PUT answered 500",
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-/u) as string,
      path: PATH,
      "exception.type": "Error",
      "exception.message": "secret",
      "exception.stacktrace": expect.stringContaining("deeper secret") as string,
    });
  });

  it("audits each write and each refusal: who by ids, what, from where, and what became of it", async () => {
    const records = () =>
      logged.splice(0).flatMap(([level, line]) => {
        const { message, traceparent, ...record } = JSON.parse(String(line)) as Record<
          string,
          unknown
        >;
        expect(traceparent).toMatch(/^00-[0-9a-f]{32}-/u);
        return message === "audit" ? [{ level, ...record }] : [];
      });
    const from = { "x-forwarded-for": "198.51.100.9, 203.0.113.7:1025" };
    const write = {
      action: "putImageVersion",
      resourceId: PATH,
      address: "203.0.113.7",
      requestId: "invocation-1",
    };
    const call = async (token: string, more: Partial<Call> = {}) => {
      await put({ token, body, headers: from, ...more });
      return records();
    };
    expect(await call("writer", { url: `${PATH}?ignoreUse=false` })).toEqual([
      {
        level: "information",
        ...write,
        query: "?ignoreUse=false",
        appId: "w",
        outcome: "done",
        status: 202,
        operationId: operation.id,
      },
    ]);
    const refused = { level: "warning", ...write, outcome: "refused" };
    expect(await call("reader")).toEqual([
      { ...refused, appId: "r", status: 403, code: "Forbidden" },
    ]);
    expect(await call("stranger")).toEqual([{ ...refused, status: 401, code: "Unauthenticated" }]);
    const url = `${PATH}?q=${"x".repeat(2_000)}`;
    for (const [token, longest] of [
      ["stranger", 200],
      ["reader", 1_000],
    ] as const)
      expect(await call(token, { url })).toMatchObject([
        { query: `?q=${"x".repeat(longest - 3)}` },
      ]);
    expect(await call("writer", { body: "{" })).toMatchObject([
      { ...refused, appId: "w", status: 400 },
    ]);
    await put({ token: "writer", body }, () => Promise.reject(new Error("ours")));
    expect(records()).toMatchObject([{ outcome: "failed", status: 500, code: "InternalError" }]);
    // Of what is read, only who may not.
    const get = endpoint("getImageVersion", () =>
      Promise.reject(new ServiceError("NotFound", "Gone.")),
    );
    await get(requestOf({ method: "GET", token: "reader" }), context());
    expect(records()).toEqual([]);
    await get(requestOf({ method: "GET", token: "nobody" }), context());
    expect(records()).toMatchObject([
      { action: "getImageVersion", outcome: "refused", status: 403 },
    ]);
    await endpoint("planImageVersion", () => Promise.reject(new ServiceError("NotFound", "Gone.")))(
      requestOf({ method: "POST", token: "writer", body }),
      context(),
    );
    expect(records()).toEqual([]);
  });

  it.each([
    ["admin", { protected: false }, "off"],
    ["admin", { protected: true }, undefined],
    ["admin", {}, undefined],
    // Where a writer says so and is not refused, there was no protection.
    ["writer", { protected: false }, undefined],
  ] as const)("audits that %s sets %j: protection %s", async (token, sigil, off) => {
    await put({
      token,
      body: JSON.stringify({ ...managedImageBody, sigil }),
    });
    expect(JSON.parse(String(logged[0]?.[1]))).toMatchObject({
      message: "audit",
      outcome: "done",
      ...(off && { protection: off }),
    });
    expect(String(logged[0]?.[1]).includes('"protection"')).toBe(off !== undefined);
  });

  it("audits that an approval takes a protection off, and where nobody knows who published it", async () => {
    const approve = endpoint(
      "approveImageVersion",
      ({ body: { reason }, auditPublisherUnknown }) => {
        if (reason === "unknown") auditPublisherUnknown();
        return Promise.resolve({ status: 200, body: { value: [] } });
      },
    );
    for (const reason of ["unknown", "known"])
      await approve(
        requestOf({ method: "POST", token: "approver", body: JSON.stringify({ reason }) }),
        context(),
      );
    const records = logged.map(([, line]) => JSON.parse(String(line)) as object);
    expect(records).toMatchObject([
      { action: "approveImageVersion", protection: "off", publisher: "unknown" },
      { action: "approveImageVersion", protection: "off" },
    ]);
    expect(records[1]).not.toHaveProperty("publisher");
  });

  it("takes the host's traceparent where the caller sends a bad one", async () => {
    let seen: string | undefined;
    const live = endpoint("getLiveness", ({ traceparent }) => {
      seen = traceparent;
      return Promise.resolve({
        status: 200,
        body: { status: "ok", checks: [] },
      });
    });
    const invocation = context();
    invocation.traceContext = { traceParent: TRACEPARENT };
    await live(requestOf({ method: "GET", headers: { traceparent: "nonsense" } }), invocation);
    expect(seen).toBe(TRACEPARENT);
  });

  it("of an operation that the document lacks cannot be made", () => {
    expect(() => endpoint("other" as "getLiveness", () => expect.fail())).toThrow(
      expect.objectContaining({ message: naming(["other"]) }),
    );
  });
});

describe("where a gallery policy is set", () => {
  const refusing = () => expect.fail("the handler was called");
  const guarded = createEndpoint({
    ...edge,
    galleryPolicy: {
      rules: [
        {
          callers: [{ appId: "w" }],
          galleries: [{ subscriptionId: params.subscriptionId, galleryName: "g" }],
        },
      ],
    },
  });
  const id = (gallery: string) =>
    `/subscriptions/${params.subscriptionId}/resourceGroups/rg/providers/Microsoft.Compute/galleries/${gallery}`;

  it("what a rule allows is done", async () => {
    const { status } = await put({ token: "writer", body }, undefined, guarded);
    expect(status).toBe(202);
  });

  it("what no rule allows is 403 and names the gallery, before the body is read", async () => {
    const response = await put(
      {
        token: "writer",
        params: { ...params, galleryName: "other" },
        body: "not JSON",
      },
      refusing,
      guarded,
    );
    expect(response).toMatchObject({
      status: 403,
      body: { code: "Forbidden", target: id("other") },
    });
    expect(response.body.detail).toEqual(naming([id("other")]));
    expect(
      responseMistakes("putImageVersion", 403, "application/problem+json", response.body),
    ).toEqual([]);
  });

  it("a plan needs what its PUT needs", async () => {
    const response = await guarded("planImageVersion", refusing)(
      requestOf({
        method: "POST",
        token: "writer",
        url: `${PATH}/plan`,
        params: { ...params, galleryName: "other" },
        body,
      }),
      context(),
    );
    expect(response.status).toBe(403);
  });

  it.each([
    [params.subscriptionId, 202],
    ["11111111-1111-1111-1111-111111111111", 403],
  ])(
    "the subscription %s of a gallery that may be written to may be prepared: %s",
    async (subscriptionId, status) => {
      const prepare = guarded("prepareSubscription", () => Promise.resolve(accepted));
      const response = await prepare(
        requestOf({
          method: "POST",
          token: "writer",
          url: `/api/subscriptions/${subscriptionId}/prepare`,
          params: { subscriptionId },
        }),
        context(),
      );
      expect(response.status).toBe(status);
    },
  );

  it("a write whose path names no place asks when it knows its target", async () => {
    for (const [gallery, status] of [
      ["g", 202],
      ["other", 403],
    ] as const) {
      const response = await put(
        { token: "writer", body },
        ({ requireMayWrite }) => {
          requireMayWrite(writeTargetOf(`${id(gallery)}/images/i/versions/1.0.0`));
          return Promise.resolve(accepted);
        },
        guarded,
      );
      expect(response.status).toBe(status);
    }
  });

  it("reading needs no rule", async () => {
    const get = guarded("getSubscriptionPreparation", () =>
      Promise.resolve({
        status: 200,
        body: {
          subscriptionId: params.subscriptionId,
          prepared: true,
          registrations: [],
        },
      }),
    );
    const response = await get(requestOf({ method: "GET", token: "reader" }), context());
    expect(response.status).toBe(200);
  });
});

describe("where calls are limited", () => {
  it("one too many without a token that is believed is 429, by the address that the front end has seen", async () => {
    const limited = createEndpoint({
      ...edge,
      rateLimiter: createRateLimiter({
        callsPerMinute: 2,
        now: () => new Date(0),
      }),
    });
    const status = async (from: string | undefined, token?: string) =>
      (
        await put(
          {
            ...(token !== undefined && { token }),
            body,
            ...(from !== undefined && { headers: { "x-forwarded-for": from } }),
          },
          undefined,
          limited,
        )
      ).status;
    expect(await status("203.0.113.7:1025")).toBe(401);
    expect(await status("203.0.113.7:1026", "guess")).toBe(401);
    expect(await status("203.0.113.7:1027", "guess")).toBe(429);
    expect(await status("198.51.100.1, 203.0.113.7:1028")).toBe(429);
    expect(await status("203.0.113.8:1025")).toBe(401);
    expect(await status("[2001:db8::1]:1025")).toBe(401);
    // Who has a token is not kept out by who has none. Where no front end says an address, all are one caller.
    expect(await status("203.0.113.7:1029", "writer")).toBe(202);
    expect(await status(undefined, "a")).toBe(401);
    expect(await status(undefined, "b")).toBe(401);
    expect(await status(undefined, "c")).toBe(429);
  });

  it("a call whose token cannot be checked counts by its address, too: each writes an error", async () => {
    const limited = createEndpoint({
      ...edge,
      authenticator: {
        authenticate: () => Promise.reject(new ServiceError("DependencyUnavailable", "No keys.")),
      },
      rateLimiter: createRateLimiter({
        callsPerMinute: 1,
        now: () => new Date(0),
      }),
    });
    const call = async () => (await put({ token: "writer", body }, undefined, limited)).status;
    expect([await call(), await call()]).toEqual([503, 429]);
  });

  it("what needs no token counts, too", async () => {
    const alive = createEndpoint({
      ...edge,
      rateLimiter: createRateLimiter({
        callsPerMinute: 1,
        now: () => new Date(0),
      }),
    })("getLiveness", () =>
      Promise.resolve({
        status: 200 as const,
        body: { status: "ok", checks: [] },
      }),
    );
    const call = async () =>
      (
        await alive(
          requestOf({
            method: "GET",
            url: "/api/health/live",
            headers: { "x-forwarded-for": "203.0.113.7:1" },
            params: {},
          }),
          context(),
        )
      ).status;
    expect([await call(), await call()]).toEqual([200, 429]);
  });

  it("one too many is 429 with Retry-After, before the role is looked at", async () => {
    const limited = createEndpoint({
      ...edge,
      rateLimiter: createRateLimiter({
        callsPerMinute: 1,
        now: () => new Date(0),
      }),
    });
    for (const status of [403, 429]) {
      const response = await put({ token: "reader", body }, undefined, limited);
      expect(response.status).toBe(status);
      if (status !== 429) continue;
      expect(response.body.code).toBe("TooManyRequests");
      expect(response.body.detail).toEqual(naming(["1"]));
      expect(response.headers["Retry-After"]).toBe("60");
      expect(
        responseMistakes("putImageVersion", 429, "application/problem+json", response.body),
      ).toEqual([]);
    }
    const other = await put({ token: "writer", body }, undefined, limited);
    expect(other.status).toBe(202);
  });
});

describe("where origins are allowed", () => {
  const ORIGIN = "https://portal.example";
  const shared = { ...edge, corsOrigins: [ORIGIN] };
  const preflight = (
    url: string,
    headers: Record<string, string>,
    deps: EndpointDependencies = shared,
  ) =>
    createFallback(deps)(
      requestOf({
        method: "OPTIONS",
        url,
        params: {},
        headers: { "access-control-request-method": "PUT", ...headers },
      }),
      context(),
    );

  it("a preflight is answered with what the path allows", async () => {
    const response = await preflight(PATH, { origin: ORIGIN });
    expect(response).toEqual({
      status: 204,
      headers: {
        ...SECURITY,
        "x-request-id": "invocation-1",
        Vary: "Origin",
        "Access-Control-Allow-Origin": ORIGIN,
        "Access-Control-Expose-Headers": expect.stringContaining("Operation-Location") as string,
        "Access-Control-Allow-Methods": document.allowedMethods(PATH).join(", "),
        "Access-Control-Allow-Headers":
          "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, traceparent",
        "Access-Control-Max-Age": "7200",
      },
      body: undefined,
    });
  });

  it.each([
    ["of another origin", PATH, { origin: "https://evil.example" }, 405],
    ["of no origin", PATH, {}, 405],
    ["of an origin that begins alike", PATH, { origin: `${ORIGIN}.evil` }, 405],
    ["of an origin in another case", PATH, { origin: "https://PORTAL.example" }, 405],
    ["of the origin null", PATH, { origin: "null" }, 405],
    ["for no path", "/api/nothing", { origin: ORIGIN }, 404],
  ])("a preflight %s is none", async (_, url, headers, status) => {
    const response = await preflight(url, headers);
    expect(response.status).toBe(status);
    const names = Object.keys(response.headers ?? {});
    expect(names).not.toContain("Access-Control-Allow-Methods");
    if (status === 405) expect(names).not.toContain("Access-Control-Allow-Origin");
  });

  it("answers and refusals may be read by a page of that origin alone", async () => {
    const make = createEndpoint(shared);
    for (const token of ["writer", "unknown"]) {
      const ours = await put({ token, body, headers: { origin: ORIGIN } }, undefined, make);
      expect(ours.headers).toMatchObject({
        "Access-Control-Allow-Origin": ORIGIN,
        Vary: "Origin",
      });
      const theirs = await put(
        { token, body, headers: { origin: "https://evil.example" } },
        undefined,
        make,
      );
      expect(theirs.headers["Vary"]).toBe("Origin");
      expect(theirs.headers).not.toHaveProperty("Access-Control-Allow-Origin");
    }
  });

  it("without any, nothing is said of origins", async () => {
    const response = await preflight(PATH, { origin: ORIGIN }, edge);
    expect(response.status).toBe(405);
    expect(Object.keys(response.headers ?? {}).join()).not.toMatch(/access-control|vary/iu);
  });
});

describe("the fallback", () => {
  const fallback = createFallback({ document });
  const call = async (method: string, url: string) =>
    read(await fallback(requestOf({ method, url, params: {} }), context()));

  it.each([
    ["HEAD", PATH, document.allowedMethods(PATH).join(", ")],
    ["OPTIONS", `${PATH}?x=1`, document.allowedMethods(PATH).join(", ")],
    ["POST", "/api/operations", "GET"],
    ["PUT", "/api/health/live", "GET"],
  ])("answers %s %s with 405 and Allow", async (method, url, allow) => {
    const { status, headers, body } = await call(method, url);
    expect([status, body.code]).toEqual([405, "MethodNotAllowed"]);
    expect(headers["Allow"]).toBe(allow);
    expect(body.detail).toEqual(naming([method, allow]));
  });

  it.each([
    ["GET", "/api/nothing"],
    ["DELETE", "/api/nothing"],
    ["GET", `${PATH}/..%2f..`],
    ["GET", "/api/"],
  ])("answers %s %s with 404", async (method, url) => {
    const { status, body } = await call(method, url);
    expect([status, body.code]).toEqual([404, "NotFound"]);
  });

  it.each(["", "/providers/Microsoft.Compute"])(
    "answers the path of an image definition%s with that of its versions",
    async (provider) => {
      const path = `/api/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg${provider}/galleries/g/images/i`;
      const { status, body } = await call("GET", path);
      expect(status).toBe(404);
      expect(body.detail).toEqual(naming([path]));
    },
  );
});
