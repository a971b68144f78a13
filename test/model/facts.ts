/**
 * A version as facts, each a name and a text. The oracle's own reading of a body: it uses none of the product's tables.
 *
 *   region/eastus2 yes · replicas/eastus2 2 · keys/eastus2 …-os,…-data · tag/build 17 · excluded false
 */
import { isDeepStrictEqual } from "node:util";
import type { ImageVersionRequest } from "../../src/image-version/contract.js";

export type Facts = Readonly<Record<string, string>>;

/** What ARM has where nothing is said. */
const DEFAULTS: Facts = {
  excluded: "false",
  guarded: "false",
  opened: "false",
};

type Body = Pick<ImageVersionRequest, "properties" | "tags">;

/** What a body says, and no more. */
export function saidIn({ properties, tags }: Body): Facts {
  const { publishingProfile: profile = {}, safetyProfile: safety } = properties;
  const facts: Record<string, string> = {};
  const say = (name: string, value: unknown): void => {
    if (value !== undefined && value !== null)
      facts[name] = typeof value === "string" ? value : JSON.stringify(value);
  };
  for (const region of profile.targetRegions ?? []) {
    const name = region.name.replace(/\s+/gu, "").toLowerCase();
    say(`region/${name}`, "yes");
    say(`replicas/${name}`, region.regionalReplicaCount);
    say(`keys/${name}`, keysIn(region.encryption));
  }
  for (const [name, value] of Object.entries(tags ?? {}))
    say(`tag/${name.toLowerCase()}`, value);
  const end = profile.endOfLifeDate;
  say("endOfLife", end && new Date(end).toISOString());
  say("excluded", profile.excludeFromLatest);
  say("guarded", safety?.blockDeletionBeforeEndOfLife);
  say("opened", safety?.allowDeletionOfReplicatedLocations);
  return facts;
}

/** What ARM has of a version that it shows so, or was sent so. */
export function factsOf(body: Body): Facts {
  return { ...DEFAULTS, ...saidIn(body) };
}

/** The sets of the disks of a region, or of what an event tells of it. */
export function keysIn(encryption: unknown): string {
  const { osDiskImage, dataDiskImages = [] } = (encryption ?? {}) as {
    osDiskImage?: { diskEncryptionSetId?: string };
    dataDiskImages?: readonly { diskEncryptionSetId?: string }[];
  };
  return [osDiskImage, ...dataDiskImages]
    .flatMap((disk) => disk?.diskEncryptionSetId?.toLowerCase() ?? [])
    .map((id) => id.slice(id.lastIndexOf("/") + 1))
    .join(",");
}

export interface FactChange {
  readonly fact: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export function changesBetween(before: Facts, after: Facts): FactChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap(
    (fact) =>
      before[fact] === after[fact]
        ? []
        : [{ fact, before: before[fact], after: after[fact] }],
  );
}

/** The region that a fact is about, if it is about one. */
export function regionOf(fact: string): string | undefined {
  return /^(?:region|replicas|keys)\/(.*)$/u.exec(fact)?.[1];
}

export function regionsIn(facts: Facts): string[] {
  return Object.keys(facts).flatMap((fact) =>
    fact.startsWith("region/") ? [regionOf(fact) ?? ""] : [],
  );
}

export function defaultOf(fact: string): string | undefined {
  return DEFAULTS[fact];
}

export function same(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(one, other);
}

/** For the trace. */
export function describe(facts: Facts | undefined): string {
  if (facts === undefined) return "nothing";
  const others = Object.entries(facts)
    .filter(([fact]) => regionOf(fact) === undefined)
    .filter(([fact, value]) => value !== DEFAULTS[fact])
    .map(([fact, value]) => `${fact} ${value}`);
  return [
    ...regionsIn(facts).map((name) => `${name} ${facts[`replicas/${name}`]}`),
    ...others,
  ].join(", ");
}
