import { beforeEach, describe, expect, it } from "vitest";
import {
  createLongPolls,
  MOST_OF_CALLER,
  MOST_WAITS,
  type LongPolls,
} from "../../../src/http/long-polls.js";
import type { OperationRecord } from "../../../src/operation/records.js";

const ID = "0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1";
const ME = "me";
const call = { time: "2026-01-01T00:00:00Z", method: "GET", path: "/x" };
const region = {
  name: "westus",
  state: "Replicating",
  progress: 40,
  attempts: 1,
} as const;
const running: OperationRecord = {
  id: ID,
  kind: "CreateImageVersion",
  status: "Running",
  resourceId: "/subscriptions/s",
  fingerprint: "f",
  createdTime: "2026-01-01T00:00:00Z",
  lastUpdatedTime: "2026-01-01T00:00:00Z",
  requestedBy: {},
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  regions: [region],
  calls: [call],
  omittedReads: 3,
  history: [],
};
const progressed = { ...running, regions: [{ ...region, progress: 50 }] };
const ended: OperationRecord = {
  ...running,
  status: "Succeeded",
  endTime: "2026-01-01T00:30:00Z",
};
const looked = {
  ...running,
  lastUpdatedTime: "2026-01-01T00:01:00Z",
  calls: [call, call],
  omittedReads: 4,
};
const expectedLater = {
  ...running,
  regions: [{ ...region, expectedEndTime: "2026-01-01T00:40:00Z" }],
};

/** Milliseconds of the clock, and of each pause. */
let now: number;
let pauses: number[];
let reads: number;
beforeEach(() => {
  now = 0;
  pauses = [];
  reads = 0;
});

/** Of a store that shows one record after the other, a read each; the last one stays. */
function longPolls(
  records: readonly (OperationRecord | undefined)[],
  sleep = (ms: number): Promise<void> => {
    pauses.push(ms);
    now += ms;
    return Promise.resolve();
  },
): LongPolls {
  return createLongPolls({
    store: {
      readOperation: () =>
        Promise.resolve(records[Math.min(reads++, records.length - 1)]),
      read: () => Promise.resolve(undefined),
    } as never,
    now: () => new Date(now),
    sleep,
  });
}

describe("who waits", () => {
  it.each<[string, OperationRecord[], number, OperationRecord, number[]]>([
    ["is answered at once where it has ended", [ended], 60_000, ended, []],
    ["is answered at once for no wait", [running, ended], 0, running, []],
    [
      "is answered when the operation changes, read once a second",
      [running, running, progressed],
      60_000,
      progressed,
      [1_000, 1_000],
    ],
    ["is answered when it ends", [running, ended], 60_000, ended, [1_000]],
    [
      "does not take a look at Azure for a change",
      [running, looked],
      2_500,
      looked,
      [1_000, 1_000, 500],
    ],
    [
      "does not take another expected end for a change",
      [running, expectedLater],
      1_000,
      expectedLater,
      [1_000],
    ],
  ])("%s", async (_, records, ms, operation, expected) => {
    expect(await longPolls(records).wait(ID, ms, ME)).toEqual({
      operation,
      hasWaited: expected.length > 0,
    });
    expect(pauses).toEqual(expected);
  });

  it("is told NotFound of an id that no operation has", async () => {
    await expect(
      longPolls([undefined]).wait(ID, 60_000, ME),
    ).rejects.toMatchObject({ code: "NotFound" });
  });
});

describe("many who wait", () => {
  /** Ends the pauses of a second. */
  let wake: (() => void)[];
  beforeEach(() => {
    wake = [];
  });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const second = async () => {
    now += 1_000;
    for (const resolve of wake.splice(0)) resolve();
    await settled();
  };
  const paused = (...records: (OperationRecord | undefined)[]) =>
    longPolls(records, () => new Promise((resolve) => wake.push(resolve)));
  const waiting = async (polls: LongPolls, callers: readonly string[]) => {
    const answers = callers.map((caller) => polls.wait(ID, 60_000, caller));
    await settled();
    return { each: () => Promise.all(answers) };
  };
  const caller = (i: number) => `caller ${i}`;

  it("share one read a second of the operation, and are all told", async () => {
    const callers = Array.from({ length: MOST_WAITS }, (_, i) => caller(i));
    const answers = await waiting(
      paused(running, running, progressed),
      callers,
    );
    expect(reads).toBe(1);
    await second();
    expect(reads).toBe(2);
    await second();
    expect(reads).toBe(3);
    const each = await answers.each();
    expect(each.every(({ operation }) => operation === progressed)).toBe(true);
  });

  it("are at most so many in an instance; one of another caller is answered at once, until one of them is", async () => {
    const callers = Array.from({ length: MOST_WAITS }, (_, i) => caller(i));
    const polls = paused(running);
    const answers = await waiting(polls, callers);
    expect(wake).toHaveLength(MOST_WAITS);
    expect(await polls.wait(ID, 60_000, ME)).toEqual({
      operation: running,
      hasWaited: false,
    });
    for (let seconds = 0; seconds < 60; seconds += 1) await second();
    await answers.each();
    await waiting(polls, [ME]);
    expect(wake).toHaveLength(1);
  });

  it.each([
    ["of one caller", MOST_OF_CALLER, () => ME],
    ["in an instance", MOST_WAITS, (i: number) => (i === 0 ? ME : caller(i))],
  ])(
    "are so many %s; one more of the same ends its oldest, whose client may have gone",
    async (_, most, callerOf) => {
      const polls = paused(running);
      const callers = Array.from({ length: most }, (__, i) => callerOf(i));
      const oldest = polls.wait(ID, 60_000, ME);
      const others = await waiting(polls, callers.slice(1));
      expect(wake).toHaveLength(most);
      const newest = polls.wait(ID, 60_000, ME);
      await second();
      expect(await oldest).toEqual({ operation: running, hasWaited: false });
      expect(wake).toHaveLength(most);
      for (let seconds = 0; seconds < 60; seconds += 1) await second();
      await others.each();
      expect(await newest).toEqual({ operation: running, hasWaited: true });
    },
  );

  it("are no longer counted where the operation cannot be read", async () => {
    const polls = paused(running, undefined);
    const answers = await waiting(
      polls,
      Array.from({ length: MOST_OF_CALLER }, () => ME),
    );
    const failure = expect(answers.each()).rejects.toMatchObject({
      code: "NotFound",
    });
    await second();
    await failure;
    reads = 0;
    await waiting(polls, [ME]);
    expect(wake).toHaveLength(1);
  });
});
