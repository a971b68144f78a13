/** What may happen, as values: a failing run is read and replayed. */
import fc from "fast-check";

export const HOME = "westus";
export const REGIONS = ["westus", "eastus2", "westus2"] as const;
const OTHER = ["eastus2", "westus2"] as const;

export interface Body {
  /** Replicas by region. */
  readonly regions: Readonly<Record<string, number>>;
  readonly tag: string | undefined;
  readonly excluded: boolean | undefined;
  /** Promoted once every region is ready. */
  readonly rule: boolean;
}

export type Step =
  | {
      readonly does: "put";
      readonly which: number;
      readonly body: Body;
      readonly remove: string | undefined;
    }
  | {
      readonly does: "patch";
      readonly which: number;
      readonly tags: Readonly<Record<string, string | null>>;
      readonly excluded: boolean | undefined;
      readonly remove: string | undefined;
    }
  | {
      readonly does: "promote" | "demote" | "retry" | "delete";
      readonly which: number;
    }
  | { readonly does: "cancel" | "work"; readonly nth: number }
  | { readonly does: "rollouts" }
  | {
      readonly does: "edit";
      readonly which: number;
      readonly tags: Readonly<Record<string, string | null>>;
      readonly excluded: boolean | undefined;
      /** A region whose own flag they set. */
      readonly held: string | undefined;
    }
  | {
      readonly does: "drop" | "break";
      readonly which: number;
      readonly region: string;
    }
  | { readonly does: "give up" | "remove" | "remake"; readonly which: number }
  | { readonly does: "stop"; readonly region: string }
  | {
      readonly does: "fault";
      readonly how: (typeof FAULTS)[number];
      readonly times: number;
    }
  | { readonly does: "wait"; readonly seconds: number };

export const FAULTS = ["throttled", "busy", "lost before", "lost after", "refused"] as const;

const which = fc.constantFrom(0, 0, 0, 1);
const flag = fc.constantFrom(undefined, undefined, true, false);
const tag = fc.constantFrom("1", "2", "3");
const gone = fc.constantFrom(undefined, undefined, undefined, ...OTHER);

const body: fc.Arbitrary<Body> = fc.record({
  regions: fc
    .dictionary(fc.constantFrom(...OTHER), fc.integer({ min: 1, max: 3 }), {
      maxKeys: 2,
      noNullPrototype: true,
    })
    .map((others) => ({ [HOME]: 1, ...others })),
  tag: fc.option(tag, { nil: undefined }),
  excluded: flag,
  rule: fc.constantFrom(false, false, true),
});

const tags = (values: fc.Arbitrary<string>) =>
  fc.dictionary(fc.constantFrom("build", "team"), fc.option(values, { freq: 3 }), {
    maxKeys: 2,
    noNullPrototype: true,
  });

const of = <T extends string>(...does: T[]) => fc.constantFrom(...does);

const asks: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ does: of("put"), which, body, remove: gone }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      does: of("patch"),
      which,
      tags: tags(tag),
      excluded: flag,
      remove: gone,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: of("promote", "demote", "retry", "delete"),
      which,
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: of("cancel"), nth: fc.nat(5) }) },
);
const others: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: of("edit"),
      which,
      tags: tags(of("x", "y")),
      excluded: flag,
      held: fc.constantFrom(undefined, undefined, ...REGIONS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: of("drop", "break"),
      which,
      region: fc.constantFrom(...OTHER),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: of("give up", "remove", "remake"), which }),
  },
);
const weather: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: of("stop"), region: fc.constantFrom(...REGIONS) }),
  fc.record({
    does: of("fault"),
    how: fc.constantFrom(...FAULTS),
    times: fc.integer({ min: 1, max: 3 }),
  }),
);
const time: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      does: of("work"),
      nth: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: of("wait"),
      seconds: fc.constantFrom(5, 60, 250, 700),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: of("rollouts") }) },
);

export interface Story {
  readonly first: Body;
  readonly steps: readonly Step[];
  /** How long Azure's replicas may be behind. */
  readonly lagMs: number;
  /** One call in so many kills the process. */
  readonly crashes: number | undefined;
  readonly seed: number;
}

/** Alone, without others, or with everything. */
export const story: fc.Arbitrary<Story> = fc
  .constantFrom(
    fc.oneof({ weight: 3, arbitrary: asks }, { weight: 4, arbitrary: time }),
    fc.oneof(
      { weight: 3, arbitrary: asks },
      { weight: 4, arbitrary: time },
      { weight: 1, arbitrary: weather },
    ),
    fc.oneof(
      { weight: 3, arbitrary: asks },
      { weight: 4, arbitrary: time },
      { weight: 1, arbitrary: weather },
      { weight: 2, arbitrary: others },
    ),
  )
  .chain((step) =>
    fc.record({
      first: body,
      steps: fc.array(step, { minLength: 2, maxLength: 16, size: "max" }),
      lagMs: fc.constantFrom(0, 0, 20_000, 90_000, 200_000),
      crashes: fc.constantFrom(undefined, undefined, 9, 17),
      seed: fc.nat(),
    }),
  );
