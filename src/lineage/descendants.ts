/**
 * The versions that were built from a version, directly or through others. Computed on request; revocations play no part. Invariants:
 *  1. Each version appears once, under the parent that leads to it first, so a circle ends.
 *  2. A row counts only if the version's own record names the parent: a number that was created again leaves an old row.
 *  3. A deleted version does not appear, but its descendants do.
 */
import { parentsOf, type Dependencies, type ImageVersionRecord } from "../image-version/index.js";
import { childrenScope } from "../listings.js";
import { pagesOf } from "../operation/pages.js";
import { keyOf } from "../resource-id.js";

export interface Descendant {
  readonly id: string;
  /** 1: built directly from the version. */
  readonly depth: number;
  readonly parent: string;
  readonly how: "Seen" | "Declared";
  /** As of `KnownParent`. */
  readonly time: string | undefined;
}

export interface Descendants {
  /** Depth first. */
  readonly found: readonly Descendant[];
  /** False: there are more, or deeper ones. */
  readonly complete: boolean;
}

type Reads = Pick<Dependencies, "store" | "index">;
type Child = Descendant & { readonly isThere: boolean };

const MOST_DEPTH = 10;
const MOST = 2_000;
const AT_ONCE = 50;

export async function descendantsOf(deps: Reads, of: string): Promise<Descendants> {
  const seen = new Set([of.toLowerCase()]);
  const byParent = new Map<string, readonly Child[]>();
  let level = [of];
  let complete = true;
  for (let depth = 1; level.length > 0 && complete; depth += 1) {
    const next: string[] = [];
    for (const [parent, children] of await inTurns(level, (one) => childrenOf(deps, one, depth))) {
      const fresh = children.filter(({ id }) => !seen.has(id.toLowerCase()));
      if (depth > MOST_DEPTH || seen.size + fresh.length > MOST + 1) {
        complete &&= fresh.length === 0;
        continue;
      }
      for (const { id } of fresh) seen.add(id.toLowerCase());
      byParent.set(parent, fresh);
      next.push(...fresh.map(({ id }) => id));
    }
    level = next;
  }
  const depthFirst = (parent: string): readonly Descendant[] =>
    (byParent.get(parent) ?? []).flatMap(({ isThere, ...one }) => [
      ...(isThere ? [one] : []), // Invariant 3.
      ...depthFirst(one.id),
    ]);
  return { found: depthFirst(of), complete };
}

async function childrenOf(
  { store, index }: Reads,
  parent: string,
  depth: number,
): Promise<readonly Child[]> {
  const children: Child[] = [];
  for await (const rows of pagesOf(index, childrenScope(parent)))
    for (const [{ target: id }, record] of await inTurns(rows, ({ target }) =>
      store.readRecord(keyOf(target)),
    )) {
      const link = record && linkTo(record, parent);
      if (link !== undefined)
        children.push({ ...link, id, depth, parent, isThere: isThere(record) });
    }
  return children;
}

/** Invariant 2. */
function linkTo(
  record: ImageVersionRecord,
  parent: string,
): Pick<Descendant, "how" | "time"> | undefined {
  const link = parentsOf(record).find(({ id }) => id.toLowerCase() === parent.toLowerCase());
  return link && { how: link.how, time: link.time };
}

function isThere(record: ImageVersionRecord | undefined): boolean {
  return record?.status !== undefined || record?.write?.creates === true;
}

/** Reads `AT_ONCE` items at a time. Returns each item with its result, in the given order. */
export async function inTurns<One, Read>(
  all: readonly One[],
  read: (one: One) => Promise<Read>,
): Promise<(readonly [One, Read])[]> {
  const done: (readonly [One, Read])[] = [];
  for (let at = 0; at < all.length; at += AT_ONCE)
    done.push(
      ...(await Promise.all(
        all.slice(at, at + AT_ONCE).map(async (one) => [one, await read(one)] as const),
      )),
    );
  return done;
}
