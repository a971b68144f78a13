import { once } from "node:events";
import {
  Agent,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { ManualClock } from "@sigil-local/clock";
import { answerCalls, gate, nextCall, startHost, type RunningHost } from "./running-host.js";

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly params: Record<string, string>;
  readonly query: Record<string, string>;
  readonly headers: Record<string, string>;
  readonly base64: string;
}

async function echo({ fetch }: RunningHost, path: string, init?: RequestInit): Promise<Echo> {
  const response = await fetch(path, init);
  expect(response.status).toBe(200);
  return (await response.json()) as Echo;
}

async function respondWith(running: RunningHost, answer: unknown): Promise<Response> {
  answerCalls((call) => {
    if (call.name === "respond") call.answer = answer;
  });
  return running.fetch("/api/respond", { method: "POST" });
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a target as it is, which fetch would not. */
async function send(
  port: number,
  path: string,
  headers: OutgoingHttpHeaders = {},
  method = "GET",
): Promise<Answer> {
  const outgoing = request({ host: "127.0.0.1", port, path, headers, method });
  const [response] = (await once(outgoing.end(), "response")) as [IncomingMessage];
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: (await response.toArray()).join(""),
  };
}

/** Sends a body without a content-length. */
function sendChunked(
  port: number,
  path: string,
  chunks: Iterable<Buffer>,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, path, method: "POST", host: "127.0.0.1" }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.on("error", reject);
    for (const chunk of chunks) outgoing.write(chunk);
    outgoing.end();
  });
}

