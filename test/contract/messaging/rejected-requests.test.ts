/** The calls of the API on rejected requests, with the real SDK at the emulator's queue. */
import { readFile } from "node:fs/promises";
import { HttpRequest, InvocationContext, type HttpResponseInit } from "@azure/functions";
import { ServiceBusClient } from "@azure/service-bus";
import { ManualClock } from "@sigil-local/clock";
import {
  startServiceBusEmulator,
  type ServiceBusEmulator,
} from "@sigil-local/service-bus-emulator";
import { parseEmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import { receive } from "@sigil-local/testing/receive";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ServiceBusMessenger } from "../../../src/azure/service-bus/messenger.js";
import { createRejectedRequests } from "../../../src/azure/service-bus/rejected-requests.js";
import type { GalleryPolicy } from "../../../src/authorization/gallery-policy.js";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { rejectedRequestHandlers } from "../../../src/http/rejected-request-handlers.js";
import type { RejectedRequests } from "../../../src/messaging/rejected-requests.js";
import { startInProcess, type InProcess } from "../../support/dependencies.js";
import { managedImageRequest, seedVersionId, snapshotsRequest } from "../../support/requests.js";
import { document, responseMistakes, validator } from "../../unit/http/contract/document.js";

const ERROR = {
  code: "UnknownProperty",
  pointer: "/data/nam",
  message: '"nam" is unknown.',
  remediation: 'Did you mean "name"?',
};
const QUEUE = "image-version-requests-rejected";
const ADMIN = {
  roles: ["ImageVersions.Admin"],
  appId: "admin-app",
  objectId: "admin",
} as const;

let world: InProcess;
let emulator: ServiceBusEmulator;
let client: ServiceBusClient;
let messenger: ServiceBusMessenger;
let rejected: RejectedRequests;
let logged: unknown[];
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000 });
  const clock = new ManualClock();
  emulator = await startServiceBusEmulator({
    configuration: parseEmulatorConfiguration(
      JSON.parse(await readFile("infra/service-bus-emulator.json", "utf8")) as object,
    ),
    clock,
  });
  const { connectionString } = emulator;
  const namespace = { kind: "connectionString", connectionString } as const;
  client = new ServiceBusClient(connectionString);
  messenger = new ServiceBusMessenger(namespace, () => new Date(clock.now()), 86_400_000);
  rejected = createRejectedRequests(namespace);
});
afterAll(async () => {
  await messenger.close();
  await client.close();
  await emulator.close();
  await world.close();
});
beforeEach(async () => {
  logged = [];
  const receiver = client.createReceiver(QUEUE, {
    receiveMode: "receiveAndDelete",
  });
  await receive(receiver, emulator.counts(QUEUE).active);
  await receiver.close();
});

let kept = 0;
/** Keeps it as the handler of requests does. */
async function keep(
  body: string | Buffer,
  applicationProperties: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  kept += 1;
  await messenger.keepRejected({
    id: `kept-${kept}`,
    original: {
      bytes: Buffer.from(body),
      decoded: false,
      messageId: `m-${kept}`,
      contentType: undefined,
      applicationProperties,
      deliveryCount: 1,
      sequenceNumber: "1",
      expiresTime: undefined,
    },
    code: "Forbidden",
    reason: "The queue may not write there.",
    errors: [ERROR],
  });
}

function eventOf(id: string, subject: string, data: unknown): string {
  return JSON.stringify({
    specversion: "1.0",
    id,
    source: "urn:build",
    type: "Build.ImageReady",
    subject,
    data,
  });
}

interface Caller {
  readonly roles: readonly string[];
  readonly appId?: string;
  readonly objectId?: string;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Record<string, string>;
  readonly body: {
    readonly id: string;
    readonly code?: string;
    readonly detail?: string;
    readonly errors?: readonly { readonly pointer: string }[];
    readonly value: readonly {
      readonly id: string;
      readonly original?: string;
    }[];
    readonly continuationToken?: string;
    readonly nextLink?: string;
  };
}

