import { beforeEach, describe, expect, test } from "vitest";
import { ServiceError } from "../../../../src/errors.js";
import {
  createKeyMemory,
  valueOf,
  type KeyMemory,
  type KeyUse,
} from "../../../../src/keys/memory.js";

let nowMs: number;
let reads: number;
let shows: string | undefined | Error;
let memory: KeyMemory;
beforeEach(() => {
  nowMs = 0;
  reads = 0;
  shows = "works";
  memory = createKeyMemory(() => new Date(nowMs));
});

const toSee = (name: string, read?: () => Promise<string>) => ({
  names: ["/V", name],
  read:
    read ??
    ((): Promise<string | undefined> => {
      reads += 1;
      return shows instanceof Error ? Promise.reject(shows) : Promise.resolve(shows);
    }),
  works: (value: string) => value === "works",
});
const see = (use: KeyUse, afterMs?: number) => memory.see(toSee("k"), use, afterMs);
const value = async (use: KeyUse, afterMs?: number) => valueOf(await see(use, afterMs));
const throttled = new ServiceError("ResourceManagerThrottled", "no turn", { retryAfterMs: 1 });

test.each([
  ["act", 15_000],
  ["plan", 30_000],
  ["show", 30_000],
  ["showAnew", 5_000],
] as const)("who is to %s takes what works, and is younger than %d ms", async (use, ms) => {
  await see("act");
  shows = "other";
  nowMs = ms - 1;
  expect(await value(use)).toBe("works");
  nowMs = ms;
  expect(await value(use)).toBe("other");
});

test.each([
  ["broken", "act"],
  [undefined, "act"],
  ["broken", "plan"],
] as const)("who shows takes %s, too; who is to %s reads again", async (bad, use) => {
  shows = bad;
  expect(await value("act")).toBe(bad);
  shows = "works";
  nowMs = 1;
  expect(await value("show")).toBe(bad);
  expect(await value("showAnew")).toBe(bad);
  expect(reads).toBe(1);
  expect(await value(use)).toBe("works");
  expect(await value("show")).toBe("works");
});

test("what is refused for good is shown as it was refused; who acts reads again", async () => {
  shows = new ServiceError("ResourceManagerForbidden", "No.", { fields: { action: "read" } });
  await expect(value("act")).rejects.toBe(shows);
  await expect(value("show")).rejects.toBe(shows);
  expect(reads).toBe(1);
  shows = "works";
  expect(await value("act")).toBe("works");
});

describe("where a read is not sent for want of quota", () => {
  beforeEach(async () => {
    await see("act");
    shows = throttled;
    nowMs = 20_000;
  });

  test.each(["act", "plan"] as const)("who is to %s is told so", async (use) => {
    await expect(see(use, 1)).rejects.toBe(throttled);
  });

  test("who shows anew takes what is there, with its time", async () => {
    expect(await see("showAnew")).toEqual({ timeMs: 0, value: "works" });
  });
});

test("what was seen before it is asked for is not taken", async () => {
  nowMs = 1_000;
  await see("act");
  nowMs = 2_000;
  shows = "other";
  expect(await value("show", 1_000)).toBe("works");
  expect(await see("show", 1_001)).toEqual({ timeMs: 2_000, value: "other" });
});

test("of two reads the one that began later stands, whichever ends first", async () => {
  let end = (_: string): void => undefined;
  const slow = new Promise<string>((resolve) => (end = resolve));
  const first = memory.see(
    toSee("k", () => slow),
    "act",
  );
  nowMs = 1;
  shows = "later";
  expect(await value("act", 1)).toBe("later");
  end("earlier");
  expect(await first).toEqual({ timeMs: 0, value: "earlier" });
  memory.keep(["/v", "K"], "of a list that began before", 0);
  expect(await value("show")).toBe("later");
  memory.keep(["/v", "K"], "of a list that began then", 1);
  expect(await value("show")).toBe("of a list that began then");
});

test("of those who act while a broken key is read, one reads again for all", async () => {
  shows = "broken";
  const end: ((value: string) => void)[] = [];
  const slow = toSee("k", () => {
    reads += 1;
    return new Promise<string>((resolve) => end.push(resolve));
  });
  const first = memory.see(slow, "act");
  nowMs = 1;
  const others = [1, 2, 3].map(() => memory.see(slow, "act"));
  nowMs = 2;
  end[0]?.("broken");
  await first;
  await Promise.resolve();
  end[1]?.("works");
  expect(await Promise.all(others)).toEqual([1, 2, 3].map(() => ({ timeMs: 2, value: "works" })));
  expect(reads).toBe(2);
});

test("an id is one, in whatever case; names are kept apart", async () => {
  await see("act");
  await memory.see({ ...toSee("K"), names: ["/v", "K"] }, "act");
  expect(reads).toBe(1);
  await memory.see(toSee("k2"), "act");
  expect(reads).toBe(2);
});
