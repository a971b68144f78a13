import { describe, expect, test } from "vitest";
import {
  advance,
  event,
  events,
  regionsOf,
  stepMessage,
  withEntry,
  written,
  type Advance,
} from "../../../src/operation/advance.js";
import { fail } from "../../../src/operation/failing.js";
import {
  SCHEMA,
  type OperationRecord,
  type TrackedRecord,
} from "../../../src/operation/records.js";
import { resendStep, wait } from "../../../src/operation/waiting.js";
import { eventMistakes } from "../events/document.js";
import {
  accepted,
  applied,
  at,
  effectsOf,
  eventsOf,
  nth,
  replicating,
  succeeded,
  time,
  told,
  toldOf,
} from "../../support/transitions.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
} from "../../../src/image-version/state/record.js";
import { naming } from "../../support/naming.js";

type Change = Advance<ImageVersionRecord>;

const FAILURE = { code: "X", message: "No.", errors: [] };

/** A version with another operation beside the one that leads. */
function two(more: Partial<OperationRecord> = {}): ImageVersionPair {
  const pair = replicating();
  const member = { ...pair.operation, id: nth(2), ...more };
  return { ...pair, record: { ...pair.record, members: [member] } };
}

const go = (change: Partial<Change> = {}, pair = replicating()) =>
  advance(pair, at(60), { patch: {}, waitMs: 15_000, ...change });

describe("invariant 1: what a transition causes is in the outbox of the record that states it", () => {
  test("rows, effects, ends and the next message, in this order, behind what is not told yet", () => {
    const pair = accepted();
    const before = effectsOf(pair);
    const effect = event(pair.operation, at(1), "Sigil.ImageVersion.Creating", "creating", {});
    const after = advance(pair, at(1), {
      patch: { state: "Creating" },
      effects: [effect],
    });
    expect(effectsOf(after)).toEqual([
      ...before,
      "index from NotStarted",
      "event creating",
      "message 2 to image-version-creations",
    ]);
  });

  test("a status that stays has no new row", () => {
    expect(effectsOf(go())).toEqual(["message 4 to image-version-replications"]);
  });

  test("a final state has no message, and closes each operation", () => {
    const after = fail(two(), FAILURE, at(60));
    expect(effectsOf(after)).toEqual([
      "index from Running",
      "index from Running",
      "event failed",
      "event failed",
      "close",
      "close",
    ]);
  });
});

describe("invariant 2: every transition raises the step by one, and only the message of the present step may cause the next", () => {
  test("by advance", () => {
    const before = replicating();
    const { record } = go({}, before);
    expect(record.step).toBe(before.record.step + 1);
    expect(record.schema).toBe(SCHEMA);
  });

  test("not by a step that is sent again: its message has another id", () => {
    const before = replicating();
    const once = resendStep(before, at(60));
    const twice = resendStep(told(once), at(90));
    expect([once.record.step, twice.record.step]).toEqual([3, 3]);
    const ids = [once, twice].map((pair) => stepMessage(pair.record, pair.operation, at(0))[0]);
    expect(ids).toMatchObject([
      { message: { id: `${nth(1)}:3.1`, step: 3 } },
      { message: { id: `${nth(1)}:3.2`, step: 3 } },
    ]);
    expect(go({}, twice).record.resends).toBe(0);
  });
});

describe("invariant 3: a state that is not final has a message for its step", () => {
  test("when the step is due", () => {
    const { record } = go({ waitMs: 15_000 });
    expect(record.dueTime).toBe(time(75));
    expect(record.outbox.at(-1)).toMatchObject({
      kind: "message",
      message: {
        queue: "image-version-replications",
        enqueueTime: time(75),
        step: 4,
      },
    });
  });
});

describe("invariant 4: final states are left by a new operation alone", () => {
  test.each(["Replicating", "Failed", "Canceled", "Succeeded"] as const)("not to %s", (state) => {
    expect(() => go({ patch: { state } }, succeeded())).toThrow(
      expect.objectContaining({ name: "TypeError", message: naming(["Succeeded", state]) }),
    );
  });
});

