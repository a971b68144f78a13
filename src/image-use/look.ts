/**
 * Finds who uses an image version. Invariant: what could not be read is in `notSeen`, and never
 * counts as unused. Resource Graph silently omits what the caller may not read, so each
 * subscription is first proven readable.
 */
import { ServiceError } from "../errors.js";
import type { ImageNames } from "./names.js";
import type { FoundUsers, ImageUser, UseDependencies } from "./ports.js";

interface NotSeen {
  readonly subscriptionId: string;
  readonly code: string;
  readonly message: string;
}

export interface ImageUse {
  readonly users: readonly ImageUser[];
  /** In lower case, the gallery's own first. */
  readonly subscriptions: readonly string[];
  readonly notSeen: readonly NotSeen[];
  /**
   * `complete`: false if there are more users than were read. `needsSeen`: false if there may be
   * more users that need their version.
   */
  readonly complete: boolean;
  readonly needsSeen: boolean;
  readonly time: string;
}

const PROOFS_AT_ONCE = 10;

type Asks = Pick<UseDependencies, "imageUsers" | "consumerSubscriptions" | "now">;

/**
 * Finds users of the versions, or of their image definition, in the gallery's subscription and its
 * consumers'. `confirms`: reads scale sets from Azure Resource Manager itself.
 */
export async function findUsers(
  deps: Asks,
  gallerySubscriptionId: string,
  names: ImageNames,
  confirms = false,
): Promise<ImageUse> {
  const subscriptions = [
    ...new Set(
      [gallerySubscriptionId, ...deps.consumerSubscriptions].map((each) => each.toLowerCase()),
    ),
  ];
  const notSeen: NotSeen[] = [];
  const prove = async (subscriptionId: string): Promise<void> => {
    try {
      await deps.imageUsers.proveReadable(subscriptionId);
    } catch (error) {
      notSeen.push(notSeenFor(subscriptionId, error));
    }
  };
  for (let at = 0; at < subscriptions.length; at += PROOFS_AT_ONCE)
    await Promise.all(subscriptions.slice(at, at + PROOFS_AT_ONCE).map((each) => prove(each)));
  const readable = subscriptions.filter(
    (each) => !notSeen.some(({ subscriptionId }) => subscriptionId === each),
  );
  let found: FoundUsers = { users: [], complete: true, needsSeen: true };
  try {
    if (readable.length > 0) found = await deps.imageUsers.find(readable, names);
    if (confirms) found = await confirmed(deps, readable, names, found);
  } catch (error) {
    for (const each of readable) notSeen.push(notSeenFor(each, error));
  }
  return {
    users: found.users,
    subscriptions,
    notSeen: subscriptions.flatMap(
      (each) => notSeen.find(({ subscriptionId }) => subscriptionId === each) ?? [],
    ),
    complete: found.complete,
    needsSeen: found.needsSeen,
    time: deps.now().toISOString(),
  };
}

/**
 * Replaces scale sets by those that Azure Resource Manager returns, because Resource Graph may have
 * too few and too many.
 */
async function confirmed(
  { imageUsers }: Asks,
  subscriptionIds: readonly string[],
  names: ImageNames,
  found: FoundUsers,
): Promise<FoundUsers> {
  const sets: ImageUser[] = [];
  for (const each of subscriptionIds) sets.push(...(await imageUsers.listScaleSets(each, names)));
  return {
    ...found,
    users: [...sets, ...found.users.filter(({ kind }) => kind === "machine")],
  };
}

/**
 * The reason to list a subscription as not seen. Rethrows retryable errors, so that the caller asks
 * again.
 */
function notSeenFor(subscriptionId: string, error: unknown): NotSeen {
  if (!(error instanceof ServiceError) || error.retryable) throw error;
  return { subscriptionId, code: error.code, message: error.message };
}

/**
 * `latestIn`: canonical regions where the version is the latest, for users without a version
 * number.
 */
export function usersOf(
  { users }: Pick<ImageUse, "users">,
  names: ImageNames,
  latestIn: readonly string[],
): readonly ImageUser[] {
  return users.filter((user) => uses(user, names, latestIn));
}

/**
 * A machine was created from one version, whatever is the latest now. A scale set creates its next
 * one from whatever is the latest then.
 */
function uses(
  { kind, image, exactVersion, region }: ImageUser,
  { byNumber, versionNames }: ImageNames,
  latestIn: readonly string[],
): boolean {
  if (byNumber.includes(image)) return true;
  return kind === "machine" && exactVersion !== undefined
    ? versionNames.includes(exactVersion)
    : latestIn.includes(region);
}

/**
 * Without the version a scale set cannot create more machines, and a machine with an ephemeral OS
 * disk cannot be reimaged. Any other machine has its own disks.
 */
export function needsVersion({ kind, ephemeral }: ImageUser): boolean {
  return kind === "scaleSet" || ephemeral;
}