async function call(
  name: "listRejectedRequests" | "sendRejectedRequestAgain",
  {
    query = "",
    id = "",
    caller = ADMIN,
    galleryPolicy,
    queue = rejected,
    correction,
  }: {
    readonly correction?: unknown;
    readonly query?: string;
    readonly id?: string;
    readonly caller?: Caller;
    readonly galleryPolicy?: GalleryPolicy;
    readonly queue?: RejectedRequests;
  } = {},
): Promise<Answer> {
  const list = name === "listRejectedRequests";
  const handlers = rejectedRequestHandlers(
    createEndpoint({
      document,
      validator,
      authenticator: { authenticate: () => Promise.resolve(caller as never) },
      galleryPolicy,
    }),
    world.deps,
    queue,
    (body) => validator.validateBody("putImageVersion", body),
  );
  const response = (await handlers[name](
    new HttpRequest({
      method: list ? "GET" : "POST",
      url: `https://sigil.example/api/rejected-requests${list ? query : `/${id}/send-again`}`,
      params: list ? {} : { rejectedRequestId: id },
      ...(correction !== undefined && {
        body: { string: JSON.stringify(correction) },
        headers: { "content-type": "application/json" },
      }),
    }),
    new InvocationContext({
      invocationId: "invocation-1",
      functionName: "test",
      logHandler: (_, line) => logged.push(JSON.parse(String(line))),
    }),
  )) as HttpResponseInit;
  const headers = response.headers as Record<string, string>;
  const body = JSON.parse(response.body as string) as Answer["body"];
  expect(responseMistakes(name, response.status ?? 0, headers["Content-Type"] ?? "", body)).toEqual(
    [],
  );
  return { status: response.status, headers, body };
}

const list = async (query = ""): Promise<Answer["body"]> =>
  (await call("listRejectedRequests", { query })).body;

async function onlyId(): Promise<string> {
  const { value } = await list();
  expect(value).toHaveLength(1);
  return value[0]?.id ?? "";
}

test.each(["ImageVersions.Read", "ImageVersions.Write"])("neither call is for %s", async (role) => {
  const queue: RejectedRequests = {
    peek: () => Promise.reject(new Error("it is not looked at")),
    remove: () => Promise.reject(new Error("it is not looked at")),
  };
  for (const name of ["listRejectedRequests", "sendRejectedRequestAgain"] as const)
    expect(await call(name, { id: "1", caller: { roles: [role] }, queue })).toMatchObject({
      status: 403,
      body: { code: "Forbidden" },
    });
});

test("the list is oldest first and page by page, and takes nothing", async () => {
  for (const name of ["a", "b", "c"]) await keep(name);
  const first = await list("?top=2");
  expect(first.value).toMatchObject([
    {
      rejectionCode: "Forbidden",
      rejectionReason: "The queue may not write there.",
      errors: [ERROR],
      size: 1,
      original: "a",
    },
    { original: "b" },
  ]);
  const second = await list(`?top=2&continuationToken=${first.continuationToken}`);
  expect(second.value.map(({ original }) => original)).toEqual(["c"]);
  expect(second.nextLink).toBeUndefined();
  expect(await list("?top=2")).toEqual(first);
  expect(emulator.counts(QUEUE)).toMatchObject({ active: 3, deadLetter: 0 });
  expect(await call("listRejectedRequests", { query: "?continuationToken=made.up" })).toMatchObject(
    { status: 400 },
  );
});

test("what a sender wrote is shown, and none of its properties", async () => {
  await keep("x", { authorization: "Bearer secret", originalLength: 1 });
  await keep("x".repeat(261_900));
  await keep("{}", {
    "cloudEvents:specversion": "1.0",
    "cloudEvents:id": "build-1",
    "cloudEvents:source": "urn:build",
    "cloudEvents:type": "t",
    "cloudEvents:subject": "s",
  });
  const { value } = await list();
  expect(value).toMatchObject([
    { size: 1, original: "x" },
    { size: 261_900 },
    { request: { source: "urn:build", id: "build-1" }, original: "{}" },
  ]);
  expect(JSON.stringify(value)).not.toContain("secret");
});

