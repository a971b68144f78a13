import { describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { isFinal } from "../../../src/operation/states.js";
import { fail } from "../../../src/operation/failing.js";
import { overdueMs, wait, wake } from "../../../src/operation/waiting.js";
import {
  observe,
  observeAbsence,
} from "../../../src/image-version/observation.js";
import type { ImageVersionPair } from "../../../src/image-version/records.js";
import {
  beginCreation,
  followReplication,
} from "../../../src/image-version/transitions.js";
import { PACE } from "../../support/dependencies.js";
import { managedImageRequest } from "../../support/requests.js";
import {
  accepted,
  at,
  creating,
  effectsOf,
  observed,
  replicating,
  told,
} from "../../support/transitions.js";

const FAILURE = { code: "PreflightFailed", message: "No.", errors: [] };
/** ARM shows the version, and there is nothing to send. */
const SEEN = { kind: "seen" } as const;

const NOTHING_PROVEN = {
  record: { encryptionTypes: {}, dataDiskLuns: [] },
  operation: {},
};
const running = observed("Creating", {
  westus: ["Replicating", 10],
  eastus2: ["Unknown", 0],
});
const completed = observed("Succeeded", {
  westus: ["Completed", 100],
  eastus2: ["Completed", 100],
});

/** Every transition but `wake`, with a state that it may start from. */
const TRANSITIONS: readonly (readonly [
  string,
  ImageVersionPair,
  (pair: ImageVersionPair) => ImageVersionPair,
])[] = [
  [
    "beginCreation",
    told(accepted()),
    (pair) => beginCreation(pair, NOTHING_PROVEN, at(60)),
  ],
  [
    "beginCreation again",
    creating(),
    (pair) => beginCreation(pair, NOTHING_PROVEN, at(60)),
  ],
  [
    "followReplication",
    creating(),
    (pair) => followReplication(pair, SEEN, at(60)),
  ],
  [
    "wait when Accepted",
    told(accepted()),
    (pair) => wait(pair, "Busy.", 0, at(60)),
  ],
  ["wait when Creating", creating(), (pair) => wait(pair, "Busy.", 0, at(60))],
  [
    "wait when Replicating",
    replicating(),
    (pair) => wait(pair, "Busy.", 0, at(60)),
  ],
  [
    "observe",
    replicating(),
    (pair) => observe(pair, running, undefined, at(60)),
  ],
  [
    "observe the end",
    replicating(),
    (pair) => observe(pair, completed, undefined, at(60)),
  ],
  ["observeAbsence", replicating(), (pair) => observeAbsence(pair, at(60))],
  ["fail", told(accepted()), (pair) => fail(pair, FAILURE, at(60))],
];

describe("invariant 1: what a transition causes is in the outbox of the record that states it", () => {
  test.each<readonly [string, ImageVersionPair, readonly string[]]>([
    [
      "accept",
      accepted(),
      [
        "index from nothing",
        "event accepted",
        "message 1 to image-version-creations",
      ],
    ],
    [
      "beginCreation",
      beginCreation(told(accepted()), NOTHING_PROVEN, at(1)),
      [
        "index from NotStarted",
        "event creating",
        "message 2 to image-version-creations",
      ],
    ],
    [
      "beginCreation again",
      beginCreation(creating(), NOTHING_PROVEN, at(1)),
      ["message 3 to image-version-creations"],
    ],
    [
      "followReplication",
      followReplication(creating(), SEEN, at(1)),
      ["message 3 to image-version-replications"],
    ],
    [
      "followReplication of a version that was there",
      followReplication(told(accepted()), SEEN, at(1)),
      ["index from NotStarted", "message 2 to image-version-replications"],
    ],
    [
      "wait",
      wait(creating(), "Busy.", 0, at(1)),
      ["message 3 to image-version-creations"],
    ],
    [
      "fail",
      fail(creating(), FAILURE, at(1)),
      ["index from Running", "event failed", "close"],
    ],
    [
      "observe",
      observe(replicating(), running, undefined, at(60)),
      [
        "event westus/replicating/10",
        "message 4 to image-version-replications",
      ],
    ],
    [
      "observe the end",
      observe(replicating(), completed, undefined, at(60)),
      [
        "event westus/completed",
        "event eastus2/completed",
        "index from Running",
        "event completed",
        "close",
      ],
    ],
    [
      "wake",
      wake(replicating(), at(1)),
      ["message 3.1 to image-version-replications"],
    ],
  ])("%s", (_, pair, effects) => expect(effectsOf(pair)).toEqual(effects));

  test("what is not yet told stays in front of what is new", () => {
    const untold = accepted();
    expect(effectsOf(fail(untold, FAILURE, at(1)))).toEqual([
      ...effectsOf(untold),
      "index from NotStarted",
      "event failed",
      "close",
    ]);
    expect(effectsOf(wake(untold, at(1)))).toEqual([
      ...effectsOf(untold),
      "message 1.1 to image-version-creations",
    ]);
  });
});

describe("invariant 2: only the message of the current step may cause the next", () => {
  test.each(TRANSITIONS)("%s raises the step by one", (_, from, transition) => {
    const { record: version } = transition(from);
    expect(version.step).toBe(from.record.step + 1);
    expect(version.wakes).toBe(0);
  });

  test("wake keeps the step and changes the message's id, each time", () => {
    const once = wake(replicating(), at(200));
    const twice = wake(told(once), at(400));
    expect(twice.record.step).toBe(replicating().record.step);
    expect([...effectsOf(once), ...effectsOf(twice)]).toEqual([
      "message 3.1 to image-version-replications",
      "message 3.2 to image-version-replications",
    ]);
    expect(twice.operation).toEqual(replicating().operation);
  });
});

describe("invariant 3: a state that is not final has a message for its step", () => {
  test.each(TRANSITIONS)("%s", (_, from, transition) => {
    const { record: version } = transition(from);
    const messages = version.outbox.flatMap((effect) =>
      effect.kind === "message" ? [effect.message] : [],
    );
    if (isFinal(version.state)) {
      expect(messages).toEqual([]);
      return;
    }
    expect(messages).toMatchObject([
      {
        operationId: from.operation.id,
        step: version.step,
        enqueueTime: version.dueTime,
        traceparent: from.operation.traceparent,
      },
    ]);
  });

  test("the message that looks after a PUT comes when that has been given up, and later", () => {
    const { record: version } = beginCreation(
      told(accepted()),
      NOTHING_PROVEN,
      at(0),
    );
    expect(Date.parse(version.dueTime) - at(0).now.getTime()).toBe(
      2 * PACE.putTimeoutMs,
    );
  });
});

describe("invariant 4: Succeeded only when every region is Completed", () => {
  test.each([
    [
      "a region still replicates",
      observed("Succeeded", {
        westus: ["Completed", 100],
        eastus2: ["Replicating", 99],
      }),
    ],
    [
      "a region says nothing of its state",
      observed("Succeeded", {
        westus: ["Completed", 100],
        eastus2: ["Unknown", 100],
      }),
    ],
    [
      "a region is not shown",
      observed("Succeeded", { westus: ["Completed", 100] }),
    ],
    ["no region is shown", observed("Succeeded", {})],
    [
      "another region is shown",
      observed("Succeeded", {
        westus: ["Completed", 100],
        uksouth: ["Completed", 100],
      }),
    ],
    [
      "the version is not yet provisioned",
      observed("Creating", {
        westus: ["Completed", 100],
        eastus2: ["Completed", 100],
      }),
    ],
    [
      "the version is updated by another",
      observed("Updating", {
        westus: ["Completed", 100],
        eastus2: ["Completed", 100],
      }),
    ],
    [
      "the version is being deleted",
      observed("Deleting", {
        westus: ["Completed", 100],
        eastus2: ["Completed", 100],
      }),
    ],
  ])("%s: it goes on", (_, answer) => {
    expect(observe(replicating(), answer, undefined, at(60)).record.state).toBe(
      "Replicating",
    );
  });

  test("every region is Completed and the version provisioned: Succeeded", () => {
    const { record: version, operation } = observe(
      replicating(),
      completed,
      undefined,
      at(60),
    );
    expect(version.state).toBe("Succeeded");
    expect(operation).toMatchObject({
      status: "Succeeded",
      endTime: at(60).now.toISOString(),
    });
  });

  test("a region completed at an earlier look counts only if it still is", () => {
    const one = observe(
      replicating(),
      observed("Creating", {
        westus: ["Completed", 100],
        eastus2: ["Replicating", 5],
      }),
      undefined,
      at(60),
    );
    const lost = observe(
      told(one),
      observed("Succeeded", {
        westus: ["Replicating", 1],
        eastus2: ["Completed", 100],
      }),
      undefined,
      at(90),
    );
    expect(lost.record.state).toBe("Replicating");
  });

  test("the version Failed though every region is Completed: Failed, for ARM's reason", () => {
    const { record: version, operation } = observe(
      replicating(),
      { ...completed, provisioningState: "Failed" },
      { code: "InternalOperationError", message: "It broke." },
      at(60),
    );
    expect(version.state).toBe("Failed");
    expect(operation.error).toEqual({
      code: "ReplicationFailed",
      message:
        "Every region has its copy, but the version's provisioning state is Failed. Azure Resource Manager says: It broke.",
      errors: [
        { code: "InternalOperationError", pointer: "", message: "It broke." },
      ],
    });
  });
});

describe("invariant 5: final states are left only by a new operation", () => {
  test("a failed version that is asked for again is the next operation of the same version", () => {
    const failed = told(fail(accepted(), FAILURE, at(10)));
    const next = accepted(managedImageRequest(), failed);
    expect(next.record).toMatchObject({
      state: "Accepted",
      sequence: 2,
      step: 1,
      createdTime: failed.record.createdTime,
    });
    expect(next.operation).toMatchObject({
      id: failed.operation.id.replace(/-1$/u, "-2"),
      status: "NotStarted",
    });
    expect(next.operation.error).toBeUndefined();
    expect(effectsOf(next)[0]).toBe("index from nothing");
  });

  test.each(["Succeeded", "Failed"] as const)("%s is final", (state) =>
    expect(isFinal(state)).toBe(true),
  );
  test.each(["Accepted", "Creating", "Replicating"] as const)(
    "%s is not",
    (state) => expect(isFinal(state)).toBe(false),
  );
});

describe("a failed region", () => {
  const reason = "Out of capacity.";

  test("does not hold back the others", () => {
    const { record: version } = observe(
      replicating(),
      observed("Creating", {
        westus: ["Failed", 30, reason],
        eastus2: ["Replicating", 50],
      }),
      undefined,
      at(60),
    );
    expect(version.state).toBe("Replicating");
    expect(
      effectsOf({ record: version, operation: replicating().operation }),
    ).toEqual([
      "event westus/failed/1",
      "event eastus2/replicating/50",
      "message 4 to image-version-replications",
    ]);
  });

  test("ends the version Failed when the others have ended, the others' events first", () => {
    const first = observe(
      replicating(),
      observed("Creating", {
        westus: ["Failed", 30, reason],
        eastus2: ["Replicating", 50],
      }),
      undefined,
      at(60),
    );
    const last = observe(
      told(first),
      observed("Failed", {
        westus: ["Failed", 30, reason],
        eastus2: ["Completed", 100],
      }),
      undefined,
      at(90),
    );
    expect(effectsOf(last)).toEqual([
      "event eastus2/completed",
      "index from Running",
      "event failed",
      "close",
    ]);
    expect(last.operation.error).toEqual({
      code: "ReplicationFailed",
      message: "The version is not usable in westus.",
      errors: [
        {
          code: "RegionFailed",
          pointer: "/properties/publishingProfile/targetRegions/0",
          message: "Replication to westus failed: Out of capacity.",
        },
      ],
    });
  });

  test("is every region that has not completed when ARM gives the version up", () => {
    const { record: version, operation } = observe(
      replicating(),
      observed("Failed", {
        westus: ["Completed", 100],
        eastus2: ["Replicating", 50],
      }),
      { code: "Conflict", message: "The generations differ." },
      at(60),
    );
    expect(version.regions).toMatchObject([
      { state: "Completed" },
      { state: "Failed", details: "The generations differ." },
    ]);
    expect(operation.error).toMatchObject({
      message:
        "The version is not usable in eastus2. Azure Resource Manager says: The generations differ.",
      errors: [{ code: "Conflict" }],
    });
  });
});

describe("the waits", () => {
  const seconds = (pair: ImageVersionPair, from: number): number =>
    (Date.parse(pair.record.dueTime) - at(from).now.getTime()) / 1_000;

  test("between looks are 15, 30, 60, 120, 120 seconds", () => {
    let pair = told(followReplication(creating(), SEEN, at(0)));
    const waits = [seconds(pair, 0)];
    for (let i = 0; i < 4; i += 1) {
      pair = told(observe(pair, running, undefined, at(0)));
      waits.push(seconds(pair, 0));
    }
    expect(waits).toEqual([15, 30, 60, 120, 120]);
  });

  test("after failures grow as well, and are never shorter than what was asked for", () => {
    let pair = creating();
    const waits = [0, 100, 0, 0, 500, 0].map((asked) => {
      pair = told(wait(pair, "Busy.", asked * 1_000, at(0)));
      return seconds(pair, 0);
    });
    expect(waits).toEqual([15, 100, 60, 120, 500, 120]);
  });

  test("stay at the longest after a thousand", () => {
    let pair = replicating();
    for (let i = 0; i < 1_000; i += 1)
      pair = told(wait(pair, "Busy.", 0, at(0)));
    expect(seconds(pair, 0)).toBe(120);
  });

  test("begin anew in the next state", () => {
    const late = told(wait(told(wait(creating(), "", 0, at(0))), "", 0, at(0)));
    expect(seconds(followReplication(late, SEEN, at(0)), 0)).toBe(15);
  });

  test("before a step is sent again double, 32 times at most", () => {
    const { record: version } = accepted();
    expect(
      [0, 1, 2, 5, 6, 100].map(
        (wakes) => overdueMs({ ...version, wakes }, PACE) / PACE.overdueMs,
      ),
    ).toEqual([1, 2, 4, 32, 32, 32]);
  });
});

describe("the history", () => {
  test("keeps of several waits in a row the latest", () => {
    let pair = creating();
    for (const reason of ["One.", "Two.", "Three."])
      pair = told(wait(pair, reason, 0, at(10)));
    expect(
      pair.operation.history.map(({ state, message }) => [state, message]),
    ).toEqual([
      ["Accepted", "The request is stored and its work is queued."],
      [
        "Creating",
        "Every check has passed: the create request is sent to Azure Resource Manager.",
      ],
      ["Waiting", "Three. Next try at 2026-01-01T00:01:10.000Z."],
    ]);
  });

  test("does not grow when the create request is sent again and again", () => {
    let pair = creating();
    for (let i = 0; i < 100; i += 1) {
      pair = told(wait(pair, "Busy.", 0, at(i)));
      pair = told(beginCreation(pair, NOTHING_PROVEN, at(i)));
    }
    expect(pair.operation.history).toHaveLength(3);
  });

  test("does not grow with looks", () => {
    let pair = replicating();
    for (let i = 0; i < 100; i += 1)
      pair = told(observe(pair, running, undefined, at(i)));
    expect(pair.operation.history).toEqual(replicating().operation.history);
  });
});

describe("an absence", () => {
  test("is waited for nine times, and ends the version at the tenth", () => {
    let pair = replicating();
    for (let i = 0; i < 9; i += 1) {
      pair = told(observeAbsence(pair, at(i)));
      expect(pair.record.state).toBe("Replicating");
    }
    pair = observeAbsence(pair, at(10));
    expect(pair.record.state).toBe("Failed");
    expect(pair.operation.error?.code).toBe("NotFound");
  });

  test("counts anew when the version has been seen", () => {
    let pair = replicating();
    for (let i = 0; i < 30; i += 1) {
      pair = told(observeAbsence(pair, at(i)));
      if (i % 5 === 0) pair = told(observe(pair, running, undefined, at(i)));
      expect(pair.record.state).toBe("Replicating");
    }
  });
});

describe("events", () => {
  const events = ({ record: version }: ImageVersionPair): CloudEvent[] =>
    version.outbox.flatMap((effect) =>
      effect.kind === "event" ? [effect.event] : [],
    );

  test("of the same fact have the same id, whoever states it and when", () => {
    for (const [, from, transition] of TRANSITIONS) {
      expect(events(transition(from)).map(({ id }) => id)).toEqual(
        events(transition(structuredClone(from))).map(({ id }) => id),
      );
    }
    const once = observe(replicating(), completed, undefined, at(60));
    const later = observe(replicating(), completed, undefined, at(600));
    expect(events(once).map(({ id }) => id)).toEqual(
      events(later).map(({ id }) => id),
    );
  });

  test("of other facts have other ids, over the whole life of two operations", () => {
    const first = fail(accepted(), FAILURE, at(1));
    const second = accepted(managedImageRequest(), told(first));
    const ids = [first, second].flatMap(events).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("carry fifty findings at most and say how many there are", () => {
    const errors = Array.from({ length: 80 }, (_, i) => ({
      code: "X",
      pointer: `/${i}`,
      message: "No.",
    }));
    const pair = fail(accepted(), { ...FAILURE, errors }, at(1));
    expect(pair.operation.error?.errors).toHaveLength(80);
    const { error } = events(pair).at(-1)?.data as {
      error: { errors: unknown[]; errorCount: number };
    };
    expect(error.errors).toHaveLength(50);
    expect(error.errorCount).toBe(80);
  });

  test("are not repeated by a look that sees nothing new", () => {
    const seen = told(observe(replicating(), running, undefined, at(60)));
    expect(events(observe(seen, running, undefined, at(90)))).toEqual([]);
  });
});

test("a region's last progress is when it last moved, and its completion the first time it was seen", () => {
  const moved = told(observe(replicating(), running, undefined, at(60)));
  const still = told(observe(moved, running, undefined, at(90)));
  expect(still.record.regions[0]?.lastProgressTime).toBe(
    at(60).now.toISOString(),
  );
  const half = observed("Creating", {
    westus: ["Completed", 100],
    eastus2: ["Replicating", 1],
  });
  const done = told(observe(still, half, undefined, at(120)));
  const again = told(observe(done, half, undefined, at(150)));
  expect(again.record.regions[0]).toMatchObject({
    state: "Completed",
    progress: 100,
    completedTime: at(120).now.toISOString(),
    lastProgressTime: at(120).now.toISOString(),
  });
});
