import { beforeEach, describe, expect, test } from "vitest";
import { ServiceError } from "../../src/errors.js";
import { SharedReads } from "../../src/shared-reads.js";

let nowMs: number;
let reads: number;
let shared: SharedReads<string | undefined>;
beforeEach(() => {
  nowMs = 0;
  reads = 0;
  shared = new SharedReads({
    most: 2,
    keepMs: 1_000,
    now: () => new Date(nowMs),
    isKept: (value) => value !== undefined,
  });
});

const answers = (value: string | undefined) => (): Promise<string | undefined> => {
  reads += 1;
  return Promise.resolve(value);
};

test("invariant 1: what was read is read again when it is too old, and no sooner", async () => {
  expect(await shared.once("a", answers("1"))).toBe("1");
  nowMs = 999;
  expect(await shared.once("a", answers("2"))).toBe("1");
  nowMs = 1_000;
  expect(await shared.once("a", answers("3"))).toBe("3");
  expect(reads).toBe(2);
});

test("invariant 2: whoever asks while it is being read waits for that very read, kept or not", async () => {
  const both = [shared.once("a", answers(undefined)), shared.once("a", answers("2"))];
  expect(await Promise.all(both)).toEqual([undefined, undefined]);
  expect(reads).toBe(1);
});

test("invariant 3: neither an error nor what is not to be kept is kept", async () => {
  const fails = (): Promise<never> => Promise.reject(new Error("down"));
  await expect(shared.once("a", fails)).rejects.toThrow("down");
  expect(await shared.once("a", answers(undefined))).toBeUndefined();
  expect(await shared.once("a", answers("2"))).toBe("2");
});

test("invariant 3: an error that comes late takes nothing away that was learnt since", async () => {
  let fail: (error: Error) => void = () => undefined;
  const first = shared.once("a", () => new Promise((_, no) => (fail = no)));
  shared.keep("a", "learnt");
  fail(new Error("late"));
  await expect(first).rejects.toThrow("late");
  expect(await shared.once("a", answers("2"))).toBe("learnt");
});

test("invariant 4: the oldest answers go", async () => {
  for (const key of ["a", "b", "c"]) await shared.once(key, answers(key));
  expect(await shared.once("b", answers("anew"))).toBe("b");
  expect(await shared.once("a", answers("anew"))).toBe("anew");
});

describe("invariant 5: what was read before stands in for a read that was not sent", () => {
  const throttled = (): Promise<never> =>
    Promise.reject(new ServiceError("ResourceManagerThrottled", "no turn"));
  beforeEach(() => {
    shared = new SharedReads({
      most: 2,
      keepMs: 1_000,
      standInMs: 10_000,
      now: () => new Date(nowMs),
    });
  });

  test("until one is sent, and for no longer than it may", async () => {
    await shared.once("a", answers("1"));
    nowMs = 1_000;
    expect(await shared.once("a", throttled)).toBe("1");
    expect(await shared.once("a", answers("2"))).toBe("2");
    nowMs = 10_999;
    expect(await shared.once("a", throttled)).toBe("2");
    nowMs = 11_000;
    await expect(shared.once("a", throttled)).rejects.toThrow("no turn");
  });

  test("nor for another failure, nor where nothing was found", async () => {
    await shared.once("a", answers("1"));
    await shared.once("b", answers(undefined));
    nowMs = 1_000;
    const fails = (): Promise<never> => Promise.reject(new Error("down"));
    await expect(shared.once("a", fails)).rejects.toThrow("down");
    await expect(shared.once("b", throttled)).rejects.toThrow("no turn");
  });

  test("also where it is to be read again, and not what was forgotten", async () => {
    await shared.once("a", answers("1"));
    shared.expire("a");
    expect(shared.has("a")).toBe(false);
    expect(await shared.once("a", throttled)).toBe("1");
    expect(await shared.once("a", answers("2"))).toBe("2");
    shared.forget("a");
    await expect(shared.once("a", throttled)).rejects.toThrow("no turn");
  });
});

test("what was learnt by another read is kept as long, and can be forgotten", async () => {
  shared.keep("a", "1");
  nowMs = 999;
  expect(await shared.once("a", answers("2"))).toBe("1");
  shared.forget("a");
  expect(await shared.once("a", answers("2"))).toBe("2");
});