describe("invariant 5: operations that have begun share the state; each has its own", () => {
  test("regions", () => {
    const [, east] = replicating().record.regions;
    const after = go({}, two({ regions: [east as never] }));
    expect(after.operation.regions.map(({ name }) => name)).toEqual(["westus", "eastus2"]);
    expect(after.record.members[0]?.regions.map(({ name }) => name)).toEqual(["eastus2"]);
  });

  test("history, by whom it concerns", () => {
    const length = replicating().operation.history.length;
    const lengths = (change: Partial<Change>) => {
      const { record, operation } = go(change, two());
      return [operation, ...record.members].map(({ history }) => history.length - length);
    };
    expect(lengths({})).toEqual([0, 0]);
    expect(lengths({ message: "Now." })).toEqual([1, 1]);
    expect(lengths({ message: "Now.", concerns: [nth(2)] })).toEqual([0, 1]);
  });

  test("what is patched of the operation that leads", () => {
    const { record, operation } = go({ operation: { canceledBy: { name: "me" } } }, two());
    expect(operation.canceledBy).toEqual({ name: "me" });
    expect(record.members[0]).not.toHaveProperty("canceledBy");
  });

  test("end", () => {
    const after = advance(two(), at(60), {
      patch: { state: "Failed" },
      ending: ({ id }) => ({
        status: id.endsWith("2") ? "Succeeded" : "Canceled",
        message: `It is ${id}.`,
        canceledBy: { name: "me" },
        event: { kind: "close", operationId: "x" },
      }),
    });
    expect(after.operation).toMatchObject({
      status: "Canceled",
      endTime: time(60),
    });
    expect(after.record.members).toMatchObject([{ status: "Succeeded" }]);
    expect(after.changedOperations).toMatchObject([{ id: nth(2), status: "Succeeded" }]);
  });

  test("status: what has begun is not taken back, though it waits again", () => {
    const begun = go({ patch: { state: "Accepted" } }, two({ status: "NotStarted" }));
    expect(begun.operation.status).toBe("Running");
    expect(begun.record.members[0]?.status).toBe("NotStarted");
  });

  test("start, once", () => {
    const { startedTime: _, ...operation } = replicating().operation;
    const first = go({}, { ...replicating(), operation });
    expect(first.operation.startedTime).toBe(time(60));
    const second = advance(told(first), at(90), { patch: {} });
    expect(second.operation.startedTime).toBe(time(60));
  });
});

describe("invariant 6: a record that waits too long says so once, and once when it goes on", () => {
  const waits = (pair: ImageVersionPair, seconds: number) =>
    wait(told(pair), "ARM is busy.", 0, at(seconds));
  const first = waits(replicating(), 0);
  const stalled = waits(first, 3_600);

  test("an hour after it began to wait", () => {
    expect(toldOf(waits(first, 3_599))).toEqual([]);
    expect(toldOf(stalled)).toEqual([`1/stalled/${time(0)}`]);
    expect(eventsOf(stalled)).toMatchObject([
      {
        type: "Sigil.ImageVersion.OperationStalled",
        data: { state: "Replicating", since: time(0), reason: "ARM is busy." },
      },
    ]);
    expect(eventsOf(stalled).flatMap(eventMistakes)).toEqual([]);
    expect(toldOf(waits(stalled, 7_300))).toEqual([]);
  });

  test.each<[string, Partial<Change>]>([
    ["it says something new", { message: "Now." }],
    ["its state is another", { patch: { state: "Updating" } }],
    ["a look succeeds", { resumes: true }],
  ])("and goes on when %s", (_, change) => {
    const after = advance(told(stalled), at(3_700), { patch: {}, ...change });
    expect(toldOf(after)).toEqual([`1/resumed/${time(0)}`]);
    expect(eventsOf(after).flatMap(eventMistakes)).toEqual([]);
    expect(after.operation).not.toHaveProperty("waitingSince");
    expect(after.operation).not.toHaveProperty("stalled");
    // It may stall again.
    expect(toldOf(waits(waits(after, 3_800), 7_400))).toEqual([`1/stalled/${time(3_800)}`]);
  });

  test("and not when nothing is said of it, nor when it ends", () => {
    expect(toldOf(advance(told(stalled), at(3_700), { patch: {} }))).toEqual([]);
    expect(toldOf(fail(told(stalled), FAILURE, at(3_700)))).toEqual(["1/failed"]);
  });

  test("what it waits for is in the operation until it goes on", () => {
    expect(first.operation).toMatchObject({
      waitReason: "ARM is busy.",
      nextAttemptTime: first.record.dueTime,
    });
    const after = advance(told(first), at(60), { patch: {} });
    expect(after.operation).not.toHaveProperty("waitReason");
    expect(after.operation).not.toHaveProperty("nextAttemptTime");
  });
});

