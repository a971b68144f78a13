import { beforeEach, describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import type { RejectedRequest } from "../../../src/messaging/answer-request.js";
import { createRequestHandler } from "../../../src/messaging/request-handler.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import { isFinal } from "../../../src/image-version/state/states.js";
import { request, type DueMessage, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { nthOf } from "../../support/operation-ids.js";
import { validator } from "../../unit/http/contract/document.js";
import { bytesOf, invocation } from "../../unit/messaging/invocation.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});
beforeEach(async () => {
  await request(world.deps, id, managedImageRequest());
});

/** The state once all of it is told: a message of any step leaves that behind. */
async function told(versionId: string) {
  await reconcile(world.deps);
  return world.read(versionId);
}

/** Drives the version to its end, each batch of messages handled by `handle`; gives all messages that were sent. */
async function drive(handle: (due: readonly DueMessage[]) => Promise<void>): Promise<DueMessage[]> {
  const all: DueMessage[] = [];
  for (let turns = 0; turns < 100; turns += 1) {
    const due = await world.takeDue();
    all.push(...due);
    await handle(due);
    const { record: version } = await world.read(id);
    if (isFinal(version.state)) return all;
    world.clock.advance(Math.max(0, Date.parse(version.dueTime) - world.clock.now()));
  }
  throw new Error("the version does not end");
}

async function expectOneVersion(): Promise<void> {
  const { record: version, operation } = await world.read(id);
  expect(version).toMatchObject({ state: "Succeeded", outbox: [] });
  expect(operation.history.map(({ state }) => state)).toEqual([
    "Accepted",
    "Creating",
    "Replicating",
    "Succeeded",
  ]);
  expect(operation.regions.map(({ attempts }) => attempts)).toEqual([1, 1]);
  expect(world.simulator.control.creates(id)).toBe(1);
  expect(
    world.simulator.control.countRequests({
      method: "PUT",
      path: `${id}\\?`,
    }),
  ).toBe(1);
  const facts = (await world.takeEvents())
    .filter(({ subject }) => subject === id)
    .map((event) => event.id);
  expect(new Set(facts).size).toBe(facts.length);
  expect(facts.filter((fact) => fact.endsWith("completed"))).toHaveLength(3);
}

test("every message three times at once, as by three hosts, is every message once", async () => {
  await drive(async (due) => {
    await Promise.all([...due, ...due, ...due].map((message) => world.handle(message)));
  });
  await expectOneVersion();
});

test("all messages again, late and backwards, change nothing at any time", async () => {
  const seen: DueMessage[] = [];
  await drive(async (due) => {
    for (const message of due) await world.handle(message);
    seen.push(...due);
    const before = (await world.read(id)).etag;
    for (const message of [...seen].reverse()) await world.handle(message);
    expect((await world.read(id)).etag).toBe(before);
  });
  const before = await world.read(id);
  for (const message of [...seen].reverse()) await world.handle(message);
  expect(await world.read(id)).toEqual(before);
  expect(await world.takeDue()).toEqual([]);
  await expectOneVersion();
});

test("a message of a step that has not come yet changes nothing", async () => {
  const before = await told(id);
  for (const step of [0, 2, 3, 99]) {
    await world.handle({
      queue: "image-version-creations",
      messageId: "early",
      operationId: before.operation.id,
      step,
    });
  }
  expect(await world.read(id)).toEqual(before);
  await drive(async (due) => {
    for (const message of due) await world.handle(message);
  });
  await expectOneVersion();
});

test("a message of an unknown operation or of none changes nothing", async () => {
  const before = await told(id);
  for (const other of [
    {
      queue: "image-version-creations",
      operationId: `${"0".repeat(32)}-1`,
      step: 1,
    },
    {
      queue: "image-version-creations",
      operationId: nthOf(before.record, 2),
      step: 1,
    },
    {
      queue: "image-version-creations",
      operationId: "' or PartitionKey ne '",
      step: 1,
    },
  ] as const) {
    await world.handle({ ...other, messageId: "other" });
  }
  expect(await world.read(id)).toEqual(before);
  await world.takeDue();
});

test("the messages of an operation that failed leave the next operation alone", async () => {
  await world.takeDue();
  const failedId = seedVersionId("1.0.99");
  const body = managedImageRequest();
  const broken = {
    ...body,
    properties: {
      ...body.properties,
      storageProfile: {
        source: { id: `${body.properties.storageProfile.source?.id}2` },
      },
    },
  };
  await request(world.deps, failedId, broken);
  const [first] = await world.takeDue();
  if (first === undefined) throw new Error("no message");
  await world.handle(first);
  expect((await world.read(failedId)).operation.status).toBe("Failed");
  await request(world.deps, failedId, body);
  const before = await told(failedId);
  // Steps are counted over the version's operations.
  expect(before.operation.id).toBe(nthOf(before.record, 2));
  expect(before.record.step).toBe(3);
  await world.handle(first); // Step 1 of operation 1.
  expect(await world.read(failedId)).toEqual(before);
  expect((await world.finish(failedId)).status).toBe("Succeeded");
});

test("a step whose state was stored and told by another, after a long stall, is left to the other", async () => {
  const [message] = await world.takeDue();
  if (message === undefined) throw new Error("no message");
  // The first host commits `Creating`, then stalls before it has told: the second finds the step overdue and ends it.
  let stalled = false;
  const first = {
    ...world.deps,
    events: {
      publish: async (...args: Parameters<typeof world.deps.events.publish>) => {
        const { record: version } = await world.read(id);
        if (!stalled && version.state === "Creating") {
          stalled = true;
          await world.handle({
            ...message,
            step: version.step,
            messageId: "overdue",
          });
          await world.finish(id);
        }
        await world.deps.events.publish(...args);
      },
    },
  };
  await world.handle(message, first);
  expect(stalled).toBe(true);
  const { record: version, operation } = await world.read(id);
  expect(version.state).toBe("Succeeded");
  expect(operation.regions.map(({ attempts }) => attempts)).toEqual([1, 1]);
  expect(
    world.simulator.control.countRequests({
      method: "PUT",
      path: `${id}\\?`,
    }),
  ).toBe(1);
});

describe("a request by Service Bus leads to one answer event, which names it:", () => {
  const ANSWERS = ["Accepted", "AlreadyDone", "Rejected"].map(
    (kind) => `Sigil.ImageVersion.${kind}`,
  );
  const kept: RejectedRequest[] = [];
  let version: string;
  let requests = 0;
  let handle: ReturnType<typeof createRequestHandler>;
  beforeEach(() => {
    handle = createRequestHandler({
      putImageVersion: (command) => putImageVersion(world.deps, command),
      validateBody: (body) => validator.validateBody("putImageVersion", body),
      reportTestResult: () => Promise.reject(new Error("nothing is reported")),
      validateTestResult: (value) => ({ value, findings: [] }),
      events: world.deps.events,
      keepRejected: (rejected) => {
        kept.push(rejected);
        return Promise.resolve();
      },
      postpone: () => Promise.reject(new Error("nothing is postponed")),
      maxDeliveryCount: 10,
      eventSource: world.deps.eventSource,
      now: world.deps.now,
    });
  });
  beforeEach(async () => {
    version = seedVersionId("2.0.0");
    await world.takeDue();
    await world.takeEvents();
  });

  /** The message's id is the sender's; each sending of the same CloudEvent may have another. */
  async function send(
    event: object,
    messageId = `m-${JSON.stringify(event).length}-${requests}`,
  ): Promise<void> {
    const { context } = invocation({
      messageId,
      contentType: "application/json",
      deliveryCount: 1,
    });
    await handle(bytesOf(event), context);
  }

  function cloudEvent(data: unknown = managedImageRequest()): {
    source: string;
    id: string;
  } {
    requests += 1;
    return {
      specversion: "1.0",
      id: `build-${requests}`,
      source: "urn:build-system",
      type: "Build.Finished",
      subject: version,
      datacontenttype: "application/json",
      data,
    } as { source: string; id: string };
  }

  /** The answers that have come since, each as its kind and the request that it names. */
  async function answers(): Promise<[string, unknown][]> {
    return (await world.takeEvents())
      .filter(({ type }) => ANSWERS.includes(type))
      .map((event: CloudEvent) => [
        event.type.replace("Sigil.ImageVersion.", ""),
        (event.data as { request?: unknown }).request,
      ]);
  }

  const named = ({ source, id: eventId }: { source: string; id: string }) => ({
    source,
    id: eventId,
  });

  const tagged = (build: string): ImageVersionRequest => ({
    ...managedImageRequest(),
    tags: { build },
  });

  test("Accepted, though it is delivered or sent again, while it runs and afterwards", async () => {
    const event = cloudEvent();
    await send(event, "m1");
    await send(event, "m1");
    await send(event, "m2");
    await world.finish(version);
    await send(event, "m1");
    await send(event, "m3");
    expect(await answers()).toEqual([["Accepted", named(event)]]);
    expect(world.simulator.control.creates(version)).toBe(1);
  });

  test("AlreadyDone of what another has asked, while that runs and after it has succeeded", async () => {
    const first = cloudEvent();
    await send(first);
    await world.runDue();
    const second = cloudEvent();
    for (const messageId of ["m1", "m1", "m2"]) await send(second, messageId);
    await world.finish(version);
    const third = cloudEvent();
    for (const messageId of ["m3", "m3", "m4"]) await send(third, messageId);
    await send(second, "m5");
    expect(await answers()).toEqual([
      ["Accepted", named(first)],
      ["AlreadyDone", named(second)],
      ["AlreadyDone", named(third)],
    ]);
  });

  test("AlreadyDone of what Azure shows already, though no operation has asked for exactly that", async () => {
    await send(cloudEvent(tagged("1")));
    await world.finish(version);
    await send(cloudEvent(tagged("2")));
    await world.finish(version);
    await answers();
    // A region that is left out is kept: nothing is to be changed.
    const body = tagged("2");
    const event = cloudEvent({
      ...body,
      properties: {
        ...body.properties,
        publishingProfile: {
          targetRegions: body.properties.publishingProfile?.targetRegions?.slice(0, 1) ?? [],
        },
      },
    });
    await send(event, "m1");
    await send(event, "m1");
    expect(await answers()).toEqual([["AlreadyDone", named(event)]]);
  });

  test.each<[string, (event: object) => object]>([
    ["has a mistake in its body", (event) => ({ ...event, data: {} })],
    ["contradicts what is being done", (event) => event],
  ])("Rejected of one that %s, once for each delivery of the message", async (_, change) => {
    await send(cloudEvent(tagged("1")));
    await world.runDue();
    await answers();
    const event = cloudEvent(tagged("2"));
    const rejected = change(event);
    const before = kept.length;
    await send(rejected, "m1");
    await send(rejected, "m1");
    expect(await answers()).toEqual([["Rejected", named(event)]]);
    // Kept for an operator under one id.
    expect(new Set(kept.slice(before).map((one) => one.id)).size).toBe(1);
    await world.finish(version);
  });

  test("Rejected of one whose source and id were used for another request", async () => {
    const event = cloudEvent(tagged("1"));
    await send(event);
    await world.runDue();
    await send({ ...event, data: tagged("2") });
    expect(await answers()).toEqual([
      ["Accepted", named(event)],
      ["Rejected", named(event)],
    ]);
    await world.finish(version);
  });

  test("an operation that fails later was Accepted, and is answered no more", async () => {
    const body = managedImageRequest();
    const event = cloudEvent({
      ...body,
      properties: {
        ...body.properties,
        storageProfile: {
          source: { id: `${body.properties.storageProfile.source?.id}2` },
        },
      },
    });
    await send(event, "m1");
    expect(await world.finish(version)).toMatchObject({ status: "Failed" });
    await send(event, "m1");
    await send(event, "m2");
    expect(await answers()).toEqual([["Accepted", named(event)]]);
  });
});
