/**
 * Whoever calls at the same time, each is judged as it would be alone. Between the token and the policy an HTTP call waits
 * once, for its token to be verified: the first test takes every order in which that can end; the second sends thousands
 * of calls with real tokens at once. Nothing that a refused caller asks for may have an effect.
 */
import { HttpRequest, InvocationContext } from "@azure/functions";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createAuthenticator,
  type Authenticator,
  type Principal,
} from "../../../src/authorization/authentication.js";
import { createHttpHandlers, type HttpHandlers } from "../../../src/http/handlers.js";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import { startTokenIssuer, type TokenIssuer } from "@sigil-local/token-issuer";
import { readAsyncApi } from "../../support/contracts.js";
import { managedImageRequest } from "../../support/requests.js";
import { createWorld, type World } from "../../support/world.js";
import { document, validator } from "../../unit/http/contract/document.js";

const AUDIENCE = "api://sigil";
const SUBSCRIPTION = "00000000-0000-0000-0000-000000000000";
const OTHER_SUBSCRIPTION = "11111111-1111-1111-1111-111111111111";
const WRITERS = ["writer-0", "writer-1"];
const STRANGERS = ["stranger-0", "stranger-1", "stranger-2"];
const CALLS = 3_000;
const WRITE = ["ImageVersions.Write"];

const asyncApiDocument = readAsyncApi("openapi", document.content);

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer({
    tls: await createCertificateAuthority(process.env["SIGIL_TEST_CERTIFICATES"] ?? ""),
    audience: AUDIENCE,
  });
});
afterAll(() => issuer.close());

function handlersOf({ deps }: World, authenticator: Authenticator): HttpHandlers {
  return createHttpHandlers(
    {
      document,
      validator,
      authenticator,
      galleryPolicy: {
        rules: [
          {
            callers: WRITERS.map((appId) => ({ appId })),
            galleries: [{ subscriptionId: SUBSCRIPTION, galleryName: "mine" }],
          },
        ],
      },
    },
    deps,
    [],
    asyncApiDocument,
    new URL("built/", import.meta.url), // Nobody asks for it here.
  );
}

interface Call {
  readonly operation: "prepareSubscription" | "putImageVersion";
  readonly caller: string;
  readonly subscriptionId: string;
  readonly galleryName: string;
  readonly versionName: string;
}

function mayWrite({ operation, caller, subscriptionId, galleryName }: Call): boolean {
  return (
    WRITERS.includes(caller) &&
    subscriptionId === SUBSCRIPTION &&
    (operation === "prepareSubscription" || galleryName === "mine")
  );
}

const body = JSON.stringify(managedImageRequest());

async function statusOf(handlers: HttpHandlers, call: Call, token: string): Promise<number> {
  return (await answerOf(handlers, call, token)).status;
}

async function answerOf(
  handlers: HttpHandlers,
  call: Call,
  token: string,
): Promise<{ readonly status: number; readonly body?: unknown }> {
  const { operation, subscriptionId, galleryName, versionName } = call;
  const prepares = operation === "prepareSubscription";
  const place = {
    subscriptionId,
    resourceGroupName: "g",
    galleryName,
    imageName: "i",
    versionName,
  };
  return (await handlers[operation](
    new HttpRequest({
      method: prepares ? "POST" : "PUT",
      url: prepares
        ? `https://sigil.example/api/subscriptions/${subscriptionId}/prepare`
        : `https://sigil.example/api/subscriptions/${subscriptionId}/resourceGroups/g/galleries/${galleryName}/images/i/versions/${versionName}`,
      headers: {
        authorization: `Bearer ${token}`,
        ...(!prepares && { "content-type": "application/json" }),
      },
      params: prepares ? { subscriptionId } : place,
      ...(!prepares && { body: { string: body } }),
    }),
    new InvocationContext({ invocationId: "i", functionName: "f" }),
  )) as { status: number; body?: unknown };
}

function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  return items.length < 2
    ? [items]
    : items.flatMap((item, i) =>
        permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
      );
}