describe("an HTTP request", () => {
  it("reaches the function with its method, URL, query, headers and route values", async () => {
    const running = await startHost("app");
    const seen = await echo(running, "/api/echo/a%20b/c%2Fd?x=1&X=2&empty=&y=%C3%A5", {
      method: "PATCH",
      headers: { "X-Custom": "one" },
      body: "{}",
    });
    expect(seen.method).toBe("PATCH");
    expect(seen.url).toBe(
      `http://127.0.0.1:${running.host.port}/api/echo/a%20b/c%2Fd?x=1&X=2&empty=&y=%C3%A5`,
    );
    expect(seen.params).toEqual({ path: "a b/c%2Fd" });
    expect(seen.query).toEqual({ x: "1,2", empty: "", y: "å" });
    expect(seen.headers["x-custom"]).toBe("one");
  });

  it.each([
    ["/api/echo/%41%7e", "/api/echo/A~", "A~"],
    ["/api/echo/a%2541", "/api/echo/a%41", "a%41"],
    ["/api/echo/%zz%2F%ff", "/api/echo/%25zz%2F%ff", "%zz%2F%ff"],
    ["/api/echo/%c3%a9%c0%80", "/api/echo/%C3%A9%c0%80", "é%c0%80"],
    ["/api/echo/[x]\\y%5c", "/api/echo/%5Bx%5D%5Cy%5C", "[x]\\y\\"],
    ["/api/echo/x/../a/%2e/b/", "/api/echo/a/b/", "a/b/"],
    ["/api/x/%2e%2e/echo/a?%7e=../x", "/api/echo/a?%7e=../x", "a"],
  ])("%s is %s to the function", async (sent, url, path) => {
    const { host } = await startHost("app");
    const { status, body } = await send(host.port, sent);
    expect(status).toBe(200);
    const seen = JSON.parse(body) as Echo;
    expect(seen.url).toBe(`http://127.0.0.1:${host.port}${url}`);
    expect(seen.params).toEqual({ path });
  });

  it("has header values in UTF-8, and none beyond Latin-1, as @azure/functions takes none", async () => {
    const { host } = await startHost("app");
    const withHeader = (bytes: string): ReturnType<typeof send> =>
      send(host.port, "/api/echo/", { "x-name": bytes });
    const seen = JSON.parse((await withHeader("caf\u00c3\u00a9")).body) as Echo;
    expect(seen.headers["x-name"]).toBe("café");
    expect((await withHeader("\u00e2\u0098\u0083")).status).toBe(500);
    expect((await withHeader("caf\u00e9")).status).toBe(400);
  });

  it.each([
    [414, `/api/echo/?${"x".repeat(8192)}`, {}],
    [431, "/api/echo/", Object.fromEntries([...Array(101).keys()].map((i) => [`x-${i}`, "1"]))],
    [431, "/api/echo/", { "x-long": "x".repeat(32_768) }],
    [400, "/api/echo/%00", {}],
    [400, "/api/echo/", { host: "user@localhost" }],
    [400, "/api/echo/", { host: "localhost:" }],
  ])("is refused with %i, as Kestrel does", async (refusal, path, headers) => {
    const { host } = await startHost("app");
    const { status, body } = await send(host.port, path, headers);
    expect([status, body]).toEqual([refusal, ""]);
  });

  it("passes the bytes of the body on untouched", async () => {
    const running = await startHost("app");
    const bytes = Buffer.from([0, 255, 0xef, 0xbb, 0xbf, 10, 13, 200]);
    const seen = await echo(running, "/api/echo/", {
      method: "POST",
      body: bytes,
      headers: { "content-type": "application/json" },
    });
    expect(seen.base64).toBe(bytes.toString("base64"));
  });

  it("loses the body of a chunked request, as in Azure, and says so once", async () => {
    const { host, log } = await startHost("app");
    for (let time = 0; time < 2; time += 1) {
      const { status, body } = await sendChunked(host.port, "/api/echo/", [Buffer.from("lost")]);
      expect(status).toBe(200);
      expect((JSON.parse(body) as Echo).base64).toBe("");
    }
    const warnings = log.filter(({ level }) => level === "warning");
    expect(warnings.map(({ message }) => message)).toEqual([
      "a chunked request was passed on without its body, as Azure Functions does; send a content-length",
    ]);
  });

  it("of more than 100 MB is refused with 413, whether or not it says its length", async () => {
    const { host, fetch } = await startHost("app");
    const megabyte = Buffer.alloc(1_048_576);
    const chunked = await sendChunked(
      host.port,
      "/api/echo/",
      (function* () {
        for (let sent = 0; sent <= 100; sent += 1) yield megabyte;
      })(),
    ).catch((error: NodeJS.ErrnoException) => error.code);
    // The refusal may overtake the body: then the connection is cut while the client still writes.
    expect([413, "EPIPE", "ECONNRESET"]).toContain(
      typeof chunked === "object" ? chunked.status : chunked,
    );
    const declared = await new Promise<number>((resolve, reject) => {
      const outgoing = request(
        {
          port: host.port,
          host: "127.0.0.1",
          path: "/api/echo/",
          method: "POST",
          headers: { "content-length": 104_857_601 },
        },
        (response) => {
          resolve(response.statusCode ?? 0);
          outgoing.destroy();
        },
      );
      outgoing.on("error", reject);
      outgoing.flushHeaders();
    });
    expect(declared).toBe(413);
    expect((await fetch("/api/echo/")).status).toBe(200);
  });

  it("continues the caller's trace in a span of its own", async () => {
    const running = await startHost("app");
    const called = nextCall("respond", () => ({ status: 200 }));
    await running.fetch("/api/respond", {
      method: "POST",
      headers: {
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      },
    });
    const { context } = await called;
    expect(context.traceContext?.traceParent).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[\da-f]{16}-01$/u,
    );
  });
});

describe("routing", () => {
  it.each([
    ["/api/things/new", "thingsNew", {}],
    ["/api/THINGS/New/", "thingsNew", {}],
    ["/api/things/42", "thingsInt", { id: "42" }],
    ["/api/things/42000000000", "thingsName", { name: "42000000000" }],
    ["/api/things/old", "thingsName", { name: "old" }],
    ["/api/things/a/b/c", "thingsRest", { rest: "a/b/c" }],
    ["/api/things", "thingsRest", {}],
    ["/api/files", "files", {}],
    ["/api/files/x.txt", "files", { name: "x.txt" }],
    ["/api/versions/1.0.12", "version", { versionName: "1.0.12" }],
    ["/api", "root", {}],
  ])("%s goes to %s", async (path, name, params) => {
    const { fetch } = await startHost("app");
    const response = await fetch(path);
    expect(await response.json()).toEqual({ name, params });
  });

  it.each([
    ["GET", "/api/nothing"],
    ["GET", "/echo/x"],
    ["GET", "/api/files/a/b"],
    ["GET", "/api/versions/1.0"],
    ["DELETE", "/api/things/new"],
    ["GET", "/api/disabled-one"],
  ])("answers %s %s with 404 and an empty body", async (method, path) => {
    const { fetch } = await startHost("app");
    const response = await fetch(path, { method });
    expect(response.status).toBe(404);
    expect(await response.text()).toBe("");
  });

  it("uses the function's name where it gives no route, and the prefix of host.json", async () => {
    const { fetch, host } = await startHost("app", {
      environment: {
        AzureFunctionsJobHost__extensions__http__routePrefix: "v2/images",
      },
    });
    const response = await fetch("/v2/images/unnamed-route");
    expect(await response.text()).toBe("by its name");
    expect((await fetch("/api/unnamed-route")).status).toBe(404);
    expect(host.functions.find(({ name }) => name === "thingsInt")).toMatchObject({
      trigger: "http",
      route: "/v2/images/things/{id:int}",
      methods: ["GET"],
    });
  });
});

