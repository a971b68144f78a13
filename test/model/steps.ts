/** What may happen: calls, time, messages in any order, crashes, faults, others; as values, so that a failing run is read and replayed. */
import fc from "fast-check";
import type { ArmSettings } from "./arm.js";
import type { Fault } from "./faults.js";
import type { Failure, FailureKind } from "./process.js";
import {
  HOME,
  IMAGES,
  REGIONS,
  STRANGE_REGION,
  VERSIONS,
  type Asked,
} from "./requests.js";

/** What somebody changes, who has other tools than Sigil; null takes away. */
export interface Edit {
  readonly tag?: readonly [name: string, value: string | null];
  readonly excludeFromLatest?: boolean;
  readonly endOfLifeDate?: string | null;
}

/** What somebody else does with ARM directly. */
export type Outside =
  | { readonly does: "add"; readonly region: string }
  | { readonly does: "patch" | "edit"; readonly edit: Edit }
  | { readonly does: "create" | "remake"; readonly asked: Asked }
  | { readonly does: "delete" | "failOperation" }
  | { readonly does: "drop" | "dropKeys"; readonly region: string }
  | {
      readonly does: "set";
      readonly region: string;
      readonly state: "Completed" | "Failed" | "Replicating";
    };

/** One thing that a process does. Numbers choose among what there is, by their remainder. */
export type Act =
  | {
      readonly kind: "put";
      readonly version: string;
      readonly asked: Asked;
      readonly removeRegions: readonly string[];
      /** `seen`: If-Match with what the last GET gave. `none`: If-None-Match: *. */
      readonly condition: "seen" | "none" | null;
      readonly idempotencyKey: string | null;
    }
  | {
      readonly kind: "patch";
      readonly version: string;
      readonly edit: Edit;
      readonly removeRegions: readonly string[];
    }
  | {
      readonly kind: "promote" | "demote" | "retry" | "delete" | "get";
      readonly version: string;
    }
  | {
      readonly kind: "rollback";
      readonly image: string;
      readonly to: string | null;
    }
  | { readonly kind: "list"; readonly image: string }
  | { readonly kind: "retention" }
  | { readonly kind: "cancel"; readonly which: number }
  | { readonly kind: "deliver"; readonly which: number }
  | { readonly kind: "redeliver"; readonly which: number }
  | {
      readonly kind: "outside";
      readonly version: string;
      readonly outside: Outside;
    }
  | { readonly kind: "reconcile" };

export type Step =
  | Act
  | {
      readonly kind: "race";
      readonly acts: readonly Act[];
      readonly schedule: readonly number[];
    }
  | { readonly kind: "fail"; readonly failure: Failure; readonly act: Act }
  | { readonly kind: "fault"; readonly fault: Fault; readonly calls: number }
  | { readonly kind: "topic full"; readonly publications: number }
  | { readonly kind: "behind"; readonly version: string }
  | {
      readonly kind: "policy";
      readonly addTags: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "retentionPolicy";
      readonly image: string;
      readonly keepNewestPromoted: number;
    }
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

function rarely(often: number): fc.Arbitrary<boolean> {
  return fc.oneof(
    { weight: often, arbitrary: fc.constant(false) },
    fc.constant(true),
  );
}

const which = fc.nat({ max: 7 });
/** Mostly one: what meets on one version is what is hard. */
const version = fc.oneof(
  { weight: 6, arbitrary: fc.constant<string>(VERSIONS[0]) },
  { weight: 3, arbitrary: fc.constant<string>(VERSIONS[1]) },
  { weight: 1, arbitrary: fc.constant<string>(VERSIONS[2]) },
);
const image = fc.constantFrom(...IMAGES);
const otherRegion = fc.constantFrom(...REGIONS.slice(1));
const endOfLifeDate = fc.constantFrom(
  "2030-01-01T00:00:00Z",
  "2031-01-01T00:00:00.000Z",
);

const asked: fc.Arbitrary<Asked> = fc.record({
  regions: fc
    .tuple(...REGIONS.map(() => fc.option(fc.constantFrom(1, 2, 3))))
    .map((counts) =>
      Object.fromEntries(
        REGIONS.flatMap((region, i): [string, number][] => {
          const count = counts[i] ?? (region === HOME ? 1 : null);
          return count === null ? [] : [[region, count]];
        }),
      ),
    ),
  excludeFromLatest: fc.option(fc.boolean(), { freq: 2 }),
  tag: fc.option(fc.constantFrom("17", "18")),
  endOfLifeDate: fc.option(endOfLifeDate, { freq: 2 }),
  guarded: rarely(12),
  opened: rarely(12),
  otherKeys: fc.oneof(
    { weight: 12, arbitrary: fc.constant<string[]>([]) },
    otherRegion.map((region) => [region]),
  ),
  promoted: rarely(4),
});

