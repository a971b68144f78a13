import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ManualClock } from "@sigil-local/clock";
import { parseSchedule } from "../src/timer-schedule.js";
import { answerCalls, type Call, gate, nextCall, startHost } from "./running-host.js";

const startMs = Date.UTC(2026, 0, 1, 12, 1, 30);
const MINUTE_MS = 60_000;

/** Lets what has been started run on: enough turns of the event loop for an invocation to begin and end. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function collect(name: string): Call[] {
  const calls: Call[] = [];
  answerCalls((call) => {
    if (call.name === name) calls.push(call);
  });
  return calls;
}

function stateDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "functions-host-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

describe("a timer", () => {
  it("runs when its NCRONTAB expression is due, and is told its schedule", async () => {
    const calls = collect("reconcile");
    const { clock } = await startHost("app", {
      clock: new ManualClock(startMs),
    });
    clock.advance(3 * MINUTE_MS + 29_999);
    await settle();
    expect(calls).toHaveLength(0);
    clock.advance(1);
    await settle();
    clock.advance(5 * MINUTE_MS);
    await settle();
    expect(calls.map(({ input }) => input)).toEqual([
      {
        schedule: { adjustForDST: true },
        scheduleStatus: {
          last: "0001-01-01T00:00:00+00:00",
          next: "2026-01-01T12:05:00+00:00",
          lastUpdated: "0001-01-01T00:00:00+00:00",
        },
        isPastDue: false,
      },
      {
        schedule: { adjustForDST: true },
        scheduleStatus: {
          last: "2026-01-01T12:05:00+00:00",
          next: "2026-01-01T12:10:00+00:00",
          lastUpdated: "2026-01-01T12:05:00+00:00",
        },
        isPastDue: false,
      },
    ]);
  });

  it("runs every time span, and has no schedule status without a monitor", async () => {
    const calls = collect("everyMinute");
    const { clock } = await startHost("app", {
      clock: new ManualClock(startMs),
    });
    for (let minute = 0; minute < 3; minute += 1) {
      clock.advance(MINUTE_MS);
      await settle();
    }
    expect(calls).toHaveLength(3);
    expect(calls[0]?.input).toEqual({
      schedule: { adjustForDST: false },
      scheduleStatus: null,
      isPastDue: false,
    });
  });

  it("runs at startup if it says so", async () => {
    const called = nextCall("atStartup");
    await startHost("app", { clock: new ManualClock(startMs) });
    expect((await called).input).toMatchObject({ isPastDue: false });
  });

  it("never overlaps itself: what comes due meanwhile is skipped, and a call by hand waits", async () => {
    const running = gate();
    const calls: Call[] = [];
    answerCalls((call) => {
      if (call.name !== "everyMinute") return;
      calls.push(call);
      if (calls.length === 1) call.answer = running.opened;
    });
    const { clock, host } = await startHost("app", {
      clock: new ManualClock(startMs),
    });
    clock.advance(MINUTE_MS);
    await settle();
    clock.advance(4 * MINUTE_MS);
    const byHand = host.invoke("everyMinute");
    await settle();
    expect(calls).toHaveLength(1);
    running.open();
    await byHand;
    expect(calls).toHaveLength(2);
    await settle();
    clock.advance(MINUTE_MS);
    await settle();
    expect(calls).toHaveLength(3);
  });

  it("goes on after its function has failed", async () => {
    const calls: Call[] = [];
    answerCalls((call) => {
      if (call.name !== "everyMinute") return;
      calls.push(call);
      call.answer = () => {
        throw new Error("this time not");
      };
    });
    const { clock, log } = await startHost("app", {
      clock: new ManualClock(startMs),
    });
    clock.advance(MINUTE_MS);
    await settle();
    clock.advance(MINUTE_MS);
    await settle();
    expect(calls).toHaveLength(2);
    expect(log.filter(({ message }) => message.includes("this time not"))).toHaveLength(2);
  });

  it("catches up one missed run after a restart, and is told that it is past due", async () => {
    const clock = new ManualClock(startMs);
    const directory = stateDirectory();
    const calls = collect("reconcile");
    const first = await startHost("app", { clock, stateDirectory: directory });
    clock.advance(3 * MINUTE_MS + 30_000);
    await settle();
    await first.host.drain();
    clock.advance(60 * MINUTE_MS);
    await startHost("app", { clock, stateDirectory: directory });
    await settle();
    clock.advance(5 * MINUTE_MS);
    await settle();
    expect(calls.map(({ input }) => (input as { isPastDue: boolean }).isPastDue)).toEqual([
      false,
      true,
      false,
    ]);
  });

  it("is not past due after a restart that missed nothing", async () => {
    const clock = new ManualClock(startMs);
    const directory = stateDirectory();
    const calls = collect("reconcile");
    const first = await startHost("app", { clock, stateDirectory: directory });
    await first.host.drain();
    clock.advance(MINUTE_MS);
    await startHost("app", { clock, stateDirectory: directory });
    await settle();
    expect(calls).toHaveLength(0);
  });

  it("that is disabled does not run, except by hand", async () => {
    const calls = collect("everyMinute");
    const { clock, host } = await startHost("app", {
      clock: new ManualClock(startMs),
      environment: { AzureWebJobs_everyMinute_Disabled: "1" },
    });
    clock.advance(10 * MINUTE_MS);
    await settle();
    expect(calls).toHaveLength(0);
    await host.invoke("everyMinute");
    expect(calls).toHaveLength(1);
    expect(host.functions.find(({ name }) => name === "everyMinute")).toMatchObject({
      trigger: "timer",
      schedule: "00:01:00",
      disabled: true,
    });
  });

  it("is awaited by draining, and not started by it", async () => {
    const running = gate();
    const called = nextCall("everyMinute", () => running.opened);
    const { clock, host } = await startHost("app", {
      clock: new ManualClock(startMs),
    });
    clock.advance(MINUTE_MS);
    await called;
    let over = false;
    const drained = host.drain().then(() => (over = true));
    await settle();
    expect(over).toBe(false);
    running.open();
    await drained;
  });
});

describe("POST /admin/functions/{name}", () => {
  it("starts a timer by hand and answers 202", async () => {
    const called = nextCall("reconcile");
    const { fetch } = await startHost("app");
    const response = await fetch("/admin/functions/RECONCILE", {
      method: "POST",
      body: JSON.stringify({ input: "" }),
    });
    expect(response.status).toBe(202);
    expect((await called).input).toMatchObject({ isPastDue: false });
  });

  it.each([
    ["/admin/functions/nobody", "{}", 404],
    ["/admin/functions/echo", "{}", 404],
    ["/admin/functions/reconcile", "{", 400],
    ["/admin/else", "{}", 404],
  ])("answers %s with body %s by %d", async (path, body, status) => {
    const { fetch } = await startHost("app");
    const response = await fetch(path, { method: "POST", body });
    expect(response.status).toBe(status);
  });

  it("has a list and a status beside it", async () => {
    const { fetch, host } = await startHost("app");
    expect(await (await fetch("/admin/functions")).json()).toEqual(host.functions);
    expect(await (await fetch("/admin/host/status")).json()).toEqual({
      state: "Running",
    });
  });
});

describe("invoke", () => {
  it("rejects as the function does, and refuses what has no such trigger", async () => {
    answerCalls((call) => {
      if (call.name === "reconcile")
        call.answer = () => {
          throw new RangeError("out of it");
        };
    });
    const { host } = await startHost("app");
    await expect(host.invoke("reconcile")).rejects.toThrow("out of it");
    await expect(host.invoke("echo")).rejects.toThrow(TypeError);
    await expect(host.invoke("nobody")).rejects.toThrow(TypeError);
  });

  it("gives what the function returned", async () => {
    void nextCall("reconcile", () => ({ found: 3 }));
    const { host } = await startHost("app");
    expect(await host.invoke("reconcile")).toEqual({ found: 3 });
  });
});

describe("a schedule", () => {
  const from = Date.UTC(2026, 0, 1);
  const next = (expression: string, timeZone = "UTC"): string =>
    new Date(parseSchedule(expression, timeZone, "f").next(from)).toISOString();

  it.each([
    ["*/15 * * * * *", "2026-01-01T00:00:15.000Z"],
    ["0 0 9-17 * * MON-FRI", "2026-01-01T09:00:00.000Z"],
    ["30 9 * * *", "2026-01-01T09:30:00.000Z"],
    ["0 0 0 13 * FRI", "2026-02-13T00:00:00.000Z"],
    ["0 0 0 29 2 *", "2028-02-29T00:00:00.000Z"],
    ["01:30:00", "2026-01-01T01:30:00.000Z"],
    ["24:00:00", "2026-01-25T00:00:00.000Z"],
    ["1.00:00:00", "2026-01-02T00:00:00.000Z"],
  ])("of %s is next due at %s", (expression, expected) => {
    expect(next(expression)).toBe(expected);
  });

  it("is read in the time zone of the host", () => {
    expect(next("0 0 9 * * *", "Europe/Stockholm")).toBe("2026-01-01T08:00:00.000Z");
  });

  it.each(["", "every minute", "0 0 0 L * *", "@daily", "61 * * * * *", "1 2 3", "00:00:00"])(
    "of %j is refused",
    (expression) => {
      expect(() => parseSchedule(expression, "UTC", 'function "f"')).toThrow(
        `function "f": the schedule expression "${expression}" is not a valid cron expression or time span`,
      );
    },
  );
});
