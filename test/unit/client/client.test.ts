import { build } from "esbuild";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  ConflictError,
  ConnectionError,
  createClient,
  entries,
  imageVersionPath,
  isEvent,
  InvalidRequestError,
  NotFoundError,
  OperationCanceledError,
  OperationFailedError,
  PreconditionFailedError,
  ProblemError,
  SigilError,
  UnavailableError,
  waitUntilReady,
  type Client,
  type Operation,
} from "../../../src/client/src/client.js";
import { naming } from "../../support/naming.js";

const PATH = {
  subscriptionId: "s",
  resourceGroupName: "g",
  galleryName: "y",
  imageName: "i i",
  versionName: "1.0.0",
};

interface Sent {
  readonly url: string;
  readonly init: RequestInit & { readonly headers: Record<string, string> };
}
type Answer = Response | Error | ((sent: Sent) => Response);

/** A client whose requests are answered one after the other, the last answer again and again. */
function client(...answers: readonly Answer[]): {
  readonly client: Client;
  readonly sent: Sent[];
  readonly slept: number[];
} {
  const sent: Sent[] = [];
  const slept: number[] = [];
  let tokens = 0;
  return {
    sent,
    slept,
    client: createClient({
      endpoint: "https://sigil.example/api/",
      token: () => `token-${(tokens += 1)}`,
      sleep: (ms) => Promise.resolve(void slept.push(ms)),
      fetch: (url, init) => {
        const request = { url: url as string, init } as Sent;
        const answer = answers[Math.min(sent.push(request), answers.length) - 1];
        init?.signal?.throwIfAborted();
        if (answer instanceof Error) return Promise.reject(answer);
        return Promise.resolve(
          typeof answer === "function" ? answer(request) : (answer as Response).clone(),
        );
      },
    }),
  };
}
const lost = new TypeError("fetch failed", { cause: new Error("ECONNRESET") });
const problem = (status: number, more = {}, headers = {}): Response =>
  Response.json({ title: "T", detail: "D", code: "C", errors: [], ...more }, { status, headers });
const operation = (status: string, lastUpdatedTime = status): Operation =>
  ({ id: "op", status, lastUpdatedTime, regions: [] }) as unknown as Operation;

