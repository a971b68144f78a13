import { ServiceError } from "../errors.js";
import type { UsedResource } from "../image-version/index.js";
import {
  imageIdIn,
  parseImageVersionId,
  parseResourceId,
  type ImageVersionId,
} from "../resource-id.js";

/**
 * Which callers with a write role may write to which galleries. Without a policy they may write to
 * all; with one, only what a rule allows.
 */
export interface GalleryPolicy {
  readonly rules: readonly GalleryPolicyRule[];
  /** Absent: no gates. */
  readonly gates?: readonly Gate[];
}

/** What versions of image definitions must pass before they come into latest. */
export interface Gate {
  readonly images: readonly ImagePattern[];
  /** In any spelling; absent: everywhere. */
  readonly regions?: readonly string[];
  readonly tests: readonly {
    readonly name: string;
    /**
     * Whose results count; absent: Sigil's or Azure's for their own tests, nobody's for any other.
     */
    readonly reporters?: readonly ReporterPattern[];
  }[];
}

export interface ImagePattern extends GalleryPattern {
  readonly imageName?: string;
}

export type ReporterPattern = Exclude<CallerPattern, { readonly role: string }>;

/** The gates of an image definition. */
export function gatesOf(
  gates: readonly Gate[],
  image: Omit<ImageVersionId, "versionName">,
): readonly Gate[] {
  return gates.filter(({ images }) => coversImage(images, image));
}

export function coversImage(
  patterns: readonly ImagePattern[],
  image: Omit<ImageVersionId, "versionName">,
): boolean {
  return patterns.some(
    (pattern) => isTarget(pattern, image) && fits(pattern.imageName, image.imageName),
  );
}

/**
 * Allows each of its callers to write to each of its galleries, from its sources and with its disk
 * encryption sets.
 */
interface GalleryPolicyRule {
  readonly callers: readonly CallerPattern[];
  readonly galleries: readonly GalleryPattern[];
  /** Absent: any. */
  readonly sources?: readonly ResourcePattern[];
  /** Absent: any. */
  readonly diskEncryptionSets?: readonly ResourcePattern[];
  /** For test machines. Absent: any. */
  readonly subnets?: readonly ResourcePattern[];
}

/** A resource whose use a policy's rules may limit. */
export type LimitedResource = Omit<UsedResource, "kind"> & {
  readonly kind: UsedResource["kind"] | "subnets";
};

/**
 * Matches callers by one of: the client application, acting for itself or for a person; the object
 * id of an application's identity or a person; an app role; the queue of a message.
 */
type CallerPattern =
  | { readonly appId: string }
  | { readonly objectId: string }
  | { readonly role: string }
  | { readonly queue: string };

/** Names with `*` for any characters, compared without case. An omitted name matches any. */
export interface GalleryPattern {
  readonly subscriptionId: string;
  readonly resourceGroupName?: string;
  readonly galleryName?: string;
}

/**
 * Like a gallery's. `name` is the resource's own; for an image version its gallery's, for a subnet
 * its network's.
 */
interface ResourcePattern {
  readonly subscriptionId: string;
  readonly resourceGroupName?: string;
  readonly name?: string;
}

/**
 * Who writes: a principal of the API, or a message's queue, which is trusted because only permitted
 * senders can send to it.
 */
export type Caller =
  | {
      readonly appId?: string;
      readonly objectId?: string;
      readonly roles: readonly string[];
    }
  | { readonly queue: string };

/**
 * The target of a write: a gallery or, with only the subscription, something that all its galleries
 * share.
 */
export interface WriteTarget {
  readonly subscriptionId: string;
  readonly resourceGroupName?: string;
  readonly galleryName?: string;
}

/** The queues of messages. */
export const POLICY_QUEUES = ["image-version-requests"] as const;

/**
 * Whether `caller` may write to `target`. Whoever may write to one of a subscription's galleries
 * may also write to what they share.
 */
export function mayWrite(
  policy: GalleryPolicy | undefined,
  caller: Caller,
  target: WriteTarget,
): boolean {
  return policy === undefined || rulesFor(policy, caller, target).length > 0;
}

function rulesFor(
  { rules }: GalleryPolicy,
  caller: Caller,
  target: WriteTarget,
): readonly GalleryPolicyRule[] {
  return rules.filter(
    ({ callers, galleries }) =>
      callers.some((pattern) => isCaller(pattern, caller)) &&
      galleries.some((pattern) => isTarget(pattern, target)),
  );
}

const WORDS = {
  sources: { code: "SourceNotAllowed", may: "publish", what: "source" },
  diskEncryptionSets: {
    code: "DiskEncryptionSetNotAllowed",
    may: "encrypt with",
    what: "disk encryption set",
  },
  subnets: {
    code: "SubnetNotAllowed",
    may: "place test machines in",
    what: "subnet",
  },
} as const;