test("a kind without an event for it does not say that it waits too long", () => {
  const pair = replicating();
  const first = wait(preparing(pair), "ARM is busy.", 0, at(0));
  const stalled = wait(told(first), "ARM is busy.", 0, at(3_600));
  expect(stalled.operation.stalled).toBe(true);
  const after = advance(told(stalled), at(3_700), {
    patch: {},
    resumes: true,
  });
  expect([stalled, after].flatMap(toldOf)).toEqual([]);

  function preparing({ record, operation }: ImageVersionPair) {
    return {
      record: { ...record, state: "Registering" as never },
      operation: { ...operation, kind: "PrepareSubscription" },
    };
  }
});

describe("a history", () => {
  const entry = (state: string, message = state) => ({
    time: time(0),
    state,
    message,
  });

  test("has the latest of several waits in a row", () => {
    const history = [entry("Creating"), entry("Waiting", "1")];
    expect(withEntry(history, entry("Waiting", "2"))).toEqual([
      entry("Creating"),
      entry("Waiting", "2"),
    ]);
    expect(withEntry(history, entry("Creating"))).toHaveLength(3);
  });

  test("loses its middle when it grows too long", () => {
    const history = Array.from({ length: 200 }, (_, i) => entry("S", String(i)));
    const after = withEntry(history, entry("S", "200"));
    expect(after).toHaveLength(200);
    expect(after.map(({ message }) => message).slice(18, 22)).toEqual(["18", "19", "21", "22"]);
    expect(after.at(-1)?.message).toBe("200");
  });
});

test("an event is of each operation that has the region, where it is about one", () => {
  const [west] = applied().record.regions;
  const pair = two({ regions: [west as never] });
  const ids = (region: string) =>
    events(pair, at(1), "Sigil.ImageVersion.RegionResumed", "x", {
      region,
      progress: 1,
    }).map((effect) => (effect.kind === "event" ? effect.event.id : ""));
  expect(ids("westus")).toEqual([`${nth(1)}/x`, `${nth(2)}/x`]);
  expect(ids("eastus2")).toEqual([`${nth(1)}/x`]);
  expect(events(pair, at(1), "Sigil.ImageVersion.Creating", "x", {})).toHaveLength(2);
});

test("an operation's regions are those of the record", () => {
  const { record } = applied();
  expect(
    regionsOf(
      {
        regions: [{ name: "eastus2", state: "Unknown", progress: 0, attempts: 0 }],
      },
      record.regions,
    ),
  ).toEqual([record.regions[1]]);
});

test("operations that are written beside the record are each there once, as they are last", () => {
  const { operation } = accepted();
  const changed = { ...operation, status: "Running" as const };
  expect(written({ changedOperations: [operation] }, [changed])).toEqual({
    changedOperations: [changed],
  });
  expect(written({}, [])).toEqual({});
});

test("a final state has no step message", () => {
  const { record, operation } = succeeded();
  expect(stepMessage(record satisfies TrackedRecord, operation, at(0))).toEqual([]);
});
