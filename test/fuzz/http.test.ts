import { HttpRequest, type HttpResponseInit, InvocationContext } from "@azure/functions";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAuthenticator } from "../../src/authorization/authentication.js";
import { createHttpHandlers, type HttpHandlers } from "../../src/http/handlers.js";
import { SECURITY_HEADERS } from "../../src/http/security-headers.js";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import { startTokenIssuer, type TokenIssuer } from "@sigil-local/token-issuer";
import {
  document,
  responseMistakes,
  schemaMistakes,
  validator,
} from "../unit/http/contract/document.js";
import { calls, strayCalls, type Call, type TOKENS } from "./calls.js";
import { CALLS, LEAST_CALLS, parametersFor, TIMEOUT_MS } from "./run.js";
import { readAsyncApi } from "../support/contracts.js";
import { createWorld, type World } from "../support/world.js";

const AUDIENCE = "api://sigil";
const CALLS_PER_RUN = 3;
const STRANGER = "00000000-0000-4000-8000-0000000000ff";
const WRITE = ["ImageVersions.Write"];

const asyncApiDocument = readAsyncApi("openapi", document.content);
const built = new URL("../../dist/", import.meta.url);

let issuer: TokenIssuer;
let tokens: Readonly<Record<(typeof TOKENS)[number], string | undefined>>;
let authenticator: ReturnType<typeof createAuthenticator>;

beforeAll(async () => {
  const directory = process.env["SIGIL_TEST_CERTIFICATES"] ?? "";
  issuer = await startTokenIssuer({
    tls: await createCertificateAuthority(directory),
    audience: AUDIENCE,
  });
  authenticator = createAuthenticator({
    issuers: [issuer.issuer],
    audience: AUDIENCE,
    clockToleranceSeconds: 60,
  });
  const writer = await issuer.issueToken({
    roles: WRITE,
    expiresInSeconds: 86_400,
  });
  const forged = writer.replace(/.{10}$/u, "A".repeat(10));
  tokens = {
    writer,
    forged,
    reader: await issuer.issueToken({ roles: ["ImageVersions.Read"] }),
    person: await issuer.issueToken({
      roles: WRITE,
      extraClaims: { scp: "ImageVersions.Write" },
    }),
    stranger: await issuer.issueToken({ appId: STRANGER, roles: WRITE }),
    nobody: await issuer.issueToken({}),
    expired: await issuer.issueToken({ roles: WRITE, expiresInSeconds: -600 }),
    absent: undefined,
  };
});
afterAll(() => issuer.close());

function handlersOf({ deps }: World): HttpHandlers {
  return createHttpHandlers(
    {
      document,
      validator,
      authenticator,
      galleryPolicy: {
        rules: [
          {
            callers: [{ appId: "00000000-0000-4000-8000-00000000a991" }],
            galleries: [{ subscriptionId: "*" }],
          },
        ],
      },
      corsOrigins: ["https://portal.example"],
    },
    deps,
    [{ name: "tables", check: () => Promise.resolve() }],
    asyncApiDocument,
    built,
  );
}

/** But for the line of each write and refusal. */
const logged: unknown[] = [];
const isAudit = (text: unknown): boolean =>
  typeof text === "string" && text.startsWith('{"message":"audit"');
const context = (): InvocationContext =>
  new InvocationContext({
    invocationId: "invocation-1",
    functionName: "fuzz",
    logHandler: (level, ...entry) => {
      if (!isAudit(entry[0])) logged.push([level, ...entry]);
    },
    traceContext: {},
  });

function requestOf(call: Call): HttpRequest {
  const token = call.token in tokens ? tokens[call.token as (typeof TOKENS)[number]] : call.token;
  return new HttpRequest({
    method: call.method,
    url: call.url,
    params: { ...call.params },
    headers: {
      ...call.headers,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(call.body !== undefined && { body: { bytes: call.body } }),
  });
}

/** What may leave nothing behind even where it is answered. */
function isRead({ method, operationId }: Call): boolean {
  return method === "GET" || operationId === "planImageVersion";
}

interface Read {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly mediaType: string;
  readonly body: unknown;
}
function read(response: HttpResponseInit): Read {
  const headers = response.headers as Record<string, string>;
  const mediaType = (headers["Content-Type"] ?? "").split(";")[0] ?? "";
  const text = response.body as string | undefined;
  return {
    status: response.status ?? 200,
    headers,
    mediaType,
    body: mediaType.endsWith("json") ? JSON.parse(text ?? "") : text,
  };
}

/** One name in seven may not be looked at: that is answered so, and logged. */
const REFUSED_BY_AZURE = 502;

/** What no answer may have; none where it is as it should be. */
function answerMistakes({ status, headers }: Read): string[] {
  return [
    ...(status >= 500 && status !== REFUSED_BY_AZURE ? [`is ${status}`] : []),
    ...Object.entries(headers)
      .filter(([, value]) => /[\r\n\0]/u.test(value))
      .map(([name]) => `has a line end in ${name}`),
    ...Object.keys(SECURITY_HEADERS)
      .filter((name) => headers[name] === undefined)
      .map((name) => `is without ${name}`),
    ...(status === 401 && !headers["WWW-Authenticate"]?.startsWith("Bearer ")
      ? ["is 401 without a challenge"]
      : []),
  ];
}

it(
  `${CALLS} calls are answered as the document says, and a refused one leaves nothing`,
  async () => {
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(calls, {
          minLength: CALLS_PER_RUN,
          maxLength: CALLS_PER_RUN,
        }),
        async (sequence) => {
          const world = createWorld();
          const handlers = handlersOf(world);
          for (const call of sequence) {
            logged.length = 0;
            const before = world.effects();
            const answer = read(await handlers[call.operationId](requestOf(call), context()));
            statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
            const mistakes = [
              ...answerMistakes(answer),
              ...responseMistakes(call.operationId, answer.status, answer.mediaType, answer.body),
              ...((answer.status >= 400 || isRead(call)) && world.effects() !== before
                ? ["left something behind"]
                : []),
              ...(answer.status === REFUSED_BY_AZURE
                ? []
                : logged.map((entry) => `logged ${JSON.stringify(entry)}`)),
            ];
            if (mistakes.length > 0) expect.fail(JSON.stringify({ mistakes, call, answer }));
          }
        },
      ),
      parametersFor(CALLS, CALLS_PER_RUN),
    );
    // The calls come to every door: else nothing would have been tried. Few calls may miss some.
    if (CALLS < LEAST_CALLS) return;
    for (const status of [200, 202, 400, 401, 403, 404, 409, 413, 415, 422])
      expect(statuses.get(status) ?? 0, `answers of ${status}`).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

it(
  "what no operation answers is 404, 405, or a preflight's 204",
  async () => {
    const { fallback } = handlersOf(createWorld());
    await fc.assert(
      fc.asyncProperty(strayCalls, async (call) => {
        const answer = read(
          await fallback(new HttpRequest({ ...call, headers: { ...call.headers } }), context()),
        );
        expect([204, 404, 405]).toContain(answer.status);
        expect([
          ...answerMistakes(answer),
          ...(answer.status === 204 ? [] : schemaMistakes(PROBLEM, answer.body)),
        ]).toEqual([]);
      }),
      parametersFor(CALLS, 10),
    );
  },
  TIMEOUT_MS,
);

const PROBLEM = { $ref: "#/components/schemas/Problem" };
