/** A version as facts that can be compared, read off the wire: by name, what Azure has. Nothing of the product's. */

/** The form of ARM, of a body as of an answer. */
export interface Wire {
  readonly tags?: Readonly<Record<string, string>> | null;
  readonly properties: {
    readonly provisioningState?: string;
    readonly publishingProfile?: {
      readonly publishedDate?: string;
      readonly excludeFromLatest?: boolean;
      readonly targetRegions?: readonly {
        readonly name: string;
        readonly regionalReplicaCount?: number;
        readonly excludeFromLatest?: boolean;
      }[];
    };
  };
}

/** `tag/x`, `count/westus`, `latest/westus` (`in` or `out`), `hold/westus` (its own flag is true). Absent: Azure has none. */
export type Facts = Readonly<Record<string, string>>;

export function canonical(name: string): string {
  return name.replace(/\s+/gu, "").toLowerCase();
}

export function factsOf({ tags, properties }: Wire): Facts {
  const { targetRegions = [], excludeFromLatest: whole = false } =
    properties.publishingProfile ?? {};
  return Object.fromEntries([
    ...Object.entries(tags ?? {}).map(([name, value]) => [`tag/${name}`, value]),
    ...targetRegions.flatMap((region) => {
      const name = canonical(region.name);
      const isOut = region.excludeFromLatest ?? whole;
      return [
        [`count/${name}`, String(region.regionalReplicaCount ?? 1)],
        [`latest/${name}`, isOut ? "out" : "in"],
        ...(region.excludeFromLatest === true ? [[`hold/${name}`, "yes"]] : []),
      ];
    }),
  ]) as Facts;
}

/** By name, what the second has otherwise; undefined: nothing. */
export function changesBetween(
  before: Facts,
  after: Facts,
): ReadonlyMap<string, string | undefined> {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return new Map(
    [...names].filter((name) => before[name] !== after[name]).map((name) => [name, after[name]]),
  );
}

export function regionsIn(facts: Facts): readonly string[] {
  return Object.keys(facts)
    .filter((name) => name.startsWith("count/"))
    .map((name) => name.slice("count/".length));
}
