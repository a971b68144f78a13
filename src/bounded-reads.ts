/**
 * Bounded reads of Azure. Invariants:
 *  1. At most `parallel` run at once.
 *  2. None starts after one that was throttled or unanswered: that error is thrown, retryable, with
 *     ARM's wait.
 *  3. A resource that Sigil may not read differs from one that does not exist.
 */
import { ServiceError } from "./errors.js";

/**
 * The result of a read: the resource, that it does not exist, or that Sigil's identity may not read
 * it. `unread`: the read of the subscription was refused first.
 */
export type Seen<T> =
  | { readonly kind: "found"; readonly value: T }
  | { readonly kind: "absent" }
  | { readonly kind: "unread" }
  | Denied;

/** The action that ARM does not allow, and its scope. */
export interface Denied {
  readonly kind: "denied";
  readonly action: string;
  readonly scope: string;
}

/** The value, if the read found one. */
export function found<T>(seen: Seen<T> | undefined): T | undefined {
  return seen?.kind === "found" ? seen.value : undefined;
}

const PARALLEL = 16;

type See = <T>(read: () => Promise<T | undefined>) => Promise<Seen<T>>;

export function bounded(parallel = PARALLEL): See {
  let free = parallel;
  let failure: Error | undefined;
  const waiting: (() => void)[] = [];
  return async (read) => {
    // A free slot goes to the next waiting read, if there is one.
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve)); // Invariant 1.
    try {
      if (failure !== undefined) throw failure; // Invariant 2.
      const value = await read();
      return value === undefined ? { kind: "absent" } : { kind: "found", value };
    } catch (error) {
      const denied = deniedBy(error); // Invariant 3.
      if (denied !== undefined) return denied;
      failure ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/** The result of each read, by name. */
export async function seeEach<Key, T>(
  keys: ReadonlyMap<string, Key>,
  read: (key: Key) => Promise<Seen<T>>,
): Promise<ReadonlyMap<string, Seen<T>>> {
  return new Map(
    await Promise.all([...keys].map(async ([name, key]) => [name, await read(key)] as const)),
  );
}

function deniedBy(error: unknown): Denied | undefined {
  if (!(error instanceof ServiceError) || error.code !== "ResourceManagerForbidden")
    return undefined;
  const { action, scope } = error.fields;
  return { kind: "denied", action: String(action), scope: String(scope) };
}

/** By id in lower case. */
export function distinct(ids: readonly string[]): ReadonlyMap<string, string> {
  return new Map(ids.map((id) => [id.toLowerCase(), id]));
}
