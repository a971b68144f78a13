/** How processes fail that work on an operation. */
import { hasEffect, type Failure } from "./failing-dependencies.js";

/** How a run's process fails, and whether a message whose handler failed comes again, as Service Bus does, or is lost. */
export interface Crash {
  readonly failure: Failure | undefined;
  readonly redelivered: boolean;
}

/** Every failure that an operation of these port calls must come through, by its test's name. */
export const CRASHES: readonly {
  readonly title: string;
  at(this: void, calls: readonly string[]): readonly Crash[];
}[] = [
  // To die before a call is to die after the one before it.
  ...[true, false].map((redelivered) => ({
    title: `a process killed after the call took effect, messages redelivered: ${redelivered}`,
    at: (calls: readonly string[]) =>
      calls.flatMap((call, i): Crash[] =>
        hasEffect(call)
          ? [
              {
                failure: { at: i + 1, kind: "killed", when: "after" },
                redelivered,
              },
            ]
          : [],
      ),
  })),
  {
    title: "a service that does not answer, whether or not the call took effect",
    at: (calls) =>
      calls.map((_, i) => ({
        failure: {
          at: i + 1,
          kind: "unavailable",
          when: i % 2 === 0 ? "before" : "after",
        },
        redelivered: i % 4 < 2,
      })),
  },
  ...[true, false].map((redelivered) => ({
    title: `a commit that is stored though its writer was told of a conflict, messages redelivered: ${redelivered}`,
    at: (calls: readonly string[]) =>
      calls.flatMap((call, i): Crash[] =>
        call === "store.commit"
          ? [
              {
                failure: { at: i + 1, kind: "answer lost", when: "after" },
                redelivered,
              },
            ]
          : [],
      ),
  })),
  {
    title: "processes killed again and again, at random",
    at: () =>
      Array.from({ length: 12 }, (_, seed) => ({
        failure: { seed: seed + 1, every: 8 },
        redelivered: seed % 2 === 0,
      })),
  },
];
