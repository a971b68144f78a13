import { orNone } from "../../errors.js";
import type { Index } from "../../operation/ports.js";
import type { IndexRow } from "../../operation/records.js";
import { usualOf, withEnd, type Ends, type UsualTimes } from "../state/usual.js";

/** One row per region: its name, and how many seconds its last copies took. */
const SCOPE = "replication-times";
/** More regions than Azure has. */
const MOST_REGIONS = 1_000;

/**
 * How long copies usually take, by region; empty if that cannot be read now, because it only helps
 * to expect an end.
 */
export async function readUsualTimes(index: Pick<Index, "page">): Promise<UsualTimes> {
  const ends = await orNone(readEnds(index));
  return new Map(
    [...(ends ?? [])].flatMap(([region, seconds]) => {
      const usual = usualOf(seconds);
      return usual === undefined ? [] : [[region, usual] as const];
    }),
  );
}

/**
 * Two concurrent notes may lose one, and a process that dies loses those of its step: each is one
 * of twenty.
 */
export async function noteEnds(
  index: Index,
  ended: readonly (readonly [region: string, seconds: number])[],
): Promise<void> {
  if (ended.length === 0) return;
  const known = await orNone(readEnds(index));
  if (known === undefined) return;
  await orNone(
    index.put(
      ended.map(([region, seconds]) => rowOf(region, withEnd(known.get(region) ?? [], seconds))),
    ),
  );
}

async function readEnds(index: Pick<Index, "page">): Promise<ReadonlyMap<string, Ends>> {
  const { rows } = await index.page(SCOPE, MOST_REGIONS);
  return new Map(rows.map(({ row, target }) => [row, target.split(" ").map(Number)]));
}

function rowOf(region: string, ends: Ends): IndexRow {
  return { scope: SCOPE, row: region, target: ends.join(" ") };
}