test("a request is sent again as the Admin's own, taken out from among others, and audited", async () => {
  const subject = seedVersionId("5.0.0");
  await keep("before");
  await keep(eventOf("build-2", subject, managedImageRequest()));
  await keep("behind");
  const id = (await list()).value[1]?.id ?? "";
  const { status, headers, body } = await call("sendRejectedRequestAgain", {
    id,
  });
  expect(status).toBe(202);
  expect(body).toMatchObject({
    resourceId: subject,
    requestedBy: { appId: "admin-app", objectId: "admin" },
  });
  expect(headers["Operation-Location"]).toBe(`https://sigil.example/api/operations/${body.id}`);
  expect(new URL(headers["Location"] ?? "").pathname).toBe(
    `/api${subject.replace("/providers/Microsoft.Compute", "")}`,
  );
  expect(logged).toContainEqual(
    expect.objectContaining({
      message: `rejected request ${id} was sent again`,
      appId: "admin-app",
      objectId: "admin",
      requestId: "invocation-1",
      eventSource: "urn:build",
      eventId: "build-2",
      resourceId: subject,
      operationId: body.id,
      removed: "true",
    }),
  );
  expect((await list()).value.map(({ original }) => original)).toEqual(["before", "behind"]);
  expect(await call("sendRejectedRequestAgain", { id })).toMatchObject({
    status: 404,
    body: { code: "NotFound" },
  });
});

test("two calls at once, of two Admins, and one after a process that died before it had removed it, are one operation", async () => {
  const subject = seedVersionId("5.0.1");
  await keep(eventOf("build-3", subject, managedImageRequest()));
  const id = await onlyId();
  const dying: RejectedRequests = {
    peek: rejected.peek,
    remove: () => Promise.reject(new Error("killed")),
  };
  expect((await call("sendRejectedRequestAgain", { id, queue: dying })).status).toBe(500);
  await world.finish(subject);
  const { operation } = await world.read(subject);
  expect(await onlyId()).toBe(id);
  const answers = await Promise.all(
    [ADMIN, { ...ADMIN, appId: "other", objectId: "other" }].map((caller) =>
      call("sendRejectedRequestAgain", { id, caller }),
    ),
  );
  for (const { status, body } of answers) {
    expect([202, 404]).toContain(status);
    if (status === 202) expect(body.id).toBe(operation.id);
  }
  expect((await world.read(subject)).operation.id).toBe(operation.id);
  expect(emulator.counts(QUEUE).active).toBe(0);
});

test("one that another holds is accepted, stays for now, and sent again is the same operation", async () => {
  const subject = seedVersionId("5.0.4");
  await keep(eventOf("build-6", subject, managedImageRequest()));
  const id = await onlyId();
  const other = client.createReceiver(QUEUE, {
    maxAutoLockRenewalDurationInMs: 0,
  });
  const [held] = await receive(other, 1);
  const first = await call("sendRejectedRequestAgain", { id });
  expect(first.status).toBe(202);
  expect(logged).toContainEqual(
    expect.objectContaining({ operationId: first.body.id, removed: "false" }),
  );
  if (held) await other.abandonMessage(held);
  await other.close();
  const second = await call("sendRejectedRequestAgain", { id });
  expect(second).toMatchObject({ status: 202, body: { id: first.body.id } });
  expect((await list()).value).toEqual([]);
});

test("one is found behind 199 others, not behind 200, and none of those is lost", async () => {
  const sender = client.createSender(QUEUE);
  await sender.sendMessages(
    Array.from({ length: 201 }, (_, number) => ({
      body: Buffer.from("x"),
      messageId: `many-${number}`,
    })),
  );
  await sender.close();
  const ids = (await rejected.peek(1n, 300)).map(({ id }) => id);
  expect(ids).toHaveLength(201);
  await expect(rejected.remove(ids[200] ?? "")).resolves.toBe(false);
  expect(emulator.counts(QUEUE)).toMatchObject({ active: 201, deadLetter: 0 });
  await expect(rejected.remove(ids[199] ?? "")).resolves.toBe(true);
  await expect(rejected.remove(ids[200] ?? "")).resolves.toBe(true);
  expect(emulator.counts(QUEUE)).toMatchObject({ active: 199, deadLetter: 0 });
});

test("a gallery that the policy keeps from the Admin is kept from the request", async () => {
  await keep(eventOf("build-4", seedVersionId("5.0.2"), managedImageRequest()));
  const id = await onlyId();
  const galleryPolicy: GalleryPolicy = {
    rules: [
      {
        callers: [{ queue: "image-version-requests" }],
        galleries: [{ subscriptionId: "*" }],
      },
    ],
  };
  expect(await call("sendRejectedRequestAgain", { id, galleryPolicy })).toMatchObject({
    status: 403,
    body: { code: "Forbidden" },
  });
  expect(await onlyId()).toBe(id);
});