describe("a call", () => {
  it.each([".", ".."])("names nothing %s: that would be another address", async (name) => {
    const { client: api, sent } = client(Response.json({}));
    await expect(
      api.call("deleteImageVersion", {
        path: { ...PATH, imageName: name },
        header: {},
      }),
    ).rejects.toThrow(InvalidRequestError);
    expect(sent).toEqual([]);
  });

  it("follows no redirection: what is behind it is not Sigil", async () => {
    const { client: api, sent } = client(
      new Response(null, {
        status: 302,
        headers: { Location: "https://login.example" },
      }),
    );
    await expect(api.call("getOperation", { path: { operationId: "op" } })).rejects.toThrow("302");
    expect(sent).toMatchObject([{ init: { redirect: "manual" } }]);
  });

  it.each(["null", "1", '"<html>"', "[]"])(
    "that is answered with %s was answered by somebody else",
    async (text) => {
      const { client: api } = client(new Response(text));
      await expect(api.call("getOperation", { path: { operationId: "op" } })).rejects.toThrow(
        "not as Sigil does",
      );
    },
  );

  it("has the path, query, headers and body that the document says", async () => {
    const { client: api, sent } = client(Response.json(operation("NotStarted"), { status: 202 }));
    const answer = await api.call("patchImageVersion", {
      path: PATH,
      query: { removeRegions: "eastus2,westus" },
      header: { "If-Match": '"1"' },
      body: { tags: { a: null } },
    });
    expect(answer.status).toBe(202);
    expect(sent[0]?.url).toBe(
      "https://sigil.example/api/subscriptions/s/resourceGroups/g/galleries/y/images/i%20i/versions/1.0.0?removeRegions=eastus2%2Cwestus",
    );
    expect(sent[0]?.init).toMatchObject({
      method: "PATCH",
      body: '{"tags":{"a":null}}',
      headers: {
        Authorization: "Bearer token-1",
        "Content-Type": "application/merge-patch+json",
        "If-Match": '"1"',
      },
    });
    await expect(api.call("getOperation", { path: { operationId: "" } })).rejects.toThrow(
      TypeError,
    );
  });

  it("is sent again with the same key and a fresh token, after the time that the service says", async () => {
    const {
      client: api,
      sent,
      slept,
    } = client(
      lost,
      problem(429, {}, { "Retry-After": "7" }),
      problem(503),
      Response.json(operation("NotStarted"), { status: 202 }),
    );
    await api.call("promoteImageVersion", { path: PATH });
    expect(slept).toEqual([500, 7000, 2000]);
    expect(new Set(sent.map(({ init }) => init.headers["Idempotency-Key"])).size).toBe(1);
    expect(sent.map(({ init }) => init.headers["Authorization"])).toEqual(
      [1, 2, 3, 4].map((n) => `Bearer token-${n}`),
    );
  });

  it.each([
    new TypeError("Load failed"), // Safari
    new TypeError("NetworkError when attempting to fetch resource."), // Firefox
    new DOMException("The operation timed out.", "TimeoutError"),
  ])("is sent again after: %s", async (error) => {
    const { client: api, sent } = client(error, Response.json({ value: [] }));
    await api.call("listOperations", {});
    expect(sent).toHaveLength(2);
  });

  it("that is never answered is given up", async () => {
    const timeout = vi.spyOn(AbortSignal, "timeout");
    onTestFinished(() => timeout.mockRestore());
    timeout.mockImplementation((ms) =>
      AbortSignal.abort(new DOMException(String(ms), "TimeoutError")),
    );
    const api = createClient({
      endpoint: "https://sigil.example",
      timeoutMs: 20_000,
      attempts: 1,
      fetch: (_, init) => Promise.reject(init?.signal?.reason as Error),
    });
    await expect(api.call("listOperations", {})).rejects.toThrow(
      new ConnectionError("https://sigil.example has not answered in 20 s."),
    );
    expect(timeout.mock.calls).toEqual([[20_000]]);
  });

  it("is not sent again where the caller cannot say who it is", async () => {
    const api = createClient({
      endpoint: "https://sigil.example",
      token: () => Promise.reject(new TypeError("nobody")),
      fetch: () => Promise.reject(new Error("nothing is to be sent")),
    });
    await expect(api.call("listOperations", {})).rejects.toThrow("nobody");
  });

  it("gives up after five attempts, and at once where it would have to wait for long", async () => {
    const five = client(lost);
    const error = await five.client.call("listOperations", {}).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as Error).message).toEqual(naming(["https://sigil.example", "ECONNRESET"]));
    expect(five.sent).toHaveLength(5);
    const long = client(problem(429, {}, { "Retry-After": "3600" }));
    const refused = await long.client.call("listOperations", {}).catch((each: unknown) => each);
    expect(refused).toBeInstanceOf(UnavailableError);
    expect((refused as UnavailableError).retryAfterMs).toBe(3_600_000);
    expect(long.sent).toHaveLength(1);
  });

  it.each([
    [400, InvalidRequestError],
    [404, NotFoundError],
    [409, ConflictError],
    [412, PreconditionFailedError],
    [418, ProblemError],
    [500, UnavailableError],
  ])(
    "that is answered with %i throws a class of its own, and is not repeated",
    async (status, Class) => {
      const { client: api, sent } = client(
        problem(status, { etag: '"2"' }, { "x-request-id": "r" }),
      );
      const error = await api.call("listOperations", {}).catch((each: unknown) => each);
      expect(error).toBeInstanceOf(Class);
      expect(error).toBeInstanceOf(SigilError);
      expect(error).toMatchObject({
        status,
        code: "C",
        message: "D",
        requestId: "r",
        errors: [],
      });
      if (error instanceof PreconditionFailedError) expect(error.etag).toBe('"2"');
      expect(sent).toHaveLength(1);
    },
  );

  it("says so where something in between has answered", async () => {
    const { client: api } = client(new Response("<html>", { status: 407 }));
    await expect(api.call("listOperations", {})).rejects.toThrow("407");
    const portal = client(new Response("<html>", { status: 200 }));
    await expect(portal.client.call("listOperations", {})).rejects.toThrow("200");
  });
});

