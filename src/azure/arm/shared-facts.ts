/**
 * Reads from Azure that all callers in one instance share. Invariants:
 *  1. Checks and plans may get what Azure had up to `KEEP_MS` ago, and refuse by nothing that was
 *     read before they began. A missing or hidden resource is never kept. The memory of `looks`
 *     keeps sets and keys.
 *  2. Reads of a version are not shared here: whoever writes reads for itself.
 *  3. Sets that are requested together are read from their subscription's list, if ARM shows the
 *     list and has them there. A set that is not in the list is read by itself: a list shows only
 *     what the identity may see, and at most `MOST_PAGES`.
 */
import { ServiceError } from "../../errors.js";
import {
  createLooks,
  seeing,
  type ResourceManager,
  type ResourceReader,
} from "../../image-version/index.js";
import type { DiskEncryptionSet } from "../../keys/ports.js";
import type { Looks } from "../../image-version/ports.js";
import type { KeyMemory } from "../../keys/memory.js";
import { isRegistered, nameOf, type Subscriptions } from "../../subscription/ports.js";
import { SharedReads } from "../../shared-reads.js";
import { createTurns, type Turns } from "../../turns.js";
import { subscriptionIn } from "./quotas.js";

/** Longer than the first wait of a step, so that what it reads again is not asked again. */
const KEEP_MS = 30_000;
const MOST_KEPT = 5_000;
const MOST_PAGES = 5;

/** Up to this many sets are read one by one. */
const FEW = 3;

/** Few enough that a plan finishes its reads before the next one competes with it. */
const PLANS_AT_ONCE = 4;

const NONE: Sets = new Map();

export interface Facts {
  readonly resources: ResourceReader;
  readonly subscriptions: Subscriptions;
  readonly looks: Looks;
}

/**
 * The shared reads. `note` receives the time at which each answer was read; what was read before
 * `sinceMs` is read again.
 */
export type SharedFacts = (note?: (readMs: number) => void, sinceMs?: number) => Facts;

interface Shared {
  readonly looks: Looks;
  readonly resourceManager: ResourceManager;
  readonly resources: ResourceReader;
  /** The shared reads for checks and plans. */
  readonly sharedFacts: SharedFacts;
  readonly plansInTurn: Turns;
}

export function shareReads(
  readers: Pick<Facts, "resources" | "subscriptions"> & Pick<Shared, "resourceManager">,
  now: () => Date,
): Shared {
  const { subscriptions, resourceManager } = readers;
  const looks = createLooks(resourceManager, readers.resources, now);
  const getDiskEncryptionSet = createSetReader(readers.resources, looks.keys, now);
  const resources = { ...readers.resources, getDiskEncryptionSet };
  return {
    looks,
    resourceManager: seeing(resourceManager, looks),
    resources,
    sharedFacts: shareFacts({ resources, subscriptions, looks }, now),
    plansInTurn: createTurns(PLANS_AT_ONCE),
  };
}

