import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { getPreparation } from "../../../src/subscription/get-preparation.js";
import { prepareSubscription } from "../../../src/subscription/prepare-subscription.js";
import {
  COMPUTE,
  FEATURE,
  factsOf,
  startPreparations,
  subscriptionId,
  type Preparations,
} from "./support.js";
import { naming } from "../../support/naming.js";

const REGISTRATION_MS = 12 * 60_000;
const MOST = 40;
const UNKNOWN = "0f0f0f0f-0000-4000-8000-000000000000";

let world: Preparations;
beforeAll(async () => {
  world = await startPreparations(MOST, {
    compute: "NotRegistered",
    sigEncryption: "NotRegistered",
    registrationMs: REGISTRATION_MS,
  });
});
afterAll(() => world.close());

let number = 0;
let id: string;
beforeEach(async () => {
  number += 1;
  id = subscriptionId(number);
  world.simulator.control.clearFaults();
  await world.takeEvents();
});

const requests = (method: "GET" | "POST", path: string): number =>
  world.simulator.control.countRequests({
    method,
    path: `/subscriptions/${id}/providers/${path}\\?`,
  });
const PROVIDER = "Microsoft\\.Compute";
const FEATURE_PATH = "Microsoft\\.Features/providers/Microsoft\\.Compute/features/SIGEncryption";
const registrations = (what: string): number => requests("POST", `${what}/register`);

const set = (
  state: "NotRegistered" | "Registering" | "Registered" | "Unregistered" | "Pending",
  feature?: string,
): Promise<void> =>
  world.simulator.control.setRegistrationState({
    subscriptionId: id,
    namespace: COMPUTE,
    ...(feature !== undefined && { feature }),
    state,
  });
const setAll = async (
  compute: Parameters<typeof set>[0],
  feature: Parameters<typeof set>[0],
): Promise<void> => {
  await set(compute);
  await set(feature, "SIGEncryption");
};

/** Seconds from now until the next step. */
const dueAfter = async (): Promise<number> =>
  (Date.parse((await world.read(id)).record.dueTime) - world.clock.now()) / 1_000;

describe("a subscription with nothing registered", () => {
  test("is registered, followed for minutes and prepared, each fact told once", async () => {
    const started = world.clock.now();
    const accepted = await world.prepare(id);
    expect(accepted).toMatchObject({
      kind: "PrepareSubscription",
      status: "NotStarted",
    });
    await world.runDue();
    expect((await world.read(id)).operation).toMatchObject({
      status: "Running",
      detail: [
        { name: COMPUTE, state: "Registering" },
        { name: FEATURE, state: "Registering" },
      ],
    });
    const operation = await world.finish(id);
    expect(operation).toMatchObject({
      status: "Succeeded",
      detail: [
        { name: COMPUTE, state: "Registered" },
        { name: FEATURE, state: "Registered" },
      ],
    });
    expect(operation.history.map(({ state, message }) => [state, message])).toEqual([
      ["Requested", expect.any(String)],
      ["Registering", naming([COMPUTE, FEATURE, "NotRegistered"])],
      ["Registering", `${COMPUTE} is Registering. ${FEATURE} is Registering.`],
      ["Registering", naming([COMPUTE, FEATURE])],
      ["Succeeded", naming([COMPUTE, FEATURE])],
    ]);
    const events = await world.takeEvents();
    expect(factsOf(events, id)).toEqual([
      "requested",
      `${COMPUTE}/registering/Registering`,
      `${FEATURE}/registering/Registering`,
      `${COMPUTE}/registered`,
      `${FEATURE}/registered`,
      "prepared",
    ]);
    for (const event of events) expect(event.subject).toBe(`/subscriptions/${id}`);
    expect(registrations(FEATURE_PATH)).toBe(1);
    expect(registrations(PROVIDER)).toBe(2); // The second for the feature.
    // Doubling from 15 s to two minutes: a look a step, and no more.
    expect(requests("GET", PROVIDER)).toBe(requests("GET", FEATURE_PATH));
    expect(requests("GET", PROVIDER)).toBeLessThan(14);
    expect(world.clock.now() - started).toBeGreaterThanOrEqual(REGISTRATION_MS);
  });

  test("needs no feature where none is required", async () => {
    const deps = {
      ...world.deps,
      requiredRegistrations: [{ namespace: COMPUTE }],
    };
    await world.prepare(id, deps);
    const operation = await world.finish(id);
    expect(operation.detail).toEqual([{ name: COMPUTE, state: "Registered" }]);
    expect(registrations(PROVIDER)).toBe(1);
    expect(requests("GET", FEATURE_PATH)).toBe(0);
    expect(factsOf(await world.takeEvents(), id)).toEqual([
      "requested",
      `${COMPUTE}/registering/Registering`,
      `${COMPUTE}/registered`,
      "prepared",
    ]);
  });
});

