import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { createReadiness } from "../../../src/http/readiness.js";

let nowMs: number;
let looks: number;
let fail: boolean;
let told: string[];
let ready: () => Promise<readonly { name: string; status: string }[]>;
beforeEach(() => {
  nowMs = Date.UTC(2026, 0, 1);
  looks = 0;
  fail = false;
  told = [];
  const readiness = createReadiness(
    [
      {
        name: "tables",
        check: () => {
          looks += 1;
          return fail ? Promise.reject(new Error("down")) : Promise.resolve();
        },
      },
      { name: "service-bus", check: () => Promise.resolve() },
    ],
    () => new Date(nowMs),
  );
  ready = () => readiness((name) => told.push(name));
});

test("a thousand who ask at once and within five seconds cost one look", async () => {
  const all = await Promise.all(Array.from({ length: 1_000 }, () => ready()));
  nowMs += 4_999;
  expect(await ready()).toBe(all[0]);
  expect(all[0]).toEqual([
    { name: "tables", status: "ok" },
    { name: "service-bus", status: "ok" },
  ]);
  expect(looks).toBe(1);
});

test("after that it looks again", async () => {
  await ready();
  fail = true;
  nowMs += 5_000;
  expect(await ready()).toEqual([
    { name: "tables", status: "unavailable" },
    { name: "service-bus", status: "ok" },
  ]);
  expect(looks).toBe(2);
});

test("tables of an earlier release are named, with what to do; of no other failure anything is told", async () => {
  const failing = (error: Error) =>
    createReadiness(
      [{ name: "tables", check: () => Promise.reject(error) }],
      () => new Date(nowMs),
    )(() => undefined);
  expect(await failing(new ServiceError("StateTooOld", "Delete SigilState."))).toEqual([
    {
      name: "tables",
      status: "unavailable",
      detail: "StateTooOld: Delete SigilState.",
    },
  ]);
  expect(await failing(new ServiceError("InternalError", "secret"))).toEqual([
    { name: "tables", status: "unavailable" },
  ]);
});

test("what fails is kept as long, and logged once", async () => {
  fail = true;
  await Promise.all([ready(), ready()]);
  fail = false;
  nowMs += 4_999;
  expect((await ready())[0]?.status).toBe("unavailable");
  expect(told).toEqual(["tables"]);
  nowMs += 1;
  expect((await ready())[0]?.status).toBe("ok");
});

test("what does not answer within five seconds is unavailable, and is told that nobody waits any more", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  let waiting: AbortSignal | undefined;
  const readiness = createReadiness(
    [
      {
        name: "stuck",
        check: (signal) => {
          waiting = signal;
          return new Promise(() => undefined);
        },
      },
      { name: "well", check: () => Promise.resolve() },
    ],
    () => new Date(nowMs),
  );
  const answer = readiness((name, error) => told.push(`${name}: ${String(error)}`));

  await vi.advanceTimersByTimeAsync(4_999);
  expect([told, waiting?.aborted]).toEqual([[], false]);
  await vi.advanceTimersByTimeAsync(1);

  expect(await answer).toEqual([
    { name: "stuck", status: "unavailable" },
    { name: "well", status: "ok" },
  ]);
  expect(told).toEqual(["stuck: Error: no answer within 5000 ms"]);
  expect(waiting?.aborted).toBe(true);
});
