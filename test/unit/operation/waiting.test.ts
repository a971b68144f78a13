import { describe, expect, test } from "vitest";
import { overdueMs, pollDelayMs, wait, resendStep } from "../../../src/operation/waiting.js";
import { at, effectsOf, replicating, time, told } from "../../support/transitions.js";

const { pace } = at(0);

test("the wait before the next look doubles, up to the longest", () => {
  expect([0, 1, 2, 3, 4, 99].map((ticks) => pollDelayMs(ticks, pace))).toEqual([
    15_000, 30_000, 60_000, 120_000, 120_000, 120_000,
  ]);
});

test("a step is sent again later each time, up to 32 times as late", () => {
  const late = (resends: number) => overdueMs({ ...replicating().record, resends }, pace) / 1_000;
  expect([0, 1, 2, 5, 6, 50].map(late)).toEqual([120, 240, 480, 3_840, 3_840, 3_840]);
});

describe("a wait", () => {
  const waits = (retryAfterMs: number, ticks = 0, waitingSince?: string, seconds = 0) =>
    wait(
      {
        record: { ...replicating().record, ticks },
        operation: {
          ...replicating().operation,
          ...(waitingSince !== undefined && { waitingSince }),
        },
      },
      "ARM is busy.",
      retryAfterMs,
      at(seconds),
    );

  test.each([
    ["as long as a poll", 0, 0, 15],
    ["as long as a poll of so many ticks", 0, 3, 120],
    ["as long as ARM asks", 90_000, 0, 90],
    ["no shorter than a poll", 5_000, 2, 60],
  ])("is %s", (_, retryAfterMs, ticks, seconds) => {
    expect(waits(retryAfterMs, ticks).record.dueTime).toBe(time(seconds));
  });

  test.each([
    ["a tenth of the time that it has waited", 10_000, 1_000],
    ["an hour at most", 100_000, 3_600],
  ])("is %s", (_, waited, seconds) => {
    const { record } = waits(0, 0, time(0), waited);
    expect(record.dueTime).toBe(time(waited + seconds));
  });

  test("is longer than an hour where ARM asks for that", () => {
    expect(waits(7_200_000).record.dueTime).toBe(time(7_200));
  });

  test("for its turn is as long as the turn says, however long it has waited", () => {
    const { record, operation } = replicating();
    const pair = {
      record: { ...record, ticks: 9 },
      operation: { ...operation, waitingSince: time(0) },
    };
    const turn = wait(pair, "It waits its turn.", 6_600, at(10_000), true);
    expect(turn.record).toMatchObject({ dueTime: time(10_006.6), ticks: 10 });
    expect(turn.operation).toMatchObject({
      waitingSince: time(0),
      nextAttemptTime: time(10_006.6),
    });
  });

  test("says what it waits for, and when it goes on", () => {
    const { record, operation } = waits(0);
    expect(operation).toMatchObject({
      waitReason: "ARM is busy.",
      nextAttemptTime: time(15),
    });
    expect(operation.history.at(-1)).toEqual({
      time: time(0),
      state: "Waiting",
      message: `ARM is busy. Next try at ${time(15)}.`,
    });
    expect(record.ticks).toBe(1);
    expect(operation.waitingSince).toBe(time(0));
  });

  test("of a day is one entry of the history", () => {
    let pair = replicating();
    const before = pair.operation.history.length;
    for (let seconds = 0; seconds < 86_400; seconds += 3_600)
      pair = told(wait(pair, "ARM is busy.", 0, at(seconds)));
    expect(pair.operation.history).toHaveLength(before + 1);
  });
});

test("a step that is overdue is sent again, at once, under another id", () => {
  const before = replicating();
  const after = resendStep(before, at(500));
  expect(after.record).toMatchObject({
    step: before.record.step,
    resends: 1,
    dueTime: time(500),
  });
  expect(after.operation).toBe(before.operation);
  expect(effectsOf(after)).toEqual(["message 3.1 to image-version-replications"]);
});