const removeRegions = fc.oneof(
  { weight: 4, arbitrary: fc.constant<string[]>([]) },
  otherRegion.map((region) => [region]),
);

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({
    tag: fc.tuple(
      fc.constantFrom("build", "owner"),
      fc.option(fc.constantFrom("17", "19"), { freq: 2 }),
    ),
  }),
  fc.record({ excludeFromLatest: fc.boolean() }),
  fc.record({ endOfLifeDate: fc.option(endOfLifeDate, { freq: 2 }) }),
);

const put = fc.record({
  kind: fc.constant("put" as const),
  version,
  asked,
  removeRegions,
  condition: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    { weight: 2, arbitrary: fc.constant("seen" as const) },
    { weight: 1, arbitrary: fc.constant("none" as const) },
  ),
  idempotencyKey: fc.oneof(
    { weight: 5, arbitrary: fc.constant(null) },
    fc.constantFrom("a", "b"),
  ),
});

const outside: fc.Arbitrary<Outside> = fc.oneof(
  fc.record({
    does: fc.constant("add" as const),
    region: fc.constantFrom(STRANGE_REGION, ...REGIONS.slice(1)),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constantFrom("patch" as const, "edit" as const),
      edit,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constantFrom("create" as const, "remake" as const),
      asked,
    }),
  },
  fc.record({
    does: fc.constantFrom("delete" as const, "failOperation" as const),
  }),
  fc.record({
    does: fc.constantFrom("drop" as const, "dropKeys" as const),
    region: otherRegion,
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant("set" as const),
      region: fc.constantFrom(...REGIONS),
      state: fc.constantFrom(
        "Completed" as const,
        "Failed" as const,
        "Replicating" as const,
      ),
    }),
  },
);

const byHand = fc.record({
  kind: fc.constantFrom(
    "promote" as const,
    "demote" as const,
    "retry" as const,
    "delete" as const,
    "get" as const,
    "get" as const,
  ),
  version,
});

const patching = fc.record({
  kind: fc.constant("patch" as const),
  version,
  edit,
  removeRegions,
});

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: put },
  {
    weight: 2,
    arbitrary: patching,
  },
  { weight: 4, arbitrary: byHand },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("rollback" as const),
      image,
      to: fc.option(fc.constant("1.0.0")),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.record({ kind: fc.constant("list" as const), image }),
      fc.constant({ kind: "retention" as const }),
    ),
  },
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
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("outside" as const),
      version,
      outside,
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
    weight: 5,
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
    weight: 2,
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
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("topic full" as const),
      publications: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("behind" as const), version }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("policy" as const),
      addTags: fc.constantFrom<Readonly<Record<string, string>>[]>(
        {},
        { owner: "policy" },
        { build: "policy" },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("retentionPolicy" as const),
      image,
      keepNewestPromoted: fc.constantFrom(1, 2),
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
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("bury" as const), which }),
  },
);

const later = fc.array(step, { minLength: 1, maxLength: 26, size: "max" });

/** What is asked of a version that is there, and others make again before it is done. */
const overtaken: fc.Arbitrary<readonly Step[]> = fc
  .tuple(put, fc.oneof(put, patching, byHand), asked, later)
  .map(([{ version: one, ...first }, ask, remade, rest]) => [
    { ...first, version: one, condition: null },
    { kind: "work", rounds: 12 },
    { kind: "wait", seconds: 600 },
    { kind: "work", rounds: 12 },
    { ...ask, version: one },
    {
      kind: "outside",
      version: one,
      outside: { does: "remake", asked: remade },
    },
    ...rest,
  ]);

/** A request, and whatever comes after it. */
export const steps: fc.Arbitrary<readonly Step[]> = fc.oneof(
  {
    weight: 7,
    arbitrary: fc
      .tuple(put, later)
      .map(([first, rest]) => [{ ...first, condition: null }, ...rest]),
  },
  { weight: 1, arbitrary: overtaken },
);

export const settings: fc.Arbitrary<ArmSettings> = fc.record({
  seed: fc.nat({ max: 99 }),
  early: fc.boolean(),
  firstRegion: fc.boolean(),
  keeps: rarely(3),
  keepsExclusion: fc.boolean(),
  lagMs: fc.constantFrom(0, 0, 0, 20_000, 50_000, 90_000),
});
