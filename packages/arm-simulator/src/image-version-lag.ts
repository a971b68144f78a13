/**
 * Eventual consistency: a GET or a LIST right after a PUT or PATCH may show the version as it was before.
 *
 *   PUT at 0 s, lag 5 s: until 5 s reads show `before` (404 when the PUT created the version), then the version itself.
 *
 * Invariants:
 *   1. Only reads lag. Every write, and every operation, is judged by the true state.
 *   2. What a lagging read shows stands still, its replication status included.
 *   3. What reads have shown once they do not hide again: a longer lag is for later writes, a shorter one for all.
 *   4. Nothing lags behind a DELETE.
 */
import type { ImageVersionRecord, PastWrite } from "./state.js";
import type { Store } from "./store.js";

export interface VisibleVersion {
  readonly record: ImageVersionRecord;
  /** The replication time at which its regions are shown. Absent: now. */
  readonly atMs?: number;
}

/** Notes an accepted PUT or PATCH; `before` is the version at rest, undefined for a create. */
export function rememberWrite(
  store: Store,
  key: string,
  before: ImageVersionRecord | undefined,
): void {
  const { writes } = store.state.lag;
  const write: PastWrite = {
    atMs: store.now(),
    replicationMs: store.replicationNow(),
    lagMs: lagOf(store, key),
    // The update goes on with the same regions. Invariant 2.
    ...(before === undefined ? {} : { before: structuredClone(before) }),
  };
  writes[key] = [...invisibleWrites(store, key), write];
}

/** Invariant 4. */
export function forgetWrites(store: Store, key: string): void {
  const { writes, nextReads } = store.state.lag;
  delete writes[key];
  delete nextReads[key];
}

/** The version in a list; undefined: the list does not show it yet. */
export function visibleVersion(
  store: Store,
  key: string,
  current: ImageVersionRecord,
): VisibleVersion | undefined {
  return beforeWrite(invisibleWrites(store, key)[0], current);
}

/**
 * The version in a GET: as in a list, except that `nextReads` of them show it before its last
 * write.
 */
export async function readVersion(
  store: Store,
  key: string,
  current: ImageVersionRecord,
): Promise<VisibleVersion | undefined> {
  const { nextReads, writes } = store.state.lag;
  const last = writes[key]?.at(-1);
  const left = nextReads[key] ?? 0;
  if (last === undefined || left === 0) return visibleVersion(store, key, current);
  if (left > 1) nextReads[key] = left - 1;
  else delete nextReads[key];
  await store.commit();
  return beforeWrite(invisibleWrites(store, key)[0] ?? last, current);
}

function beforeWrite(
  write: PastWrite | undefined,
  current: ImageVersionRecord,
): VisibleVersion | undefined {
  if (write === undefined) return { record: current };
  const { before, replicationMs } = write;
  return before && { record: before, atMs: replicationMs };
}

/** The writes that reads do not show yet, oldest first. */
function invisibleWrites(store: Store, key: string): readonly PastWrite[] {
  const longestMs = lagOf(store, key);
  return (store.state.lag.writes[key] ?? []).filter(
    // Invariant 3.
    ({ atMs, lagMs }) => store.now() < atMs + Math.min(lagMs, longestMs),
  );
}

function lagOf({ state: { lag } }: Store, key: string): number {
  return lag.byVersion[key] ?? lag.ms;
}
