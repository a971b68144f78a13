/**
 * The versions that a version was built from, and their own: nearest first, each once, so a circle
 * ends.
 */
import { parentsOf, type Dependencies, type ImageVersionRecord } from "../image-version/index.js";
import { keyOf, parseImageVersionId } from "../resource-id.js";
import { inTurns } from "./descendants.js";

export interface Ancestor {
  /** An image version's. */
  readonly id: string;
  /**
   * Since when the version is known to be built from it, directly or through others: RFC 3339;
   * absent: a request is still to declare it.
   */
  readonly time?: string | undefined;
}

/** Levels above this are not read. */
const MOST_DEPTH = 10;
const MOST = 50;

/** Reads the record of each. `of`: the version's own record, or the record after a request. */
export async function ancestorsOf(
  { store }: Pick<Dependencies, "store">,
  of: ImageVersionRecord,
): Promise<readonly Ancestor[]> {
  const found = new Map<string, Ancestor>();
  let level = versionsAmong(parentsOf(of));
  for (let depth = 0; depth < MOST_DEPTH && level.length > 0; depth += 1) {
    const fresh = level.filter((one) => {
      const key = one.id.toLowerCase();
      return found.size < MOST && !found.has(key) && found.set(key, one);
    });
    const records = await inTurns(fresh, ({ id }) => store.readRecord(keyOf(id)));
    level = records.flatMap(([{ time }, record]) =>
      versionsAmong(record ? parentsOf(record) : []).map(({ id }) => ({ id, time })),
    );
  }
  return [...found.values()];
}

function versionsAmong(parents: readonly Ancestor[]): readonly Ancestor[] {
  return parents.filter(({ id }) => parseImageVersionId(id) !== undefined);
}
