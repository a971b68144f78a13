/**
 * Who uses an image version. Invariant: what could not be seen is in `notSeen`, and is never taken for unused: Resource Graph
 * leaves out in silence what it may not show, so each subscription is proven readable first.
 */
import { ServiceError } from "../errors.js";
import type { ImageVersionId } from "../resource-id.js";
import type { ImageNames } from "./names.js";
import type { ImageUser, UseDependencies } from "./ports.js";

export interface NotSeen {
  readonly subscriptionId: string;
  readonly code: string;
  readonly message: string;
}

export interface ImageUse {
  /** Those that use this very version. */
  readonly users: readonly ImageUser[];
  /** In lower case, the gallery's own first. */
  readonly subscriptions: readonly string[];
  readonly notSeen: readonly NotSeen[];
  /** False where there are more users than were read. */
  readonly complete: boolean;
  readonly time: string;
}

/** At once. */
const PROOFS_AT_ONCE = 10;

/** `latestIn`: canonical regions where the version is the latest, for those who name no number. */
export async function lookAtUse(
  deps: UseDependencies,
  id: ImageVersionId,
  names: ImageNames,
  latestIn: readonly string[],
): Promise<ImageUse> {
  const subscriptions = [
    ...new Set(
      [id.subscriptionId, ...deps.consumerSubscriptions].map((each) =>
        each.toLowerCase(),
      ),
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
    await Promise.all(
      subscriptions.slice(at, at + PROOFS_AT_ONCE).map((each) => prove(each)),
    );
  const readable = subscriptions.filter(
    (each) => !notSeen.some(({ subscriptionId }) => subscriptionId === each),
  );
  let found: Awaited<ReturnType<UseDependencies["imageUsers"]["find"]>> = {
    users: [],
    complete: true,
  };
  try {
    if (readable.length > 0)
      found = await deps.imageUsers.find(readable, names);
  } catch (error) {
    for (const each of readable) notSeen.push(notSeenFor(each, error));
  }
  return {
    users: found.users.filter((user) => uses(user, names, latestIn)),
    subscriptions,
    notSeen: subscriptions.flatMap(
      (each) =>
        notSeen.find(({ subscriptionId }) => subscriptionId === each) ?? [],
    ),
    complete: found.complete,
    time: deps.now().toISOString(),
  };
}

/** What passes is not said to be unseen: it is thrown, to be asked again. */
function notSeenFor(subscriptionId: string, error: unknown): NotSeen {
  if (!(error instanceof ServiceError) || error.retryable) throw error;
  return { subscriptionId, code: error.code, message: error.message };
}

/** A machine was made of one version, whatever is the latest now; a scale set makes its next one of what is the latest then. */
function uses(
  { kind, image, exactVersion, region }: ImageUser,
  { byNumber, versionName }: ImageNames,
  latestIn: readonly string[],
): boolean {
  if (byNumber.includes(image)) return true;
  return kind === "machine" && exactVersion !== undefined
    ? exactVersion === versionName
    : latestIn.includes(region);
}

/**
 * Without the version a scale set makes no more machines, and a machine whose disk is on its host cannot be reimaged. Any other
 * machine has disks of its own.
 */
export function needsVersion({ kind, ephemeral }: ImageUser): boolean {
  return kind === "scaleSet" || ephemeral;
}