function shareFacts({ resources, subscriptions, looks }: Facts, now: () => Date): SharedFacts {
  const shared = <T>(isKept: (value: T) => boolean = (value) => value !== undefined) =>
    new SharedReads<T>({ most: MOST_KEPT, keepMs: KEEP_MS, now, isKept });
  const galleries = shared<Awaited<ReturnType<ResourceReader["getGallery"]>>>();
  const definitions = shared<Awaited<ReturnType<ResourceReader["getImageDefinition"]>>>();
  const sources = shared<Awaited<ReturnType<ResourceReader["getSource"]>>>();
  const regions = shared<Awaited<ReturnType<Subscriptions["listRegions"]>>>();
  const registrations = shared<string | undefined>(
    (state) => state !== undefined && isRegistered(state),
  );
  const terms = shared<boolean | undefined>((accepted) => accepted === true);
  return (note = () => {}, sinceMs = -Infinity) => {
    /** Shares one read of the named resource; names ignore case. */
    const once = <T>(
      reads: SharedReads<T>,
      read: () => Promise<T>,
      ...names: readonly (string | undefined)[]
    ): Promise<T> => {
      const key = names.join(" ").toLowerCase();
      const sinceMaxMs = now().getTime() - sinceMs + 1;
      const answer = reads.once(key, read, Math.min(KEEP_MS, sinceMaxMs));
      note(reads.sinceMs(key) ?? now().getTime());
      return answer;
    };
    const see: KeyMemory["see"] = async (...asked) => {
      const shown = await looks.keys.see(...asked);
      note(shown.timeMs);
      return shown;
    };
    return {
      looks: { ...looks, keys: { ...looks.keys, see } },
      resources: {
        ...resources,
        getGallery: (id) => once(galleries, () => resources.getGallery(id), id),
        getImageDefinition: (id) => once(definitions, () => resources.getImageDefinition(id), id),
        getSource: (id) => once(sources, () => resources.getSource(id), id),
      },
      subscriptions: {
        ...subscriptions,
        listRegions: (subscriptionId) =>
          once(regions, () => subscriptions.listRegions(subscriptionId), subscriptionId),
        getRegistration: (subscriptionId, what) =>
          once(
            registrations,
            () => subscriptions.getRegistration(subscriptionId, what),
            subscriptionId,
            nameOf(what),
          ),
        areTermsAccepted: (subscriptionId, plan) =>
          once(
            terms,
            () => subscriptions.areTermsAccepted(subscriptionId, plan),
            ...[subscriptionId, plan.publisher, plan.product, plan.name],
          ),
      },
    };
  };
}

/** Invariant 3. */
function createSetReader(
  resources: ResourceReader,
  { keep }: KeyMemory,
  now: () => Date,
): ResourceReader["getDiskEncryptionSet"] {
  /**
   * By subscription: how many sets this turn of the event loop requests, and the list read for
   * them.
   */
  const asked = new Map<string, Batch>();
  /** By subscription: its list, while the read runs. */
  const reading = new Map<string, Promise<Sets>>();

  function listOnce(subscriptionId: string): Promise<Sets> {
    const present = reading.get(subscriptionId);
    if (present !== undefined) return present;
    const begun = list(subscriptionId).finally(() => reading.delete(subscriptionId));
    reading.set(subscriptionId, begun);
    return begun;
  }

  function listFor(subscriptionId: string): Promise<Sets> {
    const batch: Batch = asked.get(subscriptionId) ?? {
      count: 0,
      list: Promise.resolve().then(() => {
        asked.delete(subscriptionId);
        return batch.count > FEW ? listOnce(subscriptionId) : NONE;
      }),
    };
    batch.count += 1;
    asked.set(subscriptionId, batch);
    return batch.list;
  }

  async function list(subscriptionId: string): Promise<Sets> {
    const found = new Map<string, DiskEncryptionSet>();
    let token: string | undefined;
    try {
      for (let pages = 0; pages < MOST_PAGES; pages += 1) {
        const timeMs = now().getTime();
        const page = await resources.listDiskEncryptionSets(subscriptionId, token);
        for (const set of page?.value ?? []) {
          found.set(set.id.toLowerCase(), set);
          keep([set.id], set, timeMs);
        }
        token = page?.continuationToken;
        if (token === undefined) break;
      }
    } catch (error) {
      if (!isForbidden(error)) throw error;
    }
    return found;
  }

  return async (id) => {
    const subscriptionId = subscriptionIn(id);
    const listed =
      subscriptionId === undefined
        ? undefined
        : (await listFor(subscriptionId)).get(id.toLowerCase());
    return listed ?? resources.getDiskEncryptionSet(id);
  };
}

interface Batch {
  count: number;
  readonly list: Promise<Sets>;
}

type Sets = ReadonlyMap<string, DiskEncryptionSet>;

function isForbidden(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "ResourceManagerForbidden";
}