describe("waiting", () => {
  it("follows an operation through what is lost on the way, and tells each change once", async () => {
    const { client: api, sent } = client(
      Response.json(operation("Running")),
      Response.json(operation("Running")),
      lost,
      ...Array.from({ length: 4 }, () => lost),
      Response.json(operation("Succeeded")),
    );
    const seen: string[] = [];
    const away: string[] = [];
    const end = await waitUntilReady(api, operation("NotStarted"), {
      sleep: () => Promise.resolve(),
      onProgress: ({ status }) => seen.push(status),
      onUnavailable: ({ message }) => away.push(message),
    });
    expect(end.status).toBe("Succeeded");
    expect(seen).toEqual(["NotStarted", "Running", "Succeeded"]);
    expect(away).toHaveLength(1);
    expect(sent[0]?.url).toBe("https://sigil.example/api/operations/op");
  });

  it("reads at once, and then comes again when it is told to", async () => {
    const after = (seconds: string) =>
      Response.json(operation("Running"), {
        headers: { "Retry-After": seconds },
      });
    const { client: api, sent } = client(
      after("5"),
      after("152"),
      Response.json(operation("Running")),
      Response.json(operation("Succeeded")),
    );
    const pauses: [number, number][] = [];
    const sleep = (ms: number) => {
      pauses.push([sent.length, ms]);
      return Promise.resolve();
    };
    await waitUntilReady(api, "op", { sleep });
    expect(sent.map(({ url }) => new URL(url).search)).toEqual(Array(4).fill(""));
    expect(pauses).toEqual([
      [1, 5_000],
      [2, 152_000],
      [3, 15_000],
    ]);
  });

  it.each([
    ["Failed", OperationFailedError],
    ["Canceled", OperationCanceledError],
  ])("throws where it is %s", async (status, Class) => {
    const { client: api, sent } = client(Response.json(operation(status)));
    await expect(waitUntilReady(api, "op")).rejects.toThrow(Class);
    expect(sent).toHaveLength(1);
  });

  it("ends with the signal's reason, and asks no more", async () => {
    const stop = new AbortController();
    const { client: api, sent } = client(() => {
      stop.abort(new Error("enough"));
      return Response.json(operation("Running"));
    });
    await expect(waitUntilReady(api, "op", { signal: stop.signal })).rejects.toThrow("enough");
    expect(sent).toHaveLength(1);
  });
});

it("an event is what its type says", () => {
  const body: unknown = {
    specversion: "1.0",
    type: "Sigil.ImageVersion.RegionCompleted",
    data: { operationId: "op", region: "westus" },
  };
  expect(isEvent(body, "Sigil.ImageVersion.Accepted")).toBe(false);
  if (!isEvent(body, "Sigil.ImageVersion.RegionCompleted")) throw new Error("is one");
  // The compiler knows the data of it.
  expect(body.data.region).toBe("westus");
  expect(isEvent("text", "Sigil.ImageVersion.Accepted")).toBe(false);
});

it("is bundled for a browser: nothing of it is Node.js's alone", async () => {
  const { errors, outputFiles } = await build({
    entryPoints: ["src/client/src/client.ts"],
    bundle: true,
    platform: "browser",
    format: "esm",
    minify: true,
    write: false,
  });
  expect(errors).toEqual([]);
  expect(outputFiles[0]?.contents.length).toBeLessThan(16_384);
});

it("entries come page after page", async () => {
  const { client: api, sent } = client(
    Response.json({ value: [operation("Running")], continuationToken: "next" }),
    Response.json({ value: [operation("Failed")] }),
  );
  const all = [];
  for await (const { status } of entries(api, "listOperations", {
    query: { top: 1 },
  }))
    all.push(status);
  expect(all).toEqual(["Running", "Failed"]);
  expect(sent[1]?.url).toBe("https://sigil.example/api/operations?top=1&continuationToken=next");
});

it("a version's id has its path parameters, and no other id has", () => {
  const id =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/y/images/i i/versions/1.0.0";
  expect({ ...imageVersionPath(id) }).toEqual(PATH);
  expect(imageVersionPath("/subscriptions/s")).toBeUndefined();
});
