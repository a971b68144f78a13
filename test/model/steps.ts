/** What may happen: calls, time, messages in any order, crashes, faults; as values, so that a failing run is read and replayed. */
import fc from "fast-check";
import type { Fault } from "./faults.js";
import type { Failure, FailureKind } from "./process.js";
import { HOME, REGIONS, STRANGE_REGION, type Asked } from "./requests.js";

/** One thing that a process does. Numbers choose among what there is, by their remainder. */
export type Act =
  | {
      readonly kind: "put";
      readonly asked: Asked;
      readonly allowRegionRemoval: boolean;
      readonly idempotencyKey: string | null;
    }
  | { readonly kind: "retry" }
  | { readonly kind: "delete" }
  | { readonly kind: "cancel"; readonly which: number }
  | { readonly kind: "deliver"; readonly which: number }
  | { readonly kind: "redeliver"; readonly which: number }
  | { readonly kind: "outside"; readonly region: string }
  | { readonly kind: "reconcile" };

export type Step =
  | Act
  | {
      readonly kind: "race";
      readonly acts: readonly Act[];
      readonly schedule: readonly number[];
    }
  | { readonly kind: "fail"; readonly failure: Failure; readonly act: Act }
  | { readonly kind: "lose"; readonly region: string }
  | { readonly kind: "fault"; readonly fault: Fault; readonly calls: number }
  | {
      readonly kind: "stop";
      readonly region: string;
      readonly how: "failed" | "stalled";
      readonly atProgress: number;
    }
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "poison"; readonly which: number }
  | { readonly kind: "bury"; readonly which: number }
  | { readonly kind: "work"; readonly rounds: number };

const which = fc.nat({ max: 7 });

const asked: fc.Arbitrary<Asked> = fc
  .record({
    regions: fc
      .tuple(
        fc.oneof(
          { weight: 19, arbitrary: fc.constant(true) },
          fc.constant(false),
        ),
        fc.tuple(...REGIONS.map(() => fc.option(fc.constantFrom(1, 2, 3)))),
        fc.boolean(),
      )
      .map(([withHome, counts, reversed]) => {
        const named = REGIONS.flatMap((region, i): [string, number][] => {
          const count = counts[i];
          if (region === HOME) return withHome ? [[region, count ?? 1]] : [];
          return count === null || count === undefined ? [] : [[region, count]];
        });
        if (named.length === 0) named.push([REGIONS[1], 1]);
        return Object.fromEntries(reversed ? named.reverse() : named);
      }),
    excludeFromLatest: fc.boolean(),
    tag: fc.option(fc.constantFrom("17", "18")),
    endOfLifeDate: fc.option(
      fc.constantFrom("2030-01-01T00:00:00Z", "2031-01-01T00:00:00.000Z"),
      { freq: 2 },
    ),
    openProfile: rarely(8),
    otherKeys: fc.oneof(
      { weight: 10, arbitrary: fc.constant<string[]>([]) },
      fc.constantFrom(...REGIONS.slice(1)).map((region) => [region]),
    ),
  })
  .map(({ otherKeys, ...rest }) => ({
    ...rest,
    otherKeys: otherKeys.filter((region) => region in rest.regions),
  }));

const put = fc.record({
  kind: fc.constant("put" as const),
  asked,
  allowRegionRemoval: fc.boolean(),
  idempotencyKey: fc.option(fc.constantFrom("a", "b"), { freq: 1 }),
});

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: put },
  { weight: 1, arbitrary: fc.constant({ kind: "retry" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "delete" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("cancel" as const), which }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("deliver" as const), which }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("redeliver" as const), which }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("outside" as const),
      region: fc.constantFrom(STRANGE_REGION, ...REGIONS.slice(1)),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "reconcile" as const }) },
);

/** Mostly what means something beside another. */
const racing: fc.Arbitrary<Act> = fc.oneof(
  { weight: 2, arbitrary: act },
  { weight: 2, arbitrary: put },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("cancel" as const),
      which: fc.constant(0),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("deliver" as const),
      which: fc.constant(0),
    }),
  },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: act },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("race" as const),
      acts: fc.array(racing, { minLength: 2, maxLength: 2 }),
      schedule: fc.array(fc.nat({ max: 1 }), { minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("fail" as const),
      act,
      failure: fc.record({
        at: fc.integer({ min: 1, max: 12 }),
        kind: fc.constantFrom<FailureKind[]>(
          "killed before",
          "killed after",
          "killed after",
          "unavailable before",
          "unavailable after",
          "answer lost",
        ),
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("fault" as const),
      fault: fc.constantFrom<Fault[]>(
        "throttled",
        "conflict",
        "failed before",
        "failed after",
        "answer lost",
      ),
      calls: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("stop" as const),
      region: fc.constantFrom(...REGIONS),
      how: fc.constantFrom(
        "failed" as const,
        "failed" as const,
        "stalled" as const,
      ),
      atProgress: fc.constantFrom(0, 40, 90),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("lose" as const),
      region: fc.constantFrom(...REGIONS.slice(1)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      seconds: fc.constantFrom(5, 20, 60, 150, 600),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("work" as const),
      rounds: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("poison" as const), which }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("bury" as const), which }),
  },
);

/** A request, and whatever comes after it. */
export const steps: fc.Arbitrary<readonly Step[]> = fc
  .tuple(put, fc.array(step, { minLength: 1, maxLength: 40, size: "max" }))
  .map(([first, rest]) => [first, ...rest]);

function rarely(often: number): fc.Arbitrary<boolean> {
  return fc.oneof(
    { weight: often, arbitrary: fc.constant(false) },
    fc.constant(true),
  );
}