test("in every order in which the tokens of six calls can be verified, each call is judged as if alone", async () => {
  const calls: Call[] = [
    ...["writer-0", "stranger-0", "writer-1", "stranger-1"].map((caller) => ({
      operation: "prepareSubscription" as const,
      caller,
      subscriptionId: caller === "writer-1" ? OTHER_SUBSCRIPTION : SUBSCRIPTION,
      galleryName: "",
      versionName: "",
    })),
    ...["writer-1", "stranger-2"].map((caller) => ({
      operation: "putImageVersion" as const,
      caller,
      subscriptionId: SUBSCRIPTION,
      galleryName: "mine",
      versionName: "1.0.0",
    })),
  ];
  const orders = permutations([0, 1, 2, 3, 4, 5]);
  expect(orders).toHaveLength(720);
  for (const order of orders) {
    const verified: (() => void)[] = [];
    const world = createWorld();
    const handlers = handlersOf(world, {
      authenticate: (authorization) =>
        new Promise<Principal>((resolve) => {
          const appId = authorization?.slice("Bearer ".length) ?? "";
          verified.push(() => resolve({ appId, roles: WRITE }));
        }),
    });
    const answers = calls.map((call) => statusOf(handlers, call, call.caller));
    for (const i of order) {
      verified[i]?.();
      // The call goes on before the next one's token is verified.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect(await Promise.all(answers), order.join()).toEqual(
      calls.map((call) => (mayWrite(call) ? 202 : 403)),
    );
  }
});

test("of thousands of calls at once with real tokens, each caller gets what is its own, and no stranger has an effect", async () => {
  const authenticator = createAuthenticator({
    issuers: [issuer.issuer],
    audience: AUDIENCE,
    clockToleranceSeconds: 60,
  });
  const world = createWorld();
  const handlers = handlersOf(world, authenticator);
  const tokens = new Map(
    await Promise.all(
      [...WRITERS, ...STRANGERS].map(
        async (appId) => [appId, await issuer.issueToken({ appId, roles: WRITE })] as const,
      ),
    ),
  );
  const callers = [...tokens.keys()];
  const callOf = (n: number): Call => ({
    // A third of them: PUTs, of which each but a refused one leaves a version behind.
    operation: n % 3 === 0 ? "putImageVersion" : "prepareSubscription",
    caller: callers[n % callers.length] ?? "",
    subscriptionId: n % 7 === 0 ? OTHER_SUBSCRIPTION : SUBSCRIPTION,
    galleryName: n % 2 === 0 ? "mine" : "theirs",
    versionName: `1.0.${n}`,
  });
  const calls = Array.from({ length: CALLS }, (_, n) => callOf(n));
  const wrong: string[] = [];
  const counts = { 202: 0, 403: 0 };
  const accepted: string[] = [];
  for (let from = 0; from < calls.length; from += 1_000)
    await Promise.all(
      calls.slice(from, from + 1_000).map(async (call) => {
        const { status, body: answer } = await answerOf(
          handlers,
          call,
          tokens.get(call.caller) ?? "",
        );
        if (status === 202) accepted.push(String(answer));
        const due = mayWrite(call) ? 202 : 403;
        counts[due] += 1;
        // Many who prepare one subscription at once may be told to come again.
        if (status !== due && !(due === 202 && status === 503))
          wrong.push(`${JSON.stringify(call)}: ${status}`);
      }),
    );
  expect(wrong).toEqual([]);
  expect(counts[202]).toBeGreaterThan(CALLS / 10);
  expect(counts[403]).toBeGreaterThan(CALLS / 10);
  const requesters = new Set<string | undefined>();
  for (const answer of accepted) {
    const { id } = JSON.parse(answer) as { id: string };
    const operation = (await world.deps.operations.store.readOperation(id))?.operation;
    requesters.add(operation?.requestedBy.appId);
  }
  expect([...requesters].sort()).toEqual(WRITERS);
});
