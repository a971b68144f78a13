import { TableClient, TableServiceClient } from "@azure/data-tables";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { checkAgainstDocument, pathOf } from "../support/api-client.js";
import { receive } from "@sigil-local/testing/receive";
import {
  managedImageRequest,
  seedResource,
  seedVersionId,
  snapshotsRequest,
} from "../support/requests.js";
import { Stack } from "../support/stack.js";

const CLIENT_SECRET = `client-secret-${randomUUID()}`;
const REJECTED_QUEUE = "image-version-requests-rejected";

let stack: Stack;
let host: HostProcess;
/** What anybody may come to see, by where: everything that is told is put here, and then looked through. */
const told: { where: string; text: string }[] = [];
/** What nobody may come to see, by what it is. */
const secrets = new Map<string, string>();

beforeAll(async () => {
  stack = await Stack.start({
    settings: { AZURE_CLIENT_SECRET: CLIENT_SECRET },
  });
  host = await stack.startHost((text) => told.push({ where: "logs", text }));
});
afterAll(() => stack.close());

async function call(
  what: string,
  method: string,
  path: string,
  token: string,
  init: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<number> {
  const response = await fetch(`${host.origin}/api${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(init.body !== undefined && { "Content-Type": "application/json" }),
      ...init.headers,
    },
    ...(init.body !== undefined && { body: JSON.stringify(init.body) }),
  });
  const text = await response.text();
  told.push({
    where: `answer to ${what}`,
    text: JSON.stringify([[...response.headers], text]),
  });
  const { pathname } = new URL(response.url);
  checkAgainstDocument(method, pathname, response, JSON.parse(text));
  return response.status;
}

/** Keys of connection strings, and whole tokens with each of their parts that a token of anybody else has not. */
function keep(what: string, secret: string | undefined): string {
  expect(secret, what).toMatch(/.{8}/u);
  secrets.set(what, secret ?? "");
  return secret ?? "";
}
function keepToken(what: string, token: string | undefined): string {
  const [, payload, signature] = (token ?? "").split(".");
  keep(`${what}, its claims`, payload);
  keep(`${what}, its signature`, signature);
  return keep(what, token);
}

async function rows(): Promise<string[]> {
  const connectionString = stack.services.settings["AzureWebJobsStorage"] ?? "";
  const options = { allowInsecureConnection: true };
  const service = TableServiceClient.fromConnectionString(connectionString, options);
  const found: string[] = [];
  for await (const { name } of service.listTables()) {
    const table = TableClient.fromConnectionString(connectionString, name ?? "", options);
    for await (const entity of table.listEntities()) found.push(JSON.stringify([name, entity]));
  }
  return found;
}

it("nothing secret is in logs, answers, events, kept messages or state", async () => {
  const { settings, tokenIssuer } = stack.services;
  const issue = (claims: object) =>
    tokenIssuer?.issueToken({ roles: ["ImageVersions.Write"], ...claims });
  keep("the client secret", CLIENT_SECRET);
  keep("the identity header", settings["IDENTITY_HEADER"]);
  keep("the storage key", /AccountKey=([^;]+)/u.exec(settings["AzureWebJobsStorage"] ?? "")?.[1]);
  keep(
    "the Service Bus key",
    /SharedAccessKey=([^;]+)/u.exec(settings["ServiceBusConnection"] ?? "")?.[1],
  );
  const token = keepToken("the caller's token", await issue({}));
  const expired = keepToken("an expired token", await issue({ expiresInSeconds: -600 }));
  const foreign = keepToken(
    "a token of another audience",
    await issue({ audience: `api://${randomUUID()}` }),
  );

  // A version that is made, with ARM failing on the way in each way that leaves a trace in the logs.
  const made = seedVersionId("1.0.0");
  for (const fault of [
    { method: "GET", path: "/diskEncryptionSets/", status: 500 },
    { method: "GET", path: "/galleries/", action: "reset" as const },
    { method: "PUT", path: "/versions/", action: "expired-token" as const },
    {
      method: "PUT",
      path: "/versions/",
      status: 429,
      afterMatches: 1,
      headers: { "Retry-After": "1" },
    },
  ])
    stack.simulator.addFault(fault);
  const path = pathOf(made);
  const accepted = await call("a PUT", "PUT", path, token, {
    body: managedImageRequest(),
    headers: { "Idempotency-Key": "key-1" },
  });
  expect(accepted).toBe(202);
  // One that fails, as a rule finds.
  const failed = seedVersionId("1.0.1");
  expect(
    await call("a PUT that fails", "PUT", pathOf(failed), token, {
      body: snapshotsRequest("eastus"),
    }),
  ).toBe(202);
  await stack.events.ended(made, failed);

  // Refusals, with tokens where they belong and where they do not.
  const refusals: [string, number, string, string, string, object?][] = [
    ["an expired token", 401, "GET", path, expired],
    ["a foreign token", 401, "GET", path, foreign],
    ["a cut token", 401, "GET", path, token.slice(0, -20)],
    ["a token in the query", 400, "GET", `${path}?access_token=${token}`, token],
    ["a token as a name", 400, "GET", `/operations/${token}`, token],
    ["a broken body", 400, "PUT", path, token, { location: 1 }],
    ["another method", 405, "DELETE", "/operations", token],
    ["no path", 404, "GET", "/none", token],
  ];
  for (const [what, status, method, address, bearer, body] of refusals)
    expect([what, await call(what, method, address, bearer, body && { body })]).toEqual([
      what,
      status,
    ]);

  // A message that is rejected, and one that is accepted.
  await stack.send("image-version-requests", {
    body: {
      specversion: "1.0",
      id: "1",
      source: "urn:build",
      type: "Build.Finished",
      subject: "/subscriptions/none",
      data: {},
    },
    messageId: "rejected",
  });
  await stack.events.until((events) =>
    events.some(({ type }) => type === "Sigil.ImageVersion.Rejected"),
  );
  const rejected = await receive(
    stack.serviceBus.createReceiver(REJECTED_QUEUE, {
      receiveMode: "receiveAndDelete",
    }),
    1,
  );
  for (const { body, applicationProperties } of rejected)
    told.push({
      where: "rejected messages",
      text: JSON.stringify([body, applicationProperties]),
    });

  // ARM refuses what Sigil's identity asks for; then each service that Sigil needs is gone.
  await stack.simulator.denyAction({
    action: "Microsoft.Compute/diskEncryptionSets/read",
    scope: seedResource("").split("/resourceGroups/")[0] ?? "",
  });
  const sets = `${path.split("/resourceGroups/")[0]}/disk-encryption-sets`;
  expect(await call("what ARM refuses", "GET", sets, token)).toBe(502);
  for (const text of await rows()) told.push({ where: "state", text });
  for (const event of stack.events.received)
    told.push({ where: "events", text: JSON.stringify(event) });
  await stack.services.resourceManager?.close();
  expect(await call("ARM is gone", "GET", sets, token)).toBe(503);
  await stack.services.tables?.close();
  expect(await call("the tables are gone", "GET", path, token)).toBeGreaterThanOrEqual(500);
  await host.stop();

  const places = new Set(told.map(({ where }) => where.split(" to ")[0]));
  expect([...places].sort()).toEqual(["answer", "events", "logs", "rejected messages", "state"]);
  const found = told.flatMap(({ where, text }) => [
    ...[...secrets]
      .filter(([, secret]) => text.includes(secret))
      .map(([what]) => `${what} is in the ${where}: ${text.slice(0, 300)}`),
    // Any token, such as those that Sigil shows ARM.
    ...(/eyJ[\w-]{10,}\.eyJ[\w-]{10,}\./u.test(text)
      ? [`a token is in the ${where}: ${text.slice(0, 300)}`]
      : []),
  ]);
  expect(found).toEqual([]);
  // The logs do tell of failures: else nothing would have been tried.
  expect(told.filter(({ where, text }) => where === "logs" && /error/iu.test(text))).not.toEqual(
    [],
  );
});