test("everything registered ends at the first step, with one read of each", async () => {
  await setAll("Registered", "Registered");
  await world.prepare(id);
  await world.runDue();
  expect((await world.read(id)).operation.status).toBe("Succeeded");
  expect(factsOf(await world.takeEvents(), id)).toEqual([
    "requested",
    `${COMPUTE}/registered`,
    `${FEATURE}/registered`,
    "prepared",
  ]);
  expect([requests("GET", PROVIDER), requests("GET", FEATURE_PATH)]).toEqual([1, 1]);
  expect([registrations(PROVIDER), registrations(FEATURE_PATH)]).toEqual([0, 0]);
  expect(await world.takeDue()).toEqual([]);
});

test("what others have begun is followed and not asked for", async () => {
  await setAll("Registering", "Registered");
  await world.prepare(id);
  expect((await world.finish(id)).status).toBe("Succeeded");
  expect([registrations(PROVIDER), registrations(FEATURE_PATH)]).toEqual([0, 0]);
});

test("a feature that awaits approval for days is waited for, and the history says so", async () => {
  await setAll("Registered", "Pending");
  await world.prepare(id);
  for (let hours = 0; hours < 3 * 24; hours += 1) {
    await world.runDue();
    world.clock.advance(60 * 60_000);
  }
  const { operation, record } = await world.read(id);
  expect(record.state).toBe("Registering");
  expect(operation.history.map(({ message }) => message)).toEqual([
    expect.any(String),
    naming([COMPUTE, FEATURE]),
  ]);
  expect(registrations(FEATURE_PATH)).toBe(0);
  await set("Registered", "SIGEncryption");
  expect((await world.finish(id)).status).toBe("Succeeded");
  expect(registrations(PROVIDER)).toBe(1);
  expect(factsOf(await world.takeEvents(), id)).toEqual([
    "requested",
    `${COMPUTE}/registered`,
    `${FEATURE}/registering/Pending`,
    `${FEATURE}/registered`,
    "prepared",
  ]);
});

test.each(["NotRegistered", "Unregistered"] as const)(
  "a registration that turns %s is asked for again",
  async (state) => {
    await setAll("Registered", "NotRegistered");
    await world.prepare(id);
    await world.runDue();
    await set(state, "SIGEncryption");
    expect((await world.finish(id)).status).toBe("Succeeded");
    expect(registrations(FEATURE_PATH)).toBe(2);
    expect(factsOf(await world.takeEvents(), id)).toEqual([
      "requested",
      `${COMPUTE}/registered`,
      `${FEATURE}/registering/Registering`,
      `${FEATURE}/registered`,
      "prepared",
    ]);
  },
);