test.each<[string, string | Buffer, number, string]>([
  ["is no text", Buffer.from([0xff, 0xfe]), 400, "MalformedJson"],
  ["is no CloudEvent", "{}", 400, "InvalidRequest"],
  [
    "breaks the contract",
    eventOf("build-5", seedVersionId("5.0.3"), { location: 1 }),
    400,
    "InvalidRequest",
  ],
  ["is not kept whole", "x".repeat(261_900), 413, "PayloadTooLarge"],
])("one that %s is refused and stays", async (_, body, status, code) => {
  await keep(body);
  const id = await onlyId();
  expect(await call("sendRejectedRequestAgain", { id })).toMatchObject({
    status,
    body: { code },
  });
  expect(await onlyId()).toBe(id);
});

describe("a corrected one", () => {
  test.each<[string, string | Buffer]>([
    ["an event", eventOf("build-7", seedVersionId("5.1.0"), { location: 1 })],
    ["no text", Buffer.from([0xff, 0xfe])],
    ["not kept whole", "x".repeat(261_900)],
  ])("is accepted instead of %s, once, and removes the original", async (_, original) => {
    await keep(original);
    const id = await onlyId();
    const resourceId = seedVersionId(`5.1.${id}`);
    const correction = { resourceId, body: managedImageRequest() };
    const dying: RejectedRequests = {
      peek: rejected.peek,
      remove: () => Promise.reject(new Error("killed")),
    };
    expect(
      (
        await call("sendRejectedRequestAgain", {
          id,
          correction,
          queue: dying,
        })
      ).status,
    ).toBe(500);
    await world.finish(resourceId);
    const { operation } = await world.read(resourceId);
    expect(await call("sendRejectedRequestAgain", { id, correction })).toMatchObject({
      status: 202,
      body: { id: operation.id, requestedBy: { objectId: "admin" } },
    });
    expect((await list()).value).toEqual([]);
    expect(logged).toContainEqual(
      expect.objectContaining({
        message: `rejected request ${id} was sent again, corrected`,
        resourceId,
        operationId: operation.id,
      }),
    );
  });

  test("answers the sender of the original", async () => {
    await keep(eventOf("build-8", seedVersionId("5.2.0"), { location: 1 }));
    const resourceId = seedVersionId("5.2.1");
    await world.takeEvents();
    await call("sendRejectedRequestAgain", {
      id: await onlyId(),
      correction: { resourceId, body: managedImageRequest() },
    });
    await world.finish(resourceId);
    expect(await world.takeEvents()).toContainEqual(
      expect.objectContaining({
        type: "Sigil.ImageVersion.Accepted",
        data: expect.objectContaining({
          request: { source: "urn:build", id: "build-8" },
        }) as unknown,
      }),
    );
  });

  test.each<[string, unknown, number, string, string]>([
    [
      "names no version",
      { resourceId: "/subscriptions/x", body: managedImageRequest() },
      400,
      "InvalidRequest",
      "/resourceId",
    ],
    [
      "breaks the contract",
      { resourceId: seedVersionId("5.3.0"), body: { location: 1 } },
      400,
      "InvalidRequest",
      "/body/location",
    ],
    ["has no body", { resourceId: seedVersionId("5.3.0") }, 400, "InvalidRequest", "/body"],
    [
      "is refused by its plan",
      {
        resourceId: seedVersionId("5.3.0"),
        body: snapshotsRequest("eastus"),
      },
      422,
      "PreflightFailed",
      "/body/properties/publishingProfile/targetRegions/1/encryption/osDiskImage/diskEncryptionSetId",
    ],
  ])("that %s is refused, and the original stays", async (_, correction, status, code, pointer) => {
    await keep("x");
    const id = await onlyId();
    const refused = await call("sendRejectedRequestAgain", {
      id,
      correction,
    });
    expect(refused).toMatchObject({ status, body: { code } });
    expect(refused.body.errors?.map((one) => one.pointer)).toContain(pointer);
    expect(await onlyId()).toBe(id);
  });
});

test.each(["0", "x"])("%s is no id", async (id) =>
  expect((await call("sendRejectedRequestAgain", { id })).status).toBe(400),
);
