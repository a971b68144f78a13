/**
 * Limits how many test machines there are, and how many tests a caller may start a day. Invariants:
 *  1. A test is counted before it is accepted, by a write that only one of two concurrent callers
 *     wins. So concurrent tests are all counted.
 *  2. When no place is left, the places of ended tests are released, and only those. A test that is
 *     being accepted keeps its place for `ACCEPTING_MS` before Sigil looks for its record.
 *  3. Tests by promotion rules have no caller. Only the limit of machines applies to them, and they
 *     start later.
 */
import { ServiceError } from "../errors.js";
import { omit } from "../objects.js";
import { hasEnded } from "../operation/kinds.js";
import { isStateConflict } from "../operation/outbox.js";
import type { Requester } from "../operation/records.js";
import type { TestCounts, TestDependencies } from "./ports.js";

/** The key of the one record. */
const DEPLOYMENT = "deployment";
const DAY_MS = 86_400_000;
const ACCEPTING_MS = 60_000;
/** About as long as a machine exists. */
const RETRY_AFTER_MS = 300_000;
/** Enough for that many concurrent callers, because each round one of them wins. */
const TRIES = 60;

type Limited = Pick<TestDependencies, "limits" | "store" | "kinds" | "now">;

/**
 * Counts a test that is about to be accepted. Throws TooManyRequests, which names the exceeded
 * limit.
 */
export async function takePlace(
  deps: Limited,
  key: string,
  machines: number,
  { appId, objectId }: Requester,
): Promise<void> {
  const { limits, now } = deps;
  const isRule = appId === undefined && objectId === undefined; // Invariant 3.
  const caller = JSON.stringify([appId, objectId]);
  for (let tries = 1; ; tries += 1) {
    const read = await limits.counts.read(DEPLOYMENT);
    const since = now().toISOString();
    const day = since.slice(0, 10);
    const today = read?.document.day === day ? read.document.tests : {};
    const begun = today[caller] ?? 0;
    if (!isRule && begun >= limits.testsPerDay)
      throw new ServiceError(
        "TooManyRequests",
        `This caller started ${begun} tests today (UTC), and SIGIL_MAX_TESTS_PER_DAY allows ${limits.testsPerDay}. Try again tomorrow, or ask the operator of Sigil to raise it.`,
        { retryAfterMs: DAY_MS - (now().getTime() % DAY_MS) },
      );
    const others = omit(read?.document.open ?? {}, key);
    const open = await withRoom(deps, others, limits.machines - machines);
    try {
      await limits.counts.put(
        {
          imageId: DEPLOYMENT,
          day,
          tests: isRule ? today : { ...today, [caller]: begun + 1 },
          open: { ...open, [key]: { machines, since } },
        },
        read?.etag,
      ); // Invariant 1.
      return;
    } catch (error) {
      if (!isStateConflict(error) || tries >= TRIES) throw error;
    }
  }
}

/**
 * The places still taken; drops those of ended tests if there are too many. Throws TooManyRequests
 * if that does not help.
 */
async function withRoom(
  deps: Limited,
  open: TestCounts["open"],
  most: number,
): Promise<TestCounts["open"]> {
  if (machinesOf(open) <= most) return open;
  const left = await Promise.all(
    Object.entries(open).map(async ([key, place]) => {
      const stored = await deps.store.read(key);
      const isOpen =
        stored === undefined || hasEnded(deps, stored)
          ? deps.now().getTime() - Date.parse(place.since) < ACCEPTING_MS
          : true;
      return isOpen ? [[key, place] as const] : []; // Invariant 2.
    }),
  );
  const still = Object.fromEntries(left.flat());
  const there = machinesOf(still);
  if (there <= most) return still;
  throw new ServiceError(
    "TooManyRequests",
    `The running tests of this deployment may use ${there} machines, and SIGIL_MAX_TEST_MACHINES allows ${deps.limits.machines}. Try again later, cancel a test, or ask the operator of Sigil to raise it.`,
    { retryAfterMs: RETRY_AFTER_MS },
  );
}

function machinesOf(open: TestCounts["open"]): number {
  return Object.values(open).reduce((sum, { machines }) => sum + machines, 0);
}