describe("requests", () => {
  test("while a preparation runs are that one operation, in any case and at once", async () => {
    const answers = await Promise.all([
      world.prepare(id),
      world.prepare(id.toUpperCase()),
      world.prepare(id),
    ]);
    await world.runDue();
    answers.push(await world.prepare(id));
    expect(new Set(answers.map((operation) => operation.id)).size).toBe(1);
    expect(answers.at(-1)?.status).toBe("Running");
    await world.finish(id);
    expect(
      factsOf(await world.takeEvents(), id).filter((fact) => fact === "requested"),
    ).toHaveLength(1);
  });

  test("after the end are new operations, which end at once", async () => {
    const first = await world.prepare(id);
    await world.finish(id);
    const second = await world.prepare(id);
    expect(second.id).not.toBe(first.id);
    const asked = registrations(PROVIDER);
    await world.runDue();
    expect((await world.read(id)).operation).toMatchObject({
      id: second.id,
      status: "Succeeded",
    });
    expect(registrations(PROVIDER)).toBe(asked);
    expect(factsOf(await world.takeEvents(), id, second.id)).toEqual([
      "requested",
      `${COMPUTE}/registered`,
      `${FEATURE}/registered`,
      "prepared",
    ]);
  });
});

describe("what Azure does not know", () => {
  test("a subscription ends Failed, and the message does not claim to know which it is", async () => {
    await world.prepare(UNKNOWN);
    await world.runDue();
    expect((await world.read(UNKNOWN)).operation).toMatchObject({
      status: "Failed",
      error: {
        code: "NotFound",
        message: naming([UNKNOWN, COMPUTE]),
      },
    });
    const [requested, failed] = await world.takeEvents();
    expect(requested?.type).toBe("Sigil.Subscription.PreparationRequested");
    expect(failed).toMatchObject({
      type: "Sigil.Subscription.PreparationFailed",
      data: { error: { code: "NotFound", errorCount: 0 } },
    });
  });

  test("a feature is waited for until its provider is registered, then ends Failed", async () => {
    const deps = {
      ...world.deps,
      requiredRegistrations: [
        { namespace: COMPUTE },
        { namespace: COMPUTE, feature: "NoSuchFeature" },
      ],
    };
    await world.prepare(id, deps);
    await world.runDue();
    expect((await world.read(id)).operation).toMatchObject({
      status: "Running",
      detail: [
        { name: COMPUTE, state: "Registering" },
        { name: "Microsoft.Compute/NoSuchFeature", state: "Unknown" },
      ],
    });
    expect(await world.finish(id)).toMatchObject({
      status: "Failed",
      error: {
        code: "NotFound",
        message: naming([id, "NoSuchFeature"]),
      },
    });
  });
});

describe("refusals", () => {
  const denied = (action: string) => ({
    status: 403,
    body: {
      error: {
        code: "AuthorizationFailed",
        message: `The client 'c' with object id 'o' does not have authorization to perform action '${action}' over scope '/subscriptions/${id}' or the scope is invalid.`,
      },
    },
  });

  test.each([
    ["GET", PROVIDER, "Microsoft.Resources/subscriptions/providers/read", "Reader"],
    ["GET", FEATURE_PATH, "Microsoft.Features/providers/features/read", "Reader"],
    ["POST", `${PROVIDER}/register`, "Microsoft.Compute/register/action", "Contributor"],
    [
      "POST",
      `${FEATURE_PATH}/register`,
      "Microsoft.Features/providers/features/register/action",
      "Contributor",
    ],
  ])(
    "403 of %s %s ends Failed with the role that is missing",
    async (method, path, action, role) => {
      world.simulator.control.addFault({
        method,
        path: `/subscriptions/${id}/providers/${path}\\?`,
        ...denied(action),
      });
      await world.prepare(id);
      const operation = await world.finish(id);
      expect(operation).toMatchObject({
        status: "Failed",
        error: { code: "ResourceManagerForbidden" },
      });
      expect(operation.error?.message).toEqual(naming([action, id, role]));
      expect(operation.error?.errors[0]?.code).toBe("InsufficientPermission");
      expect(factsOf(await world.takeEvents(), id).at(-1)).toBe("failed");
    },
  );

  test("a refusal of a provider ends Failed with Azure's words", async () => {
    world.simulator.control.addFault({
      method: "POST",
      path: `/subscriptions/${id}/providers/${PROVIDER}/register\\?`,
      status: 409,
      body: {
        error: {
          code: "ReadOnlyDisabledSubscription",
          message: "The subscription is disabled.",
        },
      },
    });
    await world.prepare(id);
    const operation = await world.finish(id);
    expect(operation).toMatchObject({
      status: "Failed",
      error: { code: "ResourceManagerRefused" },
    });
    expect(operation.error?.message).toContain("409 ReadOnlyDisabledSubscription");
  });

  test("a refusal of a feature is no verdict before its provider is registered", async () => {
    world.simulator.control.addFault({
      method: "POST",
      path: `/subscriptions/${id}/providers/${FEATURE_PATH}/register\\?`,
      status: 409,
      times: 3,
      body: {
        error: {
          code: "MissingSubscriptionRegistration",
          message: "Not registered to use namespace 'Microsoft.Compute'.",
        },
      },
    });
    await world.prepare(id);
    const operation = await world.finish(id);
    expect(operation.status).toBe("Succeeded");
    expect(operation.history.filter(({ state }) => state === "Waiting")).not.toEqual([]);
  });

  test("a refusal of a feature is one when its provider is", async () => {
    await setAll("Registered", "NotRegistered");
    world.simulator.control.addFault({
      method: "POST",
      path: `/subscriptions/${id}/providers/${FEATURE_PATH}/register\\?`,
      status: 400,
      body: {
        error: { code: "FeatureRegistrationUnsupported", message: "No." },
      },
    });
    await world.prepare(id);
    expect(await world.finish(id)).toMatchObject({
      status: "Failed",
      error: { code: "ResourceManagerRefused" },
    });
  });
});