/**
 * Throws Forbidden with a finding for each resource that no rule for this caller and target allows.
 * A resource outside any subscription is allowed if a rule has no limit for its kind.
 */
export function requireMayUse(
  policy: GalleryPolicy | undefined,
  caller: Caller,
  target: WriteTarget,
  resources: readonly LimitedResource[],
): void {
  if (policy === undefined) return;
  const rules = rulesFor(policy, caller, target);
  const refused = resources.filter(
    ({ kind, id }) =>
      !rules.some(
        ({ [kind]: patterns }) =>
          patterns === undefined || patterns.some((pattern) => isResource(pattern, id)),
      ),
  );
  if (refused.length === 0) return;
  const who = nameOf(caller);
  const gallery = idOf(target);
  throw new ServiceError(
    "Forbidden",
    `${who} may not use ${refused.length} of the resources that the request names; each is listed under errors. Ask the operator of Sigil for a rule in its gallery policy.`,
    {
      fields: { target: gallery },
      findings: refused.map(({ kind, pointer, id }) => ({
        code: WORDS[kind].code,
        pointer,
        message: `${who} may not ${WORDS[kind].may} ${id} in ${gallery}: no rule of Sigil's gallery policy allows it.`,
        severity: "error",
        remediation: `Use a ${WORDS[kind].what} that a rule names, or ask the operator of Sigil to add this one to \`${kind}\` of the rule for the gallery.`,
      })),
    },
  );
}

/** The write target of an operation's resource: its gallery, or its subscription. */
export function writeTargetOf(resourceId: string): WriteTarget {
  const id = parseImageVersionId(
    imageIdIn(resourceId) === undefined ? resourceId : `${resourceId}/versions/0.0.0`,
  );
  if (id !== undefined) return id;
  const subscriptionId = /^\/subscriptions\/([^/]+)/u.exec(resourceId)?.[1];
  if (subscriptionId === undefined) throw new TypeError(`${resourceId} is in no subscription`);
  return { subscriptionId };
}

/** Throws Forbidden, naming the target, unless `mayWrite`. */
export function requireMayWrite(
  policy: GalleryPolicy | undefined,
  caller: Caller,
  target: WriteTarget,
): void {
  if (mayWrite(policy, caller, target)) return;
  const id = idOf(target);
  throw new ServiceError(
    "Forbidden",
    `${nameOf(caller)} may not write to ${id}: no rule of Sigil's gallery policy allows it. Ask the operator of Sigil for one.`,
    { fields: { target: id } },
  );
}

function nameOf(caller: Caller): string {
  return "queue" in caller ? `Messages of the queue ${caller.queue}` : "This caller";
}

function idOf(target: WriteTarget): string {
  const { subscriptionId, resourceGroupName, galleryName } = target;
  return resourceGroupName === undefined || galleryName === undefined
    ? `/subscriptions/${subscriptionId}`
    : `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}/providers/Microsoft.Compute/galleries/${galleryName}`;
}

function isCaller(pattern: CallerPattern, caller: Caller): boolean {
  if ("queue" in pattern) return "queue" in caller && caller.queue === pattern.queue;
  if ("queue" in caller) return false;
  if ("role" in pattern) return caller.roles.includes(pattern.role);
  const [held, given] =
    "appId" in pattern ? [caller.appId, pattern.appId] : [caller.objectId, pattern.objectId];
  return held !== undefined && lowerAscii(held) === lowerAscii(given);
}

/** Text that is not a resource id matches no pattern. */
function isResource(pattern: ResourcePattern, id: string): boolean {
  const resource = parseResourceId(id);
  return (
    resource !== undefined &&
    fits(pattern.subscriptionId, resource.subscriptionId) &&
    fits(pattern.resourceGroupName, resource.resourceGroupName) &&
    fits(pattern.name, resource.names[0])
  );
}

function fits(wanted = "*", name: string | undefined): boolean {
  return name === undefined || matches(lowerAscii(wanted), lowerAscii(name));
}

function isTarget(pattern: GalleryPattern, target: WriteTarget): boolean {
  return (
    fits(pattern.subscriptionId, target.subscriptionId) &&
    fits(pattern.resourceGroupName, target.resourceGroupName) &&
    fits(pattern.galleryName, target.galleryName)
  );
}

/**
 * In linear time, however many stars there are: the earliest match of each part is as good as a
 * later one.
 */
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

/** Unlike toLowerCase, which turns U+212A into k, so that another name could match a rule. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/gu, (letter) => letter.toLowerCase());
}
