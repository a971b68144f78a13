import { beforeEach, describe, expect, it } from "vitest";
import {
  createPlanner,
  type Planner,
} from "../../../../src/page/src/create/model/planner.js";

interface UnderWay {
  readonly input: string;
  readonly at: number;
  readonly signal: AbortSignal;
  readonly resolve: (result: string) => void;
  readonly reject: (error: unknown) => void;
}

let time: number;
let timers: { at: number; callback: () => void }[];
let begun: UnderWay[];
let told: string[];
let planner: Planner<string>;

/** Lets what was resolved be told. */
const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

function advance(ms: number): void {
  time += ms;
  const due = timers.filter(({ at }) => at <= time);
  timers = timers.filter(({ at }) => at > time);
  for (const { callback } of due) callback();
}

beforeEach(() => {
  time = 10_000;
  timers = [];
  begun = [];
  told = [];
  planner = createPlanner<string, string>({
    plan: (input, signal) =>
      new Promise((resolve, reject) =>
        begun.push({ input, at: time, signal, resolve, reject }),
      ),
    onBegin: (input) => told.push(`begin ${input}`),
    onResult: (input, result) => told.push(`${input}: ${result}`),
    onError: (input, error) => told.push(`${input} failed: ${String(error)}`),
    now: () => time,
    after: (ms, callback) => {
      const timer = { at: time + ms, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
  });
});

describe("plans while somebody types", () => {
  it("are begun at most every two seconds, the last input among them", () => {
    for (let i = 0; i < 100; i += 1) {
      planner.request(String(i));
      advance(100);
    }
    advance(2_000);
    const times = begun.map(({ at }) => at);
    for (const [i, at] of times.slice(1).entries())
      expect(at - (times[i] ?? 0)).toBeGreaterThanOrEqual(2_000);
    expect(begun.at(-1)?.input).toBe("99");
  });

  it("are told of the last input alone", async () => {
    planner.request("a");
    advance(0);
    planner.request("b");
    expect(begun[0]?.signal.aborted).toBe(true);
    advance(2_000);
    begun[1]?.resolve("second");
    begun[0]?.resolve("first");
    await settled();
    expect(told).toEqual(["begin a", "begin b", "b: second"]);
  });

  it("say why there is none", async () => {
    planner.request("a");
    advance(0);
    begun[0]?.reject("no");
    await settled();
    expect(told).toEqual(["begin a", "a failed: no"]);
  });

  it("end with the form", async () => {
    planner.request("a");
    advance(0);
    planner.request("b");
    planner.close();
    planner.request("c");
    advance(10_000);
    begun[0]?.resolve("late");
    await settled();
    expect(told).toEqual(["begin a"]);
    expect(begun[0]?.signal.aborted).toBe(true);
  });
});