describe.each([
  { name: "429", status: 429 },
  { name: "409 of a busy provider", status: 409 },
  { name: "500", status: 500 },
  { name: "a reset connection", action: "reset" as const },
  {
    name: "a connection reset after the request was processed",
    action: "reset-after-processing" as const,
  },
  { name: "an expired token", action: "expired-token" as const },
])("$name", ({ name: _, ...fault }) => {
  test.each(["GET", "POST"])("of a %s delays and never fails", async (method) => {
    world.simulator.control.addFault({
      ...fault,
      method,
      path: `/subscriptions/${id}/providers/`,
      times: 3,
    });
    await world.prepare(id);
    await world.runDue();
    expect(await dueAfter()).toBeGreaterThanOrEqual(10);
    const operation = await world.finish(id);
    expect(operation.status).toBe("Succeeded");
    const facts = factsOf(await world.takeEvents(), id);
    expect(new Set(facts).size).toBe(facts.length);
    expect(facts.filter((fact) => /registered|prepared$/u.test(fact))).toEqual([
      `${COMPUTE}/registered`,
      `${FEATURE}/registered`,
      "prepared",
    ]);
  });
});

test("Retry-After is obeyed to the second", async () => {
  world.simulator.control.addFault({
    method: "POST",
    path: `/subscriptions/${id}/providers/`,
    status: 429,
    headers: { "Retry-After": "271" },
  });
  await world.prepare(id);
  await world.runDue();
  expect(await dueAfter()).toBe(271);
  expect((await world.read(id)).operation.history.at(-1)).toMatchObject({
    state: "Waiting",
    message: expect.stringContaining("answered 429") as string,
  });
  expect((await world.finish(id)).status).toBe("Succeeded");
});

test("a message that was handled by two hosts at once is one step", async () => {
  await world.prepare(id);
  for (let turns = 0; turns < 40; turns += 1) {
    const due = await world.takeDue();
    await Promise.all([...due, ...due, ...due].map((message) => world.handle(message)));
    const { record } = await world.read(id);
    if (record.state === "Succeeded") break;
    world.clock.advance(Math.max(0, Date.parse(record.dueTime) - world.clock.now()));
  }
  expect((await world.read(id)).record.state).toBe("Succeeded");
  expect(registrations(FEATURE_PATH)).toBe(1);
  expect(registrations(PROVIDER)).toBe(2);
  const facts = factsOf(await world.takeEvents(), id);
  expect(new Set(facts).size).toBe(facts.length);
});

