/** What is followed once ARM has what was asked. */
import { describe, expect, test } from "vitest";
import type {
  ImageVersionPair,
  ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import {
  follow,
  writeAccepted,
} from "../../../../src/image-version/state/transitions.js";
import {
  at,
  creating,
  KEY,
  replicating,
  step,
  time,
  told,
  withRecord,
} from "../../../support/transitions.js";
import { WAITING, updating } from "./updating.js";

const START = at(0).now.getTime();

describe("what is followed", () => {
  test("and shows no progress is looked at evenly, but for the first two times", () => {
    let pair = replicating();
    const looks: number[] = [];
    for (let seconds = 17; looks.length < 5;) {
      pair = told(follow(pair, WAITING, undefined, at(seconds)));
      const next = (Date.parse(pair.record.dueTime) - START) / 1_000;
      looks.push(next - seconds);
      seconds = next;
    }
    expect(looks).toEqual([30, 60, 60, 60, 60]);
  });

  test("and was stored before there was a pace is followed from now on", () => {
    const { record, operation } = replicating();
    const { pacing: _, ...old } = record;
    const after = follow(
      { record: old, operation },
      WAITING,
      undefined,
      at(60),
    );
    expect(after.record).toMatchObject({
      dueTime: time(75),
      pacing: { since: time(60), polledTime: time(60), left: 37 },
    });
  });

  test("is expected to end by its progress, and looked at then", () => {
    let pair = replicating();
    // One region is done after 600 s, the other one after 1,000 s.
    const ends = { westus: 602, eastus2: 1_002 };
    const percentAt = (seconds: number, end: number) =>
      Math.floor(((seconds - 2) * 100) / (end - 2));
    const completed: Record<string, number> = {};
    let seconds = 17;
    for (; Object.keys(completed).length < 2;) {
      const regions = pair.record.regions.map((region) => {
        const end = ends[region.name as keyof typeof ends];
        if (seconds >= end) completed[region.name] ??= seconds;
        return seconds < end
          ? {
              ...region,
              state: "Replicating" as const,
              progress: percentAt(seconds, end),
            }
          : {
              ...region,
              state: "Completed" as const,
              progress: 100,
              completedTime: time(completed[region.name] ?? seconds),
            };
      });
      pair = told(
        follow(withRecord(pair, { regions }), WAITING, undefined, at(seconds)),
      );
      const expected = pair.record.regions.find(
        ({ name }) => name === "eastus2",
      )?.expectedEndTime;
      if (seconds > 500 && seconds < 1_002)
        expect(
          Math.abs(Date.parse(expected ?? "") - Date.parse(time(1_002))),
        ).toBeLessThan(20_000);
      seconds = (Date.parse(pair.record.dueTime) - START) / 1_000;
    }
    expect(completed["westus"]).toBeLessThan(617);
    expect(completed["eastus2"]).toBeLessThan(1_017);
    expect(
      pair.record.regions.map(({ expectedEndTime }) => expectedEndTime),
    ).toEqual([undefined, undefined]);
    // ARM is at rest soon: it is looked at as at first.
    expect(seconds - (completed["eastus2"] ?? 0)).toBe(15);
  });

  test.each<[string, Partial<ImageVersionRecord>, number]>([
    [
      "when a repair is due",
      {
        regions: [
          {
            name: "eastus2",
            state: "Failed",
            progress: 0,
            attempts: 1,
            nextAttemptTime: time(67),
          },
        ],
      },
      7,
    ],
    [
      "no sooner than a second after",
      {
        regions: [
          {
            name: "eastus2",
            state: "Failed",
            progress: 0,
            attempts: 1,
            nextAttemptTime: time(60.2),
          },
        ],
      },
      1,
    ],
    [
      "as ever, where the repair is overdue",
      {
        regions: [
          {
            name: "eastus2",
            state: "Failed",
            progress: 0,
            attempts: 1,
            nextAttemptTime: time(1),
          },
        ],
      },
      240,
    ],
    [
      "when a doubt can be settled",
      {
        regions: [
          {
            name: "eastus2",
            state: "Completed",
            progress: 100,
            attempts: 1,
            doubt: { state: "Failed", since: time(60) },
          },
        ],
      },
      120,
    ],
  ])("is looked at %s", (_, more, seconds) => {
    const pair = withRecord(replicating(), {
      ...more,
      pacing: {
        since: time(-3_600),
        polledTime: time(0),
        left: 38,
        seen: {},
      },
    });
    const { record } = follow(
      pair,
      WAITING,
      undefined,
      at(60, { pollMaxMs: 240_000 }),
    );
    expect(record.dueTime).toBe(time(60 + seconds));
  });

  test("begins with the first look that shows it, and says so to those whose turn it was", () => {
    const pair = updating({ "/tags/a": "1" });
    const quiet = { ...pair.operation, id: `${KEY}-9` };
    const both = withRecord(pair, {
      members: [quiet],
      regions: pair.record.regions.map((region) => ({
        ...region,
        lastProgressTime: time(3),
      })),
      ticks: 5,
    });
    const after = follow(both, { kind: "applied" }, undefined, at(60));
    expect(after.record).toMatchObject({ state: "Replicating", ticks: 0 });
    expect(after.record.regions[0]?.lastProgressTime).toBe(time(3));
    expect(after.operation.history.at(-1)).toMatchObject({
      message: "Azure shows the version; its regions are followed.",
    });
    expect(after.record.members[0]?.history).toEqual(quiet.history);
    const next = follow(told(after), { kind: "applied" }, undefined, at(90));
    expect(next.record.ticks).toBe(1);
    expect(next.operation.history).toEqual(after.operation.history);
  });

  test("says when ARM has accepted it, to those whose turn it was", () => {
    const pair = creating();
    const quiet = { ...pair.operation, id: `${KEY}-9` };
    const after = writeAccepted(
      withRecord(pair, { members: [quiet] }),
      undefined,
      at(2),
    );
    expect(after.operation.history.at(-1)?.message).toBe(
      "Azure Resource Manager has accepted the version; its regions are followed.",
    );
    expect(after.record.members[0]?.history).toEqual(quiet.history);
  });

  test("keeps what was proven, and its warnings", () => {
    const warnings = [{ code: "W", pointer: "", message: "Mind." }];
    const proven = {
      record: {
        encryptionTypes: { b: "EncryptionAtRestWithCustomerKey" },
        dataDiskLuns: [7],
      },
      operation: { warnings },
    } as const;
    const pair = updating({ "/tags/a": "1" });
    const after = follow(pair, { kind: "applied" }, proven, at(60));
    expect(after.operation.warnings).toEqual(warnings);
    expect(after.record.encryptionTypes).toMatchObject({
      b: "EncryptionAtRestWithCustomerKey",
    });
    const without = follow(pair, { kind: "applied" }, undefined, at(60));
    expect(without.operation).not.toHaveProperty("warnings");
  });

  test.each<[string, Partial<ImageVersionRecord>, string, string]>([
    ["not sent", { state: "Accepted" }, "Accepted", "ARM works on it."],
    ["unanswered", { state: "Updating" }, "Updating", "No answer."],
    [
      "sent and accepted",
      {
        state: "Updating",
        lastAttempt: {
          changes: { "/tags/a": "1" },
          regions: [],
          sentTime: time(55),
          outcome: "accepted",
        },
      },
      "Replicating",
      "ARM works on it.",
    ],
    [
      "applied already",
      { state: "Accepted", requests: {} },
      "Replicating",
      "ARM works on it.",
    ],
  ])(
    "is in the state of its update: what is %s",
    (_, more, state, waitReason) => {
      const pair = updating({ "/tags/a": "1" });
      const unanswered: ImageVersionPair = {
        operation: {
          ...pair.operation,
          ...(more.state === "Updating" && { waitReason: "No answer." }),
        },
        record: {
          ...pair.record,
          lastAttempt: {
            changes: { "/tags/a": "1" },
            regions: [],
            sentTime: time(55),
            outcome: "unknown",
          },
          ...more,
        },
      };
      const after = follow(
        unanswered,
        { kind: "wait", why: "ARM works on it." },
        undefined,
        at(60),
      );
      expect(after.record.state).toBe(state);
      expect(after.operation.waitReason).toBe(waitReason);
      const shown = follow(unanswered, { kind: "applied" }, undefined, at(60));
      expect(shown.record.state).toBe("Replicating");
    },
  );

  test("and unanswered waits for what it is not shown for, where nothing else is known", () => {
    const pair = withRecord(updating({ "/tags/a": "1" }), {
      state: "Updating",
      lastAttempt: {
        changes: {},
        regions: [],
        sentTime: time(55),
        outcome: "unknown",
      },
    });
    const why = "Not shown.";
    const after = follow(pair, { kind: "wait", why }, undefined, at(60));
    expect(after.operation.waitReason).toBe(why);
  });

  test("keeps a doubt as long as it is the same", () => {
    const doubting = { ...WAITING, doubt: "never" } as const;
    const first = follow(replicating(), doubting, undefined, at(60));
    expect(first.record.doubt).toEqual({ what: "never", since: time(60) });
    const second = follow(told(first), doubting, undefined, at(90));
    expect(second.record.doubt).toEqual(first.record.doubt);
    const other = { ...WAITING, doubt: "ignored" } as const;
    expect(
      follow(told(second), other, undefined, at(120)).record.doubt,
    ).toEqual({ what: "ignored", since: time(120) });
    expect(
      follow(told(second), WAITING, undefined, at(120)).record,
    ).not.toHaveProperty("doubt");
  });

  test("and not sent yet stays Accepted, and says what it waits for", () => {
    const pair = updating({ "/tags/a": "1" });
    const { record, operation } = follow(
      pair,
      { kind: "wait", why: "ARM works on it." },
      undefined,
      at(60),
    );
    expect(record.state).toBe("Accepted");
    expect(operation.waitReason).toBe("ARM works on it.");
  });

  test("is not there ten times before it is taken for gone", () => {
    let pair = replicating();
    for (let looks = 0; looks < 10; looks += 1) {
      const next = step(pair, undefined, at(60 + looks * 60));
      expect(next.pair.record.state).toBe("Replicating");
      pair = told(next.pair);
    }
    expect(pair.record.consecutiveNotFound).toBe(10);
    expect(
      pair.operation.history.filter(({ state }) => state === "Waiting"),
    ).toHaveLength(1);
    const gone = step(pair, undefined, at(700)).pair;
    expect(gone.operation).toMatchObject({
      status: "Failed",
      error: { code: "ImageVersionGone" },
    });
  });
});
