import { ServiceError } from "../errors.js";
import { imageIdIn, parseImageVersionId } from "../resource-id.js";

/**
 * Which callers may write to which galleries, of those whose role lets them write at all. Without a policy every gallery
 * is open to them; with one, what no rule allows is refused.
 */
export interface GalleryPolicy {
  readonly rules: readonly GalleryPolicyRule[];
}

/** Each of its callers may write to each of its galleries. */
export interface GalleryPolicyRule {
  readonly callers: readonly CallerPattern[];
  readonly galleries: readonly GalleryPattern[];
}

/**
 * Callers by one of: the client application, acting for itself or for a person; the object id of an application's
 * identity or a person; an app role; the queue that a message was sent to.
 */
export type CallerPattern =
  | { readonly appId: string }
  | { readonly objectId: string }
  | { readonly role: string }
  | { readonly queue: string };

/** Names with `*` for any characters, compared without regard to case; a name that is left out is any. */
export interface GalleryPattern {
  readonly subscriptionId: string;
  readonly resourceGroupName?: string;
  readonly galleryName?: string;
}

/** Who writes: a principal of the API, or, for a message, its queue: it is trusted as far as the right to send to that. */
export type Caller =
  | {
      readonly appId?: string;
      readonly objectId?: string;
      readonly roles: readonly string[];
    }
  | { readonly queue: string };

/** What is written to: a gallery, or with the subscription alone something that all its galleries share. */
export interface WriteTarget {
  readonly subscriptionId: string;
  readonly resourceGroupName?: string;
  readonly galleryName?: string;
}

/** The queue that messages may come by. */
export const POLICY_QUEUES = ["image-version-requests"] as const;

/**
 * Whether `caller` may write to `target`. What a subscription's galleries share may be written to by whoever may write
 * to one of them.
 */
export function mayWrite(
  policy: GalleryPolicy | undefined,
  caller: Caller,
  target: WriteTarget,
): boolean {
  return (
    policy === undefined ||
    policy.rules.some(
      ({ callers, galleries }) =>
        callers.some((pattern) => isCaller(pattern, caller)) &&
        galleries.some((pattern) => isTarget(pattern, target)),
    )
  );
}

/** What a change of the resource that an operation is about writes to: its gallery, or its subscription. */
export function writeTargetOf(resourceId: string): WriteTarget {
  const id = parseImageVersionId(
    imageIdIn(resourceId) === undefined
      ? resourceId
      : `${resourceId}/versions/0.0.0`,
  );
  if (id !== undefined) return id;
  const subscriptionId = /^\/subscriptions\/([^/]+)/u.exec(resourceId)?.[1];
  if (subscriptionId === undefined)
    throw new TypeError(`${resourceId} is in no subscription`);
  return { subscriptionId };
}

/** Throws Forbidden, naming the target, unless `mayWrite`. */
export function requireMayWrite(
  policy: GalleryPolicy | undefined,
  caller: Caller,
  target: WriteTarget,
): void {
  if (mayWrite(policy, caller, target)) return;
  const { subscriptionId, resourceGroupName, galleryName } = target;
  const id =
    resourceGroupName === undefined || galleryName === undefined
      ? `/subscriptions/${subscriptionId}`
      : `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}/providers/Microsoft.Compute/galleries/${galleryName}`;
  throw new ServiceError(
    "Forbidden",
    `${"queue" in caller ? `Messages of the queue ${caller.queue}` : "This caller"} may not write to ${id}: no rule of the service's gallery policy allows it. Ask whoever deploys Sigil for one.`,
    { fields: { target: id } },
  );
}

function isCaller(pattern: CallerPattern, caller: Caller): boolean {
  if ("queue" in pattern)
    return "queue" in caller && caller.queue === pattern.queue;
  if ("queue" in caller) return false;
  if ("role" in pattern) return caller.roles.includes(pattern.role);
  const [held, given] =
    "appId" in pattern
      ? [caller.appId, pattern.appId]
      : [caller.objectId, pattern.objectId];
  return held !== undefined && lowerAscii(held) === lowerAscii(given);
}

function isTarget(pattern: GalleryPattern, target: WriteTarget): boolean {
  const fits = (wanted = "*", name: string | undefined): boolean =>
    name === undefined || matches(lowerAscii(wanted), lowerAscii(name));
  return (
    fits(pattern.subscriptionId, target.subscriptionId) &&
    fits(pattern.resourceGroupName, target.resourceGroupName) &&
    fits(pattern.galleryName, target.galleryName)
  );
}

/** In linear time, whatever the number of stars: the earliest place of each part is as good as any later one. */
function matches(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first)) return false;
  let offset = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, offset);
    if (found === -1) return false;
    offset = found + part.length;
  }
  return name.length - last.length >= offset && name.endsWith(last);
}

/** Not toLowerCase: it makes a k of U+212A, and a name of other letters would pass for one that a rule allows. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/gu, (letter) => letter.toLowerCase());
}