test("all messages again, late and backwards, and messages to come change nothing", async () => {
  await world.prepare(id);
  const seen = await world.runDue();
  const before = await world.read(id);
  const { operation, record } = before;
  const others = [0, record.step + 1, 99].map((step) => ({
    operationId: operation.id,
    step,
    messageId: "other",
  }));
  for (const message of [...[...seen].reverse(), ...others]) await world.handle(message);
  await world.handle({ operationId: "none", step: 1, messageId: "none" });
  expect(await world.read(id)).toEqual(before);
  expect((await world.finish(id)).status).toBe("Succeeded");
  const after = await world.read(id);
  for (const message of seen) await world.handle(message);
  expect(await world.read(id)).toEqual(after);
});

describe("the state of a preparation", () => {
  test("is told of a subscription that nobody has prepared", async () => {
    expect(await getPreparation(world.deps, id.toUpperCase())).toEqual({
      subscriptionId: id,
      prepared: false,
      registrations: [
        { name: COMPUTE, state: "NotRegistered" },
        { name: FEATURE, state: "NotRegistered" },
      ],
    });
  });

  test("names the operation, and waits for what a feature still needs", async () => {
    const { id: operationId } = await world.prepare(id);
    await world.runDue();
    await setAll("Registered", "Registered");
    expect(await getPreparation(world.deps, id)).toEqual({
      subscriptionId: id,
      prepared: false,
      registrations: [
        { name: COMPUTE, state: "Registered" },
        { name: FEATURE, state: "Registered" },
      ],
      operation: { id: operationId, status: "Running" },
    });
    await world.finish(id);
    expect(await getPreparation(world.deps, id)).toMatchObject({
      prepared: true,
      operation: { id: operationId, status: "Succeeded" },
    });
  });

  test("is Azure's word now, not what it was", async () => {
    await setAll("Registered", "Registered");
    await world.prepare(id);
    await world.finish(id);
    await set("Unregistered");
    expect(await getPreparation(world.deps, id)).toMatchObject({
      prepared: false,
      operation: { status: "Succeeded" },
    });
  });

  test("shows a feature that Azure does not know as Unknown", async () => {
    expect(
      await getPreparation(
        {
          ...world.deps,
          requiredRegistrations: [
            { namespace: COMPUTE },
            { namespace: COMPUTE, feature: "NoSuchFeature" },
          ],
        },
        id,
      ),
    ).toMatchObject({
      prepared: false,
      registrations: [
        { state: "NotRegistered" },
        { name: "Microsoft.Compute/NoSuchFeature", state: "Unknown" },
      ],
    });
  });

  test("of a subscription that Azure does not know is NotFound", async () => {
    await expect(getPreparation(world.deps, UNKNOWN)).rejects.toMatchObject({
      code: "NotFound",
      message: naming([UNKNOWN, COMPUTE]) as string,
    });
  });
});

describe("an Idempotency-Key", () => {
  const prepare = (subscription: string, idempotencyKey: string, appId = "build-system") =>
    prepareSubscription(world.deps, {
      subscriptionId: subscription,
      requestedBy: { appId },
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      idempotencyKey,
    });

  test("that is repeated answers the operation that it answered first, also after its end", async () => {
    const key = `again-${id}`;
    const first = await prepare(id, key);
    expect((await prepare(id, key)).id).toBe(first.id);
    await world.finish(id);
    expect((await prepare(id, key)).id).toBe(first.id);
    expect((await prepare(id, `other-${id}`)).id).not.toBe(first.id);
    expect((await prepare(id, key, "another-caller")).id).not.toBe(first.id);
  });

  test("of another subscription is refused", async () => {
    const key = `elsewhere-${id}`;
    await prepare(id, key);
    await expect(prepare(UNKNOWN, key)).rejects.toMatchObject({
      code: "IdempotencyKeyReused",
    });
  });
});
