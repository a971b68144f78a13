import { describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { hasEnded } from "../../../src/operation/kinds.js";
import { fail } from "../../../src/operation/failing.js";
import { wait } from "../../../src/operation/waiting.js";
import { keyOf } from "../../../src/resource-id.js";
import type { Registrable } from "../../../src/subscription/ports.js";
import {
  accept,
  followRegistrations,
  observe,
  toRegister,
  type PreparationPair,
} from "../../../src/subscription/transitions.js";
import { PACE, TRACEPARENT } from "../../support/dependencies.js";
import { at, effectsOf, told } from "../../support/transitions.js";
import { nthOf } from "../../support/operation-ids.js";
import { naming } from "../../support/naming.js";

const RESOURCE_ID = "/subscriptions/5b8a0e2c-6d4f-4a3b-9c1d-7e8f90a1b2c3";
const COMPUTE: Registrable = { namespace: "Microsoft.Compute" };
const FEATURE: Registrable = { ...COMPUTE, feature: "SIGEncryption" };
const FEATURE_NAME = "Microsoft.Compute/SIGEncryption";
const MINUTE = 60;

function requested(previous?: PreparationPair): PreparationPair {
  return accept(
    {
      key: keyOf(RESOURCE_ID),
      resourceId: RESOURCE_ID,
      required: [COMPUTE, FEATURE],
      requestedBy: { appId: "build-system" },
      traceparent: TRACEPARENT,
    },
    previous?.record,
    at(0),
  );
}

const states = (compute: string, feature?: string): Map<string, string> =>
  new Map([
    ["Microsoft.Compute", compute],
    ...(feature === undefined ? [] : [[FEATURE_NAME, feature] as const]),
  ]);

/** A look from which all is told. */
function looked(
  pair: PreparationPair,
  compute: string,
  feature: string,
  seconds = 1,
): PreparationPair {
  return told(observe(pair, states(compute, feature), at(seconds)));
}

/** A look and ARM's answer to what it asks for, all told. */
function asked(
  pair: PreparationPair,
  before: readonly [string, string],
  after: readonly [string, string],
): PreparationPair {
  const look = looked(pair, ...before);
  return told(followRegistrations(look, toRegister(look.record), states(...after), at(2)));
}

const begun = told(requested());
const registering = asked(
  begun,
  ["NotRegistered", "NotRegistered"],
  ["Registering", "Registering"],
);

const namesToRegister = (pair: PreparationPair): string[] =>
  toRegister(pair.record).map(({ name }) => name);
const eventsOf = (pair: PreparationPair): CloudEvent[] =>
  pair.record.outbox.flatMap((effect) => (effect.kind === "event" ? [effect.event] : []));
const dueAfter = ({ record }: PreparationPair, seconds: number): number =>
  (Date.parse(record.dueTime) - at(seconds).now.getTime()) / 1_000;
const lastMessage = ({ operation }: PreparationPair): string | undefined =>
  operation.history.at(-1)?.message;

/** Every transition of a preparation, with a state that it may start from. */
const TRANSITIONS: readonly (readonly [string, PreparationPair])[] = [
  ["accept", requested()],
  ["a look that asks", observe(begun, states("NotRegistered", "NotRegistered"), at(MINUTE))],
  ["a look that waits", observe(registering, states("Registering", "Pending"), at(MINUTE))],
  ["a look that ends", observe(begun, states("Registered", "Registered"), at(MINUTE))],
  [
    "answers",
    followRegistrations(
      looked(begun, "NotRegistered", "Registered"),
      [COMPUTE],
      states("Registering"),
      at(MINUTE),
    ),
  ],
  ["wait", wait(registering, "Busy.", 0, at(MINUTE))],
  ["fail", fail(registering, { code: "NotFound", message: "No.", errors: [] }, at(MINUTE))],
];

test.each(TRANSITIONS)(
  "%s raises the step by one, and has the next message in the outbox unless it is final",
  (name, pair) => {
    expect(pair.record.step).toBe(
      { accept: 1, "a look that asks": 2, "a look that ends": 2, answers: 3 }[name] ?? 4,
    );
    const messages = effectsOf(pair).filter((effect) => effect.startsWith("message"));
    expect(messages).toEqual(
      hasEnded(at(0), pair) ? [] : [`message ${pair.record.step} to subscription-preparations`],
    );
    expect(effectsOf(pair).includes("close")).toBe(hasEnded(at(0), pair));
  },
);

test.each(TRANSITIONS)(
  "invariant 4: after %s the operation's registrations are the record's",
  (_, pair) => {
    expect(pair.operation.detail).toEqual(
      pair.record.registrations.map(({ name, state }) => ({ name, state })),
    );
  },
);

test("a request is stored as an operation that knows what it will register", () => {
  const pair = requested();
  expect(pair.operation).toMatchObject({
    id: nthOf(pair.record, 1),
    kind: "PrepareSubscription",
    status: "NotStarted",
    resourceId: RESOURCE_ID,
    regions: [],
    detail: [
      { name: "Microsoft.Compute", state: "Unknown" },
      { name: FEATURE_NAME, state: "Unknown" },
    ],
  });
  expect(effectsOf(pair)).toEqual([
    "index from nothing",
    "event requested",
    "message 1 to subscription-preparations",
  ]);
  expect(eventsOf(pair)[0]).toMatchObject({
    type: "Sigil.Subscription.PreparationRequested",
    subject: RESOURCE_ID,
    data: {
      operationId: pair.operation.id,
      requestedBy: { appId: "build-system" },
      registrations: ["Microsoft.Compute", FEATURE_NAME],
    },
  });
});

test("a subscription with everything registered is prepared at the first look", () => {
  const pair = observe(begun, states("Registered", "Registered"), at(1));
  expect(pair.record.state).toBe("Succeeded");
  expect(pair.operation.status).toBe("Succeeded");
  expect(effectsOf(pair)).toEqual([
    "index from NotStarted",
    "event Microsoft.Compute/registered",
    `event ${FEATURE_NAME}/registered`,
    "event prepared",
    "close",
  ]);
  expect(eventsOf(pair).map(({ type, data }) => ({ type, data }))).toEqual([
    {
      type: "Sigil.Subscription.Registered",
      data: { operationId: pair.operation.id, name: "Microsoft.Compute" },
    },
    {
      type: "Sigil.Subscription.Registered",
      data: { operationId: pair.operation.id, name: FEATURE_NAME },
    },
    {
      type: "Sigil.Subscription.Prepared",
      data: {
        operationId: pair.operation.id,
        registrations: [
          { name: "Microsoft.Compute", state: "Registered" },
          { name: FEATURE_NAME, state: "Registered" },
        ],
      },
    },
  ]);
  expect(lastMessage(pair)).toEqual(naming([FEATURE_NAME, "Microsoft.Compute"]));
});

describe("what is asked for", () => {
  test.each([
    ["NotRegistered", true],
    ["Unregistered", true],
    ["Registered", false],
    ["Registering", false],
    ["Pending", false],
    ["Unregistering", false],
  ])("a provider that is %s: %s", (state, isAsked) => {
    expect(namesToRegister(looked(begun, state, "Registered"))).toEqual(
      isAsked ? ["Microsoft.Compute"] : [],
    );
  });

  test("what is neither shown nor known is not asked for", () => {
    const pair = observe(begun, states("Registering"), at(1));
    expect(toRegister(pair.record)).toEqual([]);
    expect(pair.record.state).toBe("Registering");
  });

  test("a registration that is lost while it is waited for is asked for again", () => {
    const lost = looked(registering, "Registering", "Unregistered");
    expect(namesToRegister(lost)).toEqual([FEATURE_NAME]);
    expect(lastMessage(lost)).toEqual(naming([FEATURE_NAME]));
  });

  test("the look that asks is followed when its calls can no longer be on the way", () => {
    const pair = observe(begun, states("NotRegistered", "Registered"), at(1));
    expect(dueAfter(pair, 1)).toBe((PACE.putTimeoutMs * 2) / 1_000);
  });
});

describe("invariant 1: a feature takes effect when its provider is registered after it", () => {
  test("a feature is marked by the look that asks for it", () => {
    const look = observe(begun, states("Registered", "NotRegistered"), at(1));
    expect(look.record.unpropagated).toEqual([FEATURE_NAME]);
    expect(namesToRegister(look)).toEqual([FEATURE_NAME]);
  });

  test("a feature that was registered from the start is not marked", () => {
    expect(looked(begun, "NotRegistered", "Registered").record.unpropagated).toEqual([]);
  });

  test("once it is Registered the provider is registered once more, and only that ends it", () => {
    const feature = asked(begun, ["Registered", "NotRegistered"], ["Registered", "Registering"]);
    const look = observe(feature, states("Registered", "Registered"), at(60));
    expect(look.record.state).toBe("Registering");
    expect(namesToRegister(look)).toEqual(["Microsoft.Compute"]);
    expect(lastMessage(look)).toEqual(naming([FEATURE_NAME, "Microsoft.Compute"]));
    const done = followRegistrations(
      told(look),
      toRegister(look.record),
      states("Registered"),
      at(61),
    );
    expect(done.record).toMatchObject({ state: "Succeeded", unpropagated: [] });
  });

  test("a crash before the answer is stored asks again, however often", () => {
    const feature = asked(begun, ["Registered", "NotRegistered"], ["Registered", "Registering"]);
    let look = looked(feature, "Registered", "Registered", 60);
    for (let crashes = 0; crashes < 3; crashes += 1) {
      look = looked(look, "Registered", "Registered", 300);
      expect(namesToRegister(look)).toEqual(["Microsoft.Compute"]);
      expect(look.record.state).toBe("Registering");
    }
  });

  test("a provider that was asked for together with its feature is not yet after it", () => {
    const both = asked(begun, ["NotRegistered", "NotRegistered"], ["Registered", "Registered"]);
    expect(both.record).toMatchObject({
      state: "Registering",
      unpropagated: [FEATURE_NAME],
    });
    expect(namesToRegister(looked(both, "Registered", "Registered", 60))).toEqual([
      "Microsoft.Compute",
    ]);
  });

  test("a provider that is registered again by itself serves the feature, too", () => {
    const feature = asked(begun, ["Registered", "NotRegistered"], ["Registered", "Registering"]);
    const both = asked(feature, ["Unregistered", "Registered"], ["Registering", "Registered"]);
    expect(both.record.unpropagated).toEqual([]);
    expect(both.record.state).toBe("Registering");
  });

  test("a provider that is being unregistered is asked only after that", () => {
    const feature = asked(begun, ["Registered", "NotRegistered"], ["Registered", "Registering"]);
    const look = looked(feature, "Unregistering", "Registered");
    expect(namesToRegister(look)).toEqual([]);
    expect(namesToRegister(looked(look, "Unregistered", "Registered"))).toEqual([
      "Microsoft.Compute",
    ]);
  });

  test("the next operation does what a failed one has left undone", () => {
    const failed = told(fail(registering, { code: "X", message: "No.", errors: [] }, at(3)));
    const again = told(requested(failed));
    expect(again.operation.id).toBe(nthOf(again.record, 2));
    const look = looked(again, "Registered", "Registered");
    expect(look.record.state).toBe("Registering");
    expect(namesToRegister(look)).toEqual(["Microsoft.Compute"]);
  });
});

test("invariant 2: nothing else than Registered everywhere ends a preparation", () => {
  for (const state of [
    "Registering",
    "Pending",
    "NotRegistered",
    "Unregistered",
    "Unregistering",
    "SomethingNew",
  ]) {
    expect(looked(begun, "Registered", state).record.state, state).toBe("Registering");
    expect(looked(begun, state, "Registered").record.state, state).toBe("Registering");
  }
});

describe("invariant 3: each state is told once", () => {
  test("Registering and Pending are events, what is asked for is history alone", () => {
    const look = observe(begun, states("NotRegistered", "Pending"), at(1));
    expect(effectsOf(look)).toEqual([
      "index from NotStarted",
      `event ${FEATURE_NAME}/registering/Pending`,
      "message 2 to subscription-preparations",
    ]);
    expect(eventsOf(look)[0]).toMatchObject({
      type: "Sigil.Subscription.Registering",
      data: { name: FEATURE_NAME, state: "Pending" },
    });
    expect(lastMessage(look)).toEqual(naming([FEATURE_NAME, "Microsoft.Compute", "NotRegistered"]));
  });

  test("a registration that comes and goes adds neither events nor history after the first time", () => {
    let pair = registering;
    const facts: string[] = [];
    let entries = 0;
    for (let times = 0; times < 50; times += 1) {
      for (const state of ["Registering", "Pending", "Unregistered"]) {
        const next = observe(pair, states("Registered", state), at(60));
        facts.push(...eventsOf(next).map(({ id }) => id));
        pair = told(next);
      }
      if (times === 0) entries = pair.operation.history.length;
    }
    expect(facts).toEqual([
      `${pair.operation.id}/Microsoft.Compute/registered`,
      `${pair.operation.id}/${FEATURE_NAME}/registering/Pending`,
    ]);
    expect(pair.operation.history).toHaveLength(entries);
  });
});

test("looks are 15 s apart after news, then twice as far each time, two minutes at most", () => {
  let pair = registering;
  const waits = [dueAfter(pair, 2)];
  for (let looks = 0; looks < 5; looks += 1) {
    pair = looked(pair, "Registering", "Registering", 60);
    waits.push(dueAfter(pair, 60));
  }
  expect(waits).toEqual([15, 30, 60, 120, 120, 120]);
  expect(dueAfter(looked(pair, "Registered", "Registering", 60), 60)).toBe(15);
});
