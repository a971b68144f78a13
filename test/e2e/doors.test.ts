import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { LOCAL_TENANT_ID } from "@sigil-local/token-issuer";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import {
  createApiClient,
  pathOf,
  type ApiClient,
  type Operation,
  type Problem,
} from "../support/api-client.js";
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import { managedImageRequest, seedResource, seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";

const WRITER = "00000000-0000-4000-8000-000000000001";
const STRANGER = "00000000-0000-4000-8000-000000000002";
const ORIGIN = "https://portal.example";
const CALLS_PER_MINUTE = 120;
/** A host that no part of the stack has: `.invalid` never resolves (RFC 2606). */
const EVIL = "evil.invalid";

/** Loaded into the host's process before all else: prints where each connection that it opens goes. */
const WATCH_CONNECTIONS = `
  import net from "node:net";
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...args) {
    const options = (Array.isArray(args[0]) ? args[0] : args)[0];
    process.stdout.write("connects to " + options.host + ":" + options.port + "\\n");
    return connect.apply(this, args);
  };`;

let stack: Stack;
let host: HostProcess;
let api: ApiClient;
let writerToken: string;
const connections = new Set<string>();

beforeAll(async () => {
  stack = await Stack.start({
    settings: {
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(WATCH_CONNECTIONS)}`,
      SIGIL_TOKEN_TENANT: LOCAL_TENANT_ID,
      SIGIL_RATE_LIMIT_PER_MINUTE: String(CALLS_PER_MINUTE),
      SIGIL_CORS_ORIGINS: ORIGIN,
      SIGIL_GALLERY_POLICY: JSON.stringify({
        rules: [
          {
            callers: [
              { appId: WRITER },
              { role: "Images.Linux" },
              { queue: "image-version-requests" },
            ],
            galleries: [
              {
                subscriptionId: LOCAL_SUBSCRIPTION_ID,
                resourceGroupName: "my*",
                galleryName: "MyGallery",
              },
            ],
            sources: [{ subscriptionId: LOCAL_SUBSCRIPTION_ID, name: "my*" }],
            diskEncryptionSets: [{ subscriptionId: LOCAL_SUBSCRIPTION_ID }],
          },
          {
            callers: [{ role: "Images.AnySource" }],
            galleries: [{ subscriptionId: LOCAL_SUBSCRIPTION_ID }],
          },
        ],
      }),
    },
  });
  host = await stack.startHost((line) => {
    const to = /^connects to (\S+)$/u.exec(line)?.[1];
    if (to !== undefined) connections.add(to);
  });
  writerToken = await tokenOf(WRITER);
  api = createApiClient(host.origin, writerToken);
});
afterAll(() => stack.close());

type Claims = Parameters<NonNullable<Stack["services"]["tokenIssuer"]>["issueToken"]>[0];

async function tokenOf(
  appId: string,
  claims: Claims = { roles: ["ImageVersions.Write"] },
): Promise<string> {
  const token = await stack.services.tokenIssuer?.issueToken({
    appId,
    ...claims,
  });
  return token ?? "";
}

/** Each with a bucket of calls of its own. */
let nextCaller = 0x10;
async function freshCaller(role = "Images.Linux"): Promise<ApiClient> {
  const appId = `00000000-0000-4000-8000-${(nextCaller++).toString(16).padStart(12, "0")}`;
  return createApiClient(
    host.origin,
    await tokenOf(appId, { roles: ["ImageVersions.Write", role] }),
  );
}

interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends bytes as they are: clients that are polite mend a path before they send it. */
async function raw(
  lines: readonly string[],
  { token = writerToken, body = "" } = {},
): Promise<RawAnswer> {
  const socket = connect(Number(new URL(host.origin).port), "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => (text += chunk));
  socket.on("error", () => undefined); // A host that has answered may cut what is still being sent.
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.write(
    [
      ...lines,
      `Authorization: Bearer ${token}`,
      "Connection: close",
      ...(body === ""
        ? []
        : ["Content-Type: application/json", `Content-Length: ${Buffer.byteLength(body)}`]),
      "",
      body,
    ].join("\r\n"),
    "latin1",
  );
  await closed;
  const [head = "", ...rest] = text.split("\r\n\r\n");
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/u.exec(head)?.[1] ?? 0),
    head,
    // One chunk, and the end of chunks.
    body: rest.join("\r\n\r\n").replaceAll(/^[\da-f]+\r\n|\r\n0\r\n\r\n$/gu, ""),
  };
}

describe("a token that is not good for this API is refused with 401:", () => {
  it.each<[string, Claims, string]>([
    ["expired", { expiresInSeconds: -120 }, "The token has expired."],
    ["not valid yet", { notBeforeInSeconds: 120 }, "not valid yet"],
    ["of another audience", { audience: "api://other" }, "another audience"],
    ["of another tenant", { tenantId: "99999999-2222-4333-8444-555555555555" }, "another tenant"],
    ["of another issuer", { issuer: `https://${EVIL}/v2.0` }, "another issuer"],
  ])("%s", async (_, claims, reason) => {
    const token = await tokenOf(WRITER, {
      roles: ["ImageVersions.Write"],
      ...claims,
    });
    const { status, head, body } = await raw(["GET /api/operations HTTP/1.1", "Host: localhost"], {
      token,
    });
    expect(status).toBe(401);
    expect(head).toMatch(
      new RegExp(
        `^WWW-Authenticate: Bearer realm="sigil", error="invalid_token", error_description="[^"]*${reason}`,
        "imu",
      ),
    );
    for (const part of token.split(".")) expect(head + body).not.toContain(part);
  });

  it("absent", async () => {
    const { status, headers } = await api.request("GET", "/operations", {
      authorized: false,
    });
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toBe('Bearer realm="sigil"');
  });
});

describe("a person's token", () => {
  it("with the scope ImageVersions.Read reads and does not write", async () => {
    const person = createApiClient(
      host.origin,
      await tokenOf(WRITER, {
        roles: ["ImageVersions.Write"],
        extraClaims: { scp: "openid ImageVersions.Read" },
      }),
    );
    expect((await person.request("GET", "/operations")).status).toBe(200);
    const put = await person.put(seedVersionId("9.0.0"), managedImageRequest());
    expect(put.status).toBe(403);
    expect(put.headers.get("www-authenticate")).toContain('error="insufficient_scope"');
  });
});

describe("the gallery policy", () => {
  it("refuses who has the role and no rule, in PUT, plan and prepare", async () => {
    const stranger = createApiClient(host.origin, await tokenOf(STRANGER));
    const version = pathOf(seedVersionId("9.1.0"));
    for (const [method, path] of [
      ["PUT", version],
      ["POST", `${version}/plan`],
      ["POST", `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/prepare`],
    ] as const) {
      const { status, body } = await stranger.request<Problem>(method, path, {
        body: managedImageRequest(),
      });
      expect([method, path, status, body.code]).toEqual([method, path, 403, "Forbidden"]);
      expect(body.detail).toContain(`/subscriptions/${LOCAL_SUBSCRIPTION_ID}`);
    }
    expect((await stranger.request("GET", version)).status).toBe(404);
  });

  it("lets a role write to the gallery of its rule, and to no other", async () => {
    const caller = await freshCaller();
    const planned = await caller.request("POST", `${pathOf(seedVersionId("9.2.0"))}/plan`, {
      body: managedImageRequest(),
    });
    expect(planned.status).toBe(200);
    const elsewhere = await caller.put(
      seedVersionId("9.2.0").replace("/MyGallery/", "/Other/"),
      managedImageRequest(),
    );
    expect(elsewhere.status).toBe(403);
  });
});

const THEIRS = "99999999-9999-4999-8999-999999999999";
const SOURCE = "/properties/storageProfile/source/id";

/** The sample, made from an image of another team. */
function fromTheirs(): ImageVersionRequest {
  const body = managedImageRequest();
  return {
    ...body,
    properties: {
      ...body.properties,
      storageProfile: {
        source: {
          id: seedResource("images/myImage").replace(LOCAL_SUBSCRIPTION_ID, THEIRS),
        },
      },
    },
  };
}

describe("the gallery policy for sources and disk encryption sets", () => {
  it("refuses another team's image in PUT, plan and a next number, and reads nothing of it", async () => {
    const caller = await freshCaller();
    const version = pathOf(seedVersionId("9.2.2"));
    const before = stack.simulator.requests().length;
    for (const [method, path] of [
      ["PUT", version],
      ["PUT", `${version}?plan=require`],
      ["POST", `${version}/plan`],
      ["POST", version.slice(0, version.lastIndexOf("/"))],
    ] as const) {
      const { status, body } = await caller.request<Problem>(method, path, {
        body: fromTheirs(),
      });
      expect([method, path, status, body.code]).toEqual([method, path, 403, "Forbidden"]);
      expect(body.errors).toMatchObject([{ code: "SourceNotAllowed", pointer: SOURCE }]);
    }
    expect(
      stack.simulator
        .requests()
        .slice(before)
        .filter(({ path }) => path.includes(THEIRS)),
    ).toEqual([]);
  });

  it("rejects a message that names it, with a pointer into the message", async () => {
    const subject = seedVersionId("9.2.3");
    await stack.send("image-version-requests", {
      messageId: "their-image",
      body: {
        specversion: "1.0",
        id: "their-image",
        source: "urn:build",
        type: "Build.Finished",
        subject,
        data: fromTheirs(),
      },
    });
    const events = await stack.events.until((received) =>
      received.some((event) => event.subject === subject),
    );
    expect(events.filter((event) => event.subject === subject)).toMatchObject([
      {
        type: "Sigil.ImageVersion.Rejected",
        data: {
          error: {
            code: "Forbidden",
            errors: [{ code: "SourceNotAllowed", pointer: `/data${SOURCE}` }],
          },
        },
      },
    ]);
  });
});

describe("the gallery policy for messages", () => {
  it("rejects what no rule lets the queue write to, and names it", async () => {
    const subject = seedVersionId("9.2.1").replace("/MyGallery/", "/Other/");
    await stack.send("image-version-requests", {
      messageId: "other-gallery",
      body: {
        specversion: "1.0",
        id: "other-gallery",
        source: "urn:build",
        type: "Build.Finished",
        subject,
        data: managedImageRequest(),
      },
    });
    const events = await stack.events.until((received) =>
      received.some((event) => event.subject === subject),
    );
    const told = events.filter((event) => event.subject === subject);
    expect(told).toMatchObject([
      {
        type: "Sigil.ImageVersion.Rejected",
        data: {
          error: {
            code: "Forbidden",
            message: expect.stringContaining(
              `Messages of the queue image-version-requests may not write to ${subject.split("/images/")[0]}: no rule`,
            ) as string,
          },
        },
      },
    ]);
  });
});

describe("a name that is a way to somewhere else", () => {
  const places = {
    subscription: (name: string) =>
      `/api/subscriptions/${name}/resourceGroups/MyResourceGroup/galleries/MyGallery/images/MyImage/versions/9.3.0`,
    group: (name: string) =>
      `/api/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/${name}/galleries/MyGallery/images/MyImage/versions/9.3.0`,
    gallery: (name: string) =>
      `/api/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/MyResourceGroup/galleries/${name}/images/MyImage/versions/9.3.0`,
    image: (name: string) =>
      `/api/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/MyResourceGroup/galleries/MyGallery/images/${name}/versions/9.3.0`,
    version: (name: string) =>
      `/api/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/MyResourceGroup/galleries/MyGallery/images/MyImage/versions/${name}`,
  };
  const names = [
    ["two dots", ".."],
    ["two dots, encoded", "%2e%2e"],
    ["two dots, encoded twice", "%252e%252e"],
    ["a way up and down again", "..%2f..%2fadmin"],
    ["a way up, encoded twice", "..%252f..%252fadmin"],
    ["a slash", "My%2FGallery"],
    ["a backslash", "My%5cGallery"],
    ["a semicolon's parameters", "MyGallery;x=1"],
    ["a NUL", "MyGallery%00"],
    ["a line end", "MyGallery%0d%0aX-Injected:%201"],
    ["a line end after its own", "MyGallery%0a"],
    ["a long s", "MyGallery%C5%BF"],
    ["a Kelvin sign", "%E2%84%AAiosk"],
    ["full-width letters", "%EF%BC%AD%EF%BD%99"],
    ["Arabic digits", "%D9%A1.%D9%A0.%D9%A0"],
    ["a zero-width space", "My%E2%80%8BGallery"],
    ["bytes that are not UTF-8", "%ff%fe"],
    ["overlong UTF-8", "%c0%ae%c0%ae"],
    ["a percent sign alone", "%"],
    ["a query in it", "MyGallery%3fapi-version=1"],
    ["a fragment in it", "MyGallery%23"],
    ["an address", `%40${EVIL}`],
    ["a space", "My%20Gallery"],
    ["too many letters", "a".repeat(200)],
  ] as const;

  it.each(names)("is refused: %s", async (_, name) => {
    const body = JSON.stringify(managedImageRequest());
    const token = await tokenOf(WRITER, {
      roles: ["ImageVersions.Write"],
      subject: `subject of ${name}`, // Calls of its own.
    });
    const before = stack.simulator.requests().length;
    for (const [place, path] of Object.entries(places))
      for (const method of ["PUT", "GET"]) {
        const answer = await raw([`${method} ${path(name)} HTTP/1.1`, "Host: localhost"], {
          token,
          ...(method === "PUT" && { body }),
        });
        // 403 where a way up ends at another place, which the gallery policy has no rule for.
        expect([400, 403, 404, 405], `${method} ${place}: ${answer.head} ${answer.body}`).toContain(
          answer.status,
        );
        expect(answer.head).not.toMatch(/x-injected/iu);
        if (answer.body !== "") {
          expect(answer.head).toMatch(/application\/problem\+json/iu);
          JSON.parse(answer.body);
        }
      }
    expect(stack.simulator.requests().slice(before)).toEqual([]);
  });

  it("has left nothing behind", async () => {
    const { body } = await api.request<{ value: Operation[] }>("GET", "/operations");
    expect(body.value).toEqual([]);
  });
});

describe("Sigil connects to nothing but what it is set to use,", () => {
  const version = `/api${pathOf(seedVersionId("9.4.0"))}`;
  const token = (query: string): string => Buffer.from(query).toString("base64url");

  it("whatever a request says of hosts", async () => {
    for (const lines of [
      [`GET ${version} HTTP/1.1`, `Host: ${EVIL}`],
      [`GET http://${EVIL}${version} HTTP/1.1`, `Host: ${EVIL}`],
      [
        `GET ${version} HTTP/1.1`,
        "Host: localhost",
        `X-Forwarded-Host: ${EVIL}`,
        `X-Original-URL: https://${EVIL}/`,
        `Forwarded: host=${EVIL}`,
        `Origin: https://${EVIL}`,
        `Referer: https://${EVIL}/`,
      ],
    ])
      expect((await raw(lines)).status).toBe(404);
    const prepared = await raw([
      `GET /api/subscriptions/${LOCAL_SUBSCRIPTION_ID}/prepare HTTP/1.1`,
      `Host: ${EVIL}`,
    ]);
    expect(prepared.status).toBe(200);
  });

  it.each([
    `https://${EVIL}/`,
    `//${EVIL}/`,
    `@${EVIL}/`,
    `.${EVIL}/`,
    "../../../admin",
    "api-version=1999-01-01&$skiptoken=1",
    "$skiptoken=1\r\nHost: x",
    "$skiptoken=1#x",
    "\0",
  ])("whatever a continuation token says: %j", async (query) => {
    const caller = await freshCaller();
    for (const path of [
      `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/disk-encryption-sets`,
      "/operations",
      pathOf(seedVersionId("x")).replace(/\/x$/u, ""),
    ]) {
      for (const continuationToken of [token(query), query]) {
        const { status } = await caller.request(
          "GET",
          `${path}?continuationToken=${encodeURIComponent(continuationToken)}`,
        );
        expect(status).toBe(400);
      }
    }
    for (const { query } of stack.simulator.requests()) expect(query).not.toContain("1999");
  });

  it("whatever a body says", async () => {
    const plan = async (change: object): Promise<number> => {
      const request = managedImageRequest();
      const caller = await freshCaller("Images.AnySource");
      const { status } = await caller.request("POST", `${pathOf(seedVersionId("9.4.0"))}/plan`, {
        body: {
          ...request,
          properties: { ...request.properties, storageProfile: change },
        },
      });
      return status;
    };
    const id = `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/g`;
    for (const source of [
      { source: { id: `https://${EVIL}/x` } },
      { source: { id: `//${EVIL}${id}/providers/Microsoft.Compute/images/i` } },
      { source: { id: `${id}/providers/Microsoft.Compute/images/..` } },
      { source: { id: `${id}/providers/${EVIL}/images/i` } },
      { source: { id: `${id}/providers/Microsoft.Compute/images/i?x=1` } },
      { source: { communityGalleryImageId: `/CommunityGalleries/${EVIL}/x` } },
      {
        osDiskImage: {
          source: {
            storageAccountId: `${id}/providers/Microsoft.Storage/storageAccounts/evil`,
            uri: `https://${EVIL}/vhds/disk.vhd`,
          },
        },
      },
    ])
      expect([200, 400]).toContain(await plan(source));
  });

  it("as its own connections show", () => {
    const { settings } = stack.services;
    const port = (text: string | undefined): string =>
      /:(\d+)(?:[/;]|$)/u.exec(text ?? "")?.[1] ?? "";
    const table = /TableEndpoint=http:\/\/[^:]+:(\d+)/u.exec(
      settings["AzureWebJobsStorage"] ?? "",
    )?.[1];
    const allowed = [
      table,
      port(settings["ServiceBusConnection"]),
      port(settings["SIGIL_TOKEN_ISSUER"]),
      port(settings["SIGIL_RESOURCE_MANAGER_ENDPOINT"]),
      port(settings["IDENTITY_ENDPOINT"]),
    ];
    const others = [...connections].filter((to) => {
      const [, name, port] = /^(.*):(\d+)$/u.exec(to) ?? [];
      return !["localhost", "127.0.0.1"].includes(name ?? "") || !allowed.includes(port);
    });
    expect(others).toEqual([]);
    // It did connect: what is watched is seen.
    expect([...connections].join()).toContain(port(settings["SIGIL_RESOURCE_MANAGER_ENDPOINT"]));
  });
});

describe("what is too much is refused:", () => {
  const put = (body: string) =>
    api.request<Problem>("PUT", pathOf(seedVersionId("9.5.0")), { body });

  it("a body of more than 256 KB", async () => {
    const { status, body } = await put(`"${"x".repeat(262_144)}"`);
    expect([status, body.code]).toEqual([413, "PayloadTooLarge"]);
  });

  it("arrays in arrays", async () => {
    const { status, body } = await put("[".repeat(33) + "]".repeat(33));
    expect([status, body.code]).toEqual([400, "MalformedJson"]);
    expect(body.detail).toContain("nested deeper than 32");
  });

  it("a hundred thousand array items", async () => {
    const { status, body } = await put(`[${"0,".repeat(100_000)}0]`);
    expect([status, body.errors[0]?.code]).toEqual([400, "TooManyValues"]);
  });

  it.each([
    ["a hundred and one headers", [...Array(101).keys()].map((i) => `X-${i}: 1`)],
    ["headers of more than the host takes", [`X-Long: ${"x".repeat(100_000)}`]],
  ])("%s", async (_, headers) => {
    const { status } = await raw(["GET /api/operations HTTP/1.1", "Host: localhost", ...headers]);
    expect(status).toBe(431);
  });

  it("a body that does not come keeps nobody waiting", async () => {
    const slow = [...Array(20).keys()].map(() => {
      const socket = connect(Number(new URL(host.origin).port), "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(
        `PUT /api${pathOf(seedVersionId("9.5.1"))} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
      );
      return socket;
    });
    expect((await api.request("GET", "/operations")).status).toBe(200);
    for (const socket of slow) socket.destroy();
    expect((await api.request("GET", "/operations")).status).toBe(200);
  });

  it("calls of one caller, not of another", async () => {
    const greedy = await freshCaller();
    const answers = await Promise.all(
      Array.from({ length: CALLS_PER_MINUTE + 40 }, () =>
        greedy.request<Problem>("GET", "/operations/none"),
      ),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers, body } of refused) {
      expect(body.code).toBe("TooManyRequests");
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(CALLS_PER_MINUTE);
    const other = await freshCaller();
    expect((await other.request("GET", "/operations/none")).status).toBe(400);
  });
});

describe("a browser", () => {
  const preflight = (origin: string) =>
    fetch(`${host.origin}/api${pathOf(seedVersionId("9.6.0"))}`, {
      method: "OPTIONS",
      headers: {
        Origin: origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,content-type",
      },
    });

  it("is told by a preflight what a page of an allowed origin may do", async () => {
    const { status, headers } = await preflight(ORIGIN);
    expect(status).toBe(204);
    expect(headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(headers.get("access-control-allow-methods")).toContain("PUT");
    expect(headers.get("access-control-allow-headers")).toContain("Authorization");
    expect(headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("is let do nothing by a page of another origin", async () => {
    const { status, headers } = await preflight(`https://${EVIL}`);
    expect(status).toBe(405);
    expect(headers.get("access-control-allow-origin")).toBeNull();
  });

  it.each([
    ["/api/health/live", 200],
    ["/api/operations", 401],
    ["/api/nothing", 404],
  ])("finds the security headers on every answer: %s", async (path, status) => {
    const response = await fetch(host.origin + path);
    expect(response.status).toBe(status);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "cross-origin-resource-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "strict-transport-security": "max-age=31536000",
      "x-content-type-options": "nosniff",
    });
  });
});

it("after all this, a good request is done", async () => {
  const id = seedVersionId("9.9.0");
  expect((await api.put(id, managedImageRequest())).status).toBe(202);
  const [end] = await stack.events.ended(id);
  expect(end?.type).toBe("Sigil.ImageVersion.Completed");
});
