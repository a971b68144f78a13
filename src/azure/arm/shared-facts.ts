/**
 * What is read for the checks of many versions at once, each read made once. Invariants:
 *  1. What Azure has is kept for `KEEP_MS` by one instance; that it has something not, or does not show it, never is. Nor is a key
 *     that does not work: who mends it need not wait.
 *  2. No look at a version is shared here: whoever writes looks for itself.
 *  3. Sets that are asked for together are read from their subscription's list, where ARM shows that and has them there.
 *     What is not in it is read by itself: a list shows only what the identity may see, and not more than `MOST_PAGES`.
 */
import { ServiceError } from "../../errors.js";
import { works } from "../../image-version/keys/judge.js";
import type { Key, KeyDependencies } from "../../image-version/keys/ports.js";
import type { ResourceReader } from "../../image-version/ports.js";
import type { DiskEncryptionSet } from "../../image-version/resources.js";
import {
  isRegistered,
  nameOf,
  type Subscriptions,
} from "../../subscription/ports.js";
import { SharedReads } from "../../shared-reads.js";
import { subscriptionIn } from "./quotas.js";

const KEEP_MS = 15_000;
const MOST_KEPT = 5_000;
const MOST_PAGES = 5;

/** As few sets as these are read one by one. */
const FEW = 3;

const NONE: Sets = new Map();

export interface Facts {
  readonly resources: ResourceReader;
  readonly subscriptions: Subscriptions;
  /** Absent where nobody looks after keys. */
  readonly keyGuardian?: KeyDependencies;
}

export function shareFacts(
  { resources, subscriptions, keyGuardian }: Facts,
  now: () => Date,
): Facts {
  const shared = <T>(
    isKept: (value: T) => boolean = (value) => value !== undefined,
  ) => new SharedReads<T>({ most: MOST_KEPT, keepMs: KEEP_MS, now, isKept });
  /** One read of each kind of resource, by its id. */
  const byId = <T>(read: (id: string) => Promise<T | undefined>) => {
    const reads = shared<T | undefined>();
    return (id: string) => reads.once(id.toLowerCase(), () => read(id));
  };
  const regions = shared<Awaited<ReturnType<Subscriptions["listRegions"]>>>();
  const registrations = shared<string | undefined>(
    (state) => state !== undefined && isRegistered(state),
  );
  const keys = shared<Key | undefined>(
    (key) => key !== undefined && works(key, now()),
  );
  return {
    ...(keyGuardian && {
      keyGuardian: {
        ...keyGuardian,
        keyReader: {
          ...keyGuardian.keyReader,
          getKey: (vaultId, name, version) =>
            keys.once([vaultId, name, version].join(" ").toLowerCase(), () =>
              keyGuardian.keyReader.getKey(vaultId, name, version),
            ),
        },
      },
    }),
    resources: {
      ...resources,
      getGallery: byId((id) => resources.getGallery(id)),
      getImageDefinition: byId((id) => resources.getImageDefinition(id)),
      getSource: byId((id) => resources.getSource(id)),
      getDiskEncryptionSet: createSetReader(resources, shared()),
    },
    subscriptions: {
      ...subscriptions,
      listRegions: (subscriptionId) =>
        regions.once(subscriptionId, () =>
          subscriptions.listRegions(subscriptionId),
        ),
      getRegistration: (subscriptionId, what) =>
        registrations.once(`${subscriptionId} ${nameOf(what)}`, () =>
          subscriptions.getRegistration(subscriptionId, what),
        ),
    },
  };
}

/** Invariant 3. */
function createSetReader(
  resources: ResourceReader,
  sets: SharedReads<DiskEncryptionSet | undefined>,
): ResourceReader["getDiskEncryptionSet"] {
  /** By subscription: how many are asked for in this turn of the event loop, and the list that is read for them. */
  const asked = new Map<string, Batch>();

  function listFor(subscriptionId: string): Promise<Sets> {
    const batch: Batch = asked.get(subscriptionId) ?? {
      count: 0,
      list: Promise.resolve().then(() => {
        asked.delete(subscriptionId);
        return batch.count > FEW ? list(subscriptionId) : NONE;
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
        const page = await resources.listDiskEncryptionSets(
          subscriptionId,
          token,
        );
        for (const set of page?.value ?? []) {
          found.set(set.id.toLowerCase(), set);
          sets.keep(set.id.toLowerCase(), set);
        }
        token = page?.continuationToken;
        if (token === undefined) break;
      }
    } catch (error) {
      if (!isForbidden(error)) throw error;
    }
    return found;
  }

  return (id) =>
    sets.once(id.toLowerCase(), async () => {
      const subscriptionId = subscriptionIn(id);
      const listed =
        subscriptionId === undefined
          ? undefined
          : (await listFor(subscriptionId)).get(id.toLowerCase());
      return listed ?? resources.getDiskEncryptionSet(id);
    });
}

interface Batch {
  count: number;
  readonly list: Promise<Sets>;
}

type Sets = ReadonlyMap<string, DiskEncryptionSet>;

function isForbidden(error: unknown): boolean {
  return (
    error instanceof ServiceError && error.code === "ResourceManagerForbidden"
  );
}
