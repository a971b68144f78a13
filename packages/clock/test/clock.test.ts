import { expect, test, vi } from "vitest";
import { ManualClock, systemClock } from "../src/clock.js";

test("a clock moved by hand runs what is due in the order of its times, each at its own time", () => {
  const clock = new ManualClock(1_000);
  const ran: [string, number][] = [];
  const note = (name: string) => () => void ran.push([name, clock.now()]);
  clock.at(1_300, note("third"));
  clock.at(1_100, () => {
    note("first")();
    clock.at(1_200, note("second")); // of a task's own making, and due as well
  });
  clock.at(9_000, note("never"));
  clock.at(1_150, note("canceled"))();

  clock.advance(500);

  expect(ran).toEqual([
    ["first", 1_100],
    ["second", 1_200],
    ["third", 1_300],
  ]);
  expect(clock.now()).toBe(1_500);
});

test("a task that is due already runs at the next move, without moving time back", () => {
  const clock = new ManualClock(1_000);
  let ranAt = 0;
  clock.at(10, () => (ranAt = clock.now()));
  clock.advance(0);
  expect(ranAt).toBe(1_000);
});

test("the system's clock keeps a task that is further off than a timer can hold", () => {
  vi.useFakeTimers();
  try {
    const month = 31 * 24 * 60 * 60_000; // setTimeout would run it at once
    let ran = 0;
    systemClock.at(systemClock.now() + month, () => (ran += 1));
    vi.advanceTimersByTime(month - 1);
    expect(ran).toBe(0);
    vi.advanceTimersByTime(1);
    expect(ran).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});