describe("a response", () => {
  it("carries status, headers, cookies and body", async () => {
    const running = await startHost("app");
    const response = await respondWith(running, {
      status: 201,
      headers: { location: "/elsewhere", "x-two": "2" },
      cookies: [
        { name: "a", value: "1 2", sameSite: "Strict", httpOnly: true },
        { name: "b", value: "2", path: "/api", maxAge: 60, secure: true },
      ],
      jsonBody: { made: true },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe("/elsewhere");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.getSetCookie()).toEqual([
      "a=1%202; path=/; samesite=strict; httponly",
      "b=2; max-age=60; path=/api; secure",
    ]);
    expect(await response.json()).toEqual({ made: true });
  });

  it("is sent in chunks unless the function has said its length, and has no empty header", async () => {
    const running = await startHost("app");
    const { headers } = await respondWith(running, {
      headers: { "x-empty": "", "x-full": "1" },
      body: "ok",
    });
    expect(headers.get("transfer-encoding")).toBe("chunked");
    expect(headers.has("content-length")).toBe(false);
    expect([headers.has("x-empty"), headers.get("x-full")]).toEqual([false, "1"]);
    const said = await respondWith(running, {
      headers: { "content-length": "2" },
      body: "ok",
    });
    expect(said.headers.get("content-length")).toBe("2");
    const empty = await respondWith(running, { status: 200 });
    expect(empty.headers.get("content-length")).toBe("0");
  });

  it("to a HEAD has neither a body nor its length", async () => {
    const { host } = await startHost("app");
    const { status, headers, body } = await send(host.port, "/api/echo/", {}, "HEAD");
    expect([status, body]).toEqual([200, ""]);
    expect(headers["content-type"]).toBe("application/json");
    expect(headers["content-length"]).toBeUndefined();
    expect(headers["transfer-encoding"]).toBeUndefined();
  });

  it("is the bytes the function returned", async () => {
    const running = await startHost("app");
    const body = Buffer.from([0, 1, 254, 255]);
    const response = await respondWith(running, { body });
    expect(Buffer.from(await response.arrayBuffer())).toEqual(body);
  });

  it("is 204 with an empty body where the function returned nothing", async () => {
    const running = await startHost("app");
    const response = await respondWith(running, undefined);
    expect(response.status).toBe(204);
    expect(await response.text()).toBe("");
  });

  it("is 500 with an empty body where the function threw, and the log has the error", async () => {
    const running = await startHost("app");
    const response = await respondWith(running, () => {
      throw new Error("no such luck");
    });
    expect(response.status).toBe(500);
    expect(await response.text()).toBe("");
    const failure = running.log.find(({ level }) => level === "error");
    expect(failure?.category).toBe("Function.respond");
    expect(failure?.message).toMatch(
      /^Executed 'Functions\.respond' \(Failed, Id=.*Error: no such luck/su,
    );
  });

  it("is 500 once functionTimeout has passed", async () => {
    const clock = new ManualClock();
    const running = await startHost("app", { clock });
    const hanging = gate();
    const called = nextCall("respond", () => hanging.opened);
    const pending = running.fetch("/api/respond", { method: "POST" });
    await called;
    clock.advance(5 * 60_000);
    const response = await pending;
    expect(response.status).toBe(500);
    expect(running.log.find(({ level }) => level === "error")?.message).toContain(
      "Timeout value of 300000 ms was exceeded by function: Functions.respond",
    );
    hanging.open();
  });
});

describe("hooks", () => {
  it("run around an invocation, and may change its inputs and its result", async () => {
    const running = await startHost("app");
    answerCalls((call) => {
      if (call.name === "preInvocation")
        call.answer = () => {
          const hook = call.input as { inputs: unknown[] };
          hook.inputs = ["changed"];
        };
      if (call.name === "respond") call.answer = { body: String(call.input) };
      if (call.name === "postInvocation")
        call.answer = () => {
          const hook = call.input as { result: object };
          hook.result = { ...hook.result, status: 202 };
        };
    });
    const response = await running.fetch("/api/respond", { method: "POST" });
    expect(response.status).toBe(202);
    expect(await response.text()).toBe("changed");
  });

  it("may swallow the error of a function", async () => {
    const running = await startHost("app");
    answerCalls((call) => {
      if (call.name === "postInvocation")
        call.answer = () => {
          const hook = call.input as { error: unknown; result: unknown };
          hook.error = null;
          hook.result = { status: 418 };
        };
    });
    const response = await respondWith(running, () => {
      throw new Error("handled by a hook");
    });
    expect(response.status).toBe(418);
  });

  it("run when the app starts and ends", async () => {
    const names: string[] = [];
    answerCalls(({ name }) => names.push(name));
    const { host } = await startHost("app", { clock: new ManualClock() });
    expect(names[0]).toBe("appStart");
    await Promise.all([host.drain(), host.drain()]);
    expect(names.filter((name) => name === "appTerminate")).toHaveLength(1);
  });
});

describe("a log entry of a function", () => {
  it("goes by the level of host.json for its category, through the log hooks", async () => {
    const running = await startHost("app");
    answerCalls(({ name, context }) => {
      if (name !== "respond") return;
      context.log("read %d", 7);
      context.debug("let through for this function");
      context.log("secret key");
    });
    await running.fetch("/api/respond", { method: "POST" });
    const user = running.log.filter(({ category }) => category === "Function.respond.User");
    expect(user.map(({ level, message }) => `${level} ${message}`)).toEqual([
      "information read 7",
      "debug let through for this function",
      "information hidden",
    ]);
    expect(new Set(user.map(({ invocationId }) => invocationId)).size).toBe(1);
  });
});

it("closes no connection that a client keeps idle", async () => {
  const running = await startHost("app");
  const { headers } = await respondWith(running, {});
  expect(headers.get("connection")).toBe("keep-alive");
  // `timeout=5` would say when.
  expect(headers.get("keep-alive")).toBeNull();
});

describe("draining", () => {
  it("answers requests under way and takes no new ones", async () => {
    const running = await startHost("app");
    const answer = gate<object>();
    const called = nextCall("respond", () => answer.opened);
    const pending = running.fetch("/api/respond", { method: "POST" });
    await called;
    const drained = running.host.drain();
    await expect(running.fetch("/api/unnamed-route")).rejects.toThrow();
    answer.open({ body: "late but whole" });
    expect(await (await pending).text()).toBe("late but whole");
    await drained;
  });

  it("waits for no connection that a client keeps", async () => {
    const { host } = await startHost("app");
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const failing = gate();
    const called = nextCall("respond", () => async () => {
      await failing.opened;
      throw new Error("fails");
    });
    const options = { agent, host: "127.0.0.1", port: host.port };
    const pending = once(
      request({ ...options, path: "/api/respond", method: "POST" }).end(),
      "response",
    ) as Promise<[IncomingMessage]>;
    await called;
    const drained = host.drain();
    failing.open();
    const [response] = await pending;
    expect(response.statusCode).toBe(500);
    response.resume();
    await drained;
  });

  it("leaves behind what runs beyond the limit", async () => {
    const running = await startHost("app", { drainTimeoutMs: 1000 });
    const hanging = gate();
    const called = nextCall("respond", () => hanging.opened);
    const pending = running.fetch("/api/respond", { method: "POST" });
    await called;
    const drained = running.host.drain();
    running.clock.advance(1000);
    await drained;
    await expect(pending).rejects.toThrow();
    expect(running.log.at(-1)?.message).toContain("invocations still run after 1000 ms");
    hanging.open();
  });
});
